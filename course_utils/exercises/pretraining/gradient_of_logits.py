"""The gradient of the loss: in which direction it pushes the logits."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import wraps

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, Result, probes


def gradient_of_logits(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the gradient of the mean next-token loss with respect to the logits, without autograd.

    Args:
        logits: (T, V).
        targets: (T,); a target of -100 is not counted.

    Raises:
        ValueError: no target is counted.
    """
    counted = targets != -100  # (T,)
    if not counted.any():
        raise ValueError("targets hold no token to count: a loss of nothing has no gradient")
    gradient = torch.zeros_like(logits)
    gradient[counted] = logits[counted].softmax(dim=-1)
    gradient[counted, targets[counted]] -= 1  # p - one-hot
    return gradient / counted.sum()


SAVED = "autograd kept a tensor"


def _refuse(tensor: Tensor) -> Tensor:
    raise RuntimeError(SAVED)


class ByHand(Exercise):
    """An exercise in which autograd is switched off while the answer runs."""

    def _judge(self, function: Callable[..., Tensor]) -> Result:
        if not callable(function):
            return super()._judge(function)

        @wraps(function)
        def without_autograd(*args: Tensor) -> Tensor:
            hooks = torch.autograd.graph.saved_tensors_hooks(_refuse, _refuse)  # for who switches it on again
            with torch.inference_mode(), hooks:
                return function(*args)

        result = super()._judge(without_autograd)
        told = "autograd is switched off here: derive the gradient by hand, from logsumexp(u) - u[target]."
        signs = ("does not require grad", "inference tensor", "saved tensor hooks", SAVED)
        asked_for = any(sign in result.message.lower() for sign in signs)
        return replace(result, message=f"wrong: {told}") if asked_for else result


LN2, LN3 = math.log(2), math.log(3)

exercise = ByHand(
    gradient_of_logits,
    minutes=20,
    difficulty=3,
    shown="p minus one-hot, over the number of counted tokens: each row sums to 0, and no entry is beyond 1.",
    hints=(
        "The loss at one position is logsumexp(u) - u[target]. What is the derivative of each of the two with "
        "respect to u[w]?",
        "d logsumexp(u) / d u[w] is p[w]. d u[target] / d u[w] is 1 for the target and 0 for all others.",
        "p = logits.softmax(dim=-1), then p[range(T), targets] -= 1, then divide by T. With -100: zeros in that row, "
        "and it doesn't count for T; if nothing counts, raise ValueError.",
    ),
    probes=probes(
        ("two tokens, both alike", tensor([[2.0, 2.0]]), tensor([0])),
        "p = [.5, .5] and the truth is [1, 0]: their difference is [-.5, .5].",
        ("three tokens", tensor([[LN2, 0.0, 0.0]]), tensor([1])),
        "p = [.5, .25, .25], the truth [0, 1, 0]: p minus truth.",
        ("certain and right", tensor([[1000.0, 0.0]]), tensor([0])),
        "Nothing to improve, so all zeros; and exp(1000) must not overflow.",
        ("certain and wrong", tensor([[1000.0, 0.0]]), tensor([1])),
        "p = [1, 0] and the truth is [0, 1]: [1, -1]. It can't get any larger.",
        ("two positions", tensor([[0.0, LN3], [0.0, 0.0]]), tensor([0, 1])),
        "The loss is a mean over two positions, so each row is halved.",
        ("-100 is not counted", tensor([[0.0, LN3], [0.0, 0.0], [5.0, 0.0]]), tensor([0, 1, -100])),
        "A position that isn't counted pushes nothing: zeros, and the mean is over the two others.",
        ("nothing to count", tensor([[1.0, 2.0]]), tensor([-100])),
        "There is no loss, so there is no gradient: raise ValueError.",
    ),
    hidden=probes(
        ("some of several positions are counted", torch.arange(16.0).sin().reshape(4, 4), tensor([-100, 3, 0, -100])),
        "p minus truth, zeros where -100 is, over the number of those that count.",
        ("none of several positions is counted", torch.zeros(3, 2), torch.full((3,), -100)),
        "There is no loss, so there is no gradient: raise ValueError.",
    ),
)

truth = lambda logits, targets: (targets[:, None] == torch.arange(logits.shape[-1])).float()  # one-hot, (T, V)
difference = lambda logits, targets: logits.softmax(-1) - truth(logits, targets)
mean_of_counted = lambda rows, targets: rows * (targets != -100)[:, None] / (targets != -100).sum()

exercise.add_mistakes(
    "these are the probabilities. Subtract 1 at the true token.",
    lambda logits, targets: logits.softmax(-1),
    "the sign is wrong. The gradient points where the loss grows; the step goes the other way.",
    lambda logits, targets: -gradient_of_logits(logits, targets),
    "only the true token is pushed. The others are pushed down, each by its probability.",
    lambda logits, targets: -truth(logits, targets),
    "you subtracted from the logits. Take the softmax first: p minus one-hot.",
    lambda logits, targets: logits - truth(logits, targets),
    "this is the derivative with respect to the probabilities. Go on to the logits: p minus one-hot.",
    lambda logits, targets: -truth(logits, targets) / logits.softmax(-1),
    "the factor 2 belongs to a squared error. Cross-entropy has none.",
    lambda logits, targets: 2 * gradient_of_logits(logits, targets),
    "p (1 - p) is the derivative of the softmax alone, and it doesn't know what came.",
    lambda logits, targets: logits.softmax(-1) * (1 - logits.softmax(-1)),
    "your softmax goes over the positions. It goes over the vocabulary: dim=-1.",
    lambda logits, targets: logits.softmax(0) - truth(logits, targets),
    "you divided by the size of the vocabulary too. The loss is a mean over positions only.",
    lambda logits, targets: gradient_of_logits(logits, targets) / logits.shape[-1],
    "these are logarithms of probabilities. Subtract from the probabilities themselves.",
    lambda logits, targets: logits.log_softmax(-1) - truth(logits, targets),
    "exp overflowed. Use torch.softmax, which subtracts the largest logit first.",
    lambda logits, targets: logits.exp() / logits.exp().sum(-1, keepdim=True) - truth(logits, targets),
    "this is the gradient of the sum. The loss is a mean: divide by the number of counted positions.",
    difference,
    "you lost the positions. Each one has its own logits, so keep (T, V) and don't add or average the rows.",
    lambda logits, targets: difference(logits, targets).sum(0),
    "a position that isn't counted still pushes its logits. Its row must be zeros.",
    lambda logits, targets: difference(logits, targets) / (targets != -100).sum(),
    "a position that isn't counted pushes its logits, and is in the denominator. Zeros, and leave it out.",
    lambda logits, targets: difference(logits, targets) / len(targets),
    "you divided by all positions. Divide by the number of those that count.",
    lambda logits, targets: difference(logits, targets) * (targets != -100)[:, None] / len(targets),
    "-100 was taken as an index from the end. Zeros in that row, and leave it out of the mean.",
    lambda logits, targets: gradient_of_logits(logits, targets % logits.shape[-1]),
    "zeros would say that the model is perfect. With nothing to count, raise ValueError.",
    lambda logits, targets: mean_of_counted(difference(logits, targets), targets).nan_to_num(0.0),
    "0 divided by 0 is nan, and a nan goes through all weights in one step. Raise ValueError.",
    lambda logits, targets: mean_of_counted(difference(logits, targets), targets),
)
