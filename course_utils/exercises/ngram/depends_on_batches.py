"""A test that catches a wrong perplexity: does the number depend on how the text is cut into batches?"""

import math
from collections.abc import Callable
from itertools import chain
from statistics import fmean

from course_utils.exercises.core import Exercise, probes

Batches = list[list[list[float]]]  # batches of sentences of surprises, -ln p of each token


def depends_on_batches(perplexity: Callable[[Batches], float]) -> bool:
    """Return whether a perplexity function gives one text different numbers, cut into batches in different ways.

    Source: keras-hub pull request 2958 and ParlAI pull request 623.
    """
    text = [[0.1], [0.2, 0.3, 2.9, 0.1], [3.0], [1.4, 0.1], [2.0, 2.0, 2.0]]
    cuts = ([text], [[sentence] for sentence in text], [text[:2], text[2:]], [text[:4], text[4:]])
    values = [perplexity([list(map(list, batch)) for batch in cut]) for cut in cuts]
    return not all(math.isclose(value, values[0], rel_tol=1e-6) for value in values)


def pooled(batches: Batches) -> float:
    """Exp of the mean surprise of all tokens: right."""
    return math.exp(fmean(tokens(batches)))


def pooled_in_parts(batches: Batches) -> float:
    """The right number with other last digits, as another order of adding gives."""
    return pooled(batches) * (1 + 1e-12 * len(batches))


def in_bits(batches: Batches) -> float:
    """Right, by way of bits."""
    return 2 ** fmean(surprise / math.log(2) for surprise in tokens(batches))


def mean_of_perplexities(batches: Batches) -> float:
    """The mean of the batches' perplexities."""
    return fmean(math.exp(fmean(chain.from_iterable(batch))) for batch in batches)


def mean_of_losses(batches: Batches) -> float:
    """Exp of the mean of the batches' mean losses."""
    return math.exp(fmean(fmean(chain.from_iterable(batch)) for batch in batches))


def weighted_by_sentences(batches: Batches) -> float:
    """Exp of the batches' mean losses, weighted by sentences."""
    weighted = sum(fmean(chain.from_iterable(batch)) * len(batch) for batch in batches)
    return math.exp(weighted / sum(map(len, batches)))


def last_batch(batches: Batches) -> float:
    """The perplexity of the last batch alone."""
    return pooled(batches[-1:])


def tokens(batches: Batches) -> chain[float]:
    """All surprises in a row."""
    return chain.from_iterable(chain.from_iterable(batches))


exercise = Exercise(
    depends_on_batches,
    minutes=25,
    difficulty=3,
    shown="one text, cut into batches in several ways, must have one perplexity, up to rounding.",
    hints=(
        "Write down one small text: a few sentences, each a list of surprises such as [0.1, 2.3].",
        "Hand it over as one batch, as a batch per sentence, and in two uneven batches. What must be equal?",
        "A faulty mean hides when all batches or all sentences are alike: use sentences of different lengths with very "
        "different surprises. Compare with math.isclose, since adding in another order changes the last digits.",
    ),
    probes=probes(
        ("a right function: all tokens pooled", pooled),
        "This one is right, whatever the batches: return False.",
        ("the mean of the batches' perplexities", mean_of_perplexities),
        "This one averages perplexities. Give it the text in one batch and in several: the numbers differ.",
        ("exp of the mean of the batches' losses", mean_of_losses),
        "This one is wrong when batches have different numbers of tokens. Make them differ.",
        ("batches weighted by their sentences", weighted_by_sentences),
        "This one is wrong when sentences have different lengths. Make them differ.",
        ("a right function with other last digits", pooled_in_parts),
        "This one is right and differs only by rounding: compare with math.isclose.",
        ("a right function, by way of bits", in_bits),
        "This one is right: return False.",
    ),
    hidden=probes(
        ("one more faulty function", last_batch),
        "Try several cuts of one text, in which no two batches are alike.",
        ("one more right function", lambda batches: pooled(batches) * 1.0),
        "A right function gives the same number for every cut: return False.",
    ),
)


def comparing(text, cuts, agree=math.isclose):
    """What a student varies: the text, the ways to cut it, and what counts as equal."""

    def judge(perplexity):
        one, *others = (perplexity(cut) for cut in cuts(text))
        return not all(agree(one, other) for other in others)

    return judge


uneven = [[0.1], [0.2, 0.3, 2.9, 0.7], [3.3], [1.4, 0.1], [2.1, 0.6]]
each = lambda text: ([text], [[sentence] for sentence in text])

exercise.add_mistakes(
    "you found a right function faulty. It gives one number for every cut: is your answer upside down?",
    lambda perplexity: True,
    "you found no function faulty. Compare one text in one batch and in several, with very different surprises.",
    lambda perplexity: False,
    "your sentences are of one length and your batches of one size: there a mean of means is right.",
    comparing([[0.1, 2.0], [3.0, 0.3]], each),
    "your sentences are of one length: there it is right to weigh batches by sentences.",
    comparing([[0.1, 2.0], [3.0, 0.3], [2.0, 2.5]], lambda text: ([text[:1], text[1:]], [text])),
    "you asked for exactly the same number. Adding in another order changes the last digits: use math.isclose.",
    comparing(uneven, lambda text: (*each(text), [text[:2], text[2:]]), agree=lambda a, b: a == b),
)
