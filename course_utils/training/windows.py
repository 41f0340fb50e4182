"""Windows to learn from: a long row of token ids, cut into batches in random order."""

import hashlib
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from course_utils.checks import whole_number


@runtime_checkable
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
        result.update(row.contiguous().numpy().tobytes())
    return f"sha256 {result.hexdigest()[:16]}"


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
        ValueError: the rows can't be split evenly, or are no whole number.
    """
    if whole_number("batch_size", batch_size, least=1) % n_processes:
        raise ValueError(f"batch_size={batch_size} must be a multiple of the {n_processes} processes")
    n_rows = batch_size // n_processes
    return slice(rank * n_rows, (rank + 1) * n_rows)


def _check_room(ids: Tensor, context_length: int) -> None:
    if len(ids) < whole_number("context_length", context_length, least=1) + 1:
        raise ValueError(
            f"ids hold {len(ids)} tokens, a window of context_length={context_length} needs {context_length + 1}: "
            "give more text or a shorter context"
        )
