"""Exercise of notebook 00: from counts to probabilities."""

import math

from course_utils.exercises.core import Exercise, Mistake, Probe


def relative_frequencies(counts: dict[str, int]) -> dict[str, float]:
    """Turn the counts of next words into probabilities.

    Raises:
        ValueError: counts are empty or all zero.
    """
    total = sum(counts.values())
    if total == 0:
        raise ValueError("counts hold no word: there is nothing to divide by")
    return {word: count / total for word, count in counts.items()}


def _softmax(counts: dict[str, int]) -> dict[str, float]:
    total = sum(math.exp(count) for count in counts.values())
    return {word: math.exp(count) / total for word, count in counts.items()}


def _case_folded(counts: dict[str, int]) -> dict[str, float]:
    folded: dict[str, int] = {}
    for word, count in counts.items():
        folded[word.lower()] = folded.get(word.lower(), 0) + count
    return {word: count / sum(folded.values()) for word, count in folded.items()}


relative_frequencies = Exercise(
    relative_frequencies,
    shown="each count divided by their total: probabilities that sum to 1.",
    hints=(
        "A probability is a share of the whole. What is the whole here?",
        "sum(counts.values()) is how often any word came next. Divide each count by it.",
        "A dict comprehension over counts.items() keeps each word. Before it: if the total is 0, raise ValueError.",
    ),
    probes=(
        Probe("two words", ({"the": 3, "a": 1},), "Divide each count by the sum of all counts."),
        Probe("thirds are not rounded", ({"it": 2, "I": 1},), "Return the quotient as it is."),
        Probe("one word alone is certain", ({"the": 5},), "The only word has probability 1."),
        Probe("The and the are two words", ({"The": 1, "the": 3},), "Keep each key as it is."),
        Probe("a count of zero", ({"and": 4, "zebra": 0},), "A word that never came has probability 0 and stays."),
        Probe("no words at all", ({},), "Without counts there are no probabilities: raise ValueError and say so."),
    ),
    mistakes=(
        Mistake(lambda c: c, "these are the counts themselves. Divide each by the sum of all counts."),
        Mistake(
            lambda c: {w: n / len(c) for w, n in c.items()},
            "you divided by the number of different words. Divide by the sum of their counts.",
        ),
        Mistake(
            lambda c: {w: n / max(c.values()) for w, n in c.items()},
            "you divided by the largest count. Divide by the sum, or they don't sum to 1.",
        ),
        Mistake(
            lambda c: {w: sum(c.values()) / n for w, n in c.items()},
            "the fraction is upside down: count / total, not total / count.",
        ),
        Mistake(
            lambda c: {w: n // sum(c.values()) for w, n in c.items()},
            "// drops everything after the point. Divide with /.",
        ),
        Mistake(
            lambda c: {w: 100 * n / sum(c.values()) for w, n in c.items()},
            "these are percentages. Probabilities sum to 1, not to 100.",
        ),
        Mistake(_softmax, "this is a softmax. Counts are no logits: they only need a division by their sum."),
        Mistake(
            lambda c: {w: (n + 1) / (sum(c.values()) + len(c)) for w, n in c.items()},
            "you added one to each count. That is smoothing; here the counts stay as they are.",
        ),
        Mistake(
            lambda c: [n / sum(c.values()) for n in c.values()],
            "the words lost their probabilities' names. Return a dict, word -> probability.",
        ),
        Mistake(
            lambda c: {w: round(n / sum(c.values()), 2) for w, n in c.items()},
            "you rounded. Rounded probabilities no longer sum to 1: round only what you print.",
        ),
        Mistake(_case_folded, "you changed the case of the words. «The» and «the» are counted apart."),
        Mistake(
            lambda c: {w: n / sum(c.values()) for w, n in c.items() if n},
            "you dropped the word with count 0. Keep every key.",
        ),
        Mistake(
            lambda c: {w: n / sum(c.values()) for w, n in c.items()},
            "you returned an empty dict for no counts. It isn't a distribution: raise ValueError.",
        ),
    ),
)
