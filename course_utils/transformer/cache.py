"""The KV cache: keys and values of tokens already read, so that they are computed once."""

import torch
from torch import Tensor

from course_utils.checks import whole_number
from course_utils.transformer.config import TransformerConfig
from course_utils.transformer.storage import Stored, StoredInt8


class KVCache:
    """Keys and values of every layer for up to `max_length` tokens, allocated once.

    Args:
        config: the model's shape.
        batch_size: number of texts, B.
        max_length: room for so many tokens, prompt and answer together.
        device, dtype: where and how to store; where the model is and what it computes in. With torch.int8 each key
            and value takes eight bits a number and a scale, and is rounded.
        sliding: when it is full, the oldest tokens make room, so that a text may go on for ever: every token looks at
            the last `max_length` tokens, itself included. Mistral's layers look so by design (Jiang et al., 2023,
            "Mistral 7B", section 2).

    `length` is the number of tokens read, `nbytes` the memory of keys and values in bytes:
    2 * layers * KV heads * head size * max_length * batch * bytes per number. It is for inference: it holds no
    gradients.

    Raises:
        ValueError: batch_size or max_length below 1; a sliding cache that is longer than the model's context.
    """

    def __init__(
        self,
        config: TransformerConfig,
        batch_size: int,
        max_length: int,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        sliding: bool = False,
    ):
        if batch_size < 1 or max_length < 1:
            raise ValueError(f"batch_size and max_length must be at least 1, got {batch_size} and {max_length}")
        if sliding and max_length > config.context_length:
            raise ValueError(
                f"a sliding cache of max_length={max_length} would let tokens look further back than the model's "
                f"context_length={config.context_length}: make it that long at most"
            )
        shape = (config.n_layers, batch_size, config.n_kv_heads, max_length, config.head_dim)
        in_eight_bits = dtype == torch.int8
        self.keys: Stored = StoredInt8(shape, device) if in_eight_bits else Stored(shape, device, dtype)
        self.values: Stored = StoredInt8(shape, device) if in_eight_bits else Stored(shape, device, dtype)
        self.real = torch.ones(batch_size, max_length, dtype=torch.bool, device=device)  # False where padded
        self.padding = torch.zeros(batch_size, 1, dtype=torch.long, device=device)  # padded tokens read, (B, 1)
        self.padded = False  # whether there are any
        self.max_length, self.sliding, self.length = max_length, sliding, 0

    @property
    def nbytes(self) -> int:
        """Bytes of all keys and values, used or not."""
        return self.keys.nbytes + self.values.nbytes

    @property
    def used(self) -> int:
        """Number of slots that hold a token."""
        return min(self.length, self.max_length)

    def reset(self) -> None:
        """Forget every token; the memory stays allocated."""
        self.rewind(0)

    def rewind(self, length: int) -> None:
        """Forget all tokens but the first `length`.

        Raises:
            ValueError: fewer were read; or a sliding cache has written over the oldest, which would be needed again.
        """
        length = whole_number("length", length, least=0, most=self.length)
        if length and self.length > self.max_length:
            raise ValueError(
                f"the cache has slid: of {self.length} tokens it holds the last {self.max_length}, and can't go back "
                f"to the first {length}: reset it, and read them again"
            )
        self.length = length
        self.padding = (~self.real[:, :length]).sum(dim=1, keepdim=True)  # (B, 1)
        self.padded = bool(self.padding.any())

    def reorder(self, rows: Tensor) -> None:
        """Put into row i what row rows[i] holds.

        Args:
            rows: (B',) may name a row several times, and another not at all: torch.zeros(n, dtype=torch.long) lets n
                texts go on from one prompt that was read once.
        """
        self.keys.take(rows, self.used)
        self.values.take(rows, self.used)
        self.real, self.padding = self.real[rows], self.padding[rows]

    def check(self, config: TransformerConfig, x: Tensor) -> None:
        """Refuse a model that this cache wasn't made for, or more tokens than it has room for.

        Args:
            config: the model's shape.
            x: what the first layer reads of the new tokens, (B, T, d).

        Raises:
            ValueError: one of these doesn't fit; named, with the remedy.
        """
        batch_size, new, _ = x.shape
        numbers = self.keys.numbers
        layers, batch, heads, _, head_dim = numbers.shape
        if (layers, heads, head_dim) != (config.n_layers, config.n_kv_heads, config.head_dim):
            raise ValueError(
                f"the cache was made for n_layers={layers}, n_kv_heads={heads}, head_dim={head_dim}: "
                "make it with the model's own new_cache"
            )
        if numbers.device != x.device or numbers.dtype not in (x.dtype, torch.int8):
            raise ValueError(
                f"the cache is {numbers.dtype} on {numbers.device}, the model computes in {x.dtype} on {x.device}: "
                "make it with the model's own new_cache"
            )
        if batch_size != batch:
            raise ValueError(f"the cache was made for batch_size={batch}, got a batch of {batch_size}")
        if self.length + new > self.max_length and not self.sliding:
            raise ValueError(
                f"the cache holds {self.length} of max_length={self.max_length} tokens, {new} more don't fit: "
                "make a longer cache or reset it"
            )

    def columns(self, new: int) -> Tensor:
        """Return which tokens the next `new` ones may look at, by their numbers from the text's beginning.

        Returns:
            (S,) in the order of the keys that `append` will return. It isn't that of the text once a sliding cache has
            written a single new token over the oldest.
        """
        end, device = self.length + new, self.real.device
        if end <= self.max_length:
            return torch.arange(end, device=device)
        if new > 1:
            return torch.arange(self.length - self.used, end, device=device)
        slots = torch.arange(self.max_length, device=device)
        return self.length - (self.length - slots) % self.max_length  # the last number that falls into each slot

    def real_with(self, mask: Tensor | None, new: int) -> Tensor | None:
        """Return which tokens of `columns(new)` are real, mask (B, new) says it of the new ones: (B, S), None = all."""
        if mask is None and not self.padded:
            return None
        columns = self.columns(new)  # (S,)
        held = self.real[:, columns % self.max_length]  # (B, S)
        mask = self.real.new_ones(len(held), new) if mask is None else mask
        return torch.where(columns < self.length, held, mask[:, (columns - self.length).clamp(min=0)])

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store one layer's new keys and values (B, n_kv, T, d_k); return all that the new tokens may look at."""
        return self._append(self.keys, layer, k.detach()), self._append(self.values, layer, v.detach())

    def _append(self, stored: Stored, layer: int, x: Tensor) -> Tensor:
        new, end = x.shape[2], self.length + x.shape[2]
        if end <= self.max_length:
            stored.write(layer, slice(self.length, end), x)
            return stored.read(layer, slice(end), x.dtype)  # (B, n_kv, S, d_k)
        held = None if new == 1 else stored.read(layer, self.columns(new)[:-new] % self.max_length, x.dtype)
        stored.write(layer, self._slots(new), x[:, :, -self.max_length :])
        return stored.read(layer, slice(None), x.dtype) if held is None else torch.cat([held, x], dim=2)

    def _slots(self, new: int) -> Tensor:
        """Return where the next `new` tokens are stored, the last of them if they are too many."""
        end = self.length + new
        return torch.arange(max(self.length, end - self.max_length), end, device=self.real.device) % self.max_length

    def advance(self, new: int, mask: Tensor | None) -> None:
        """Count `new` tokens as held, once every layer has stored them; mask (B, new) says which are real."""
        self.real[:, self._slots(new)] = True if mask is None else mask[:, -self.max_length :]
        if mask is not None:
            self.padding = self.padding + (~mask).sum(dim=1, keepdim=True)
            self.padded = self.padded or not bool(mask.all())
        self.length += new
