"""Exercise of notebook 15: the gradient of the whole batch, from the gradients of its parts."""

import torch
from torch import Tensor

from course_utils.exercises.core import Exercise, Mistake, Probe


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


def _weighted(gradients: list[Tensor], weights: list[float]) -> Tensor:
    return torch.stack([w * g for g, w in zip(gradients, weights, strict=True)]).sum(dim=0)


def _one_after_the_other(gradients: list[Tensor], counts: list[int]) -> Tensor:
    """Merge each gradient into what is there, which counts only as much as the process before."""
    merged = gradients[0]
    for i in range(1, len(gradients)):
        both = counts[i - 1] + counts[i]
        merged = (counts[i - 1] * merged + counts[i] * gradients[i]) / both
    return merged


def _right_but(gradients: list[Tensor], counts: list[int], *, without_tokens=None) -> Tensor:
    """The right answer, except for what is returned if no process counted a token."""
    if not sum(counts):
        return without_tokens(gradients)
    return average_gradients.reference(gradients, counts)


average_gradients = Exercise(
    average_gradients,
    shown="each process weighs as much as the tokens it counted.",
    hints=(
        "A mean over all tokens is the sum over all tokens, divided by their number. How do you get a process's sum "
        "from its mean?",
        "counts[i] * gradients[i] is the gradient of process i's sum. Add these up and divide by sum(counts).",
        "total = sum(counts), ValueError if it is 0 or the lists differ in length; then the sum of count / total * "
        "gradient over the processes whose count isn't 0 (0 times nan is nan).",
    ),
    probes=(
        Probe(
            "two processes with as many tokens",
            ([torch.tensor([2.0, 2.0]), torch.tensor([4.0, 0.0])], [10, 10]),
            "Equal parts: the mean of the two gradients, number by number.",
        ),
        Probe(
            "three times as many tokens in one",
            ([torch.tensor([2.0, 2.0]), torch.tensor([4.0, 0.0])], [30, 10]),
            "30 of the 40 tokens were in the first process: it has a weight of 3/4.",
        ),
        Probe("one process", ([torch.tensor([1.0, -1.0])], [7]), "Alone, its gradient is the gradient."),
        Probe(
            "three processes, a matrix each",
            ([torch.full((2, 2), 8.0), torch.eye(2), torch.tensor([[0.0, 2.0], [4.0, 6.0]])], [1, 2, 5]),
            "The weights are 1/8, 2/8 and 5/8, whatever the shape of the gradients.",
        ),
        Probe(
            "a process without a counted token",
            ([torch.tensor([2.0, 4.0]), torch.tensor([0.0, 0.0])], [8, 0]),
            "Its weight is 0: the other one's gradient is the result.",
        ),
        Probe(
            "a mean over no token is nan",
            ([torch.tensor([2.0, 4.0]), torch.tensor([torch.nan, torch.nan])], [8, 0]),
            "0 times nan is nan: leave a process without tokens out instead of giving it the weight 0.",
        ),
        Probe(
            "a nan that counts",
            ([torch.tensor([torch.nan, 1.0]), torch.tensor([2.0, 3.0])], [5, 5]),
            "This process counted 5 tokens, and something broke there: the result must show it.",
        ),
        Probe(
            "no token anywhere",
            ([torch.tensor([0.0]), torch.tensor([0.0])], [0, 0]),
            "There is nothing to average: raise ValueError and say so.",
        ),
        Probe(
            "a count is missing",
            ([torch.tensor([1.0]), torch.tensor([3.0])], [5]),
            "Two gradients and one count don't fit: raise ValueError and say so.",
        ),
    ),
    mistakes=(
        Mistake(
            lambda g, c: torch.stack(g).sum(0),
            "you added the gradients up. With n processes the result would be n times too long: take a mean.",
        ),
        Mistake(
            lambda g, c: _weighted(g, c),
            "you weighted by the counts but didn't divide by their sum.",
        ),
        Mistake(
            lambda g, c: _weighted(g, c) / len(g),
            "you divided the weighted sum by the number of processes. Divide by the number of tokens, sum(counts).",
        ),
        Mistake(
            lambda g, c: torch.stack(g).sum(0) / sum(c),
            "these gradients are means already. Multiply each by its count before you divide by all tokens.",
        ),
        Mistake(lambda g, c: g[0], "this is the first process's gradient alone. All of them count."),
        Mistake(lambda g, c: g[-1], "this is the last process's gradient alone. All of them count."),
        Mistake(
            lambda g, c: torch.stack(g).amax(0),
            "you took the largest number of each place. A gradient of a mean is a mean of gradients.",
        ),
        Mistake(
            lambda g, c: torch.stack(g).mean(0),
            "this is a mean of means: each process weighs the same. Weigh it by the tokens that it counted.",
        ),
        Mistake(
            lambda g, c: _weighted(g, [1 / n for n in c]) / sum(1 / n for n in c),
            "the weights are upside down: the more tokens, the more a process weighs.",
        ),
        Mistake(
            _one_after_the_other,
            "you merged one process after the other, and what was merged already counts too little. It stands for all "
            "the tokens before.",
        ),
        Mistake(
            lambda g, c: _weighted(g, [max(n, 1) for n in c]) / sum(max(n, 1) for n in c),
            "a process without a token got the weight of one token. Its weight is 0.",
        ),
        Mistake(
            lambda g, c: _weighted(g, [n / sum(c) for n in c]),
            "0 times nan is nan. Leave a process without tokens out; don't multiply its gradient by 0.",
        ),
        Mistake(
            lambda g, c: _weighted([x.nan_to_num() for x in g], [n / sum(c) for n in c]),
            "you turned every nan into 0, also one that counts. It would hide that a process broke.",
        ),
        Mistake(
            lambda g, c: average_gradients.reference(
                g, [0 if x.isnan().any() else n for x, n in zip(g, c, strict=True)]
            ),
            "you left out a process because of its nan. It counted tokens, so something broke: let the result show it.",
        ),
        Mistake(
            lambda g, c: _right_but(g, c, without_tokens=lambda g: torch.zeros_like(g[0])),
            "no token gives no gradient, not a gradient of 0: that would look like a model that has finished learning. "
            "Raise ValueError.",
        ),
        Mistake(
            lambda g, c: _right_but(g, c, without_tokens=lambda g: torch.full_like(g[0], torch.nan)),
            "no token gives no gradient, not nan: a nan would spoil every weight. Raise ValueError.",
        ),
        Mistake(
            lambda g, c: average_gradients.reference(g[: len(c)], c[: len(g)]),
            "you dropped a gradient without a word. zip stops at the shorter list: raise ValueError "
            "(zip(..., strict=True) does).",
        ),
    ),
)
