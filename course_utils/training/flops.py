"""How many floating-point operations a training needs."""

from course_utils.transformer import TransformerConfig


def flops_per_token(config: TransformerConfig, context_length: int) -> int:
    """Return the floating-point operations of one token's forward and backward pass.

    6 N + 12 L d T: each of the N weights is multiplied and added once forward and twice backward, 2 operations each
    time; attention's two products, q k^T and weights v, take 2 d T operations each, in L layers, three times. That
    half of the scores is masked is not subtracted, as is the custom.

    Model FLOPs utilisation (MFU) is tokens per second times this, divided by `course_utils.speed.matmul_peak`.

    Args:
        config: the model's shape: N = n_active_parameters, L = n_layers, d = d_model.
        context_length: tokens per window, T.

    Source: Chowdhery et al. (2022), "PaLM: Scaling Language Modeling with Pathways", appendix B.
    """
    return 6 * config.n_active_parameters + 12 * config.n_layers * config.d_model * context_length
