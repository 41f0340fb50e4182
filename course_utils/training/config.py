"""What a training run is told: how long, on how much at a time, how fast, and what to keep."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from course_utils.checks import whole_number
from course_utils.training.schedule import check_schedule

OPTIMIZERS = ("muon", "adamw")
MAY_DIFFER = {"steps", "tokens", "seconds", "validate_every", "checkpoint_every", "directory", "progress", "shard"}


@dataclass(frozen=True)
class TrainingConfig:
    """The settings of a `Trainer`. Exactly one of steps, tokens and seconds is the budget.

    Args:
        steps: number of optimizer steps.
        tokens: tokens to train on, repeats included; rounded up to whole steps.
        seconds: from the start of the first step to the end of the last, compiling, validation and checkpoints
            included.
        batch_size: windows per step, of all processes and micro-batches together, B.
        context_length: tokens per window, T; None is the model's.
        optimizer: "muon" (and AdamW for what Muon can't move) or "adamw".
        learning_rate: AdamW's at its peak.
        muon_learning_rate: Muon's at its peak; None is the same as AdamW's.
        muon_momentum: Muon's decay of the running mean of the gradient.
        betas: AdamW's decay of the running means of gradient and squared gradient.
        weight_decay: of every matrix; the part of it that a step removes is learning rate times this.
        warmup, decay, final: the schedule, as in `learning_rate_factor`.
        clip_norm: a longer gradient (all parameters as one vector) is shortened to this; None never shortens.
        accumulation: micro-batches per step; more of them need less memory and give the same gradient.
        autocast: torch.bfloat16 computes matrix products in it while the weights stay as they are, unless the
            processor only emulates it; None never does.
        compile: fuse operations by torch.compile; needs a C++ compiler on a CPU and a minute before the first step.
        shard: split the weights over the processes (FSDP2); no effect on one process.
        validate_every: steps between validations, which then begin before the first step; None validates at the end.
        checkpoint_every: steps between checkpoints; None writes one at the end only. Either needs `directory`.
        directory: where the checkpoint goes; None writes none.
        seed: of the windows drawn; the model's own weights are the caller's business.
        progress: show a progress bar.

    Raises:
        ValueError: a setting out of range, named in the message.
    """

    steps: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    batch_size: int = 16
    context_length: int | None = None
    optimizer: str = "muon"
    learning_rate: float = 5e-3
    muon_learning_rate: float | None = None
    muon_momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1
    warmup: float = 0.05
    decay: str = "linear"
    final: float = 0.0
    clip_norm: float | None = 1.0
    accumulation: int = 1
    autocast: torch.dtype | None = None
    compile: bool = False
    shard: bool = False
    validate_every: int | None = None
    checkpoint_every: int | None = None
    directory: str | Path | None = None
    seed: int = 0
    progress: bool = True

    def __post_init__(self) -> None:
        budgets = [name for name in ("steps", "tokens", "seconds") if getattr(self, name) is not None]
        if len(budgets) != 1:
            raise ValueError(f"give exactly one of steps, tokens and seconds, got {budgets or 'none of them'}")
        counts = ("steps", "tokens", "batch_size", "context_length", "accumulation", "validate_every")
        for name in (*counts, "checkpoint_every"):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, whole_number(name, value, least=1))  # an int, which JSON can hold
        object.__setattr__(self, "seed", whole_number("seed", self.seed, least=-(2**63), most=2**64 - 1))
        for name in ("seconds", "learning_rate", "muon_learning_rate", "clip_norm"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be a positive number, got {value}")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay must not be negative, got {self.weight_decay}")
        if not 0 <= self.muon_momentum < 1:
            raise ValueError(f"muon_momentum must be at least 0 and below 1, got {self.muon_momentum}")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"unknown optimizer {self.optimizer!r}: choose one of {', '.join(OPTIMIZERS)}")
        if self.autocast not in (None, torch.bfloat16):
            raise ValueError(f"autocast must be None or torch.bfloat16, got {self.autocast}")
        if self.checkpoint_every is not None and self.directory is None:
            raise ValueError("checkpoint_every needs a directory to write to")
        check_schedule(self.warmup, self.decay, self.final)

    def what_shapes_the_weights(self) -> dict:
        """Return the settings that a resumed run must share, as JSON can hold them."""
        settings = asdict(self) | {"autocast": str(self.autocast), "betas": list(self.betas)}
        return {name: value for name, value in settings.items() if name not in MAY_DIFFER}
