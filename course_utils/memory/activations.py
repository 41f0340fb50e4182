"""Bytes of what the forward pass of a training keeps for the backward pass."""

import torch

from course_utils.checks import whole_number
from course_utils.memory.shapes import ModelShape, shape_of
from course_utils.transformer import TransformerConfig


def activation_bytes(
    model: TransformerConfig | ModelShape | str,
    batch_size: int,
    context_length: int,
    dtype: torch.dtype = torch.float32,
) -> int:
    """Return the bytes that autograd keeps between forward and backward pass, for a decoder written as the course's.

    Every operation keeps what its derivative needs. Numbers per token: a norm keeps its input, that divided by its
    length, its output, and the length (3 d + 1); attention, fused, its queries, keys, values, its output twice (the
    second time in another order), and one number per head; the feed-forward part what comes out of each matrix and of
    each function between them; the loss the logits. Token ids and the angles of positions are left out, less than one
    per cent together.

    Args:
        model: a shape, or the name of a published model.
        batch_size: texts, B.
        context_length: tokens of each, T.
        dtype: that all of this is kept in.

    Raises:
        ValueError: an unknown name, or a number below 1.

    Source: Korthikanti et al. (2022), "Reducing Activation Recomputation in Large Transformer Models", section 4, which
    counts the same way for GPT-3's block.
    """
    shape = shape_of(model)
    d, kept = shape.d_model, shape.n_kv_heads * shape.head_dim
    norm = 3 * d + 1
    attention = 3 * d + 2 * kept + shape.n_heads
    feed_forward = (4 if shape.gated else 2) * shape.d_ff
    per_layer = 2 * norm + attention + feed_forward
    last = shape.final_norm * norm + shape.has_head * shape.vocab_size
    tokens = whole_number("batch_size", batch_size, least=1) * whole_number("context_length", context_length, least=1)
    return (shape.n_layers * per_layer + last) * tokens * dtype.itemsize
