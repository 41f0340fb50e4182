"""An experiment: all wait for the slowest."""

import math

from course_utils.exercises.core import Exercise, probes


def seconds_of_a_step(n_gpus: int, jitter: float) -> float:
    """Return how long a step takes on average if each GPU needs 1 second and a delay, and all wait for the slowest.

    The largest of G exponential delays is on average 1 + 1/2 + ... + 1/G times their mean: until the first of G ends
    it takes a G-th of the mean, then a (G - 1)-th until the next, and so on.

    Args:
        n_gpus: G.
        jitter: the mean of the delays, in seconds.

    Raises:
        ValueError: n_gpus is below 1, or jitter below 0.
    """
    if n_gpus < 1:
        raise ValueError(f"n_gpus must be at least 1, got {n_gpus}")
    if jitter < 0:
        raise ValueError(f"jitter must not be negative, got {jitter}")
    return 1 + jitter * sum(1 / k for k in range(1, n_gpus + 1))


exercise = Exercise(
    seconds_of_a_step,
    minutes=20,
    difficulty=3,
    shown="the more GPUs, the longer the slowest takes: it grows like the logarithm of their number.",
    hints=(
        "Simulate first: 1 + rng.exponential(jitter, (20_000, G)).max(axis=1).mean(). What is added when G doubles?",
        "With G = 1 the delay is jitter, with 2 it is 1.5 times, with 3 it is 1.8333 times, with 4 it is 2.0833 times. "
        "Look at the differences.",
        "The differences are 1/2, 1/3, 1/4: 1 + jitter * sum(1 / k for k in range(1, n_gpus + 1)). ValueError for "
        "fewer than one GPU and for a negative jitter.",
    ),
    probes=probes(
        ("one GPU", 1, 0.1),
        "Alone it waits for nobody: exactly 1.1 seconds on average. (A simulation only comes near.)",
        ("two GPUs", 2, 0.1),
        "The larger of two delays is on average 1.5 times their mean.",
        ("four GPUs", 4, 0.1),
        "1 + 1/2 + 1/3 + 1/4 times the mean.",
        ("no delay", 8, 0.0),
        "Nobody is late: 1 second.",
        ("a machine", 8, 0.5),
        "Twice the mean is twice the delay, and the second of work stays what it is.",
        ("a cluster", 1024, 0.1),
        "7.5088 times the mean: more than the logarithm of 1,024, which is 6.93.",
        ("no GPU", 0, 0.1),
        "Nobody works: raise ValueError and say so.",
        ("a negative delay", 4, -0.1),
        "No one can be early on average: raise ValueError and say so.",
    ),
    hidden=probes(
        ("another cluster", 37, 0.03),
        "The law holds for each number of GPUs, powers of two or not.",
        ("fewer than none", -3, 0.1),
        "Refuse every number of GPUs below 1.",
    ),
)


def step(n_gpus, jitter, largest):
    if n_gpus < 1 or jitter < 0:
        raise ValueError("n_gpus or jitter")
    return 1 + jitter * largest(n_gpus)


def harmonic(n):
    return sum(1 / k for k in range(1, n + 1))


exercise.add_mistakes(
    "this is the average GPU. The step ends when the slowest is ready.",
    lambda n_gpus, jitter: step(n_gpus, jitter, lambda n: 1),
    "the delays don't add up: all GPUs work at the same time, and the largest delay counts.",
    lambda n_gpus, jitter: step(n_gpus, jitter, lambda n: n),
    "the logarithm is what it grows like, but it is exact for no number of GPUs. Look at the differences from 1 to 2, "
    "2 to 3, 3 to 4.",
    lambda n_gpus, jitter: step(n_gpus, jitter, lambda n: math.log(n) + 0.5772156649),
    "one GPU has a delay too: alone it needs 1 + jitter. A logarithm begins too low, and so does a sum that stops one "
    "term short. Look at the differences from 1 to 2, 2 to 3, 3 to 4.",
    lambda n_gpus, jitter: step(n_gpus, jitter, math.log),
    "each doubling doesn't add the same. From 1 to 2 GPUs it is a half, from 2 to 4 it is 1/3 + 1/4.",
    lambda n_gpus, jitter: step(n_gpus, jitter, lambda n: 1 + 0.5 * math.log2(n)),
    "that is a logarithm, shifted so that one GPU gets something; but one GPU has exactly jitter to wait.",
    lambda n_gpus, jitter: step(n_gpus, jitter, lambda n: math.log(n + 1)),
    "the square root grows too fast: two GPUs wait for 1.5 times the mean, and four for 2.08 times.",
    lambda n_gpus, jitter: step(n_gpus, jitter, math.sqrt),
    "you forgot the jitter: the sum counts in units of the mean delay.",
    lambda n_gpus, jitter: step(n_gpus, 1 if jitter >= 0 else jitter, harmonic),
    "this is the delay alone. The second of work comes on top.",
    lambda n_gpus, jitter: step(n_gpus, jitter, harmonic) - 1,
    "you multiplied the second of work too. Only the delay grows.",
    lambda n_gpus, jitter: (1 + jitter) * (step(n_gpus, 1, harmonic) - 1) if jitter >= 0 else step(1, -1, harmonic),
    "a simulation comes near, but it isn't the law. The exact factor for 2 GPUs is 1.5.",
    lambda n_gpus, jitter: step(n_gpus, jitter, lambda n: 1.003 * harmonic(n)),
    "without a GPU no step ends. It should not give a number: raise ValueError.",
    lambda n_gpus, jitter: step(max(n_gpus, 1), jitter, harmonic),
    "a negative delay can't be. It should not give a number: raise ValueError.",
    lambda n_gpus, jitter: step(n_gpus, abs(jitter), harmonic),
)
