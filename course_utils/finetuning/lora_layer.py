"""A layer with LoRA beside it: a matrix that stays as it is, and two small ones whose product is added to it.

The course writes W [N x d], A [N x r] and B [r x d], so that h = x W + x A B: a row vector comes in from the left. The
weight of a linear layer in PyTorch is W's transpose, (d_out, d_in); A and B are kept here as they are written.
"""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from course_utils.memory import ModelShape, shape_of
from course_utils.transformer import DecoderLM, TransformerConfig
from course_utils.transformer.linear import Adapted, Linear, product

# every matrix inside the layers of a model -> the part of a layer that it is in
PARTS = {
    **dict.fromkeys(("q", "k", "v", "o"), "attention"),
    **dict.fromkeys(("gate", "up", "down"), "feed_forward"),
}


def matrix_shapes(model: TransformerConfig | ModelShape | str) -> dict[str, tuple[int, int]]:
    """Return (d_in, d_out) of each matrix of a layer by its name, which is one of q k v o gate up down."""
    shape = shape_of(model)
    d, kept, inner = shape.d_model, shape.n_kv_heads * shape.head_dim, shape.d_ff
    gate = {"gate": (d, inner)} if shape.gated else {}
    return {"q": (d, d), "k": (d, kept), "v": (d, kept), "o": (d, d), **gate, "up": (d, inner), "down": (inner, d)}


class LowRank(nn.Module):
    """An update of a matrix by the product of two small ones, scale * A B.

    Args:
        a: A (d_in, r).
        b: B (r, d_out).
        scale: alpha / r.

    Source: Hu et al. (2021), "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1.
    """

    def __init__(self, a: Tensor, b: Tensor, scale: float):
        super().__init__()
        self.a, self.b, self.scale = nn.Parameter(a), nn.Parameter(b), scale

    @property
    def rank(self) -> int:
        """Number of columns of A and of rows of B, r."""
        return len(self.b)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """Return h + scale * x A B, computed in the dtype of x.

        Args:
            x: what the layer reads, (..., d_in).
            h: x W, (..., d_out).
        """
        inner = product(x, self.a.T.to(x.dtype)).reshape(-1, self.rank)  # (N, r)
        rows = h.reshape(-1, h.shape[-1])  # (N, d_out)
        return torch.addmm(rows, inner, self.b.to(x.dtype), alpha=self.scale).view(h.shape)

    def update(self) -> Tensor:
        """Return scale * A B in float32, as W is written: (d_in, d_out)."""
        return self.scale * (self.a.detach().float() @ self.b.detach().float())


class LoRALinear(Adapted):
    """A linear layer with adapters beside it, of which one at most is active.

    Args:
        base: maps (..., d_in) to (..., d_out), without a bias; it isn't trained.

    Attributes:
        adapters: `LowRank` by name.
        active: name of the one that is added; None is the base alone.
        merged: name of the one that the base's own weight holds now, or None.
    """

    def __init__(self, base: nn.Module):
        super().__init__(base)
        self.adapters = nn.ModuleDict()
        self.active: str | None = None
        self.merged: str | None = None
        self.own: Tensor | None  # the base's weight while another is in its place
        self.register_buffer("own", None, persistent=False)
        self.register_state_dict_pre_hook(_refuse_merged)

    @property
    def pair(self) -> LowRank | None:
        """The active adapter, or None."""
        return None if self.active is None else cast(LowRank, self.adapters[self.active])

    def adapt(self, x: Tensor, h: Tensor) -> Tensor:
        return h if self.pair is None or self.merged is not None else self.pair(x, h)

    def activate(self, name: str | None) -> None:
        """Add the adapter of this name from now on, if there is one here; it alone can be trained."""
        self.active = name if name is not None and name in self.adapters else None
        for each, adapter in self.adapters.items():
            adapter.requires_grad_(each == self.active and self.merged is None)

    def merge(self) -> None:
        """Put W + scale * A B of the active adapter in the place of W, once; W is kept for `unmerge`."""
        if self.pair is None or self.merged is not None:
            return
        weight = self.base.get_parameter("weight")
        self.own, self.merged = weight.data, self.active
        self.pair.requires_grad_(False)
        weight.data = (weight.data.float() + self.pair.update().T).to(weight.dtype)  # (d_out, d_in)

    def unmerge(self) -> None:
        """Put W back, bit by bit as it was."""
        if self.own is not None:
            self.base.get_parameter("weight").data, self.own, self.merged = self.own, None, None
            self.activate(self.active)

    @property
    def mergeable(self) -> bool:
        """Whether the base has a weight that an update can be added to, which a quantised one hasn't."""
        return isinstance(self.base, Linear)


def _refuse_merged(layer: "LoRALinear", *_: object) -> None:
    """Raise ValueError if weights are to be saved that an update is in, and the update beside them once more."""
    if layer.merged is not None:
        raise ValueError(
            f"adapter {layer.merged!r} is merged into the weights and would be counted twice when they are loaded: "
            "call unmerge_lora before saving, or remove_lora to save a plain model"
        )


def lora_layers(model: nn.Module) -> dict[str, LoRALinear]:
    """Return the layers that have adapters, by their names in the model."""
    return {name: module for name, module in model.named_modules() if isinstance(module, LoRALinear)}


def pairs_of(model: nn.Module, name: str | None) -> dict[str, LowRank]:
    """Return A and B of one adapter by the layers' names in the model; {} if there is none of this name."""
    layers = lora_layers(model).items()
    return {place: cast(LowRank, layer.adapters[name]) for place, layer in layers if name in list(layer.adapters)}


def decoder(model: nn.Module) -> DecoderLM:
    """Return the model if it is a decoder, else raise a ValueError."""
    if not isinstance(model, DecoderLM):
        raise ValueError(f"model must be a DecoderLM, got a {type(model).__name__}: give the decoder inside it")
    return model


def attach(model: DecoderLM, pairs: Mapping[tuple[int, str], LowRank], name: str) -> DecoderLM:
    """Put adapters beside layers of a model, in place: they are active, and all other weights are frozen.

    Args:
        model: has them, or others, afterwards.
        pairs: the adapter of each (number of the layer, target).
        name: of all of them together.

    Raises:
        ValueError: the name is taken, or no name; another adapter is merged.
    """
    if not isinstance(name, str) or not name or "." in name or hasattr(nn.ModuleDict(), name):
        raise ValueError(
            f"name must be text without a dot, and no word that PyTorch needs itself, such as 'default', got {name!r}"
        )
    layers = lora_layers(model)
    if any(name in layer.adapters for layer in layers.values()):
        raise ValueError(f"the model has an adapter {name!r} already: choose another name")
    if merged := {layer.merged for layer in layers.values()} - {None}:
        raise ValueError(f"adapter {merged.pop()!r} is merged into the weights: call unmerge_lora first")
    for (number, target), pair in pairs.items():
        part = getattr(model.layers[number], PARTS[target])
        if not isinstance(getattr(part, target), LoRALinear):
            setattr(part, target, LoRALinear(getattr(part, target)))
        getattr(part, target).adapters[name] = pair
    model.requires_grad_(False)
    for layer in lora_layers(model).values():
        layer.activate(name)
    return model
