"""Pretrained: real weights in and out of the course's own transformer."""

from course_utils.pretrained.huggingface import from_huggingface, to_huggingface
from course_utils.pretrained.loading import load

__all__ = ["from_huggingface", "load", "to_huggingface"]
