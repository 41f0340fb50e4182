"""Exercises of notebook 15: averaging gradients, what is sent, the pipeline's bubble, and days of training."""

from course_utils.exercises.parallel.averaging import average_gradients
from course_utils.exercises.parallel.bubble import fewest_micro_batches
from course_utils.exercises.parallel.planning import training_days
from course_utils.exercises.parallel.traffic import bytes_sent

__all__ = ["average_gradients", "bytes_sent", "fewest_micro_batches", "training_days"]
