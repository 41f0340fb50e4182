"""The shape of a transformer, as numbers."""

from dataclasses import dataclass


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

    def __post_init__(self):
        for name in ("vocab_size", "d_model", "n_layers", "n_heads", "n_kv_heads", "d_ff", "context_length"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
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
