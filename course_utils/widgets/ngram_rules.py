"""Which order of an n-gram model gives a word how much of its probability; browser/ngram/rules.js does the same.

p(w | h) is a sum over the orders: each gives its own discounted or weighted estimate, times what all longer orders have
left. Below the unigrams lies the uniform distribution.
"""

from collections.abc import Sequence

import numpy as np

from course_utils.ngram import smoothing as estimators
from course_utils.ngram.counting import NGramTable, continuation_counts, find
from course_utils.ngram.vocabulary import START

KNESER_NEY = ("kneser-ney", "modified-kneser-ney")
MOST = 2**16  # words, and words after one context: the buffer holds them as uint16


def pack(tables: list[NGramTable]) -> bytes:
    """Return the counts of all orders as one buffer.

    Returns:
        uint32: the number of orders, the number of n-grams of each, their counts. uint16: the last word of each n-gram,
        then of each context (the empty one first) the number of n-grams that continue it. All little-endian.

    Raises:
        ValueError: more words than the buffer can hold.
    """
    if len(tables[0]) >= MOST:
        raise ValueError(f"sentences have {len(tables[0]):,} different words, at most {MOST - 1:,} can be shown")
    sizes = [1, *map(len, tables)]
    followers = [
        np.bincount(table.contexts, minlength=n_contexts) for table, n_contexts in zip(tables, sizes, strict=False)
    ]
    counts = np.concatenate([table.counts for table in tables])
    words = np.concatenate([table.words for table in tables])
    numbers = np.concatenate([[len(tables)], sizes[1:], counts]).astype("<u4")
    return numbers.tobytes() + np.concatenate([words, *followers]).astype("<u2").tobytes()


def parameters(
    tables: list[NGramTable], k: float, discount: float | None, weights: Sequence[float]
) -> dict[str, list[list]]:
    """Return what each smoothing needs to know beside the counts, as `NGramLM` would choose it.

    Args:
        tables: the counts, one table per order.
        k, discount, weights: as those of `NGramLM`.

    Returns:
        Smoothing -> for each highest order 1, 2, ... -> for each order up to it: k; lambda; D(1), D(2), D(3 or more).
    """
    orders = range(1, len(tables) + 1)

    def discounts(n: int) -> list[list[float]]:
        single = estimators.estimated_discounts(tables[:n]) if discount is None else np.full(n, discount)
        return np.repeat(single[:, None], 3, axis=1).tolist()

    return {
        "mle": [[0.0] * n for n in orders],
        "add-k": [[float(k)] * n for n in orders],
        "interpolated": [list(weights[:n]) for n in orders],
        "kneser-ney": [discounts(n) for n in orders],
        "modified-kneser-ney": [estimators.modified_discounts(tables[:n]).tolist() for n in orders],
    }


def contributions(tables: list[NGramTable], smoothing: str, parameters: list, context: Sequence[int]) -> np.ndarray:
    """Return how much each order adds to the probability of each word after a context.

    Args:
        tables: the counts of orders 1 to n, the order of the model.
        smoothing: one of ngram.model.SMOOTHINGS.
        parameters: one entry for each order.
        context: ids of the words before.

    Returns:
        (1 + n, V): the uniform distribution, then orders 1 to n.
    """
    V = len(tables[0])
    kneser_ney = smoothing in KNESER_NEY
    counts = continuation_counts(tables) if kneser_ney else [table.counts for table in tables]
    shares = np.zeros((1 + len(tables), V))
    shares[0] = uniform = np.where(np.arange(V) == START, 0, 1 / (V - 1))  # (V,)
    for n in range(1, min(len(tables), len(context) + 1) + 1):
        row = _row(tables, context[len(context) - n + 1 :])
        first, end = np.searchsorted(tables[n - 1].contexts, [row, row + 1])
        c = counts[n - 1][first:end]  # (F,) c(h w) of the words that followed
        total = c.sum()
        if smoothing in ("mle", "add-k"):
            whole = total + parameters[n - 1] * (V - 1)
            own, shares[:] = c / (whole or 1), 0
            shares[0] = uniform * (1 - total / whole if whole else 0)  # 0/0 has no value
        elif total == 0:
            continue
        elif kneser_ney:
            discount = np.array([0, *parameters[n - 1]])[np.minimum(c, 3)]  # (F,)
            own = (c - discount) / total
            shares *= discount.sum() / total
        else:
            own = parameters[n - 1] * c / total
            shares *= 1 - parameters[n - 1]
        shares[n, tables[n - 1].words[first:end]] = own
    shares[:, START] = 0
    return shares


def _row(tables: list[NGramTable], words: Sequence[int]) -> int:
    """Return the id of the n-gram of these words, 0 for none of them, -1 if it isn't listed."""
    row = 0
    for table, word in zip(tables, words, strict=False):
        row = int(find(table.keys(len(tables[0])), np.array(row * len(tables[0]) + word)))
        if row < 0:
            return -1
    return row
