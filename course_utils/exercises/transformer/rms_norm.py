"""RMSNorm: each token's vector divided by its root mean square."""

import torch
import torch.nn.functional as F
from torch import tensor

from course_utils.exercises.core import Exercise, probes
from course_utils.transformer.norm import rms_norm

ONES = torch.ones(2)

exercise = Exercise(
    rms_norm,
    minutes=10,
    difficulty=2,
    shown="each vector divided by its own root mean square, then scaled.",
    hints=(
        "RMS is to be read from right to left: square, mean, root. Of which numbers is the mean?",
        "The mean is over the last dimension, one per token: x.pow(2).mean(dim=-1, keepdim=True) is (B, T, 1).",
        "Add eps to the mean square, take the root, divide x by it, and multiply by weight.",
    ),
    probes=probes(
        ("one vector", tensor([[[3.0, 4.0]]]), ONES, 1e-6),
        "The mean of 9 and 16 is 12.5; divide 3 and 4 by its root, 3.536.",
        ("each text by itself", tensor([[[3.0, 4.0]], [[6.0, -8.0]]]), ONES, 1e-6),
        "Each token of each text has its own mean square: mean(dim=-1, keepdim=True).",
        ("each token by itself", tensor([[[3.0, 4.0], [30.0, 40.0]]]), ONES, 1e-6),
        "Each token has its own mean square: mean(dim=-1, keepdim=True), of shape (B, T, 1).",
        ("with a weight", tensor([[[3.0, 4.0]]]), tensor([2.0, 0.5]), 1e-6),
        "Multiply by weight at the end.",
        ("all zeros", torch.zeros(1, 1, 2), ONES, 1e-6),
        "0 / 0 isn't a number: eps keeps the root away from 0.",
        ("eps is added to the mean square", tensor([[[1.0, -1.0]]]), ONES, 3.0),
        "Divide by sqrt(mean square + eps): here sqrt(1 + 3) = 2.",
    ),
    hidden=probes(
        ("more of everything", torch.arange(24.0).reshape(2, 3, 4) - 7, tensor([0.5, 2.0, -1.0, 1.5]), 0.25),
        "Take the mean over the last dimension, however long it is.",
    ),
)

normalised = lambda x, weight, eps, dim: weight * x / (x.pow(2).mean(dim, keepdim=True) + eps).sqrt()

exercise.add_mistakes(
    "nothing has changed. Divide x by its root mean square.",
    lambda x, weight, eps: x,
    "this is LayerNorm: it subtracts the mean. RMSNorm doesn't.",
    lambda x, weight, eps: F.layer_norm(x, weight.shape, weight, None, eps),
    "you divided by the standard deviation, which subtracts the mean. Take the mean of x squared.",
    lambda x, weight, eps: weight * x / (x.var(-1, correction=0, keepdim=True) + eps).sqrt(),
    "you divided by the standard deviation, which subtracts the mean. Take the mean of x squared.",
    lambda x, weight, eps: weight * x / (x.var(-1, keepdim=True) + eps).sqrt(),
    "you summed the squares: that divides by the vector's length. RMS takes their mean.",
    lambda x, weight, eps: weight * F.normalize(x, dim=-1),
    "the root is missing: divide by sqrt(mean square).",
    lambda x, weight, eps: weight * x / (x.pow(2).mean(-1, keepdim=True) + eps),
    "you multiplied by the root mean square. Divide by it (torch.rsqrt is 1 / sqrt).",
    lambda x, weight, eps: weight * x * (x.pow(2).mean(-1, keepdim=True) + eps).sqrt(),
    "you took the mean of x, not of its square: square, mean, root.",
    lambda x, weight, eps: weight * x / x.mean(-1, keepdim=True),
    "the mean is over the wrong dimension. Each token has its own: dim=-1.",
    lambda x, weight, eps: normalised(x, weight, eps, dim=1),
    "this is one mean for all tokens. Each token has its own: mean(dim=-1, keepdim=True).",
    lambda x, weight, eps: normalised(x, weight, eps, dim=(0, 1, 2)),
    "this is one mean for all tokens of a text. Each token has its own: mean(dim=-1, keepdim=True).",
    lambda x, weight, eps: normalised(x, weight, eps, dim=(1, 2)),
    "keepdim=True is missing: without it the means (B, T) line up with the wrong dimension of x.",
    lambda x, weight, eps: weight * x / (x.pow(2).mean(-1) + eps).sqrt(),
    "the weight has no effect. Multiply by it at the end.",
    lambda x, weight, eps: rms_norm(x, ONES, eps),
    "the weight multiplies as it is, not as 1 + weight.",
    lambda x, weight, eps: rms_norm(x, 1 + weight, eps),
    "you added the weight. It is a scale: multiply by it.",
    lambda x, weight, eps: rms_norm(x, ONES, eps) + weight,
    "you scaled before the norm, which then removes part of the scale. Normalise first.",
    lambda x, weight, eps: rms_norm(x * weight, ONES, eps),
    "eps is missing: a vector of zeros gives nan. Add eps to the mean square.",
    lambda x, weight, eps: rms_norm(x, weight, 0),
    "eps is outside the root. It belongs to the mean square: sqrt(mean square + eps).",
    lambda x, weight, eps: weight * x / (x.pow(2).mean(-1, keepdim=True).sqrt() + eps),
    "eps is added to the mean square, it isn't a lower limit.",
    lambda x, weight, eps: weight * x / x.pow(2).mean(-1, keepdim=True).sqrt().clamp(min=eps),
    "eps is added to the mean square, it isn't a lower limit.",
    lambda x, weight, eps: weight * x / x.pow(2).mean(-1, keepdim=True).clamp(min=eps).sqrt(),
    "the argument eps has no effect: use it, not a number of your own.",
    lambda x, weight, eps: rms_norm(x, weight, 1e-6),
)
