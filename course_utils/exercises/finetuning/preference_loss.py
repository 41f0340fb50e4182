"""The loss of direct preference optimisation, from four log-probabilities."""

import torch
import torch.nn.functional as F
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def preference_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float
) -> Tensor:
    """Return the mean of -ln sigmoid(beta (gain of the chosen response - gain of the rejected one)), a scalar.

    A response's gain is how much more log-probability it has in the model than in the frozen reference.

    Args:
        chosen, rejected: log-probability of each pair's two responses in the model, (B,).
        reference_chosen, reference_rejected: the same in the reference, (B,).
        beta: how much a gain counts.

    Source: Rafailov et al. (2023), "Direct Preference Optimization", equation 7.
    """
    margin = (chosen - reference_chosen) - (rejected - reference_rejected)  # (B,)
    return -F.logsigmoid(beta * margin).mean()


row = lambda *numbers: tensor(numbers, dtype=torch.float32)
WAVES = torch.arange(20.0).sin().view(4, 5) * 7 - 9

exercise = Exercise(
    preference_loss,
    minutes=15,
    difficulty=2,
    shown="the loss asks only that the chosen response gains more than the rejected one, beside the frozen reference.",
    hints=(
        "How much more probable than in the reference has each response become? A quotient of probabilities is a "
        "difference of logarithms.",
        "The margin of a pair is (chosen - reference_chosen) - (rejected - reference_rejected). Before the first step "
        "it is 0, and the loss ln 2.",
        "-F.logsigmoid(beta * margin).mean(): first the logarithm of each pair, then the mean.",
    ),
    probes=probes(
        ("the model is the reference", row(-10, -5), row(-7, -6), row(-10, -5), row(-7, -6), 0.5),
        "Nothing has moved: every margin is 0, and -ln sigmoid(0) = ln 2.",
        ("the chosen response has gained", row(-7), row(-6), row(-9), row(-6), 1.0),
        "The margin is 2: -ln sigmoid(2) = 0.1269.",
        ("the rejected one has gained", row(-9), row(-4), row(-9), row(-6), 1.0),
        "The margin is -2, so the loss is above ln 2: 2.127.",
        ("beta", row(-7), row(-6), row(-9), row(-6), 0.1),
        "beta stands inside the sigmoid: -ln sigmoid(0.2) = 0.5981.",
        ("two pairs", row(-7, -9), row(-6, -1), row(-9, -9), row(-6, -6), 1.0),
        "Margins of 2 and -5: the mean of 0.1269 and 5.007. Their mean isn't the loss of the mean margin.",
        ("a long response", row(-900), row(-100), row(-500), row(-300), 1.0),
        "sigmoid(-600) is 0 in float32, and its logarithm infinite. F.logsigmoid gives -600.",
    ),
    hidden=probes(("five pairs", *WAVES, 0.3), "The mean over pairs of -ln sigmoid(beta * margin)."),
)


def variant(loss, margin=lambda c, r, rc, rr: (c - rc) - (r - rr)):
    """An answer that takes its own loss(margin, beta) of its own margin."""
    return lambda c, r, rc, rr, beta: loss(margin(c, r, rc, rr), beta)


plain = lambda margin, beta: -F.logsigmoid(beta * margin).mean()

exercise.add_mistakes(
    "the reference is missing: a response that was improbable from the start would be punished for it.",
    variant(plain, lambda c, r, rc, rr: c - r),
    "the reference is added. The gain of a response is a difference, chosen - reference_chosen.",
    variant(plain, lambda c, r, rc, rr: (c + rc) - (r + rr)),
    "these are quotients of logarithms. A quotient of probabilities is a difference of logarithms.",
    variant(plain, lambda c, r, rc, rr: c / rc - r / rr),
    "the minus is missing: this loss would fall without end while the model learns the wrong thing.",
    variant(lambda margin, beta: F.logsigmoid(beta * margin).mean()),
    "the logarithm is missing: sigmoid gives a probability, and the loss is -ln of it.",
    variant(lambda margin, beta: torch.sigmoid(beta * margin).mean()),
    "the logarithm is missing: sigmoid gives a probability, and the loss is -ln of it.",
    variant(lambda margin, beta: 1 - torch.sigmoid(beta * margin).mean()),
    "you add the pairs up. Take their mean, or the loss grows with the batch.",
    variant(lambda margin, beta: -F.logsigmoid(beta * margin).sum()),
    "beta stands outside: it would only change the learning rate. Multiply the margin by it.",
    variant(lambda margin, beta: -beta * F.logsigmoid(margin).mean()),
    "the sign of the margin is wrong: the model would learn to prefer the rejected response.",
    variant(lambda margin, beta: plain(-margin, beta)),
    "only the chosen response counts in your loss. The rejected one has to become less probable beside it.",
    variant(plain, lambda c, r, rc, rr: c - rc),
    "beta multiplies only the model's two log-probabilities. Multiply the whole margin.",
    lambda c, r, rc, rr, beta: plain(beta * (c - r) - (rc - rr), 1.0),
    "beta is missing.",
    variant(lambda margin, beta: plain(margin, 1.0)),
    "you divide by beta. A small beta makes a gain count less: multiply.",
    variant(lambda margin, beta: plain(margin, 1 / beta)),
    "you take the mean of the margins first. Each pair has its own sigmoid, and the mean comes last.",
    variant(lambda margin, beta: plain(margin.mean(), beta)),
    "the logarithm of the mean isn't the mean of the logarithms: the mean comes last.",
    variant(lambda margin, beta: -torch.sigmoid(beta * margin).mean().log()),
    "the sigmoid has become 0, and its logarithm infinite. F.logsigmoid computes both in one.",
    variant(lambda margin, beta: -torch.sigmoid(beta * margin).log().mean()),
)
