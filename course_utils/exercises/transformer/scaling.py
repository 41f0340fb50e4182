"""Exercise of notebook 03: RMSNorm."""

import torch
from torch import Tensor

from course_utils.exercises.core import Exercise, Mistake, Probe
from course_utils.transformer import norm

ONES = torch.ones(2)


def _over(x: Tensor, weight: Tensor, eps: float, dim: int | tuple[int, ...]) -> Tensor:
    """RMSNorm with the mean over other dimensions than the last."""
    return weight * x / (x.pow(2).mean(dim, keepdim=True) + eps).sqrt()


rms_norm = Exercise(
    norm.rms_norm,
    shown="each vector divided by its own root mean square, then scaled.",
    hints=(
        "RMS is to be read from right to left: square, mean, root. Of which numbers is the mean?",
        "The mean is over the last dimension, one per token: x.pow(2).mean(dim=-1, keepdim=True) is (B, T, 1).",
        "Add eps to the mean square, take the root, divide x by it, and multiply by weight.",
    ),
    probes=(
        Probe(
            "one vector",
            (torch.tensor([[[3.0, 4.0]]]), ONES, 1e-6),
            "The mean of 9 and 16 is 12.5; divide 3 and 4 by its root, 3.536.",
        ),
        Probe(
            "each text by itself",
            (torch.tensor([[[3.0, 4.0]], [[6.0, -8.0]]]), ONES, 1e-6),
            "Each token of each text has its own mean square: mean(dim=-1, keepdim=True).",
        ),
        Probe(
            "each token by itself",
            (torch.tensor([[[3.0, 4.0], [30.0, 40.0]]]), ONES, 1e-6),
            "Each token has its own mean square: mean(dim=-1, keepdim=True), of shape (B, T, 1).",
        ),
        Probe(
            "the weight scales each dimension",
            (torch.tensor([[[3.0, 4.0]]]), torch.tensor([2.0, 0.5]), 1e-6),
            "Multiply by weight at the end.",
        ),
        Probe(
            "a vector of zeros",
            (torch.zeros(1, 1, 2), ONES, 1e-6),
            "0 / 0 isn't a number: eps keeps the root away from 0.",
        ),
        Probe(
            "eps is added to the mean square",
            (torch.tensor([[[1.0, -1.0]]]), ONES, 3.0),
            "Divide by sqrt(mean square + eps): here sqrt(1 + 3) = 2.",
        ),
    ),
    mistakes=(
        Mistake(lambda x, w, eps: x, "nothing has changed. Divide x by its root mean square."),
        Mistake(
            lambda x, w, eps: w * (x - x.mean(-1, True)) / (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt(),
            "this is LayerNorm: it subtracts the mean. RMSNorm doesn't.",
        ),
        Mistake(
            lambda x, w, eps: w * x / (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt(),
            "you divided by the standard deviation, which subtracts the mean. Take the mean of x squared.",
        ),
        Mistake(
            lambda x, w, eps: w * x / (x.var(-1, keepdim=True) + eps).sqrt(),
            "you divided by the standard deviation, which subtracts the mean. Take the mean of x squared.",
        ),
        Mistake(
            lambda x, w, eps: w * x / (x.pow(2).sum(-1, True) + eps).sqrt(),
            "you summed the squares: that divides by the vector's length. RMS takes their mean.",
        ),
        Mistake(
            lambda x, w, eps: w * x / (x.pow(2).mean(-1, True) + eps),
            "the root is missing: divide by sqrt(mean square).",
        ),
        Mistake(
            lambda x, w, eps: w * x * (x.pow(2).mean(-1, True) + eps).sqrt(),
            "you multiplied by the root mean square. Divide by it (torch.rsqrt is 1 / sqrt).",
        ),
        Mistake(
            lambda x, w, eps: w * x / (x.abs().mean(-1, True) + eps),
            "you took the mean of x, not of its square: square, mean, root.",
        ),
        Mistake(
            lambda x, w, eps: _over(x, w, eps, 1),
            "the mean is over the wrong dimension. Each token has its own: dim=-1.",
        ),
        Mistake(
            lambda x, w, eps: _over(x, w, eps, 0),
            "the mean is over the wrong dimension. Each token has its own: dim=-1.",
        ),
        Mistake(
            lambda x, w, eps: _over(x, w, eps, (0, 1, 2)),
            "this is one mean for all tokens. Each token has its own: mean(dim=-1, keepdim=True).",
        ),
        Mistake(
            lambda x, w, eps: _over(x, w, eps, (1, 2)),
            "this is one mean for all tokens of a text. Each token has its own: mean(dim=-1, keepdim=True).",
        ),
        Mistake(
            lambda x, w, eps: w * x / (x.pow(2).mean(-1) + eps).sqrt(),
            "keepdim=True is missing: without it the means (B, T) line up with the wrong dimension of x.",
        ),
        Mistake(lambda x, w, eps: _over(x, ONES, eps, -1), "the weight has no effect. Multiply by it at the end."),
        Mistake(lambda x, w, eps: _over(x, 1 + w, eps, -1), "the weight multiplies as it is, not as 1 + weight."),
        Mistake(
            lambda x, w, eps: _over(x, ONES, eps, -1) + w,
            "you added the weight. It is a scale: multiply by it.",
        ),
        Mistake(
            lambda x, w, eps: _over(x * w, ONES, eps, -1),
            "you scaled before the norm, which then removes part of the scale. Normalise first.",
        ),
        Mistake(
            lambda x, w, eps: _over(x, w, 0, -1),
            "eps is missing: a vector of zeros gives nan. Add eps to the mean square.",
        ),
        Mistake(
            lambda x, w, eps: w * x / (x.pow(2).mean(-1, True).sqrt() + eps),
            "eps is outside the root. It belongs to the mean square: sqrt(mean square + eps).",
        ),
        Mistake(
            lambda x, w, eps: w * x / x.pow(2).mean(-1, True).sqrt().clamp(min=eps),
            "eps is added to the mean square, it isn't a lower limit.",
        ),
        Mistake(
            lambda x, w, eps: w * x / x.pow(2).mean(-1, True).clamp(min=eps).sqrt(),
            "eps is added to the mean square, it isn't a lower limit.",
        ),
        Mistake(
            lambda x, w, eps: _over(x, w, 1e-6, -1), "the argument eps has no effect: use it, not a number of your own."
        ),
    ),
)
