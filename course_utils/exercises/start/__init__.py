"""Exercises of notebook 00: from counts to probabilities, the most probable word, and surprise in bits."""

from course_utils.exercises.start.choosing import most_probable
from course_utils.exercises.start.counting import relative_frequencies
from course_utils.exercises.start.surprisal import surprise

__all__ = ["most_probable", "relative_frequencies", "surprise"]
