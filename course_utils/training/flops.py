"""How many floating-point operations a training needs."""

from course_utils.memory.size import forward_flops_per_token
from course_utils.transformer import TransformerConfig


def flops_per_token(config: TransformerConfig, context_length: int) -> int:
    """Return the floating-point operations of one token's forward and backward pass.

    6 N + 12 L d T, three times `memory.forward_flops_per_token`: what is done once forward is done twice backward, for
    the gradient of the input and that of the weight.

    Model FLOPs utilisation (MFU) is tokens per second times this, divided by `course_utils.speed.matmul_peak`.

    Args:
        config: the model's shape: N = n_active_parameters, L = n_layers, d = d_model.
        context_length: tokens per window, T.

    Source: Chowdhery et al. (2022), "PaLM: Scaling Language Modeling with Pathways", appendix B.
    """
    return 3 * forward_flops_per_token(config, context_length)
