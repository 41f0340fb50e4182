"""How large a model is: its weights with and without those of the vocabulary, their bytes, the work of one token."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from course_utils.checks import whole_number
from course_utils.memory.shapes import ModelShape, shape_of
from course_utils.transformer import LanguageModel, TransformerConfig, context_length_of
from course_utils.transformer.quantized import Stack

BELONG_TO_THE_VOCABULARY = ("embedding", "positions", "output")  # groups of `ModelShape.parameters`


@dataclass(frozen=True)
class ModelSize:
    """How large a model is, by a formula or counted.

    Args:
        n_parameters: all weights; one that stands in two places, as a tied embedding, is one.
        n_non_embedding_parameters: those that belong neither to a token or position nor to the output layer.
        n_bytes: of all weights, as they are kept.
        flops_per_token: floating-point operations of a forward pass over a whole window, per token.
    """

    n_parameters: int
    n_non_embedding_parameters: int
    n_bytes: int
    flops_per_token: float


def formula_size(
    model: TransformerConfig | ModelShape | str, context_length: int | None = None, dtype: torch.dtype = torch.float32
) -> ModelSize:
    """Return a model's size by the formulas, without building it.

    Args:
        model: a shape, or the name of a published model.
        context_length: tokens of the window, T; None is the model's.
        dtype: that the weights are kept in.

    Raises:
        ValueError: an unknown name, or a context length that can't be.

    Source: Kaplan et al. (2020), "Scaling Laws for Neural Language Models", section 2.1, for what is no embedding.
    """
    shape = shape_of(model)
    beside = sum(count for name, count in shape.parameters.items() if name not in BELONG_TO_THE_VOCABULARY)
    length = shape.context_length if context_length is None else context_length
    return ModelSize(
        shape.n_parameters, beside, shape.n_parameters * dtype.itemsize, forward_flops_per_token(shape, length)
    )


def forward_flops_per_token(model: TransformerConfig | ModelShape | str, context_length: int) -> int:
    """Return the floating-point operations of one token's forward pass, by the usual formula.

    2 N + 4 L d T: each of the N weights that the token meets is multiplied and added; attention's two products, q k^T
    and weights v, take 2 d T operations each, in L layers. A table of which a token looks up one row is left out: that
    of positions, and an embedding that isn't the output layer too. Norms and biases are counted as if they multiplied,
    and that half of the scores is masked is not subtracted, as is the custom.

    Args:
        model: a shape, or the name of a published model.
        context_length: tokens of the window, T.

    Raises:
        ValueError: an unknown name, or a context length below 1.

    Source: Chowdhery et al. (2022), "PaLM: Scaling Language Modeling with Pathways", appendix B, without the backward
    pass, which takes twice as many.
    """
    shape, length = shape_of(model), whole_number("context_length", context_length, least=1)
    groups = shape.parameters
    multiplies_by_the_embedding = shape.tied and shape.has_head
    looked_up = groups.get("positions", 0) + (0 if multiplies_by_the_embedding else groups["embedding"])
    return 2 * (shape.n_parameters - looked_up) + 4 * shape.n_layers * shape.d_model * length


def counted_size(model: nn.Module, context_length: int | None = None) -> ModelSize:
    """Return a model's size as counted: its weights one by one, its operations by torch's counter.

    A window is run through it on the meta device, where shapes are known and nothing is computed: it takes no time and
    no memory. The counter sees matrix products and attention, and the masked half of the scores too. For a `DecoderLM`
    it finds the formula's number less 2 for each weight of a norm.

    Args:
        model: `model(ids (B, T)) -> logits (B, T, V)`, whose vocabulary is in `nn.Embedding`s and an output layer
            `head`; neither changed nor run on its own device.
        context_length: tokens of the window, T; None is the model's.

    Raises:
        ValueError: a quantised model, whose products the counter doesn't know; a context length that the model can't
            read, or none at all.
    """
    if any(isinstance(part, Stack) for part in model.modules()):
        raise ValueError("model is quantised, and torch's counter doesn't know its products: count it before that")
    longest = context_length_of(model)
    length = longest if context_length is None else context_length
    if length is None:
        raise ValueError("context_length must be given: the model has no config that says how many tokens it reads")
    length = whole_number("context_length", length, least=1, most=longest)
    weights = list(model.parameters())
    vocabulary = {weight for part in model.modules() if isinstance(part, nn.Embedding) for weight in part.parameters()}
    head = getattr(model, "head", None)
    if isinstance(head, nn.Module):
        vocabulary |= set(head.parameters())
    n_parameters = sum(weight.numel() for weight in weights)
    return ModelSize(
        n_parameters,
        n_parameters - sum(weight.numel() for weight in vocabulary),
        sum(weight.nbytes for weight in weights),
        counted_flops(model, length) / length,
    )


@torch.no_grad()
def counted_flops(model: LanguageModel, length: int) -> int:
    """Return the floating-point operations of a forward pass over one window of tokens, as torch's counter has them."""
    assert isinstance(model, nn.Module)
    shapes = {name: torch.empty_like(weight, device="meta") for name, weight in model.named_parameters()}
    shapes |= {name: torch.empty_like(buffer, device="meta") for name, buffer in model.named_buffers()}
    ids = torch.zeros(1, length, dtype=torch.int64, device="meta")
    with FlopCounterMode(display=False) as counter:
        functional_call(model, shapes, (ids,))
    return counter.get_total_flops()
