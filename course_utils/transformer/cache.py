"""The KV cache: keys and values of tokens already read, so that they are computed once."""

import torch
from torch import Tensor

from course_utils.transformer.config import TransformerConfig


class KVCache:
    """Keys and values of every layer for up to `max_length` tokens, allocated once.

    Args:
        config: the model's shape.
        batch_size: number of texts, B.
        max_length: room for so many tokens, prompt and answer together.
        device, dtype: where and how to store; where the model is and what it computes in.

    `length` is the number of tokens held, `nbytes` the memory of keys and values in bytes:
    2 * layers * KV heads * head size * max_length * batch * bytes per number. It is for inference: it holds no
    gradients.

    Raises:
        ValueError: batch_size or max_length below 1.
    """

    def __init__(
        self,
        config: TransformerConfig,
        batch_size: int,
        max_length: int,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):
        if batch_size < 1 or max_length < 1:
            raise ValueError(f"batch_size and max_length must be at least 1, got {batch_size} and {max_length}")
        shape = (config.n_layers, batch_size, config.n_kv_heads, max_length, config.head_dim)
        self.keys = torch.zeros(shape, device=device, dtype=dtype)
        self.values = torch.zeros(shape, device=device, dtype=dtype)
        self.real = torch.ones(batch_size, max_length, dtype=torch.bool, device=device)  # False where padded
        self.padded = False
        self.max_length, self.length = max_length, 0

    @property
    def nbytes(self) -> int:
        """Bytes of all keys and values, used or not."""
        return self.keys.nbytes + self.values.nbytes

    def reset(self) -> None:
        """Forget every token; the memory stays allocated."""
        self.length = 0
        self.padded = False

    def reorder(self, rows: Tensor) -> None:
        """Put into row i what row rows[i] holds; rows (B,) may name a row twice, and another not at all."""
        self.keys[..., : self.length, :] = self.keys[:, rows, :, : self.length]  # the right side is a copy
        self.values[..., : self.length, :] = self.values[:, rows, :, : self.length]
        self.real = self.real[rows]

    def check(self, config: TransformerConfig, x: Tensor) -> None:
        """Refuse a model that this cache wasn't made for, or more tokens than it has room for.

        Args:
            config: the model's shape.
            x: what the first layer reads of the new tokens, (B, T, d).

        Raises:
            ValueError: one of these doesn't fit; named, with the remedy.
        """
        batch_size, new, _ = x.shape
        layers, batch, heads, _, head_dim = self.keys.shape
        if (layers, heads, head_dim) != (config.n_layers, config.n_kv_heads, config.head_dim):
            raise ValueError(
                f"the cache was made for n_layers={layers}, n_kv_heads={heads}, head_dim={head_dim}: "
                "make it with the model's own new_cache"
            )
        if (self.keys.dtype, self.keys.device) != (x.dtype, x.device):
            raise ValueError(
                f"the cache is {self.keys.dtype} on {self.keys.device}, the model computes in {x.dtype} on {x.device}: "
                "make it with the model's own new_cache"
            )
        if batch_size != batch:
            raise ValueError(f"the cache was made for batch_size={batch}, got a batch of {batch_size}")
        if self.length + new > self.max_length:
            raise ValueError(
                f"the cache holds {self.length} of max_length={self.max_length} tokens, {new} more don't fit: "
                "make a longer cache or reset it"
            )

    def real_with(self, mask: Tensor | None, new: int) -> Tensor | None:
        """Return which tokens are real, those held and `new` more with mask (B, new): (B, length + new), None = all."""
        if mask is None and not self.padded:
            return None
        held = self.real[:, : self.length]  # (B, length)
        return torch.cat([held, held.new_ones(held.shape[0], new) if mask is None else mask], dim=1)

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store one layer's new keys and values (B, n_kv, T, d_k); return all of them so far."""
        end = self.length + k.shape[2]
        self.keys[layer, :, :, self.length : end] = k.detach()
        self.values[layer, :, :, self.length : end] = v.detach()
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def advance(self, new: int, mask: Tensor | None) -> None:
        """Count `new` tokens as held, once every layer has stored them; mask (B, new) says which are real."""
        self.real[:, self.length : self.length + new] = True if mask is None else mask
        self.padded = self.padded or (mask is not None and not bool(mask.all()))
        self.length += new
