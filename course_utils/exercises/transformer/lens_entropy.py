"""The logit lens, with the norm of each layer's own vector."""

import math

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def lens_entropy(stream: Tensor, gain: Tensor, table: Tensor, eps: float) -> list[float]:
    """Return the entropy in nats of what the lens says after each layer.

    stream is (layers + 1, d), one position's vector; gain (d,) and eps belong to the final RMSNorm; table is (V, d).
    """
    normed = gain * stream / (stream.pow(2).mean(dim=-1, keepdim=True) + eps).sqrt()  # (layers + 1, d)
    log_probs = (normed @ table.T).log_softmax(dim=-1)  # (layers + 1, V)
    return (-(log_probs.exp() * log_probs).sum(dim=-1)).tolist()


SAME = torch.eye(2)
ONES = torch.ones(2)
GROWING = tensor([[0.1, 0.3], [1.0, 3.0], [10.0, 30.0]])  # one direction, longer after each layer
wave = lambda *shape: torch.arange(float(torch.Size(shape).numel())).mul(1.9).sin().reshape(shape)

exercise = Exercise(
    lens_entropy,
    minutes=20,
    difficulty=2,
    shown="each layer's vector is divided by its own root mean square: then the layers' certainties can be compared.",
    hints=(
        "Print the root mean square of each row of stream. Which of them was used in the code with the bug?",
        "The final norm must see each layer's vector as if the model ended there: mean(dim=-1, keepdim=True).",
        "normed @ table.T, log_softmax(dim=-1), and the entropy is -(p * log p) summed over the vocabulary.",
    ),
    probes=probes(
        ("undecided between two tokens", tensor([[1.0, 1.0]]), ONES, SAME, 0.0),
        "Two equal logits: the entropy is ln 2 = .6931.",
        ("one layer", tensor([[1.0, 3.0]]), ONES, SAME, 0.0),
        "The norm makes [.447, 1.342] of it, and the softmax [.290, .710].",
        ("the same direction, longer and longer", GROWING, ONES, SAME, 0.0),
        "All three layers point the same way, so the lens says the same, with the same certainty.",
        ("a gain", tensor([[1.0, 3.0]]), tensor([1.0, 2.0]), SAME, 0.0),
        "The norm's gain multiplies each dimension.",
        ("eps", tensor([[1.0, 3.0]]), ONES, SAME, 5.0),
        "eps is added to the mean square, inside the root.",
    ),
    hidden=probes(("more of everything", wave(5, 3), wave(3) + 1, wave(7, 3), 0.1), "Take all sizes from the shapes."),
)


def variant(scale=lambda s, eps: (s.pow(2).mean(-1, keepdim=True) + eps).sqrt(), answer=None, gained=True):
    """Return an answer that norms in another way, or says something else of the log-probabilities."""
    answer = answer or (lambda log_p: -(log_p.exp() * log_p).sum(-1))
    normed = lambda stream, gain, eps: stream / scale(stream, eps) * (gain if gained else 1)
    return lambda stream, gain, table, eps: answer((normed(stream, gain, eps) @ table.T).log_softmax(-1)).tolist()


exercise.add_mistakes(
    "this is the bug of the thread: every layer is divided by the last layer's root mean square. Give each its own.",
    variant(scale=lambda s, eps: (s[-1].pow(2).mean() + eps).sqrt()),
    "one root mean square for all layers. Each vector has its own: mean(dim=-1, keepdim=True).",
    variant(scale=lambda s, eps: (s.pow(2).mean() + eps).sqrt()),
    "the norm is missing: the table was trained on normed vectors.",
    variant(scale=lambda s, eps: 1.0),
    "you divided by the length. The root mean square is the length over sqrt(d).",
    variant(scale=lambda s, eps: s.norm(dim=-1, keepdim=True)),
    "this is minus the entropy.",
    variant(answer=lambda log_p: (log_p.exp() * log_p).sum(-1)),
    "these are bits. Take the natural logarithm.",
    variant(answer=lambda log_p: -(log_p.exp() * log_p).sum(-1) / math.log(2)),
    "this is the surprise about the most probable token. The entropy is the mean surprise.",
    variant(answer=lambda log_p: -log_p.max(-1).values),
    "the gain has no effect: multiply the normed vector by it.",
    variant(gained=False),
    "eps has no effect: add it to the mean square.",
    variant(scale=lambda s, eps: s.pow(2).mean(-1, keepdim=True).sqrt()),
    "eps is inside the root, added to the mean square.",
    variant(scale=lambda s, eps: s.pow(2).mean(-1, keepdim=True).sqrt() + eps),
)
