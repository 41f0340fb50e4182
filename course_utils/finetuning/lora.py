"""LoRA: of a model whose weights all stay as they are, train the small update of a few matrices.

Source: Hu et al. (2021), "LoRA: Low-Rank Adaptation of Large Language Models".
"""

import math
from collections.abc import Iterable

import torch
from torch import nn

from course_utils.checks import number, whole_number
from course_utils.finetuning.adapter_files import load_adapter, save_adapter
from course_utils.finetuning.lora_layer import LoRALinear, LowRank, attach, decoder, lora_layers, matrix_shapes
from course_utils.memory import ModelShape, shape_of
from course_utils.transformer import DecoderLM, TransformerConfig

__all__ = [
    "LoRALinear",
    "add_lora",
    "load_adapter",
    "lora_layers",
    "lora_parameter_count",
    "lora_parameters",
    "merge_lora",
    "remove_lora",
    "save_adapter",
    "unmerge_lora",
    "use_adapter",
]


def add_lora(
    model: DecoderLM,
    rank: int,
    alpha: float,
    targets: Iterable[str] = ("q", "v"),
    name: str = "default",
    seed: int = 0,
) -> DecoderLM:
    """Put an adapter beside some matrices of every layer, in place, and freeze all else; return the model.

    Each computes h = x W + alpha / r * x A B from now on. A (d_in, r) is uniform within 1 / sqrt(d_in) as in peft, and
    B (r, d_out) is zero, so that the model answers as before until it is trained. Both are in float32. A second call
    with another name adds a second adapter, which becomes the active one.

    Args:
        model: plain, quantised, or with other adapters.
        rank: r; more than the matrix has rows or columns is allowed and wasteful.
        alpha: the update's scale times r, above 0.
        targets: matrices of each layer, of q k v o gate up down.
        name: of the adapter.
        seed: of A's numbers; the same seed gives the same ones everywhere.

    Raises:
        ValueError: an argument out of range, named; the name is taken; another adapter is merged.

    Source: Hu et al. (2021), "LoRA", section 4.1.
    """
    rank = whole_number("rank", rank, least=1)
    if not 0 < number("alpha", alpha) < math.inf:
        raise ValueError(f"alpha must be a finite number above 0, got {alpha}; it is often the rank or twice the rank")
    shapes = chosen(decoder(model).config, targets)
    generator = torch.Generator().manual_seed(whole_number("seed", seed))
    device = model.embedding.weight.device
    pairs = {}
    for layer in range(model.config.n_layers):
        for target, (d_in, d_out) in shapes.items():
            uniform = 2 * torch.rand(d_in, rank, generator=generator) - 1  # each step exact, on every processor
            a, b = (uniform / math.sqrt(d_in)).to(device), torch.zeros(rank, d_out, device=device)
            pairs[layer, target] = LowRank(a, b, float(alpha) / rank)
    return attach(model, pairs, name)


def chosen(model: TransformerConfig | ModelShape | str, targets: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return (d_in, d_out) of each target, always in the same order.

    Raises:
        ValueError: there is no target, or one that isn't a matrix of the model.
    """
    shapes = matrix_shapes(model)
    names = [targets] if isinstance(targets, str) else list(targets)
    if unknown := [name for name in names if name not in shapes]:
        raise ValueError(f"targets must be some of {' '.join(shapes)}, such as ('q', 'v'); got {unknown[0]!r}")
    if not names:
        raise ValueError(f"targets must name at least one matrix of {' '.join(shapes)}, got none")
    return {name: shape for name, shape in shapes.items() if name in names}


def lora_parameter_count(
    model: TransformerConfig | ModelShape | str, rank: int, targets: Iterable[str] = ("q", "v")
) -> int:
    """Return the number of numbers in an adapter: the sum of r (d_in + d_out) over the targets, times the layers.

    LLaMA-2 7B with r = 8 on q and v: 8 x (4,096 + 4,096) x 2 x 32 = 4,194,304.

    Args:
        model: its shape, or the name of a published one.
        rank: r.
        targets: matrices of each layer, of q k v o gate up down.

    Raises:
        ValueError: rank below 1, or an unknown target or model.
    """
    rank = whole_number("rank", rank, least=1)
    return shape_of(model).n_layers * sum(rank * (d_in + d_out) for d_in, d_out in chosen(model, targets).values())


def lora_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Return A and B of the active adapter, layer by layer: what an optimizer is to move."""
    return [matrix for layer in lora_layers(model).values() if layer.pair for matrix in layer.pair.parameters()]


def use_adapter(model: nn.Module, name: str | None) -> None:
    """Make one adapter the active one, or none of them: the plain base.

    Raises:
        ValueError: there is no adapter of this name; another one is merged.
    """
    layers = _adapted(model)
    known = sorted({each for layer in layers for each in layer.adapters})
    if name is not None and name not in known:
        raise ValueError(f"the model has no adapter {name!r}; it has {', '.join(known)}")
    if merged := {layer.merged for layer in layers} - {None, name}:
        raise ValueError(f"adapter {merged.pop()!r} is merged into the weights: call unmerge_lora first")
    for layer in layers:
        layer.activate(name)


def merge_lora(model: nn.Module) -> None:
    """Add the active adapter's update to the weights, once: the model answers the same, without a further product.

    So it does in float32, up to rounding. Weights in bfloat16 have no room for a small update: merge in float32.
    A merged layer's A and B aren't trained until `unmerge_lora`.

    Raises:
        ValueError: the weights are quantised, and nothing can be added to them; or no adapter is active.
    """
    layers = _adapted(model)
    if all(layer.active is None for layer in layers):
        raise ValueError("no adapter is active: call use_adapter with the name of the one to merge")
    if not all(layer.mergeable for layer in layers):
        raise ValueError(
            "nothing can be added to weights that are kept in so few bits: load the model without quantization, load "
            "the adapter (save_adapter, load_adapter), then merge"
        )
    for layer in layers:
        layer.merge()


def unmerge_lora(model: nn.Module) -> None:
    """Give the weights back their bits of before `merge_lora`."""
    for layer in lora_layers(model).values():
        layer.unmerge()


def remove_lora(model: nn.Module) -> None:
    """Make the adapted layers plain again, with the update inside where it was merged, without it else.

    All weights stay frozen until `model.requires_grad_()`.
    """
    for name, layer in lora_layers(model).items():
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, layer.base)


def _adapted(model: nn.Module) -> list[LoRALinear]:
    layers = list(lora_layers(model).values())
    if not layers:
        raise ValueError("the model has no adapter: call add_lora or load_adapter first")
    return layers
