"""Exercise of notebook 00: the most probable next word."""

from course_utils.exercises.core import Exercise, Mistake, Probe


def most_probable(probs: dict[str, float]) -> str:
    """Return the word with the highest probability; on a tie the alphabetically first.

    Raises:
        ValueError: probs are empty.
    """
    if not probs:
        raise ValueError("probs = {} holds no word to choose: give at least one word with its probability")
    highest = max(probs.values())
    return min(word for word, prob in probs.items() if prob == highest)


def _winners(probs: dict[str, float]) -> list[str]:
    return [word for word, prob in probs.items() if prob == max(probs.values())]


most_probable = Exercise(
    most_probable,
    shown="compare the probabilities, return the word; a tie has one fixed winner.",
    hints=(
        "Two steps: what is the highest probability? Which words have it?",
        "max(probs.values()) is the highest probability. Collect every word whose probability equals it.",
        "min of these words is the alphabetically first. Before all that: if probs is empty, raise ValueError.",
    ),
    probes=(
        Probe(
            "one clear winner",
            ({"films": 0.2, "movies": 0.4, "you": 0.11, "birds": 0.16, "trees": 0.04, "football": 0.09},),
            "Find the highest probability and return the word that has it.",
        ),
        Probe("one word alone", ({"the": 1.0},), "The only word wins: look at every word, the first as well."),
        Probe("close is not a tie", ({"tram": 0.5008, "bus": 0.4992},), "Compare the probabilities as they are."),
        Probe(
            "on a tie the alphabetically first",
            ({"dogs": 0.24, "fish": 0.24, "ants": 0.04, "cats": 0.24, "eels": 0.24},),
            "Of the words that share the highest probability, return the alphabetically first.",
        ),
        Probe("no words at all", ({},), "An empty dict has no most probable word: raise ValueError and say so."),
    ),
    mistakes=(
        Mistake(
            lambda p: max(p),
            "max(probs) compares the words themselves: this is the alphabetically last. Compare their probabilities.",
        ),
        Mistake(
            lambda p: min(p),
            "this is the alphabetically first of all words. Compare probabilities; the alphabet only settles ties.",
        ),
        Mistake(
            lambda p: max(p.values()),
            "this is the highest probability itself. Return the word that has it.",
        ),
        Mistake(
            lambda p: list(p.values()).index(max(p.values())),
            "this is the position of the word. Return the word itself.",
        ),
        Mistake(
            lambda p: min(p, key=p.get),
            "this is the least probable word. Take the maximum; sorted() begins with the smallest.",
        ),
        Mistake(lambda p: next(iter(p)), "this is the first word of the dict. Look at all of them."),
        Mistake(
            lambda p: list(p)[-1],
            "this is the last word of the dict. In a loop, compare with the best so far, and store both the word "
            "and its probability when you find a better one.",
        ),
        Mistake(_winners, "this is a list of winners. Return one word, a str."),
        Mistake(
            lambda p: sorted(p, key=p.get, reverse=True),
            "these are all the words, best first. Return only the best one.",
        ),
        Mistake(
            lambda p: max(p.items(), key=lambda item: item[1]),
            "this is a word with its probability. Return the word alone.",
        ),
        Mistake(
            lambda p: max(p.items()),
            "max(probs.items()) compares pairs by their word first. Compare the probabilities, return the word.",
        ),
        Mistake(
            lambda p: max(sorted(p), key=lambda word: round(p[word], 2)),
            "you took two close probabilities for equal. Compare them as they are, not rounded, with no tolerance.",
        ),
        Mistake(
            lambda p: max(p, key=p.get),
            "on a tie you took the word that the dict holds first. Take the alphabetically first.",
        ),
        Mistake(
            lambda p: _winners(p)[-1],
            "on a tie you took the word that the dict holds last. Take the alphabetically first.",
        ),
        Mistake(
            lambda p: max(p, key=lambda word: (p[word], word)),
            "on a tie you took the alphabetically last word. Reversing the order reverses the alphabet too.",
        ),
        Mistake(
            lambda p: _winners(p)[0] if len(_winners(p)) == 1 else _winners(p),
            "on a tie you returned several words. Return one, the alphabetically first.",
        ),
        Mistake(
            lambda p: max(sorted(p), key=p.get, default=None),
            "you returned None for an empty dict, and the caller takes it for a word: raise ValueError.",
        ),
        Mistake(
            lambda p: max(sorted(p), key=p.get, default=""),
            "you returned an empty text for an empty dict, and the caller takes it for a word: raise ValueError.",
        ),
    ),
)
