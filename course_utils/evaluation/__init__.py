"""Evaluation: how surprised a model is by a text, in numbers that can be compared, and how far they can be trusted."""

from course_utils.evaluation.energy import Energy, energy_from_flops, energy_from_power, metered_energy
from course_utils.evaluation.fairness import FairnessResult, run_probe
from course_utils.evaluation.intervals import Interval, bootstrap_difference, bootstrap_interval
from course_utils.evaluation.loss import IGNORE_INDEX, next_token_loss, token_surprises
from course_utils.evaluation.minimal_pairs import FairnessProbe, fairness_probes
from course_utils.evaluation.normalisation import NotAProbabilityError, sample_contexts, sum_errors
from course_utils.evaluation.permutation import PermutationResult, permutation_test
from course_utils.evaluation.scoring import bits_per_byte, perplexity, text_surprises, total_nats
from course_utils.evaluation.sentences import sentence_log_likelihoods
from course_utils.evaluation.windows import document_windows, scoring_windows

__all__ = [
    "IGNORE_INDEX",
    "Energy",
    "FairnessProbe",
    "FairnessResult",
    "Interval",
    "NotAProbabilityError",
    "PermutationResult",
    "bits_per_byte",
    "bootstrap_difference",
    "bootstrap_interval",
    "document_windows",
    "energy_from_flops",
    "energy_from_power",
    "fairness_probes",
    "metered_energy",
    "next_token_loss",
    "permutation_test",
    "perplexity",
    "run_probe",
    "sample_contexts",
    "scoring_windows",
    "sentence_log_likelihoods",
    "sum_errors",
    "text_surprises",
    "token_surprises",
    "total_nats",
]
