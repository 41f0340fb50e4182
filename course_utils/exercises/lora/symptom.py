"""An experiment on starts: which A and B to begin with, told by what goes wrong."""

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def symptom(a: Tensor, b: Tensor) -> str:
    """Return what one sees of an adapter that starts from A and B and is trained by gradient descent.

    Args:
        a: (N, r).
        b: (r, d); N and d are at least r.

    Returns:
        The first of these that is true: "another model" if the adapter changes the outputs before its first step;
        "never learns" if no step ever changes them; "lower rank" if A B never gets more than r - 1 independent
        directions, however long it is trained and rounding errors aside; else "none".

    Source of the bug that the third probe finds: nvidia-cosmos/cosmos-predict2.5, pull request 15 (2025).
    """
    if (a @ b).abs().max() > 1e-6:
        return "another model"
    # the gradients of A and B are G B^T and A^T G: a step maps the rows of [A^T B], which gain no new direction
    rank = torch.linalg.matrix_rank(torch.cat([a.mT, b], dim=1))
    if rank == 0:
        return "never learns"
    return "lower rank" if rank < a.shape[1] else "none"


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """A random matrix."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


zeros, ones = torch.zeros, torch.ones
HALF_DEAD = drawn(6, 2).masked_fill(tensor([False, True]), 0.0)  # the second column is zero
SIGNS = tensor([[1.0], [1.0], [-1.0]])

exercise = Exercise(
    symptom,
    minutes=25,
    difficulty=3,
    shown="a start must keep the model as it is, leave a gradient, and make the r directions differ: A random and B "
    "zero does all three, and so does the reverse.",
    hints=(
        "Try it: a random target M (N, d), the loss ((A B - M) ** 2).sum(), and 100 steps of gradient descent at rate "
        "0.02, in float64. Look at A B before the first step, at how A and B move, and at the last singular values.",
        "The gradient of A has a factor B, that of B a factor A. What if both are zero? And what happens to two equal "
        "columns of A, if B is zero: can they ever become different?",
        "A step multiplies the r rows of [A^T B], each N + d long, all by one matrix: they get no new direction. So "
        'torch.linalg.matrix_rank(torch.cat([a.T, b], 1)) decides: 0 is "never learns", less than r "lower rank".',
    ),
    probes=probes(
        ("A random, B zero", drawn(6, 2), zeros(2, 5)),
        "This is LoRA's own start, and right.",
        ("both random", drawn(6, 2), drawn(2, 5, seed=1)),
        "A B isn't zero: before the first step the model is another one already.",
        ("both zero", zeros(6, 2), zeros(2, 5)),
        "The loss is a flat line: A waits for B to move, and B for A.",
        ("A zero, B random", zeros(6, 2), drawn(2, 5, seed=1)),
        "This is the other way round and just as good: A B is zero, and A has a gradient.",
        ("both constant", ones(6, 2), ones(2, 5)),
        "A B isn't zero.",
        ("a column of A that is zero, B zero", HALF_DEAD, zeros(2, 5)),
        "The second column of A has no gradient, since its row of B is zero, nor has that row, since its column is.",
        ("A constant, B zero", ones(6, 3), zeros(3, 5)),
        "The three rows of B get the same gradient at each step, then the columns of A do: alike for ever, rank 1.",
        ("half A, half B", HALF_DEAD, drawn(2, 5, seed=1).masked_fill(tensor([[True], [False]]), 0.0)),
        "A B is zero, and each direction has one side that isn't: both learn.",
        ("two columns of A, one twice the other", drawn(6, 1) * tensor([1.0, 2.0]), zeros(2, 5)),
        "They aren't alike, but they are one direction, and stay one.",
        ("one direction", drawn(6, 1), zeros(1, 5)),
        "With r = 1 there is nothing that could be alike.",
    ),
    hidden=probes(
        ("A zero, one row of B the negative of another", zeros(7, 3), drawn(3, 6, seed=3)[[0, 1, 0]] * SIGNS),
        "Three rows, and only two directions: count the independent ones.",
        ("a very small random A", 1e-3 * drawn(7, 3, seed=4), zeros(3, 6)),
        "Small isn't zero: all three directions learn.",
        ("A and B whose products cancel", tensor([[1.0, -1.0]]).repeat(6, 1), ones(2, 5)),
        "A B is zero, and the two rows of [A^T B] differ. What counts is the product.",
    ),
)


def judged(rank, other=lambda a, b: (a @ b).abs().max() > 1e-6):
    """An answer that counts directions by rank(a, b)."""

    def answer(a, b):
        if other(a, b):
            return "another model"
        found = rank(a, b)
        return "never learns" if found == 0 else "lower rank" if found < a.shape[1] else "none"

    return answer


alive = lambda a, b: (a != 0).any(0) | (b != 0).any(1)  # (r,)
distinct = lambda a, b: len({tuple(row.tolist()) for row in torch.cat([a.mT, b], 1)[alive(a, b)]})

exercise.add_mistakes(
    "you find no fault in a start that changes the model before its first step: look at A B.",
    judged(lambda a, b: a.shape[1], other=lambda a, b: False),
    "B = 0 doesn't stop the learning: the gradient of B has the factor A, which isn't zero.",
    lambda a, b: "never learns" if not b.any() else symptom(a, b),
    "A = 0 doesn't stop the learning: the gradient of A has the factor B, which isn't zero.",
    lambda a, b: "never learns" if not a.any() else symptom(a, b),
    "you call both zero a good start. Neither has a gradient then: each waits for the other.",
    judged(lambda a, b: a.shape[1]),
    "a start is another model if A B isn't zero. One of the two may well be anything.",
    lambda a, b: "another model" if b.any() else symptom(a, b),
    "you miss a column of A that is zero while its row of B is zero as well: it never moves, whatever the others do.",
    judged(lambda a, b: int(alive(a, b).any()) * a.shape[1]),
    "you look for columns of zeros. Equal columns are a fault too: they move alike for ever.",
    judged(lambda a, b: int(alive(a, b).sum())),
    "you miss a column of A that is zero while its row of B is zero as well: it never moves, whatever the others do.",
    judged(lambda a, b: len({tuple(row.tolist()) for row in torch.cat([a.mT, b], 1)}) * bool(a.any() or b.any())),
    "you look at A alone, or at A and B apart. A direction whose column of A is zero learns if its row of B isn't.",
    judged(lambda a, b: max(int(torch.linalg.matrix_rank(a)), int(torch.linalg.matrix_rank(b)))),
    "you look for equal columns. One that is a multiple of another stays a multiple: look for independent ones.",
    judged(distinct),
)
