"""How long a training takes."""

import math

from course_utils.exercises.core import Exercise, probes

WORK = 10**9, 28_800_000_000  # parameters and tokens


def training_days(n_parameters: int, n_tokens: int, n_gpus: int, peak: float, mfu: float) -> float:
    """Return the days that a training takes: 6 x parameters x tokens operations, on n_gpus x peak x mfu a second.

    Args:
        n_parameters: weights that multiply something.
        n_tokens: to train on.
        n_gpus: how many work together.
        peak: operations per second of one GPU.
        mfu: the share of the peak that is used, above 0 and at most 1.

    Raises:
        ValueError: no GPU, or a share that isn't one.

    Source: Kaplan et al. (2020), "Scaling Laws for Neural Language Models", section 2.1.
    """
    if n_gpus < 1:
        raise ValueError(f"n_gpus must be at least 1, got {n_gpus}")
    if not 0 < mfu <= 1:
        raise ValueError(f"mfu is a share of the peak, above 0 and at most 1, got {mfu}")
    return 6 * n_parameters * n_tokens / (n_gpus * peak * mfu) / (24 * 60 * 60)


exercise = Exercise(
    training_days,
    minutes=10,
    difficulty=1,
    shown="all operations, divided by what the cluster does in a day.",
    hints=(
        "How many operations are needed, and how many does the whole cluster do in a second?",
        "6 operations per parameter and token: 2 forward, 4 backward. A cluster does n_gpus * peak * mfu a second.",
        "6 * n_parameters * n_tokens / (n_gpus * peak * mfu) are seconds; a day has 86,400. First raise ValueError if "
        "n_gpus < 1 or mfu isn't above 0 and at most 1.",
    ),
    probes=probes(
        ("one GPU at its peak", *WORK, 1, 1e15, 1.0),
        "6 x 1e9 x 28.8e9 operations at 1e15 a second are 172,800 seconds: two days.",
        ("three fifths of the peak", *WORK, 1, 1e15, 0.6),
        "Slower, so longer: 3.33 days.",
        ("eight GPUs", *WORK, 8, 1e15, 0.5),
        "Half the peak, eight times: a quarter of the time.",
        ("a 7 B model, 2 T tokens", 6_738_415_616, 2_000_000_000_000, 1024, 989e12, 0.4),
        "Everything at once: 8.1e22 operations on 1,024 GPUs.",
        ("a percentage instead of a share", *WORK, 1, 1e15, 40),
        "Nothing is 40 times as fast as its peak: raise ValueError and say so.",
        ("no speed", *WORK, 1, 1e15, 0.0),
        "At 0 % of the peak it never ends: raise ValueError and say so.",
        ("no GPU", *WORK, 0, 1e15, 0.4),
        "Nobody works: raise ValueError and say so.",
    ),
    hidden=probes(
        ("a cluster of another speed", 2 * 10**8, 7 * 10**9, 3, 3e14, 0.35),
        "Use each of the five inputs once.",
        ("less than nothing", *WORK, 8, 1e15, -0.5),
        "Refuse every mfu that is no share.",
    ),
)

days = lambda operations, a_second: operations / a_second / (24 * 60 * 60)

exercise.add_mistakes(
    "2 operations per parameter and token are the forward pass. Backward takes twice as many more: 6.",
    lambda n_parameters, n_tokens, n_gpus, peak, mfu: days(2 * n_parameters * n_tokens, n_gpus * peak * mfu),
    "4 operations per parameter and token are the backward pass. The forward pass takes 2 more: 6.",
    lambda n_parameters, n_tokens, n_gpus, peak, mfu: days(4 * n_parameters * n_tokens, n_gpus * peak * mfu),
    "a weight is multiplied and added: 2 operations each time, 3 times, so 6.",
    lambda n_parameters, n_tokens, n_gpus, peak, mfu: days(3 * n_parameters * n_tokens, n_gpus * peak * mfu),
    "8 operations are those of a training with recomputation. The task counts 6.",
    lambda n_parameters, n_tokens, n_gpus, peak, mfu: days(8 * n_parameters * n_tokens, n_gpus * peak * mfu),
    "the factor 6 is missing: 2 operations forward and 4 backward, per parameter and token.",
    lambda n_parameters, n_tokens, n_gpus, peak, mfu: days(n_parameters * n_tokens, n_gpus * peak * mfu),
    "these are seconds. A day has 86,400 of them.",
    lambda *args: training_days(*args) * 24 * 60 * 60,
    "these are minutes. A day has 1,440 of them.",
    lambda *args: training_days(*args) * 24 * 60,
    "these are hours. A day has 24 of them.",
    lambda *args: training_days(*args) * 24,
    "these are years. The task asks for days.",
    lambda *args: training_days(*args) / 365,
    "these are years. The task asks for days.",
    lambda *args: training_days(*args) / 365.25,
    "this is the time of one token. Multiply by n_tokens.",
    lambda n_parameters, n_tokens, n_gpus, peak, mfu: days(6 * n_parameters, n_gpus * peak * mfu),
    "mfu is a share, 0.4 for 40 %. Don't divide it by 100.",
    lambda n_parameters, n_tokens, n_gpus, peak, mfu: days(6 * n_parameters * n_tokens, n_gpus * peak * mfu / 100),
    "this is upside down: trainings per day.",
    lambda *args: 1 / training_days(*args),
    "you let the GPUs work at their peak. They reach mfu of it.",
    lambda n_parameters, n_tokens, n_gpus, peak, mfu: days(6 * n_parameters * n_tokens, n_gpus * peak),
    "you multiplied by mfu. A GPU that reaches less of its peak takes longer: divide.",
    lambda n_parameters, n_tokens, n_gpus, peak, mfu: days(6 * n_parameters * n_tokens * mfu, n_gpus * peak),
    "you rounded to whole days. Round only what you print.",
    lambda *args: round(training_days(*args), 0),
    "you rounded up to whole days. Round only what you print.",
    lambda *args: float(math.ceil(training_days(*args))),
    "this is one GPU. n_gpus of them work at the same time: divide.",
    lambda n_parameters, n_tokens, n_gpus, peak, mfu: days(6 * n_parameters * n_tokens, peak * mfu),
    "you multiplied by n_gpus: these are GPU-days. The cluster is faster than one GPU: divide.",
    lambda n_parameters, n_tokens, n_gpus, peak, mfu: days(6 * n_parameters * n_tokens * n_gpus, peak * mfu),
    "an mfu above 1 can't be: probably a percentage. Raise ValueError.",
    lambda n_parameters, n_tokens, n_gpus, peak, mfu: days(6 * n_parameters * n_tokens, n_gpus * peak * mfu),
    "you guessed that 40 means 40 %. Whoever gives 1 may mean 1 % or all of it: raise ValueError.",
    lambda *args: training_days(*[*args[:4], args[4] / 100 if args[4] > 1 else args[4]]),  # mfu
    "a training that never ends is no plan: raise ValueError.",
    lambda *args: training_days(*args) if args[4] else math.inf,  # mfu
    "without a GPU there is no plan: raise ValueError, and say which argument is wrong.",
    lambda *args: training_days(*args) if args[2] else math.inf,  # n_gpus
)
