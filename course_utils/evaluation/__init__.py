"""Evaluation: how well a model does, in numbers that can be compared."""

from course_utils.evaluation.perplexity import bits_per_byte, perplexity

__all__ = ["bits_per_byte", "perplexity"]
