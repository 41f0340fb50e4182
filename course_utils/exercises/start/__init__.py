"""Exercises of notebook 00: from counts to probabilities, the most probable word, and surprise in bits."""

from course_utils.exercises.start.most_probable import exercise as most_probable
from course_utils.exercises.start.relative_frequencies import exercise as relative_frequencies
from course_utils.exercises.start.surprise import exercise as surprise

__all__ = ["most_probable", "relative_frequencies", "surprise"]
