"""From tables of probabilities to the probability of any word after any context.

Two kinds of model differ only in what an n-gram gets that is in no table: a back-off model asks the shorter context, a
flat one (maximum likelihood, add-k) gives every such word of a context the same.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from course_utils.ngram.counting import find, values_at
from course_utils.ngram.vocabulary import START, EncodedText


class ProbabilityTables(ABC):
    """Probabilities of the listed n-grams, by order; row i of each array is the n-gram with id i.

    Args:
        n_words: V, the number of word ids.
        keys: per order (N,), context * V + word, ascending; every word id is listed among the unigrams.
        probs: per order (N,), the probability of the n-gram's last word after the others.
    """

    def __init__(self, n_words: int, keys: list[np.ndarray], probs: list[np.ndarray]):
        self.n_words, self.keys, self.probs = n_words, keys, probs

    @property
    def order(self) -> int:
        """Length of the longest n-grams."""
        return len(self.keys)

    @abstractmethod
    def unlisted(self, contexts: np.ndarray, n: int, lower: np.ndarray) -> np.ndarray:
        """Return the probabilities of words that no listed n-gram gives.

        Args:
            contexts: (...) ids of contexts of n - 1 words, -1 where the context itself isn't listed.
            n: the order that was looked in.
            lower: (...) probabilities of the same words after the context one word shorter.
        """

    def score(self, text: EncodedText) -> np.ndarray:
        """Return the probability of each token after the tokens before it, (T,); 0 at each `<s>`."""
        ids = text.tokens  # (T,) id of the n-gram that ends at each token
        probs = self.probs[0][text.tokens]  # (T,)
        for n in range(2, self.order + 1):
            contexts = np.concatenate([[-1], ids[:-1]])  # (T,)
            ids = find(self.keys[n - 1], contexts * self.n_words + text.tokens)  # (T,)
            longer = values_at(self.probs[n - 1], ids, self.unlisted(contexts, n, probs))  # (T,)
            probs = np.where(text.positions >= n - 1, longer, probs)  # nothing reaches back beyond `<s>`
        return np.where(text.scored, probs, 0.0)

    def next_words_after_each(self, text: EncodedText) -> np.ndarray:
        """Return the probability of every word id after each token and those before it, (T, V); 0 for `<s>`."""
        probs = np.tile(self.probs[0], (len(text.tokens), 1))  # (T, V)
        for n, rows in enumerate(self._contexts(text), start=2):
            unlisted = self.unlisted(rows[:, None], n, probs)  # (T, V) or (T, 1)
            probs = np.where((text.positions >= n - 2)[:, None], unlisted, probs)  # nothing reaches back beyond `<s>`
            low, sizes = self._continuations(n, rows)
            places = np.repeat(np.arange(len(rows)), sizes)  # (C,) where each listed continuation belongs
            listed = np.arange(sizes.sum()) + np.repeat(low - sizes.cumsum() + sizes, sizes)  # (C,) its row
            probs[places, self.keys[n - 1][listed] - rows[places] * self.n_words] = self.probs[n - 1][listed]
        probs[:, START] = 0.0
        return probs

    def seen_context_lengths(self, text: EncodedText) -> np.ndarray:
        """Return how long the longest context at each token is that a listed n-gram continues, (T,)."""
        lengths = np.zeros_like(text.tokens)  # (T,)
        for n, rows in enumerate(self._contexts(text), start=2):
            lengths[self._continuations(n, rows)[1] > 0] = n - 1
        return lengths

    def _continuations(self, n: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where the n-grams begin that continue contexts, (T,), and how many they are, (T,)."""
        low, high = np.searchsorted(self.keys[n - 1], [rows * self.n_words, (rows + 1) * self.n_words])
        return low, np.where(rows >= 0, high - low, 0)

    def _contexts(self, text: EncodedText) -> Iterator[np.ndarray]:
        """Yield for each length from 1 to order - 1 the ids of the n-grams that end at each token, (T,); -1: none."""
        rows = text.tokens  # (T,)
        for n in range(2, self.order + 1):
            yield rows
            rows = find(self.keys[n - 1], np.concatenate([[-1], rows[:-1]]) * self.n_words + text.tokens)  # (T,)

    def next_words(self, context: Sequence[int]) -> np.ndarray:
        """Return the probability of every word id after a context of word ids, (V,); 0 for `<s>`."""
        probs = self.probs[0].copy()  # (V,)
        longest = min(len(context), self.order - 1)
        for length in range(1, longest + 1):
            row = self._row(context[len(context) - length :])
            probs = self.unlisted(np.full(self.n_words, row), length + 1, probs)  # (V,)
            if row >= 0:
                keys = self.keys[length]
                low, high = np.searchsorted(keys, [row * self.n_words, (row + 1) * self.n_words])
                probs[keys[low:high] - row * self.n_words] = self.probs[length][low:high]
        probs[START] = 0.0
        return probs

    def _row(self, ids: Sequence[int]) -> int:
        """Return the id of the n-gram of these words, -1 if it isn't listed."""
        row = ids[0]
        for n, word in enumerate(ids[1:], start=2):
            row = int(find(self.keys[n - 1], np.array(row * self.n_words + word)))
            if row < 0:
                return -1
        return row


class BackoffTables(ProbabilityTables):
    """A back-off model: p(w | h) = weight(h) p(w | h without its first word) unless h w is listed.

    Args:
        backoffs: for all orders but the highest (N,), the weight of each n-gram as a context.

    Source: Katz (1987), "Estimation of probabilities from sparse data"; interpolated models have the same form.
    """

    def __init__(self, n_words: int, keys: list[np.ndarray], probs: list[np.ndarray], backoffs: list[np.ndarray]):
        super().__init__(n_words, keys, probs)
        self.backoffs = backoffs

    def unlisted(self, contexts: np.ndarray, n: int, lower: np.ndarray) -> np.ndarray:
        """Return the shorter context's probability times the context's weight; an unlisted context weighs 1."""
        return lower * values_at(self.backoffs[n - 2], contexts, 1.0)


class FlatTables(ProbabilityTables):
    """A model that treats alike the words it never saw after a context.

    Args:
        unlisted_probs: for all orders but the highest (N,), the probability of each such word after each n-gram as a
            context.
        unseen: the probability of every word after a context that is in no table.
    """

    def __init__(
        self,
        n_words: int,
        keys: list[np.ndarray],
        probs: list[np.ndarray],
        unlisted_probs: list[np.ndarray],
        unseen: float,
    ):
        super().__init__(n_words, keys, probs)
        self.unlisted_probs, self.unseen = unlisted_probs, unseen

    def unlisted(self, contexts: np.ndarray, n: int, lower: np.ndarray) -> np.ndarray:
        """Return the one probability that all unlisted words of a context have."""
        return values_at(self.unlisted_probs[n - 2], contexts, self.unseen)
