"""Exercise of notebook 07: the loss of a batch."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.evaluation import next_token_loss, token_surprises
from course_utils.exercises.core import Exercise, Mistake, Probe

IGNORED = -100


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean of -ln p(target) over all targets that are not -100: logits (B, T, V), targets (B, T)."""
    return next_token_loss(logits, targets)


def _of_targets(values: Tensor, targets: Tensor) -> Tensor:
    """Pick from values (B, T, V) the one of each counted target, (N,)."""
    counted = targets != IGNORED
    return values[counted].gather(-1, targets[counted][:, None]).squeeze(-1)


def _surprises(logits: Tensor, targets: Tensor) -> Tensor:
    return -_of_targets(logits.log_softmax(-1), targets)


def _over_all(logits: Tensor, targets: Tensor) -> Tensor:
    return _surprises(logits, targets).sum() / targets.numel()


def _row_means(logits: Tensor, targets: Tensor) -> Tensor:
    rows = zip(logits, targets, strict=True)
    return torch.stack([_surprises(row[None], target[None]).mean() for row, target in rows]).mean()


def _overflowing(logits: Tensor, targets: Tensor) -> Tensor:
    p = logits.exp() / logits.exp().sum(-1, keepdim=True)
    return -_of_targets(p, targets).log().mean()


def _sum_overflowing(logits: Tensor, targets: Tensor) -> Tensor:
    return _of_targets(logits.exp().sum(-1, keepdim=True).log() - logits, targets).mean()


def _most_probable(logits: Tensor, targets: Tensor) -> Tensor:
    return -logits.log_softmax(-1).amax(-1)[targets != IGNORED].mean()


def _shifted_again(logits: Tensor, targets: Tensor) -> Tensor:
    return _surprises(logits[:, :-1], targets[:, 1:]).mean()


def _zero_if_none(logits: Tensor, targets: Tensor) -> Tensor:
    found = _surprises(logits, targets)
    return found.mean() if found.numel() else torch.zeros(())


def _probability_floor(logits: Tensor, targets: Tensor) -> Tensor:
    return -(_of_targets(logits.softmax(-1), targets) + 1e-9).log().mean()


def _probability_clamped(logits: Tensor, targets: Tensor) -> Tensor:
    return -_of_targets(logits.softmax(-1), targets).clamp(min=1e-9).log().mean()


def _batch(*rows: list[list[float]]) -> Tensor:
    return torch.tensor(rows)


LN2, LN3 = math.log(2), math.log(3)

cross_entropy = Exercise(
    cross_entropy,
    shown="the mean surprise of the true tokens, however large the logits are, and padding left out.",
    hints=(
        "The loss at one position is ln(sum of exp(logits)) minus the logit of the true token. Write that for one "
        "position first.",
        "logits.log_softmax(dim=-1) holds all ln p at once, without overflow. gather(-1, targets[..., None]) picks "
        "those of the true tokens; -100 is no place to pick from.",
        "counted = targets != -100; then logits[counted] is (N, V) and targets[counted] is (N,). Of these take "
        "logsumexp(dim=-1) minus the picked logits, and the mean. If nothing is counted, raise ValueError.",
    ),
    probes=(
        Probe(
            "four tokens, all alike",
            (_batch([[1.0, 1.0, 1.0, 1.0]]), torch.tensor([[2]])),
            "Each token has p = 1/4, so the loss is ln 4 = 1.386.",
        ),
        Probe(
            "three to one",
            (_batch([[LN3, 0.0]]), torch.tensor([[0]])),
            "p = [.75, .25], and the first came: -ln .75 = 0.288.",
        ),
        Probe(
            "the less probable token came",
            (_batch([[2.0, 1.0, 0.0]]), torch.tensor([[1]])),
            "-ln p of token 1, whatever the model's favourite was.",
        ),
        Probe(
            "the mean over texts",
            (_batch([[LN3, 0.0]], [[0.0, 0.0]]), torch.tensor([[0], [1]])),
            "Two texts with one position each: add both surprises and divide by 2.",
        ),
        Probe(
            "the mean over positions",
            (_batch([[LN3, 0.0], [0.0, 0.0], [0.0, LN3]]), torch.tensor([[0, 1, 0]])),
            "Three surprises, one for each position: add them and divide by 3.",
        ),
        Probe(
            "two texts with two positions each",
            (_batch([[LN3, 0.0], [0.0, 0.0]], [[0.0, LN3], [0.0, LN2]]), torch.tensor([[0, 0], [0, 0]])),
            "All positions of all texts are averaged together.",
        ),
        Probe(
            "-100 is not counted",
            (_batch([[LN2, 0.0, 0.0], [0.0, LN2, 0.0], [0.0, 9.0, 5.0]]), torch.tensor([[0, 0, -100]])),
            "Leave positions with target -100 out before you pick: two are left.",
        ),
        Probe(
            "a short text and a long one",
            (_batch([[LN3, 0.0], [0.0, 0.0]], [[0.0, LN3], [0.0, 0.0]]), torch.tensor([[0, 1], [0, -100]])),
            "Three tokens are counted. Each weighs the same, in whichever text it is.",
        ),
        Probe(
            "certain and right",
            (_batch([[1000.0, 0.0]]), torch.tensor([[0]])),
            "exp(1000) is infinite: use log_softmax or logsumexp, which subtract the largest logit first.",
        ),
        Probe(
            "certain and wrong",
            (_batch([[1000.0, 0.0]]), torch.tensor([[1]])),
            "The loss is 1000. Never take the logarithm of a probability that was rounded to 0.",
        ),
        Probe(
            "nothing to count",
            (_batch([[1.0, 2.0]]), torch.tensor([[-100]])),
            "A mean of nothing doesn't exist: raise ValueError.",
        ),
    ),
    mistakes=(
        Mistake(
            lambda u, y: _of_targets(u.softmax(-1), y).mean(),
            "this is a probability. The loss is its negative logarithm.",
        ),
        Mistake(lambda u, y: -_surprises(u, y).mean(), "the sign is wrong: a loss is at least 0."),
        Mistake(
            lambda u, y: _surprises(u, y).mean() / LN2,
            "these are bits. Take the natural logarithm: the loss is in nats.",
        ),
        Mistake(lambda u, y: _surprises(u, y).mean() / math.log(10), "this is log10. Take the natural logarithm."),
        Mistake(
            lambda u, y: -_of_targets(u, y).mean(),
            "a logit is not a log-probability yet. Add ln(sum of exp(logits)): the logsumexp.",
        ),
        Mistake(lambda u, y: _surprises(u, y).mean().exp(), "this is the perplexity. The loss is its logarithm."),
        Mistake(
            lambda u, y: -_of_targets(u.log_softmax(1), y).mean(),
            "your softmax goes over positions or texts. It goes over the vocabulary: dim=-1.",
        ),
        Mistake(
            lambda u, y: -_of_targets(u.log_softmax(0), y).mean(),
            "your softmax goes over positions or texts. It goes over the vocabulary: dim=-1.",
        ),
        Mistake(
            _shifted_again,
            "you shifted again. The targets that come in are one token later already.",
        ),
        Mistake(
            lambda u, y: -u.log_softmax(-1).mean(),
            "you averaged over the vocabulary. Only the true token counts, all others are multiplied by 0.",
        ),
        Mistake(
            lambda u, y: -u.log_softmax(-1).sum(-1).mean(),
            "you added up the whole vocabulary. Only the true token counts, all others are multiplied by 0.",
        ),
        Mistake(
            lambda u, y: -(u.softmax(-1) * u.log_softmax(-1)).sum(-1).mean(),
            "this is the entropy of the prediction: p ln p. Weigh with the truth, which is 1 for the token that came.",
        ),
        Mistake(_most_probable, "this is the surprise of the model's favourite. Take the token that really came."),
        Mistake(
            lambda u, y: _surprises(u.softmax(-1), y).mean(),
            "softmax twice. It goes from logits to probabilities, once.",
        ),
        Mistake(
            lambda u, y: (1 - _of_targets(u.softmax(-1), y)).mean(),
            "1 - p is bounded by 1, however wrong the model is. Take -ln p.",
        ),
        Mistake(lambda u, y: _surprises(u, y).sum(), "this is the sum. Divide by the number of counted tokens."),
        Mistake(
            lambda u, y: _surprises(u, y).sum() / len(y),
            "you divided by the number of texts. Divide by the number of counted tokens.",
        ),
        Mistake(
            lambda u, y: -_of_targets(u.softmax(-1), y).mean().log(),
            "the logarithm of the mean isn't the mean of the logarithms. Logarithm first, then the mean.",
        ),
        Mistake(
            _over_all,
            "ignored positions are in the denominator. Divide by the number of tokens that count.",
        ),
        Mistake(
            lambda u, y: F.cross_entropy(u.flatten(0, 1), y.flatten().clamp(min=0)),
            "a target of -100 was counted as token 0. Leave such positions out.",
        ),
        Mistake(
            lambda u, y: F.cross_entropy(u.flatten(0, 1), y.flatten() % u.shape[-1]),
            "-100 was taken as an index from the end. Leave such positions out.",
        ),
        Mistake(
            _row_means,
            "a mean of means: a token in a short text weighs more. Average over all counted tokens at once.",
        ),
        Mistake(
            _overflowing,
            "exp overflowed: infinity over infinity. Use log_softmax, or logsumexp minus the logit.",
        ),
        Mistake(
            _sum_overflowing,
            "the sum of exp overflowed. torch.logsumexp takes the largest logit out first.",
        ),
        Mistake(
            lambda u, y: -_of_targets(u.softmax(-1), y).log().mean(),
            "ln of a probability that was rounded to 0. Use log_softmax, or logsumexp minus the logit.",
        ),
        Mistake(
            _probability_floor,
            "p kept away from 0 hides how wrong the model was, and stops its gradient. Use log_softmax.",
        ),
        Mistake(
            _probability_clamped,
            "p kept away from 0 hides how wrong the model was, and stops its gradient. Use log_softmax.",
        ),
        Mistake(_zero_if_none, "0 would say that the model is perfect. With nothing to count, raise ValueError."),
        Mistake(
            lambda u, y: _surprises(u, y).mean(),
            "the mean of nothing is nan, and a nan goes through all weights in one step. Raise ValueError.",
        ),
    ),
    package=(next_token_loss, token_surprises),
)
