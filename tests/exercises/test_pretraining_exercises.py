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


@wrong(exercises.gradient_of_logits, "autograd is switched off here: derive the gradient by hand")
def test_autograd(logits, targets):
    leaf = logits.clone().requires_grad_()
    return torch.autograd.grad(exercises.cross_entropy.reference(leaf[None], targets[None]), leaf)[0]


@wrong(exercises.gradient_of_logits, "autograd is switched off here: derive the gradient by hand")
def test_backward(logits, targets):
    with torch.enable_grad():
        logits.requires_grad_()
        F.cross_entropy(logits, targets).backward()
    return logits.grad


@wrong(exercises.gradient_of_logits, "autograd is switched off here: derive the gradient by hand")
def test_autograd_switched_on_again(logits, targets):
    with torch.inference_mode(mode=False), torch.enable_grad():
        leaf = logits.clone().requires_grad_()
        return torch.autograd.grad(F.cross_entropy(leaf, targets), leaf)[0]


@wrong(exercises.gradient_of_logits, "autograd is switched off here: derive the gradient by hand")
def test_functional_gradient(logits, targets):
    return torch.func.grad(F.cross_entropy)(logits, targets)


@right(exercises.gradient_of_logits)
def test_gradient_by_one_hot(logits, targets):
    counted = targets != -100
    truth = F.one_hot(targets.clamp(min=0), logits.shape[-1])
    if counted.sum() == 0:
        raise ValueError("targets")
    return (logits.softmax(-1) - truth) * counted[:, None] / counted.sum()


@right(exercises.slow_steps)
def test_torchs_adamw(outlier):
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([weight], lr=0.1, betas=(0.9, 0.95), weight_decay=0.0)
    places = [0.0]
    for gradient in [1.0] * 300 + [outlier] + [1.0] * 1000:
        weight.grad = torch.tensor([gradient])
        optimizer.step()
        places.append(weight.item())
    return sum(abs(after - before) < 0.05 for before, after in pairwise(places[300:]))


@right(exercises.catches)
def test_catches_by_one_unequal_cut(step_loss):
    try:
        return abs(step_loss([[1.0], [], [2.0, 4.0, 9.0]]) - 4) > 0.01
    except ZeroDivisionError:
        return True


@right(exercises.decayed)
def test_decayed_by_a_loop(parameters):
    chosen = []
    for name, _, shape in parameters:
        if len(shape) > 1:
            chosen.append(name)
    return chosen


@right(exercises.largest_rate)
def test_largest_rate_by_halving(curvatures):
    low, high = 0.0, 100 / max(curvatures)
    for _ in range(60):
        middle = (low + high) / 2
        flies_off = any(abs(1 - middle * curvature) > 1 for curvature in curvatures)
        low, high = (low, middle) if flies_off else (middle, high)
    return low


@right(exercises.split_gap)
def test_split_gap_by_the_whole_gap(truth, model):
    share = sum(model.get(text, 0) for text in truth if truth[text])
    if not share:
        return math.inf, 0.0
    ruled_out = any(p and not model.get(text) for text, p in truth.items())
    gap = math.inf if ruled_out else sum(p * math.log2(p / model[text]) for text, p in truth.items() if p)
    return -math.log2(share), gap + math.log2(share)


@right(exercises.learning_rate)
def test_interpolation(progress, peak, warmup, final):
    if not 0 <= progress <= 1:
        raise ValueError("progress")
    if progress < warmup:
        return np.interp(progress, [0, warmup], [0, peak])
    return peak * (1 + final + (1 - final) * np.cos(np.pi * (progress - warmup) / (1 - warmup))) / 2


test_one_too_far = wrong(exercises.inputs_and_targets, "IndexError: list index out of range")(
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


def test_the_two_parts_of_a_gap_sum_to_the_divergence():
    truth, model = {"a": 0.6, "b": 0.4}, {"a": 0.3, "b": 0.5, "z": 0.2}
    gap = sum(p * math.log2(p / model[text]) for text, p in truth.items())
    assert sum(exercises.split_gap.reference(truth, model)) == pytest.approx(gap)


@pytest.mark.parametrize(("rate", "comes_to_rest"), [(0.249, True), (0.251, False)])
def test_descent_comes_to_rest_below_the_largest_rate_only(rate, comes_to_rest):
    curvatures = [8.0, 0.5]
    assert (rate < exercises.largest_rate.reference(curvatures)) == comes_to_rest
    x = [1.0, 1.0]
    for _ in range(5000):
        x = [value - rate * curvature * value for value, curvature in zip(x, curvatures, strict=True)]
    assert (max(map(abs, x)) < 1) == comes_to_rest


def test_references_by_hand():
    assert exercises.inputs_and_targets.reference([[5, 6, 7], [5, 9]], 0) == ([[5, 6], [5, 0]], [[6, 7], [9, -100]])
    assert exercises.inputs_and_targets.reference([], 0) == ([], [])
    rates = [exercises.learning_rate.reference(progress, 8.0, 0.2, 0.25) for progress in (0, 0.1, 0.2, 0.4, 0.6, 1)]
    assert rates == pytest.approx([0, 4, 8, 7.121320, 5, 2])


@pytest.mark.parametrize("progress", [-0.01, 1.01, math.nan])
def test_progress_outside_the_run_is_refused(progress):
    with pytest.raises(ValueError, match=r"progress must be in 0 \.\. 1"):
        exercises.learning_rate.reference(progress, 8.0, 0.1, 0.25)
