"""A whole transformer block from its parts: one head, no rotation."""

import torch
import torch.nn.functional as F
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes
from course_utils.transformer.attention import attention, attention_weights, causal_mask
from course_utils.transformer.norm import rms_norm


def block(x: Tensor, weights: dict[str, Tensor], eps: float) -> Tensor:
    """Map x (T, d) to (T, d): x + attention(norm(x)), then x + feed_forward(norm(x))."""
    h = rms_norm(x, weights["attention_norm"], eps)  # (T, d)
    q, k, v = (h @ weights[name].T for name in ("q", "k", "v"))  # (T, d) each
    x = x + attention(q, k, v, causal_mask(len(x))) @ weights["o"].T  # (T, d)
    h = rms_norm(x, weights["feed_forward_norm"], eps)  # (T, d)
    inner = F.silu(h @ weights["gate"].T) * (h @ weights["up"].T)  # (T, d_ff)
    return x + inner @ weights["down"].T  # (T, d)


def parts(**chosen):
    """Return the weights of a block of width 2: those chosen, zero matrices and gains of 1 for the rest."""
    zeros = dict.fromkeys(("q", "k", "v", "o", "gate", "up", "down"), torch.zeros(2, 2))
    ones = dict.fromkeys(("attention_norm", "feed_forward_norm"), torch.ones(2))
    return ones | zeros | {name: tensor(value, dtype=torch.float32) for name, value in chosen.items()}


ONE, TWO = tensor([[3.0, 4.0]]), tensor([[3.0, 4.0], [-4.0, 3.0]])
SAME, TURN = [[1, 0], [0, 1]], [[0, 1], [-1, 0]]  # the identity, a quarter turn
wave = lambda *shape: torch.arange(float(torch.Size(shape).numel())).mul(1.7).sin().reshape(shape)
SQUARE = {name: wave(4, 4) * scale for name, scale in (("q", 1.0), ("k", -1.0), ("v", 0.5), ("o", 2.0))}
BIG = SQUARE | {"gate": wave(6, 4), "up": wave(6, 4).flip(1), "down": wave(4, 6)}
BIG |= {"attention_norm": wave(4) + 1, "feed_forward_norm": wave(4) + 2}

exercise = Exercise(
    block,
    minutes=25,
    difficulty=2,
    shown="norm, attention, add; norm, feed-forward, add: a block that leaves the stream in place and adds to it.",
    hints=(
        "Two halves of one form: x = x + something(rms_norm(x, gain, eps)). Write the attention half first.",
        "A matrix is [out, in], as nn.Linear stores it: h @ weights['q'].T. transformer.attention takes q, k, v, mask.",
        "The second half is x + (F.silu(h @ gate.T) * (h @ up.T)) @ down.T, with h the norm of the new x.",
    ),
    probes=probes(
        ("all matrices are zero", ONE, parts(), 1e-6),
        "Nothing is added, so x comes out as it went in: that is the residual connection.",
        ("attention alone, one token", ONE, parts(v=SAME, o=SAME), 1e-6),
        "The token sees only itself: x + rms_norm(x) = [3.849, 5.131].",
        ("v and o turn", ONE, parts(v=TURN, o=[[2, 0], [0, 1]]), 1e-6),
        "Matrices are [out, in]: v = h @ weights['v'].T, and o comes after the weighted mean.",
        ("two tokens, equal scores", TWO, parts(v=SAME, o=SAME), 1e-6),
        "The first token sees only itself, the second the mean of both.",
        ("queries and keys", TWO, parts(q=TURN, k=SAME, v=SAME, o=SAME), 1e-6),
        "The scores are q @ k.T / sqrt(2): here the second token sees the first more than itself.",
        ("feed-forward alone", tensor([[3.0, -4.0]]), parts(gate=SAME, up=SAME, down=SAME), 1e-6),
        "h = rms_norm(x); add down(silu(gate(h)) * up(h)) to x.",
        ("gate and up differ", ONE, parts(gate=TURN, up=SAME, down=[[1, 0], [2, 1]]), 1e-6),
        "silu belongs to the gate, and each matrix is [out, in].",
        ("two gains", ONE, parts(v=SAME, o=SAME, attention_norm=[2, 1], gate=SAME, up=SAME, down=SAME), 1e-6),
        "Each half has a norm with a gain of its own, and the second half reads what the first has written.",
    ),
    hidden=probes(
        ("wider, four tokens", wave(4, 4), BIG, 0.1), "Take all widths from the shapes, and eps from the argument."
    ),
    package=(rms_norm, attention, attention_weights, causal_mask),
)

linear = lambda h, w: h @ w.T
full = lambda x: torch.ones(len(x), len(x), dtype=torch.bool)


def attend(x, w, eps, mask=None, linear=linear, o=True):
    h = rms_norm(x, w["attention_norm"], eps)
    q, k, v = (linear(h, w[name]) for name in "qkv")
    mixed = attention(q, k, v, causal_mask(len(x)) if mask is None else mask)
    return linear(mixed, w["o"]) if o else mixed


def think(x, w, eps, linear=linear, act=F.silu, gain="feed_forward_norm", gate="gate", up="up", join=torch.mul):
    h = rms_norm(x, w[gain], eps)
    return linear(join(act(linear(h, w[gate])), linear(h, w[up])), w["down"])


def then(first, second):
    """Return an answer that does the two halves in turn: each maps x, weights, eps to the new x."""
    return lambda x, w, eps: second(first(x, w, eps), w, eps)


attention_half = lambda x, w, eps: x + attend(x, w, eps)
thinking_half = lambda x, w, eps: x + think(x, w, eps)
bare = lambda w: w | {name: torch.ones_like(w[name]) for name in ("attention_norm", "feed_forward_norm")}

exercise.add_mistakes(
    "nothing of x is left: add the result of each half to what went in.",
    then(attend, think),
    "the stream itself comes out normed. Norm only what each half reads, and add the result to x as it is.",
    lambda x, w, eps: rms_norm(
        attention_half(rms_norm(x, w["attention_norm"], eps), w, eps), torch.ones(x.shape[1]), 0
    ),
    "the stream itself comes out normed. Norm only what each half reads, and add the result to x as it is.",
    lambda x, w, eps: rms_norm(thinking_half(attention_half(x, w, eps), w, eps), torch.ones(x.shape[1]), eps),
    "the first half's norm is missing: attention reads rms_norm(x).",
    then(
        lambda x, w, eps: x + attention(x @ w["q"].T, x @ w["k"].T, x @ w["v"].T, causal_mask(len(x))) @ w["o"].T,
        thinking_half,
    ),
    "the matrices are used the wrong way round: [out, in] means h @ W.T.",
    lambda x, w, eps: thinking_half(x + attend(x, w, eps, linear=torch.matmul), w, eps),
    "o is missing: the mean of the values goes through one more matrix.",
    then(lambda x, w, eps: x + attend(x, w, eps, o=False) * bool(w["o"].any()), thinking_half),
    "your tokens look at the future: the first one must see only itself.",
    then(lambda x, w, eps: x + attend(x, w, eps, mask=full(x)), thinking_half),
    "each token sees only itself. It may look back at all before it.",
    then(lambda x, w, eps: x + attend(x, w, eps, mask=torch.eye(len(x), dtype=torch.bool)), thinking_half),
    "queries and keys are swapped: queries in the rows, q @ k.T.",
    then(lambda x, w, eps: x + attend(x, w | {"q": w["k"], "k": w["q"]}, eps), thinking_half),
    "the feed-forward half is missing.",
    attention_half,
    "the product is missing: silu(gate(h)) * up(h).",
    then(attention_half, lambda x, w, eps: x + think(x, w, eps, join=torch.add)),
    "silu is missing: the gate is silu(gate(h)).",
    then(attention_half, lambda x, w, eps: x + think(x, w, eps, act=lambda z: z)),
    "this is a sigmoid. silu(z) is z times the sigmoid of z.",
    then(attention_half, lambda x, w, eps: x + think(x, w, eps, act=torch.sigmoid)),
    "this is a ReLU. The gate is silu, z times the sigmoid of z.",
    then(attention_half, lambda x, w, eps: x + think(x, w, eps, act=F.relu)),
    "gate and up are swapped: silu belongs to the gate.",
    then(attention_half, lambda x, w, eps: x + think(x, w, eps, gate="up", up="gate")),
    "the two halves run side by side. The feed-forward half reads what attention has written.",
    lambda x, w, eps: x + attend(x, w, eps) + think(x, w, eps),
    "feed-forward comes first here. Attention is the first half.",
    then(thinking_half, attention_half),
    "both halves use the first norm's gain. The second has its own, feed_forward_norm.",
    then(attention_half, lambda x, w, eps: x + think(x, w, eps, gain="attention_norm")),
    "the gains of the norms have no effect.",
    lambda x, w, eps: block(x, bare(w), eps),
)
