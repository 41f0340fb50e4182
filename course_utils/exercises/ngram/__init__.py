"""Exercises of notebook 01: bigram probabilities, add-k, perplexity, and Kneser-Ney's continuation probabilities."""

from course_utils.exercises.ngram.bigrams import bigram_probs
from course_utils.exercises.ngram.continuation import continuation_probs
from course_utils.exercises.ngram.perplexity import corpus_perplexity
from course_utils.exercises.ngram.smoothing import add_k_probs

__all__ = ["add_k_probs", "bigram_probs", "continuation_probs", "corpus_perplexity"]
