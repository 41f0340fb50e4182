"""Smoothing: from counts to probabilities, each method a few lines over whole tables.

Throughout, c(h w) is the count of an n-gram, c(h) its sum over w, h' the context h without its first word, and V the
number of words that can be predicted: those of the training text, `</s>` and `<unk>`, never `<s>`.
"""

import numpy as np

from course_utils.ngram.counting import NGramTable, context_totals, continuation_counts, find, values_at
from course_utils.ngram.lookup import BackoffTables, FlatTables
from course_utils.ngram.vocabulary import START, EncodedText

FALLBACK_DISCOUNT = 0.75  # the value of Kneser-Ney's absolute discount in most textbooks
FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)  # those of `lmplz --discount_fallback`
MAX_EM_STEPS = 200
EM_TOLERANCE = 1e-8  # nats per token: a smaller gain ends the search


def add_k(tables: list[NGramTable], n_words: int, k: float) -> FlatTables:
    """Add k to every count: p(w | h) = (c(h w) + k) / (c(h) + k V). k = 0 is maximum likelihood.

    After a context that was never seen, k > 0 makes all words equal; k = 0 makes every word 0, since 0/0 has no value.

    Args:
        tables: the counts, one table per order.
        n_words: the number of word ids, `<s>` included.
        k: what to add, >= 0.

    Source: Lidstone (1920); Jurafsky and Martin, "Speech and Language Processing", section 3.6.
    """
    n_predicted = n_words - 1  # all but <s>
    probs, unlisted = [], []
    for table, n_contexts in _with_contexts(tables):
        totals = context_totals(table, n_contexts, table.counts) + k * n_predicted  # (C,) c(h) + k V
        seen = totals > 0
        probs.append(np.divide(table.counts + k, totals[table.contexts]))
        unlisted.append(np.divide(k, totals, out=np.zeros(n_contexts), where=seen))
    probs[0][START] = 0.0
    return FlatTables(n_words, _keys(tables, n_words), probs, unlisted[1:], 1 / n_predicted if k else 0.0)


def interpolated(tables: list[NGramTable], n_words: int, weights: list[float]) -> BackoffTables:
    """Mix each order with the one below: p(w | h) = lambda_n c(h w) / c(h) + (1 - lambda_n) p(w | h').

    Below the unigrams lies the uniform distribution. A context that was never seen leaves its order out.

    Args:
        tables: the counts, one table per order.
        n_words: the number of word ids, `<s>` included.
        weights: lambda of each order, unigrams first.

    Source: Jelinek and Mercer (1980), "Interpolated estimation of Markov source parameters from sparse data".
    """
    probs: list[np.ndarray] = []
    backoffs: list[np.ndarray] = []
    lower = _uniform(n_words)
    for (table, n_contexts), weight in zip(_with_contexts(tables), weights, strict=True):
        totals = context_totals(table, n_contexts, table.counts)  # (C,) c(h)
        own = table.counts / totals[table.contexts]  # (N,)
        lower = weight * own + (1 - weight) * lower[table.suffixes if probs else table.words]  # (N,)
        probs.append(lower)
        backoffs.append(np.where(totals > 0, 1 - weight, 1.0))
    return BackoffTables(n_words, _keys(tables, n_words), probs, backoffs[1:])


def kneser_ney(tables: list[NGramTable], n_words: int, discounts: np.ndarray) -> BackoffTables:
    """Take a discount off every count and give it to the order below, whose counts are of distinct contexts.

    p(w | h) = (c(h w) - D(c)) / c(h) + gamma(h) p(w | h'), with gamma(h) the sum of the discounts over c(h). Below the
    unigrams lies the uniform distribution, so `<unk>` always gets something.

    Args:
        tables: the counts, one table per order.
        n_words: the number of word ids, `<s>` included.
        discounts: (order, 3), D(1), D(2) and D(3 or more) of each order, unigrams first.

    Source: Kneser and Ney (1995); Chen and Goodman (1998), "An Empirical Study of Smoothing Techniques for Language
    Modeling", section 3.
    """
    probs: list[np.ndarray] = []
    backoffs: list[np.ndarray] = []
    lower = _uniform(n_words)
    adjusted = continuation_counts(tables)
    for (table, n_contexts), counts, row in zip(_with_contexts(tables), adjusted, discounts, strict=True):
        discount = np.array([0.0, *row])[np.minimum(counts, 3)]  # (N,) D(c), 0 where the count is 0
        totals = context_totals(table, n_contexts, counts)  # (C,) c(h)
        taken = context_totals(table, n_contexts, discount)  # (C,)
        gamma = np.divide(taken, totals, out=np.ones(n_contexts), where=totals > 0)  # (C,)
        own = (counts - discount) / totals[table.contexts]  # (N,)
        lower = own + gamma[table.contexts] * lower[table.suffixes if probs else table.words]  # (N,)
        probs.append(lower)
        backoffs.append(gamma)
    return BackoffTables(n_words, _keys(tables, n_words), probs, backoffs[1:])


def estimated_discounts(tables: list[NGramTable]) -> np.ndarray:
    """Estimate one discount per order from the counts of counts: D = n1 / (n1 + 2 n2).

    Returns:
        (order,), 0.75 where the formula gives no number between 0 and 1.

    Source: Ney, Essen and Kneser (1994), "On structuring probabilistic dependences in stochastic language modelling".
    """
    discounts = []
    for counts in continuation_counts(tables):
        n1, n2 = (int((counts == c).sum()) for c in (1, 2))
        discounts.append(n1 / (n1 + 2 * n2) if n1 and n2 else FALLBACK_DISCOUNT)
    return np.array(discounts)


def modified_discounts(tables: list[NGramTable]) -> np.ndarray:
    """Estimate three discounts per order: D(c) = c - (c + 1) Y n(c+1) / n(c), with Y = n1 / (n1 + 2 n2).

    Returns:
        (order, 3), D(1), D(2), D(3 or more); (0.5, 1, 1.5) for an order where n1, n2 or n3 is 0 or a discount would be
        negative, as `lmplz --discount_fallback` does.

    Source: Chen and Goodman (1998), equation 26.
    """
    discounts = []
    for counts in continuation_counts(tables):
        n = np.bincount(np.minimum(counts, 5), minlength=6)  # (6,) n[c] n-grams occur c times
        c = np.arange(1, 4)
        row = np.array(FALLBACK_DISCOUNTS)
        if n[1:4].all():
            estimate = c - (c + 1) * (n[1] / (n[1] + 2 * n[2])) * n[2:5] / n[1:4]  # (3,)
            row = estimate if (estimate >= 0).all() else row  # none exceeds c
        discounts.append(row)
    return np.stack(discounts)


def learned_weights(tables: list[NGramTable], n_words: int, held_out: EncodedText, weights: list[float]) -> list[float]:
    """Choose the weights of `interpolated` that make a held-out text likely, by expectation maximisation.

    Each token is thought of as drawn from one of the orders. The expected share of the tokens that reached an order and
    were drawn there is that order's next weight; the likelihood never falls.

    Args:
        tables: the counts of the training text, one table per order.
        n_words: the number of word ids, `<s>` included.
        held_out: text that the counts don't come from.
        weights: lambda of each order to start from, unigrams first, each strictly between 0 and 1.

    Source: Jelinek and Mercer (1980); Dempster, Laird and Rubin (1977), "Maximum likelihood from incomplete data via
    the EM algorithm".
    """
    own, seen = _own_estimates(tables, n_words, held_out)
    best, before = np.array(weights), -np.inf
    for _ in range(MAX_EM_STEPS):
        mixtures = [_uniform(n_words)[held_out.tokens[held_out.scored]]]  # p of the orders up to n, each (T,)
        for n, weight in enumerate(best):
            mixtures.append(np.where(seen[n], weight * own[n] + (1 - weight) * mixtures[-1], mixtures[-1]))
        likelihood = np.log(mixtures[-1]).mean()
        if likelihood - before < EM_TOLERANCE:
            break
        before = likelihood
        reached = np.ones(len(mixtures[-1]))  # (T,) chance that no higher order drew the token
        update = best.copy()
        for n in reversed(range(len(best))):
            drawn = np.where(seen[n], best[n] * own[n] / mixtures[n + 1], 0.0)  # (T,)
            if seen[n].any():
                update[n] = (reached * drawn).sum() / max(reached[seen[n]].sum(), np.finfo(float).tiny)
            reached = reached * (1 - drawn)
        best = update
    return best.tolist()


def _own_estimates(tables: list[NGramTable], n_words: int, text: EncodedText) -> tuple[np.ndarray, np.ndarray]:
    """Return c(h w) / c(h) and whether c(h) > 0 for each scored token, a row per order: two (order, T) arrays."""
    own, seen = [], []
    ids = text.tokens  # (T,)
    contexts = np.zeros(len(ids), np.int64)  # (T,)
    for n, (table, n_contexts) in enumerate(_with_contexts(tables), start=1):
        if n > 1:
            contexts = np.where(text.positions >= n - 1, np.concatenate([[-1], ids[:-1]]), -1)
            ids = find(table.keys(n_words), contexts * n_words + text.tokens)
        totals = values_at(context_totals(table, n_contexts, table.counts), contexts, 0.0)  # (T,)
        counts = values_at(table.counts, ids, 0.0)  # (T,)
        own.append(np.divide(counts, totals, out=np.zeros(len(ids)), where=totals > 0)[text.scored])
        seen.append((totals > 0)[text.scored])
    return np.stack(own), np.stack(seen)


def _with_contexts(tables: list[NGramTable]) -> list[tuple[NGramTable, int]]:
    """Pair each table with the number of its contexts; unigrams have one, the empty context."""
    return list(zip(tables, [1, *map(len, tables)], strict=False))


def _keys(tables: list[NGramTable], n_words: int) -> list[np.ndarray]:
    return [table.keys(n_words) for table in tables]


def _uniform(n_words: int) -> np.ndarray:
    """Return the distribution below the unigrams, by word id, (V + 1,): every word alike, `<s>` nothing."""
    probs = np.full(n_words, 1 / (n_words - 1))
    probs[START] = 0.0
    return probs
