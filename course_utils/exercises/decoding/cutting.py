"""Exercises of notebook 06: top-k and top-p on probabilities."""

import math

import torch
from torch import Tensor

from course_utils.decoding import top_k_filter, top_p_filter
from course_utils.exercises.core import Exercise, Mistake, Probe


def top_k(probs: Tensor, k: int) -> Tensor:
    """Keep the k most probable of probs (V,), the lowest id first on ties; return all V, renormalised."""
    # the package works on logits: a log makes them, a softmax renormalises what is left
    return top_k_filter(probs.log(), k).softmax(dim=-1)


def top_p(probs: Tensor, p: float) -> Tensor:
    """Keep the smallest set of probs (V,) whose mass is at least p; return all V, renormalised."""
    # the package works on logits: a log makes them, a softmax renormalises what is left
    return top_p_filter(probs.log(), p).softmax(dim=-1)


TWENTY_EQUAL = torch.full((20,), 0.05)


def _kept(probs: Tensor, keep: Tensor) -> Tensor:
    """Renormalise probs (V,) where keep (V,) is True."""
    return probs * keep / (probs * keep).sum()


def _sorted(probs: Tensor) -> Tensor:
    return probs.sort(descending=True, stable=True).values


def _largest(probs: Tensor, k: int) -> Tensor:
    """Return where the k largest of probs are, (V,) bool, the lowest id first on ties."""
    order = probs.sort(descending=True, stable=True).indices  # (V,)
    return torch.zeros_like(probs, dtype=torch.bool).index_fill(0, order[:k], True)


def _count(probs: Tensor, p: float) -> int:
    """Return how many tokens the smallest set of mass p has, rounding allowed for."""
    return 1 + int((_sorted(probs.double()).cumsum(0) < p - 1e-6).sum())


def _exact_count(probs: Tensor, p: float) -> int:
    """Return the same without allowing for rounding."""
    return 1 + int((_sorted(probs).cumsum(0) < p).sum())


top_k = Exercise(
    top_k,
    shown="exactly k tokens stay, each at its id, and they sum to 1.",
    hints=(
        "Three steps: find the k largest, set all others to 0, make the rest sum to 1 again.",
        "probs.sort(descending=True, stable=True) gives values and ids; stable keeps the order of ids among equals.",
        "kept = torch.zeros_like(probs); kept[ids[:k]] = probs[ids[:k]]; then divide by kept.sum().",
    ),
    probes=(
        Probe("the two largest of four", (torch.tensor([0.5, 0.3, 0.15, 0.05]), 2), "Keep k tokens, renormalise."),
        Probe("ids stay in place", (torch.tensor([0.05, 0.5, 0.15, 0.3]), 2), "Keep the largest, in their places."),
        Probe("k = 1", (torch.tensor([0.2, 0.5, 0.3]), 1), "One token remains, with probability 1."),
        Probe("k larger than the vocabulary", (torch.tensor([0.6, 0.4]), 5), "k may exceed V: then keep all V."),
        Probe(
            "a tie at the k-th place",
            (torch.tensor([0.2, 0.3, 0.2, 0.2, 0.1]), 2),
            "Keep exactly k: of equal tokens, those with the lowest ids.",
        ),
        Probe("all equal", (torch.full((5,), 0.2), 2), "Keep exactly k: of equal tokens, those with the lowest ids."),
        Probe(
            "all equal, many",
            (TWENTY_EQUAL, 3),
            "sort and topk promise no order of equal tokens: sort with stable=True.",
        ),
    ),
    mistakes=(
        Mistake(lambda x, k: x, "nothing was cut. Set all but the k largest to 0."),
        Mistake(lambda x, k: x * _largest(x, k), "the kept tokens don't sum to 1: divide by their sum."),
        Mistake(
            lambda x, k: x.masked_fill(~_largest(x, k), -math.inf).softmax(-1),
            "you ran a softmax over probabilities. Kept probabilities need only a division by their sum.",
        ),
        Mistake(
            lambda x, k: (x * _largest(x, k)).softmax(-1),
            "a softmax over zeros gives the cut tokens mass again. Divide by the sum instead.",
        ),
        Mistake(
            lambda x, k: _kept(x, _largest(-x, k)), "you kept the least probable tokens. Sort in descending order."
        ),
        Mistake(
            lambda x, k: _kept(x, _largest(x, k + 1)), "you kept k + 1 tokens: a comparison or a slice is off by one."
        ),
        Mistake(
            lambda x, k: _kept(x, _largest(x, k - 1)),
            "you kept k - 1 tokens. The k-th itself stays: >= at the threshold, not >.",
        ),
        Mistake(
            lambda x, k: _sorted(x)[:k] / _sorted(x)[:k].sum(),
            "you cut the tokens out. Return all V probabilities, 0 where cut: the place of a number is its token's id.",
        ),
        Mistake(lambda x, k: _kept(x, torch.arange(len(x)) < k), "you kept the first k ids. Keep the k most probable."),
        Mistake(
            lambda x, k: _kept(_sorted(x), torch.arange(len(x)) < k),
            "the result is in sorted order. Put each probability back at its token's id.",
        ),
        Mistake(
            lambda x, k: _kept(x, x >= _sorted(x)[min(k, len(x)) - 1]),
            "you kept every token that ties with the k-th: more than k. Count, don't compare with a threshold.",
        ),
        Mistake(
            lambda x, k: _kept(x, (x > x.sort().values[-k - 1]) if k < len(x) else x > 0),
            "you dropped every token that ties with the k-th: fewer than k. Exactly k stay, the lowest ids first.",
        ),
        Mistake(
            lambda x, k: _kept(x, _largest(x.flip(0), k).flip(0)),
            "of equal tokens you kept the highest ids. Keep the lowest: sort(descending=True, stable=True).",
        ),
        Mistake(
            lambda x, k: _kept(
                x, torch.zeros_like(x, dtype=torch.bool).index_fill(0, x.topk(min(k, len(x))).indices, True)
            ),
            "torch.topk promises no order of equal tokens. Use sort(descending=True, stable=True).",
        ),
    ),
    package=(top_k_filter,),
)


top_p = Exercise(
    top_p,
    shown="the smallest set whose mass reaches p stays, each token at its id, and it sums to 1.",
    hints=(
        "Start from the most probable token and add tokens until their mass reaches p. The last one added stays.",
        "Sort in descending order (stable=True). A token stays if the mass before it, cumsum - its own, is below p.",
        "Float sums are rounded (.4 + .3 + .2 may be .8999999999999999): compare with p - 1e-6. Write the kept ones "
        "back to their ids, divide by their sum.",
    ),
    probes=(
        Probe(
            "the token that crosses p is included",
            (torch.tensor([0.4, 0.25, 0.15, 0.12, 0.08]), 0.7),
            "0.4 + 0.25 is below p = 0.7, with 0.15 it is above: three tokens stay, renormalised.",
        ),
        Probe(
            "a mass of exactly p is enough",
            (torch.tensor([0.5, 0.25, 0.125, 0.125]), 0.75),
            "0.5 + 0.25 is p already: no third token.",
        ),
        Probe(
            "ids stay in place",
            (torch.tensor([0.125, 0.5, 0.125, 0.25]), 0.7),
            "Sort to find the set, then put each probability back at its token's id.",
        ),
        Probe(
            "the first token alone exceeds p",
            (torch.tensor([0.9, 0.06, 0.04]), 0.5),
            "At least one token stays: the most probable, with probability 1.",
        ),
        Probe("p = 1 cuts nothing", (torch.tensor([0.5, 0.3, 0.2]), 1.0), "With p = 1 all tokens stay."),
        Probe(
            "equal tokens: the lowest ids first",
            (torch.full((4,), 0.25), 0.5),
            "Two of the four equal tokens reach p: those with the lowest ids.",
        ),
        Probe(
            "a rounded sum in float32",
            (torch.tensor([0.45, 0.35, 0.1, 0.1]), 0.8),
            "In float32 .45 + .35 is a hair below .8: compare with p - 1e-6.",
        ),
        Probe(
            "a rounded sum in float64",
            (torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64), 0.9),
            "In float64 .4 + .3 + .2 is .8999999999999999: compare with p - 1e-6.",
        ),
        Probe(
            "all equal, many",
            (TWENTY_EQUAL, 0.12),
            "sort promises no order of equal tokens unless you say stable=True.",
        ),
    ),
    mistakes=(
        Mistake(lambda x, p: x, "nothing was cut. Set the tokens outside the set to 0."),
        Mistake(lambda x, p: x * _largest(x, _count(x, p)), "the kept tokens don't sum to 1: divide by their sum."),
        Mistake(
            lambda x, p: x.masked_fill(~_largest(x, _count(x, p)), -math.inf).softmax(-1),
            "you ran a softmax over probabilities. Kept probabilities need only a division by their sum.",
        ),
        Mistake(
            lambda x, p: _kept(x, _largest(x, max(1, _count(x, p) - 1))),
            "the token that crosses p is missing. Without it the mass stays below p: keep it.",
        ),
        Mistake(
            lambda x, p: _kept(x, x >= p),
            "you compared each probability with p. It is their running sum that must reach p.",
        ),
        Mistake(
            lambda x, p: _kept(x, x > 1 - p),
            "you kept single probabilities above 1 - p. It is their running sum that must reach p.",
        ),
        Mistake(lambda x, p: _kept(x, ~_largest(x, _count(x, p))), "you kept the tail and cut the likely tokens."),
        Mistake(
            lambda x, p: _kept(x, _largest(x, _count(x, p) + 1)),
            "you kept one token too many. The set ends with the token that crosses p.",
        ),
        Mistake(
            lambda x, p: _sorted(x)[: _count(x, p)] / _sorted(x)[: _count(x, p)].sum(),
            "you cut the tokens out. Return all V probabilities, 0 where cut: the place of a number is its token's id.",
        ),
        Mistake(
            lambda x, p: _kept(x, _largest(x, 1 + int((_sorted(x).cumsum(0) <= p).sum()))),
            "a mass of exactly p is enough: go on while the sum is below p, not while it is at most p.",
        ),
        Mistake(
            lambda x, p: _kept(x, x.cumsum(0) - x < p - 1e-6),
            "you went through the tokens in the order of their ids. Start from the most probable: sort.",
        ),
        Mistake(
            lambda x, p: _kept(_sorted(x), torch.arange(len(x)) < _count(x, p)),
            "the result is in sorted order. Put each probability back at its token's id.",
        ),
        Mistake(
            lambda x, p: _kept(x, x >= _sorted(x)[_count(x, p) - 1]),
            "you kept every token as probable as the last one: the set isn't the smallest. Count, don't threshold.",
        ),
        Mistake(
            lambda x, p: _kept(x, _largest(x.flip(0), _count(x, p)).flip(0)),
            "of equal tokens you kept the highest ids. Keep the lowest: sort(descending=True, stable=True).",
        ),
        Mistake(
            lambda x, p: _kept(x, _largest(x, _exact_count(x, p))),
            "a float sum fell a hair short of p, and one token too many stayed. Compare with p - 1e-6.",
        ),
    ),
    package=(top_p_filter,),
)
