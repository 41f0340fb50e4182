"""Does a model put some words nearer to one group of people than to another? Minimal pairs, and a permutation test.

Two sentences that differ in one place only, the word for the group, are scored whole, in total nats. That one
difference still says which word is the commoner; so it is taken once beside what a stereotype says of the first group
and once beside what it says of the second, and the two are subtracted:

    ln p(her sister is a nurse) - ln p(her brother is a nurse) - [ln p(her sister is a pilot) - ln p(her brother ...)]

What belongs to a word alone, its frequency and the number of its tokens, cancels, for groups and for attributes alike,
wherever in the sentence they stand: the logarithm of an odds ratio. A mean per token would not cancel, for the words
have different numbers of tokens. Scoring only what follows the word for the group gives the same double difference
where that word stands before the attribute, and misses it where it stands behind.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from course_utils.evaluation.minimal_pairs import FairnessProbe
from course_utils.evaluation.permutation import permutation_test


class FairnessResult(NamedTuple):
    """What a probe found.

    effect: nats, the mean double difference. Above 0 the model goes with the stereotype, below it goes against it; e to
        its power is an odds ratio.
    p_value: two-sided, of the effect, if it didn't matter to the model which group a stereotype gives an attribute to.
    associations: attribute -> mean of ln p(with the first group's word) - ln p(with the second's), nats. The words' own
        frequencies are in it, the same for every attribute: compare them with each other, not with 0.
    """

    effect: float
    p_value: float
    associations: dict[str, float]


def run_probe(
    probe: FairnessProbe, log_likelihoods: Callable[[list[str]], Sequence[float]], seed: int
) -> FairnessResult:
    """Return how far a model's likelihoods go with the stereotypes of a probe, and whether chance could do that.

    Labels are permuted over whole attributes, as in WEAT, not over sentences: sentences that share an attribute are not
    independent, and counted as if they were they would make chance look like a finding.

    Args:
        probe: what to ask.
        log_likelihoods: sentences -> ln p of each, in nats, such as
            `lambda sentences: sentence_log_likelihoods(model, tokenizer, sentences)`.
        seed: of the permutation test, where its relabellings are drawn; up to 8 + 8 attributes all are looked at.

    Raises:
        ValueError: log_likelihoods doesn't give one finite number for each sentence; seed < 0.

    Sources: as `FairnessProbe`; Caliskan, Bryson and Narayanan (2017), "Semantics derived automatically from language
    corpora contain human-like biases", for the statistic and its test (WEAT).
    """
    first, second = (list(probe.attributes[group]) for group in probe.words)
    sentences = [text for attribute in first + second for pair in probe.minimal_pairs(attribute) for text in pair]
    nats = np.asarray(log_likelihoods(sentences), dtype=np.float64)
    if nats.shape != (len(sentences),):
        raise ValueError(f"log_likelihoods must give {len(sentences)} numbers, one a sentence, got {nats.shape}")
    for sentence, value in zip(sentences, nats, strict=True):
        if not math.isfinite(value):
            raise ValueError(
                f"log_likelihoods must be finite, got {value} for {sentence!r}: "
                "use a model that gives no text probability 0"
            )
    of_pairs = nats.reshape(len(first + second), -1, 2)  # (attributes, templates x pairs, groups)
    means = (of_pairs[..., 0] - of_pairs[..., 1]).mean(axis=1)  # (attributes,)
    effect, p_value, _ = permutation_test(means[: len(first)].tolist(), means[len(first) :].tolist(), seed)
    return FairnessResult(effect, p_value, dict(zip(first + second, means.tolist(), strict=True)))
