"""Exercises of notebook 12: a step with a cache, what it saves and costs, and a test of caches."""

from course_utils.exercises.cache import _readers as readers
from course_utils.exercises.cache.answer_flops import exercise as answer_flops
from course_utils.exercises.cache.batch_that_doubles import exercise as batch_that_doubles
from course_utils.exercises.cache.cached_step import exercise as cached_step
from course_utils.exercises.cache.is_exact import exercise as is_exact

__all__ = ["answer_flops", "batch_that_doubles", "cached_step", "is_exact", "readers"]
