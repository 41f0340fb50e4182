"""Weights made for one layout of rotary pairs, brought into the other."""

import torch
from torch import Tensor

from course_utils.exercises.core import Exercise, probes


def to_half_split(weight: Tensor, n_heads: int) -> Tensor:
    """Reorder the rows of W_q or W_k, [n_heads * head, d], from pairs (2i, 2i + 1) to pairs (i, i + head / 2)."""
    pairs = weight.unflatten(0, (n_heads, -1, 2))  # (n_h, d_k / 2, 2, d)
    return pairs.transpose(1, 2).flatten(0, 2)  # (n_h * d_k, d)


rows = lambda n, d=1: torch.arange(float(n * d)).reshape(n, d)

exercise = Exercise(
    to_half_split,
    minutes=15,
    difficulty=2,
    shown="within each head, first members, then second members: the rotation finds its pairs again.",
    hints=(
        "One head has the rows a A b B c C; aA, bB and cC are turned together. Where will the new code look for A?",
        "Half-split pairs row i with row i + 3, so the order must be a b c A B C. Do this within each head.",
        "weight.unflatten(0, (n_heads, -1, 2)) is (n_h, d_k / 2, 2, d). Swap dimensions 1 and 2 and flatten back.",
    ),
    probes=probes(
        ("one head of four", rows(4), 1),
        "The pairs are (0, 1) and (2, 3). Their first members come first: 0 2, then 1 3.",
        ("one head of six", rows(6), 1),
        "The pairs are (0, 1), (2, 3), (4, 5). First members 0 2 4, then second members 1 3 5.",
        ("two heads of four", rows(8), 2),
        "The heads stay where they are: rows 0 to 3 are head 0. Reorder within each.",
        ("a wider matrix", rows(4, 3), 1),
        "Whole rows move; the columns, which read the stream, stay.",
    ),
    hidden=probes(("three heads of six", rows(18, 2), 3), "Take the head size from the number of rows and n_heads."),
)

ordered = lambda weight, n, order: weight.unflatten(0, (n, -1))[:, order(weight.shape[0] // n)].flatten(0, 1)

exercise.add_mistakes(
    "nothing has moved.",
    lambda weight, n: weight,
    "the second members come first. Put the first members of all pairs first.",
    lambda weight, n: ordered(weight, n, lambda head: [*range(1, head, 2), *range(0, head, 2)]),
    "you swapped the two members of each pair. Bring all first members together.",
    lambda weight, n: ordered(weight, n, lambda head: [i + 1 - 2 * (i % 2) for i in range(head)]),
    "you swapped the two halves of the head. Take every second row instead.",
    lambda weight, n: ordered(weight, n, lambda head: [*range(head // 2, head), *range(head // 2)]),
    "this goes the other way, from half-split to neighbours.",
    lambda weight, n: weight.unflatten(0, (n, 2, -1)).transpose(1, 2).flatten(0, 2),
    "the order of the rows is turned round. Take every second row, in their order.",
    lambda weight, n: weight.flip(0),
    "this takes every second row of the whole matrix and mixes the heads. Reorder within each head.",
    lambda weight, n: torch.cat([weight[::2], weight[1::2]]),
)
