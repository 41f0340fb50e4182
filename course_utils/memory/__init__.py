"""How many bytes a model needs, as formulas with units."""

from course_utils.memory.activations import activation_bytes
from course_utils.memory.budget import Budget
from course_utils.memory.cache import kv_cache_bytes
from course_utils.memory.inference import inference_memory
from course_utils.memory.shapes import NAMED, ModelShape, shape_of
from course_utils.memory.training import RECIPES, adapter_parameters, training_memory

__all__ = [
    "NAMED",
    "RECIPES",
    "Budget",
    "ModelShape",
    "activation_bytes",
    "adapter_parameters",
    "inference_memory",
    "kv_cache_bytes",
    "shape_of",
    "training_memory",
]
