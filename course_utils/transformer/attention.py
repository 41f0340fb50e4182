"""Attention: every token looks at the tokens it may see and takes a weighted mean of what they say.

A mask is bool, True = may look, and None lets all look at all, in every function here as in torch's own. That no one
looks ahead is said by a `causal_mask`, or by `is_causal`, which the fused kernel knows without one.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.transformer.cache import KVCache
from course_utils.transformer.config import TransformerConfig
from course_utils.transformer.linear import Linear, products
from course_utils.transformer.rotary import rotate


def causal_mask(length: int, past: int = 0, device: torch.device | None = None) -> Tensor:
    """Say who may look at whom when no one may look ahead.

    Args:
        length: number of tokens that look, T.
        past: number of tokens before them that are in a cache.

    Returns:
        (length, past + length) bool, True = may look.
    """
    return torch.ones(length, past + length, dtype=torch.bool, device=device).tril(diagonal=past)


def attention_weights(q: Tensor, k: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return softmax(Q K^T / sqrt(d_k)): how much each token looks at each other.

    Args:
        q: queries (B, n_h, T, d_k).
        k: keys (B, n_h, S, d_k).
        mask: bool, broadcastable to (B, n_h, T, S).

    Returns:
        (B, n_h, T, S), each row sums to 1.

    Source: Vaswani et al. (2017), "Attention Is All You Need", equation 1.
    """
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, n_h, T, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return scores.softmax(dim=-1)


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return softmax(Q K^T / sqrt(d_k)) V, written out.

    `Attention` calls torch's fused kernel for the same numbers, and this where it is faster: in training in bfloat16 on
    a CPU.

    Args:
        q: queries (B, n_h, T, d_k).
        k, v: keys and values (B, n_h, S, d_k).
        mask: bool, broadcastable to (B, n_h, T, S).

    Returns:
        (B, n_h, T, d_k).

    Source: Vaswani et al. (2017), "Attention Is All You Need", equation 1.
    """
    return attention_weights(q, k, mask) @ v


class Attention(nn.Module):
    """Self-attention with rotary positions and grouped queries.

    Args:
        config: the model's shape.
        layer: the number of the layer that it is in, for its place in the cache.

    Source of the grouping: Ainslie et al. (2023), "GQA: Training Generalized Multi-Query Transformer Models".
    """

    def __init__(self, config: TransformerConfig, layer: int):
        super().__init__()
        d, head = config.d_model, config.head_dim
        self.head_dim, self.layer = head, layer
        self.q = Linear(d, config.n_heads * head)
        self.k = Linear(d, config.n_kv_heads * head)
        self.v = Linear(d, config.n_kv_heads * head)
        self.o = Linear(config.n_heads * head, d)

    def queries_keys_values(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Project x (B, T, d) to rotated queries (B, n_h, T, d_k), rotated keys and values (B, n_kv, T, d_k)."""
        q, k, v = (
            part.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)  # (B, n_h or n_kv, T, d_k)
            for part in products(x, [self.q, self.k, self.v])
        )
        return rotate(q, cos, sin), rotate(k, cos, sin), v

    def forward(
        self, x: Tensor, cos_sin: tuple[Tensor, Tensor], mask: Tensor | None, is_causal: bool, cache: KVCache | None
    ) -> Tensor:
        """Map x (B, T, d) to (B, T, d).

        Args:
            x: what the layer reads.
            cos_sin: from `rotation`.
            mask: bool (B or 1, 1, T, S), T of them looking at S keys.
            is_causal: True in place of a mask: no one looks ahead, and nothing is held in the cache yet (S = T).
            cache: keys and values of the tokens before; the new ones are appended.
        """
        q, k, v = self.queries_keys_values(x, *cos_sin)
        if cache is not None:
            k, v = cache.append(self.layer, k, v)  # (B, n_kv, S, d_k)
        if q.dtype == torch.bfloat16 and q.device.type == "cpu" and q.requires_grad:
            # The fused kernel's backward pass takes two to four times as long as this, for contexts below 1,000.
            # Four query heads and two key heads: q is [Q1, Q2, Q3, Q4], and k becomes [K1, K1, K2, K2].
            k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], dim=1) for x in (k, v))  # (B, n_h, S, d_k)
            mixed = attention(q, k, v, causal_mask(q.shape[2]) if is_causal else mask)
        else:
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=is_causal, enable_gqa=True)
        return self.o(mixed.transpose(1, 2).flatten(2))  # (B, T, d)
