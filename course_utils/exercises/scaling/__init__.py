"""Exercises of notebook 11: a line above a floor, a width, a budget, a search that stops early, and a score."""

from course_utils.exercises.scaling.compute_optimal import exercise as compute_optimal
from course_utils.exercises.scaling.interval_score import exercise as interval_score
from course_utils.exercises.scaling.last_step import exercise as last_step
from course_utils.exercises.scaling.power_law_above_floor import exercise as power_law_above_floor
from course_utils.exercises.scaling.swiglu_width import exercise as swiglu_width

__all__ = ["compute_optimal", "interval_score", "last_step", "power_law_above_floor", "swiglu_width"]
