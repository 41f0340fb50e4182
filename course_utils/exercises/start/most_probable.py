"""The most probable next word."""

from course_utils.exercises.core import Exercise, probes


def most_probable(probs: dict[str, float]) -> str:
    """Return the word with the highest probability; on a tie the alphabetically first.

    Raises:
        ValueError: probs are empty.
    """
    if not probs:
        raise ValueError("probs = {} holds no word to choose: give at least one word with its probability")
    highest = max(probs.values())
    return min(word for word, prob in probs.items() if prob == highest)


exercise = Exercise(
    most_probable,
    minutes=10,
    difficulty=1,
    shown="compare the probabilities, return the word; a tie has one fixed winner.",
    hints=(
        "Two steps: what is the highest probability? Which words have it?",
        "max(probs.values()) is the highest probability. Collect every word whose probability equals it.",
        "min of these words is the alphabetically first. Before all that: if probs is empty, raise ValueError.",
    ),
    probes=probes(
        ("a clear winner", {"films": 0.2, "movies": 0.4, "you": 0.11, "birds": 0.16, "trees": 0.04, "football": 0.09}),
        "Find the highest probability and return the word that has it.",
        ("one word alone", {"the": 1.0}),
        "The only word wins: look at every word, the first as well.",
        ("close is not a tie", {"tram": 0.50004, "bus": 0.49996}),
        "Compare the probabilities as they are.",
        ("on a tie the alphabetically first", {"dogs": 0.24, "fish": 0.24, "ants": 0.04, "cats": 0.24, "eels": 0.24}),
        "Of the words that share the highest probability, return the alphabetically first.",
        ("no words at all", {}),
        "An empty dict has no most probable word: raise ValueError and say so.",
    ),
    hidden=probes(("a tie", {"up": 0.1, "we": 0.3, "in": 0.3, "on": 0.3}), "Compare all words, whatever their order."),
)

winners = lambda probs: [word for word in probs if probs[word] == max(probs.values())]

exercise.add_mistakes(
    "max(probs) compares the words themselves: this is the alphabetically last. Compare their probabilities.",
    max,
    "this is the alphabetically first of all words. Compare probabilities; the alphabet only settles ties.",
    min,
    "this is the highest probability itself. Return the word that has it.",
    lambda probs: max(probs.values()),
    "this is the position of the word. Return the word itself.",
    lambda probs: list(probs).index(winners(probs)[0]),
    "this is the least probable word. Take the maximum; sorted() begins with the smallest.",
    lambda probs: sorted(probs, key=probs.get)[0],
    "this is the first word of the dict. Look at all of them.",
    lambda probs: next(iter(probs)),
    "this is the last word of the dict. In a loop, compare with the best so far, and store both the word "
    "and its probability when you find a better one.",
    lambda probs: list(probs)[-1],
    "this is a list of winners. Return one word, a str.",
    winners,
    "these are all the words, best first. Return only the best one.",
    lambda probs: sorted(probs, key=probs.get, reverse=True),
    "this is a word with its probability. Return the word alone.",
    lambda probs: max(probs.items(), key=lambda pair: pair[1]),
    "max(probs.items()) compares pairs by their word first. Compare the probabilities, return the word.",
    lambda probs: max(probs.items()),
    "you took two close probabilities for equal. Compare them as they are, not rounded, with no tolerance.",
    lambda probs: min(word for word in probs if probs[word] > max(probs.values()) - 0.01),
    "on a tie you took the word that the dict holds first. Take the alphabetically first.",
    lambda probs: max(probs, key=probs.get),
    "on a tie you took the word that the dict holds last. Take the alphabetically first.",
    lambda probs: winners(probs)[-1],
    "on a tie you took the alphabetically last word. Reversing the order reverses the alphabet too.",
    lambda probs: max(winners(probs)),
    "on a tie you returned several words. Return one, the alphabetically first.",
    lambda probs: winners(probs)[0] if len(winners(probs)) == 1 else winners(probs),
    "you returned None for an empty dict, and the caller takes it for a word: raise ValueError.",
    lambda probs: min(winners(probs), default=None),
    "you returned an empty text for an empty dict, and the caller takes it for a word: raise ValueError.",
    lambda probs: min(winners(probs), default=""),
)
