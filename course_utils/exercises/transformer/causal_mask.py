"""The causal mask: who may look at whom."""

import math

import torch
from torch import Tensor

from course_utils.exercises.core import Exercise, probes


def causal_mask(length: int) -> Tensor:
    """Return (length, length) bool: in row t, True at the tokens that token t may look at."""
    return torch.ones(length, length, dtype=torch.bool).tril()


exercise = Exercise(
    causal_mask,
    minutes=5,
    difficulty=1,
    shown="token t may look at 0 .. t: a lower triangle of True, the diagonal included.",
    hints=(
        "Row t says where token t may look: at itself and at what came before. What does row 0 look like?",
        "torch.ones(length, length, dtype=torch.bool) lets everyone look everywhere. Cut a triangle out of it.",
        "tril keeps the lower triangle and the diagonal.",
    ),
    probes=probes(
        ("three tokens", 3),
        "Row 0 is True, False, False; each row lets one more token be seen.",
        ("one token", 1),
        "A single token looks at itself: shape (1, 1), True.",
        ("five tokens", 5),
        "Every token before is visible, however far back.",
    ),
    hidden=probes(("a longer text", 8), "The triangle is as large as the argument length says."),
)

exercise.add_mistakes(
    "upside down: your tokens look at the future. Rows look, columns are seen.",
    lambda length: causal_mask(length).T,
    "inverted: True means may look, not hidden.",
    lambda length: ~causal_mask(length),
    "the diagonal is False: a token may look at itself.",
    lambda length: causal_mask(length).tril(-1),
    "each token also sees the next one: tril without an argument stops in time.",
    lambda length: torch.ones(length, length, dtype=torch.bool).tril(1),
    "everyone looks everywhere: cut off the future.",
    lambda length: torch.ones(length, length, dtype=torch.bool),
    "a token may look at earlier ones too, not only at itself.",
    lambda length: torch.eye(length, dtype=torch.bool),
    "these are numbers. Return True and False: dtype=torch.bool, or a comparison.",
    lambda length: causal_mask(length).float(),
    "these are numbers. Return True and False: dtype=torch.bool, or a comparison.",
    lambda length: causal_mask(length).long(),
    "this is the mask that is added to scores. Return the bool one: True where a token may look.",
    lambda length: torch.full((length, length), -math.inf).triu(1),
    "there is one dimension too many: return (T, T).",
    lambda length: causal_mask(length)[None],
    "there are two dimensions too many: return (T, T).",
    lambda length: causal_mask(length)[None, None],
    "the size is always 3: use the argument length.",
    lambda length: causal_mask(3),
    "a token sees only the two before it. It may look at all of them.",
    lambda length: causal_mask(length).triu(-2),
)
