"""Top-k: the k most probable tokens stay."""

import torch
from torch import Tensor, tensor

from course_utils.decoding import top_k_filter
from course_utils.exercises.core import Exercise, probes


def top_k(probs: Tensor, k: int) -> Tensor:
    """Keep the k most probable of probs (V,), the lowest id first on ties; return all V, renormalised."""
    # the package works on logits: a log makes them, a softmax renormalises what is left
    return top_k_filter(probs.log(), k).softmax(dim=-1)


exercise = Exercise(
    top_k,
    minutes=15,
    difficulty=2,
    shown="exactly k tokens stay, each at its id, and they sum to 1.",
    hints=(
        "Three steps: find the k largest, set all others to 0, make the rest sum to 1 again.",
        "probs.sort(descending=True, stable=True) gives values and ids; stable keeps the order of ids among equals.",
        "kept = torch.zeros_like(probs); kept[ids[:k]] = probs[ids[:k]]; then divide by kept.sum().",
    ),
    probes=probes(
        ("the two largest of four", tensor([0.5, 0.3, 0.15, 0.05]), 2),
        "Keep k tokens, renormalise.",
        ("ids stay in place", tensor([0.05, 0.5, 0.15, 0.3]), 2),
        "Keep the largest, in their places.",
        ("k = 1", tensor([0.2, 0.5, 0.3]), 1),
        "One token remains, with probability 1.",
        ("k larger than the vocabulary", tensor([0.6, 0.4]), 5),
        "k may exceed V: then keep all V.",
        ("a tie at the k-th place", tensor([0.2, 0.3, 0.2, 0.2, 0.1]), 2),
        "Keep exactly k: of equal tokens, those with the lowest ids.",
        ("all equal", torch.full((5,), 0.2), 2),
        "Keep exactly k: of equal tokens, those with the lowest ids.",
        ("all equal, many", torch.full((20,), 0.05), 3),
        "sort and topk promise no order of equal tokens: sort with stable=True.",
    ),
    hidden=probes(("3 of 6", tensor([0.125, 0.25, 0.125, 0.25, 0.1, 0.15]), 3), "Keep the k largest, whatever k."),
    package=(top_k_filter,),
)


def keep(probs, ids):
    """What a student does last: all but the tokens of these ids are set to 0, and the rest sums to 1."""
    kept = torch.zeros_like(probs).scatter(0, ids, probs[ids])
    return kept / kept.sum()


ranked = lambda probs: probs.argsort(descending=True, stable=True)

exercise.add_mistakes(
    "nothing was cut. Set all but the k largest to 0.",
    lambda probs, k: probs / probs.sum(),
    "the kept tokens don't sum to 1: divide by their sum.",
    lambda probs, k: torch.where(probs >= probs.topk(k).values[-1], probs, 0.0),
    "you ran a softmax over probabilities. Kept probabilities need only a division by their sum.",
    lambda probs, k: torch.where(probs >= probs.topk(k).values[-1], probs, -torch.inf).softmax(-1),
    "a softmax over zeros gives the cut tokens mass again. Divide by the sum instead.",
    lambda probs, k: torch.where(probs >= probs.topk(k).values[-1], probs, 0.0).softmax(-1),
    "you kept the least probable tokens. Sort in descending order.",
    lambda probs, k: keep(probs, probs.argsort()[:k]),
    "you kept k + 1 tokens: a comparison or a slice is off by one.",
    lambda probs, k: keep(probs, ranked(probs)[: k + 1]),
    "you kept k - 1 tokens. The k-th itself stays: >= at the threshold, not >.",
    lambda probs, k: keep(probs, ranked(probs)[: k - 1]),
    "you cut the tokens out. Return all V probabilities, 0 where cut: the place of a number is its token's id.",
    lambda probs, k: probs.topk(k).values / probs.topk(k).values.sum(),
    "you kept the first k ids. Keep the k most probable.",
    lambda probs, k: keep(probs, torch.arange(len(probs))[:k]),
    "the result is in sorted order. Put each probability back at its token's id.",
    lambda probs, k: keep(probs[ranked(probs)], torch.arange(len(probs))[:k]),
    "you kept every token that ties with the k-th: more than k. Count, don't compare with a threshold.",
    lambda probs, k: keep(probs, (probs >= probs.topk(min(k, len(probs))).values[-1]).nonzero()[:, 0]),
    "you dropped every token that ties with the k-th: fewer than k. Exactly k stay, the lowest ids first.",
    lambda probs, k: keep(probs, (probs > probs[ranked(probs)][k]).nonzero()[:, 0]) if k < len(probs) else probs,
    "of equal tokens you kept the highest ids. Keep the lowest: sort(descending=True, stable=True).",
    lambda probs, k: keep(probs, probs.argsort(stable=True)[-k:]),
    "torch.topk promises no order of equal tokens. Use sort(descending=True, stable=True).",
    lambda probs, k: keep(probs, probs.topk(min(k, len(probs))).indices),
)
