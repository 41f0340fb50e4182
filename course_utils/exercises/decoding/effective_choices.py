"""Effective choices: the perplexity of a prediction."""

import math

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def effective_choices(probs: Tensor) -> float:
    """Return among how many equally likely tokens a model chooses: 2 ** entropy of probs (V,) in bits.

    Raises:
        ValueError: probs are no probabilities.

    Source: Jurafsky and Martin, "Speech and Language Processing", section 3.7.
    """
    if not ((probs >= 0).all() and math.isclose(probs.sum(), 1, rel_tol=1e-4)):
        raise ValueError(f"probs must be at least 0 and sum to 1, got {probs.tolist()}")
    possible = probs[probs > 0]  # what never comes contributes nothing
    bits = -(possible * possible.log2()).sum()
    return 2 ** float(bits)


exercise = Exercise(
    effective_choices,
    minutes=10,
    difficulty=2,
    shown="2 ** entropy: 1 when certain, V when all V tokens are equally likely.",
    hints=(
        "With 4 equally likely tokens each comes with a surprise of 2 bits, and 2 ** 2 is 4. What is the mean surprise "
        "if they aren't equally likely?",
        "The entropy is the sum of -p * log2(p) over the tokens: what is more probable weighs more.",
        "possible = probs[probs > 0], then 2 ** -(possible * possible.log2()).sum().item(). First raise ValueError "
        "unless (probs >= 0).all() and the sum is 1, up to rounding.",
    ),
    probes=probes(
        ("eight tokens, all alike", torch.full((8,), 0.125)),
        "Each token has a surprise of 3 bits, and 2 ** 3 is 8.",
        ("one token stands out", tensor([0.125, 0.5, 0.25, 0.125])),
        "The entropy is .125 * 3 + .5 * 1 + .25 * 2 + .125 * 3 = 1.75 bits.",
        ("a token that never comes", tensor([0.5, 0.0, 0.5])),
        "A probability of 0 contributes nothing: two choices are left.",
        ("one token is certain", tensor([0.0, 1.0, 0.0])),
        "Where one token is certain there is one choice.",
        ("less than 1 in all", tensor([0.5, 0.25])),
        "Probabilities sum to 1: raise ValueError and say so.",
        ("a negative number", tensor([1.25, -0.25])),
        "No probability is below 0: raise ValueError and say so.",
    ),
    hidden=probes(
        ("four of another kind", tensor([0.6, 0.0, 0.3, 0.1])),
        "Weigh each surprise by its probability, add up, and raise 2 to that power.",
        ("logits", tensor([2.0, -1.5, 0.25])),
        "Logits are no probabilities: raise ValueError.",
    ),
)

entropy = lambda probs: torch.special.entr(probs).sum().item()  # in nats
bits = lambda probs: -(probs * probs.log2())  # nan for p = 0

exercise.add_mistakes(
    "this is the entropy in bits. Raise 2 to its power.",
    lambda probs: entropy(probs) / math.log(2),
    "this is the entropy in nats. Raise e to its power.",
    entropy,
    "you raised e to a number of bits. It is 2 to the power of bits, or e to the power of nats.",
    lambda probs: math.exp(entropy(probs) / math.log(2)),
    "you raised 2 to a number of nats. It is 2 to the power of bits, or e to the power of nats.",
    lambda probs: 2 ** entropy(probs),
    "the minus is missing. There is at least one choice, so the result is at least 1.",
    lambda probs: math.exp(-entropy(probs)),
    "the surprises are added up without their weights. Multiply each by its probability.",
    lambda probs: 2 ** -probs.log2().sum().item(),
    "you divided by the number of tokens. The probabilities are the weights of the mean already: add up.",
    lambda probs: 2 ** bits(probs).mean().item(),
    "each token weighs the same in your mean. Weigh its surprise by its probability.",
    lambda probs: 2 ** -probs.log2().mean().item(),
    "this counts the tokens. One that hardly ever comes is hardly a choice: take 2 ** entropy.",
    lambda probs: float(len(probs)),
    "this is 1 / the sum of p ** 2, the inverse of Simpson's index. Take 2 ** entropy.",
    lambda probs: 1 / probs.pow(2).sum().item(),
    "this looks at the most probable token alone. The entropy is a mean over all tokens.",
    lambda probs: 1 / probs.max().item(),
    "this is the perplexity of a single token. The entropy is a mean over all that may come.",
    lambda probs: 1 / probs[0].item(),
    "0 * log 0 is nan in floats. Leave out the tokens with probability 0.",
    lambda probs: 2 ** bits(probs).sum().item(),
    "you divided by the sum, which hides the mistake of the caller. Raise ValueError.",
    lambda probs: math.exp(entropy(probs / probs.sum())),
    "numbers that don't sum to 1 are no probabilities. Raise ValueError.",
    lambda probs: math.exp(entropy(probs)),
    "a sum of 1 isn't enough: a probability is never negative. Raise ValueError.",
    lambda probs: math.exp(entropy(probs.clamp(min=0))) if abs(probs.sum() - 1) < 1e-4 else effective_choices(probs),
)
