"""Exercises of notebook 07: inputs and targets, the loss, its gradient, and the learning rate over a run."""

from course_utils.exercises.pretraining.gradient import gradient_of_logits
from course_utils.exercises.pretraining.loss import cross_entropy
from course_utils.exercises.pretraining.schedule import learning_rate
from course_utils.exercises.pretraining.shifting import inputs_and_targets

__all__ = ["cross_entropy", "gradient_of_logits", "inputs_and_targets", "learning_rate"]
