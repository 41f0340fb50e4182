"""What a scaling law counts: parameters without embeddings, and the FLOPs of a training."""

from course_utils.checks import whole_number

FLOPS_PER_PARAMETER_AND_TOKEN = 6  # a multiplication and an addition forward, twice as many backward


def non_embedding_params(n_layers: int, d_model: int, d_attn: int | None = None, d_ff: int | None = None) -> int:
    """Return about how many parameters a GPT-like model has beside its embeddings: 2 d n (2 d_attn + d_ff).

    Queries, keys, values and output are d x d_attn each, and the feed-forward part is two matrices of d x d_ff; biases
    and norms aren't counted. With the usual d_attn = d and d_ff = 4 d that is 12 n d^2. `memory.formula_size` counts a
    model of the course exactly: SwiGLU's third matrix, narrower keys and values, and the norms.

    Args:
        n_layers: n.
        d_model: width of the residual stream, d.
        d_attn: width of all heads together; None is d.
        d_ff: inner width of the feed-forward part; None is 4 d.

    Raises:
        ValueError: a number below 1.

    Source: Kaplan et al. (2020), "Scaling Laws for Neural Language Models", section 2.1, equation 2.1.
    """
    n, d = whole_number("n_layers", n_layers, least=1), whole_number("d_model", d_model, least=1)
    d_attn = d if d_attn is None else whole_number("d_attn", d_attn, least=1)
    d_ff = 4 * d if d_ff is None else whole_number("d_ff", d_ff, least=1)
    return 2 * d * n * (2 * d_attn + d_ff)


def training_flops(n_params: float, n_tokens: float) -> float:
    """Return about how many FLOPs a training takes, 6 N D; attention's products of pairs of tokens aren't counted.

    Args:
        n_params: N, without embeddings.
        n_tokens: tokens read, repeats included, D.

    Source: Kaplan et al. (2020), "Scaling Laws for Neural Language Models", section 2.1.
    """
    return FLOPS_PER_PARAMETER_AND_TOKEN * n_params * n_tokens
