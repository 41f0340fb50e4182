"""Exercises of notebooks 03 and 03b: the block, attention over a past, rotary layouts; the lens, heads, repetition."""

from course_utils.exercises.transformer.attention_with_past import exercise as attention_with_past
from course_utils.exercises.transformer.block import exercise as block
from course_utils.exercises.transformer.count_parameters import exercise as count_parameters
from course_utils.exercises.transformer.head_contributions import exercise as head_contributions
from course_utils.exercises.transformer.lens_entropy import exercise as lens_entropy
from course_utils.exercises.transformer.repetition_gain import exercise as repetition_gain
from course_utils.exercises.transformer.score_std import exercise as score_std
from course_utils.exercises.transformer.settled_after import exercise as settled_after
from course_utils.exercises.transformer.to_half_split import exercise as to_half_split

__all__ = [
    "attention_with_past",
    "block",
    "count_parameters",
    "head_contributions",
    "lens_entropy",
    "repetition_gain",
    "score_std",
    "settled_after",
    "to_half_split",
]
