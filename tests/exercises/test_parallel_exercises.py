import math

import numpy as np
import pytest
import torch
from torch.utils.data import DistributedSampler
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


@right(exercises.ring_all_reduce)
def test_part_by_part_along_its_way(vectors):
    n = len(vectors)
    if {len(vector) for vector in vectors} != {n}:
        raise ValueError("one part for each process")
    rounds = 2 * n - 1
    states = [[list(vector) for vector in vectors] for _ in range(rounds)]
    for part in range(n):
        total = 0
        for step in range(rounds):
            total = total + vectors[(part + step) % n][part] if step < n else total
            for later in range(step, rounds):
                states[later][(part + step) % n][part] = total
    return states


@right(exercises.reading_faults)
def test_with_numpy(shards, n_rows):
    if not shards:
        raise ValueError("shards are missing")
    times = np.bincount(np.concatenate(shards), minlength=n_rows)
    fill = -(-n_rows // len(shards)) * len(shards) - n_rows
    twice = np.flatnonzero(times > 1).tolist()
    return np.flatnonzero(times == 0).tolist(), twice if np.maximum(times - 1, 0).sum() > fill else []


@right(exercises.share_never_read)
def test_by_logarithms(n_processes):
    if n_processes < 1:
        raise ValueError("no process")
    return math.exp(n_processes * math.log1p(-1 / n_processes)) if n_processes > 1 else 0


@right(exercises.windows_that_fit)
def test_window_by_window(n_bytes, n_parameters, n_gpus, n_layers, d_model, context_length, recompute):
    if n_gpus <= 0:
        raise ValueError("no GPU")
    block = 34 * context_length * d_model
    each = block + n_layers * block // 17 if recompute else n_layers * block
    windows, used = 0, 16 * n_parameters / n_gpus
    while used + (windows + 1) * each <= n_bytes:
        windows += 1
    return windows


@right(exercises.micro_batches_each)
def test_by_divmod(tokens_per_step, batch_size, context_length, machines, gpus_per_machine, processes_per_machine):
    each, rest = divmod(tokens_per_step, batch_size * context_length * machines * processes_per_machine)
    if rest or each == 0:
        raise ValueError("it doesn't come out even")
    return each


@right(exercises.seconds_of_a_step)
def test_with_an_array(n_gpus, jitter):
    if n_gpus < 1 or jitter < 0:
        raise ValueError("no")
    return 1 + jitter * (1 / np.arange(1, n_gpus + 1)).sum()


test_of_log = wrong(exercises.seconds_of_a_step, "A logarithm begins too low")(lambda n, j: 1 + j * math.log(n))
test_as_many_as_stages = wrong(exercises.fewest_micro_batches, "4 idle slots may be")(lambda n_stages, bubble: n_stages)
test_looked_up = wrong(exercises.bytes_sent, "KeyError: 4. ZeRO has stages 1 to 3")(
    lambda stage, n_bytes, n_gpus: {0: 2, 1: 2, 2: 2, 3: 3}[stage] * n_bytes * (n_gpus - 1) / n_gpus
)
test_in_weeks = wrong(exercises.training_days, "172,800 seconds: two days")(
    lambda *args: exercises.training_days.reference(*args) / 7
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


@pytest.mark.parametrize("n_processes", [1, 2, 8])
def test_share_never_read_is_what_samplers_with_different_seeds_miss(n_processes):
    n_rows = 100_000
    shards = [DistributedSampler(range(n_rows), n_processes, rank, seed=rank) for rank in range(n_processes)]
    missed = n_rows - len(set().union(*shards))
    assert missed / n_rows == pytest.approx(exercises.share_never_read.reference(n_processes), abs=0.01)


@pytest.mark.parametrize("n_rows", [12, 13])
def test_reading_faults_accepts_samplers_with_one_seed(n_rows):
    shards = [list(DistributedSampler(range(n_rows), 4, rank, seed=7)) for rank in range(4)]
    assert exercises.reading_faults.reference(shards, n_rows) == ([], [])


@pytest.mark.parametrize("n_gpus", [1, 5, 64])
def test_seconds_of_a_step_is_the_mean_of_the_slowest(n_gpus):
    simulated = 1 + np.random.default_rng(0).exponential(0.1, (20_000, n_gpus)).max(axis=1).mean()
    assert simulated == pytest.approx(exercises.seconds_of_a_step.reference(n_gpus, 0.1), abs=0.01)


def test_ring_all_reduce_ends_with_the_sum_everywhere():
    vectors = np.arange(36).reshape(6, 6)
    assert exercises.ring_all_reduce.reference(vectors.tolist())[-1] == [vectors.sum(0).tolist()] * 6
