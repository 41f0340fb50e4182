"""Exercises of notebook 01: bigram probabilities, add-k, perplexity, and Kneser-Ney's continuation probabilities."""

from course_utils.exercises.ngram.add_k_probs import exercise as add_k_probs
from course_utils.exercises.ngram.bigram_probs import exercise as bigram_probs
from course_utils.exercises.ngram.continuation_probs import exercise as continuation_probs
from course_utils.exercises.ngram.corpus_perplexity import exercise as corpus_perplexity

__all__ = ["add_k_probs", "bigram_probs", "continuation_probs", "corpus_perplexity"]
