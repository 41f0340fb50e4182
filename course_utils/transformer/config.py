"""The shape of a transformer, as numbers."""

import math
from dataclasses import dataclass

from course_utils.checks import number, whole_number


@dataclass(frozen=True)
class TransformerConfig:
    """The shape of a transformer; every model of the course is built from one.

    Args:
        vocab_size: number of token types, V.
        d_model: width of the residual stream, d.
        n_layers: number of blocks.
        n_heads: number of query heads; the head size is d_model / n_heads.
        n_kv_heads: number of key and value heads; each serves n_heads / n_kv_heads query heads.
        d_ff: inner width of the feed-forward network.
        context_length: the most tokens a text may have.
        rope_theta: base of the rotary position embedding's wavelengths.
        norm_eps: added to the mean square in RMSNorm.
        tie_embeddings: the output layer uses the embedding matrix.

    Raises:
        ValueError: a number that can't be a shape, named in the message.
    """

    vocab_size: int
    d_model: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_ff: int
    context_length: int
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-5
    tie_embeddings: bool = True

    def __post_init__(self) -> None:
        for name in ("vocab_size", "d_model", "n_layers", "n_heads", "n_kv_heads", "d_ff", "context_length"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), least=1))
        if not 0 < number("rope_theta", self.rope_theta) < math.inf:
            raise ValueError(f"rope_theta must be a finite number above 0, got {self.rope_theta}; most models have 1e4")
        if not 0 <= number("norm_eps", self.norm_eps) < math.inf:
            raise ValueError(f"norm_eps must be a finite number >= 0, got {self.norm_eps}; most models have 1e-5")
        if self.d_model % self.n_heads:
            raise ValueError(f"d_model={self.d_model} must be a multiple of n_heads={self.n_heads}")
        if self.head_dim % 2:
            raise ValueError(f"d_model / n_heads must be even for rotary positions, got {self.head_dim}")
        if self.n_heads % self.n_kv_heads:
            raise ValueError(f"n_heads={self.n_heads} must be a multiple of n_kv_heads={self.n_kv_heads}")

    @property
    def head_dim(self) -> int:
        """Size of one attention head: d_model / n_heads."""
        return self.d_model // self.n_heads

    @property
    def n_parameters(self) -> int:
        """Number of weights of a `DecoderLM` of this shape."""
        d, keys_or_values = self.d_model, self.n_kv_heads * self.head_dim
        attention = 2 * d * d + 2 * d * keys_or_values  # q and o, k and v
        feed_forward = 3 * d * self.d_ff  # gate, up, down
        norms = 2 * d
        embeddings = self.vocab_size * d * (1 if self.tie_embeddings else 2)
        return embeddings + self.n_layers * (attention + feed_forward + norms) + d  # the final norm

    @property
    def n_active_parameters(self) -> int:
        """Number of weights that each token is computed with: N of the 6 N operations that training takes per token.

        All of them if the embedding is also the output layer; else the embedding, of which a token looks up one row,
        is left out.
        """
        return self.n_parameters - (0 if self.tie_embeddings else self.vocab_size * self.d_model)
