"""Exercises of notebook 03: the causal mask and attention."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.exercises.core import Exercise, Mistake, Probe
from course_utils.transformer.attention import attention as package_attention
from course_utils.transformer.attention import attention_weights
from course_utils.transformer.attention import causal_mask as package_causal_mask


def _all(length: int) -> Tensor:
    return torch.ones(length, length, dtype=torch.bool)


causal_mask = Exercise(
    package_causal_mask,
    shown="token t may look at 0 .. t: a lower triangle of True, the diagonal included.",
    hints=(
        "Row t says where token t may look: at itself and at what came before. What does row 0 look like?",
        "torch.ones(length, length, dtype=torch.bool) lets everyone look everywhere. Cut a triangle out of it.",
        "tril keeps the lower triangle and the diagonal.",
    ),
    probes=(
        Probe("three tokens", (3,), "Row 0 is True, False, False; each row lets one more token be seen."),
        Probe("one token", (1,), "A single token looks at itself: shape (1, 1), True."),
        Probe("five tokens", (5,), "Every token before is visible, however far back."),
    ),
    mistakes=(
        Mistake(lambda n: _all(n).triu(), "upside down: your tokens look at the future. Rows look, columns are seen."),
        Mistake(lambda n: ~_all(n).tril(), "inverted: True means may look, not hidden."),
        Mistake(lambda n: _all(n).tril(-1), "the diagonal is False: a token may look at itself."),
        Mistake(
            lambda n: _all(n).tril(1), "each token also sees the next one: tril without an argument stops in time."
        ),
        Mistake(_all, "everyone looks everywhere: cut off the future."),
        Mistake(lambda n: torch.eye(n, dtype=torch.bool), "a token may look at earlier ones too, not only at itself."),
        Mistake(
            lambda n: torch.ones(n, n).tril(),
            "these are numbers. Return True and False: dtype=torch.bool, or a comparison.",
        ),
        Mistake(
            lambda n: torch.ones(n, n, dtype=torch.int64).tril(),
            "these are numbers. Return True and False: dtype=torch.bool, or a comparison.",
        ),
        Mistake(
            lambda n: torch.zeros(n, n).masked_fill(~_all(n).tril(), -math.inf),
            "this is the mask that is added to scores. Return the bool one: True where a token may look.",
        ),
        Mistake(lambda n: _all(n).tril()[None], "there is one dimension too many: return (T, T)."),
        Mistake(lambda n: _all(n).tril()[None, None], "there are two dimensions too many: return (T, T)."),
        Mistake(lambda n: torch.ones(3, 3, dtype=torch.bool).tril(), "the size is always 3: use the argument length."),
        Mistake(
            lambda n: _all(n).tril() & _all(n).triu(-2),
            "a token sees only the two before it. It may look at all of them.",
        ),
    ),
)


def _scores(q: Tensor, k: Tensor) -> Tensor:
    return q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, H, T, T)


def _hide(scores: Tensor, mask: Tensor, value: float = -math.inf) -> Tensor:
    return scores.masked_fill(~mask, value)


def _scaled(scale: Callable[[Tensor], float]) -> Callable:
    """Return an attention whose scores have another factor than 1 / sqrt(head)."""
    return lambda q, k, v, m: _hide(q @ k.transpose(-2, -1) * scale(q), m).softmax(-1) @ v


def _rows(*rows: list[float]) -> Tensor:
    """Return the vectors of one text with one head: (1, 1, T, head)."""
    return torch.tensor(rows, dtype=torch.float32)[None, None]


def _batch(*numbers: float) -> Tensor:
    """Return two texts with two heads of two tokens, head size 1: (2, 2, 2, 1)."""
    return torch.tensor(numbers, dtype=torch.float32).reshape(2, 2, 2, 1)


CAUSAL = _all(2).tril()
LN3 = math.log(3)

attention = Exercise(
    package_attention,
    shown="softmax(Q K^T / sqrt(head)) V, and no token looks where the mask is False.",
    hints=(
        "Three lines: scores of every query with every key, weights that sum to 1 in each row, a weighted mean of v.",
        "scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]) is (B, H, T, T); the softmax goes over dim=-1.",
        "Before the softmax: scores.masked_fill(~mask, -math.inf). After it: weights @ v.",
    ),
    probes=(
        Probe(
            "equal scores give the mean of the values",
            (_rows([0, 0], [0, 0]), _rows([1, 2], [3, 4]), _rows([1, 0], [3, 4]), _all(2)),
            "All scores are 0, so each token looks at both equally: the mean of the rows of v.",
        ),
        Probe(
            "the softmax goes over the keys",
            (_rows([0], [1]), _rows([LN3], [0]), _rows([0], [4]), _all(2)),
            "The second token's weights are softmax([1.099, 0]) = [.75, .25]: its answer is 1.",
        ),
        Probe(
            "scores are divided by sqrt(head)",
            (_rows([1, 1, 1, 1], [0, 0, 0, 0]), _rows([LN3 / 2] * 4, [0] * 4), _rows([4] * 4, [0] * 4), _all(2)),
            "The head size is 4: divide the scores by 2 before the softmax.",
        ),
        Probe(
            "no token looks where the mask is False",
            (_rows([1], [1]), _rows([0], [LN3]), _rows([4], [8]), CAUSAL),
            "Put -inf where the mask is False, before the softmax: the first token sees only itself.",
        ),
        Probe(
            "large scores",
            (_rows([1000], [1000]), _rows([-1], [1]), _rows([4], [8]), CAUSAL),
            "Scores of 1000 and -1000 must not overflow: use torch.softmax, and -inf for what is hidden.",
        ),
        Probe(
            "texts and heads stay apart",
            (_batch(0, 1, 0, 2, 0, 1, 0, 2), _batch(0, 1, 1, 0, 2, 0, 0, 2), _batch(1, 2, 3, 4, 5, 6, 7, 8), CAUSAL),
            "Only the last two dimensions, tokens and head, take part in the products.",
        ),
    ),
    mistakes=(
        Mistake(lambda q, k, v, m: _scores(q, k) @ v, "the softmax is missing: weights must sum to 1 in each row."),
        Mistake(
            lambda q, k, v, m: _hide(_scores(q, k), m).softmax(-1),
            "these are the weights. Multiply them by v: weights @ v.",
        ),
        Mistake(
            lambda q, k, v, m: _scores(q, k).flatten(-2).softmax(-1).view_as(_scores(q, k)) @ v,
            "this softmax goes over all scores at once. Each row sums to 1: dim=-1.",
        ),
        Mistake(
            lambda q, k, v, m: _hide(_scores(q, k), m).softmax(-1) @ v / math.sqrt(q.shape[-1]),
            "you divided by sqrt(head) after the softmax. Divide the scores.",
        ),
        Mistake(
            lambda q, k, v, m: _scores(q, k).softmax(-2) @ v,
            "the softmax goes over the queries. Each row must sum to 1: dim=-1, the keys.",
        ),
        Mistake(
            lambda q, k, v, m: _scores(k, q).softmax(-1) @ v,
            "queries and keys are swapped: q @ k^T, queries in the rows.",
        ),
        Mistake(
            lambda q, k, v, m: (_scores(q, k).softmax(0)) @ v,
            "the softmax goes over the texts of the batch. Each row must sum to 1: dim=-1.",
        ),
        Mistake(_scaled(lambda q: 1.0), "1 / sqrt(head) is missing: divide the scores by sqrt(q.shape[-1])."),
        Mistake(_scaled(lambda q: 1 / q.shape[-1]), "you divided by the head size. Divide by its root."),
        Mistake(_scaled(lambda q: math.sqrt(q.shape[-1])), "you multiplied by sqrt(head). Divide by it."),
        Mistake(
            _scaled(lambda q: 1 / math.sqrt(q.shape[-2])),
            "you divided by the root of the number of tokens. The head size is the last dimension.",
        ),
        Mistake(lambda q, k, v, m: _scores(q, k).softmax(-1) @ v, "the mask has no effect: tokens look at the future."),
        Mistake(
            lambda q, k, v, m: _hide(_scores(q, k), ~m).softmax(-1) @ v,
            "the mask is upside down. True means may look: fill where it is False, ~mask.",
        ),
        Mistake(
            lambda q, k, v, m: _hide(_scores(q, k), m, 0).softmax(-1) @ v,
            "a score of 0 isn't hidden: exp(0) is 1. Fill with -inf.",
        ),
        Mistake(
            lambda q, k, v, m: (_scores(q, k).softmax(-1) * m) @ v,
            "the mask comes after the softmax, so rows no longer sum to 1. Mask the scores, with -inf.",
        ),
        Mistake(
            lambda q, k, v, m: (_scores(q, k) + m).softmax(-1) @ v,
            "you added the mask: True counts as 1. Fill with -inf where it is False.",
        ),
        Mistake(
            lambda q, k, v, m: _hide(_scores(q, k).softmax(-1), m) @ v,
            "-inf after the softmax isn't a weight of 0. Mask the scores, then softmax.",
        ),
        Mistake(
            lambda q, k, v, m: _hide(_scores(q, k), m).exp() / _hide(_scores(q, k), m).exp().sum(-1, keepdim=True) @ v,
            "exp overflowed. Use torch.softmax, which subtracts the largest score first.",
        ),
        Mistake(
            lambda q, k, v, m: _hide(_scores(q, k), m, -100).softmax(-1) @ v,
            "your negative number isn't low enough for large scores. Fill with -inf.",
        ),
    ),
    package=(attention_weights,),
)
