"""A linear layer with an adapter: the frozen matrix, and beside it a detour through r numbers."""

import math

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def lora_layer(x: Tensor, w: Tensor, a: Tensor, b: Tensor, alpha: float) -> Tensor:
    """Return h = x W + (x A) B alpha / r.

    Args:
        x: (..., N).
        w: the frozen matrix W, (N, d).
        a, b: the adapter's two matrices A, (N, r), and B, (r, d).
        alpha: its scale before it is divided by the rank r.

    Returns:
        (..., d).

    Sources: Hu et al. (2021), "LoRA", section 4.1; of the bug that the second probe finds: rasbt/LLMs-from-scratch,
    issue 821 (2025).
    """
    return x @ w + x @ a @ b * (alpha / a.shape[1])


SQUARE = tensor([[1.0, 2.0], [3.0, -1.0]])
WAVES = torch.arange(80.0).sin()
PAIR = tensor([[1.0, 2.0]])  # x, (1, 2)

exercise = Exercise(
    lora_layer,
    minutes=10,
    difficulty=1,
    shown="the layer is the frozen one plus a product of two thin matrices, and alpha / r keeps the update's size in "
    "place when the rank changes.",
    hints=(
        "Two ways lead from x to h: through W, and through A and then B. Their results add up.",
        "The rank is the inner dimension, the number of columns of A. Only the detour is scaled.",
        "x @ w + (x @ a) @ b * alpha / a.shape[1]",
    ),
    probes=probes(
        ("B is zero, as at the start", PAIR, SQUARE, torch.ones(2, 2), torch.zeros(2, 2), 2.0),
        "With B = 0 the layer is the frozen one: x W = [7, 0].",
        ("rank 2, alpha 2", PAIR, SQUARE, tensor([[1.0, 0.0], [0.0, 0.0]]), tensor([[0.0, 5.0], [5.0, 0.0]]), 2.0),
        "x A = [1, 0], times B [0, 5], beside x W = [7, 0]. The scale is 2 / 2.",
        ("rank 1, alpha 1", PAIR, SQUARE, tensor([[1.0], [1.0]]), tensor([[10.0, 20.0]]), 1.0),
        "x A = 3, times B [30, 60]. The scale is 1 / 1.",
        ("rank 2, alpha 8", PAIR, SQUARE, tensor([[1.0, 0.0], [0.0, 1.0]]), tensor([[1.0, 0.0], [0.0, 1.0]]), 8.0),
        "x A B is x here, and its scale is 8 / 2 = 4.",
        (
            "a batch, N, d and r all different",
            *(WAVES[:24].view(2, 3, 4), WAVES[24:44].view(4, 5)),
            WAVES[:12].view(4, 3),
            WAVES[30:45].view(3, 5),
            6.0,
        ),
        "Take the rank from A: (N, r). Here it is 3, and the scale 2.",
    ),
    hidden=probes(
        (
            "one vector, rank 4",
            WAVES[:3],
            WAVES[3:18].view(3, 5),
            WAVES[20:32].view(3, 4),
            WAVES[40:60].view(4, 5),
            1.0,
        ),
        "h = x W + (x A) B alpha / r, with the r of these matrices.",
    ),
)


def scaled(scale, base=lambda x, w: x @ w, detour=lambda x, a, b: x @ a @ b):
    """An answer whose detour is scaled by scale(alpha, r, a, b)."""
    return lambda x, w, a, b, alpha: base(x, w) + detour(x, a, b) * scale(alpha, a.shape[1], a)


exercise.add_mistakes(
    "the frozen layer is missing: x W stays, and the adapter is added to it.",
    scaled(lambda alpha, r, a: alpha / r, base=lambda x, w: 0.0),
    "W is transposed. In the lecture's notation x stands on the left of W, (N, d).",
    scaled(lambda alpha, r, a: alpha / r, base=lambda x, w: x @ w.mT),
    "the frozen layer is scaled too. Only the detour has alpha / r.",
    lambda x, w, a, b, alpha: (x @ w + x @ a @ b) * alpha / a.shape[1],
    "the detour is missing.",
    lambda x, w, a, b, alpha: x @ w,
    "the detour is subtracted. Add it.",
    scaled(lambda alpha, r, a: -alpha / r),
    "A and B are the wrong way round: x meets A first, which makes r numbers of it.",
    scaled(lambda alpha, r, a: alpha / r, detour=lambda x, a, b: x @ b @ a),
    "the detour is scaled by alpha. Divide by the rank, or twice the rank makes an update twice as large.",
    scaled(lambda alpha, r, a: alpha),
    "alpha / r is missing.",
    scaled(lambda alpha, r, a: 1.0),
    "you multiply by the rank. Divide by it.",
    scaled(lambda alpha, r, a: alpha * r),
    "you divide by the root of the rank. That is rsLoRA (Kalajdzievski, 2023), a later proposal; LoRA divides by r.",
    scaled(lambda alpha, r, a: alpha / math.sqrt(r)),
    "the scale is upside down: alpha / r.",
    scaled(lambda alpha, r, a: r / alpha),
    "alpha is missing from the scale.",
    scaled(lambda alpha, r, a: 1 / r),
    "you divide by N, the number of rows of A. The rank is the number of its columns.",
    scaled(lambda alpha, r, a: alpha / len(a)),
)
