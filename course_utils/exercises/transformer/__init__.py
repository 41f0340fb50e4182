"""Exercises of notebook 03: RMSNorm, the causal mask, attention, and where the parameters are."""

from course_utils.exercises.transformer.attention import exercise as attention
from course_utils.exercises.transformer.causal_mask import exercise as causal_mask
from course_utils.exercises.transformer.count_parameters import exercise as count_parameters
from course_utils.exercises.transformer.rms_norm import exercise as rms_norm

__all__ = ["attention", "causal_mask", "count_parameters", "rms_norm"]
