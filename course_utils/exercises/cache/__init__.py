"""Exercises of notebook 12: a step with a cache, what it saves, a test of caches, and a loop to repair."""

from course_utils.exercises.cache import _readers as readers
from course_utils.exercises.cache.answer_flops import exercise as answer_flops
from course_utils.exercises.cache.batch_that_doubles import exercise as batch_that_doubles
from course_utils.exercises.cache.cached_step import exercise as cached_step
from course_utils.exercises.cache.generate import exercise as generate
from course_utils.exercises.cache.is_exact import exercise as is_exact

__all__ = ["answer_flops", "batch_that_doubles", "cached_step", "generate", "is_exact", "readers"]
