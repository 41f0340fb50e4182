import math

import pytest
import torch
from verdicts import right, wrong

from course_utils.exercises import parallel as exercises
from course_utils.training import next_token_loss


@right(exercises.average_gradients)
def test_a_mean_over_the_gradient_of_each_token(gradients, counts):
    of_tokens = [gradient for gradient, count in zip(gradients, counts, strict=True) for _ in range(count)]
    if not of_tokens:
        raise ValueError("no token")
    return torch.stack(of_tokens).mean(0)


@right(exercises.bytes_sent)
def test_message_by_message(stage, n_bytes, n_gpus):
    if stage not in range(4) or n_gpus < 1:
        raise ValueError("no such stage, or no GPU")
    return sum((n_bytes / n_gpus for _ in range(3 if stage == 3 else 2) for _ in range(n_gpus - 1)), start=0.0)


test_as_many_as_stages = wrong(exercises.fewest_micro_batches, "4 idle slots may be")(lambda n_stages, bubble: n_stages)
test_looked_up = wrong(exercises.bytes_sent, "KeyError: 4. ZeRO has stages 1 to 3")(
    lambda stage, n_bytes, n_gpus: {0: 2, 1: 2, 2: 2, 3: 3}[stage] * n_bytes * (n_gpus - 1) / n_gpus
)
test_in_years = wrong(exercises.training_days, "172,800 seconds: two days")(
    lambda *args: exercises.training_days.reference(*args) / 365
)


def test_average_gradients_is_the_gradient_of_the_whole_batch():
    torch.manual_seed(0)
    weight = torch.randn(5, 7, dtype=torch.float64, requires_grad=True)
    inputs, targets = torch.randn(6, 4, 5, dtype=torch.float64), torch.randint(7, (6, 4))  # (B, T, d), (B, T)
    targets[0, :3] = targets[1, 1:] = -100
    parts = slice(0, 2), slice(2, 3), slice(3, 6), slice(None)
    losses = [next_token_loss(inputs[rows] @ weight, targets[rows]) for rows in parts]
    *gradients, whole = [torch.autograd.grad(loss, weight)[0] for loss in losses]
    torch.testing.assert_close(exercises.average_gradients.reference(gradients, [2, 4, 12]), whole)


@pytest.mark.parametrize("percent", [1, 3, 5, 6, 10, 12, 20, 25, 33, 50, 90])
def test_fewest_micro_batches_is_the_fewest(percent):
    for idle in range(40):  # in whole numbers: m fits if 100 idle <= percent (m + idle)
        m = exercises.fewest_micro_batches.reference(idle + 1, percent / 100)
        assert percent * (m + idle) >= 100 * idle
        assert m == 1 or percent * (m - 1 + idle) < 100 * idle


def test_training_days_by_hand():
    assert exercises.training_days.reference(10**9, 14_400_000_000, 1, 1e15, 1.0) == 1
    assert exercises.training_days.reference(10**9, 14_400_000_000, 10, 1e15, 0.5) == pytest.approx(0.2)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, math.nan])
def test_what_is_no_share_is_refused(share):
    with pytest.raises(ValueError, match="bubble is a share"):
        exercises.fewest_micro_batches.reference(4, share)
    with pytest.raises(ValueError, match="mfu is a share"):
        exercises.training_days.reference(10**9, 10**10, 8, 1e15, share)
