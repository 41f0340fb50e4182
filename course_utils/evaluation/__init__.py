"""Evaluation: how surprised a model is by a text, in numbers that can be compared, and how far they can be trusted."""

from course_utils.evaluation.energy import Energy, energy_from_flops, energy_from_power, metered_energy
from course_utils.evaluation.intervals import Interval, bootstrap_difference, bootstrap_interval
from course_utils.evaluation.loss import IGNORE_INDEX, next_token_loss, token_surprises
from course_utils.evaluation.normalisation import NotAProbabilityError, sample_contexts, sum_errors
from course_utils.evaluation.scoring import bits_per_byte, perplexity, text_surprises, total_nats
from course_utils.evaluation.windows import document_windows, scoring_windows

__all__ = [
    "IGNORE_INDEX",
    "Energy",
    "Interval",
    "NotAProbabilityError",
    "bits_per_byte",
    "bootstrap_difference",
    "bootstrap_interval",
    "document_windows",
    "energy_from_flops",
    "energy_from_power",
    "metered_energy",
    "next_token_loss",
    "perplexity",
    "sample_contexts",
    "scoring_windows",
    "sum_errors",
    "text_surprises",
    "token_surprises",
    "total_nats",
]
