"""Batches of rows in a shuffled order."""

from itertools import islice

import pytest

from course_utils.finetuning.batches import shuffled_batches


def test_each_epoch_draws_every_row_once_in_another_order():
    batches = shuffled_batches(range(20), batch_size=8, seed=0)
    epochs = [list(islice(batches, 3)) for _ in range(2)]
    assert [[len(batch) for batch in epoch] for epoch in epochs] == [[8, 8, 4]] * 2
    orders = [[row for batch in epoch for row in batch] for epoch in epochs]
    assert [sorted(order) for order in orders] == [list(range(20))] * 2
    assert orders[0] != orders[1]


def test_the_seed_decides_the_order():
    first = next(shuffled_batches(range(20), 8, seed=0))
    assert next(shuffled_batches(range(20), 8, seed=0)) == first
    assert next(shuffled_batches(range(20), 8, seed=1)) != first


@pytest.mark.parametrize(("rows", "batch_size"), [([], 8), ([1, 2], 0)])
def test_nothing_to_draw_is_said_at_once(rows, batch_size):
    with pytest.raises(ValueError, match=f"got {len(rows)} rows and batch_size {batch_size}"):
        shuffled_batches(rows, batch_size, 0)
