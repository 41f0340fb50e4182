"""A merged layer from what PEFT stores: all three matrices are transposed there."""

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def merged_weight(weight: Tensor, lora_a: Tensor, lora_b: Tensor, alpha: float) -> Tensor:
    """Return the weight of one plain linear layer that computes what the layer and its adapter compute together.

    Args:
        weight: of nn.Linear, (d, N): the transpose of the lecture's W.
        lora_a: as PEFT's files hold it, (r, N): the transpose of A.
        lora_b: (d, r): the transpose of B.
        alpha: the adapter's scale before it is divided by r.

    Source: Hu et al. (2021), "LoRA", section 4.1.
    """
    return weight + lora_b @ lora_a * (alpha / len(lora_a))


SQUARE = tensor([[1.0, 2.0], [3.0, -1.0]])
ROW, COLUMN = tensor([[1.0, 0.0]]), tensor([[2.0], [5.0]])
WAVES = torch.arange(80.0).sin()

exercise = Exercise(
    merged_weight,
    minutes=10,
    difficulty=2,
    shown="after merging the adapter costs nothing: one matrix, as large as before, gives the same outputs.",
    hints=(
        "The lecture's merged matrix is W + A B alpha / r. What is its transpose?",
        "(A B) transposed is B transposed times A transposed. Which shape of a product fits (d, N)?",
        "weight + lora_b @ lora_a * alpha / r, where r is the number of rows of lora_a. As a new tensor: += would "
        "change the frozen weight itself.",
    ),
    probes=probes(
        ("an adapter that is zero", SQUARE, ROW, torch.zeros(2, 1), 1.0),
        "Nothing is added: the weight as it was, not transposed.",
        ("rank 1, alpha 1", SQUARE, ROW, COLUMN, 1.0),
        "lora_b @ lora_a is [[2, 0], [5, 0]]; add it.",
        ("rank 1, alpha 4", SQUARE, ROW, COLUMN, 4.0),
        "The scale is 4 / 1.",
        ("rank 2, alpha 4", SQUARE, tensor([[1.0, 0.0], [1.0, 1.0]]), tensor([[2.0, 1.0], [0.0, 3.0]]), 4.0),
        "The order matters: lora_b @ lora_a is [[3, 1], [3, 3]], and the scale 4 / 2.",
        ("a wide layer", WAVES[:10].view(2, 5), WAVES[20:35].view(3, 5), WAVES[40:46].view(2, 3), 6.0),
        "Here d is 2, N is 5 and the rank 3. It is the dimension that the two matrices share.",
    ),
    hidden=probes(
        ("a tall layer", WAVES[:24].view(6, 4), WAVES[30:38].view(2, 4), WAVES[50:62].view(6, 2), 1.0),
        "weight + lora_b @ lora_a * alpha / r, with the r of these matrices.",
    ),
)


def added(scale, update=lambda a, b: b @ a):
    """An answer that adds the update, scaled by scale(alpha, lora_a, lora_b)."""
    return lambda weight, a, b, alpha: weight + update(a, b) * scale(alpha, a, b)


right = lambda alpha, a, b: alpha / len(a)

exercise.add_mistakes(
    "this is the lecture's layout, in which x stands on the left. nn.Linear keeps the transpose: return (d, N).",
    lambda *args: merged_weight(*args).mT,
    "this is the update alone. Add the weight.",
    lambda weight, a, b, alpha: b @ a * alpha / len(a),
    "the update isn't merged: this is the weight as it was.",
    lambda weight, a, b, alpha: weight,
    "the update is subtracted, which is how one unmerges.",
    lambda weight, a, b, alpha: weight - b @ a * alpha / len(a),
    "the update is merged twice.",
    lambda weight, a, b, alpha: weight + 2 * b @ a * alpha / len(a),
    "the update is transposed. In this layout it is lora_b @ lora_a.",
    added(right, lambda a, b: (b @ a).mT),
    "the scale alpha / r is missing: the merged layer would give other outputs than the two before.",
    added(lambda alpha, a, b: 1.0),
    "the scale is upside down: alpha / r.",
    added(lambda alpha, a, b: len(a) / alpha),
    "only alpha is there; divide it by the rank.",
    added(lambda alpha, a, b: alpha),
    "the order is wrong: lora_a @ lora_b is (r, r). The update is lora_b @ lora_a, (d, N).",
    added(right, lambda a, b: a @ b),
    "you divide by N or by d. The rank is the side that both matrices have: the number of rows of lora_a.",
    added(lambda alpha, a, b: alpha / a.shape[1]),
)
