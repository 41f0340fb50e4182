"""Relative frequencies: from counts to probabilities."""

import math
from collections import Counter

from course_utils.exercises.core import Exercise, probes


def relative_frequencies(counts: dict[str, int]) -> dict[str, float]:
    """Turn the counts of next words into probabilities.

    Raises:
        ValueError: counts are empty or all zero.
    """
    total = sum(counts.values())
    if total == 0:
        raise ValueError("counts hold no word: there is nothing to divide by")
    return {word: count / total for word, count in counts.items()}


exercise = Exercise(
    relative_frequencies,
    minutes=5,
    difficulty=1,
    shown="each count divided by their total: probabilities that sum to 1.",
    hints=(
        "A probability is a share of the whole. What is the whole here?",
        "sum(counts.values()) is how often any word came next. Divide each count by it.",
        "A dict comprehension over counts.items() keeps each word. Before it: if the total is 0, raise ValueError.",
    ),
    probes=probes(
        ("two words", {"the": 3, "a": 1}),
        "Divide each count by the sum of all counts.",
        ("thirds are not rounded", {"it": 2, "I": 1}),
        "Return the quotient as it is.",
        ("one word alone is certain", {"the": 5}),
        "The only word has probability 1.",
        ("The and the are two words", {"The": 1, "the": 3}),
        "Keep each key as it is.",
        ("a count of zero", {"and": 4, "zebra": 0}),
        "A word that never came has probability 0 and stays.",
        ("no words at all", {}),
        "Without counts there are no probabilities: raise ValueError and say so.",
    ),
    hidden=probes(("four words", {"to": 7, "the": 2, "of": 0, "a": 4}), "Divide any counts by their sum."),
)

total = lambda counts: sum(counts.values())
shares = lambda counts: {word: count / total(counts) for word, count in counts.items()} if counts else {}

exercise.add_mistakes(
    "these are the counts themselves. Divide each by the sum of all counts.",
    dict,
    "you divided by the number of different words. Divide by the sum of their counts.",
    lambda counts: {word: count / len(counts) for word, count in counts.items()},
    "you divided by the largest count. Divide by the sum, or they don't sum to 1.",
    lambda counts: {word: count / max(counts.values()) for word, count in counts.items()},
    "the fraction is upside down: count / total, not total / count.",
    lambda counts: {word: total(counts) / count for word, count in counts.items()},
    "// drops everything after the point. Divide with /.",
    lambda counts: {word: count // total(counts) for word, count in counts.items()},
    "these are percentages. Probabilities sum to 1, not to 100.",
    lambda counts: {word: 100 * count / total(counts) for word, count in counts.items()},
    "this is a softmax. Counts are no logits: they only need a division by their sum.",
    lambda counts: shares({word: math.exp(count) for word, count in counts.items()}),
    "you added one to each count. That is smoothing; here the counts stay as they are.",
    lambda counts: shares({word: count + 1 for word, count in counts.items()}),
    "the words lost their probabilities' names. Return a dict, word -> probability.",
    lambda counts: [count / total(counts) for count in counts.values()],
    "you rounded. Rounded probabilities no longer sum to 1: round only what you print.",
    lambda counts: {word: round(share, 2) for word, share in shares(counts).items()},
    "you changed the case of the words. “The” and “the” are counted apart.",
    lambda counts: shares(Counter(map(str.lower, Counter(counts).elements()))),
    "you dropped the word with count 0. Keep every key.",
    lambda counts: {word: share for word, share in shares(counts).items() if share > 0},
    "you returned an empty dict for no counts. It isn't a distribution: raise ValueError.",
    shares,
)
