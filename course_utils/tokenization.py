"""Tokenization: from text to token ids and back."""

import json
import operator
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import tokenizers

from course_utils.files import write_atomically


@runtime_checkable
class Tokenizer(Protocol):
    """What every tokenizer of the course can do."""

    @property
    def vocab_size(self) -> int:
        """Number of token types; ids run from 0 to vocab_size - 1."""

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a text; no special token is added."""

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of token ids."""

    def save(self, path: str | Path) -> None:
        """Write the tokenizer to one JSON file."""

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a tokenizer that `save` wrote."""


class CharTokenizer:
    """One token per character, ids in the order of the characters' code points.

    Args:
        characters: the vocabulary, each character once.

    Raises:
        ValueError: no characters, one twice, or an entry that is not a single character.
    """

    def __init__(self, characters: Sequence[str]):
        if not characters or len(set(characters)) != len(characters) or any(len(c) != 1 for c in characters):
            raise ValueError("characters must be single characters, at least one, each once")
        self._characters = list(characters)
        self._ids = {character: id for id, character in enumerate(self._characters)}

    @classmethod
    def train(cls, texts: Iterable[str]) -> Self:
        """Collect the characters of some texts.

        Raises:
            ValueError: the texts hold no character, or `texts` is one string instead of several.
        """
        if isinstance(texts, str):
            raise ValueError("texts must be a list of strings, got one string: pass [text]")
        characters = sorted(set().union(*texts))
        if not characters:
            raise ValueError("texts hold no character to learn from")
        return cls(characters)

    @property
    def vocab_size(self) -> int:
        """Number of characters."""
        return len(self._characters)

    def encode(self, text: str) -> list[int]:
        """Return one id per character.

        Raises:
            ValueError: a character that training never saw, named.
        """
        try:
            return [self._ids[character] for character in text]
        except KeyError as unknown:
            raise ValueError(
                f"text holds the character {unknown.args[0]!r}, which is not among the {self.vocab_size} of training: "
                "train on texts that hold it"
            ) from None

    def decode(self, ids: Iterable[int]) -> str:
        """Return the characters of the ids, joined."""
        return "".join(self._characters[_checked(id, self.vocab_size)] for id in ids)

    def save(self, path: str | Path) -> None:
        """Write the characters to a JSON file."""
        document = {"type": "CharTokenizer", "characters": self._characters}
        write_atomically(path, json.dumps(document, indent=1).encode())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file that `save` wrote.

        Raises:
            ValueError: the file is something else.
        """
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
            if document["type"] != "CharTokenizer":
                raise KeyError("type")
            return cls(document["characters"])
        except (KeyError, TypeError, ValueError) as error:  # no JSON, no UTF-8 and bad characters are ValueErrors
            raise ValueError(f"{path} is not a file that CharTokenizer.save wrote ({error})") from None


class PretrainedTokenizer:
    """The tokenizer of a published model, run by the `tokenizers` library.

    Special tokens written in a text (`<|im_end|>`) become their single id; none is added that is not written.

    Args:
        backend: a `tokenizers.Tokenizer`.
    """

    def __init__(self, backend: tokenizers.Tokenizer):
        backend.no_truncation()  # a saved tokenizer may carry both, and would cut a text without a word
        backend.no_padding()
        self.backend = backend

    @property
    def vocab_size(self) -> int:
        """Number of token types, special ones included."""
        return self.backend.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a text; no special token is added.

        Raises:
            ValueError: the text holds half of a surrogate pair, which is no character.
        """
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"text holds {text[error.start]!r} at {error.start}, half of a character") from None
        return self.backend.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of token ids, special tokens written out; bytes that are no whole character give U+FFFD."""
        ids = [_checked(id, self.vocab_size) for id in ids]
        return self.backend.decode(ids, skip_special_tokens=False)

    def token_id(self, token: str) -> int:
        """Return the id of one token by its name, such as `<|endoftext|>`.

        Raises:
            ValueError: the vocabulary has no such token.
        """
        id = self.backend.token_to_id(token)
        if id is None:
            raise ValueError(f"the vocabulary has no token {token!r}")
        return id

    def save(self, path: str | Path) -> None:
        """Write the tokenizer in the `tokenizers` JSON format."""
        write_atomically(path, self.backend.to_str(pretty=True).encode())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file in the `tokenizers` JSON format.

        Raises:
            ValueError: the file is something else.
        """
        data = Path(path).read_bytes()
        try:
            return cls(tokenizers.Tokenizer.from_buffer(data))
        except Exception as error:  # the library raises plain Exception
            raise ValueError(f"{path} is not in the tokenizers JSON format: {error}") from None


def _checked(id: int, vocab_size: int) -> int:
    try:
        id = operator.index(id)
    except TypeError:
        raise ValueError(f"ids must be whole numbers, got {id!r}") from None
    if not 0 <= id < vocab_size:
        raise ValueError(f"ids must be in 0 .. {vocab_size - 1}, got {id}: is this another model's id?")
    return id
