"""Exercises of notebook 07: inputs and targets, the loss, its gradient, and the learning rate over a run."""

from course_utils.exercises.pretraining.cross_entropy import exercise as cross_entropy
from course_utils.exercises.pretraining.gradient_of_logits import exercise as gradient_of_logits
from course_utils.exercises.pretraining.inputs_and_targets import exercise as inputs_and_targets
from course_utils.exercises.pretraining.learning_rate import exercise as learning_rate

__all__ = ["cross_entropy", "gradient_of_logits", "inputs_and_targets", "learning_rate"]
