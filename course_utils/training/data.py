"""From a long row of token ids to batches: random windows to learn from, tiled windows to score with."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

Ids = Tensor | Sequence[int] | Sequence[Sequence[int]]  # one text, or many that have nothing to do with each other


class Batches(Protocol):
    """Where a `Trainer` gets its batches from."""

    def draw(self) -> tuple[Tensor, Tensor]:
        """Return inputs and targets (b, T) of the next batch: the rows that are this process's."""

    def state(self) -> Tensor:
        """Return what `restore` needs to draw the same batches again from here."""

    def restore(self, state: Tensor) -> None:
        """Go to the place where `state` was taken."""

    def identity(self) -> str:
        """Return what is the same for the same texts only: a run resumes with no others."""


def digest(rows: Iterable[Tensor]) -> str:
    """Return a name for rows of token ids: the first 64 bits of their SHA-256."""
    result = hashlib.sha256()
    for row in rows:
        result.update(len(row).to_bytes(8, "little"))
        result.update(row.contiguous().numpy())
    return f"sha256 {result.hexdigest()[:16]}"


def as_token_ids(ids: Tensor | Sequence[int], name: str = "ids") -> Tensor:
    """Return token ids as a tensor (N,) of int64 on the CPU.

    Raises:
        ValueError: not one row of whole numbers, or fewer than two: nothing to predict.
    """
    ids = torch.as_tensor(ids)
    if ids.numel() < 2:
        raise ValueError(f"{name} must hold at least two tokens, one to read and one to predict, got {ids.numel()}")
    if ids.dim() != 1 or ids.is_floating_point() or ids.dtype == torch.bool:
        raise ValueError(f"{name} must be one row of whole numbers (N,), got {ids.dtype} of {tuple(ids.shape)}")
    return ids.to(device="cpu", dtype=torch.int64)


def as_rows(ids: Ids, name: str = "ids") -> list[Tensor]:
    """Return one row of token ids, or several, as a list of tensors (N,).

    Raises:
        ValueError: a row that `as_token_ids` refuses, or no row at all.
    """
    if isinstance(ids, Tensor) or not len(ids) or not hasattr(ids[0], "__len__"):
        return [as_token_ids(ids, name)]
    return [as_token_ids(row, f"{name}[{place}]") for place, row in enumerate(ids)]


def windows_at(ids: Tensor, starts: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    """Cut windows out of a row of tokens; the targets are the inputs one token later.

    Args:
        ids: (N,).
        starts: (B,) where each window begins.
        context_length: T.

    Returns:
        Inputs and targets, each (B, T).
    """
    places = starts[:, None] + torch.arange(context_length + 1)  # (B, T + 1)
    tokens = ids[places]  # (B, T + 1)
    return tokens[:, :-1], tokens[:, 1:]


def random_windows(
    ids: Tensor, batch_size: int, context_length: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw windows that begin anywhere, each place as likely as any other.

    Args:
        ids: (N,) token ids.
        batch_size: number of windows, B.
        context_length: tokens the model reads in each, T.
        generator: the source of random numbers.

    Returns:
        Inputs and targets, each (B, T); targets[:, t] is the token after inputs[:, t].

    Raises:
        ValueError: ids hold fewer than T + 1 tokens.
    """
    _check_room(ids, context_length)
    starts = torch.randint(len(ids) - context_length, (batch_size,), generator=generator)
    return windows_at(ids, starts, context_length)


class RandomWindows:
    """Windows in random order without end, pass after pass over the text; in a pass no token comes twice.

    A pass cuts the text into windows side by side, from a random place below T on, and shuffles them; the next one
    cuts at other places. Windows drawn as `random_windows` does would have left out 37 % of a text (1 / e) by the
    time they hold as many tokens as it has. Several processes draw the same batch and each takes its own rows.

    Args:
        ids: (N,) token ids.
        batch_size: windows in the batch of all processes together.
        context_length: T.
        seed: same seed, same windows.
        rank, n_processes: the rows of process `rank` are the rank-th of n_processes equal parts.

    Raises:
        ValueError: ids hold fewer than T + 1 tokens, or the processes can't share the batch evenly.
    """

    def __init__(
        self, ids: Tensor, batch_size: int, context_length: int, seed: int, rank: int = 0, n_processes: int = 1
    ):
        _check_room(ids, context_length)
        self.ids, self.batch_size, self.context_length = ids, batch_size, context_length
        self.generator = torch.Generator().manual_seed(seed)
        self.rows = own_rows(batch_size, rank, n_processes)
        self.starts = torch.empty(0, dtype=torch.int64)  # where the windows begin that are still to come in this pass

    def draw(self) -> tuple[Tensor, Tensor]:
        """Return inputs and targets (b, T) of the next batch: the rows that are this process's."""
        while len(self.starts) < self.batch_size:
            self.starts = torch.cat([self.starts, self._new_pass()])
        now, self.starts = self.starts[: self.batch_size], self.starts[self.batch_size :]
        return windows_at(self.ids, now[self.rows], self.context_length)

    def state(self) -> Tensor:
        """Return the generator's state and the windows still to come in this pass, uint8."""
        return torch.cat([self.generator.get_state(), self.starts.view(torch.uint8)])

    def restore(self, state: Tensor) -> None:
        """Go to the place where `state` was taken."""
        size = len(self.generator.get_state())
        self.generator.set_state(state[:size].clone())
        self.starts = state[size:].clone().view(torch.int64)

    def identity(self) -> str:
        """Return the digest of the token ids."""
        return digest([self.ids])

    def _new_pass(self) -> Tensor:
        """Return the starts of one pass over the text, shuffled."""
        room = len(self.ids) - self.context_length  # windows may begin at 0 .. room - 1
        first = int(torch.randint(min(self.context_length, room), (), generator=self.generator))
        starts = torch.arange(first, room, self.context_length)
        return starts[torch.randperm(len(starts), generator=self.generator)]


def own_rows(batch_size: int, rank: int, n_processes: int) -> slice:
    """Return which rows of a batch are a process's.

    Raises:
        ValueError: the rows can't be split evenly.
    """
    if batch_size % n_processes:
        raise ValueError(f"batch_size={batch_size} must be a multiple of the {n_processes} processes")
    share = batch_size // n_processes
    return slice(rank * share, (rank + 1) * share)


def scoring_windows(
    ids: Tensor,
    context_length: int,
    stride: int | None = None,
    batch_size: int = 1,
    rank: int = 0,
    n_processes: int = 1,
    ignore_index: int = -100,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield windows in which every token but the first is counted once.

    Windows begin `stride` tokens apart; a token that an earlier window has counted is there to be read only, its
    target is ignore_index. With stride = context_length the windows are disjoint; a shorter one lets each token
    see more of what came before, at the price of more work.

    Args:
        ids: (N,) token ids.
        context_length: the most tokens the model may read, T.
        stride: 1 .. T; None is T.
        batch_size: windows at a time, B.
        rank, n_processes: each process gets every n_processes-th window, and all get as many batches.
        ignore_index: marks what is not counted.

    Yields:
        Inputs and targets, each (B, T). Past the end of the ids there is padding on the right, not counted.

    Raises:
        ValueError: context_length or stride out of range.

    Source: Hugging Face, "Perplexity of fixed-length models" (transformers documentation).
    """
    if context_length < 1:
        raise ValueError(f"context_length must be at least 1, got {context_length}")
    stride = context_length if stride is None else stride
    if not 1 <= stride <= context_length:
        raise ValueError(
            f"stride must be in 1 .. context_length={context_length}, got {stride}: beyond it, tokens would be skipped"
        )
    n_targets = len(ids) - 1
    length = min(context_length, n_targets)
    n_windows = 1 + max(0, -(-(n_targets - length) // stride))
    share = -(-n_windows // n_processes)
    starts = (torch.arange(share) * n_processes + rank) * stride  # (windows,) those too many begin past the end
    padded = torch.cat([ids, ids.new_zeros(context_length)])  # (N + T,)
    for some in starts.split(batch_size):
        some = some[:, None].clamp(max=n_targets)  # (B, 1)
        places = some + torch.arange(length)  # (B, length) where the inputs are
        seen = torch.where(some == 0, 0, some + length - stride)  # (B, 1) counted by the windows before
        counted = (places >= seen) & (places < n_targets)  # (B, length)
        yield padded[places], padded[places + 1].masked_fill(~counted, ignore_index)


def document_windows(
    rows: Sequence[Tensor],
    context_length: int,
    stride: int | None = None,
    batch_size: int = 1,
    rank: int = 0,
    n_processes: int = 1,
    ignore_index: int = -100,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield windows over texts that have nothing to do with each other: in no window do two of them meet.

    Windows of like length share a batch, padded on the right up to the longest; padding is not counted.

    Args:
        rows: (N,) token ids of each text; its first token is read, not scored.
        context_length, stride, batch_size, rank, n_processes, ignore_index: as in `scoring_windows`.

    Yields:
        Inputs and targets, each (B, at most T).

    Raises:
        ValueError: context_length or stride out of range.
    """
    share = {"ignore_index": ignore_index}
    windows = [window for row in rows for window in scoring_windows(row, context_length, stride, **share)]
    windows.sort(key=lambda window: window[0].shape[1])
    n_batches = -(-len(windows) // batch_size)
    for number in range(rank, -(-n_batches // n_processes) * n_processes, n_processes):
        some = windows[number * batch_size : (number + 1) * batch_size]
        longest = max((inputs.shape[1] for inputs, _ in some), default=1)
        inputs = torch.zeros(len(some) or 1, longest, dtype=torch.int64)  # (B, T); one empty row past the last batch
        targets = torch.full_like(inputs, ignore_index)  # (B, T)
        for place, (some_inputs, some_targets) in enumerate(some):
            inputs[place, : some_inputs.shape[1]], targets[place, : some_targets.shape[1]] = some_inputs, some_targets
        yield inputs, targets


def _check_room(ids: Tensor, context_length: int) -> None:
    if len(ids) < context_length + 1:
        raise ValueError(
            f"ids hold {len(ids)} tokens, a window of context_length={context_length} needs {context_length + 1}: "
            "give more text or a shorter context"
        )
