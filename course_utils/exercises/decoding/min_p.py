"""Min-p: what is at least a share of the most probable token stays."""

import torch
from torch import Tensor, tensor

from course_utils.decoding import min_p_filter
from course_utils.exercises.core import Exercise, probes
from course_utils.exercises.decoding.top_k import keep, ranked


def min_p(probs: Tensor, share: float) -> Tensor:
    """Keep what is at least share times the largest of probs (..., V); return all V of each row, renormalised."""
    # the package works on logits: a log makes them, a softmax renormalises what is left
    return min_p_filter(probs.log(), share).softmax(dim=-1)


exercise = Exercise(
    min_p,
    minutes=15,
    difficulty=2,
    shown="in each row what reaches the share of the largest stays, and the row sums to 1.",
    hints=(
        "Nothing needs sorting: each token is compared with one number, which depends on the most probable one.",
        "probs >= share * the largest says who stays; torch.where(stays, probs, 0.0) sets the others to 0.",
        "In a batch each row has its own largest and its own sum: amax and sum with dim=-1, keepdim=True.",
    ),
    probes=probes(
        ("at least a fifth of the largest", tensor([0.4, 0.25, 0.19, 0.1, 0.06]), 0.2),
        "A fifth of .4 is .08: four tokens stay, and sum to 1 again.",
        ("the largest needn't come first", tensor([0.21, 0.25, 0.04, 0.4, 0.1]), 0.6),
        "Compare with the largest probability, wherever it is.",
        ("exactly the share stays", tensor([0.5, 0.25, 0.125, 0.125]), 0.5),
        ".25 is half of .5: it stays, >= and not >.",
        ("share = 0 cuts nothing", tensor([0.5, 0.3, 0.2]), 0.0),
        "Everything is at least 0.",
        ("share = 1 keeps all that tie with the largest", tensor([0.4, 0.4, 0.2]), 1.0),
        "Both of the largest stay.",
        ("two rows, each with its own threshold", tensor([[0.9, 0.06, 0.04], [0.4, 0.35, 0.25]]), 0.3),
        ".06 is less than .3 of .9, while .25 is more than .3 of .4: dim=-1, keepdim=True.",
    ),
    hidden=probes(
        ("2 x 2 rows", tensor([[[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]], [[0.05, 0.9, 0.05], [0.34, 0.33, 0.33]]]), 0.3),
        "Any number of dimensions may stand before the vocabulary: dim=-1.",
    ),
    package=(min_p_filter,),
)

shares = lambda weights: weights / weights.sum(-1, keepdim=True)
largest = lambda probs: probs.amax(-1, keepdim=True)

exercise.add_mistakes(
    "nothing was cut. Set what is below the threshold to 0.",
    lambda probs, share: probs,
    "the kept tokens don't sum to 1: divide by their sum.",
    lambda probs, share: probs * (probs >= share * largest(probs)),
    "you compared with the share itself. The threshold is the share times the largest probability.",
    lambda probs, share: shares(probs * (probs >= share)) if (probs >= share).any() else probs,
    "this is top-p: running sums play no part here. Compare each token with the largest.",
    lambda probs, share: keep(probs, ranked(probs)[: 1 + int((probs[ranked(probs)].cumsum(0) < share).sum())]),
    "you kept the unlikely tokens. Those of at least the threshold stay.",
    lambda probs, share: shares(probs * (probs < share * largest(probs))),
    "you cut the tokens out. Return all V probabilities, 0 where cut: the place of a number is its token's id.",
    lambda probs, share: shares(probs[probs >= share * largest(probs)]),
    "you ran a softmax over probabilities. Kept probabilities need only a division by their sum.",
    lambda probs, share: torch.where(probs >= share * largest(probs), probs, -torch.inf).softmax(-1),
    "a softmax over zeros gives the cut tokens mass again. Divide by the sum instead.",
    lambda probs, share: torch.where(probs >= share * largest(probs), probs, 0.0).softmax(-1),
    "you compared with the first probability. The largest may be anywhere.",
    lambda probs, share: shares(probs * (probs >= share * probs[..., :1])),
    "what is exactly the share of the largest must stay: >=, not >.",
    lambda probs, share: shares(probs * (probs > share * largest(probs))),
    "one threshold for the whole batch. Each row has its own largest: probs.amax(dim=-1, keepdim=True).",
    lambda probs, share: shares(probs * (probs >= share * probs.max())),
    "the batch was divided by one sum. Each row sums to 1: .sum(dim=-1, keepdim=True).",
    lambda probs, share: (kept := probs * (probs >= share * largest(probs))) / kept.sum(),
)
