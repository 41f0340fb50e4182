"""Evaluation: how surprised a model is by a text, in numbers that can be compared."""

from course_utils.evaluation.fairness import FairnessResult, run_probe
from course_utils.evaluation.loss import IGNORE_INDEX, next_token_loss, token_surprises
from course_utils.evaluation.minimal_pairs import FairnessProbe, fairness_probes
from course_utils.evaluation.permutation import PermutationResult, permutation_test
from course_utils.evaluation.scoring import bits_per_byte, perplexity, total_nats
from course_utils.evaluation.sentences import sentence_log_likelihoods
from course_utils.evaluation.windows import document_windows, scoring_windows

__all__ = [
    "IGNORE_INDEX",
    "FairnessProbe",
    "FairnessResult",
    "PermutationResult",
    "bits_per_byte",
    "document_windows",
    "fairness_probes",
    "next_token_loss",
    "permutation_test",
    "perplexity",
    "run_probe",
    "scoring_windows",
    "sentence_log_likelihoods",
    "token_surprises",
    "total_nats",
]
