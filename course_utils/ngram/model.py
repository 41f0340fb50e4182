"""The n-gram language model: fit it on sentences, ask it for probabilities, sample from it."""

import math
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from course_utils.checks import whole_number
from course_utils.ngram import smoothing
from course_utils.ngram.arpa import read_arpa, write_arpa
from course_utils.ngram.counting import count_ngrams
from course_utils.ngram.lookup import BackoffTables, ProbabilityTables
from course_utils.ngram.sampling import draw_sentence
from course_utils.ngram.vocabulary import END, START, UNKNOWN, EncodedText, Vocabulary, check_words

SMOOTHINGS = ("mle", "add-k", "interpolated", "kneser-ney", "modified-kneser-ney")
DEFAULT_WEIGHT = 0.5  # of every order in "interpolated", until a held-out text says better


class NGramLM:
    """A language model that predicts each word from the `order` - 1 words before it.

    The conventions are KenLM's. A sentence is scored as its words and then `</s>`; `<s>` stands before it and is never
    predicted. No n-gram crosses a sentence. A word that training never saw is scored as `<unk>`.

    A context longer than `order` - 1 is cut to its last words; a shorter one is looked up as it is. After a context
    that training never saw, "interpolated" and the Kneser-Ney kinds take the next shorter one; "add-k" makes every word
    equally likely; "mle" gives every word 0, because 0/0 has no value.

    Args:
        order: n, at least 1.
        smoothing: "mle" (counts as they are), "add-k", "interpolated" (Jelinek-Mercer), "kneser-ney" (interpolated, one
            discount) or "modified-kneser-ney" (interpolated, three discounts per order, estimated).
        k: what "add-k" adds to each count, > 0.
        discount: what "kneser-ney" takes off each count, between 0 and 1; None estimates it for each order.
        weights: lambda of each order for "interpolated", unigrams first, each in [0, 1]: the share that the order keeps
            for itself, the rest goes to the order below and below the unigrams to the uniform distribution. None is
            0.5 for each, or what `fit` learns on a held-out text.

    Raises:
        ValueError: an argument is out of range, named in the message.

    Source: Jurafsky and Martin, "Speech and Language Processing", chapter 3; Heafield (2011), "KenLM: Faster and
    Smaller Language Model Queries".
    """

    def __init__(
        self,
        order: int,
        smoothing: str = "modified-kneser-ney",
        *,
        k: float = 1.0,
        discount: float | None = 0.75,
        weights: Sequence[float] | None = None,
    ):
        self.order = whole_number("order", order, least=1)
        if smoothing not in SMOOTHINGS:
            raise ValueError(f"smoothing must be one of {', '.join(map(repr, SMOOTHINGS))}, got {smoothing!r}")
        if not (_is_number(k) and 0 < k < math.inf):
            raise ValueError(f'k must be a number > 0, got {k!r}; to add nothing, use smoothing="mle"')
        if discount is not None and not (_is_number(discount) and 0 < discount < 1):
            raise ValueError(f"discount must be between 0 and 1, both excluded, got {discount!r}; None estimates it")
        if weights is not None:
            weights = list(weights) if isinstance(weights, Iterable) else [weights]
            if len(weights) != self.order:
                raise ValueError(f"weights must be {self.order} numbers, one for each order, got {weights!r}")
            if not all(_is_number(weight) and 0 <= weight <= 1 for weight in weights):
                raise ValueError(f"weights must be in [0, 1], got {weights!r}")
        self.smoothing, self._k, self._discount, self._given_weights = smoothing, k, discount, weights
        self._model: tuple[Vocabulary, ProbabilityTables] | None = None  # once it is fitted
        self._discounts: list[float] | list[tuple[float, ...]] | None = None
        self._weights: list[float] | None = None

    def fit(self, sentences: Iterable[list[str]], held_out: Iterable[list[str]] | None = None) -> Self:
        """Count a training text and smooth the counts.

        Args:
            sentences: lists of words, without `<s>` and `</s>`; rare words may be written `<unk>`.
            held_out: for "interpolated", other sentences on which the weights are learned.

        Returns:
            The model itself.

        Raises:
            ValueError: no sentence or no word, a sentence that isn't a list of words or holds `<s>` or `</s>`, a
                held-out text that no weights are learned from.
        """
        if self.smoothing == "arpa":
            raise ValueError("this model was read from an ARPA file and can't be fitted: make a new NGramLM")
        if held_out is not None and self.smoothing != "interpolated":
            raise ValueError(f'held_out is for smoothing="interpolated" only, this model has {self.smoothing!r}')
        if held_out is not None and self._given_weights is not None:
            raise ValueError("weights are given and held_out would learn them: pass one of the two")
        vocabulary, text = Vocabulary.learn(sentences)
        V = len(vocabulary)
        other = vocabulary.encode(held_out, "held_out") if held_out is not None else None
        counts = count_ngrams(text, V, self.order)
        tables: ProbabilityTables
        if self.smoothing in ("mle", "add-k"):
            tables = smoothing.add_k(counts, V, self._k if self.smoothing == "add-k" else 0.0)
        elif self.smoothing == "interpolated":
            weights = self._given_weights or [DEFAULT_WEIGHT] * self.order
            if other is not None:
                weights = smoothing.learned_weights(counts, V, other, weights)
            tables = smoothing.interpolated(counts, V, weights)
            self._weights = weights
        else:
            if self.smoothing == "modified-kneser-ney":
                discounts = smoothing.modified_discounts(counts)  # (order, 3)
                self._discounts = [tuple(row) for row in discounts.tolist()]
            else:
                fixed = np.full(self.order, self._discount) if self._discount is not None else None
                single = smoothing.estimated_discounts(counts) if fixed is None else fixed  # (order,)
                discounts = np.repeat(single[:, None], 3, axis=1)  # (order, 3)
                self._discounts = single.tolist()
            tables = smoothing.kneser_ney(counts, V, discounts)
        self._model = vocabulary, tables
        return self

    @property
    def vocabulary(self) -> list[str]:
        """What the model predicts: the words in the order of their first occurrence, `</s>` and `<unk>`."""
        words = self._fitted()[0].words
        return [*words[END + 1 :], words[END], words[UNKNOWN]]

    @property
    def n_ngrams(self) -> list[int]:
        """Number of distinct n-grams of each order, as an ARPA file lists them: the unigrams hold all three markers."""
        return [len(keys) for keys in self._fitted()[1].keys]

    @property
    def discounts(self) -> list[float] | list[tuple[float, ...]] | None:
        """Per order, unigrams first: D for "kneser-ney", (D1, D2, D3+) for the modified kind, else None."""
        self._fitted()
        return self._discounts

    @property
    def weights(self) -> list[float] | None:
        """Per order, unigrams first: the lambda that "interpolated" uses, else None."""
        self._fitted()
        return None if self._weights is None else list(self._weights)

    def prob(self, word: str, context: Sequence[str] = ()) -> float:
        """Return the probability of a word after a context.

        Args:
            word: a word, `</s>` or `<unk>`; an unknown word counts as `<unk>`. `<s>` has probability 0.
            context: the words before it; may begin with `<s>`.

        Raises:
            ValueError: the model isn't fitted; an argument is not words.
        """
        vocabulary, _ = self._fitted()
        if not isinstance(word, str):
            raise ValueError(f"word must be a string, got {word!r}")
        return float(self._next_words(context)[vocabulary.ids([word])[0]])

    def next_word_probs(self, context: Sequence[str] = ()) -> dict[str, float]:
        """Return the probability of every word of the vocabulary after a context, the most probable first.

        Args:
            context: the words before it; may begin with `<s>`.

        Raises:
            ValueError: the model isn't fitted; the context is not a list of words.
        """
        vocabulary, _ = self._fitted()
        probs = self._next_words(context)
        order = np.argsort(-probs, kind="stable")
        return {vocabulary.words[id]: float(probs[id]) for id in order.tolist() if id != START}

    def next_word_probs_after_each(self, sentence: list[str]) -> np.ndarray:
        """Return the probability of every word after each beginning of a sentence, (words + 1, vocabulary).

        Row t is the distribution after `<s>` and the first t words; the columns are in the order of `vocabulary`.

        Args:
            sentence: words without `<s>` and `</s>`.

        Raises:
            ValueError: the model isn't fitted; the sentence is not a list of words.
        """
        vocabulary, tables = self._fitted()
        text = vocabulary.encode([check_words(sentence, "sentence")])
        probs = tables.next_words_after_each(text)[:-1]  # (words + 1, V), without what follows `</s>`
        return np.concatenate([probs[:, END + 1 :], probs[:, [END, UNKNOWN]]], axis=1)

    def seen_context_lengths(self, sentence: list[str]) -> np.ndarray:
        """Return after how many of the last words of each beginning training saw a word, (words + 1,).

        Place t tells of `<s>` and the first t words: the longest of their endings, of at most order - 1 words, that
        training saw a word or `</s>` come after. `<s>` counts as a word.

        Args:
            sentence: words without `<s>` and `</s>`.

        Raises:
            ValueError: the model isn't fitted; the sentence is not a list of words.
        """
        vocabulary, tables = self._fitted()
        return tables.seen_context_lengths(vocabulary.encode([check_words(sentence, "sentence")]))[:-1]

    def log2_probs(self, sentence: list[str]) -> np.ndarray:
        """Return the log2-probability of each word of a sentence and of its `</s>`, (words + 1,).

        Args:
            sentence: words without `<s>` and `</s>`.

        Raises:
            ValueError: the model isn't fitted; the sentence is not a list of words.
        """
        vocabulary, tables = self._fitted()
        text = vocabulary.encode([check_words(sentence, "sentence")])
        with np.errstate(divide="ignore"):  # -inf is the answer, not an accident
            return np.log2(tables.score(text)[1:])

    def perplexity(self, sentences: Iterable[list[str]], skip_unknown: bool = False) -> float:
        """Return exp of the mean negative log-probability per token, over all words and every `</s>`.

        Args:
            sentences: lists of words.
            skip_unknown: leave unknown words out of the mean, instead of scoring them as `<unk>`.

        Returns:
            The perplexity; infinity if it is more than a float holds, and, with a warning that names the word, if a
            token has probability 0.

        Raises:
            ValueError: the model isn't fitted; no sentence; a sentence that is not a list of words.

        Source: Jurafsky and Martin, "Speech and Language Processing", section 3.3.
        """
        vocabulary, tables = self._fitted()
        text = vocabulary.encode(sentences)
        counted = text.scored & (text.tokens != UNKNOWN) if skip_unknown else text.scored  # (T,)
        probs = tables.score(text)  # (T,)
        if (probs[counted] == 0).any():
            self._warn_of_zero(vocabulary, text, int(np.argmax(counted & (probs == 0))))
            return math.inf
        with np.errstate(over="ignore"):  # beyond what a float holds, infinity is the answer
            return float(np.exp(-np.log(probs[counted]).mean()))

    def sample(self, n: int, seed: int, max_words: int = 1000) -> list[list[str]]:
        """Draw sentences, word by word, until `</s>`.

        Args:
            n: number of sentences.
            seed: same seed, same sentences.
            max_words: a sentence that has not ended is cut there.

        Returns:
            n lists of words, without markers other than `<unk>`.

        Raises:
            ValueError: the model isn't fitted; n, seed or max_words is not a whole number >= 0.
        """
        vocabulary, tables = self._fitted()
        n, max_words = whole_number("n", n, least=0), whole_number("max_words", max_words, least=0)
        generator = np.random.default_rng(whole_number("seed", seed, least=0))
        drawn = (draw_sentence(tables, generator, max_words) for _ in range(n))
        return [[vocabulary.words[id] for id in ids] for ids in drawn]

    def save_arpa(self, path: str | Path) -> None:
        """Write the model to an ARPA file, which KenLM and others read.

        Raises:
            ValueError: the model isn't fitted, or is "mle" or "add-k"; a word is empty, holds white space or is
                `<UNK>`.
            OSError: the file can't be written.
        """
        vocabulary, tables = self._fitted()
        if not isinstance(tables, BackoffTables):
            raise ValueError(
                f"smoothing={self.smoothing!r} is not a back-off model, and ARPA holds nothing else: "
                'use "interpolated", "kneser-ney" or "modified-kneser-ney"'
            )
        write_arpa(path, vocabulary, tables)

    @classmethod
    def load_arpa(cls, path: str | Path) -> Self:
        """Read a model from an ARPA file, whoever wrote it; its `smoothing` is "arpa".

        Raises:
            ValueError: the file isn't valid; the message names the line and what was expected there.
            OSError: the file can't be read.
        """
        vocabulary, tables = read_arpa(path)
        model = cls(tables.order)
        model.smoothing, model._model = "arpa", (vocabulary, tables)
        return model

    def _fitted(self) -> tuple[Vocabulary, ProbabilityTables]:
        if self._model is None:
            raise ValueError("the model is not fitted yet: call fit(sentences) first, or NGramLM.load_arpa(path)")
        return self._model

    def _next_words(self, context: Sequence[str]) -> np.ndarray:
        """Return the probability of each word id after a context, (V,)."""
        vocabulary, tables = self._fitted()
        return tables.next_words(vocabulary.ids(check_words(context, "context")))

    def _warn_of_zero(self, vocabulary: Vocabulary, text: EncodedText, at: int) -> None:
        first = at - min(int(text.positions[at]), self.order - 1)
        *context, word = (vocabulary.words[id] for id in text.tokens[first : at + 1].tolist())
        remedy = 'use a smoothing such as "modified-kneser-ney"'
        if word == "<unk>":
            remedy += ", or skip_unknown=True to leave unknown words out"
        message = f"the word {word!r} has probability 0 after {context}, so the perplexity is infinite: {remedy}"
        warnings.warn(message, stacklevel=3)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
