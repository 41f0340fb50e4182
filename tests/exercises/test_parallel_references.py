"""The references of notebook 15's exercises, against what they stand for."""

import math

import pytest
import torch

from course_utils.exercises import parallel
from course_utils.training import next_token_loss

average_gradients = parallel.average_gradients.reference
bytes_sent = parallel.bytes_sent.reference
fewest_micro_batches = parallel.fewest_micro_batches.reference
training_days = parallel.training_days.reference


def gradient_and_count(weight, inputs, targets):
    weight = weight.clone().requires_grad_()
    next_token_loss(inputs @ weight, targets).backward()
    return weight.grad, int((targets != -100).sum())


def test_average_gradients_is_the_gradient_of_the_whole_batch():
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(5, 7, generator=generator, dtype=torch.float64)
    inputs = torch.randn(6, 4, 5, generator=generator, dtype=torch.float64)  # (B, T, d)
    targets = torch.randint(7, (6, 4), generator=generator)  # (B, T)
    targets[0, :3] = targets[1, 1:] = -100
    whole, _ = gradient_and_count(weight, inputs, targets)
    parts = [
        gradient_and_count(weight, *pair)
        for pair in zip(inputs.split([2, 1, 3]), targets.split([2, 1, 3]), strict=True)
    ]
    assert [count for _, count in parts] == [2, 4, 12]
    torch.testing.assert_close(average_gradients(*map(list, zip(*parts, strict=True))), whole)


def ring_transfer(n, size):
    """Bytes that one process of a ring sends so that a vector is reduce-scattered, or gathered."""
    return sum(size / n for _ in range(n - 1))


@pytest.mark.parametrize("n", [1, 2, 8, 1000])
def test_bytes_sent_counts_the_messages_of_a_ring(n):
    for stage, transfers in ((0, 2), (1, 2), (2, 2), (3, 3)):
        assert bytes_sent(stage, 12_000, n) == pytest.approx(transfers * ring_transfer(n, 12_000))
    assert bytes_sent(3, 12_000, n) == pytest.approx(1.5 * bytes_sent(0, 12_000, n))


@pytest.mark.parametrize(("stage", "n_gpus"), [(-1, 8), (4, 8), (0, 0), (3, -1)])
def test_bytes_sent_refuses_what_does_not_exist(stage, n_gpus):
    with pytest.raises(ValueError, match="stage must be" if n_gpus == 8 else "n_gpus must be"):
        bytes_sent(stage, 100, n_gpus)


@pytest.mark.parametrize("n_stages", range(1, 40))
@pytest.mark.parametrize("percent", [1, 3, 5, 6, 10, 12, 20, 25, 33, 50, 90])
def test_fewest_micro_batches_is_the_fewest(n_stages, percent):
    def fits(m):  # in whole numbers
        return 100 * (n_stages - 1) <= percent * (m + n_stages - 1)

    m = fewest_micro_batches(n_stages, percent / 100)
    assert fits(m)
    assert m == 1 or not fits(m - 1)


@pytest.mark.parametrize(("n_stages", "bubble"), [(0, 0.5), (-3, 0.5), (4, 0.0), (4, -0.1), (4, 1.0), (4, math.nan)])
def test_fewest_micro_batches_refuses_what_can_not_be(n_stages, bubble):
    with pytest.raises(ValueError, match="n_stages must be" if n_stages < 1 else "bubble is a share"):
        fewest_micro_batches(n_stages, bubble)


def test_the_float_traps_are_traps():
    """The two probes with a rounding error fail the formula in floats, so they test what they claim to test."""
    assert math.ceil(3 * (1 - 0.2) / 0.2) == 13 == fewest_micro_batches(4, 0.2) + 1
    assert math.ceil(15 * (1 / 0.06 - 1)) == 236 == fewest_micro_batches(16, 0.06) + 1
    assert {(4, 0.2), (16, 0.06)} <= {probe.args for probe in parallel.fewest_micro_batches.probes}


def test_training_days_by_hand():
    assert training_days(10**9, 14_400_000_000, 1, 1e15, 1.0) == 1
    assert training_days(10**9, 14_400_000_000, 10, 1e15, 0.5) == pytest.approx(0.2)
    assert training_days(10**9, 0, 10, 1e15, 0.5) == 0


@pytest.mark.parametrize(("n_gpus", "mfu"), [(0, 0.5), (-1, 0.5), (8, 0), (8, -0.1), (8, 1.01), (8, math.nan)])
def test_training_days_refuses_what_can_not_be(n_gpus, mfu):
    with pytest.raises(ValueError, match="n_gpus must be" if n_gpus < 1 else "mfu is a share"):
        training_days(10**9, 10**10, n_gpus, 1e15, mfu)
