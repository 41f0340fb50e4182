"""Is one model better than another, or was it luck? All signs that the differences could have had as well."""

import math
from itertools import product
from statistics import NormalDist, stdev

from course_utils.exercises.core import Exercise, probes


def sign_flip_p_value(differences: list[float]) -> float:
    """Return how often chance alone makes the mean difference of two models as large, in either direction.

    If neither model is better, each difference was as likely to come with the opposite sign. So all 2^n choices of
    signs are equally likely, and the p-value is the share of them whose sum is at least as far from 0 as the observed
    one, but for rounding.

    Args:
        differences: of the two models' surprises, one for each text.

    Raises:
        ValueError: there is no difference.

    Source: Fisher (1935), "The Design of Experiments", chapter 3.
    """
    if len(differences) == 0:
        raise ValueError("differences is empty: there is nothing to test")
    far = abs(sum(differences)) - 1e-9 * sum(map(abs, differences))
    choices = product((1, -1), repeat=len(differences))
    sums = [sum(sign * difference for sign, difference in zip(signs, differences, strict=True)) for signs in choices]
    return sum(abs(total) >= far for total in sums) / len(sums)


exercise = Exercise(
    sign_flip_p_value,
    minutes=20,
    difficulty=2,
    shown="2^n choices of signs, and p is never less than two of them: six texts at least for p < 0.05.",
    hints=(
        "For two differences write down all four choices of signs and their sums. How many are as far from 0 as yours?",
        "itertools.product((1, -1), repeat=n) gives all choices. Both directions count, and your own choice is one.",
        "Two sums that are equal on paper may differ by 1e-16 in a computer: count abs(total) >= abs(observed) - 1e-9.",
    ),
    probes=probes(
        ("two texts, one winner", [1.0, 2.0]),
        "The sums are 3, 1, -1 and -3: two of four are as far from 0.",
        ("a single text", [0.3]),
        "0.3 and -0.3 are equally far: one text shows nothing, p is 1.",
        ("five texts, one winner", [0.1, 0.2, 0.3, 0.4, 0.5]),
        "Only the observed signs and their opposites: 2 of 32.",
        ("a winner in three texts of four", [3.0, -1.0, 2.0, 4.0]),
        "The sum is 8. The sums 10, 8, -8 and -10 are as far from 0: 4 of 16.",
        ("the other model wins", [-1.0, -2.0, 0.5]),
        "The direction doesn't matter: -3.5, -2.5, 2.5 and 3.5 are as far.",
        ("no difference at all", [0.0, 0.0]),
        "Each choice has the sum 0, which is as far from 0 as the observed one: p is 1.",
        ("equal but for rounding", [0.9, 0.8, -0.7, -0.2]),
        "0.9 + 0.8 - 0.7 - 0.2 and 0.7 + 0.2 + 0.8 - 0.9 are 0.8 both, but not in floats: 12 of 16.",
        ("no text", []),
        "With nothing to test, raise ValueError and say so.",
    ),
    hidden=probes(
        ("eight texts", [0.12, -0.05, 0.31, 0.08, -0.02, 0.27, 0.19, -0.11]),
        "All 2^8 choices of signs, in both directions, the observed one among them.",
    ),
)


def share(counts, of=lambda n: 2**n):
    """An answer that counts other choices of signs than the right one: counts(sum, observed)."""

    def answer(differences):
        if len(differences) == 0:
            raise ValueError
        observed = sum(differences)
        return sum(counts(round(total, 9), round(observed, 9)) for total in sums(differences)) / of(len(differences))

    return answer


def sums(differences):
    choices = product((1, -1), repeat=len(differences))
    return [sum(s * d for s, d in zip(signs, differences, strict=True)) for signs in choices]


def exact_comparison(differences):
    if len(differences) == 0:
        raise ValueError
    return sum(abs(total) >= abs(sum(differences)) for total in sums(differences)) / 2 ** len(differences)


def sign_test(differences):
    up, n = sum(d > 0 for d in differences), len(differences)
    rarer = min(up, n - up)
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(rarer + 1)) / 2**n)


def z_test(differences):
    if len(differences) < 2 or not any(differences):
        return 1.0
    z = abs(sum(differences)) / math.sqrt(len(differences)) / stdev(differences)
    return 2 * (1 - NormalDist().cdf(z))


def one_flip(differences):
    totals = [sum(differences) - 2 * d for d in differences]
    return (1 + sum(abs(t) >= abs(sum(differences)) for t in totals)) / (1 + len(totals))


ONE_SIDE = "this looks in one direction only. Had the other model won by as much, you would have believed that too."
exercise.add_mistakes(
    ONE_SIDE,
    share(lambda total, observed: total >= observed),
    ONE_SIDE,
    share(lambda total, observed: total * math.copysign(1, observed) >= abs(observed)),
    "this counts sums farther than the observed one. Those as far count too, the observed one among them.",
    share(lambda total, observed: abs(total) > abs(observed)),
    "this is 1 - p, the share of choices whose sum is nearer to 0.",
    share(lambda total, observed: abs(total) < abs(observed)),
    "this adds 1 above and below, as for drawn signs. You look at all, and the observed choice is among them.",
    lambda differences: (1 + 2 ** len(differences) * sign_flip_p_value(differences)) / (1 + 2 ** len(differences)),
    "this is the number of choices. Divide by 2^n.",
    share(lambda total, observed: abs(total) >= abs(observed), of=lambda n: 1),
    "this counts who wins how often, not by how much: it is the sign test.",
    sign_test,
    "this takes the sum for normally distributed. With few texts count the choices of signs.",
    z_test,
    "this flips one sign at a time. Flip any number of them: 2^n choices.",
    one_flip,
    "two sums that are equal on paper differ by rounding. Allow for 1e-9.",
    exact_comparison,
)
