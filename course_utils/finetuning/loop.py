"""One loop for every kind of finetuning: they differ in which parameters may move, and in the loss."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_utils.checks import whole_number
from course_utils.evaluation import next_token_loss
from course_utils.training import learning_rate_factor


@dataclass(frozen=True)
class Run:
    """What a run has cost and how it went.

    Args:
        losses: of each step, before it moved the weights.
        seconds: of all steps.
        trainable: number of numbers that could move.
    """

    losses: list[float]
    seconds: float
    trainable: int


def next_token_batch_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return the mean nats of the counted targets of a batch (inputs, targets), (B, T) each; -100 isn't counted."""
    inputs, targets = batch
    return next_token_loss(model(inputs), targets)


def finetune(
    model: nn.Module,
    draw: Callable[[], Any],
    steps: int,
    learning_rate: float,
    loss: Callable[[nn.Module, Any], Tensor] = next_token_batch_loss,
    warmup: float = 0.1,
    weight_decay: float = 0.0,
    clip_norm: float = 1.0,
    progress: bool = False,
) -> Run:
    """Move those parameters of a model that require a gradient, by AdamW with a warm-up and a straight fall to 0.

    Args:
        model: is in eval mode afterwards.
        draw: returns the next batch, on the model's device.
        steps: number of optimizer steps.
        learning_rate: at its peak.
        loss: from the model and a batch to a scalar.
        warmup: the fraction of the steps in which the learning rate rises.
        weight_decay: of every matrix; the part of it that a step removes is learning rate times this.
        clip_norm: a longer gradient (all parameters as one vector) is shortened to this.
        progress: show a progress bar.

    Raises:
        ValueError: no parameter requires a gradient, or a setting is out of range, named.
        FloatingPointError: a loss or a gradient is no number; the weights are as the step before left them.

    Source: Loshchilov and Hutter (2019), "Decoupled Weight Decay Regularization", algorithm 2.
    """
    steps = whole_number("steps", steps, least=1)
    for name, setting in ("learning_rate", learning_rate), ("clip_norm", clip_norm):
        if not 0 < setting < math.inf:
            raise ValueError(f"{name} must be a positive number, got {setting}")
    if not 0 <= weight_decay < math.inf:
        raise ValueError(f"weight_decay must not be negative, got {weight_decay}")
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise ValueError(
            "model has no parameter that requires a gradient: nothing to train; add an adapter, call "
            "unmerge_lora where one is merged, or model.requires_grad_()"
        )
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": weight_decay},
            {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
        ]
    )
    losses = []
    start = time.perf_counter()
    model.train()
    try:
        for step in tqdm(range(steps), unit="step", disable=not progress):
            optimizer.zero_grad()  # a run that was broken off may have left its own
            value = loss(model, draw())
            value.backward()
            norm = nn.utils.clip_grad_norm_(parameters, clip_norm)
            if not math.isfinite(value.item()) or not math.isfinite(norm.item()):
                raise FloatingPointError(
                    f"the loss is {value.item()} and its gradient {norm.item()} long at step {step + 1}: "
                    "try a lower learning rate"
                )
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * learning_rate_factor((step + 1) / (steps + 1), warmup)
            optimizer.step()
            losses.append(value.item())
    finally:
        optimizer.zero_grad()
        model.eval()
    return Run(losses, time.perf_counter() - start, sum(p.numel() for p in parameters))
