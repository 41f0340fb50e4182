"""Exercises of notebook 10: batches as one, windows, a tokenizer that forgets, and a test of signs."""

from course_utils.exercises.evaluation.bits_per_source_byte import exercise as bits_per_source_byte
from course_utils.exercises.evaluation.combined_perplexity import exercise as combined_perplexity
from course_utils.exercises.evaluation.scored_windows import exercise as scored_windows
from course_utils.exercises.evaluation.sign_flip_p_value import exercise as sign_flip_p_value

__all__ = ["bits_per_source_byte", "combined_perplexity", "scored_windows", "sign_flip_p_value"]
