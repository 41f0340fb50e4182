"""Exercises of notebook 06: temperature, top-k, top-p, and how diverse a text is."""

from course_utils.exercises.decoding.distinct_n import exercise as distinct_n
from course_utils.exercises.decoding.temperature_probs import exercise as temperature_probs
from course_utils.exercises.decoding.top_k import exercise as top_k
from course_utils.exercises.decoding.top_p import exercise as top_p

__all__ = ["distinct_n", "temperature_probs", "top_k", "top_p"]
