"""Windows to score with: a text of any length as batches in which every token but the first is counted once."""

import reprlib
from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor

from course_utils.checks import whole_number
from course_utils.evaluation.loss import IGNORE_INDEX

Row = Tensor | Sequence[int]  # one text
Ids = Row | Sequence[Row]  # one text, or many that have nothing to do with each other


def as_token_ids(ids: Ids, name: str = "ids") -> Tensor:
    """Return token ids as a tensor (N,) of int64 on the CPU.

    Raises:
        ValueError: not one row of whole numbers, or fewer than two: nothing to predict.
    """
    if isinstance(ids, str):
        raise ValueError(
            f"{name} must be token ids, got the text {reprlib.repr(ids)}: encode it by the tokenizer first"
        )
    try:
        row = torch.as_tensor(ids)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{name} must be one row of whole numbers (N,), got {reprlib.repr(ids)}") from None
    if row.numel() < 2:
        raise ValueError(f"{name} must hold at least two tokens, one to read and one to predict, got {row.numel()}")
    if row.dim() != 1 or row.is_floating_point() or row.dtype == torch.bool:
        remedy = f": list({name}) makes each row a text of its own" if row.dim() == 2 else ""
        raise ValueError(f"{name} must be one row of whole numbers (N,), got {row.dtype} of {tuple(row.shape)}{remedy}")
    return row.to(device="cpu", dtype=torch.int64)


def as_rows(ids: Ids, name: str = "ids") -> list[Tensor]:
    """Return one row of token ids, or a list of several, as a list of tensors (N,).

    Raises:
        ValueError: a row that `as_token_ids` refuses, or no row at all.
    """
    one_row = isinstance(ids, str) or hasattr(ids, "ndim") or not hasattr(ids, "__len__") or not len(ids)
    if one_row or not hasattr(ids[0], "__len__") or getattr(ids[0], "ndim", 1) == 0:
        return [as_token_ids(ids, name)]
    return [as_token_ids(row, f"{name}[{place}]") for place, row in enumerate(cast(Sequence[Row], ids))]


def scoring_windows(
    ids: Tensor,
    context_length: int,
    stride: int | None = None,
    batch_size: int = 1,
    rank: int = 0,
    n_processes: int = 1,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield windows in which every token but the first is counted once.

    Windows begin `stride` tokens apart; a token that an earlier window has counted is there to be read only, its
    target is IGNORE_INDEX. With stride = context_length the windows are disjoint; a shorter one lets each token
    see more of what came before, at the price of more work. Of the ids 0 .. 6 with context_length=4 and stride=2:

        inputs 0 1 2 3    targets 1 2 3 4
        inputs 2 3 4 5    targets . . 5 6    (. is IGNORE_INDEX)

    Args:
        ids: (N,) token ids.
        context_length: the most tokens the model may read, T.
        stride: 1 .. T; None is T.
        batch_size: windows at a time, B.
        rank, n_processes: each process gets every n_processes-th window, and all get as many batches.

    Yields:
        Inputs and targets, each (B, T). Past the end of the ids there is padding on the right, not counted.

    Raises:
        ValueError: context_length or stride out of range.

    Source: Hugging Face, "Perplexity of fixed-length models" (transformers documentation).
    """
    context_length = whole_number("context_length", context_length, least=1)
    stride = context_length if stride is None else whole_number("stride", stride)
    if not 1 <= stride <= context_length:
        raise ValueError(
            f"stride must be in 1 .. context_length={context_length}, got {stride}: "
            "windows less than one token apart never move on, and with gaps between them tokens are skipped"
        )
    n_targets = len(ids) - 1
    length = min(context_length, n_targets)
    n_windows = 1 + max(0, -(-(n_targets - length) // stride))
    share = -(-n_windows // n_processes)
    starts = (torch.arange(share) * n_processes + rank) * stride  # (windows,) those too many begin past the end
    padded = torch.cat([ids, ids.new_zeros(context_length)])  # (N + T,)
    for batch in starts.split(batch_size):
        first = batch[:, None].clamp(max=n_targets)  # (B, 1)
        places = first + torch.arange(length)  # (B, length) where the inputs are
        seen = torch.where(first == 0, 0, first + length - stride)  # (B, 1) counted by the windows before
        counted = (places >= seen) & (places < n_targets)  # (B, length)
        yield padded[places], padded[places + 1].masked_fill(~counted, IGNORE_INDEX)


def document_windows(
    rows: Sequence[Tensor],
    context_length: int,
    stride: int | None = None,
    batch_size: int = 1,
    rank: int = 0,
    n_processes: int = 1,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield windows over texts that have nothing to do with each other: in no window do two of them meet.

    Windows of like length share a batch, padded on the right up to the longest; padding is not counted.

    Args:
        rows: (N,) token ids of each text; its first token is read, not scored.
        context_length, stride, batch_size, rank, n_processes: as in `scoring_windows`.

    Yields:
        Inputs and targets, each (B, at most T).

    Raises:
        ValueError: context_length or stride out of range.
    """
    windows = [window for row in rows for window in scoring_windows(row, context_length, stride)]
    windows.sort(key=lambda window: window[0].shape[1])
    n_batches = -(-len(windows) // batch_size)
    for number in range(rank, -(-n_batches // n_processes) * n_processes, n_processes):
        batch = windows[number * batch_size : (number + 1) * batch_size]
        longest = max((inputs.shape[1] for inputs, _ in batch), default=1)
        inputs = torch.zeros(len(batch) or 1, longest, dtype=torch.int64)  # (B, T); one empty row past the last batch
        targets = torch.full_like(inputs, IGNORE_INDEX)  # (B, T)
        for row, (read, asked) in enumerate(batch):
            inputs[row, : read.shape[1]], targets[row, : asked.shape[1]] = read, asked
        yield inputs, targets
