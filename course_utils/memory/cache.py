"""Bytes of a KV cache."""

import torch

from course_utils.checks import whole_number
from course_utils.memory.shapes import ModelShape, shape_of
from course_utils.transformer import TransformerConfig

SCALE = 4  # bytes of what the whole numbers of a key or value are multiplied with


def kv_cache_bytes(
    model: TransformerConfig | ModelShape | str,
    context_length: int,
    batch_size: int = 1,
    dtype: torch.dtype = torch.float16,
) -> int:
    """Return the bytes of keys and values: 2 * layers * KV heads * head width * tokens * batch * bytes per number.

    The 2 is for keys and values. A layer that looks back over a window only needs the tokens of that window. In eight
    bits each key and each value has a scale beside its numbers, in four bytes.

    Args:
        model: a shape, or the name of a published model.
        context_length: tokens held of each text.
        batch_size: texts, B.
        dtype: of the numbers.

    Raises:
        ValueError: an unknown name, or a number below 1.

    Source: Pope et al. (2022), "Efficiently Scaling Transformer Inference", section 2.1.
    """
    shape = shape_of(model)
    tokens = whole_number("context_length", context_length, least=1)
    tokens = min(tokens, shape.window or tokens)
    per_vector = shape.head_dim * dtype.itemsize + (SCALE if dtype == torch.int8 else 0)
    per_token = 2 * shape.n_layers * shape.n_kv_heads * per_vector
    return per_token * tokens * whole_number("batch_size", batch_size, least=1)
