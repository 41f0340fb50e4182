"""Temperature: logits divided by t become probabilities."""

import torch
from torch import Tensor, tensor

from course_utils.decoding import apply_temperature
from course_utils.exercises.core import Exercise, probes


def temperature_probs(logits: Tensor, t: float) -> Tensor:
    """Turn logits (V,) into probabilities (V,) at temperature t >= 0; t = 0 is greedy, the lowest id wins a tie."""
    return apply_temperature(logits, t).softmax(dim=-1)


exercise = Exercise(
    temperature_probs,
    minutes=10,
    difficulty=1,
    shown="divide the logits by t, then softmax; t = 0 is the most probable token alone.",
    hints=(
        "Temperature acts on the logits, before they become probabilities.",
        "torch.softmax(logits / t, dim=-1) is nearly all. It also takes care of large logits.",
        "t = 0 can't be divided by: return zeros with a 1 at logits.argmax(), the first of equal maxima.",
    ),
    probes=probes(
        ("t = 1 is the plain softmax", tensor([2.0, 1.0, 0.0]), 1.0),
        "Return softmax(logits / t).",
        ("t = 2 flattens", tensor([2.0, 1.0, 0.0]), 2.0),
        "Divide the logits by t, then softmax.",
        ("t = 0.5 sharpens", tensor([2.0, 0.0, -1.0]), 0.5),
        "Divide the logits by t, then softmax.",
        ("large logits don't overflow", tensor([1000.0, 999.0, 0.0]), 1.0),
        "exp(1000) is infinite: use torch.softmax, or subtract the largest logit first.",
        ("very negative logits don't vanish", tensor([-1000.0, -1001.0]), 1.0),
        "exp(-1000) is 0: use torch.softmax, or subtract the largest logit first.",
        ("a high temperature brings a far-off token back", tensor([0.0, -200.0]), 100.0),
        "The logits divided by t are 0 and -2. Divide them before the softmax, where -200 would vanish.",
        ("t = 0 is greedy", tensor([1.0, 3.0, 2.0]), 0.0),
        "t = 0 needs its own line: all the mass on the largest logit.",
        ("at t = 0 the lowest id wins a tie", tensor([1.0, 3.0, 3.0]), 0.0),
        "Give all the mass to the first of the equal logits.",
    ),
    hidden=probes(
        ("t = 1.5", tensor([0.3, -1.2, 2.5, 0.0]), 1.5),
        "Divide by any t above 0, then softmax.",
        ("t = 0 again", tensor([-2.0, -0.5, -0.5, -3.0]), 0.0),
        "All the mass on the first maximum.",
    ),
    package=(apply_temperature,),
)

shares = lambda weights: weights / weights.sum()

exercise.add_mistakes(
    "these are logits, not probabilities: the softmax is missing.",
    lambda logits, t: logits / t,
    "you exponentiated but didn't divide by the sum.",
    lambda logits, t: torch.exp(logits / t),
    "t has no effect: renormalising undoes a division after the softmax. Divide the logits.",
    lambda logits, t: shares(logits.softmax(-1) / t),
    "you multiplied by t. Divide: a high temperature brings the logits closer together.",
    lambda logits, t: (t * logits).softmax(-1),
    "you divided after the softmax. The result doesn't sum to 1: divide the logits.",
    lambda logits, t: logits.softmax(-1) / t,
    "you raised probabilities to the power 1/t and didn't renormalise. Divide the logits, then softmax.",
    lambda logits, t: logits.softmax(-1) ** (1 / t),
    "the softmax rounded exp(-200) to 0, and no power of 0 brings it back. Divide the logits, before the softmax.",
    lambda logits, t: shares(logits.softmax(-1) ** (1 / t)),
    "softmax twice: the input of the softmax must be logits / t, not probabilities.",
    lambda logits, t: (logits.softmax(-1) / t).softmax(-1),
    "exp overflowed. Subtract the largest logit first, as torch.softmax does.",
    lambda logits, t: shares(torch.exp(logits / t)),
    "subtract the largest logit, not the largest absolute value: exp(-2000) is 0.",
    lambda logits, t: shares(torch.exp(logits / t - (logits / t).abs().max())),
    "division by t = 0 gave nan. Treat t = 0 apart: all the mass on the largest logit.",
    lambda logits, t: (logits / t).softmax(-1),
    "at t = 0 this is a token's id. Return probabilities: all the mass on that id.",
    lambda logits, t: (logits / t).softmax(-1) if t > 0 else logits.argmax(),
    "at t = 0 this is the plain softmax. Greedy puts all the mass on the largest logit.",
    lambda logits, t: (logits / (t or 1)).softmax(-1),
    "at t = 0 this is uniform. Greedy puts all the mass on the largest logit.",
    lambda logits, t: (logits / t).softmax(-1) if t > 0 else torch.ones_like(logits) / len(logits),
    "two equal logits got probability 1 each. Greedy picks exactly one token, the lowest id.",
    lambda logits, t: (logits / t).softmax(-1) if t > 0 else (logits == logits.max()).float(),
    "equal logits share the mass. Greedy picks exactly one token, the lowest id.",
    lambda logits, t: (logits / (t + 1e-8)).softmax(-1),
    "of two equal logits you took the last. The lowest id wins.",
    lambda logits, t: temperature_probs(logits, t) if t > 0 else temperature_probs(logits.flip(0), 0).flip(0),
)
