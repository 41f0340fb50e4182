"""An experiment: how many beams does it take to find the most probable text?"""

import itertools

import torch
from torch import Tensor, tensor

from course_utils.decoding import beam_search
from course_utils.exercises.core import Exercise, probes


def fewest_beams(table: Tensor, length: int) -> int:
    """Return with how few beams the search finds the most probable text of `length` new tokens after token 0.

    `table` (V, V) is a bigram model: row i holds the probabilities of the token that follows token i.
    """
    model = lambda ids: table.log()[ids]  # (B, T) -> (B, T, V)
    search = lambda num_beams: beam_search(model, torch.tensor([[0]]), length, num_beams)  # (1, 1 + length)
    best = search(len(table) ** (length - 1))  # all texts but for their last token: none is ever dropped
    return next(num_beams for num_beams in itertools.count(1) if search(num_beams).equal(best))


GREEDY_IS_BEST = tensor([[0.1, 0.6, 0.3], [0.2, 0.1, 0.7], [0.5, 0.3, 0.2]])
TWO_ROADS = tensor([[0, 0.6, 0.4, 0], [0.3, 0.3, 0.3, 0.1], [0, 0, 0, 1], [0.25, 0.25, 0.25, 0.25]])
CROWDED_OUT = tensor(
    [
        [0, 0.55, 0.45, 0, 0, 0],
        [0.14, 0.14, 0.14, 0.3, 0.14, 0.14],
        [0, 0, 0, 0, 0.5, 0.5],
        [0, 0, 0, 1, 0, 0],
        *[[0.25, 0.15, 0.15, 0.15, 0.15, 0.15]] * 2,
    ]
)
LATE = tensor(
    [[0, 0.5, 0.3, 0.2, 0], [0.3, 0.25, 0.2, 0.15, 0.1], [0.3, 0.25, 0.2, 0.15, 0.1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1]]
)

exercise = Exercise(
    fewest_beams,
    minutes=20,
    difficulty=3,
    shown="one beam may do, three may be needed, and what two beams lose a single one may find.",
    hints=(
        "A model is a function from ids (B, T) to logits (B, T, V). Which rows of table.log() are they?",
        "model = lambda ids: table.log()[ids]; beam_search(model, torch.tensor([[0]]), length, num_beams) searches.",
        "With V ** length beams no text is dropped: that search finds the best. Then try 1, 2, 3, ... beams.",
    ),
    probes=probes(
        ("greedy finds it", GREEDY_IS_BEST, 2),
        "One beam, which is greedy decoding, finds the best text here.",
        ("two roads", TWO_ROADS, 2),
        "Greedy takes 1 for .6 and ends with .18; the text 2 3 has .4, which two beams find.",
        ("the best begins badly", LATE, 3),
        "The best text begins with 3, the third choice: three beams keep it.",
        ("one finds what two lose", CROWDED_OUT, 3),
        "Start from one beam. Two lose the text that one and three find.",
    ),
    hidden=probes(("another length", CROWDED_OUT, 2), "Try 1, 2, 3, ... beams until the best text comes out."),
    package=(beam_search,),
)


def search(table, length, num_beams):
    return beam_search(lambda ids: table.log()[ids], torch.tensor([[0]]), length, num_beams)


def found(table, length):
    """Which of 1, 2, ... beams find the best text."""
    best = search(table, length, len(table) ** (length - 1))
    return [n for n in range(1, 9) if search(table, length, n).equal(best)]


exercise.add_mistakes(
    "this is a probability. Return a number of beams.",
    lambda table, length: float(table[0].max()),
    "this is the number of all texts. Far fewer beams will do.",
    lambda table, length: len(table) ** length,
    "this is the size of the vocabulary. Fewer beams may do: try them.",
    lambda table, length: len(table),
    "you counted from 0. One beam is greedy decoding.",
    lambda table, length: found(table, length)[0] - 1,
    "this is the text. Return the number of beams that finds it.",
    lambda table, length: search(table, length, len(table) ** (length - 1)),
    "one beam isn't always enough: greedy decoding misses texts that begin badly.",
    lambda table, length: 1,
    "you stopped as soon as one beam more changed nothing. Compare with the best of all texts.",
    lambda table, length: next(n for n in range(1, 9) if search(table, length, n).equal(search(table, length, n + 1))),
    "a model returns logits, and table[ids] are probabilities: table.log()[ids].",
    lambda table, length: next(
        n
        for n in itertools.count(1)
        if beam_search(lambda ids: table[ids], torch.tensor([[0]]), length, n).equal(
            beam_search(lambda ids: table[ids], torch.tensor([[0]]), length, len(table) ** length)
        )
    ),
    "you took away beams until the best text was lost. Start from one: fewer may find what more have lost.",
    lambda table, length: next(n for n in range(8, 0, -1) if n == 1 or n - 1 not in found(table, length)),
)
