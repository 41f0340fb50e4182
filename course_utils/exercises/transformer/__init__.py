"""Exercises of notebook 03: RMSNorm, the causal mask, attention, and where the parameters are."""

from course_utils.exercises.transformer.looking import attention, causal_mask
from course_utils.exercises.transformer.parameters import count_parameters
from course_utils.exercises.transformer.scaling import rms_norm

__all__ = ["attention", "causal_mask", "count_parameters", "rms_norm"]
