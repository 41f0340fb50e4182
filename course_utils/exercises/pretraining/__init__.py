"""Exercises of notebooks 07 and 07b: labels, loss, gradient and step; rates, decay, and the gap to the floor."""

from course_utils.exercises.pretraining.catches import exercise as catches
from course_utils.exercises.pretraining.cross_entropy import exercise as cross_entropy
from course_utils.exercises.pretraining.decayed import exercise as decayed
from course_utils.exercises.pretraining.gradient_of_logits import exercise as gradient_of_logits
from course_utils.exercises.pretraining.inputs_and_targets import exercise as inputs_and_targets
from course_utils.exercises.pretraining.largest_rate import exercise as largest_rate
from course_utils.exercises.pretraining.learning_rate import exercise as learning_rate
from course_utils.exercises.pretraining.slow_steps import exercise as slow_steps
from course_utils.exercises.pretraining.split_gap import exercise as split_gap

__all__ = [
    "catches",
    "cross_entropy",
    "decayed",
    "gradient_of_logits",
    "inputs_and_targets",
    "largest_rate",
    "learning_rate",
    "slow_steps",
    "split_gap",
]
