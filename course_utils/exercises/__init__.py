"""Exercises with a check, hints and a solution: one module per notebook, one object per exercise.

In a notebook: `from course_utils.exercises import decoding as exercises`, then `exercises.top_p.check(top_p)`.
"""
