"""Exercises of notebooks 06 and 06b: sampling and its knobs, quality, diversity and search."""

from course_utils.exercises.decoding.beam_step import exercise as beam_step
from course_utils.exercises.decoding.distinct_n import exercise as distinct_n
from course_utils.exercises.decoding.effective_choices import exercise as effective_choices
from course_utils.exercises.decoding.fewest_beams import exercise as fewest_beams
from course_utils.exercises.decoding.is_sound import exercise as is_sound
from course_utils.exercises.decoding.min_p import exercise as min_p
from course_utils.exercises.decoding.penalised import exercise as penalised
from course_utils.exercises.decoding.random_sampling import exercise as random_sampling
from course_utils.exercises.decoding.temperature_for import exercise as temperature_for
from course_utils.exercises.decoding.temperature_probs import exercise as temperature_probs
from course_utils.exercises.decoding.tokens_kept import exercise as tokens_kept
from course_utils.exercises.decoding.top_k import exercise as top_k
from course_utils.exercises.decoding.top_p import exercise as top_p

__all__ = [
    "beam_step",
    "distinct_n",
    "effective_choices",
    "fewest_beams",
    "is_sound",
    "min_p",
    "penalised",
    "random_sampling",
    "temperature_for",
    "temperature_probs",
    "tokens_kept",
    "top_k",
    "top_p",
]
