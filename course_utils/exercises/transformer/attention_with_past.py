"""Attention of a few new tokens over all tokens so far, with grouped queries."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes
from course_utils.transformer.attention import attention, attention_weights, causal_mask


def attention_with_past(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Let the last T of S tokens look at themselves and back; each key head serves several query heads."""
    new, total = q.shape[2], k.shape[2]
    group = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)  # (B, n_h, S, d_k)
    return attention(q, k, v, causal_mask(new, past=total - new))


LN3 = math.log(3)
WAVES = torch.arange(480.0).sin()
text = lambda *rows: tensor(rows, dtype=torch.float32)[None, None]  # one text, one head: (1, 1, T, d_k)
heads = lambda *numbers: tensor(numbers, dtype=torch.float32)[None, :, None, None]  # one token in each head

exercise = Exercise(
    attention_with_past,
    minutes=25,
    difficulty=3,
    shown="T new tokens look back over S keys, the triangle ends at the lower right, and key heads are shared.",
    hints=(
        "The T new tokens are the last T of the S tokens. Draw the mask for T = 2 and S = 3: which corner is empty?",
        "torch.ones(T, S, dtype=torch.bool).tril(S - T) is that mask; then k.repeat_interleave(n_h // n_kv, dim=1).",
        "Then as in the notebook: q @ k.mT / sqrt(d_k), masked_fill(~mask, -inf), softmax over dim=-1, times v.",
    ),
    probes=probes(
        ("one new token may look at everything", text([0]), text([5], [6], [7]), text([1], [3], [8])),
        "A single new token is the last of the text: it may look at all three, and with equal scores takes their mean.",
        ("the scores are divided by sqrt(d_k)", text([1] * 4), text([LN3 / 2] * 4, [0] * 4), text([4] * 4, [0] * 4)),
        "The weights are softmax([1.099, 0]) = [.75, .25]: the softmax goes over the keys, after dividing by sqrt(4).",
        ("nobody looks ahead", text([1], [1]), text([0], [LN3]), text([4], [8])),
        "The first of two tokens sees only itself: 4. The second sees both: .25 * 4 + .75 * 8 = 7.",
        ("two new tokens after an old one", text([0], [0]), text([5], [6], [7]), text([0], [3], [9])),
        "The first new token is the second of the text: it sees two values, the next one sees three.",
        ("four query heads, two key heads", heads(0, 0, 0, 0), heads(1, 1), heads(1, 2)),
        "Query heads 0 and 1 share key head 0, query heads 2 and 3 share key head 1.",
        ("large scores", text([1000], [1000]), text([-1], [1]), text([4], [8])),
        "Scores of 1000 and -1000 must not overflow: use torch.softmax, and -inf for what is hidden.",
    ),
    hidden=probes(
        (
            "two texts, six query heads, three key heads",
            WAVES[:240].reshape(2, 6, 5, 4),
            WAVES[:168].reshape(2, 3, 7, 4),
            WAVES[168:336].reshape(2, 3, 7, 4),
        ),
        "Take B, n_h, n_kv, T, S and d_k from the shapes.",
    ),
    package=(attention, attention_weights, causal_mask),
)


def variant(mask=lambda T, S: causal_mask(T, S - T), scale=None, hide=None, share=None, weigh=lambda s: s.softmax(-1)):
    """Return an answer that does one step in another way."""

    def answer(q, k, v):
        k, v = (x.repeat(1, q.shape[1] // x.shape[1], 1, 1) if share else _repeat(x, q) for x in (k, v))
        scores = q @ k.mT / (scale(q) if scale else math.sqrt(q.shape[-1]))
        may = mask(q.shape[2], k.shape[2])
        return weigh(hide(scores, may) if hide else scores.masked_fill(~may, -math.inf)) @ v

    return answer


_repeat = lambda x, q: x.repeat_interleave(q.shape[1] // x.shape[1], dim=1)
everything = lambda T, S: torch.ones(T, S, dtype=torch.bool)

exercise.add_mistakes(
    "your triangle starts at the upper left, as that of torch's is_causal=True does. It must end at the lower right: "
    "the last query is the last token.",
    lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True),
    "you left out the tokens before the new ones. They are in k and v: look at all of them.",
    lambda q, k, v: attention_with_past(q, k[:, :, -q.shape[2] :], v[:, :, -q.shape[2] :]),
    "0 times -inf is NaN. Don't multiply by the mask: scores.masked_fill(~mask, -math.inf).",
    variant(hide=lambda scores, may: scores * may + (~may) * -math.inf),
    "the softmax goes over the queries. Each row must sum to 1: dim=-1, the keys.",
    variant(weigh=lambda scores: scores.softmax(-2)),
    "the softmax is missing: weights must sum to 1 in each row.",
    variant(hide=lambda scores, may: scores * may, weigh=lambda scores: scores),
    "1 / sqrt(d_k) is missing: divide the scores by sqrt(q.shape[-1]).",
    variant(scale=lambda q: 1.0),
    "you divided by the head size. Divide by its root.",
    variant(scale=lambda q: q.shape[-1]),
    "your tokens look at the future: there is no mask.",
    variant(mask=everything),
    "the mask is upside down. True means may look: fill where it is False, ~mask.",
    variant(mask=lambda T, S: ~causal_mask(T, S - T) | (S == 1) | (T == 1)),
    "a score of 0 isn't hidden: exp(0) is 1. Fill with -inf.",
    variant(hide=lambda scores, may: scores * may),
    "the mask comes after the softmax, so rows no longer sum to 1. Mask the scores, with -inf.",
    variant(mask=everything, weigh=lambda s: s.softmax(-1) * causal_mask(s.shape[2], s.shape[3] - s.shape[2])),
    "each token looks at the keys before it, but not at itself: tril(S - T), not one less.",
    variant(mask=lambda T, S: everything(T, S).tril(S - T - (T > 1)) | (everything(T, S).cumsum(-1) == 1)),
    "the heads are shared in the wrong order: repeat gives 0 1 0 1, repeat_interleave gives 0 0 1 1.",
    variant(share="tiled"),
    "all queries use the first key head. Each key head serves its own group of query heads.",
    lambda q, k, v: attention_with_past(q, k[:, :1], v[:, :1]),
    "your negative number isn't low enough for large scores. Fill with -inf.",
    variant(hide=lambda scores, may: scores.masked_fill(~may, -100)),
    "exp overflowed. Use torch.softmax, which subtracts the largest score first.",
    variant(weigh=lambda s: s.exp() / s.exp().sum(-1, keepdim=True)),
)
