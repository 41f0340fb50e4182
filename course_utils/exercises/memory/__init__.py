"""Exercises of notebook 13: the bytes of a cache, shared matrices, checkpoints, and a device's share."""

from course_utils.exercises.memory.cache_bytes import exercise as cache_bytes
from course_utils.exercises.memory.checkpoint_every import exercise as checkpoint_every
from course_utils.exercises.memory.device_bytes import exercise as device_bytes
from course_utils.exercises.memory.model_parameters import exercise as model_parameters

__all__ = ["cache_bytes", "checkpoint_every", "device_bytes", "model_parameters"]
