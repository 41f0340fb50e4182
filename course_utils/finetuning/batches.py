"""The order in which finetuning reads its rows."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import torch

Row = TypeVar("Row")


def shuffled_batches(rows: Sequence[Row], batch_size: int, seed: int) -> Iterator[list[Row]]:
    """Yield batches without end: every row once, then every row again in another order.

    Args:
        rows: what to read, at least one.
        batch_size: rows of a batch; the last one before each new order may have fewer.
        seed: of the orders.

    Raises:
        ValueError: no rows, or a batch size below 1.
    """
    if not rows or batch_size < 1:
        raise ValueError(f"rows and batch_size must be at least 1, got {len(rows)} rows and batch_size {batch_size}")
    return _batches(rows, batch_size, torch.Generator().manual_seed(seed))


def _batches(rows: Sequence[Row], batch_size: int, generator: torch.Generator) -> Iterator[list[Row]]:
    while True:
        order = torch.randperm(len(rows), generator=generator).tolist()
        for start in range(0, len(order), batch_size):
            yield [rows[place] for place in order[start : start + batch_size]]
