"""The gradient of the whole batch, from the gradients of its parts."""

from operator import mul

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes

TWO = [tensor([2.0, 2.0]), tensor([4.0, 0.0])]  # the gradients of two processes


def average_gradients(gradients: list[Tensor], counts: list[int]) -> Tensor:
    """Return the gradient of the mean loss over all tokens.

    Args:
        gradients: of each process, the gradient of its own mean loss; all of one shape.
        counts: how many tokens each process's mean was taken over. The gradient of one that counted no token is left
            out, whatever it holds.

    Raises:
        ValueError: not one count for each gradient, or no token at all.
    """
    if len(gradients) != len(counts):
        raise ValueError(f"give one count for each gradient, got {len(gradients)} gradients and {len(counts)} counts")
    total = sum(counts)
    if total == 0:
        raise ValueError("counts are all 0: without a token there is no mean")
    parts = [count / total * gradient for gradient, count in zip(gradients, counts, strict=True) if count]
    return torch.stack(parts).sum(dim=0)


exercise = Exercise(
    average_gradients,
    minutes=20,
    difficulty=3,
    shown="each process weighs as much as the tokens it counted.",
    hints=(
        "A mean over all tokens is the sum over all tokens, divided by their number. How do you get a process's sum "
        "from its mean?",
        "counts[i] * gradients[i] is the gradient of process i's sum. Add these up and divide by sum(counts).",
        "total = sum(counts), ValueError if it is 0 or the lists differ in length; then the sum of count / total * "
        "gradient over the processes whose count isn't 0 (0 times nan is nan).",
    ),
    probes=probes(
        ("as many tokens each", TWO, [10, 10]),
        "Equal parts: the mean of the two gradients, number by number.",
        ("three times as many tokens in one", TWO, [30, 10]),
        "30 of the 40 tokens were in the first process: it has a weight of 3/4.",
        ("one process", [tensor([1.0, -1.0])], [7]),
        "Alone, its gradient is the gradient.",
        ("a matrix each", [torch.full((2, 2), 8.0), torch.eye(2), tensor([[0.0, 2.0], [4.0, 6.0]])], [1, 2, 5]),
        "The weights are 1/8, 2/8 and 5/8, whatever the shape of the gradients.",
        ("a process without tokens", TWO, [8, 0]),
        "Its weight is 0: the other one's gradient is the result.",
        ("a mean over no token is nan", [tensor([2.0, 4.0]), tensor([torch.nan, torch.nan])], [8, 0]),
        "0 times nan is nan: leave a process without tokens out instead of giving it the weight 0.",
        ("a nan that counts", [tensor([torch.nan, 1.0]), tensor([2.0, 3.0])], [5, 5]),
        "This process counted 5 tokens, and something broke there: the result must show it.",
        ("no token anywhere", TWO, [0, 0]),
        "There is nothing to average: raise ValueError and say so.",
        ("a count is missing", TWO, [5]),
        "Two gradients and one count don't fit: raise ValueError and say so.",
    ),
    hidden=probes(
        ("a nan beside two that count", [tensor([6.0, 1.0]), tensor([torch.nan, 0.0]), tensor([1.0, 0.0])], [4, 0, 12]),
        "Leave out the process without tokens and weigh the others by theirs.",
        ("a gradient is missing", [tensor([1.0])], [5, 3]),
        "Whichever list is the shorter: raise ValueError.",
    ),
)

weighted = lambda gradients, weights: sum(map(mul, weights, gradients))
mean = lambda gradients, weights: weighted(gradients, weights) / sum(weights)
finite = lambda gradient: bool(gradient.isfinite().all())


def one_after_the_other(gradients, counts):
    merged = gradients[0]
    for i in range(1, len(gradients)):  # what is merged counts only as much as the process before
        merged = mean([merged, gradients[i]], counts[i - 1 : i + 1])
    return merged


exercise.add_mistakes(
    "you added the gradients up. With n processes the result would be n times too long: take a mean.",
    lambda gradients, counts: sum(gradients),
    "you weighted by the counts but didn't divide by their sum.",
    weighted,
    "you divided the weighted sum by the number of processes. Divide by the number of tokens, sum(counts).",
    lambda gradients, counts: weighted(gradients, counts) / len(gradients),
    "these gradients are means already. Multiply each by its count before you divide by all tokens.",
    lambda gradients, counts: sum(gradients) / sum(counts),
    "this is the first process's gradient alone. All of them count.",
    lambda gradients, counts: gradients[0],
    "this is the last process's gradient alone. All of them count.",
    lambda gradients, counts: gradients[-1],
    "you took the largest number of each place. A gradient of a mean is a mean of gradients.",
    lambda gradients, counts: torch.stack(gradients).amax(0),
    "this is a mean of means: each process weighs the same. Weigh it by the tokens that it counted.",
    lambda gradients, counts: sum(gradients) / len(gradients),
    "the weights are upside down: the more tokens, the more a process weighs.",
    lambda gradients, counts: mean(gradients, [1 / count for count in counts]),
    "you merged one process after the other, and what was merged already counts too little. It stands for all "
    "the tokens before.",
    one_after_the_other,
    "a process without a token got the weight of one token. Its weight is 0.",
    lambda gradients, counts: mean(gradients, [max(count, 1) for count in counts]),
    "0 times nan is nan. Leave a process without tokens out; don't multiply its gradient by 0.",
    mean,
    "you turned every nan into 0, also one that counts. It would hide that a process broke.",
    lambda gradients, counts: mean([gradient.nan_to_num() for gradient in gradients], counts),
    "you left out a process because of its nan. It counted tokens, so something broke: let the result show it.",
    lambda gradients, counts: average_gradients(gradients, [*map(mul, counts, map(finite, gradients))]),
    "no token gives no gradient, not a gradient of 0: that would look like a model that has finished learning. "
    "Raise ValueError.",
    lambda gradients, counts: average_gradients(gradients, counts) if any(counts) else 0 * gradients[0],
    "no token gives no gradient, not nan: a nan would spoil every weight. Raise ValueError.",
    lambda gradients, counts: average_gradients(gradients, counts) if any(counts) else torch.nan * gradients[0],
    "you dropped a gradient without a word. zip stops at the shorter list: raise ValueError "
    "(zip(..., strict=True) does).",
    lambda gradients, counts: average_gradients(gradients[: len(counts)], counts),
)
