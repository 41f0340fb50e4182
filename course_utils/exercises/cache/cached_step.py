"""One step of one head with a cache: the new token looks at all before it, and at itself."""

import math

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def cached_step(q: Tensor, k: Tensor, v: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return what one head makes of a new token, and the cache with the token's key and value as its last rows.

    Args:
        q, k, v: query, key and value of the new token, (d,).
        keys, values: those of the n tokens before it, (n, d), oldest first; n may be 0.

    Returns:
        softmax(q K^T / sqrt(d)) V over all n + 1 tokens, (d,); keys and values (n + 1, d).

    Source of the bug that the first probe finds: harvard-edge/cs249r_book, pull request 1953 (2026).
    """
    keys, values = torch.cat([keys, k[None]]), torch.cat([values, v[None]])  # (n + 1, d)
    weights = (keys @ q / math.sqrt(len(q))).softmax(dim=0)  # (n + 1,)
    return weights @ values, keys, values


LN3 = math.log(3)
WAVES = torch.arange(48.0).sin()
NOTHING = torch.empty(0, 2)
row = lambda *numbers: tensor(numbers, dtype=torch.float32)
rows = lambda *numbers: tensor(numbers, dtype=torch.float32).view(-1, 2)

exercise = Exercise(
    cached_step,
    minutes=15,
    difficulty=2,
    shown="append key and value, then attend: one new row of scores is all that a step computes.",
    hints=(
        "First the cache: k becomes one more row of keys, v one more row of values. Then attend, over all rows.",
        "k[None] makes a row (1, d) of k (d,), and torch.cat([keys, k[None]]) a new tensor with n + 1 rows.",
        "Scores: keys @ q / math.sqrt(len(q)). Their softmax, times the values, is the output (d,).",
    ),
    probes=probes(
        ("the first token of a text", row(1, 0), row(3, 1), row(4, 2), NOTHING, NOTHING),
        "Nothing came before, so the token sees itself alone: its own value comes out, and the cache has one row.",
        ("three equal scores", row(0, 0), row(5, 6), row(9, 0), rows(1, 2, 3, 4), rows(0, 3, 3, 0)),
        "With equal scores the output is the mean of three values, its own among them: [4, 1]. The new row comes last.",
        ("four numbers a head", torch.ones(4), LN3 / 2 * torch.ones(4), 8 * torch.ones(4), *torch.zeros(2, 1, 4)),
        "The scores are 0 and 2 ln 3 / sqrt(4) = ln 3, the weights .25 and .75: 6 comes out.",
        ("large scores", row(100, 0), row(-20, 0), row(1, 5), rows(20, 0), rows(7, 7)),
        "Scores of 1414 and -1414 must not overflow: use torch's softmax.",
    ),
    hidden=probes(
        ("five tokens before it, three numbers a head", *WAVES[:9].view(3, 3), *WAVES[9:39].view(2, 5, 3)),
        "Take n and d from the shapes.",
    ),
)


def variant(scale=math.sqrt, weigh=lambda scores: scores.softmax(0), see=lambda rows: rows, join=None):
    """Return an answer that does one step in another way."""

    def answer(q, k, v, keys, values):
        joined = [(join or torch.cat)([old, new[None]]) for old, new in ((keys, k), (values, v))]
        seen_keys, seen_values = map(see, joined)
        return weigh(seen_keys @ q / scale(len(q))) @ seen_values, *joined

    return answer


exercise.add_mistakes(
    "the new token doesn't look at itself. Append its key and value first, then attend.",
    variant(see=lambda rows: rows[:-1]),
    "the new token sees only itself: the scores go over all keys, q @ keys.T, not q times k alone.",
    variant(see=lambda rows: rows[-1:]),
    "the new key and value come first in your cache. Append them at the end: the cache is in the text's order.",
    variant(join=lambda pair: torch.cat(pair[::-1])),
    "your cache has become one long row. Join rows: torch.cat([keys, k[None]]).",
    variant(join=lambda pair: torch.cat([part.flatten() for part in pair]), see=lambda row: row.view(-1, 2)),
    "the cache that you return lacks the new value: append v to values as well.",
    lambda q, k, v, keys, values: (*cached_step(q, k, v, keys, values)[:2], values),
    "the cache that you return lacks the new key and value. Without them the next step doesn't see this token.",
    lambda q, k, v, keys, values: (cached_step(q, k, v, keys, values)[0], keys, values),
    "the softmax is missing: the weights must sum to 1.",
    variant(weigh=lambda scores: scores),
    "1 / sqrt(d) is missing: divide the scores by math.sqrt(len(q)).",
    variant(scale=lambda d: 1),
    "you divided by d. Divide by its root.",
    variant(scale=lambda d: d),
    "you divided by the root of the number of tokens. It is the root of d, the length of q.",
    lambda q, k, v, keys, values: variant(scale=lambda d: math.sqrt(len(keys) + 1))(q, k, v, keys, values),
    "keys and values are swapped: scores come from keys, the output from values.",
    lambda q, k, v, keys, values: tuple(cached_step(q, v, k, values, keys)[i] for i in (0, 2, 1)),
    "exp overflowed. Use torch.softmax, which subtracts the largest score first.",
    variant(weigh=lambda scores: scores.exp() / scores.exp().sum()),
)
