"""The tokenizers of published models."""

import json
import re
import uuid
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Self

import tokenizers

from course_utils.files import write_atomically
from course_utils.tokenization import gpt2
from course_utils.tokenization.pieces import byte_pieces, decoded_pieces
from course_utils.tokenization.protocol import checked_id, refuse_half_characters

_BYTE = re.compile("<0x[0-9A-F]{2}>")  # how sentencepiece's models name the bytes of a character that is no token


class PretrainedTokenizer:
    """The tokenizer of a published model, run by the `tokenizers` library.

    Special tokens written in a text (`<|im_end|>`) become their single id, unless asked otherwise; none is added that
    is not written.

    Args:
        backend: a `tokenizers.Tokenizer`, complete: don't add tokens to it afterwards.
    """

    def __init__(self, backend: tokenizers.Tokenizer):
        backend.no_truncation()  # a saved tokenizer may carry both, and would cut a text without a word
        backend.no_padding()
        self.backend = backend
        self._vocab_size = 1 + max(backend.get_vocab().values(), default=-1)

    @property
    def vocab_size(self) -> int:
        """The largest id, special tokens included, and one more; an id in between that no token has writes nothing."""
        return self._vocab_size

    def encode(self, text: str, specials: bool = True) -> list[int]:
        """Return the token ids of a text; no special token is added.

        Args:
            text: any text.
            specials: a special token that is written in the text becomes its id. False takes its name as plain text:
                for words that come from elsewhere, a user's in a chat, say. An added token that isn't marked as
                special (a run of spaces, in some models) is plain text, and keeps its id.

        Raises:
            ValueError: the text holds half of a surrogate pair, which is no character.
        """
        refuse_half_characters(text)
        backend = self.backend if specials else self._plain
        return backend.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of token ids, special tokens written out; bytes that are no whole character give U+FFFD.

        Raises:
            ValueError: an id that is not in the vocabulary.
        """
        return self._decode(self._checked(ids))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Return what each token adds to the text: one string per id, joined they are `decode(ids)`.

        A character that is spread over several tokens comes with the last of them.

        Raises:
            ValueError: an id that is not in the vocabulary.
        """
        ids = self._checked(ids)
        return byte_pieces(map(self._bytes, ids)) if self._is_byte_level else decoded_pieces(self._decode, ids)

    def token_texts(self) -> list[str]:
        """Return the text of each id of the vocabulary, as it stands within a text; a part of a character is U+FFFD."""
        ids = range(self.vocab_size)
        if self._is_byte_level:
            return [self._bytes(id).decode("utf-8", "replace") for id in ids]
        # Behind a letter, since a text drops the space it begins with.
        letters = (id for id in ids if len(text := self._decode([id])) == 1 and text.isalpha())
        before = [letter for letter in [next(letters, None)] if letter is not None]
        texts = self.backend.decode_batch([[*before, id] for id in ids], skip_special_tokens=False)
        return [text.removeprefix(self._decode(before)) for text in texts]

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Return the bytes of token ids, also where they begin or end within a character.

        Raises:
            ValueError: an id that is not in the vocabulary.
        """
        ids = self._checked(ids)
        if self._is_byte_level:
            return b"".join(map(self._bytes, ids))
        data = b""
        for is_byte, group in groupby(ids, lambda id: _BYTE.fullmatch(self._name(id)) is not None):
            run = list(group)
            if is_byte:
                data += bytes(int(self._name(id)[3:5], 16) for id in run)
            elif data:  # decoders drop a space at the beginning of a text, and this is none
                data += self._decode([run[0], *run]).removeprefix(self._decode(run[:1])).encode()
            else:
                data += self._decode(run).encode()
        return data

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
        """Write the tokenizer in the `tokenizers` JSON format.

        Raises:
            OSError: the file can't be written.
        """
        write_atomically(path, self.backend.to_str(pretty=True).encode())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file in the `tokenizers` JSON format.

        Raises:
            OSError: the file can't be read.
            ValueError: it is something else.
        """
        data = Path(path).read_bytes()
        try:
            return cls(tokenizers.Tokenizer.from_buffer(data))
        except Exception as error:  # the library raises plain Exception
            raise ValueError(f"{path} is not in the tokenizers JSON format: {error}") from None

    def _checked(self, ids: Iterable[int]) -> list[int]:
        return [checked_id(id, self.vocab_size) for id in ids]

    def _decode(self, ids: Sequence[int]) -> str:
        return self.backend.decode(ids, skip_special_tokens=False)

    def _name(self, id: int) -> str:
        """Return a token as the library writes it; "" for an id that no token has."""
        return self.backend.id_to_token(id) or ""

    @cached_property
    def _is_byte_level(self) -> bool:
        decoder = json.loads(self.backend.to_str())["decoder"] or {}
        return {step["type"] for step in decoder.get("decoders", [decoder]) if step} == {"ByteLevel"}

    def _bytes(self, id: int) -> bytes:
        """Return the bytes of one token of a byte-level tokenizer; it writes added ones as they are."""
        written = self._name(id)
        try:
            return gpt2.read(written)
        except KeyError:
            return written.encode()

    @cached_property
    def _plain(self) -> tokenizers.Tokenizer:
        """The same tokenizer with special tokens that no text can hold: their names are drawn by chance."""
        document = json.loads(self.backend.to_str())
        specials = {token["content"]: uuid.uuid4().hex for token in document["added_tokens"] if token["special"]}
        for token in document["added_tokens"]:
            token["content"] = specials.get(token["content"], token["content"])
        model = document["model"]
        if isinstance(model["vocab"], dict):
            model["vocab"] = {specials.get(token, token): id for token, id in model["vocab"].items()}
        else:  # a unigram model's, with a score each
            model["vocab"] = [[specials.get(token, token), score] for token, score in model["vocab"]]
        if "merges" in model:
            prefix = model.get("continuing_subword_prefix") or ""
            model["merges"] = [
                [left, right]
                for left, right in model["merges"]
                if specials.keys().isdisjoint({left, right, left + right.removeprefix(prefix)})
            ]
        if "unk_token" in model:
            model["unk_token"] = specials.get(model["unk_token"], model["unk_token"])
        document["post_processor"] = None  # it adds special tokens, which `encode` never asks for
        return tokenizers.Tokenizer.from_str(json.dumps(document))
