"""Bytes that a training needs on each device."""

import math
from dataclasses import dataclass

import torch

from course_utils.checks import whole_number
from course_utils.memory.activations import MATRICES, activation_bytes
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
        adapted: matrices of a layer that get a low-rank adapter; if there are any, the weights are frozen, and
            gradients, master copy and states are those of the adapters, whose own weights take `ADAPTER` bytes each.
        outside: of weights that aren't matrices of a layer, where those are narrower than the others; None is weights.
        source: where it is from.
    """

    weights: float
    gradients: int
    master: int
    states: int
    sharded: frozenset[str] = frozenset()
    activations: torch.dtype | None = torch.bfloat16
    adapted: tuple[str, ...] = ()
    outside: int | None = None
    source: str = ""


ZERO = "Rajbhandari et al. (2019), ZeRO: Memory Optimizations Toward Training Trillion Parameter Models, section 3"
STATES = frozenset({"master copy", "optimizer states"})
ADAPTER = 4  # bytes of each weight of an adapter
NF4 = (4 + 8 / 64 + 32 / (64 * 256)) / 8  # four bits, a scale of eight for each 64, a scale of those for each 256
RECIPES = {
    "lecture": Recipe(2, 2, 0, 8, activations=None, source="slide L45: 14 + 14 + 56 GB for 7 B parameters"),
    "float32": Recipe(4, 4, 0, 8, activations=torch.float32, source="AdamW in one precision"),
    "mixed": Recipe(2, 2, 4, 8, source=ZERO),
    "mixed, gradients in float32": Recipe(2, 4, 4, 8, source="EleutherAI's cookbook, its calculator's default"),
    "8-bit Adam": Recipe(2, 2, 4, 2, source="Dettmers et al. (2022), 8-bit Optimizers via Block-wise Quantization"),
    "lora": Recipe(2, 4, 0, 8, adapted=("q", "v"), source="Hu et al. (2021), LoRA; float32 adapters, as in peft"),
    "qlora": Recipe(
        NF4, 4, 0, 8, adapted=MATRICES, outside=2, source="Dettmers et al. (2023), QLoRA, section 3; float32 adapters"
    ),
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
    fused: bool = True,
    checkpointed: bool = False,
    rank: int = 8,
) -> Budget:
    """Return what a training with AdamW needs on each device, in bytes by item.

    Args:
        model: a shape, or the name of a published model.
        batch_size: texts on each device, B.
        context_length: tokens of each; None is the model's.
        recipe: one of `RECIPES`. "lecture" counts weights, gradients and optimizer states, as the slide does.
        n_devices: over how many devices zero-1, -2 and -3 cut their shards, the largest of which counts; the other
            recipes keep everything on each device.
        fused, checkpointed: as in `activation_bytes`.
        rank: of the adapters of lora and qlora, r.

    Raises:
        ValueError: an unknown name, or a number below 1.
    """
    shape = shape_of(model)
    if recipe not in RECIPES:
        raise ValueError(f"unknown recipe {recipe!r}: choose one of {', '.join(RECIPES)}")
    chosen, devices = RECIPES[recipe], whole_number("n_devices", n_devices, least=1)
    rank = whole_number("rank", rank, least=1) if chosen.adapted else 0
    trained = adapter_parameters(shape, chosen.adapted, rank) if chosen.adapted else shape.n_parameters
    per_weight = chosen.weights
    if chosen.outside is not None:
        share = (shape.parameters["attention"] + shape.parameters["feed-forward"]) / shape.n_parameters
        per_weight = share * chosen.weights + (1 - share) * chosen.outside
    items = {
        "weights": (per_weight, shape.n_parameters),
        "adapters": (ADAPTER if chosen.adapted else 0, trained),
        "gradients": (chosen.gradients, trained),
        "master copy": (chosen.master, trained),
        "optimizer states": (chosen.states, trained),
    }
    sizes = {
        name: math.ceil(size * (math.ceil(count / devices) if name in chosen.sharded else count))
        for name, (size, count) in items.items()
        if size
    }
    length = shape.context_length if context_length is None else context_length
    dtype = chosen.activations or torch.float32
    kept = activation_bytes(shape, batch_size, length, dtype, fused, checkpointed, chosen.adapted, rank)
    return Budget(sizes | ({"activations": kept} if chosen.activations else {}))


def adapter_parameters(
    model: TransformerConfig | ModelShape | str, adapted: tuple[str, ...] = ("q", "v"), rank: int = 8
) -> int:
    """Return the number of weights in low-rank adapters: r (d_in + d_out) for each matrix of each layer.

    Args:
        model: a shape, or the name of a published model.
        adapted: which of `MATRICES` get one.
        rank: r.

    Raises:
        ValueError: an unknown name, or a number below 1.

    Source: Hu et al. (2021), "LoRA: Low-Rank Adaptation of Large Language Models", section 4.2.
    """
    shape = shape_of(model)
    d, kept, inner = shape.d_model, shape.n_kv_heads * shape.head_dim, shape.d_ff
    ends = {"q": d + d, "k": d + kept, "v": d + kept, "o": d + d, "gate": d + inner, "up": d + inner, "down": inner + d}
    if unknown := set(adapted) - set(ends):
        raise ValueError(f"adapted holds {sorted(unknown)[0]!r}: choose among {', '.join(MATRICES)}")
    return shape.n_layers * whole_number("rank", rank, least=1) * sum(ends[name] for name in adapted)
