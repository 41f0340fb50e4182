"""How far the score of a random query and key spreads: measure first, then state the law."""

import math

from course_utils.exercises.core import Exercise, probes


def score_std(d_k: int, sigma_q: float, sigma_k: float, mean_k: float) -> float:
    """Return the standard deviation of q · k before any division.

    The d_k components of q are independent, with mean 0 and standard deviation sigma_q; those of k have mean mean_k and
    standard deviation sigma_k.
    """
    return sigma_q * math.sqrt(d_k * (sigma_k**2 + mean_k**2))


exercise = Exercise(
    score_std,
    minutes=20,
    difficulty=2,
    shown="the spread grows with the root of d_k, and a shared mean of the keys adds to it like a second deviation.",
    hints=(
        "Measure: torch.randn(100_000, d_k) * sigma_q and the like. Change one number at a time and watch the ratio.",
        "One term q_i k_i has mean 0 and variance sigma_q^2 times the mean of k_i^2. What is the mean square of k_i?",
        "The mean square is sigma_k^2 + mean_k^2. Variances of independent terms add up; the deviation is the root.",
    ),
    probes=probes(
        ("one component", 1, 1.0, 1.0, 0.0),
        "One product of two standard normal numbers has standard deviation 1.",
        ("other deviations", 16, 0.5, 3.0, 0.0),
        "Measure it: 16 terms, each of deviation 1.5, give about 6. Doubling q doubles every product.",
        ("a head of SmolLM2", 64, 1.0, 1.0, 0.0),
        "Measure it: 64 terms give about 8. Their variances add up, and the deviation is the root of the sum.",
        ("keys with a mean of their own", 4, 1.0, 3.0, 4.0),
        "Measure it: each component of k is about 4, so q is multiplied by 4 even where k doesn't vary.",
        ("keys that don't vary at all", 9, 2.0, 0.0, 1.0),
        "With k = 1 everywhere, the score is the sum of the d_k components of q.",
    ),
    hidden=probes(("other numbers", 100, 0.3, 0.7, -2.4), "The sign of the mean makes no difference to a spread."),
)

exercise.add_mistakes(
    "this is the variance. The standard deviation is its root.",
    lambda d, q, k, m: q**2 * d * (k**2 + m**2),
    "the spread grows with the root of d_k: some of the terms cancel.",
    lambda d, q, k, m: d * q * math.sqrt(k**2 + m**2),
    "this is the spread after the division by sqrt(d_k). The question is the one before it.",
    lambda d, q, k, m: q * math.sqrt(k**2 + m**2),
    "d_k has the opposite effect: more terms, more spread.",
    lambda d, q, k, m: q * math.sqrt((k**2 + m**2) / d),
    "sigma_q and sigma_k multiply the spread as they are, they don't stand under the root.",
    lambda d, q, k, m: math.sqrt(d * q * (k + abs(m))),
    "the deviations have no effect: multiply by sigma_q and sigma_k.",
    lambda d, q, k, m: math.sqrt(d),
    "the keys' mean has no effect. Simulate it: mean_k = 4 makes the scores spread more.",
    lambda d, q, k, m: q * k * math.sqrt(d),
    "deviation and mean don't add up as they are: their squares do.",
    lambda d, q, k, m: q * (k + m) * math.sqrt(d),
    "a shared mean of the keys doesn't grow faster than the rest: it too is multiplied by the root of d_k.",
    lambda d, q, k, m: q * math.sqrt(d * k**2 + (d * m) ** 2),
)
