"""Exercises of notebook 14: an adapter's layer, its merged weight, its size, its start, and several of them in turn."""

from course_utils.exercises.lora.adapter_parameters import exercise as adapter_parameters
from course_utils.exercises.lora.lora_layer import exercise as lora_layer
from course_utils.exercises.lora.merged_weight import exercise as merged_weight
from course_utils.exercises.lora.symptom import exercise as symptom
from course_utils.exercises.lora.weights_served import exercise as weights_served

__all__ = ["adapter_parameters", "lora_layer", "merged_weight", "symptom", "weights_served"]
