"""The simplest tokenizer: one token per character."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from course_utils.files import write_atomically
from course_utils.tokenization.protocol import checked_id, refuse_no_text, texts_to_learn_from


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
        """Collect the characters of texts.

        Raises:
            ValueError: the texts hold no character or something that is no string, or `texts` is one string instead of
                several.
        """
        characters: set[str] = set()
        return cls(sorted(characters.union(*texts_to_learn_from(texts))))

    @property
    def vocab_size(self) -> int:
        """Number of characters."""
        return len(self._characters)

    def encode(self, text: str, specials: bool = True) -> list[int]:
        """Return one id per character.

        Args:
            text: characters of the vocabulary.
            specials: as for every tokenizer; this one has no special tokens.

        Raises:
            ValueError: a character that training never saw, named; or the text is no string.
        """
        refuse_no_text(text)
        try:
            return [self._ids[character] for character in text]
        except KeyError as unknown:
            raise ValueError(
                f"text holds the character {unknown.args[0]!r}, which is not among the {self.vocab_size} of training: "
                "train on texts that hold it"
            ) from None

    def decode(self, ids: Iterable[int]) -> str:
        """Return the characters of the ids, joined.

        Raises:
            ValueError: an id that is not in the vocabulary.
        """
        return "".join(self._characters[checked_id(id, self.vocab_size)] for id in ids)

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Return the UTF-8 bytes of the characters of the ids; errors as `decode`."""
        return self.decode(ids).encode()

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Return the character of each id; joined, they are `decode(ids)`; errors as `decode`."""
        return list(self.decode(ids))

    def token_texts(self) -> list[str]:
        """Return the characters in the order of their ids."""
        return list(self._characters)

    def save(self, path: str | Path) -> None:
        """Write the characters to a JSON file.

        Raises:
            OSError: the file can't be written.
        """
        document = {"type": "CharTokenizer", "characters": self._characters}
        write_atomically(path, json.dumps(document, indent=1).encode())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file that `save` wrote.

        Raises:
            OSError: the file can't be read.
            ValueError: it is something else.
        """
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
            if document["type"] != "CharTokenizer":
                raise KeyError("type")
            return cls(document["characters"])
        except (KeyError, TypeError, ValueError) as error:  # no JSON, no UTF-8 and bad characters are ValueErrors
            raise ValueError(f"{path} is not a file that CharTokenizer.save wrote ({error})") from None
