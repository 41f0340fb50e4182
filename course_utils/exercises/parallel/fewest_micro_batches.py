"""How finely a batch must be cut to keep a pipeline busy."""

import math
from itertools import count

from course_utils.exercises.core import Exercise, probes


def fewest_micro_batches(n_stages: int, bubble: float) -> int:
    """Return the smallest number of micro-batches with which at most `bubble` of a pipeline's time is idle.

    With s stages and m micro-batches the idle share is (s - 1) / (m + s - 1).

    Args:
        n_stages: s.
        bubble: the largest share allowed, between 0 and 1.

    Raises:
        ValueError: no stage, or a share that isn't between 0 and 1.

    Source: Huang et al. (2019), "GPipe: Efficient Training of Giant Neural Networks using Pipeline Parallelism".
    """
    if n_stages < 1:
        raise ValueError(f"n_stages must be at least 1, got {n_stages}")
    if not 0 < bubble < 1:
        raise ValueError(f"bubble is a share of the time, between 0 and 1, got {bubble}")
    fill = n_stages - 1
    return next(m for m in count(1) if fill / (m + fill) <= bubble)  # a quotient, compared: no rounding to mistrust


exercise = Exercise(
    fewest_micro_batches,
    minutes=15,
    difficulty=2,
    shown="enough slots of work beside the s - 1 that fill and drain the pipeline.",
    hints=(
        "A batch of m micro-batches takes m + s - 1 slots. In s - 1 of them a stage is idle.",
        "You want the smallest whole m, from 1 on, with (s - 1) / (m + s - 1) <= bubble.",
        "Try m = 1, 2, 3, ... until the share is small enough. (Or solve for m: m >= (s - 1) / bubble - (s - 1), and "
        "round up, but mind that 12.000000000000002 rounds up to 13.) First refuse fewer than 1 stage and shares "
        "outside 0 .. 1.",
    ),
    probes=probes(
        ("a quarter idle", 5, 0.25),
        "4 idle slots may be a quarter of all: 16 slots, of which 12 work.",
        ("a bound that isn't whole", 4, 0.35),
        "With 5 micro-batches 3 of 8 slots are idle, more than 0.35.",
        ("always up", 4, 0.32),
        "With 6 micro-batches 3 of 9 slots are idle, which is more than 0.32.",
        ("a long pipeline", 16, 0.05),
        "15 idle slots may be a twentieth: 300 slots, of which 285 work.",
        ("4 stages, a fifth", 4, 0.2),
        "3 of 15 slots are idle: 12. In floats, 3 * (1 - 0.2) / 0.2 is 12.000000000000002.",
        ("16 stages, 6 %", 16, 0.06),
        "15 of 250 slots are idle: 235. In floats, 15 * (1 / 0.06 - 1) is 235.00000000000003.",
        ("one stage", 1, 0.1),
        "Without a pipeline nothing is idle: one micro-batch, the whole batch.",
        ("nearly all idle", 2, 0.9),
        "Even one micro-batch leaves only half idle; fewer than one can't be.",
        ("no stage", 0, 0.1),
        "A pipeline has at least one stage: raise ValueError and say so.",
        ("more than all", 4, 1.5),
        "A share of the time is at most 1: raise ValueError and say so.",
    ),
    hidden=probes(
        ("another pipeline", 12, 0.15),
        "Of m + s - 1 slots s - 1 are idle, in any pipeline.",
        ("a negative number of stages", -2, 0.1),
        "Refuse every number of stages below 1.",
    ),
)

bound = lambda n_stages, bubble: (n_stages - 1) * (1 - bubble) / bubble  # solved for m, which is at least this

exercise.add_mistakes(
    "you compared the idle slots with the working ones, (s - 1) / m. The share is of all slots, m + s - 1.",
    lambda n_stages, bubble: math.ceil((n_stages - 1) / bubble),
    "a stage waits for s - 1 slots, not for s: the first stage starts at once.",
    lambda n_stages, bubble: math.ceil(n_stages / bubble - n_stages),
    "there are m + s - 1 slots, not m + s.",
    lambda n_stages, bubble: math.ceil((n_stages - 1) / bubble - n_stages),
    "four micro-batches for each stage is a rule of thumb. The task asks for the smallest number that is enough.",
    lambda n_stages, bubble: 4 * n_stages,
    "you let the pipeline work for that share. It may be idle for it.",
    lambda n_stages, bubble: math.ceil(bound(n_stages, 1 - bubble)),
    "one too many: a share of exactly `bubble` is allowed. At most, not less than.",
    lambda n_stages, bubble: math.floor(bound(n_stages, bubble)) + 1,
    "you exchanged stages and micro-batches: s - 1 slots are idle, however many micro-batches there are.",
    lambda n_stages, bubble: next(m for m in count(1) if (m - 1) / (m + n_stages - 1) <= bubble),
    "you rounded down. Then the share is larger than allowed: round up.",
    lambda n_stages, bubble: math.floor(bound(n_stages, bubble)),
    "you rounded to the nearest number. Below the bound the share is larger than allowed: round up.",
    lambda n_stages, bubble: round(bound(n_stages, bubble)),
    "rounding in floats: 3 * (1 - 0.2) / 0.2 is 12.000000000000002, which rounds up to 13. Compare the share "
    "of each m instead.",
    lambda n_stages, bubble: math.ceil(bound(n_stages, bubble)),
    "rounding in floats: 15 * (1 / 0.06 - 1) is 235.00000000000003, which rounds up to 236. Compare the share "
    "of each m instead.",
    lambda n_stages, bubble: math.ceil((n_stages - 1) * (1 / bubble - 1)),
    "no micro-batch is no batch: there is at least one.",
    lambda n_stages, bubble: math.ceil(bound(n_stages, bubble) - 1e-9),
    "no stage is no pipeline. It should not give a number: raise ValueError.",
    lambda n_stages, bubble: max(1, math.ceil(bound(n_stages, bubble) - 1e-9)),
    "more than all of the time can't be idle. A percentage given as a share? Raise ValueError.",
    lambda n_stages, bubble: fewest_micro_batches(n_stages, min(bubble, 0.999)),
)
