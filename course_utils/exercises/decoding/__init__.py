"""Exercises of notebook 06: temperature, top-k, top-p, how diverse a text is, and how free a choice."""

from course_utils.exercises.decoding.distinct_n import exercise as distinct_n
from course_utils.exercises.decoding.effective_choices import exercise as effective_choices
from course_utils.exercises.decoding.temperature_probs import exercise as temperature_probs
from course_utils.exercises.decoding.top_k import exercise as top_k
from course_utils.exercises.decoding.top_p import exercise as top_p

__all__ = ["distinct_n", "effective_choices", "temperature_probs", "top_k", "top_p"]
