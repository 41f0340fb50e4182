"""Counting n-grams: one sorted table per order, without a dictionary.

An n-gram is its context, the n-gram one word shorter, and its last word. Tables are numbered by order and their rows
are the n-grams' ids, so that the pair (id of the context, id of the word) is one integer: key = context * V + word.
Sorted by that key, the n-grams that continue one context lie side by side.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from course_utils.ngram.vocabulary import START, EncodedText


@dataclass(frozen=True)
class NGramTable:
    """The distinct n-grams of one order. Row i is the n-gram with id i.

    Args:
        contexts: (N,) the id, one order below, of all words but the last; 0 for unigrams.
        words: (N,) the last word.
        suffixes: (N,) the id, one order below, of all words but the first; 0 for unigrams.
        counts: (N,) how often the n-gram occurs.
        begins: (N,) bool, the n-gram's first word is `<s>`.
    """

    contexts: np.ndarray
    words: np.ndarray
    suffixes: np.ndarray
    counts: np.ndarray
    begins: np.ndarray

    def __len__(self) -> int:
        """Number of distinct n-grams."""
        return len(self.words)

    def keys(self, n_words: int) -> np.ndarray:
        """Return context * V + word of each row, (N,), ascending."""
        return self.contexts * n_words + self.words


def count_ngrams(text: EncodedText, n_words: int, order: int) -> list[NGramTable]:
    """Count the n-grams of orders 1 to `order`; none crosses a sentence.

    Args:
        text: the training text, T tokens.
        n_words: V, the number of word ids. Every id has a row among the unigrams, seen or not.
        order: the longest n-grams to count.

    Returns:
        One table per order. `<s>` is in the text for the contexts it begins; as a unigram its count is 0.
    """
    words = np.arange(n_words)
    counts = np.bincount(text.tokens, minlength=n_words)  # (V,)
    counts[START] = 0
    nothing = np.zeros(n_words, np.int64)
    tables = [NGramTable(nothing, words, nothing, counts, words == START)]
    ids = text.tokens  # (T,) id of the n-gram that ends at each token, -1 where the sentence is too short
    for n in range(2, order + 1):
        ends = np.flatnonzero(text.positions >= n - 1)  # (M,) where an n-gram ends
        keys = ids[ends - 1] * n_words + text.tokens[ends]  # (M,)
        by_key = np.argsort(keys)  # (M,)
        keys = keys[by_key]
        first = np.flatnonzero(np.diff(keys, prepend=-1))  # (N,) first of each run of equal keys
        contexts, words = np.divmod(keys[first], n_words)  # (N,) each
        counts = np.diff(first, append=len(keys))  # (N,)
        suffixes = ids[ends[by_key[first]]]  # (N,)
        tables.append(NGramTable(contexts, words, suffixes, counts, tables[-1].begins[contexts]))
        ids = np.full(len(text.tokens), -1)
        ids[ends[by_key]] = np.repeat(np.arange(len(first)), counts)
    return tables


def context_totals(table: NGramTable, n_contexts: int, counts: np.ndarray) -> np.ndarray:
    """Sum the counts of a table over the words that follow each context, (n_contexts,) float64."""
    return np.bincount(table.contexts, weights=counts, minlength=n_contexts)


def continuation_counts(tables: list[NGramTable]) -> list[np.ndarray]:
    """Return the counts that Kneser-Ney smooths, one array per order.

    At the highest order, and for n-grams that begin with `<s>`, they are plain counts. Elsewhere they are the number of
    distinct words seen just before the n-gram.

    Source: Kneser and Ney (1995), "Improved backing-off for m-gram language modeling"; Heafield, Pouzyrevsky, Clark
    and Koehn (2013), "Scalable Modified Kneser-Ney Language Model Estimation", section 3.2.
    """
    adjusted = []
    for table, longer in pairwise(tables):
        distinct_left = np.bincount(longer.suffixes, minlength=len(table))  # (N,)
        adjusted.append(np.where(table.begins, table.counts, distinct_left))
    return [*adjusted, tables[-1].counts]


def find(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the row of each wanted key among sorted keys, -1 where it is missing or negative."""
    if len(keys) == 0:  # every sentence is shorter than this order
        return np.full(np.shape(wanted), -1)
    rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[rows] == wanted, rows, -1)


def values_at(values: np.ndarray, rows: np.ndarray, missing: float | np.ndarray) -> np.ndarray:
    """Return the value of each row as float64, and `missing` (one, or one for each row) where the row is -1."""
    found = rows >= 0
    result = np.array(np.broadcast_to(missing, rows.shape), np.float64)
    result[found] = values[rows[found]]
    return result
