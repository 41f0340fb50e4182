"""Bytes that a model needs to answer."""

import math

import torch

from course_utils.checks import number, whole_number
from course_utils.memory.budget import Budget
from course_utils.memory.cache import kv_cache_bytes
from course_utils.memory.shapes import ModelShape, shape_of
from course_utils.transformer import TransformerConfig


def inference_memory(
    model: TransformerConfig | ModelShape | str,
    dtype: torch.dtype = torch.float16,
    context_length: int | None = None,
    batch_size: int = 1,
    weight_bits: float | None = None,
    piece_length: int | None = None,
) -> Budget:
    """Return what a model needs to answer, in bytes by item: weights, KV cache, and activations.

    Activations are those at the widest point of a layer, the product of the feed-forward part: what the layer, its
    second norm and its matrices read, 3 d numbers per token, and two factors and their product, 3 d_ff (without a gate
    2 d_ff). The layers use the same memory one after another. An encoder without an output layer keeps no cache.

    Args:
        model: a shape, or the name of a published model.
        dtype: of the cache and the activations, and of the weights if they aren't narrower.
        context_length: tokens of each text, prompt and answer together; None is the model's.
        batch_size: texts, B.
        weight_bits: of each weight, such as 4.5 where groups of 32 share a scale; None is the dtype's.
        piece_length: tokens that are read at once; None is all of them.

    Raises:
        ValueError: an unknown name, or a number that can't be.
    """
    shape = shape_of(model)
    bits = 8 * dtype.itemsize if weight_bits is None else number("weight_bits", weight_bits)
    if not 0 < bits <= 64:
        raise ValueError(f"weight_bits must be above 0 and at most 64, got {weight_bits}")
    length = shape.context_length if context_length is None else context_length
    cache = kv_cache_bytes(shape, length, batch_size, dtype)
    at_once = length if piece_length is None else min(length, whole_number("piece_length", piece_length, least=1))
    widest = 3 * shape.d_model + (3 if shape.gated else 2) * shape.d_ff
    items = {
        "weights": math.ceil(shape.n_parameters * bits / 8),
        "KV cache": cache if shape.has_head else 0,
        "activations": widest * at_once * batch_size * dtype.itemsize,
    }
    return Budget({name: size for name, size in items.items() if size})
