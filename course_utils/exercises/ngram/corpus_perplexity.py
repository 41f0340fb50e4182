"""The perplexity of several sentences."""

import math
from itertools import chain
from statistics import fmean

from course_utils.exercises.core import Exercise, probes


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


exercise = Exercise(
    corpus_perplexity,
    minutes=15,
    difficulty=2,
    shown="exp of the mean surprise over all tokens of all sentences.",
    hints=(
        "Perplexity belongs to the whole text. Put the tokens of all sentences into one list first.",
        "Take the mean of -math.log(p) over that list, then math.exp of the mean.",
        "Two cases come first: no token is a ValueError, and a probability of 0 makes the perplexity math.inf.",
    ),
    probes=probes(
        ("as unsure as a coin", [[0.5, 0.5, 0.5], [0.5, 0.5]]),
        "Two choices each time: the perplexity is 2.",
        ("a mean of logarithms", [[0.5, 0.125]]),
        "The mean surprise is (1 + 3) / 2 = 2 bits; the perplexity is 2 to the power of 2.",
        ("a long sentence weighs more", [[0.5], [0.125, 0.125, 0.125]]),
        "Each token weighs the same: the mean surprise is (1 + 3 + 3 + 3) / 4 = 2.5 bits.",
        ("a model that is certain", [[1.0, 1.0, 1.0]]),
        "Without any surprise the perplexity is 1.",
        ("a long text", [[0.1] * 400]),
        "0.1 to the power of 400 is 0 in a float. Add logarithms instead.",
        ("an impossible token", [[0.5, 0.25], [0.0, 0.5]]),
        "One probability of 0 is enough: return math.inf.",
        ("no token at all", [[], []]),
        "Without tokens there is no mean: raise ValueError and say so.",
    ),
    hidden=probes(
        ("sentences of three lengths", [[0.3, 0.05], [0.9], [0.2, 0.6, 0.01]]),
        "Pool the tokens of all sentences, take the mean of -ln p, then exp.",
        ("no sentence at all", []),
        "Without sentences there are no tokens either: raise ValueError.",
    ),
)

bits = lambda sentence_probs: [-math.log2(p) if p else math.inf for p in chain.from_iterable(sentence_probs)]

exercise.add_mistakes(
    "this is the cross-entropy in bits. The perplexity is 2 to its power.",
    lambda sentence_probs: fmean(bits(sentence_probs)),
    "this is the cross-entropy in nats. The perplexity is exp of it.",
    lambda sentence_probs: math.log(corpus_perplexity(sentence_probs)),
    "you took exp of bits. It is 2 to the power of bits, or exp of nats.",
    lambda sentence_probs: math.exp(fmean(bits(sentence_probs))),
    "you took 2 to the power of nats. It is exp of nats, or 2 to the power of bits.",
    lambda sentence_probs: 2 ** math.log(corpus_perplexity(sentence_probs)),
    "the minus is missing: this is the mean probability of a token. Perplexity is at least 1.",
    lambda sentence_probs: 1 / corpus_perplexity(sentence_probs),
    "the N-th root is missing: divide the sum of logarithms by the tokens.",
    lambda sentence_probs: 2 ** sum(bits(sentence_probs)),
    "you divided by the words without </s>, but summed with it. Count what you sum.",
    lambda sentence_probs: 2 ** (sum(bits(sentence_probs)) / sum(len(sentence) - 1 for sentence in sentence_probs)),
    "you left out the last token of each sentence. </s> is predicted, so it counts.",
    lambda sentence_probs: corpus_perplexity([sentence[:-1] for sentence in sentence_probs]),
    "you averaged 1 / p. Average the logarithms, then take exp: the mean is geometric.",
    lambda sentence_probs: fmean(1 / p for p in chain.from_iterable(sentence_probs)),
    "you averaged the probabilities. Average their logarithms: the mean is geometric.",
    lambda sentence_probs: 1 / fmean(chain.from_iterable(sentence_probs)),
    "this is the mean of the sentences' perplexities. Pool the tokens first: a long sentence weighs more.",
    lambda sentence_probs: fmean(corpus_perplexity([sentence]) for sentence in sentence_probs),
    "each sentence weighs the same in your mean. Pool the tokens first: a long sentence weighs more.",
    lambda sentence_probs: 2 ** fmean(fmean(bits([sentence])) for sentence in sentence_probs),
    "you divided by the number of sentences. Divide by the number of tokens.",
    lambda sentence_probs: 2 ** (sum(bits(sentence_probs)) / len(sentence_probs)),
    "the product of all probabilities fell to 0 in a float. Add logarithms instead.",
    lambda sentence_probs: 2 ** fmean(bits(sentence_probs)) if math.prod(chain(*sentence_probs)) else math.inf,
    "you left out the token with probability 0. Then the worst mistake costs nothing: return math.inf.",
    lambda sentence_probs: corpus_perplexity([[p for p in sentence if p] for sentence in sentence_probs]),
    "you left out the sentence with probability 0. Then the worst mistake costs nothing: return math.inf.",
    lambda sentence_probs: corpus_perplexity([*filter(all, sentence_probs)]),
    "you rounded. Round only what you print.",
    lambda sentence_probs: round(corpus_perplexity(sentence_probs), 2),
)
