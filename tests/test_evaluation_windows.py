"""Windows to score with and the loss: every token but the first is counted once, whatever the cut."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from course_utils.evaluation import document_windows, next_token_loss, scoring_windows


@given(
    st.integers(1, 4), st.integers(1, 6), st.integers(2, 9), st.floats(0, 0.9), st.sampled_from([-100, 0]), st.data()
)
def test_the_loss_and_its_gradient_equal_torchs_cross_entropy(b, t, v, ignored, ignore_index, data):
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 1000)))
    logits = (torch.randn(b, t, v, generator=generator, dtype=torch.float64) * 5).requires_grad_()
    targets = torch.randint(v, (b, t), generator=generator)
    targets[torch.rand(b, t, generator=generator) < ignored] = ignore_index
    targets[0, 0] = 1
    theirs = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=ignore_index)
    ours = next_token_loss(logits, targets, ignore_index)
    torch.testing.assert_close(ours, theirs)
    gradients = [torch.autograd.grad(loss, logits)[0] for loss in (ours, theirs)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("harm", [math.inf, -math.inf, math.nan, 1e30])
def test_padding_is_ignored_exactly_whatever_its_logits(harm):
    logits = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    targets = torch.randint(7, (2, 5), generator=torch.Generator().manual_seed(1))
    padded = logits.clone()
    padded[0, 3:], padded[1, 4] = harm, harm
    padded.requires_grad_()
    marked = targets.clone()
    marked[0, 3:], marked[1, 4] = -100, -100
    loss = next_token_loss(padded, marked)
    kept = marked != -100
    assert loss == F.cross_entropy(logits[kept], targets[kept])
    loss.backward()
    assert padded.grad[~kept].abs().max() == 0
    assert torch.isfinite(padded.grad).all()


def test_the_loss_of_narrow_logits_is_computed_in_float32():
    logits = torch.randn(1, 4, 300, generator=torch.Generator().manual_seed(0)).bfloat16()
    targets = torch.tensor([[1, 2, 3, 4]])
    assert next_token_loss(logits, targets).dtype == torch.float32
    torch.testing.assert_close(next_token_loss(logits, targets), next_token_loss(logits.float(), targets))


def test_lists_are_no_logits_and_no_targets():
    with pytest.raises(ValueError, match=r"^logits must be a tensor, got a list"):
        next_token_loss([[[0.0, 1.0]]], torch.tensor([[1]]))
    with pytest.raises(ValueError, match=r"^targets must be a tensor, got a list"):
        next_token_loss(torch.zeros(1, 1, 2), [[1]])


def test_the_worked_example_of_windows():
    ((inputs, targets),) = scoring_windows(torch.arange(7), 4, stride=2, batch_size=2)
    assert inputs.tolist() == [[0, 1, 2, 3], [2, 3, 4, 5]]
    assert targets.tolist() == [[1, 2, 3, 4], [-100, -100, 5, 6]]


@pytest.mark.parametrize(
    ("targets", "word"),
    [
        (torch.full((2, 3), -100), "no token to count"),
        (torch.zeros(2, 4, dtype=torch.long), r"\(2, 4\)"),
        (torch.tensor([[0, 1, 7], [0, 0, 0]]), r"0 \.\. 6"),
        (torch.tensor([[0, 1, -1], [0, 0, 0]]), "another model's tokenizer"),
    ],
)
def test_targets_that_do_not_fit_are_named(targets, word):
    with pytest.raises(ValueError, match=word):
        next_token_loss(torch.zeros(2, 3, 7), targets)


@given(st.integers(2, 60), st.integers(1, 12), st.integers(1, 12), st.integers(1, 5), st.integers(1, 4))
def test_scoring_counts_every_token_but_the_first_once(n, context_length, stride, batch_size, n_processes):
    ids, stride = torch.arange(n), min(stride, context_length)
    counted, batches = [], set()
    for rank in range(n_processes):
        share = list(scoring_windows(ids, context_length, stride, batch_size, rank, n_processes))
        batches.add(len(share))
        for inputs, targets in share:
            assert inputs.shape[1] <= context_length
            kept = targets != -100
            assert torch.equal(inputs[kept] + 1, targets[kept])  # ids count up: each target follows its input
            before = kept.int().argmax(dim=1)[kept.any(dim=1)]
            later = inputs[kept.any(dim=1), 0] > 0
            assert (before[later] == inputs.shape[1] - stride).all()  # so much is there to be read only
            counted += targets[kept].tolist()
    assert sorted(counted) == list(range(1, n))
    assert len(batches) == 1  # sharded models need every process in every forward pass


@given(
    st.lists(st.integers(2, 30), min_size=1, max_size=8),
    *(st.integers(1, 12), st.integers(1, 12), st.integers(1, 5), st.integers(1, 4)),
)
def test_no_window_holds_tokens_of_two_documents(lengths, context_length, stride, batch_size, n_processes):
    rows, stride = [torch.arange(n) + 100 * i for i, n in enumerate(lengths)], min(stride, context_length)
    counted, batches = [], set()
    for rank in range(n_processes):
        share = list(document_windows(rows, context_length, stride, batch_size, rank, n_processes))
        batches.add(len(share))
        for inputs, targets in share:
            assert inputs.shape[1] <= context_length
            assert inputs.shape[0] <= batch_size
            for row_inputs, row_targets in zip(inputs, targets, strict=True):
                kept = row_targets != -100
                assert torch.equal(row_inputs[kept] + 1, row_targets[kept])
                read = row_inputs[: int(kept.nonzero().max()) + 1] if kept.any() else row_inputs[:0]
                assert len(set((read // 100).tolist())) <= 1
                counted += row_targets[kept].tolist()
    assert sorted(counted) == [token for row in rows for token in row[1:].tolist()]
    assert len(batches) == 1


@pytest.mark.parametrize(
    ("settings", "word"),
    [((4, 5), "stride"), ((4, 0), "stride"), ((0,), "context_length")],
)
def test_windows_that_can_not_be_are_named(settings, word):
    with pytest.raises(ValueError, match=word):
        next(scoring_windows(torch.arange(8), *settings))
