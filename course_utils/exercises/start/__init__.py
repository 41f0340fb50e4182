"""Exercises of notebook 00: from counts to probabilities, the most probable word, surprise in bits, a text, its end."""

from course_utils.exercises.start.circle_length import exercise as circle_length
from course_utils.exercises.start.most_probable import exercise as most_probable
from course_utils.exercises.start.relative_frequencies import exercise as relative_frequencies
from course_utils.exercises.start.surprise import exercise as surprise
from course_utils.exercises.start.write_on import exercise as write_on
from course_utils.exercises.start.writes_right import exercise as writes_right

__all__ = ["circle_length", "most_probable", "relative_frequencies", "surprise", "write_on", "writes_right"]
