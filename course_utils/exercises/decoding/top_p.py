"""Top-p: in each row of a batch, the smallest set of tokens whose mass reaches p stays."""

import torch
from torch import Tensor, tensor

from course_utils.decoding import top_p_filter
from course_utils.exercises.core import Exercise, probes
from course_utils.exercises.decoding.top_k import keep, ranked


def top_p(probs: Tensor, p: float) -> Tensor:
    """Keep in each row of probs (..., V) the smallest set of mass at least p; return all V of it, renormalised."""
    # the package works on logits: a log makes them, a softmax renormalises what is left
    return top_p_filter(probs.log(), p).softmax(dim=-1)


exercise = Exercise(
    top_p,
    minutes=20,
    difficulty=3,
    shown="in each row the smallest set whose mass reaches p stays, each token at its id, and it sums to 1.",
    hints=(
        "Start from the most probable token and add tokens until their mass reaches p. The last one added stays.",
        "Sort in descending order (stable=True). A token stays if the mass before it, cumsum - its own, is below p.",
        "In a batch, set the values that don't stay to 0, and write all back to their ids: "
        "torch.zeros_like(probs).scatter(-1, ids, values). Divide by the sum of each row.",
    ),
    probes=probes(
        ("the token that crosses p is included", tensor([0.4, 0.25, 0.15, 0.12, 0.08]), 0.7),
        "0.4 + 0.25 is below p = 0.7, with 0.15 it is above: three tokens stay, renormalised.",
        ("a mass of exactly p is enough", tensor([0.5, 0.25, 0.125, 0.125]), 0.75),
        "0.5 + 0.25 is p already: no third token.",
        ("ids stay in place", tensor([0.125, 0.5, 0.125, 0.25]), 0.7),
        "Sort to find the set, then put each probability back at its token's id.",
        ("the first token alone exceeds p", tensor([0.9, 0.06, 0.04]), 0.5),
        "At least one token stays: the most probable, with probability 1.",
        ("p = 1 cuts nothing", tensor([0.5, 0.3, 0.2]), 1.0),
        "With p = 1 all tokens stay.",
        ("equal tokens: the lowest ids first", torch.full((4,), 0.25), 0.5),
        "Two of the four equal tokens reach p: those with the lowest ids.",
        ("two rows, each with its own set", tensor([[0.1, 0.2, 0.7], [0.4, 0.35, 0.25]]), 0.65),
        "One token stays in the first row, two in the second: sort, add up and scatter along dim=-1.",
    ),
    hidden=probes(
        ("four of six", tensor([0.07, 0.3, 0.11, 0.22, 0.13, 0.17]), 0.75),
        "Go on until p is reached.",
        ("2 x 2 rows", tensor([[[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]], [[0.05, 0.9, 0.05], [0.34, 0.33, 0.33]]]), 0.75),
        "Any number of dimensions may stand before the vocabulary: dim=-1.",
    ),
    package=(top_p_filter,),
)

# how many tokens, the most probable first, reach the mass p
needed = lambda probs, p: 1 + int((probs[ranked(probs)].cumsum(0) < p - 1e-6).sum())


def in_rows(probs, p, by_row=True):
    """What a student has before the division by the sums."""
    values, ids = probs.sort(dim=-1, descending=True, stable=True)
    stay = values.cumsum(-1) - values < p - 1e-6
    stay = stay if by_row or stay.dim() == 1 else stay[:1]  # the first row's for all
    return torch.zeros_like(probs).scatter(-1, ids, values * stay)


shares = lambda weights: weights / weights.sum(-1, keepdim=True)

exercise.add_mistakes(
    "nothing was cut. Set the tokens outside the set to 0.",
    lambda probs, p: probs,
    "the kept tokens don't sum to 1: divide by their sum.",
    lambda probs, p: probs * (keep(probs, ranked(probs)[: needed(probs, p)]) > 0),
    "you ran a softmax over probabilities. Kept probabilities need only a division by their sum.",
    lambda probs, p: torch.where(keep(probs, ranked(probs)[: needed(probs, p)]) > 0, probs, -torch.inf).softmax(-1),
    "the token that crosses p is missing. Without it the mass stays below p: keep it.",
    lambda probs, p: keep(probs, ranked(probs)[: max(1, needed(probs, p) - 1)]),
    "you compared each probability with p. It is their running sum that must reach p.",
    lambda probs, p: probs * (probs >= p) / (probs * (probs >= p)).sum(),
    "you kept single probabilities above 1 - p. It is their running sum that must reach p.",
    lambda probs, p: probs * (probs >= 1 - p) / (probs * (probs >= 1 - p)).sum(),
    "you kept the tail and cut the likely tokens.",
    lambda probs, p: keep(probs, ranked(probs)[needed(probs, p) :]),
    "you kept one token too many. The set ends with the token that crosses p.",
    lambda probs, p: keep(probs, ranked(probs)[: needed(probs, p) + 1]),
    "you cut the tokens out. Return all V probabilities, 0 where cut: the place of a number is its token's id.",
    lambda probs, p: keep(probs[ranked(probs)], torch.arange(needed(probs, p)))[: needed(probs, p)],
    "a mass of exactly p is enough: go on while the sum is below p, not while it is at most p.",
    lambda probs, p: keep(probs, ranked(probs)[: 1 + int((probs[ranked(probs)].cumsum(0) <= p).sum())]),
    "you went through the tokens in the order of their ids. Start from the most probable: sort.",
    lambda probs, p: keep(probs, (probs.cumsum(0) - probs < p - 1e-6).nonzero()[:, 0]),
    "the result is in sorted order. Put each probability back at its token's id.",
    lambda probs, p: keep(probs[ranked(probs)], torch.arange(needed(probs, p))),
    "you kept every token as probable as the last one: the set isn't the smallest. Count, don't threshold.",
    lambda probs, p: keep(probs, (probs >= probs[ranked(probs)][needed(probs, p) - 1]).nonzero()[:, 0]),
    "of equal tokens you kept the highest ids. Keep the lowest: sort(descending=True, stable=True).",
    lambda probs, p: keep(probs, probs.argsort(stable=True).flip(0)[: needed(probs, p)]),
    "each row has its own number of survivors: you cut all rows after as many tokens as the first.",
    lambda probs, p: shares(in_rows(probs, p, by_row=False)),
    "the batch was divided by one sum. Each row sums to 1: .sum(dim=-1, keepdim=True).",
    lambda probs, p: (kept := in_rows(probs, p)) / kept.sum(),
    "you went on adding from row to row. Each row has a mass of its own: cumsum(dim=-1).",
    lambda probs, p: keep(probs.flatten(), ranked(probs.flatten())[: needed(probs.flatten(), p)]).view_as(probs),
)
