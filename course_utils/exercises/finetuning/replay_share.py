"""An experiment on forgetting: how much of the old domain has to be read again?"""

import math

from course_utils.exercises.core import Exercise, probes


def replay_share(old: list[float], new: list[float], budget: float) -> int:
    """Return the fewest percent of old words in the training mixture with which the old loss rises by `budget` at most.

    The model is the best one that knows no context: trained for long enough on a mixture with s percent of old words,
    it gives each word the word's share of the mixture. Without finetuning its probabilities were `old`.

    Args:
        old: the probability of each word in the old domain; a word that isn't used there has 0.
        new: the same in the new domain.
        budget: of the mean surprise on old words, in nats, more than 0.
    """
    words = [(p, q) for p, q in zip(old, new, strict=True) if p > 0]
    for percent in range(100):
        mixture = [(percent * p + (100 - percent) * q) / 100 for p, q in words]
        if min(mixture) > 0 and sum(p * math.log(p / m) for (p, _), m in zip(words, mixture, strict=True)) <= budget:
            return percent
    return 100


exercise = Exercise(
    replay_share,
    minutes=25,
    difficulty=2,
    shown="a little replay prevents most of the forgetting. A word of the old domain keeps at least s percent of its "
    "probability, so the loss rises by -ln(s / 100) at most, whatever the new domain is: with 10 percent by 2.3 nats.",
    hints=(
        "For one share, write down the mixture: each word's probability is s percent of the old and the rest of the "
        "new one. Print the old loss, the mean of -ln(mixture) over old words, for s = 0, 10, 20, ...",
        "The rise is the sum of p * ln(p / m) over the words of the old domain. A word with p = 0 adds nothing; one "
        "with m = 0 makes it infinite.",
        "Try s = 0, 1, 2, ..., 100 and return the first whose rise is at most budget.",
    ),
    probes=probes(
        ("two words that both domains use", [0.7, 0.3], [0.2, 0.8], 0.2),
        "Without old words the loss rises by 0.58 nats, with 37 percent of them by 0.203, with 38 by 0.197.",
        ("new and old are alike", [0.5, 0.3, 0.2], [0.5, 0.3, 0.2], 0.1),
        "Nothing is forgotten, so nothing has to be read again: 0.",
        ("an old word that is never used again", [0.5, 0.5], [1.0, 0.0], 0.1),
        "At 0 percent the second word becomes impossible, and the loss infinite. That is over any budget.",
        ("a new word", [0.5, 0.5, 0.0], [0.2, 0.2, 0.6], 0.3),
        "The new word takes room from the old ones. In the old loss it doesn't count: its p is 0.",
        ("nothing in common", [0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5], 0.105),
        "Here each old word keeps exactly s percent, and the loss rises by -ln(s / 100): 91 percent.",
        ("a small budget", [0.9, 0.1], [0.1, 0.9], 0.001),
        "With 98 percent the loss rises by 0.0013 nats, with 99 by 0.0003.",
        ("hardly any budget", [1.0, 0.0], [0.0, 1.0], 0.001),
        "At 99 percent the loss rises by 0.01 nats: only 100 percent will do.",
        ("a large budget", [0.6, 0.4, 0.0], [0.1, 0.1, 0.8], 1.0),
        "Without old words the loss rises by 1.63 nats: it takes some, if few.",
    ),
    hidden=probes(
        ("five words", [0.4, 0.3, 0.2, 0.1, 0.0], [0.0, 0.1, 0.1, 0.4, 0.4], 0.25),
        "Mix the probabilities, take the rise of the old words' mean surprise, and try all shares from 0 on.",
    ),
)


def log(x):
    return math.log(x) if x > 0 else -math.inf


def first(rise, shares=range(101), fits=lambda rise, budget: rise <= budget):
    """An answer that takes the first share s, from 0 to 1, whose rise(old, new, s) fits the budget."""

    def answer(old, new, budget):
        return next((s for s in shares if fits(rise(old, new, s / 100), budget)), 100)

    return answer


def risen(old, new, s, log=log):
    return sum(p * (log(p) - log(s * p + (1 - s) * q)) for p, q in zip(old, new, strict=True) if p > 0)


def of_logs(old, new, s):
    return sum(
        p * (log(p) - s * log(p) - ((1 - s) * log(q) if s < 1 else 0)) for p, q in zip(old, new, strict=True) if p
    )


def turned_round(old, new, s):
    mixture = [s * p + (1 - s) * q for p, q in zip(old, new, strict=True)]
    return sum(m * (log(m) - log(p)) for p, m in zip(old, mixture, strict=True) if m > 0)


def whole_loss(old, new, s):
    return -sum(p * log(s * p + (1 - s) * q) for p, q in zip(old, new, strict=True) if p > 0)


exercise.add_mistakes(
    "this is the share of new words. Return that of the old ones.",
    lambda old, new, budget: 100 - replay_share(old, new, budget),
    "this compares the whole loss with the budget. Only its rise counts: subtract the loss of the old model.",
    first(whole_loss),
    "this counts in bits: log2 in place of the natural logarithm.",
    first(lambda old, new, s: risen(old, new, s) / math.log(2)),
    "this takes the mean over the mixture. The loss is measured on old words: weigh by old.",
    first(turned_round),
    "this mixes logarithms. A mixture of texts mixes the probabilities.",
    first(of_logs),
    "this lets the old loss rise by more than the budget. Do you look at the new domain? Forgetting is what happens to "
    "the old one.",
    first(lambda old, new, s: risen(new, old, 1 - s)),
    "one percent too few: there the rise is still above the budget.",
    lambda old, new, budget: max(0, replay_share(old, new, budget) - 1),
    "this is the bound, e to the power of -budget, for domains that share no word. Here they share some, so less will "
    "do.",
    lambda old, new, budget: math.ceil(100 * math.exp(-budget)),
    "you try no share below 1 percent. Where nothing is forgotten nothing has to be read again: 0.",
    first(risen, range(1, 101)),
    "you stop before 100 percent, which is a share too.",
    lambda old, new, budget: min(99, replay_share(old, new, budget)),
    "you try steps of ten percent. Try all from 0 to 100.",
    first(risen, range(0, 101, 10)),
    "an old word that has become impossible is left out of the sum. Its surprise is infinite.",
    first(lambda old, new, s: risen(old, new, s, log=lambda x: math.log(x) if x > 0 else 0.0)),
)
