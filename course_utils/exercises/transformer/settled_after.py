"""After how many layers the logit lens says, for good, what the model says at the end."""

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def settled_after(logits: Tensor) -> list[int]:
    """Return for each position the smallest number of layers from which on its top token is the final one.

    logits is (layers + 1, T, V): row l is the lens after l layers, the last row is what the model says.
    """
    top = logits.argmax(dim=-1)  # (layers + 1, T)
    agrees = (top == top[-1]).flip(0).int()  # (layers + 1, T), the last layer first
    return (len(top) - agrees.cumprod(dim=0).sum(dim=0)).tolist()  # cumprod is 1 until the first disagreement


def lens(*rows):
    """Return logits (layers + 1, T, 4) with these tokens on top: one row for each layer, one number a position."""
    return 3.0 * torch.nn.functional.one_hot(tensor(rows), 4) + tensor([0.3, 0.1, 0.2, 0.0])


FLICKERING = lens([1], [2], [1], [2], [2])
LATE = [[t] for t in (0, 1, 3, 3, 0, 2)]

exercise = Exercise(
    settled_after,
    minutes=20,
    difficulty=2,
    shown="a token may be on top, fall, and come back: what counts is from where on it stays.",
    hints=(
        "logits.argmax(dim=-1) is (layers + 1, T). Compare each row with the last one: where do they agree?",
        "Go up from the last layer, as long as the layers agree. The lowest layer that you reach is the answer.",
        "With agrees.flip(0).int(), cumprod(dim=0) is 1 until the first disagreement; its sum counts those that agree.",
    ),
    probes=probes(
        ("settled after two layers", lens([0], [3], [2], [2])),
        "Rows 2 and 3 have the final token on top, rows 0 and 1 don't: 2 layers.",
        ("settled from the start", lens([1], [1], [1])),
        "Row 0 already has the final token on top: 0 layers.",
        ("only the last layer settles it", lens([1], [1], [2])),
        "No row but the last, number 2, has the final token on top: 2.",
        ("on top, away, and back", FLICKERING),
        "Token 2 is on top after one layer, loses its place, and is back for good after three.",
        ("three positions", lens([1, 0, 3], [2, 0, 1], [2, 0, 3], [2, 0, 3])),
        "Each position has a final token of its own and a layer of its own.",
    ),
    hidden=probes(
        ("more layers and positions", lens(*LATE, [2], [2])),
        "Take the number of layers from the shape.",
        ("six positions", lens([0, 1, 2, 3, 0, 1], [0, 2, 2, 0, 0, 3], [0, 1, 1, 0, 3, 3], [0, 1, 2, 0, 0, 3])),
        "Each position has a final token of its own and a layer of its own.",
    ),
)

agreeing = lambda logits: (logits.argmax(-1) == logits.argmax(-1)[-1]).int()  # (layers + 1, T)
right = exercise.reference

exercise.add_mistakes(
    "here the final token is on top for the first time. It may lose its place again: from where on does it stay?",
    lambda logits: agreeing(logits).argmax(0).tolist(),
    "this counts all layers that disagree. A token that comes and goes is settled only after the last disagreement.",
    lambda logits: (1 - agreeing(logits)).sum(0).tolist(),
    "this counts the layers that agree at the end. The question is how many have been passed before they do.",
    lambda logits: [len(logits) - after for after in right(logits)],
    "this is the last layer that still disagrees. The next one is the first that is settled.",
    lambda logits: [after - 1 for after in right(logits)],
    "you count from 1. Row 0 is the embedding, after 0 layers.",
    lambda logits: [after + 1 for after in right(logits)],
    "this is one number for the whole text. Each position has its own.",
    lambda logits: [max(right(logits))],
    "this says which token is on top at the end. The question is after how many layers.",
    lambda logits: logits[-1].argmax(-1).tolist(),
    "these are the positions at which a layer agrees. Compare along the layers, dim=0.",
    lambda logits: agreeing(logits).sum(1).tolist(),
)
