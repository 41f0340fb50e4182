import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from verdicts import right, wrong

from course_utils.exercises import pretraining as exercises


@right(exercises.inputs_and_targets)
def test_cut_after_padding(rows, pad_id):
    if min(map(len, rows)) < 2:
        raise ValueError("nothing to predict")
    width = max(map(len, rows)) - 1
    return [(row[:-1] + width * [pad_id])[:width] for row in rows], [(row[1:] + width * [-100])[:width] for row in rows]


@right(exercises.cross_entropy)
def test_torchs_loss(logits, targets):
    if (targets == -100).all():
        raise ValueError("nothing to count")
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@right(exercises.gradient_of_logits)
def test_autograd(logits, targets):
    leaf = logits.clone().requires_grad_()
    return torch.autograd.grad(exercises.cross_entropy.reference(leaf[None], targets[None]), leaf)[0]


@right(exercises.learning_rate)
def test_interpolation(progress, peak, warmup, final):
    if not 0 <= progress <= 1:
        raise ValueError("progress")
    if progress < warmup:
        return np.interp(progress, [0, warmup], [0, peak])
    return peak * (1 + final + (1 - final) * np.cos(np.pi * (progress - warmup) / (1 - warmup))) / 2


test_one_too_far = wrong(exercises.inputs_and_targets, "IndexError: list index out of range. After 5 comes 6")(
    lambda rows, pad_id: ([row[:-1] for row in rows], [[row[t + 1] for t in range(len(row))] for row in rows])
)
test_minus_100_picked = wrong(exercises.cross_entropy, "Leave positions with target -100 out before you pick")(
    lambda logits, targets: -logits.log_softmax(-1).gather(-1, targets[..., None]).mean()
)
test_minus_100_one_hot = wrong(exercises.gradient_of_logits, "A position that isn't counted pushes nothing")(
    lambda logits, targets: (logits.softmax(-1) - F.one_hot(targets, logits.shape[-1])) / len(targets)
)
test_no_warmup_divided_by = wrong(exercises.learning_rate, "Ask for progress < warmup, not <=")(
    lambda progress, peak, warmup, final: (
        peak * progress / warmup
        if progress <= warmup
        else exercises.learning_rate.reference(progress, peak, warmup, final)
    )
)


def test_what_is_filled_in_changes_no_loss():
    rows = [[0, 6, 0, 3, 2], [0, 1]]
    inputs, targets = map(torch.tensor, exercises.inputs_and_targets.reference(rows, 0))
    table = torch.randn(7, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)  # a bigram model
    surprises = [-table[a].log_softmax(-1)[b] for row in rows for a, b in pairwise(row)]
    loss = exercises.cross_entropy.reference(table[inputs], targets)
    torch.testing.assert_close(loss, torch.stack(surprises).mean())


def test_references_by_hand():
    assert exercises.inputs_and_targets.reference([[5, 6, 7], [5, 9]], 0) == ([[5, 6], [5, 0]], [[6, 7], [9, -100]])
    assert exercises.inputs_and_targets.reference([], 0) == ([], [])
    rates = [exercises.learning_rate.reference(progress, 8.0, 0.2, 0.25) for progress in (0, 0.1, 0.2, 0.4, 0.6, 1)]
    assert rates == pytest.approx([0, 4, 8, 7.121320, 5, 2])


@pytest.mark.parametrize("progress", [-0.01, 1.01, math.nan])
def test_progress_outside_the_run_is_refused(progress):
    with pytest.raises(ValueError, match=r"progress must be in 0 \.\. 1"):
        exercises.learning_rate.reference(progress, 8.0, 0.1, 0.25)
