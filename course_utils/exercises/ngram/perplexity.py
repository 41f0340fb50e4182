"""Exercise of notebook 01: the perplexity of several sentences."""

import math
from itertools import chain

from course_utils.exercises.core import Exercise, Mistake, Probe

Probs = list[list[float]]


def corpus_perplexity(sentence_probs: list[list[float]]) -> float:
    """Return the perplexity of a text from the probability of each token, a list for each sentence.

    exp of the mean of -ln p over all tokens of all sentences; infinite if a token has probability 0.

    Raises:
        ValueError: there is no token.

    Source: Jurafsky and Martin, "Speech and Language Processing", section 3.3.
    """
    probs = [p for sentence in sentence_probs for p in sentence]
    if not probs:
        raise ValueError("sentence_probs holds no token: there is no mean to take")
    if 0 in probs:
        return math.inf
    return math.exp(-sum(math.log(p) for p in probs) / len(probs))


def _all(sentences: Probs) -> list[float]:
    return list(chain.from_iterable(sentences))


def _bits(probs: list[float]) -> float:
    """Sum of the surprise in bits."""
    return sum(-math.log2(p) if p else math.inf for p in probs)


def _perplexity(probs: list[float]) -> float:
    return 2 ** (_bits(probs) / len(probs))


def _mean(values) -> float:
    values = list(values)
    return sum(values) / len(values)


def _product(sentences: Probs) -> float:
    product = math.prod(_all(sentences))
    return product ** (-1 / len(_all(sentences))) if product else math.inf


corpus_perplexity = Exercise(
    corpus_perplexity,
    shown="exp of the mean surprise over all tokens of all sentences.",
    hints=(
        "Perplexity belongs to the whole text. Put the tokens of all sentences into one list first.",
        "Take the mean of -math.log(p) over that list, then math.exp of the mean.",
        "Two cases come first: no token is a ValueError, and a probability of 0 makes the perplexity math.inf.",
    ),
    probes=(
        Probe("as unsure as a coin", ([[0.5, 0.5, 0.5], [0.5, 0.5]],), "Two choices each time: the perplexity is 2."),
        Probe(
            "a mean of logarithms",
            ([[0.5, 0.125]],),
            "The mean surprise is (1 + 3) / 2 = 2 bits; the perplexity is 2 to the power of 2.",
        ),
        Probe(
            "a long sentence weighs more",
            ([[0.5], [0.125, 0.125, 0.125]],),
            "Each token weighs the same: the mean surprise is (1 + 3 + 3 + 3) / 4 = 2.5 bits.",
        ),
        Probe("a model that is certain", ([[1.0, 1.0, 1.0]],), "Without any surprise the perplexity is 1."),
        Probe("a long text", ([[0.1] * 400],), "0.1 to the power of 400 is 0 in a float. Add logarithms instead."),
        Probe("an impossible token", ([[0.5, 0.25], [0.0, 0.5]],), "One probability of 0 is enough: return math.inf."),
        Probe("no token at all", ([[], []],), "Without tokens there is no mean: raise ValueError and say so."),
    ),
    mistakes=(
        Mistake(
            lambda s: _bits(_all(s)) / len(_all(s)),
            "this is the cross-entropy in bits. The perplexity is 2 to its power.",
        ),
        Mistake(
            lambda s: math.log(2) * _bits(_all(s)) / len(_all(s)),
            "this is the cross-entropy in nats. The perplexity is exp of it.",
        ),
        Mistake(
            lambda s: math.exp(_bits(_all(s)) / len(_all(s))),
            "you took exp of bits. It is 2 to the power of bits, or exp of nats.",
        ),
        Mistake(
            lambda s: 2 ** (math.log(2) * _bits(_all(s)) / len(_all(s))),
            "you took 2 to the power of nats. It is exp of nats, or 2 to the power of bits.",
        ),
        Mistake(
            lambda s: 1 / _perplexity(_all(s)),
            "the minus is missing: this is the mean probability of a token. Perplexity is at least 1.",
        ),
        Mistake(lambda s: 2 ** _bits(_all(s)), "the N-th root is missing: divide the sum of logarithms by the tokens."),
        Mistake(
            lambda s: 2 ** (_bits(_all(s)) / max(1, len(_all(s)) - len(s))),
            "you divided by the words without </s>, but summed with it. Count what you sum.",
        ),
        Mistake(
            lambda s: _perplexity([p for sentence in s for p in sentence[:-1]]),
            "you left out the last token of each sentence. </s> is predicted, so it counts.",
        ),
        Mistake(
            lambda s: _mean(1 / p for p in _all(s)),
            "you averaged 1 / p. Average the logarithms, then take exp: the mean is geometric.",
        ),
        Mistake(
            lambda s: 1 / _mean(_all(s)),
            "you averaged the probabilities. Average their logarithms: the mean is geometric.",
        ),
        Mistake(
            lambda s: _mean(_perplexity(sentence) for sentence in s),
            "this is the mean of the sentences' perplexities. Pool the tokens first: a long sentence weighs more.",
        ),
        Mistake(
            lambda s: 2 ** _mean(_bits(sentence) / len(sentence) for sentence in s),
            "each sentence weighs the same in your mean. Pool the tokens first: a long sentence weighs more.",
        ),
        Mistake(
            lambda s: 2 ** (_bits(_all(s)) / len(s)),
            "you divided by the number of sentences. Divide by the number of tokens.",
        ),
        Mistake(_product, "the product of all probabilities fell to 0 in a float. Add logarithms instead."),
        Mistake(
            lambda s: _perplexity([p for p in _all(s) if p]),
            "you left out the token with probability 0. Then the worst mistake costs nothing: return math.inf.",
        ),
        Mistake(
            lambda s: _perplexity([p for sentence in s if all(sentence) for p in sentence]),
            "you left out the sentence with probability 0. Then the worst mistake costs nothing: return math.inf.",
        ),
    ),
)
