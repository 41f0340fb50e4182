"""The order of the knobs: top-p after the temperature, or before it."""

import torch
from torch import Tensor, tensor

from course_utils.decoding import apply_temperature, top_p_filter
from course_utils.exercises.core import Exercise, probes


def tokens_kept(logits: Tensor, t: float, p: float) -> list[int]:
    """Return how many tokens of logits (V,) stay if the temperature comes before top-p, and if it comes after."""
    before = top_p_filter(apply_temperature(logits, t), p)  # (V,)
    after = apply_temperature(top_p_filter(logits, p), t)  # (V,)
    return [int((u > -torch.inf).sum()) for u in (before, after)]


exercise = Exercise(
    tokens_kept,
    minutes=10,
    difficulty=2,
    shown="top-p measures what it is given: the same p keeps other tokens before and after the temperature.",
    hints=(
        "Two pipelines of the same two steps. Which distribution does top-p look at in each?",
        "apply_temperature and top_p_filter both map logits to logits, so that they can be chained in either order.",
        "A token that is cut has the logit -inf: (u > -torch.inf).sum().item() counts those that stay.",
    ),
    probes=probes(
        ("ten tokens, each logit 1 below the last", torch.arange(9.0, -1.0, -1.0), 0.5, 0.99),
        "With the temperature first the logits are 2 apart, and three tokens reach .99; else 1 apart, and five do.",
        ("t = .5 sharpens: the first order keeps fewer", tensor([3.0, 2.0, 1.0]), 0.5, 0.8),
        "softmax of 6 4 2 begins with .87, which reaches .8 alone; softmax of 3 2 1 begins with .67, which doesn't.",
        ("t = 2 flattens: the first order keeps more", tensor([3.0, 2.0, 1.0]), 2.0, 0.6),
        "softmax of 1.5 1 .5 begins with .51, below .6; softmax of 3 2 1 begins with .67.",
        ("t = 1: the order doesn't matter", tensor([3.0, 2.0, 1.0]), 1.0, 0.8),
        "At t = 1 both orders see the same probabilities.",
        ("p = 1 cuts nothing", tensor([3.0, 2.0, 1.0, 0.0]), 0.5, 1.0),
        "With p = 1 all four stay in either order.",
    ),
    hidden=probes(("eight tokens", torch.arange(8.0), 3.0, 0.9), "Chain the two steps in both orders and count."),
    package=(apply_temperature, top_p_filter),
)

count = lambda logits, p: int((top_p_filter(logits, p) > -torch.inf).sum())

exercise.add_mistakes(
    "the two numbers are swapped: first the count with the temperature before top-p, then the other.",
    lambda logits, t, p: [count(logits, p), count(logits / t, p)],
    "both numbers come from the temperature before top-p. For the second cut first, then divide.",
    lambda logits, t, p: [count(logits / t, p)] * 2,
    "both numbers come from top-p before the temperature. For the first divide first, then cut.",
    lambda logits, t, p: [count(logits, p)] * 2,
    "you multiplied by t. The temperature divides the logits.",
    lambda logits, t, p: [count(logits * t, p), count(logits, p)],
    "you divided probabilities by t, which top-p can't tell from logits. Divide the logits.",
    lambda logits, t, p: [count(logits.softmax(-1) / t, p), count(logits, p)],
    "you counted the tokens that were cut. Count those that stay.",
    lambda logits, t, p: [len(logits) - count(logits / t, p), len(logits) - count(logits, p)],
    "you counted all tokens. One that is cut keeps its place and has the logit -inf: count those above it.",
    lambda logits, t, p: [len(logits)] * 2,
    "in the second pipeline the division came before the cut as well as after it: start again from the logits.",
    lambda logits, t, p: [count(logits / t, p), count(logits / t / t, p)],
)
