"""Replay: each row is whole, of one text or the other, and the old ones have their share."""

import pytest
import torch

from course_utils.finetuning import with_replay


def constant(value, rows=4, length=3):
    """Draw batches whose inputs are all `value` and whose targets are all -value."""
    return lambda: (torch.full((rows, length), value), torch.full((rows, length), -value))


def test_the_share_is_kept():
    """Of 20,000 rows a tenth: the standard error of the share is 0.0021, the bound five of it away."""
    draw = with_replay(constant(1), constant(2), share=0.1, seed=0)
    rows = torch.cat([draw()[0] for _ in range(5000)])
    assert (rows == rows[:, :1]).all()
    assert abs((rows[:, 0] == 2).double().mean().item() - 0.1) < 0.0105


def test_inputs_and_targets_stay_together():
    draw = with_replay(constant(1), constant(2), share=0.5, seed=0)
    for _ in range(20):
        inputs, targets = draw()
        assert torch.equal(targets, -inputs)


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.0, 1), (1, 2), (1.0, 2)])
def test_none_or_nothing_but_the_old(share, value):
    draw = with_replay(constant(1), constant(2), share, seed=0)
    assert all((draw()[0] == value).all() for _ in range(20))


def test_the_same_seed_replays_at_the_same_places():
    def places(seed):
        draw = with_replay(constant(1), constant(2), share=0.5, seed=seed)
        return [draw()[0][:, 0].tolist() for _ in range(10)]

    assert places(1) == places(1) != places(2)


def test_shorter_rows_are_padded_and_padding_is_not_counted():
    draw = with_replay(constant(1, length=2), constant(2, length=4), share=0.5, seed=0)
    inputs, targets = map(torch.cat, zip(*(draw() for _ in range(10)), strict=True))
    new = inputs[:, 0] == 1
    assert 0 < new.sum() < len(new)
    assert inputs[new].unique(dim=0).tolist() == [[1, 1, 0, 0]]
    assert targets[new].unique(dim=0).tolist() == [[-1, -1, -100, -100]]
    assert targets[~new].unique(dim=0).tolist() == [[-2, -2, -2, -2]]


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_out_of_range_is_named(share):
    with pytest.raises(ValueError, match=r"share must be in 0 \.\. 1"):
        with_replay(constant(1), constant(2), share, seed=0)


def test_unlike_numbers_of_rows_are_named():
    with pytest.raises(ValueError, match="draw_new gives 4 rows and draw_old 5"):
        with_replay(constant(1), constant(2, rows=5), 0.5, seed=0)()
