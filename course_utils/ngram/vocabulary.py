"""Words and their ids, and a text as one array of ids."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np

UNKNOWN, START, END = 0, 1, 2  # ids of the three markers, in KenLM's order
MARKERS = ("<unk>", "<s>", "</s>")


@dataclass(frozen=True)
class EncodedText:
    """Sentences end to end, each as `<s>` words `</s>`.

    Args:
        tokens: (T,) int64, word ids.
        positions: (T,) int64, the place of each token in its sentence; 0 is `<s>`.
    """

    tokens: np.ndarray
    positions: np.ndarray

    @property
    def scored(self) -> np.ndarray:
        """(T,) bool, the tokens that a model predicts: all but `<s>`."""
        return self.tokens != START


class Vocabulary:
    """The words of a model; ids are in the order of first occurrence, after the three markers.

    Args:
        words: the words, markers among them or not; a word that comes twice counts once.
    """

    def __init__(self, words: Iterable[str] = ()):
        self._ids: defaultdict[str, int] = defaultdict()
        self._ids.default_factory = self._ids.__len__  # a new word gets the next id, at the speed of a look-up
        for word in chain(MARKERS, words):
            self._ids[word]
        self._ids.default_factory = None
        self.words = list(self._ids)

    def __len__(self) -> int:
        """Number of ids: the words and the three markers."""
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        """Whether the word has an id of its own."""
        return word in self._ids

    @classmethod
    def learn(cls, sentences: Iterable[list[str]], name: str = "sentences") -> tuple["Vocabulary", EncodedText]:
        """Collect the words of a training text and encode it.

        Args:
            sentences: lists of words.
            name: what the caller calls them, for messages.

        Raises:
            ValueError: as `encode`; or no word at all.
        """
        sentences = _checked(sentences, name)
        vocabulary = cls(chain.from_iterable(sentences))
        if not any(sentences):
            raise ValueError(f"{name} hold no word to count: pass at least one sentence that isn't empty")
        return vocabulary, vocabulary._encode(sentences)

    def encode(self, sentences: Iterable[list[str]], name: str = "sentences") -> EncodedText:
        """Turn sentences into ids; a word that is not in the vocabulary becomes `<unk>`.

        Args:
            sentences: lists of words.
            name: what the caller calls them, for messages.

        Raises:
            ValueError: no sentence; a sentence that is not a list of words; a sentence that holds `<s>` or `</s>`.
        """
        return self._encode(_checked(sentences, name))

    def ids(self, words: Iterable[str]) -> list[int]:
        """Return the ids of words, markers allowed; of an unknown word, that of `<unk>`."""
        return [self._ids.get(word, UNKNOWN) for word in words]

    def _encode(self, sentences: list[list[str]]) -> EncodedText:
        lengths = np.fromiter(map(len, sentences), np.int64, len(sentences)) + 2  # (S,)
        starts = np.cumsum(lengths) - lengths  # (S,)
        positions = np.arange(lengths.sum()) - np.repeat(starts, lengths)  # (T,)
        tokens = np.empty(lengths.sum(), np.int64)  # (T,)
        tokens[starts], tokens[starts + lengths - 1] = START, END
        is_word = np.ones(len(tokens), bool)
        is_word[starts] = is_word[starts + lengths - 1] = False
        ids = map(self._ids.get, chain.from_iterable(sentences), repeat(UNKNOWN))
        tokens[is_word] = np.fromiter(ids, np.int64, lengths.sum() - 2 * len(lengths))
        return EncodedText(tokens, positions)


def check_words(words: Iterable[str], name: str) -> list[str]:
    """Return one sentence or context as a list; raise ValueError unless it is a list of words."""
    if isinstance(words, str):
        raise ValueError(
            f"{name} must be a list of words, got the string {_short(words)}: "
            "pass text.split() for words or list(text) for characters"
        )
    if isinstance(words, Mapping):
        raise ValueError(f"{name} must be a list of words, got a row {_short(words)}: pass its text as words")
    try:
        as_list = list(words)
    except TypeError:
        raise ValueError(f"{name} must be a list of words, got {_short(words)}") from None
    if set(map(type, as_list)) - {str}:
        wrong = next((word for word in as_list if not isinstance(word, str)), None)
        if wrong is not None:
            raise ValueError(f"{name} must hold words as strings, got {_short(wrong)}: pass the words, not their ids")
    return as_list


def _checked(sentences: Iterable[list[str]], name: str) -> list[list[str]]:
    """Return the sentences as lists of words without `<s>` and `</s>`."""
    if isinstance(sentences, str):
        raise ValueError(
            f"{name} must be a list of sentences, each a list of words, got the string {_short(sentences)}: "
            "pass [text.split()] for words or [list(text)] for characters"
        )
    try:
        numbered = enumerate(sentences)
    except TypeError:
        raise ValueError(f"{name} must be a list of sentences, each a list of words, got {_short(sentences)}") from None
    checked = []
    for number, sentence in numbered:
        if isinstance(sentence, str):
            raise ValueError(
                f"{name}[{number}] must be a list of words, got the string {_short(sentence)}: pass text.split() for "
                "words or list(text) for characters; one sentence alone goes in a list, [words]"
            )
        words = check_words(sentence, f"{name}[{number}]")
        for marker in MARKERS[1:]:
            if marker in words:
                raise ValueError(
                    f"{name}[{number}] holds the marker {marker!r}, which the model adds itself: remove it from the "
                    "sentence, or write the word in another way"
                )
        checked.append(words)
    if not checked:
        raise ValueError(f"{name} must hold at least one sentence, got none")
    return checked


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
