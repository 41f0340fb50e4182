"""How many windows a GPU can have in memory: the memory budget, turned round."""

import math

from course_utils.exercises.core import Exercise, probes


def windows_that_fit(
    n_bytes: float, n_parameters: int, n_gpus: int, n_layers: int, d_model: int, context_length: int, recompute: bool
) -> int:
    """Return how many windows can be in a GPU's memory at once, beside its share of the state.

    Args:
        n_bytes: of one GPU.
        n_parameters: with 16 bytes of state each, shared out over all GPUs.
        n_gpus: how many share the state.
        n_layers: blocks, which keep 34 bytes per token and unit of width.
        d_model: the width.
        context_length: tokens of a window.
        recompute: each block keeps 2 of the 34 bytes, and the one that is open has all 34 on top, for every window.

    Raises:
        ValueError: n_gpus is below 1.

    Source: Korthikanti et al. (2022), "Reducing Activation Recomputation in Large Transformer Models".
    """
    if n_gpus < 1:
        raise ValueError(f"n_gpus must be at least 1, got {n_gpus}")
    left = n_bytes - 16 * n_parameters / n_gpus
    per_unit = 2 * n_layers + 34 if recompute else 34 * n_layers
    return max(0, math.floor(left / (per_unit * context_length * d_model)))


SMALL = (10, 100, 1000)  # layers, width, tokens: a window keeps 34 MB, and 5.4 MB with recomputation

exercise = Exercise(
    windows_that_fit,
    minutes=20,
    difficulty=2,
    shown="what the state leaves free, divided by what a window keeps.",
    hints=(
        "First the state: 16 bytes for each parameter, of which a GPU holds its share. What is left for activations?",
        "One window keeps 34 * n_layers * context_length * d_model bytes. With recomputation it is 2 instead of 34 in "
        "each block, and 34 once more for the block that is open.",
        "left = n_bytes - 16 * n_parameters / n_gpus; per window (2 * n_layers + 34 if recompute else 34 * n_layers) * "
        "context_length * d_model; the quotient rounded down, but at least 0.",
    ),
    probes=probes(
        ("no state, room for two", 80e6, 0, 1, *SMALL, False),
        "A window keeps 34 x 10 x 1000 x 100 bytes, 34 MB: two of them fit into 80 MB.",
        ("a state on one GPU", 800e6, 10**7, 1, *SMALL, False),
        "160 MB are taken by the state: 640 MB are left for 18 windows of 34 MB.",
        ("the state shared out", 800e6, 10**7, 8, *SMALL, False),
        "Each of 8 GPUs holds 20 MB of the state: 780 MB are left, for 22 windows.",
        ("recomputation", 800e6, 10**7, 8, *SMALL, True),
        "A window keeps 2 x 10 + 34 units of 100,000 bytes, 5.4 MB: 144 of them fit into 780 MB.",
        ("not even the state", 10e6, 10**6, 1, *SMALL, False),
        "16 MB of state don't fit into 10 MB: 0 windows, not a negative number.",
        ("70 B on 1,024 GPUs", 80e9, 68_976_648_192, 1024, 80, 8192, 4096, True),
        "The state takes 1.1 GB, a window 6.5 GB: 12 of them.",
        ("no GPU", 80e6, 10**6, 0, *SMALL, False),
        "Without a GPU there is no memory: raise ValueError and say so.",
    ),
    hidden=probes(
        ("another shape", 3e9, 70_000_000, 4, 7, 512, 2048, True),
        "Use each input once; of a window only a whole number fits.",
        ("another shape, everything kept", 3e9, 70_000_000, 4, 7, 512, 2048, False),
        "Without recomputation each block keeps all 34 bytes.",
        ("fewer GPUs than none", 80e6, 10**6, -2, *SMALL, False),
        "Refuse every number of GPUs below 1.",
    ),
)


def fit(*args, state=16.0, shared=True, kept=2, opened=34, whole=math.floor, negative=False, heavy=True):
    n_bytes, parameters, gpus, layers, width, tokens, recompute = args
    if gpus < 1:
        raise ValueError("n_gpus")
    left = n_bytes - state * parameters / (gpus if shared else 1)
    units = kept * layers + opened if recompute else 34 * layers if heavy else 34
    return whole(left / (units * tokens * width)) if negative else max(0, whole(left / (units * tokens * width)))


exercise.add_mistakes(
    "you shared out the activations too. Each GPU keeps those of its own windows; only the state is shared out.",
    lambda *args: fit(args[0] * args[2], args[1], min(args[2], 1), *args[3:]),
    "you forgot that a window has context_length tokens.",
    lambda *args: fit(*args[:5], 1, args[6]),
    "you forgot d_model: the 34 bytes are those of one unit of the width.",
    lambda *args: fit(*args[:4], 1, *args[5:]),
    "the open block has the activations of all windows, 34 bytes per token and unit in each, not of one alone.",
    lambda *args: fit(args[0] - 34 * args[4] * args[5] * args[6], *args[1:], opened=0),
    "you exchanged the two cases: with recomputation a window keeps less.",
    lambda *args: fit(*args[:6], not args[6]),
    "you forgot the state: 16 bytes for each parameter are taken before the first window.",
    lambda *args: fit(*args, state=0),
    "you counted the weights alone, 2 bytes. Gradients and the optimizer's state come on top: 16.",
    lambda *args: fit(*args, state=2),
    "12 bytes leave out the fp32 weights. The task counts 16 for each parameter.",
    lambda *args: fit(*args, state=12),
    "you keep the whole state on each GPU. Stage 3 shares it out: divide by n_gpus.",
    lambda *args: fit(*args, shared=False),
    "this is one block. All n_layers of them keep their activations.",
    lambda *args: fit(*args, heavy=False),
    "you rounded to the nearest number. Half a window doesn't fit: round down.",
    lambda *args: fit(*args, whole=round),
    "you rounded up. The last window doesn't fit any more: round down.",
    lambda *args: fit(*args, whole=math.ceil),
    "with recomputation one block at a time is open, and its 34 bytes need room too.",
    lambda *args: fit(*args, opened=0),
    "recomputation changes nothing in your answer. Each block keeps 2 of its 34 bytes.",
    lambda *args: fit(*args[:6], False),
    "with recomputation each block keeps its input, 2 bytes, and not nothing.",
    lambda *args: fit(*args, kept=0),
    "a negative number of windows makes no sense: if the state doesn't fit, the answer is 0.",
    lambda *args: fit(*args, negative=True),
    "without a GPU there is no memory. It should not give a number: raise ValueError.",
    lambda *args: 0 if args[2] == 0 else fit(*args),
)
