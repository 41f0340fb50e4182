"""A transformer that is given what is near, which it would else have to learn to look at."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.transformer import DecoderLM, KVCache, TransformerConfig
from course_utils.transformer.block import Block
from course_utils.transformer.norm import RMSNorm

LARGEST_TABLE = 65_521  # rows of the table of pairs; a prime, so that pairs which share a row have little in common
WIDTH = 4  # tokens that a short convolution reads


class LocalDecoderLM(DecoderLM):
    """A `DecoderLM` that looks up each pair of neighbouring tokens, and mixes four of them before each part of a layer.

    An attention head can learn to look at the token before. Both aids make that easy from the start.

    It reads a text from its beginning, without a cache and without padding.

    Sources: Huang et al. (2025), "Over-Tokenized Transformer: Vocabulary is Generally Worth Scaling", for embeddings of
    several tokens; Allen-Zhu (2025), "Physics of Language Models: Part 4.1, Architecture Design and the Magic of Canon
    Layers", for the convolutions.
    """

    def __init__(self, config: TransformerConfig):
        super().__init__(config)
        self.embedding = PairEmbedding(config.vocab_size, config.d_model)
        for block in self.layers:
            assert isinstance(block, Block)
            block.attention_norm = NeighbourNorm(config.d_model, config.norm_eps)
            block.feed_forward_norm = NeighbourNorm(config.d_model, config.norm_eps)
        self.initialise()  # once more, with the new parts

    def forward(self, ids: Tensor, cache: KVCache | None = None, mask: Tensor | None = None) -> Tensor:
        """Map token ids (B, T) to logits (B, T, V).

        Raises:
            ValueError: a cache or a mask is given; else as `DecoderLM`.
        """
        if cache is not None or mask is not None:
            raise ValueError(
                "a LocalDecoderLM must see the neighbours of every token: give neither a cache (use_cache=False in "
                "decoding.generate) nor a mask (texts of one length only)"
            )
        return super().forward(ids)

    def next_token_logits(self, ids: Tensor, cache: KVCache | None = None, mask: Tensor | None = None) -> Tensor:
        """Return `forward(ids)[:, -1]`; errors as `forward`."""
        return self(ids, cache, mask)[:, -1]  # (B, V)


class PairEmbedding(nn.Embedding):
    """The embedding of a token plus that of the pair it forms with the token before it.

    `weight` is that of tokens, (V, d), and the output layer's if that is tied. Pairs too many for their table share its
    rows.
    """

    def __init__(self, vocab_size: int, d_model: int):
        super().__init__(vocab_size, d_model)
        self.pairs = nn.Embedding(min(vocab_size**2, LARGEST_TABLE), d_model)

    def forward(self, ids: Tensor) -> Tensor:
        """Map token ids (B, T) to (B, T, d)."""
        numbers = ids[:, :-1] * self.num_embeddings + ids[:, 1:]  # (B, T - 1), less than V^2
        pairs = self.pairs(numbers % self.pairs.num_embeddings)  # (B, T - 1, d)
        return super().forward(ids) + F.pad(pairs, (0, 0, 1, 0))  # the first token has none before it


class NeighbourNorm(RMSNorm):
    """RMSNorm, then to each vector a weighted sum of itself and the three before it is added, dimension by dimension.

    The weights start at 0: at first it is RMSNorm alone.
    """

    def __init__(self, d_model: int, eps: float):
        super().__init__(d_model, eps)
        self.neighbours = nn.Parameter(torch.zeros(WIDTH, 1, d_model))  # of the vectors 0, 1, ... places before

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, d) to (B, T, d)."""
        x = super().forward(x)
        mixed = x * (1 + self.neighbours[0])
        for back, weight in enumerate(self.neighbours[1:], start=1):
            mixed = mixed + F.pad(x, (0, 0, back, 0))[:, : x.shape[1]] * weight
        return mixed
