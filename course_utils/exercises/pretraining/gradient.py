"""Exercise of notebook 07: in which direction the loss pushes the logits."""

import math

import torch
from torch import Tensor

from course_utils.exercises.core import Exercise, Mistake, Probe

IGNORED = -100


def gradient_of_logits(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the gradient of the mean next-token loss with respect to the logits, without autograd.

    Args:
        logits: (T, V).
        targets: (T,); a target of -100 is not counted.

    Raises:
        ValueError: no target is counted.
    """
    counted = targets != IGNORED  # (T,)
    if not counted.any():
        raise ValueError("targets hold no token to count: a loss of nothing has no gradient")
    gradient = torch.zeros_like(logits)
    gradient[counted] = logits[counted].softmax(dim=-1)
    gradient[counted, targets[counted]] -= 1  # p - one-hot
    return gradient / counted.sum()


def _p(logits: Tensor) -> Tensor:
    return logits.softmax(-1)


def _one_hot(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the truth (T, V): a row of zeros where the target is ignored."""
    counted = targets != IGNORED
    truth = torch.zeros_like(logits)
    truth[counted, targets[counted]] = 1
    return truth


def _mean(rows: Tensor, targets: Tensor) -> Tensor:
    counted = targets != IGNORED
    return rows * counted[:, None] / counted.sum()


def _difference(u: Tensor, y: Tensor) -> Tensor:
    return (_p(u) - _one_hot(u, y)) * (y != IGNORED)[:, None]


def _summed(u: Tensor, y: Tensor) -> Tensor:
    return _difference(u, y).sum(0)


def _through_exp(u: Tensor, y: Tensor) -> Tensor:
    return _mean(u.exp() / u.exp().sum(-1, keepdim=True) - _one_hot(u, y), y)


def _wrapped(u: Tensor, y: Tensor) -> Tensor:
    return gradient_of_logits.reference(u, y % u.shape[-1])


LN2, LN3 = math.log(2), math.log(3)

gradient_of_logits = Exercise(
    gradient_of_logits,
    shown="p minus one-hot, over the number of counted tokens: each row sums to 0, and no entry is beyond 1.",
    hints=(
        "The loss at one position is logsumexp(u) - u[target]. What is the derivative of each of the two with "
        "respect to u[w]?",
        "d logsumexp(u) / d u[w] is p[w]. d u[target] / d u[w] is 1 for the target and 0 for all others.",
        "p = logits.softmax(dim=-1), then p[range(T), targets] -= 1, then divide by T. With -100: zeros in that row, "
        "and it doesn't count for T; if nothing counts, raise ValueError.",
    ),
    probes=(
        Probe(
            "two tokens, both alike",
            (torch.tensor([[2.0, 2.0]]), torch.tensor([0])),
            "p = [.5, .5] and the truth is [1, 0]: their difference is [-.5, .5].",
        ),
        Probe(
            "three tokens",
            (torch.tensor([[LN2, 0.0, 0.0]]), torch.tensor([1])),
            "p = [.5, .25, .25], the truth [0, 1, 0]: p minus truth.",
        ),
        Probe(
            "certain and right",
            (torch.tensor([[1000.0, 0.0]]), torch.tensor([0])),
            "Nothing to improve, so all zeros; and exp(1000) must not overflow.",
        ),
        Probe(
            "certain and wrong",
            (torch.tensor([[1000.0, 0.0]]), torch.tensor([1])),
            "p = [1, 0] and the truth is [0, 1]: [1, -1]. It can't get any larger.",
        ),
        Probe(
            "two positions",
            (torch.tensor([[0.0, LN3], [0.0, 0.0]]), torch.tensor([0, 1])),
            "The loss is a mean over two positions, so each row is halved.",
        ),
        Probe(
            "-100 is not counted",
            (torch.tensor([[0.0, LN3], [0.0, 0.0], [5.0, 0.0]]), torch.tensor([0, 1, -100])),
            "A position that isn't counted pushes nothing: zeros, and the mean is over the two others.",
        ),
        Probe(
            "nothing to count",
            (torch.tensor([[1.0, 2.0]]), torch.tensor([-100])),
            "There is no loss, so there is no gradient: raise ValueError.",
        ),
    ),
    mistakes=(
        Mistake(lambda u, y: _mean(_p(u), y), "these are the probabilities. Subtract 1 at the true token."),
        Mistake(
            lambda u, y: -_mean(_difference(u, y), y),
            "the sign is wrong. The gradient points where the loss grows; the step goes the other way.",
        ),
        Mistake(
            lambda u, y: -_mean(_one_hot(u, y), y),
            "only the true token is pushed. The others are pushed down, each by its probability.",
        ),
        Mistake(
            lambda u, y: _mean(u - _one_hot(u, y), y),
            "you subtracted from the logits. Take the softmax first: p minus one-hot.",
        ),
        Mistake(
            lambda u, y: _mean(-_one_hot(u, y) / _p(u), y),
            "this is the derivative with respect to the probabilities. Go on to the logits: p minus one-hot.",
        ),
        Mistake(
            lambda u, y: _mean(2 * _difference(u, y), y),
            "the factor 2 belongs to a squared error. Cross-entropy has none.",
        ),
        Mistake(
            lambda u, y: _mean(_p(u) * (1 - _p(u)), y),
            "p (1 - p) is the derivative of the softmax alone, and it doesn't know what came.",
        ),
        Mistake(
            lambda u, y: _mean(u.softmax(0) - _one_hot(u, y), y),
            "your softmax goes over the positions. It goes over the vocabulary: dim=-1.",
        ),
        Mistake(
            lambda u, y: _mean(_difference(u, y), y) / u.shape[-1],
            "you divided by the size of the vocabulary too. The loss is a mean over positions only.",
        ),
        Mistake(
            lambda u, y: _mean(u.log_softmax(-1), y) - _mean(_one_hot(u, y), y),
            "these are logarithms of probabilities. Subtract from the probabilities themselves.",
        ),
        Mistake(_through_exp, "exp overflowed. Use torch.softmax, which subtracts the largest logit first."),
        Mistake(
            _difference,
            "this is the gradient of the sum. The loss is a mean: divide by the number of counted positions.",
        ),
        Mistake(
            _summed,
            "you lost the positions. Each one has its own logits, so keep (T, V) and don't add or average the rows.",
        ),
        Mistake(
            lambda u, y: _mean(_difference(u, y), y).mean(0),
            "you lost the positions. Each one has its own logits, so keep (T, V) and don't add or average the rows.",
        ),
        Mistake(
            lambda u, y: (_p(u) - _one_hot(u, y)) / (y != IGNORED).sum(),
            "a position that isn't counted still pushes its logits. Its row must be zeros.",
        ),
        Mistake(
            lambda u, y: (_p(u) - _one_hot(u, y)) / len(y),
            "a position that isn't counted pushes its logits, and is in the denominator. Zeros, and leave it out.",
        ),
        Mistake(
            lambda u, y: _difference(u, y) / len(y),
            "you divided by all positions. Divide by the number of those that count.",
        ),
        Mistake(_wrapped, "-100 was taken as an index from the end. Zeros in that row, and leave it out of the mean."),
        Mistake(
            lambda u, y: _mean(_difference(u, y), y).nan_to_num(0.0),
            "zeros would say that the model is perfect. With nothing to count, raise ValueError.",
        ),
        Mistake(
            lambda u, y: _mean(_difference(u, y), y),
            "0 divided by 0 is nan, and a nan goes through all weights in one step. Raise ValueError.",
        ),
    ),
)
