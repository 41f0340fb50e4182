"""A museum of caches: one head that reads a text piece by piece, right in several ways, and with bugs of real projects.

The head's three matrices are the identity: of vectors x (T, d) the queries and keys are x, turned by their positions,
the values x. `read` takes the next vectors of a text, at most ROOM in all, and returns what the head makes of them;
`reset` begins another text. A faulty reader differs from a right one in a single method.
"""

import torch
from torch import Tensor

from course_utils.transformer.attention import attention, causal_mask
from course_utils.transformer.rotary import rotate, rotation

ROOM = 32  # tokens that a text may have


def turned(x: Tensor, first: int) -> Tensor:
    """Return x (T, d), turned for the positions first, first + 1, ..."""
    return rotate(x[None, None], *rotation(torch.arange(first, first + len(x)), x.shape[1], theta=100.0))[0, 0]


def whole(x: Tensor) -> Tensor:
    """Return what the head makes of a whole text x (T, d), row by row and without a cache: (T, d)."""
    q = turned(x, 0)
    return torch.cat([attention(q[t : t + 1], q[: t + 1], x[: t + 1]) for t in range(len(x))])


class Joining:
    """Right: new keys and values are joined to the old ones."""

    position = 0
    keys = values = torch.empty(0)

    def reset(self) -> None:
        self.position = 0
        self.keys = self.values = torch.empty(0)

    def read(self, x: Tensor) -> Tensor:
        q = turned(x, self.position)
        keys, values = self.append(q, x)
        out = attention(q, keys, values, self.mask(len(x), len(keys)))
        self.advance(x)
        return out

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store new keys and values; return all that the new tokens may look at."""
        self.keys = torch.cat([self.keys.view(-1, k.shape[1]), k])
        self.values = torch.cat([self.values.view(-1, v.shape[1]), v])
        return self.keys, self.values

    def mask(self, new: int, total: int) -> Tensor:
        """Say at which of all keys each new token may look: (new, total)."""
        return causal_mask(new, past=total - new)

    def advance(self, x: Tensor) -> None:
        self.position += len(x)


class Buffered(Joining):
    """Right: there is room for a whole text from the beginning."""

    room = ROOM
    buffer = torch.empty(0)

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        end = self.position + len(k)
        if self.position == 0:
            self.buffer = k.new_zeros(2, self.room, k.shape[1])
        if end > self.buffer.shape[1]:
            longer = k.new_zeros(2, 2 * end, k.shape[1])
            self.move(self.buffer, longer)
            self.buffer = longer
        self.buffer[:, self.position : end] = torch.stack([k, v])
        return self.seen(self.buffer[0], self.buffer[1], end)

    def move(self, old: Tensor, longer: Tensor) -> None:
        longer[:, : old.shape[1]] = old

    def seen(self, keys: Tensor, values: Tensor, end: int) -> tuple[Tensor, Tensor]:
        return keys[:end], values[:end]


class Growing(Buffered):
    """Right: the buffer begins small, and grows."""

    room = 4


class InDouble(Joining):
    """Right: it computes in float64, and rounds at the end."""

    def read(self, x: Tensor) -> Tensor:
        return super().read(x.double()).to(x.dtype)


class Rereading(Joining):
    """Right, but it reads all again, as if there were no cache: abetlen/llama-cpp-python, issue 44 (2023)."""

    def read(self, x: Tensor) -> Tensor:
        return whole(self.append(x, x)[0])[-len(x) :]


class NeverActive(Joining):
    """What is stored is never looked at, so that each piece is read as if nothing came before."""

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        super().append(k, v)
        return k, v


class WithoutTheFirst(Joining):
    """The first token is read like all others, and never stored."""

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        keys, values = super().append(k, v)
        if self.position == 0:
            self.keys, self.values = keys[1:], values[1:]
        return keys, values


class WithEmptySlots(Buffered):
    """Empty slots of the buffer are looked at too: ml-explore/mlx-examples, issue 977 (2024)."""

    room = 2 * ROOM

    def seen(self, keys: Tensor, values: Tensor, end: int) -> tuple[Tensor, Tensor]:
        return keys, values

    def mask(self, new: int, total: int) -> Tensor:
        filled = causal_mask(new, past=self.position)
        return torch.cat([filled, filled.new_ones(new, total - filled.shape[1])], dim=1)


class FromZero(Joining):
    """Each piece begins at position 0: Blaizzy/mlx-vlm, issue 1983 (2026)."""

    def advance(self, x: Tensor) -> None:
        self.position = 0


class UpperLeft(Joining):
    """The mask's triangle begins at the upper left, also after a past: hyprstream/hyprstream, pull 1521 (2026)."""

    def mask(self, new: int, total: int) -> Tensor:
        return causal_mask(total)[:new] if new > 1 else super().mask(new, total)


class WrongAxis(Joining):
    """The wrong axis of (T, d) counts as new tokens: fla-org/flash-linear-attention, issue 126 (2025)."""

    def advance(self, x: Tensor) -> None:
        self.position += x.shape[1]


class CountedTwice(Joining):
    """The piece before is counted once more in place of the new one: skyzh/tiny-llm, pull 46 (2025)."""

    before = 0

    def advance(self, x: Tensor) -> None:
        self.position += self.before if self.position else len(x)
        self.before = len(x)


class Unmasked(Joining):
    """Only a text's first piece is masked: mlx-node/mlx-node, a review of pull 24 (2026)."""

    def mask(self, new: int, total: int) -> Tensor:
        return super().mask(new, total) | (total > new)


class Unforgetting(Joining):
    """A new text sees the one before: casper-hansen/AutoAWQ, issue 125 (2023)."""

    def reset(self) -> None:
        self.position = 0


class Scrambled(Buffered):
    """A buffer that grows is given its new shape, while its numbers stay: karpathy/nanochat, issue 187 (2025)."""

    room = 16

    def move(self, old: Tensor, longer: Tensor) -> None:
        longer.view(-1)[: old.numel()] = old.flatten()


class Rounded(Joining):
    """Keys and values are kept in bfloat16, the head computes in float32: oarriaga/paz, pull 415 (2026)."""

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        return super().append(k.bfloat16().to(k.dtype), v.bfloat16().to(v.dtype))
