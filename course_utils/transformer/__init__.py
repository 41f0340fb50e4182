"""The transformer, one idea a file: configuration, norm, rotation, attention, cache, block, language model."""

from course_utils.transformer.attention import attention, attention_weights, causal_mask
from course_utils.transformer.cache import KVCache
from course_utils.transformer.config import TransformerConfig
from course_utils.transformer.decoder import DecoderLM
from course_utils.transformer.inspection import attention_maps
from course_utils.transformer.protocol import CachedLanguageModel, LanguageModel, can_cache, context_length_of
from course_utils.transformer.quantization import quantize

__all__ = [
    "CachedLanguageModel",
    "DecoderLM",
    "KVCache",
    "LanguageModel",
    "TransformerConfig",
    "attention",
    "attention_maps",
    "attention_weights",
    "can_cache",
    "causal_mask",
    "context_length_of",
    "quantize",
]
