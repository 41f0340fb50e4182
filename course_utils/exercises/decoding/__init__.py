"""Exercises of notebook 06: temperature, top-k, top-p, and how diverse a text is."""

from course_utils.exercises.decoding.cutting import top_k, top_p
from course_utils.exercises.decoding.diversity import distinct_n
from course_utils.exercises.decoding.temperature import temperature_probs

__all__ = ["distinct_n", "temperature_probs", "top_k", "top_p"]
