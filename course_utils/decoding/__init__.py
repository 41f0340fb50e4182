"""Decoding: from the logits of a language model to the next token, and to a text."""

from course_utils.decoding.beam import beam_search
from course_utils.decoding.draft import NGramDraft
from course_utils.decoding.generation import generate, sample, stream
from course_utils.decoding.knobs import (
    apply_temperature,
    min_p_filter,
    next_token_probs,
    top_k_filter,
    top_p_filter,
)
from course_utils.decoding.speculative import Speculation, speculate

__all__ = [
    "NGramDraft",
    "Speculation",
    "apply_temperature",
    "beam_search",
    "generate",
    "min_p_filter",
    "next_token_probs",
    "sample",
    "speculate",
    "stream",
    "top_k_filter",
    "top_p_filter",
]
