"""Evaluation: how surprised a model is by a text, in numbers that can be compared."""

from course_utils.evaluation.loss import IGNORE_INDEX, next_token_loss, token_surprises
from course_utils.evaluation.normalisation import NotAProbabilityError, sample_contexts, sum_errors
from course_utils.evaluation.scoring import bits_per_byte, perplexity, total_nats
from course_utils.evaluation.windows import document_windows, scoring_windows

__all__ = [
    "IGNORE_INDEX",
    "NotAProbabilityError",
    "bits_per_byte",
    "document_windows",
    "next_token_loss",
    "perplexity",
    "sample_contexts",
    "scoring_windows",
    "sum_errors",
    "token_surprises",
    "total_nats",
]
