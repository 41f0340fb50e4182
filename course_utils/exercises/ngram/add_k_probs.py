"""Add-k smoothing: every word of the vocabulary gets k extra counts."""

from course_utils.exercises.core import Exercise, probes


def add_k_probs(counts: dict[str, int], vocabulary: list[str], k: float) -> dict[str, float]:
    """Return (count + k) / (total + k V) for each word of the vocabulary; a word without a count has count 0.

    Source: Jurafsky and Martin, "Speech and Language Processing", section 3.6.
    """
    total = sum(counts.values()) + k * len(vocabulary)
    return {word: (counts.get(word, 0) + k) / total for word in vocabulary}


exercise = Exercise(
    add_k_probs,
    minutes=10,
    difficulty=1,
    shown="(count + k) / (total + k V): every word of the vocabulary gets something, and the sum is 1.",
    hints=(
        "Imagine that each of the V words had come k extra times. What is the new count, what the new total?",
        "The new total is the old one plus k for each word of the vocabulary: sum(counts.values()) + k * V.",
        "{word: (counts.get(word, 0) + k) / total for word in vocabulary}: get(word, 0) is for words without a count.",
    ),
    probes=probes(
        ("add one", {"cat": 3, "bird": 1}, ["cat", "bird", "dog", "</s>"], 1),
        "Add k to each count; divide by the sum of the counts plus k times V.",
        ("add a half", {"cat": 3, "bird": 1}, ["cat", "bird", "dog", "</s>"], 0.5),
        "k need not be 1: add k to the count and k V to the total.",
        ("add two", {"cat": 2, "bird": 1}, ["cat", "bird", "dog"], 2),
        "k need not be 1: add k to the count and k V to the total.",
        ("a context never seen", {}, ["cat", "dog"], 0.5),
        "With all counts 0 every word has k / (k V) = 1 / V.",
        ("k = 0 adds nothing", {"cat": 1, "dog": 3}, ["cat", "dog", "bird"], 0),
        "k = 0 is allowed: count / total.",
    ),
    hidden=probes(
        ("a small k and many unseen words", {"ox": 5, "elk": 2}, ["elk", "gnu", "ox", "yak", "ram", "</s>"], 0.01),
        "Whatever k is: (count + k) / (total + k V) for each word of the vocabulary.",
    ),
)

total = lambda counts, vocabulary=(), k=0: sum(counts.values()) + k * len(vocabulary)
over = lambda counts, vocabulary, added, total: {word: (counts.get(word, 0) + added) / total for word in vocabulary}
filled = lambda counts, vocabulary, k: dict.fromkeys(vocabulary, k) | counts

exercise.add_mistakes(
    "nothing was added. Add k to each count.",
    lambda counts, vocabulary, k: over(counts, vocabulary, 0, total(counts)),
    "you added k above but not below the line. k was added V times: the total grows by k V.",
    lambda counts, vocabulary, k: over(counts, vocabulary, k, total(counts)),
    "you added k V below but nothing above the line. Each count grows by k.",
    lambda counts, vocabulary, k: over(counts, vocabulary, 0, total(counts, vocabulary, k)),
    "the total grew by k. k was added to each of the V words: it grows by k V.",
    lambda counts, vocabulary, k: over(counts, vocabulary, k, total(counts) + k),
    "V here is the number of words that were seen. Count the whole vocabulary.",
    lambda counts, vocabulary, k: over(counts, vocabulary, k, total(counts, counts, k)),
    "these are counts. Divide them by their sum.",
    lambda counts, vocabulary, k: over(counts, vocabulary, k, 1),
    "the words without a count are missing. Go through the vocabulary, not through the counts.",
    lambda counts, vocabulary, k: over(counts, counts, k, total(counts, vocabulary, k)),
    "the unseen words still have 0. They get k too.",
    lambda counts, vocabulary, k: {w: p if w in counts else 0.0 for w, p in add_k_probs(counts, vocabulary, k).items()},
    "you added k to the unseen words only. It is added to every count, or the sum isn't 1.",
    lambda counts, vocabulary, k: over(filled(counts, vocabulary, k), vocabulary, 0, total(counts, vocabulary, k)),
    "you added k to the unseen words only. It is added to every count.",
    lambda counts, vocabulary, k: add_k_probs(filled(counts, vocabulary, k), vocabulary, 0),
    "you shared one k among all words. Each word gets a whole k.",
    lambda counts, vocabulary, k: add_k_probs(counts, vocabulary, k / len(vocabulary)),
    "you added 1 whatever k is. Add k, and k V below.",
    lambda counts, vocabulary, k: add_k_probs(counts, vocabulary, 1),
    "the total grew by V. Each of the V words gets k, so it grows by k V.",
    lambda counts, vocabulary, k: over(counts, vocabulary, k, total(counts, vocabulary, 1)),
    "after an unseen context you gave every word 0. With k added, they share the mass: 1 / V each.",
    lambda counts, vocabulary, k: add_k_probs(counts, vocabulary, k) if counts else dict.fromkeys(vocabulary, 0.0),
    "after an unseen context you returned nothing. With k added, every word has 1 / V.",
    lambda counts, vocabulary, k: add_k_probs(counts, vocabulary, k) if counts else {},
    "you took k = 0 for 1. Adding nothing leaves count / total.",
    lambda counts, vocabulary, k: add_k_probs(counts, vocabulary, k or 1),
    "you rounded. Round only what you print.",
    lambda counts, vocabulary, k: {w: round(p, 2) for w, p in add_k_probs(counts, vocabulary, k).items()},
    "you rounded. Round only what you print.",
    lambda counts, vocabulary, k: {w: round(p, 3) for w, p in add_k_probs(counts, vocabulary, k).items()},
)
