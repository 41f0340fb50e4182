"""An experiment: a text of most probable words ends, or goes round in a circle for ever."""

from course_utils.exercises.core import Exercise, probes
from course_utils.exercises.start.most_probable import most_probable
from course_utils.exercises.start.write_on import TOWN, write_on


def circle_length(next_probs: dict[str, dict[str, float]], word: str) -> int:
    """Return the number of words in the circle that the text from this word on ends in; 0 if it stops."""
    text = write_on(next_probs, [word], len(next_probs) + 1)  # so many that a word must have come again
    if text[-1] not in next_probs:
        return 0
    return text[::-1].index(text[-1], 1)  # how far back it came last


STEPS = {"so": "far", "far": "away", "away": "from", "from": "here", "here": "and", "and": "from"}
ONCE = {word: {follows: 0.9, "so": 0.1} for word, follows in STEPS.items()}

exercise = Exercise(
    circle_length,
    minutes=15,
    difficulty=2,
    shown="who always takes the most probable word stops, or goes round for ever, once a word has come again.",
    hints=(
        "Write a long text with write_on, and look at it. What happens after a word has come for the second time?",
        "The same word has the same most probable next word. With how many words to add must one have come again?",
        "text = write_on(next_probs, [word], len(next_probs) + 1). Either text[-1] has no entry, or it came before: "
        "how many words earlier?",
    ),
    probes=probes(
        ("a circle of two", {"on": {"and": 1.0}, "and": {"on": 1.0}}, "on"),
        "“on and on and …” is a circle of two words.",
        ("a text that stops", {"the": {"end": 0.6, "cat": 0.4}, "cat": {"the": 1.0}}, "the"),
        "This text stops at “end”, which has no entry: return 0.",
        ("a word that follows itself", {"very": {"very": 0.6, "good": 0.4}}, "very"),
        "A word that follows itself is a circle of one.",
        ("a way into the circle", ONCE, "so"),
        "Count the words of the circle alone, without those on the way into it.",
        ("a start inside the circle", ONCE, "here"),
        "The circle has the same length from wherever one enters it.",
        ("a word without an entry", {"on": {"and": 1.0}}, "and"),
        "The text stops at once: return 0.",
        ("a tie", TOWN, "dog"),
        "Of two words that are equally probable take the alphabetically first, as in exercise 2.",
    ),
    hidden=probes(
        ("another table", {"a": {"b": 0.7, "a": 0.3}, "b": {"c": 1.0}, "c": {"a": 0.4, "b": 0.6}}, "a"),
        "Follow the most probable words, and count those between two visits of the same word.",
        ("another text that stops", {"x": {"y": 1.0}, "y": {"z": 0.9, "x": 0.1}}, "x"),
        "Return 0 if the text stops.",
    ),
    package=(write_on, most_probable),
)

walk = lambda next_probs, word: write_on(next_probs, [word], 100)
stops = lambda next_probs, word: walk(next_probs, word)[-1] not in next_probs

exercise.add_mistakes(
    "you counted all the different words, those on the way into the circle too. Count the circle alone.",
    lambda next_probs, word: 0 if stops(next_probs, word) else len(set(walk(next_probs, word))),
    "you counted the words of a text that stops. It has no circle: return 0.",
    lambda next_probs, word: len(set(walk(next_probs, word))),
    "this is one too many: in “on and on” the circle is “on and”, two words.",
    lambda next_probs, word: circle_length(next_probs, word) + 1,
    "this is one too few: in “on and on” the circle is “on and”, two words.",
    lambda next_probs, word: circle_length(next_probs, word) - 1,
    "you waited for the first word to come again. The way into a circle is not part of it, and never comes again.",
    lambda next_probs, word: 0 if word not in walk(next_probs, word)[1:] else circle_length(next_probs, word),
    "on a tie you took the word that the dict holds first. Take the alphabetically first.",
    lambda next_probs, word: circle_length({key: {max(p, key=p.get): 1} for key, p in next_probs.items()}, word),
    "you returned None for a text that stops. Return 0.",
    lambda next_probs, word: circle_length(next_probs, word) or None,
    "you return the circle itself. Return how many words it has.",
    lambda next_probs, word: walk(next_probs, word)[-circle_length(next_probs, word) :],
    "this says whether there is a circle. Return how many words it has, 0 for none.",
    lambda next_probs, word: not stops(next_probs, word),
)
