"""The rank of one token in each row of logits."""

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def ranks(logits: Tensor, token: int) -> list[int]:
    """Return for each row of logits (layers, V) how many tokens have a larger logit than `token`: 0 = it is on top."""
    return (logits > logits[:, token, None]).sum(dim=-1).tolist()


exercise = Exercise(
    ranks,
    minutes=10,
    difficulty=1,
    shown="a rank is a count of those above: no sorting is needed, and a tie is no loss.",
    hints=(
        "Rank 0 is the largest logit. How many logits stand above that of the token, in each row?",
        "logits[:, token, None] is (layers, 1): compare every logit of the row with it.",
        "(logits > logits[:, token, None]).sum(dim=-1).tolist()",
    ),
    probes=probes(
        ("the largest has rank 0", tensor([[1.0, 5.0, 3.0, 2.0]]), 1),
        "Nothing stands above a logit of 5 here: rank 0.",
        ("the smallest of four has rank 3", tensor([[1.0, 5.0, 3.0, 2.0]]), 0),
        "Three logits stand above 1: rank 3.",
        ("a row for each layer", tensor([[4.0, 3.0, 2.0, 1.0], [2.0, 1.0, 4.0, 3.0]]), 0),
        "Token 0 is on top in the first row and third, rank 2, in the second.",
        ("four tokens in a circle", tensor([[2.0, 4.0, 1.0, 3.0], [1.0, 2.0, 3.0, 4.0]]), 3),
        "One logit stands above token 3 in the first row, none in the second.",
        ("a tie", tensor([[7.0, 7.0, 0.0]]), 1),
        "Only larger logits count: whoever shares the top is on top.",
    ),
    hidden=probes(("more tokens", torch.arange(60.0).mul(2.3).sin().reshape(4, 15), 6), "Compare with all tokens."),
)

order = lambda logits, token: logits.argsort(dim=-1, descending=True, stable=True)

exercise.add_mistakes(
    "you read the sorted list at the place of the token: that says who has rank `token`. Ask where the token stands.",
    lambda logits, token: order(logits, token)[:, token].tolist(),
    "you counted from below. Rank 0 is the largest logit.",
    lambda logits, token: (logits < logits[:, token, None]).sum(-1).tolist(),
    "you count from 1. The token on top has rank 0.",
    lambda logits, token: [rank + 1 for rank in ranks(logits, token)],
    "the token itself and those equal to it don't stand above it: larger, not larger or equal.",
    lambda logits, token: [int((row >= row[token]).sum()) - 1 + (row.argmax() == token) * 0 for row in logits],
    "this says whether the token is on top. Count how many stand above it.",
    lambda logits, token: [int(row.argmax() != token) for row in logits],
    "this is the rank in the first row for all. Each row has a rank of its own.",
    lambda logits, token: ranks(logits, token)[:1] * len(logits),
    "you compared across the rows. Compare the logits within each row: sum over dim=-1.",
    lambda logits, token: (logits > logits[:, token, None]).sum(0).tolist(),
)
