"""Trainings of a sweep: what each was told, what came of it, and the table of all in a file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from course_utils.transformer import TransformerConfig


class Size(NamedTuple):
    """The shape of a model; the feed-forward part is 2.75 times as wide as the model, in whole eights."""

    n_layers: int
    d_model: int
    n_heads: int

    def config(self, vocab_size: int, context_length: int) -> TransformerConfig:
        """Return the transformer's configuration."""
        return TransformerConfig(
            vocab_size=vocab_size,
            n_layers=self.n_layers,
            d_model=self.d_model,
            n_heads=self.n_heads,
            n_kv_heads=self.n_heads,
            d_ff=round(2.75 * self.d_model / 8) * 8,
            context_length=context_length,
        )


class Job(NamedTuple):
    """One training: the shape of the model, tokens to read, seed of its text and first weights, rate at its peak."""

    size: Size
    tokens: int
    seed: int
    learning_rate: float


@dataclass(frozen=True)
class Result:
    """What a training gave: losses in nats per token of whole reviews, the end of each included.

    Args:
        flops: of the training by `memory.forward_flops_per_token`'s formula, three times forward.
        seconds: of one core.
    """

    n_layers: int
    d_model: int
    n_heads: int
    tokens: int
    seed: int
    learning_rate: float
    parameters: int
    non_embedding: int
    flops: int
    validation: float
    test: float
    seconds: float
    processor: str

    @property
    def job(self) -> Job:
        """The training that gave it."""
        return Job(Size(self.n_layers, self.d_model, self.n_heads), self.tokens, self.seed, self.learning_rate)


def read(path: str | Path) -> list[Result]:
    """Return the results that a sweep has written.

    Raises:
        FileNotFoundError: there is no such file; the message has the command that makes it.
        ValueError: the file holds something else.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        command = f"python -m course_utils.scaling.sweep --out {path}"
        raise FileNotFoundError(f"{path} is missing: run `{command}`") from None
    try:
        return [Result(**json.loads(line)) for line in lines]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} isn't of this command ({error}): give another file, or move this one away") from None
