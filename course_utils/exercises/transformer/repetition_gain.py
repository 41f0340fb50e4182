"""How much better a model guesses a text when it reads it for the second time."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def repetition_gain(model: Callable[[Tensor], Tensor], ids: Tensor) -> float:
    """Let the model read ids (B, T) twice in a row; return by how many nats a token the second reading is cheaper.

    model maps ids to logits, V for each token. The first token of a copy isn't counted: nothing announces it.
    """
    twice = torch.cat([ids, ids], dim=1)  # (B, 2 T)
    log_probs = model(twice)[:, :-1].log_softmax(dim=-1)  # (B, 2 T - 1, V)
    surprise = -log_probs.gather(-1, twice[:, 1:, None]).squeeze(-1)  # (B, 2 T - 1), of tokens 1, 2, ...
    T = ids.shape[1]
    return (surprise[:, : T - 1].mean() - surprise[:, T:].mean()).item()


def even(ids):
    """A model that bets evenly on 5 tokens."""
    return torch.zeros(*ids.shape, 5)


def fond_of_2(ids):
    """A model that always bets on token 2, and a little on the token it has just read."""
    return F.one_hot(ids, 5) + 2.0 * F.one_hot(torch.full_like(ids, 2), 5)


def induction(ids):
    """A model that bets on what followed the same token earlier, and evenly if there is no such place."""
    logits = torch.zeros(*ids.shape, 5)
    for b, row in enumerate(ids.tolist()):
        for t, token in enumerate(row):
            if token in row[:t]:
                place = t - 1 - row[:t][::-1].index(token)  # the last one before t
                logits[b, t, row[place + 1]] = 4.0
    return logits


exercise = Exercise(
    repetition_gain,
    minutes=25,
    difficulty=3,
    shown="induction is visible from outside: the second reading is cheaper, in nats a token, over the same tokens.",
    hints=(
        "Read torch.cat([ids, ids], dim=1) once. Position t of the logits is about token t + 1.",
        "The surprise is -log p of the token that came: log_softmax, then gather at twice[:, 1:].",
        "Entry t belongs to token t + 1: the first copy's tokens 1 .. T - 1 are [: T - 1], the second's are [T:].",
    ),
    probes=probes(
        ("a model that bets evenly gains nothing", even, tensor([[0, 1, 2]])),
        "Every token costs ln 5 at both readings: the gain is 0.",
        ("a model without memory gains nothing", fond_of_2, tensor([[0, 2, 1, 4]])),
        "The same tokens after the same tokens: leave out the first token of each copy, at both readings.",
        ("an induction model gains", induction, tensor([[0, 3, 1, 4]])),
        "It pays ln 5 = 1.609 a token at first, and ln(1 + 4 / e^4) = .071 the second time.",
        ("a text that repeats itself inside", induction, tensor([[0, 3, 0, 3, 1]])),
        "Take the mean over the T - 1 counted tokens of each copy.",
        ("two texts", induction, tensor([[0, 3, 1], [2, 2, 4]])),
        "Take the mean over the tokens of all texts.",
    ),
    hidden=probes(("longer texts", induction, tensor([[4, 1, 0, 3, 2, 1], [0, 0, 4, 3, 1, 2]])), "Read T off the ids."),
)


def variant(first=lambda s, n: s[:, : n - 1], second=lambda s, n: s[:, n:], take=None, targets=None, twice=None):
    """Return an answer that does one step in another way."""
    targets = targets or (lambda twice: twice[:, 1:])
    twice = twice or (lambda ids: torch.cat([ids, ids], dim=1))
    take = take or (lambda logits: logits.log_softmax(-1))

    def answer(model, ids):
        both, n = twice(ids), ids.shape[1]
        surprise = -take(model(both)[:, :-1]).gather(-1, targets(both)[..., None])[..., 0]
        return (first(surprise, n).mean() - second(surprise, n).mean()).item()

    return answer


exercise.add_mistakes(
    "the sign is turned round: first reading minus second.",
    lambda model, ids: -repetition_gain(model, ids),
    "you scored the first token of the second copy too, which nothing announces. Leave it out.",
    variant(second=lambda s, n: s[:, n - 1 :]),
    "position t of the logits is about token t + 1; you scored it on token t.",
    variant(targets=lambda twice: twice[:, :-1]),
    "these are probabilities. A surprise is -log p: log_softmax.",
    variant(take=lambda logits: logits.softmax(-1)),
    "you compared logits. They are no log-probabilities: log_softmax first.",
    variant(take=lambda logits: logits),
    "these are bits. The answer is in nats: the natural logarithm.",
    lambda model, ids: repetition_gain(model, ids) / torch.tensor(2.0).log().item(),
    "you summed over the tokens. Take the mean: nats a token.",
    lambda model, ids: repetition_gain(model, ids) * (ids.numel() - len(ids)),
    "each token is doubled in place, 0 0 1 1. The whole text must come twice: torch.cat([ids, ids], dim=1).",
    variant(twice=lambda ids: ids.repeat_interleave(2, dim=1)),
    "the second copy was read on its own: the model must have read the first one before it.",
    lambda model, ids: 0.0 * repetition_gain(model, ids),
    "this is the surprise at the second reading. Subtract it from that of the first.",
    variant(first=lambda s, n: s.new_zeros(1), second=lambda s, n: -s[:, n:]),
)
