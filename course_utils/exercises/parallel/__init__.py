"""Exercises of notebook 15: averaging gradients, what is sent, the pipeline's bubble, and days of training."""

from course_utils.exercises.parallel.average_gradients import exercise as average_gradients
from course_utils.exercises.parallel.bytes_sent import exercise as bytes_sent
from course_utils.exercises.parallel.fewest_micro_batches import exercise as fewest_micro_batches
from course_utils.exercises.parallel.training_days import exercise as training_days

__all__ = ["average_gradients", "bytes_sent", "fewest_micro_batches", "training_days"]
