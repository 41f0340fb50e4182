"""Exercises of notebooks 01 and 01b: counting, sampling and perplexity; smoothing, back-off and overfitting."""

from course_utils.exercises.ngram.add_k_probs import exercise as add_k_probs
from course_utils.exercises.ngram.backoff_log10 import exercise as backoff_log10
from course_utils.exercises.ngram.bigram_probs import exercise as bigram_probs
from course_utils.exercises.ngram.continuation_probs import exercise as continuation_probs
from course_utils.exercises.ngram.continue_text import exercise as continue_text
from course_utils.exercises.ngram.corpus_perplexity import exercise as corpus_perplexity
from course_utils.exercises.ngram.counting_error import exercise as counting_error
from course_utils.exercises.ngram.depends_on_batches import exercise as depends_on_batches
from course_utils.exercises.ngram.discounted_prob import exercise as discounted_prob
from course_utils.exercises.ngram.memorised_nats import exercise as memorised_nats

__all__ = [
    "add_k_probs",
    "backoff_log10",
    "bigram_probs",
    "continuation_probs",
    "continue_text",
    "corpus_perplexity",
    "counting_error",
    "depends_on_batches",
    "discounted_prob",
    "memorised_nats",
]
