"""Decoding: from the logits of a language model to the next token, and to a text."""

from course_utils.decoding.beam import beam_search
from course_utils.decoding.generation import generate, sample, stream
from course_utils.decoding.knobs import (
    apply_temperature,
    min_p_filter,
    next_token_probs,
    top_k_filter,
    top_p_filter,
)

__all__ = [
    "apply_temperature",
    "beam_search",
    "generate",
    "min_p_filter",
    "next_token_probs",
    "sample",
    "stream",
    "top_k_filter",
    "top_p_filter",
]
