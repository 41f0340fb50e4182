"""Exercise of notebook 06: temperature."""

import torch
from torch import Tensor

from course_utils.decoding import apply_temperature
from course_utils.exercises.core import Exercise, Mistake, Probe


def temperature_probs(logits: Tensor, t: float) -> Tensor:
    """Turn logits (V,) into probabilities (V,) at temperature t >= 0; t = 0 is greedy, the lowest id wins a tie."""
    return apply_temperature(logits, t).softmax(dim=-1)


def _exp_share(u: Tensor) -> Tensor:
    return u.exp() / u.exp().sum()


temperature_probs = Exercise(
    temperature_probs,
    shown="divide the logits by t, then softmax; t = 0 is the most probable token alone.",
    hints=(
        "Temperature acts on the logits, before they become probabilities.",
        "torch.softmax(logits / t, dim=-1) is nearly all. It also takes care of large logits.",
        "t = 0 can't be divided by: return zeros with a 1 at logits.argmax(), the first of equal maxima.",
    ),
    probes=(
        Probe("t = 1 is the plain softmax", (torch.tensor([2.0, 1.0, 0.0]), 1.0), "Return softmax(logits / t)."),
        Probe("t = 2 flattens", (torch.tensor([2.0, 1.0, 0.0]), 2.0), "Divide the logits by t, then softmax."),
        Probe("t = 0.5 sharpens", (torch.tensor([2.0, 0.0, -1.0]), 0.5), "Divide the logits by t, then softmax."),
        Probe(
            "large logits don't overflow",
            (torch.tensor([1000.0, 999.0, 0.0]), 1.0),
            "exp(1000) is infinite: use torch.softmax, or subtract the largest logit first.",
        ),
        Probe(
            "very negative logits don't vanish",
            (torch.tensor([-1000.0, -1001.0]), 1.0),
            "exp(-1000) is 0: use torch.softmax, or subtract the largest logit first.",
        ),
        Probe(
            "t = 0 is greedy",
            (torch.tensor([1.0, 3.0, 2.0]), 0.0),
            "t = 0 needs its own line: all the mass on the largest logit.",
        ),
        Probe(
            "at t = 0 the lowest id wins a tie",
            (torch.tensor([1.0, 3.0, 3.0]), 0.0),
            "Give all the mass to the first of the equal logits.",
        ),
    ),
    mistakes=(
        Mistake(lambda u, t: u / t, "these are logits, not probabilities: the softmax is missing."),
        Mistake(lambda u, t: (u / t).exp(), "you exponentiated but didn't divide by the sum."),
        Mistake(
            lambda u, t: u.softmax(-1),
            "t has no effect: renormalising undoes a division after the softmax. Divide the logits.",
        ),
        Mistake(
            lambda u, t: (u * t).softmax(-1),
            "you multiplied by t. Divide: a high temperature brings the logits closer together.",
        ),
        Mistake(
            lambda u, t: u.softmax(-1) / t,
            "you divided after the softmax. The result doesn't sum to 1: divide the logits.",
        ),
        Mistake(
            lambda u, t: u.softmax(-1) ** (1 / t),
            "you raised probabilities to the power 1/t and didn't renormalise. Divide the logits, then softmax.",
        ),
        Mistake(
            lambda u, t: (u.softmax(-1) / t).softmax(-1),
            "softmax twice: the input of the softmax must be logits / t, not probabilities.",
        ),
        Mistake(
            lambda u, t: _exp_share(u / t), "exp overflowed. Subtract the largest logit first, as torch.softmax does."
        ),
        Mistake(
            lambda u, t: _exp_share(u / t - (u / t).abs().max()),
            "subtract the largest logit, not the largest absolute value: exp(-2000) is 0.",
        ),
        Mistake(
            lambda u, t: (u / t).softmax(-1),
            "division by t = 0 gave nan. Treat t = 0 apart: all the mass on the largest logit.",
        ),
        Mistake(
            lambda u, t: (u / t).softmax(-1) if t else u.argmax(),
            "at t = 0 this is a token's id. Return probabilities: all the mass on that id.",
        ),
        Mistake(
            lambda u, t: (u / (t or 1)).softmax(-1),
            "at t = 0 this is the plain softmax. Greedy puts all the mass on the largest logit.",
        ),
        Mistake(
            lambda u, t: (u / t).softmax(-1) if t else torch.full_like(u, 1 / len(u)),
            "at t = 0 this is uniform. Greedy puts all the mass on the largest logit.",
        ),
        Mistake(
            lambda u, t: (u / t).softmax(-1) if t else (u == u.max()).float(),
            "two equal logits got probability 1 each. Greedy picks exactly one token, the lowest id.",
        ),
        Mistake(
            lambda u, t: (u / max(t, 1e-9)).softmax(-1),
            "equal logits share the mass. Greedy picks exactly one token, the lowest id.",
        ),
        Mistake(
            lambda u, t: apply_temperature(u.flip(0), t).softmax(-1).flip(0),
            "of two equal logits you took the last. The lowest id wins.",
        ),
    ),
    package=(apply_temperature,),
)
