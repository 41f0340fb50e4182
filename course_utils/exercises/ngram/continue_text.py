"""Continuing a text with an n-gram model: sampling, with a prompt."""

from collections.abc import Callable
from itertools import accumulate

from course_utils.exercises.core import Exercise, probes


def continue_text(
    probs: dict[tuple[str, ...], dict[str, float]], order: int, prompt: list[str], points: list[float]
) -> list[str]:
    """Return the prompt and the words drawn after it, until `</s>` is drawn or no point is left.

    The context is the last order - 1 of `<s>` and the words so far, fewer near the beginning. A point between 0 and 1
    draws the first word at which the running sum of the row exceeds it.

    Source: Shannon (1948), "A Mathematical Theory of Communication", section 3.
    """
    words = list(prompt)
    for point in points:
        context = tuple(["<s>", *words][max(0, len(words) + 2 - order) :])
        row = probs[context]
        sums = accumulate(row.values())
        word = next((word for word, total in zip(row, sums, strict=True) if point < total), [*row][-1])
        if word == "</s>":
            break
        words.append(word)
    return words


BIGRAMS = {
    ("<s>",): {"the": 0.7, "a": 0.3},
    ("the",): {"cat": 0.6, "bird": 0.4},
    ("a",): {"bird": 1.0},
    ("cat",): {"sees": 0.5, "</s>": 0.5},
    ("bird",): {"sees": 0.25, "</s>": 0.75},
    ("sees",): {"the": 0.5, "a": 0.5},
}
TRIGRAMS = {
    ("<s>",): {"the": 1.0},
    ("<s>", "the"): {"cat": 0.9, "bird": 0.1},
    ("the", "cat"): {"sees": 0.8, "</s>": 0.2},
    ("the", "bird"): {"</s>": 1.0},
    ("cat", "sees"): {"the": 1.0},
    ("sees", "the"): {"bird": 0.7, "cat": 0.3},
}
UNIGRAMS = {(): {"yes": 0.5, "no": 0.3, "</s>": 0.2}}

exercise = Exercise(
    continue_text,
    minutes=20,
    difficulty=2,
    shown="draw a word from the row of the context, append it, move the context on, and stop at </s>.",
    hints=(
        'The model sees ["<s>", *words]. Its context is the last order - 1 of these, as a tuple.',
        "Lay the row's probabilities end to end from 0 to 1. Add them up until the sum exceeds the point.",
        "For each point: find the word; if it is </s>, stop; else append it. With order 1 the context is ().",
    ),
    probes=probes(
        ("one draw from the beginning", BIGRAMS, 2, [], [0.2]),
        "The context of the first word is ('<s>',). 0.2 is less than 0.7: the.",
        ("the second stretch of a row", BIGRAMS, 2, [], [0.9]),
        "0.9 lies between 0.7 and 1: a.",
        ("the context moves on", BIGRAMS, 2, [], [0.2, 0.8, 0.1]),
        "After each draw the new word is the context of the next one.",
        ("the end", BIGRAMS, 2, [], [0.2, 0.1, 0.9, 0.3]),
        "The third point draws </s>: the text ends there, and the marker is not part of it.",
        ("a prompt", BIGRAMS, 2, ["a", "bird"], [0.1, 0.1]),
        "The context is the prompt's last word, and the answer begins with the prompt.",
        ("order 3", TRIGRAMS, 3, ["the", "cat"], [0.1, 0.5, 0.9]),
        "With order 3 the context is the last two of <s> and the words so far.",
        ("order 3 at the beginning", TRIGRAMS, 3, [], [0.5, 0.95, 0.5]),
        "Only <s> stands before the first word: the context is shorter there.",
        ("order 1", UNIGRAMS, 1, ["no"], [0.1, 0.7, 0.9]),
        "With order 1 there is no context: the key is ().",
    ),
    hidden=probes(
        ("a longer walk", TRIGRAMS, 3, ["the"], [0.2, 0.3, 0.99, 0.8, 0.79, 0.4, 0.05, 0.5]),
        "Draw word after word until </s>, each time from the row of the last order - 1 words.",
    ),
)


def walk(pick, see=None, prompted=True, stop=True, keep=lambda word: True):
    """What a student varies: how a word is picked, which context is seen, what is returned, what </s> does."""
    see = see or (lambda words, order: tuple(["<s>", *words][max(0, len(words) + 2 - order) :]))

    def write(probs, order, prompt, points):
        words = list(prompt)
        for point in points:
            word = pick(probs[see(words, order)], point, points)
            if stop is True and word == "</s>":
                break
            if keep(word):
                words.append(word)
            if stop == "late" and word == "</s>":
                break
        return words if prompted else words[len(prompt) :]

    return write


def inverse(row, point, points=()):
    return next((word for word, total in zip(row, accumulate(row.values()), strict=True) if point < total), [*row][-1])


def first(choose: Callable):
    return lambda row, point, points: choose(row, point, points)


exercise.add_mistakes(
    "you took the most probable word each time. That is greedy; a draw follows the point.",
    walk(first(lambda row, *_: max(row, key=row.get))),
    "every draw used the first point. Each draw has its own.",
    walk(first(lambda row, _, points: inverse(row, points[0]))),
    "you went through the row from the wrong end. Add the probabilities up in the order of the row.",
    walk(first(lambda row, point, _: inverse(dict(reversed(row.items())), point))),
    "you compared the point with single probabilities. Compare it with their running sum.",
    walk(first(lambda row, point, _: next((word for word, p in row.items() if point < p), [*row][-1]))),
    "</s> is no word of the text: stop without it.",
    walk(inverse, stop="late"),
    "the prompt is missing from your answer. Return it with what follows.",
    walk(inverse, prompted=False),
    "<s> is no word of the text: leave it out of your answer.",
    lambda *inputs: ["<s>", *continue_text(*inputs)],
    "you drew </s> and went on. The text ends there, and the other points are left unused.",
    walk(inverse, stop=False, keep=lambda word: word != "</s>"),
    "you began at <s> again, though the text goes on after the prompt.",
    lambda probs, order, prompt, points: [*prompt, *continue_text(probs, order, [], points)],
)
