"""What every tokenizer can do, and the check of ids that all share."""

import operator
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, Self, runtime_checkable


@runtime_checkable
class Tokenizer(Protocol):
    """What every tokenizer of the course can do."""

    @property
    def vocab_size(self) -> int:
        """Number of token types; ids run from 0 to vocab_size - 1."""

    def encode(self, text: str, specials: bool = True) -> list[int]:
        """Return the token ids of a text; no special token is added.

        Args:
            text: any text.
            specials: a special token that is written in the text becomes its id. False takes its name as plain text:
                for words that come from elsewhere, a user's in a chat, say.
        """

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of token ids."""

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Return the bytes of token ids, also where they begin or end within a character."""

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Return what each token adds to the text: one string per id, joined they are `decode(ids)`.

        A character that is spread over several tokens comes with the last of them.
        """

    def token_texts(self) -> list[str]:
        """Return the text of each id of the vocabulary, as it stands within a text; a part of a character is U+FFFD."""

    def save(self, path: str | Path) -> None:
        """Write the tokenizer to one JSON file."""

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a tokenizer that `save` wrote."""


def checked_id(id: int, vocab_size: int) -> int:
    """Return an id as a Python int.

    Raises:
        ValueError: it is no whole number, or not in 0 .. vocab_size - 1.
    """
    try:
        id = operator.index(id)
    except TypeError:
        raise ValueError(f"ids must be whole numbers, got {id!r}") from None
    if not 0 <= id < vocab_size:
        raise ValueError(f"ids must be in 0 .. {vocab_size - 1}, got {id}: is this another model's id?")
    return id


def texts_to_learn_from(texts: Iterable[str]) -> Iterator[str]:
    """Give the texts that a tokenizer is trained on.

    Raises:
        ValueError: they hold no character, or something that is no string, or are one string instead of several.
    """
    if isinstance(texts, str):
        raise ValueError("texts must be a list of strings, got one string: pass [text]")
    found = False
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"texts must hold strings, got a {type(text).__name__}: {text!r:.60}")
        found = found or text != ""
        yield text
    if not found:
        raise ValueError("texts hold no character to learn from")


def refuse_no_text(text: str) -> None:
    """Raise a ValueError if a text is no string."""
    if not isinstance(text, str):
        raise ValueError(f"text must be a string, got a {type(text).__name__}: {text!r:.60}")


def refuse_half_characters(text: str) -> None:
    """Raise a ValueError for what is no string, or holds half of a surrogate pair, which has no UTF-8 bytes."""
    refuse_no_text(text)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"text holds {text[error.start]!r} at {error.start}, half of a character") from None
