"""Exercises of notebooks 15 and 15b: gradients, collectives, data, memory, pipelines, and the plan of a large run."""

from course_utils.exercises.parallel.average_gradients import exercise as average_gradients
from course_utils.exercises.parallel.bytes_sent import exercise as bytes_sent
from course_utils.exercises.parallel.fewest_micro_batches import exercise as fewest_micro_batches
from course_utils.exercises.parallel.micro_batches_each import exercise as micro_batches_each
from course_utils.exercises.parallel.reading_faults import exercise as reading_faults
from course_utils.exercises.parallel.ring_all_reduce import exercise as ring_all_reduce
from course_utils.exercises.parallel.seconds_of_a_step import exercise as seconds_of_a_step
from course_utils.exercises.parallel.share_never_read import exercise as share_never_read
from course_utils.exercises.parallel.training_days import exercise as training_days
from course_utils.exercises.parallel.windows_that_fit import exercise as windows_that_fit

__all__ = [
    "average_gradients",
    "bytes_sent",
    "fewest_micro_batches",
    "micro_batches_each",
    "reading_faults",
    "ring_all_reduce",
    "seconds_of_a_step",
    "share_never_read",
    "training_days",
    "windows_that_fit",
]
