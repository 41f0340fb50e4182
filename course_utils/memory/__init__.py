"""How large a model is and how many bytes it needs, as formulas with units."""

from course_utils.memory.activations import activation_bytes
from course_utils.memory.budget import Budget
from course_utils.memory.cache import kv_cache_bytes
from course_utils.memory.inference import inference_memory
from course_utils.memory.shapes import NAMED, ModelShape, shape_of
from course_utils.memory.size import ModelSize, counted_size, formula_size, forward_flops_per_token
from course_utils.memory.training import RECIPES, adapter_parameters, training_memory

__all__ = [
    "NAMED",
    "RECIPES",
    "Budget",
    "ModelShape",
    "ModelSize",
    "activation_bytes",
    "adapter_parameters",
    "counted_size",
    "formula_size",
    "forward_flops_per_token",
    "inference_memory",
    "kv_cache_bytes",
    "shape_of",
    "training_memory",
]
