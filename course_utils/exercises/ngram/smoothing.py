"""Exercise of notebook 01: add-k smoothing."""

from course_utils.exercises.core import Exercise, Mistake, Probe

Counts = dict[str, int]
Words = list[str]


def add_k_probs(counts: dict[str, int], vocabulary: list[str], k: float) -> dict[str, float]:
    """Return (count + k) / (total + k V) for each word of the vocabulary; a word without a count has count 0.

    Source: Jurafsky and Martin, "Speech and Language Processing", section 3.6.
    """
    total = sum(counts.values()) + k * len(vocabulary)
    return {word: (counts.get(word, 0) + k) / total for word in vocabulary}


def _over(counts: Counts, words: Words, added: float, total: float) -> dict[str, float]:
    return {word: (counts.get(word, 0) + added) / total for word in words}


def _n(counts: Counts) -> int:
    return sum(counts.values())


def _only_unseen(counts: Counts, words: Words, k: float) -> dict[str, float]:
    total = _n(counts) + k * len(words)
    return {word: (counts.get(word) or k) / total for word in words}


def _only_unseen_that_sums_to_1(counts: Counts, words: Words, k: float) -> dict[str, float]:
    added = {word: counts.get(word) or k for word in words}
    return {word: n / sum(added.values()) for word, n in added.items()}


add_k_probs = Exercise(
    add_k_probs,
    shown="(count + k) / (total + k V): every word of the vocabulary gets something, and the sum is 1.",
    hints=(
        "Imagine that each of the V words had come k times more often. What is the new count, what the new total?",
        "The new total is the old one plus k for each word of the vocabulary: sum(counts.values()) + k * V.",
        "{word: (counts.get(word, 0) + k) / total for word in vocabulary}: get(word, 0) is for words without a count.",
    ),
    probes=(
        Probe(
            "add one",
            ({"cat": 3, "bird": 1}, ["cat", "bird", "dog", "</s>"], 1),
            "Add k to each count; divide by the sum of the counts plus k times V.",
        ),
        Probe(
            "add a half",
            ({"cat": 3, "bird": 1}, ["cat", "bird", "dog", "</s>"], 0.5),
            "k need not be 1: add k to the count and k V to the total.",
        ),
        Probe(
            "add two",
            ({"cat": 2, "bird": 1}, ["cat", "bird", "dog"], 2),
            "k need not be 1: add k to the count and k V to the total.",
        ),
        Probe("a context never seen", ({}, ["cat", "dog"], 0.5), "With all counts 0 every word has k / (k V) = 1 / V."),
        Probe(
            "k = 0 adds nothing", ({"cat": 1, "dog": 3}, ["cat", "dog", "bird"], 0), "k = 0 is allowed: count / total."
        ),
    ),
    mistakes=(
        Mistake(lambda c, v, k: _over(c, v, 0, _n(c)), "nothing was added. Add k to each count."),
        Mistake(
            lambda c, v, k: _over(c, v, k, _n(c)),
            "you added k above but not below the line. k was added V times: the total grows by k V.",
        ),
        Mistake(
            lambda c, v, k: _over(c, v, 0, _n(c) + k * len(v)),
            "you added k V below but nothing above the line. Each count grows by k.",
        ),
        Mistake(
            lambda c, v, k: _over(c, v, k, _n(c) + k),
            "the total grew by k. k was added to each of the V words: it grows by k V.",
        ),
        Mistake(
            lambda c, v, k: _over(c, v, k, _n(c) + k * len(c)),
            "V here is the number of words that were seen. Count the whole vocabulary.",
        ),
        Mistake(lambda c, v, k: _over(c, v, k, 1), "these are counts. Divide them by their sum."),
        Mistake(
            lambda c, v, k: _over(c, list(c), k, _n(c) + k * len(v)),
            "the words without a count are missing. Go through the vocabulary, not through the counts.",
        ),
        Mistake(
            lambda c, v, k: {w: (c[w] + k) / (_n(c) + k * len(v)) if w in c else 0.0 for w in v},
            "the unseen words still have 0. They get k too.",
        ),
        Mistake(
            _only_unseen,
            "you added k to the unseen words only. It is added to every count, or the sum isn't 1.",
        ),
        Mistake(_only_unseen_that_sums_to_1, "you added k to the unseen words only. It is added to every count."),
        Mistake(
            lambda c, v, k: _over(c, v, k / len(v), _n(c) + k),
            "you shared one k among all words. Each word gets a whole k.",
        ),
        Mistake(lambda c, v, k: _over(c, v, 1, _n(c) + len(v)), "you added 1 whatever k is. Add k, and k V below."),
        Mistake(
            lambda c, v, k: _over(c, v, k, _n(c) + len(v)),
            "the total grew by V. Each of the V words gets k, so it grows by k V.",
        ),
        Mistake(
            lambda c, v, k: _over(c, v, k, _n(c) + k * len(v)) if c else dict.fromkeys(v, 0.0),
            "after an unseen context you gave every word 0. With k added, they share the mass: 1 / V each.",
        ),
        Mistake(
            lambda c, v, k: _over(c, v, k, _n(c) + k * len(v)) if c else {},
            "after an unseen context you returned nothing. With k added, every word has 1 / V.",
        ),
        Mistake(
            lambda c, v, k: _over(c, v, k or 1, _n(c) + (k or 1) * len(v)),
            "you took k = 0 for 1. Adding nothing leaves count / total.",
        ),
    ),
)
