"""Exercise of notebook 15: how long a training will take."""

import math

from course_utils.exercises.core import Exercise, Mistake, Probe

SECONDS_A_DAY = 24 * 60 * 60


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
    return 6 * n_parameters * n_tokens / (n_gpus * peak * mfu) / SECONDS_A_DAY


def _checked(n, d, g, p, mfu, *, change) -> float:
    """The right answer to inputs that make sense, changed; what makes none is refused as it should be."""
    return change(training_days.reference(n, d, g, p, mfu))


def _percent(n, d, g, p, mfu) -> float:
    return training_days.reference(n, d, g, p, mfu / 100 if mfu > 1 else mfu)


training_days = Exercise(
    training_days,
    shown="all operations, divided by what the cluster does in a day.",
    hints=(
        "How many operations are needed, and how many does the whole cluster do in a second?",
        "6 operations per parameter and token: 2 forward, 4 backward. A cluster does n_gpus * peak * mfu a second.",
        "6 * n_parameters * n_tokens / (n_gpus * peak * mfu) are seconds; a day has 86,400. First raise ValueError if "
        "n_gpus < 1 or mfu isn't above 0 and at most 1.",
    ),
    probes=(
        Probe(
            "one GPU at its peak",
            (10**9, 28_800_000_000, 1, 1e15, 1.0),
            "6 x 1e9 x 28.8e9 operations at 1e15 a second are 172,800 seconds: two days.",
        ),
        Probe("three fifths of the peak", (10**9, 28_800_000_000, 1, 1e15, 0.6), "Slower, so longer: 3.33 days."),
        Probe(
            "eight GPUs", (10**9, 28_800_000_000, 8, 1e15, 0.5), "Half the peak, eight times: a quarter of the time."
        ),
        Probe(
            "a 7 B model, 2 T tokens",
            (6_738_415_616, 2_000_000_000_000, 1024, 989e12, 0.4),
            "Everything at once: 8.1e22 operations on 1,024 GPUs.",
        ),
        Probe(
            "a percentage instead of a share",
            (10**9, 28_800_000_000, 1, 1e15, 40),
            "Nothing is 40 times as fast as its peak: raise ValueError and say so.",
        ),
        Probe(
            "a cluster that does nothing",
            (10**9, 28_800_000_000, 1, 1e15, 0.0),
            "At 0 % of the peak it never ends: raise ValueError and say so.",
        ),
        Probe("no GPU", (10**9, 28_800_000_000, 0, 1e15, 0.4), "Nobody works: raise ValueError and say so."),
    ),
    mistakes=(
        Mistake(
            lambda n, d, g, p, mfu: 2 * n * d / (g * p * mfu) / SECONDS_A_DAY,
            "2 operations per parameter and token are the forward pass. Backward takes twice as many more: 6.",
        ),
        Mistake(
            lambda n, d, g, p, mfu: 4 * n * d / (g * p * mfu) / SECONDS_A_DAY,
            "4 operations per parameter and token are the backward pass. The forward pass takes 2 more: 6.",
        ),
        Mistake(
            lambda n, d, g, p, mfu: 3 * n * d / (g * p * mfu) / SECONDS_A_DAY,
            "a weight is multiplied and added: 2 operations each time, 3 times, so 6.",
        ),
        Mistake(
            lambda n, d, g, p, mfu: n * d / (g * p * mfu) / SECONDS_A_DAY,
            "the factor 6 is missing: 2 operations forward and 4 backward, per parameter and token.",
        ),
        Mistake(
            lambda n, d, g, p, mfu: 6 * n * d / (g * p * mfu),
            "these are seconds. A day has 86,400 of them.",
        ),
        Mistake(lambda n, d, g, p, mfu: 6 * n * d / (g * p * mfu) / 60, "these are minutes. A day has 1,440 of them."),
        Mistake(lambda n, d, g, p, mfu: 6 * n * d / (g * p * mfu) / 3600, "these are hours. A day has 24 of them."),
        Mistake(
            lambda n, d, g, p, mfu: 6 * n / (g * p * mfu) / SECONDS_A_DAY,
            "this is the time of one token. Multiply by n_tokens.",
        ),
        Mistake(
            lambda n, d, g, p, mfu: 6 * n * d / (g * p * mfu / 100) / SECONDS_A_DAY,
            "mfu is a share, 0.4 for 40 %. Don't divide it by 100.",
        ),
        Mistake(
            lambda n, d, g, p, mfu: (g * p * mfu) / (6 * n * d) * SECONDS_A_DAY,
            "this is upside down: trainings per day.",
        ),
        Mistake(
            lambda n, d, g, p, mfu: 6 * n * d / (g * p) / SECONDS_A_DAY,
            "you let the GPUs work at their peak. They reach mfu of it.",
        ),
        Mistake(
            lambda n, d, g, p, mfu: 6 * n * d / (g * p) * mfu / SECONDS_A_DAY,
            "you multiplied by mfu. A GPU that reaches less of its peak takes longer: divide.",
        ),
        Mistake(
            lambda n, d, g, p, mfu: float(round(6 * n * d / (g * p * mfu) / SECONDS_A_DAY)),
            "you rounded to whole days. Round only what you print.",
        ),
        Mistake(
            lambda n, d, g, p, mfu: float(math.ceil(6 * n * d / (g * p * mfu) / SECONDS_A_DAY)),
            "you rounded up to whole days. Round only what you print.",
        ),
        Mistake(
            lambda n, d, g, p, mfu: 6 * n * d / (p * mfu) / SECONDS_A_DAY,
            "this is one GPU. n_gpus of them work at the same time: divide.",
        ),
        Mistake(
            lambda n, d, g, p, mfu: 6 * n * d / (p * mfu) * g / SECONDS_A_DAY,
            "you multiplied by n_gpus: these are GPU-days. The cluster is faster than one GPU: divide.",
        ),
        Mistake(
            lambda n, d, g, p, mfu: 6 * n * d / (g * p * mfu) / SECONDS_A_DAY,
            "an mfu above 1 can't be: probably a percentage. Raise ValueError.",
        ),
        Mistake(
            _percent,
            "you guessed that 40 means 40 %. Whoever gives 1 may mean 1 % or all of it: raise ValueError.",
        ),
        Mistake(
            lambda n, d, g, p, mfu: _checked(n, d, g, p, mfu, change=float) if mfu else math.inf,
            "a training that never ends is no plan: raise ValueError.",
        ),
        Mistake(
            lambda n, d, g, p, mfu: _checked(n, d, g, p, mfu, change=float) if g else math.inf,
            "without a GPU there is no plan: raise ValueError, and say which argument is wrong.",
        ),
    ),
)
