"""One perplexity from those of the batches that a text was cut into."""

import math
from statistics import fmean, geometric_mean, harmonic_mean

from course_utils.exercises.core import Exercise, probes


def combined_perplexity(perplexities: list[float], token_counts: list[int]) -> float:
    """Return the perplexity of a text, given those of its batches.

    A batch without a token tells nothing, whatever its perplexity is said to be.

    Args:
        perplexities: of each batch, exp of the mean of its tokens' surprises in nats; may be infinite.
        token_counts: the tokens of each batch that were scored.

    Raises:
        ValueError: there is no token at all.

    Source of the bug that the second probe finds: huggingface/transformers, issue 34138 and pull request 34387 (2024).
    """
    total = sum(token_counts)
    if total == 0:
        raise ValueError(f"token_counts={token_counts} hold no token: there is no mean to take")
    pairs = zip(perplexities, token_counts, strict=True)
    return math.exp(sum(count * math.log(perplexity) for perplexity, count in pairs if count) / total)


exercise = Exercise(
    combined_perplexity,
    minutes=10,
    difficulty=1,
    shown="nats are added, tokens are added, and exp comes last; then it doesn't matter how the text was cut.",
    hints=(
        "Go back from each perplexity to something that can be added: how many nats did the batch cost in all?",
        "math.log(perplexity) is the mean of a batch, so count * math.log(perplexity) is its sum.",
        "math.exp(all nats / all tokens). Leave batches without a token out, and if none is left, raise ValueError.",
    ),
    probes=probes(
        ("two batches of one size", [2.0, 8.0], [10, 10]),
        "One bit a token and three bits a token are two bits on average: a perplexity of 4.",
        ("batches of two sizes", [2.0, 16.0], [3, 1]),
        "Three tokens cost one bit each, a fourth costs four: 7 bits for 4 tokens.",
        ("a long text", [50.0, 200.0], [4000, 1000]),
        "50 to the power of 4,000 doesn't fit a float. Add logarithms.",
        ("a batch that can't be predicted", [4.0, math.inf], [5, 1]),
        "One token of probability 0 makes the whole text impossible: infinite.",
        ("a batch of nothing but padding", [4.0, math.nan], [5, 0]),
        "The mean of no token is nan, and 0 * nan is nan as well: leave that batch out.",
        ("no token at all", [math.nan, math.nan], [0, 0]),
        "Without tokens there is no mean: raise ValueError and say so.",
    ),
    hidden=probes(
        ("three batches", [3.0, 30.0, 12.0], [7, 2, 40]),
        "All nats over all tokens, then exp.",
        ("no batch at all", [], []),
        "Without batches there are no tokens either: raise ValueError.",
    ),
)


def spoilt(value):
    """An answer that looks only at batches with tokens and differs from the right one in the value alone."""

    def answer(perplexities, token_counts):
        combined_perplexity(perplexities, token_counts)  # no token: refused as by the right answer
        pairs = [(p, count) for p, count in zip(perplexities, token_counts, strict=True) if count]
        return value(*zip(*pairs, strict=True))

    return answer


finite = lambda ps, counts: zip(*[pair for pair in zip(ps, counts, strict=True) if pair[0] < math.inf], strict=True)
AVERAGED = "perplexities were averaged. Nats can be averaged, perplexities can't: take logarithms first, exp last."
weighted = lambda values, counts: sum(v * count for v, count in zip(values, counts, strict=True)) / sum(counts)
of_log = lambda ps, counts: math.exp(weighted([math.log(p) for p in ps], counts))

exercise.add_mistakes(
    AVERAGED,
    spoilt(lambda ps, counts: fmean(ps)),
    AVERAGED,
    spoilt(weighted),
    "this is exp of the mean of the batches' means, in which a small batch counts as much as a large one.",
    spoilt(lambda ps, counts: geometric_mean(ps) if math.inf not in ps else math.inf),
    "this is the harmonic mean, which averages probabilities. Average logarithms.",
    spoilt(lambda ps, counts: harmonic_mean(ps)),
    "these are nats per token. The perplexity is exp of them.",
    spoilt(lambda ps, counts: math.log(of_log(ps, counts))),
    "this is 2 to the power of nats. Use one base throughout: math.log and math.exp.",
    spoilt(lambda ps, counts: 2 ** math.log(of_log(ps, counts))),
    "this divides by the number of batches. Divide by that of tokens.",
    spoilt(lambda ps, counts: math.exp(sum(n * math.log(p) for p, n in zip(ps, counts, strict=True)) / len(ps))),
    "the batches of few tokens weigh most: multiply by the counts, don't divide.",
    spoilt(lambda ps, counts: of_log(ps, [1 / count for count in counts])),
    "you left the infinite perplexity out. Then the worst mistake costs nothing.",
    spoilt(lambda ps, counts: of_log(*finite(ps, counts))),
    "a batch without tokens made it nan, for 0 * nan is nan. Leave such batches out.",
    of_log,
)
