"""Bytes that a training needs on each device."""

import math
from dataclasses import dataclass

import torch

from course_utils.checks import whole_number
from course_utils.memory.activations import activation_bytes
from course_utils.memory.budget import Budget
from course_utils.memory.shapes import ModelShape, shape_of
from course_utils.transformer import TransformerConfig


@dataclass(frozen=True)
class Recipe:
    """Bytes per parameter of each item, and which of them are cut into shards.

    Args:
        weights, gradients: what the model computes with, and what it gets back.
        master: a float32 copy of narrower weights, which small steps would not move; 0 without one.
        states: of the optimizer; AdamW has two running means.
        sharded: items of which each device holds its share only.
        activations: dtype of what the forward pass keeps; None leaves that out.
        source: where it is from.
    """

    weights: int
    gradients: int
    master: int
    states: int
    sharded: frozenset[str] = frozenset()
    activations: torch.dtype | None = torch.bfloat16
    source: str = ""


ZERO = "Rajbhandari et al. (2019), ZeRO: Memory Optimizations Toward Training Trillion Parameter Models, section 3"
STATES = frozenset({"master copy", "optimizer states"})
RECIPES = {
    "lecture": Recipe(2, 2, 0, 8, activations=None, source="slide L45: 14 + 14 + 56 GB for 7 B parameters"),
    "float32": Recipe(4, 4, 0, 8, activations=torch.float32, source="AdamW in one precision"),
    "mixed": Recipe(2, 2, 4, 8, source=ZERO),
    "mixed, gradients in float32": Recipe(2, 4, 4, 8, source="EleutherAI's cookbook, its calculator's default"),
    "8-bit Adam": Recipe(2, 2, 4, 2, source="Dettmers et al. (2022), 8-bit Optimizers via Block-wise Quantization"),
    "zero-1": Recipe(2, 2, 4, 8, STATES, source=ZERO),
    "zero-2": Recipe(2, 2, 4, 8, STATES | {"gradients"}, source=ZERO),
    "zero-3": Recipe(2, 2, 4, 8, STATES | {"gradients", "weights"}, source=ZERO),
}


def training_memory(
    model: TransformerConfig | ModelShape | str,
    batch_size: int,
    context_length: int | None = None,
    recipe: str = "lecture",
    n_devices: int = 1,
) -> Budget:
    """Return what a training of all parameters with AdamW needs on each device, in bytes by item.

    Args:
        model: a shape, or the name of a published model.
        batch_size: texts on each device, B.
        context_length: tokens of each; None is the model's.
        recipe: one of `RECIPES`. "lecture" counts weights, gradients and optimizer states, as the slide does.
        n_devices: over how many devices zero-1, -2 and -3 cut their shards, the largest of which counts; the other
            recipes keep everything on each device.

    Raises:
        ValueError: an unknown name, or a number below 1.
    """
    shape = shape_of(model)
    if recipe not in RECIPES:
        raise ValueError(f"unknown recipe {recipe!r}: choose one of {', '.join(RECIPES)}")
    chosen, devices = RECIPES[recipe], whole_number("n_devices", n_devices, least=1)
    per_parameter = {
        "weights": chosen.weights,
        "gradients": chosen.gradients,
        "master copy": chosen.master,
        "optimizer states": chosen.states,
    }
    share = math.ceil(shape.n_parameters / devices)
    items = {
        name: size * (share if name in chosen.sharded else shape.n_parameters)
        for name, size in per_parameter.items()
        if size
    }
    length = shape.context_length if context_length is None else context_length
    kept = activation_bytes(shape, batch_size, length, chosen.activations or torch.float32)
    return Budget(items | ({"activations": kept} if chosen.activations else {}))
