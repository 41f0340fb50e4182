"""The tokenizers of published models."""

import json
import re
from collections.abc import Iterable
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Self

import tokenizers

from course_utils.files import write_atomically
from course_utils.tokenization import gpt2
from course_utils.tokenization.protocol import checked_id, refuse_half_characters

_BYTE = re.compile("<0x[0-9A-F]{2}>")  # how sentencepiece's models name the bytes of a character that is no token


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

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Return the bytes of token ids, also where they begin or end within a character."""
        ids = [checked_id(id, self.vocab_size) for id in ids]
        if self._is_byte_level:
            return b"".join(map(_bytes_of_characters, map(self.backend.id_to_token, ids)))
        data = b""
        for is_byte, run in groupby(ids, lambda id: _BYTE.fullmatch(self.backend.id_to_token(id)) is not None):
            run = list(run)
            if is_byte:
                data += bytes(int(self.backend.id_to_token(id)[3:5], 16) for id in run)
            elif data:  # decoders drop a space at the beginning of a text, and this is none
                data += self.decode([run[0], *run]).removeprefix(self.decode(run[:1])).encode()
            else:
                data += self.decode(run).encode()
        return data

    @cached_property
    def _is_byte_level(self) -> bool:
        decoder = json.loads(self.backend.to_str())["decoder"] or {}
        return "ByteLevel" in [step["type"] for step in decoder.get("decoders", [decoder]) if step]

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


def _bytes_of_characters(token: str) -> bytes:
    """Return the bytes that a byte-level token writes; an added token may be written as it is."""
    try:
        return gpt2.read(token)
    except KeyError:
        return token.encode()
