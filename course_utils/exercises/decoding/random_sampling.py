"""Random sampling: a dart thrown at a stick, on which each token has a stretch as long as its probability."""

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def random_sampling(probs: Tensor, darts: Tensor) -> Tensor:
    """Return for each dart (N,), a number from 0 to just below 1, the id of the token of probs (V,) that it hits.

    The tokens lie on a stick of length 1 in the order of their ids. A dart on the border of two belongs to the second.
    """
    ends = probs.double().cumsum(dim=-1)  # (V,) where each token's stretch ends
    ends = ends / ends[-1]  # rounded sums may end a hair before 1, where a dart would hit nothing
    return torch.searchsorted(ends, darts.double(), right=True)  # (N,) the first stretch that ends beyond the dart


EXACT = tensor([0.5, 0.25, 0.125, 0.125])

exercise = Exercise(
    random_sampling,
    minutes=15,
    difficulty=2,
    shown="each dart hits the token on whose stretch of the stick it lands.",
    hints=(
        "Where does each token's stretch end? Add up the probabilities from the first id on: cumsum.",
        "A token is hit by the darts below its end and not below the end of the token before it.",
        "(darts[:, None] >= ends).sum(dim=-1) counts the stretches that end at or before each dart: that is the id.",
    ),
    probes=probes(
        ("three darts, three tokens", EXACT, tensor([0.1, 0.6, 0.8])),
        "The stretches end at .5, .75, .875 and 1: these darts hit the tokens 0, 1 and 2.",
        ("one dart", EXACT, tensor([0.9])),
        "Return a tensor of one id: .9 lies between .875 and 1, on the stretch of token 3.",
        ("the order is that of the ids", tensor([0.125, 0.5, 0.125, 0.25]), tensor([0.05, 0.2, 0.7, 0.8])),
        "Don't sort: token 0 lies first on the stick, whatever its probability.",
        ("a dart at the left end", EXACT, tensor([0.0])),
        "The stick begins with token 0.",
        ("a dart on a border", EXACT, tensor([0.5, 0.75])),
        "A stretch begins on its border: .5 is the first point of token 1.",
        ("a token of probability 0 is never hit", tensor([0.0, 0.5, 0.0, 0.5]), tensor([0.0, 0.5, 0.99])),
        "A stretch of length 0 holds no dart, not even one that lands on its border.",
    ),
    hidden=probes(
        ("seven darts", tensor([0.1, 0.0, 0.3, 0.2, 0.4]), tensor([0.05, 0.15, 0.35, 0.45, 0.55, 0.65, 0.95])),
        "Compare each dart with the ends of the stretches.",
    ),
)

ends = lambda probs: probs.double().cumsum(0)
ranked = lambda probs: probs.argsort(descending=True, stable=True)

exercise.add_mistakes(
    "this is the most probable token, whatever the darts. That is greedy decoding: compare each dart with the ends.",
    lambda probs, darts: probs.argmax().expand(len(darts)),
    "each token got the same stretch. Its length is the token's probability.",
    lambda probs, darts: (darts * len(probs)).long(),
    "you compared the darts with single probabilities. The borders are their running sums: cumsum.",
    lambda probs, darts: (darts[:, None] >= probs).sum(-1),
    "you returned the token before the one that is hit: count the stretches that end at or before the dart.",
    lambda probs, darts: torch.searchsorted(ends(probs), darts.double(), right=True) - 1,
    "you returned the token after the one that is hit: ids begin at 0.",
    lambda probs, darts: torch.searchsorted(ends(probs), darts.double(), right=True) + 1,
    "this says which stretches end beyond the dart. Return the first of them, its id.",
    lambda probs, darts: darts[:, None] < ends(probs),
    "you counted the stretches that end beyond the dart. Count those that end before it.",
    lambda probs, darts: (darts[:, None] < ends(probs)).sum(-1),
    "one dart gave a plain number. Return a tensor of ids, as many as there are darts.",
    lambda probs, darts: torch.searchsorted(ends(probs), darts.double(), right=True).squeeze(),
    "your stick has the most probable token first. It begins with token 0, or the place is no id.",
    lambda probs, darts: torch.searchsorted(ends(probs[ranked(probs)]), darts.double(), right=True),
    "a dart on a border went to the stretch that ends there. It belongs to the next: right=True, or >=, not >.",
    lambda probs, darts: torch.searchsorted(ends(probs), darts.double()),
)
