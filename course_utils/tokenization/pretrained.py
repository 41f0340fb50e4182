"""The tokenizers of published models."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import tokenizers

from course_utils.files import write_atomically
from course_utils.tokenization.protocol import checked_id, refuse_half_characters


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
        refuse_half_characters(text)
        return self.backend.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of token ids, special tokens written out; bytes that are no whole character give U+FFFD."""
        ids = [checked_id(id, self.vocab_size) for id in ids]
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
