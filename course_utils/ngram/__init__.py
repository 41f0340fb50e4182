"""n-gram language models: counts, smoothing, probabilities, samples, ARPA files."""

from course_utils.ngram.model import NGramLM

__all__ = ["NGramLM"]
