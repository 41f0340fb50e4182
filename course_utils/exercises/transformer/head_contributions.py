"""What each head adds to the residual stream."""

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def head_contributions(side_by_side: Tensor, w_o: Tensor, n_heads: int) -> Tensor:
    """Split attention's output o(side_by_side) into the share of each head, (n_h, T, d); their sum is the whole.

    side_by_side is (T, n_h * d_k), the heads' results next to each other; w_o is [d, n_h * d_k], as in nn.Linear.
    """
    results = side_by_side.unflatten(-1, (n_heads, -1)).transpose(0, 1)  # (n_h, T, d_k)
    columns = w_o.unflatten(-1, (n_heads, -1)).permute(1, 2, 0)  # (n_h, d_k, d)
    return results @ columns  # (n_h, T, d)


wave = lambda *shape: torch.arange(float(torch.Size(shape).numel())).mul(1.3).sin().reshape(shape)
ROW = tensor([[1.0, 2.0]])

exercise = Exercise(
    head_contributions,
    minutes=20,
    difficulty=2,
    shown="a product with o is a sum over heads, each with its own columns of o: all write to the one stream.",
    hints=(
        "A matrix product is a sum over the inner dimension, n_h * d_k. Cut that sum into n_heads pieces.",
        "Head h owns the columns d_k * h to d_k * (h + 1) of side_by_side, and the same columns of w_o.",
        "In a loop: side_by_side[:, own] @ w_o[:, own].T is (T, d); torch.stack them.",
    ),
    probes=probes(
        ("one head is the whole", ROW, tensor([[1.0, 0.0], [3.0, 1.0]]), 1),
        "With one head the share is the whole: side_by_side @ w_o.T.",
        ("two heads of one number", ROW, tensor([[1.0, 0.0], [3.0, 1.0]]), 2),
        "Head 0 adds 1 times the first column of w_o, head 1 adds 2 times the second.",
        ("two heads of two numbers", wave(1, 4), wave(4, 4), 2),
        "Head 0 owns the first two columns, head 1 the last two.",
        ("two tokens", wave(2, 4), wave(4, 4), 2),
        "The answer is (n_h, T, d): one (T, d) matrix for each head.",
        ("a stream of another width", wave(3, 4), wave(2, 4), 2),
        "d is the number of rows of w_o.",
    ),
    hidden=probes(
        ("three heads of two numbers", wave(4, 6), wave(5, 6), 3), "The head size is the width over n_heads."
    ),
)

shares = lambda x, w, n, take: torch.stack([x[:, take(h)] @ w[:, take(h)].T for h in range(n)])

exercise.add_mistakes(
    "this is the whole, for every head. Give each head its share.",
    lambda x, w, n: (x @ w.T).expand(n, -1, -1),
    "this divides the whole evenly. Each head's share has its own columns of w_o.",
    lambda x, w, n: (x @ w.T).expand(n, -1, -1) / n,
    "w_o is [out, in]: multiply by its transpose.",
    lambda x, w, n: torch.stack(
        [x[:, h::n][:, : x.shape[1] // n] @ w.T[:, h::n].T if n > 1 else x @ w for h in range(n)]
    ),
    "the heads lie side by side, in blocks; you took every n-th column.",
    lambda x, w, n: shares(x, w, n, lambda h: slice(h, None, n)),
    "the shares have the right values and the wrong shape: (n_h, T, d), the heads first.",
    lambda x, w, n: head_contributions(x, w, n).transpose(0, 1),
    "these are the running sums over the heads. Give each head alone.",
    lambda x, w, n: head_contributions(x, w, n).cumsum(0),
    "these are the heads' results before o. Multiply each by its own columns of w_o.",
    lambda x, w, n: x.unflatten(-1, (n, -1)).transpose(0, 1),
    "this is the output without each head. What is asked for is the head's own share.",
    lambda x, w, n: x @ w.T - head_contributions(x, w, n),
)
