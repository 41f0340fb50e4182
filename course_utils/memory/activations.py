"""Bytes of what a model computes on the way: kept for the backward pass in training, or at work in inference."""

from collections.abc import Collection

import torch

from course_utils.checks import whole_number
from course_utils.memory.shapes import ModelShape, shape_of
from course_utils.transformer import TransformerConfig

MATRICES = ("q", "k", "v", "o", "gate", "up", "down")  # of a layer, as adapters name them


def activation_bytes(
    model: TransformerConfig | ModelShape | str,
    batch_size: int,
    context_length: int,
    dtype: torch.dtype = torch.float32,
    fused: bool = True,
    checkpointed: bool = False,
    adapted: Collection[str] = (),
    rank: int = 0,
) -> int:
    """Return the bytes that autograd keeps between forward and backward pass, for a decoder written as the course's.

    Every operation keeps what its derivative needs. Numbers per token: a norm keeps its input, that divided by its
    length, its output, and the length (3 d + 1); attention, fused, its queries, keys, values, its output twice (the
    second time in another order), and one number per head; the feed-forward part what comes out of each matrix and of
    each function between them; the loss the logits. Norms and the loss compute in float32, so what a norm divides, its
    length, and the logits take four bytes even where all else takes two. Token ids and the angles of positions are left
    out, less than one per cent together.

    Args:
        model: a shape, or the name of a published model.
        batch_size: texts, B.
        context_length: tokens of each, T.
        dtype: that the model computes in.
        fused: False is attention written out: it keeps a weight for each head and each pair of tokens, and the keys and
            values of each query head.
        checkpointed: keep only what each layer reads, and compute the rest of one layer at a time once more on the way
            back (Chen et al., 2016, "Training Deep Nets with Sublinear Memory Cost").
        adapted: if given, only adapters of these `MATRICES` are trained: the inputs of other matrices, and what the
            gains of norms multiply, need not be kept.
        rank: of the adapters, r.

    Raises:
        ValueError: an unknown name, or a number below 1.

    Source: Korthikanti et al. (2022), "Reducing Activation Recomputation in Large Transformer Models", section 4, which
    counts the same way for GPT-3's block.
    """
    shape = shape_of(model)
    batch = whole_number("batch_size", batch_size, least=1)
    length = whole_number("context_length", context_length, least=1)
    if unknown := set(adapted) - set(MATRICES):
        raise ValueError(f"adapted holds {sorted(unknown)[0]!r}: choose among {', '.join(MATRICES)}")
    d, kept, heads, inner = shape.d_model, shape.n_kv_heads * shape.head_dim, shape.n_heads, shape.d_ff
    wide = max(1, 4 // dtype.itemsize)  # numbers of dtype that take the bytes of one in float32
    needs = adapted or MATRICES  # matrices whose input is needed for a gradient
    own = 0 if adapted else d  # what the gain of a norm is multiplied with
    attention_norm = wide * (d + 1) + own + d * any(name in needs for name in ("q", "k", "v"))
    feed_forward_norm = wide * (d + 1) + own + d * any(name in needs for name in ("gate", "up"))
    attention = d + d * ("o" in needs) + (d + 2 * kept + heads if fused else 2 * d + heads * length)
    feed_forward = (3 if shape.gated else 1) * inner + inner * ("down" in needs)
    per_layer = attention_norm + attention + feed_forward_norm + feed_forward + rank * len(adapted)
    last = shape.final_norm * (wide * (d + 1) + own + d * (not adapted)) + shape.has_head * wide * shape.vocab_size
    layers = shape.n_layers * d + per_layer if checkpointed else shape.n_layers * per_layer
    return (layers + last) * batch * length * dtype.itemsize
