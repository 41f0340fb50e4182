"""Cross-entropy: the loss of a batch."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, tensor

from course_utils.evaluation import next_token_loss, token_surprises
from course_utils.exercises.core import Exercise, probes


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean of -ln p(target) over all targets that are not -100: logits (B, T, V), targets (B, T)."""
    return next_token_loss(logits, targets)


LN2, LN3 = math.log(2), math.log(3)

exercise = Exercise(
    cross_entropy,
    minutes=20,
    difficulty=3,
    shown="the mean surprise of the true tokens, however large the logits are, and padding left out.",
    hints=(
        "The loss at one position is ln(sum of exp(logits)) minus the logit of the true token. Write that for one "
        "position first.",
        "logits.log_softmax(dim=-1) holds all ln p at once, without overflow. gather(-1, targets[..., None]) picks "
        "those of the true tokens; -100 is no place to pick from.",
        "counted = targets != -100; then logits[counted] is (N, V) and targets[counted] is (N,). Of these take "
        "logsumexp(dim=-1) minus the picked logits, and the mean. If nothing is counted, raise ValueError.",
    ),
    probes=probes(
        ("four tokens, all alike", tensor([[[1.0, 1.0, 1.0, 1.0]]]), tensor([[2]])),
        "Each token has p = 1/4, so the loss is ln 4 = 1.386.",
        ("3 to 1", tensor([[[LN3, 0]]]), tensor([[0]])),
        "p = [.75, .25], and the first came: -ln .75 = 0.288.",
        ("the less probable token came", tensor([[[2.0, 1.0, 0.0]]]), tensor([[1]])),
        "-ln p of token 1, whatever the model's favourite was.",
        ("the mean over texts", tensor([[[LN3, 0.0]], [[0.0, 0.0]]]), tensor([[0], [1]])),
        "Two texts with one position each: add both surprises and divide by 2.",
        ("the mean over positions", tensor([[[LN3, 0.0], [0.0, 0.0], [0.0, LN3]]]), tensor([[0, 1, 0]])),
        "Three surprises, one for each position: add them and divide by 3.",
        ("two texts of two", tensor([[[LN3, 0.0], [0.0, 0.0]], [[0.0, LN3], [0.0, LN2]]]), tensor([[0, 0], [0, 0]])),
        "All positions of all texts are averaged together.",
        ("-100 is not counted", tensor([[[LN2, 0.0, 0.0], [0.0, LN2, 0.0], [0.0, 9.0, 5.0]]]), tensor([[0, 0, -100]])),
        "Leave positions with target -100 out before you pick: two are left.",
        ("a short text", tensor([[[LN3, 0.0], [0.0, 0.0]], [[0.0, LN3], [0.0, 0.0]]]), tensor([[0, 1], [0, -100]])),
        "Three tokens are counted. Each weighs the same, in whichever text it is.",
        ("certain and right", tensor([[[1000.0, 0.0]]]), tensor([[0]])),
        "exp(1000) is infinite: use log_softmax or logsumexp, which subtract the largest logit first.",
        ("certain and wrong", tensor([[[1000.0, 0.0]]]), tensor([[1]])),
        "The loss is 1000. Never take the logarithm of a probability that was rounded to 0.",
        ("nothing to count", tensor([[[1.0, 2.0]]]), tensor([[-100]])),
        "A mean of nothing doesn't exist: raise ValueError.",
    ),
    hidden=probes(
        ("padding in two texts", torch.arange(24.0).sin().reshape(2, 3, 4), tensor([[3, 1, -100], [2, -100, -100]])),
        "Take the mean over the tokens that count, whatever the sizes are.",
        ("nothing to count in two texts", torch.zeros(2, 2, 3), torch.full((2, 2), -100)),
        "A mean of nothing doesn't exist: raise ValueError.",
    ),
    package=(next_token_loss, token_surprises),
)


def of_targets(values, targets):
    """Pick from values (B, T, V) the one of each counted target, (N,)."""
    counted = targets != -100
    return values[counted].gather(-1, targets[counted][:, None]).squeeze(-1)


p = lambda logits, targets: of_targets(logits.softmax(-1), targets)
torchs = lambda logits, targets: F.cross_entropy(logits.flatten(0, 1), targets.flatten())  # nan if none is counted

exercise.add_mistakes(
    "this is a probability. The loss is its negative logarithm.",
    lambda logits, targets: p(logits, targets).mean(),
    "the sign is wrong: a loss is at least 0.",
    lambda logits, targets: -cross_entropy(logits, targets),
    "these are bits. Take the natural logarithm: the loss is in nats.",
    lambda logits, targets: cross_entropy(logits, targets) / LN2,
    "this is log10. Take the natural logarithm.",
    lambda logits, targets: cross_entropy(logits, targets) / math.log(10),
    "a logit is not a log-probability yet. Add ln(sum of exp(logits)): the logsumexp.",
    lambda logits, targets: -of_targets(logits, targets).mean(),
    "this is the perplexity. The loss is its logarithm.",
    lambda logits, targets: cross_entropy(logits, targets).exp(),
    "your softmax goes over positions or texts. It goes over the vocabulary: dim=-1.",
    lambda logits, targets: -of_targets(logits.log_softmax(1), targets).mean(),
    "you shifted again. The targets that come in are one token later already.",
    lambda logits, targets: torchs(logits[:, :-1], targets[:, 1:]),
    "you averaged over the vocabulary. Only the true token counts, all others are multiplied by 0.",
    lambda logits, targets: -logits.log_softmax(-1).mean(),
    "you added up the whole vocabulary. Only the true token counts, all others are multiplied by 0.",
    lambda logits, targets: -logits.log_softmax(-1).sum(-1).mean(),
    "this is the entropy of the prediction: p ln p. Weigh with the truth, which is 1 for the token that came.",
    lambda logits, targets: torch.distributions.Categorical(logits=logits).entropy().mean(),
    "this is the surprise of the model's favourite. Take the token that really came.",
    lambda logits, targets: -logits.log_softmax(-1).amax(-1).mean(),
    "softmax twice. It goes from logits to probabilities, once.",
    lambda logits, targets: cross_entropy(logits.softmax(-1), targets),
    "1 - p is bounded by 1, however wrong the model is. Take -ln p.",
    lambda logits, targets: (1 - p(logits, targets)).mean(),
    "this is the sum. Divide by the number of counted tokens.",
    lambda logits, targets: token_surprises(logits, targets).sum(),
    "you divided by the number of texts. Divide by the number of counted tokens.",
    lambda logits, targets: token_surprises(logits, targets).sum() / len(targets),
    "the logarithm of the mean isn't the mean of the logarithms. Logarithm first, then the mean.",
    lambda logits, targets: -p(logits, targets).mean().log(),
    "ignored positions are in the denominator. Divide by the number of tokens that count.",
    lambda logits, targets: token_surprises(logits, targets).sum() / targets.numel(),
    "a target of -100 was counted as token 0. Leave such positions out.",
    lambda logits, targets: cross_entropy(logits, targets.clamp(min=0)),
    "-100 was taken as an index from the end. Leave such positions out.",
    lambda logits, targets: cross_entropy(logits, targets % logits.shape[-1]),
    "a mean of means: a token in a short text weighs more. Average over all counted tokens at once.",
    lambda logits, targets: torch.stack([*map(F.cross_entropy, logits, targets)]).mean(),
    "exp overflowed: infinity over infinity. Use log_softmax, or logsumexp minus the logit.",
    lambda logits, targets: -of_targets(logits.exp() / logits.exp().sum(-1, keepdim=True), targets).log().mean(),
    "the sum of exp overflowed. torch.logsumexp takes the largest logit out first.",
    lambda logits, targets: of_targets(logits.exp().sum(-1, keepdim=True).log() - logits, targets).mean(),
    "ln of a probability that was rounded to 0. Use log_softmax, or logsumexp minus the logit.",
    lambda logits, targets: -p(logits, targets).log().mean(),
    "p kept away from 0 hides how wrong the model was, and stops its gradient. Use log_softmax.",
    lambda logits, targets: -p(logits, targets).clamp(min=1e-9).log().mean(),
    "0 would say that the model is perfect. With nothing to count, raise ValueError.",
    lambda logits, targets: torchs(logits, targets).nan_to_num(0.0),
    "the mean of nothing is nan, and a nan goes through all weights in one step. Raise ValueError.",
    torchs,
)
