"""What the references of notebook 07's exercises give: by hand, and beside autograd and the trainer's own windows."""

import math

import pytest
import torch

from course_utils.exercises import pretraining
from course_utils.training import learning_rate_factor, next_token_loss

IGNORED = -100


def a_batch(seed=0, ignored=True):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(2, 5, 7, generator=generator, dtype=torch.float64)
    targets = torch.randint(7, (2, 5), generator=generator)
    if ignored:
        targets[0, 3:] = IGNORED
    return logits, targets


def test_inputs_and_targets_by_hand():
    inputs, targets = pretraining.inputs_and_targets.reference([[5, 6, 7], [5, 9]], 0)
    assert inputs == [[5, 6], [5, 0]]
    assert targets == [[6, 7], [9, IGNORED]]


def test_no_text_gives_no_rows():
    assert pretraining.inputs_and_targets.reference([], 0) == ([], [])


def test_what_is_filled_in_changes_no_loss():
    rows = [[0, 6, 0, 3, 2], [0, 1]]
    inputs, targets = map(torch.tensor, pretraining.inputs_and_targets.reference(rows, 0))
    table = torch.randn(7, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)  # a bigram model
    alone = [next_token_loss(table[torch.tensor(row[:-1])], torch.tensor(row[1:])).item() for row in rows]
    expected = (4 * alone[0] + 1 * alone[1]) / 5
    assert math.isclose(pretraining.cross_entropy.reference(table[inputs], targets).item(), expected)


def test_cross_entropy_is_torchs():
    logits, targets = a_batch()
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    torch.testing.assert_close(pretraining.cross_entropy.reference(logits, targets), expected)


@pytest.mark.parametrize("ignored", [True, False])
def test_the_gradient_is_that_of_autograd(ignored):
    logits, targets = a_batch(1, ignored)
    leaf = logits.clone().requires_grad_()
    (expected,) = torch.autograd.grad(next_token_loss(leaf, targets), leaf)
    got = pretraining.gradient_of_logits.reference(logits.flatten(0, 1), targets.flatten())
    torch.testing.assert_close(got, expected.flatten(0, 1))


def test_each_row_of_the_gradient_sums_to_zero_and_nothing_is_pushed_by_more_than_one():
    logits, targets = a_batch(2)
    gradient = pretraining.gradient_of_logits.reference(logits.flatten(0, 1), targets.flatten())
    torch.testing.assert_close(gradient.sum(dim=-1), torch.zeros(10, dtype=torch.float64))
    assert gradient.abs().max() <= 1


@pytest.mark.parametrize("exercise", [pretraining.cross_entropy, pretraining.gradient_of_logits], ids=lambda e: e.name)
def test_nothing_to_count_is_refused(exercise):
    shape = (1, 2) if exercise is pretraining.cross_entropy else (2,)
    with pytest.raises(ValueError, match="no token to count"):
        exercise.reference(torch.zeros(*shape, 4), torch.full(shape, IGNORED))


@pytest.mark.parametrize("progress", [0.0, 0.03, 0.1, 0.4, 1.0])
def test_the_learning_rate_is_the_packages_times_the_peak(progress):
    expected = 8.0 * learning_rate_factor(progress, 0.1, "cosine", 0.25)
    assert pretraining.learning_rate.reference(progress, 8.0, 0.1, 0.25) == expected


@pytest.mark.parametrize("progress", [-0.01, 1.01, math.nan])
def test_progress_outside_the_run_is_refused(progress):
    with pytest.raises(ValueError, match=r"progress must be in 0 \.\. 1"):
        pretraining.learning_rate.reference(progress, 8.0, 0.1, 0.25)


@pytest.mark.parametrize("row", [[], [5]])
def test_a_text_too_short_to_predict_is_refused(row):
    with pytest.raises(ValueError, match="at least two tokens"):
        pretraining.inputs_and_targets.reference([[5, 6], row], 0)
