"""Attention: each token takes a weighted mean of what it may look at."""

import math

import torch
from torch import tensor

from course_utils.exercises.core import Exercise, probes
from course_utils.transformer.attention import attention, attention_weights

LN3 = math.log(3)
ALL = torch.ones(2, 2, dtype=torch.bool)
CAUSAL = ALL.tril()
WAVES = torch.arange(48.0).sin().reshape(2, 2, 3, 4)  # two texts with two heads of three tokens, head size 4
WINDOW = torch.ones(3, 3, dtype=torch.bool).tril().triu(-1)  # each token and the one before it

text = lambda *rows: tensor(rows, dtype=torch.float32)[None, None]  # one text, one head: (1, 1, T, head)
texts = lambda *numbers: tensor(numbers, dtype=torch.float32).reshape(2, 2, 2, 1)  # two, two heads, two tokens

exercise = Exercise(
    attention,
    minutes=20,
    difficulty=3,
    shown="softmax(Q K^T / sqrt(head)) V, and no token looks where the mask is False.",
    hints=(
        "Three lines: scores of every query with every key, weights that sum to 1 in each row, a weighted mean of v.",
        "scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]) is (B, H, T, T); the softmax goes over dim=-1.",
        "Before the softmax: scores.masked_fill(~mask, -math.inf). After it: weights @ v.",
    ),
    probes=probes(
        ("equal scores give a mean", text([0, 0], [0, 0]), text([1, 2], [3, 4]), text([1, 0], [3, 4]), ALL),
        "All scores are 0, so each token looks at both equally: the mean of the rows of v.",
        ("the softmax goes over the keys", text([0], [1]), text([LN3], [0]), text([0], [4]), ALL),
        "The second token's weights are softmax([1.099, 0]) = [.75, .25]: its answer is 1.",
        ("divided by sqrt(head)", text([1] * 4, [0] * 4), text([LN3 / 2] * 4, [0] * 4), text([4] * 4, [0] * 4), ALL),
        "The head size is 4: divide the scores by 2 before the softmax.",
        ("no token looks where the mask is False", text([1], [1]), text([0], [LN3]), text([4], [8]), CAUSAL),
        "Put -inf where the mask is False, before the softmax: the first token sees only itself.",
        ("large scores", text([1000], [1000]), text([-1], [1]), text([4], [8]), CAUSAL),
        "Scores of 1000 and -1000 must not overflow: use torch.softmax, and -inf for what is hidden.",
        ("texts and heads", texts(*[0, 1, 0, 2] * 2), texts(0, 1, 1, 0, 2, 0, 0, 2), texts(*range(1, 9)), CAUSAL),
        "Only the last two dimensions, tokens and head, take part in the products.",
    ),
    hidden=probes(
        ("other sizes, another mask", WAVES, WAVES.flip(2), WAVES.flip(0), WINDOW),
        "Take the head size from q, and what is hidden from mask.",
    ),
    package=(attention_weights,),
)

scores = lambda q, k: q @ k.mT / math.sqrt(q.shape[-1])  # (B, H, T, T)
shares = lambda weights: weights / weights.sum(-1, keepdim=True)

exercise.add_mistakes(
    "the softmax is missing: weights must sum to 1 in each row.",
    lambda q, k, v, mask: scores(q, k) @ v,
    "these are the weights. Multiply them by v: weights @ v.",
    lambda q, k, v, mask: attention_weights(q, k, mask),
    "this softmax goes over all scores at once. Each row sums to 1: dim=-1.",
    lambda q, k, v, mask: scores(q, k).flatten(-2).softmax(-1).view_as(scores(q, k)) @ v,
    "you divided by sqrt(head) after the softmax. Divide the scores.",
    lambda q, k, v, mask: attention(q, k, v, mask) / math.sqrt(q.shape[-1]),
    "the softmax goes over the queries. Each row must sum to 1: dim=-1, the keys.",
    lambda q, k, v, mask: scores(q, k).softmax(-2) @ v,
    "queries and keys are swapped: q @ k^T, queries in the rows.",
    lambda q, k, v, mask: attention(k, q, v, mask),
    "the softmax goes over the texts of the batch. Each row must sum to 1: dim=-1.",
    lambda q, k, v, mask: scores(q, k).softmax(0) @ v,
    "1 / sqrt(head) is missing: divide the scores by sqrt(q.shape[-1]).",
    lambda q, k, v, mask: attention(q * math.sqrt(q.shape[-1]), k, v, mask),
    "you divided by the head size. Divide by its root.",
    lambda q, k, v, mask: attention(q / math.sqrt(q.shape[-1]), k, v, mask),
    "you multiplied by sqrt(head). Divide by it.",
    lambda q, k, v, mask: attention(q * q.shape[-1], k, v, mask),
    "you divided by the root of the number of tokens. The head size is the last dimension.",
    lambda q, k, v, mask: attention(q * math.sqrt(q.shape[-1] / q.shape[-2]), k, v, mask),
    "the mask has no effect: tokens look at the future.",
    lambda q, k, v, mask: attention(q, k, v),
    "the mask is upside down. True means may look: fill where it is False, ~mask.",
    lambda q, k, v, mask: attention(q, k, v, ~mask),
    "a score of 0 isn't hidden: exp(0) is 1. Fill with -inf.",
    lambda q, k, v, mask: (scores(q, k) * mask).softmax(-1) @ v,
    "the mask comes after the softmax, so rows no longer sum to 1. Mask the scores, with -inf.",
    lambda q, k, v, mask: attention_weights(q, k) * mask @ v,
    "you added the mask: True counts as 1. Fill with -inf where it is False.",
    lambda q, k, v, mask: (scores(q, k) + mask).softmax(-1) @ v,
    "-inf after the softmax isn't a weight of 0. Mask the scores, then softmax.",
    lambda q, k, v, mask: attention_weights(q, k).masked_fill(~mask, -math.inf) @ v,
    "exp overflowed. Use torch.softmax, which subtracts the largest score first.",
    lambda q, k, v, mask: shares(scores(q, k).exp() * mask) @ v,
    "your negative number isn't low enough for large scores. Fill with -inf.",
    lambda q, k, v, mask: scores(q, k).masked_fill(~mask, -100).softmax(-1) @ v,
)
