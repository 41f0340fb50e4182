"""What happened in a run, step by step."""

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor


class Step(NamedTuple):
    """One optimizer step."""

    step: int  # 1 for the first
    tokens: int  # trained on so far
    seconds: float  # from the start of the first step to the end of this one, compiling included
    loss: float  # mean nats of this batch, before the step
    learning_rate_factor: float  # times the peak learning rates
    gradient_norm: float  # before clipping


class Validation(NamedTuple):
    """One pass over the validation text."""

    step: int
    tokens: int
    seconds: float  # of the last step before it
    loss: float  # mean nats per token


@dataclass
class History:
    """The steps and validations of a run, and whether its budget was spent; a run that SIGTERM ended is not."""

    steps: list[Step] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)
    finished: bool = False

    @property
    def step(self) -> int:
        """Number of steps done."""
        return self.steps[-1].step if self.steps else 0

    @property
    def tokens(self) -> int:
        """Tokens trained on."""
        return self.steps[-1].tokens if self.steps else 0

    @property
    def seconds(self) -> float:
        """Seconds from the start of the first step to the end of the last."""
        return self.steps[-1].seconds if self.steps else 0.0

    @property
    def losses(self) -> list[float]:
        """The training loss of each step."""
        return [step.loss for step in self.steps]

    def to_tensors(self) -> dict[str, Tensor]:
        """Return the records as float64 tables, exact for every number in them."""
        return {
            name: torch.tensor([list(record) for record in records], dtype=torch.float64).reshape(-1, width)
            for name, records, width in (("steps", self.steps, 6), ("validations", self.validations, 4))
        }

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> "History":
        """Return what `to_tensors` held."""
        rows = {name: tensors[name].tolist() for name in ("steps", "validations")}
        return cls(
            [Step(int(row[0]), int(row[1]), *row[2:]) for row in rows["steps"]],
            [Validation(int(row[0]), int(row[1]), *row[2:]) for row in rows["validations"]],
        )
