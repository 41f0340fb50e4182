"""Exercises of notebook 16: a mixture, its weight, scores that are no probabilities, and bytes."""

from course_utils.exercises.ladder.bits_per_byte import exercise as bits_per_byte
from course_utils.exercises.ladder.fitted_weight import exercise as fitted_weight
from course_utils.exercises.ladder.mixed import exercise as mixed
from course_utils.exercises.ladder.not_distributions import exercise as not_distributions

__all__ = ["bits_per_byte", "fitted_weight", "mixed", "not_distributions"]
