"""Decoding: from the logits of a language model to the next token, and to a text."""

from course_utils.decoding.generation import generate, sample, stream
from course_utils.decoding.knobs import apply_temperature, next_token_probs, top_k_filter, top_p_filter

__all__ = ["apply_temperature", "generate", "next_token_probs", "sample", "stream", "top_k_filter", "top_p_filter"]
