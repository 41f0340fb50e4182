"""A real bug by its symptom: a text's loss falls when its neighbour in the batch gets longer."""

import torch
import torch.nn.functional as F
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def padded_loss(logits: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
    """Return the mean surprise of the batch's real tokens in nats, a scalar; each counts as much as any other.

    A token counts if it is real and the token before it, which has to predict it, is real too.

    Args:
        logits: (B, T, V); those at position t are about token t + 1.
        ids: (B, T).
        mask: True at real tokens, (B, T); two neighbours at least are real.

    Source of the bugs: huggingface/trl, pull request 1625, and huggingface/transformers, pull request 34191 (2024).
    """
    counted = mask[:, 1:] & mask[:, :-1]  # (B, T - 1)
    return F.cross_entropy(logits[:, :-1][counted], ids[:, 1:][counted])


def sure(*rows: str) -> Tensor:
    """Logits over the tokens 0, 1, 2 that give token 0 at each position 0 to 9 more than the two others."""
    return tensor([[[float(digit), 0.0, 0.0] for digit in row] for row in rows])


real = lambda *rows: tensor([[digit == "1" for digit in row] for row in rows])
WAVES = torch.arange(90.0).sin() * 3

exercise = Exercise(
    padded_loss,
    minutes=20,
    difficulty=2,
    shown="padding isn't scored, every real token weighs the same, and a text's loss no longer depends on its company.",
    hints=(
        "Add padding to a single text and print the loss. Then put a short and a long text into one batch: how much "
        "does a token of each weigh?",
        "Shift first: logits[:, :-1] are about ids[:, 1:]. Which of these targets are real, and predicted by real "
        "tokens? That is a bool tensor (B, T - 1).",
        "counted = mask[:, 1:] & mask[:, :-1], then F.cross_entropy(logits[:, :-1][counted], ids[:, 1:][counted]), "
        "which is one mean over all of them.",
    ),
    probes=probes(
        ("one text, no padding", sure("123"), tensor([[0, 1, 0]]), real("111")),
        "Position 0 is about token 1, position 1 about token 0. What position 2 predicts isn't known.",
        ("one text and padding", sure("12399"), tensor([[0, 1, 0, 0, 0]]), real("11100")),
        "The same text must have the same loss. Padding is easy to predict, and would make it look better.",
        ("two texts of one length", sure("123", "011"), tensor([[0, 1, 0], [0, 2, 1]]), real("111", "111")),
        "The mean of four surprises.",
        (
            "two texts of different lengths",
            sure("1234", "5199"),
            tensor([[0, 1, 0, 2], [0, 2, 0, 0]]),
            real("1111", "1100"),
        ),
        "Three tokens of the first text and one of the second: four that weigh a quarter each.",
        ("padding on the left", sure("9123"), tensor([[0, 1, 1, 0]]), real("0111")),
        "A text's first token has nothing before it but padding: don't count it.",
        (
            "padding whose logits are no numbers",
            sure("1230") * tensor([1.0, 1.0, torch.nan, 1.0])[:, None],
            tensor([[0, 1, 0, 0]]),
            real("1100"),
        ),
        "What stands at padding must do no harm. Choose the counted ones: 0 * nan is nan.",
    ),
    hidden=probes(
        ("three texts", WAVES.view(3, 6, 5), torch.arange(18).view(3, 6) % 5, real("111100", "111111", "001110")),
        "The mean over all real tokens that a real one predicts.",
    ),
)


def variant(count, mean=lambda surprises, counted: (surprises * counted).sum() / counted.sum()):
    """An answer that counts the targets count(mask), (B, T - 1), and takes the mean in its own way."""

    def answer(logits, ids, mask):
        surprises = F.cross_entropy(logits[:, :-1].mT, ids[:, 1:], reduction="none")  # (B, T - 1)
        return mean(surprises, count(mask))

    return answer


right = lambda mask: mask[:, 1:] & mask[:, :-1]
row_means = lambda surprises, counted: ((surprises * counted).sum(1) / counted.sum(1)).mean()

exercise.add_mistakes(
    "nothing is shifted: you ask each position for the token that it has just read.",
    lambda logits, ids, mask: F.cross_entropy(logits[mask], ids[mask]),
    "the shift goes the wrong way: you ask each position for the token before it.",
    lambda logits, ids, mask: F.cross_entropy(logits[:, 1:].mT, ids[:, :-1]),
    "this is a sum. Divide by the number of counted tokens.",
    variant(right, lambda surprises, counted: (surprises * counted).sum()),
    "this is a perplexity, the exponential of the loss.",
    lambda logits, ids, mask: padded_loss(logits, ids, mask).exp(),
    "this counts in bits: log2 in place of the natural logarithm.",
    lambda logits, ids, mask: padded_loss(logits, ids, mask) / torch.tensor(2.0).log(),
    "padding is scored. It is easy to predict, so a text's loss falls when its neighbour is longer.",
    variant(lambda mask: torch.ones_like(mask[:, 1:])),
    "the mask isn't shifted with the targets: the last real token is asked for the padding behind it. Whether a target "
    "is real says mask[:, 1:].",
    variant(lambda mask: mask[:, :-1]),
    "padding isn't added up any more, but you still divide by its number.",
    variant(right, lambda surprises, counted: (surprises * counted).mean()),
    "this divides by the number of real tokens; the first token of each text has no prediction, so it isn't counted.",
    lambda logits, ids, mask: padded_loss(logits, ids, mask) * right(mask).sum() / mask.sum(),
    "this is a mean of the texts' means: the only token of the short text weighs as much as three of the long one.",
    variant(right, row_means),
    "the first token behind padding on the left is counted, and padding has to predict it.",
    variant(lambda mask: mask[:, 1:]),
    "0 times nan is nan. Choose the counted positions; don't multiply the others by 0.",
    variant(right),
)
