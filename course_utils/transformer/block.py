"""One transformer block: tokens talk to each other, then each thinks for itself."""

import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.transformer.attention import Attention
from course_utils.transformer.cache import KVCache
from course_utils.transformer.config import TransformerConfig
from course_utils.transformer.linear import Linear, products
from course_utils.transformer.norm import RMSNorm


class FeedForward(nn.Module):
    """SwiGLU: down(silu(gate(x)) * up(x)).

    Source: Shazeer (2020), "GLU Variants Improve Transformer", section 2.
    """

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.gate = Linear(config.d_model, config.d_ff)
        self.up = Linear(config.d_model, config.d_ff)
        self.down = Linear(config.d_ff, config.d_model)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = products(x, [self.gate, self.up])  # (B, T, d_ff) each
        gate = F.silu(gate)  # at inference the memory of the old one is free now
        return self.down(gate * up)  # (B, T, d)


class Block(nn.Module):
    """Pre-norm block: x + attention(norm(x)), then x + feed_forward(norm(x)); arguments as `Attention`."""

    def __init__(self, config: TransformerConfig, layer: int):
        super().__init__()
        self.attention_norm = RMSNorm(config.d_model, config.norm_eps)
        self.attention = Attention(config, layer)
        self.feed_forward_norm = RMSNorm(config.d_model, config.norm_eps)
        self.feed_forward = FeedForward(config)

    def forward(
        self, x: Tensor, cos_sin: tuple[Tensor, Tensor], mask: Tensor | None, is_causal: bool, cache: KVCache | None
    ) -> Tensor:
        x = x + self.attention(self.attention_norm(x), cos_sin, mask, is_causal, cache)  # (B, T, d)
        return x + self.feed_forward(self.feed_forward_norm(x))  # (B, T, d)
