"""Scores that look like probabilities and aren't: found by asking for all of them."""

import math

from course_utils.exercises.core import Exercise, probes


def not_distributions(scores: dict[str, list[float]]) -> list[str]:
    """Return the contexts after which a model's scores are no distribution, in their order.

    Args:
        scores: context -> the score that the model gives to each word of its vocabulary after it.

    They are one if each is at least 0 and they sum to 1, but for rounding (1e-6).
    """
    return [
        context
        for context, of_words in scores.items()
        if not (all(score >= 0 for score in of_words) and abs(sum(of_words) - 1) <= 1e-6)
    ]


exercise = Exercise(
    not_distributions,
    minutes=15,
    difficulty=2,
    shown="the sum has to be 1 after every context, for each of them is a distribution of its own.",
    hints=(
        "Take one context: what must hold for its list of scores? Write that as a condition, then go through all.",
        "Ten times 0.1 isn't exactly 1 in floats. And a sum of 1 can hide a score below 0.",
        "nan compares as False with everything: ask whether a list is right, and report it if not.",
    ),
    probes=probes(
        ("one of each", {"the": [0.5, 0.5], "a": [0.9, 0.9], "then": [1.4, 0.0], "so": [0.2, 0.3]}),
        "After “a” the scores sum to 1.8, after “then” to 1.4, after “so” to 0.5.",
        ("rounding", {"the": [0.1] * 10}),
        "In floats ten times 0.1 is not exactly 1: allow a difference of 1e-6.",
        ("too little", {"the": [0.2, 0.2], "a": [1.0, 0.0]}),
        "A sum below 1 is none either: some of the probability is lost.",
        ("right on average", {"the": [0.9, 0.9], "a": [0.1, 0.1]}),
        "The sums are 1.8 and 0.2. That they are 1 on average is no help: each context counts by itself.",
        ("below 0", {"the": [1.5, -0.5]}),
        "The sum is 1, but no probability is below 0.",
        ("not a number", {"the": [math.nan, 1.0], "a": [0.25, 0.75]}),
        "nan is no probability, and every comparison with it is False.",
        ("a little too much", {"the": [0.5, 0.5001], "a": [0.5, 0.5]}),
        "1.0001 is no rounding: over a text such a little adds up. Allow 1e-6.",
        ("five in a million too much", {"the": [0.5, 0.500005], "a": [0.5, 0.5]}),
        "1.000005 is more than 1e-6 too much. (A relative tolerance comes on top in isclose: set it to 0.)",
        ("no scores at all", {"the": [], "a": [math.inf, 0.5]}),
        "An empty list sums to 0, and infinity is no probability.",
    ),
    hidden=probes(
        (
            "four contexts",
            {"x": [0.3, 0.7], "y": [0.3, 0.71], "z": [0.999999999, 0.0], "v": [2.0, -1.0]},
        ),
        "Ask each list by itself, for its sum and for its signs, and keep their order.",
    ),
)


def reported(scores, is_wrong):
    return [context for context, of_words in scores.items() if is_wrong(of_words)]


def off_by_more(scores, tolerance):
    return reported(scores, lambda of_words: min(of_words, default=0) < 0 or not abs(sum(of_words) - 1) <= tolerance)


exercise.add_mistakes(
    "nothing is reported, although some of these are no distributions.",
    lambda scores: [],
    "only sums above 1 are reported. Below 1 some of the probability is lost.",
    lambda scores: reported(scores, lambda of_words: sum(of_words) > 1 + 1e-6 or min(of_words) < 0),
    "the sum is compared exactly. Floats round: allow 1e-6.",
    lambda scores: reported(scores, lambda of_words: sum(of_words) != 1.0 or min(of_words) < 0),
    "the sums are only right on average over the contexts. Each context counts by itself.",
    lambda scores: (
        []
        if abs(sum(map(sum, scores.values())) / len(scores) - 1) <= 1e-6
        else reported(scores, lambda of_words: abs(sum(of_words) - 1) > 1e-6)
    ),
    "a sum of 1 with a score below 0 passes.",
    lambda scores: reported(scores, lambda of_words: not abs(sum(of_words) - 1) <= 1e-6),
    "nan passes: `abs(nan - 1) > 1e-6` is False. Ask whether the list is right, and negate that.",
    lambda scores: reported(scores, lambda of_words: abs(sum(of_words) - 1) > 1e-6 or min(of_words) < 0),
    "each score between 0 and 1 isn't enough. They have to sum to 1.",
    lambda scores: reported(scores, lambda of_words: not all(0 <= score <= 1 for score in of_words)),
    "the sums may differ from 1 by more than rounding makes: allow 1e-6.",
    lambda scores: off_by_more(scores, 1e-3),
    "the sums may differ from 1 by more than 1e-6: a relative tolerance, as in isclose, comes on top. Set it to 0.",
    lambda scores: off_by_more(scores, 1.1e-5),
    "the contexts are right; keep them in the order in which they came.",
    lambda scores: sorted(not_distributions(scores)),
    "only sums below 1 are reported. Above 1 there is more probability than there can be.",
    lambda scores: reported(scores, lambda of_words: sum(of_words) < 1 - 1e-6 or min(of_words) < 0),
    "0 is a probability too: only what is below it is wrong.",
    lambda scores: reported(scores, lambda of_words: min(of_words) <= 0 or not abs(sum(of_words) - 1) <= 1e-6),
    "this is too strict: a sum that is off by 1e-9 is rounding. Allow 1e-6.",
    lambda scores: reported(
        scores, lambda of_words: not all(score >= 0 for score in of_words) or not abs(sum(of_words) - 1) <= 1e-12
    ),
    "these are the contexts that are right.",
    lambda scores: [context for context in scores if context not in not_distributions(scores)],
)
