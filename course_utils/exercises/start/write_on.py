"""Writing: choose the most probable next word, put it at the end, ask again."""

from itertools import pairwise

from course_utils.exercises.core import Exercise, probes
from course_utils.exercises.start.most_probable import most_probable


def write_on(next_probs: dict[str, dict[str, float]], words: list[str], new: int) -> list[str]:
    """Return the words and up to `new` more, each the most probable after the one before it.

    Args:
        next_probs: for each word the probabilities of the words that may follow; a word that ends a text has no entry.
        words: the beginning of the text, at least one word.
        new: the most words to add.
    """
    text = list(words)
    for _ in range(new):
        if text[-1] not in next_probs:
            break
        text.append(most_probable(next_probs[text[-1]]))
    return text


TOWN = {
    "the": {"cat": 0.4, "dog": 0.35, "end": 0.25},
    "a": {"dog": 0.7, "cat": 0.3},
    "cat": {"sees": 0.9, "the": 0.1},
    "sees": {"a": 0.6, "the": 0.4},
    "dog": {"the": 0.5, "barks": 0.5},
    "barks": {".": 1.0},
}

exercise = Exercise(
    write_on,
    minutes=15,
    difficulty=2,
    shown="one loop writes a text, whether counts or a transformer give the probabilities.",
    hints=(
        "What decides the next word is the last word of the text so far, also of the words that you have added.",
        "Copy the list. Then repeat: look up text[-1] in next_probs, choose as in exercise 2, append.",
        "for _ in range(new): if text[-1] not in next_probs: break; text.append(most_probable(next_probs[text[-1]]))",
    ),
    probes=probes(
        ("one new word", TOWN, ["the"], 1),
        "Look up the last word, choose the most probable next word, return the words with it at the end.",
        ("a beginning of two words", TOWN, ["barks", "cat"], 1),
        "Only the last word decides; keep the whole beginning.",
        ("three new words", TOWN, ["the"], 3),
        "Ask again after each new word: look up the last word of the text so far.",
        ("a tie", TOWN, ["a"], 2),
        "Of two words that are equally probable take the alphabetically first, as in exercise 2.",
        ("nothing to add", TOWN, ["the"], 0),
        "With new = 0 the words come back as they are.",
        ("a word that nothing follows", {"barks": {".": 1.0}}, ["barks"], 4),
        "A word without an entry in next_probs ends the text: stop there, without an error.",
        ("in circles", {"on": {"and": 1.0}, "and": {"on": 1.0}}, ["on"], 4),
        "A word may come again: add as many words as asked for.",
    ),
    hidden=probes(
        ("another text", {"x": {"y": 0.2, "z": 0.8}, "z": {"y": 0.6, "x": 0.4}}, ["y", "x"], 5),
        "Follow the table from the last word until nothing follows or enough is written.",
    ),
    package=(most_probable,),
)


def followed(next_probs, words, new, choose=most_probable, follows=lambda text: text[-1]):
    text = list(words)
    while len(text) < len(words) + new and follows(text) in next_probs:
        text.append(choose(next_probs[follows(text)]))
    return text


def until_repeated(next_probs, words, new):
    text = followed(next_probs, words, new)
    ends = (place for place in range(1, len(text)) if text[place] in text[:place])
    return text[: next(ends, len(text))]


exercise.add_mistakes(
    "these are the new words alone. Return the beginning too, as one list.",
    lambda next_probs, words, new: followed(next_probs, words, new)[len(words) :],
    "this is one string. Return a list of words.",
    lambda next_probs, words, new: " ".join(followed(next_probs, words, new)),
    "this is the last word alone. Return the whole text, as a list.",
    lambda next_probs, words, new: followed(next_probs, words, new)[-1],
    "you asked each time after the same word. After each new word, look up the one just added.",
    lambda next_probs, words, new: followed(next_probs, words, new, follows=lambda text: words[-1]),
    "you asked each time after the first word. The last word of the text so far decides.",
    lambda next_probs, words, new: followed(next_probs, words, new, follows=lambda text: text[0]),
    "new is how many words to add, not how long the text is in the end.",
    lambda next_probs, words, new: followed(next_probs, words, max(0, new - len(words))),
    "you added one word too many. range(new) repeats exactly `new` times.",
    lambda next_probs, words, new: followed(next_probs, words, new + 1),
    "you chose the least probable word. Take the highest probability.",
    lambda next_probs, words, new: followed(next_probs, words, new, lambda probs: min(probs, key=probs.get)),
    "on a tie you took the word that the dict holds first. Take the alphabetically first.",
    lambda next_probs, words, new: followed(next_probs, words, new, lambda probs: max(probs, key=probs.get)),
    "you stopped when a word came again. A text may repeat itself; stop only where nothing follows.",
    until_repeated,
    "you added the letters of each new word: text += word takes a string apart. Use text.append(word).",
    lambda next_probs, words, new: [*words, *"".join(followed(next_probs, words, new)[len(words) :])],
    "each new word is a list of its own. Append the word itself.",
    lambda next_probs, words, new: [*words, *([word] for _, word in pairwise(followed(next_probs, words[-1:], new)))],
)
