"""A byte-level BPE tokenizer, trained from scratch: any text, any bytes, and back without loss.

Source: Sennrich, Haddow and Birch (2016), "Neural Machine Translation of Rare Words with Subword Units"; over bytes as
in Radford et al. (2019), "Language Models are Unsupervised Multitask Learners", section 2.2.
"""

import heapq
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Self

import tokenizers

from course_utils.checks import whole_number
from course_utils.files import write_atomically
from course_utils.tokenization import gpt2, tokenizers_format
from course_utils.tokenization.merges import GAP, learn_merges
from course_utils.tokenization.pieces import byte_pieces
from course_utils.tokenization.protocol import checked_id, refuse_half_characters, texts_to_learn_from

CACHE_BYTES = 16_000_000  # text repeats its words: the ids of about so many bytes of pieces are kept
CACHED_CHARACTERS = 50  # a longer piece will hardly come again


class BPETokenizer:
    """Bytes, and the merges that join them to longer tokens.

    Ids: the special tokens, then the 256 bytes in the order of `gpt2.ORDER`, then one per merge, in the order learned.
    A special token that a text holds becomes its one id, unless asked otherwise; none is added that is not written.

    Args:
        merges: pairs of tokens; each token is one byte or made by an earlier merge.
        special_tokens: strings with an id of their own.

    Raises:
        ValueError: a merge joins a token that nothing made yet, or makes one that is there already; a special token
            is empty, given twice, or could as well be made of merges.
    """

    def __init__(self, merges: Sequence[tuple[bytes, bytes]], special_tokens: Sequence[str] = ()):
        self._special_ids = {token: id for id, token in enumerate(_checked_special_tokens(special_tokens))}
        bytes_from = len(self._special_ids)
        self._byte_ids = [bytes_from + gpt2.ORDER.index(byte) for byte in range(256)]
        self._merges = [(bytes(left), bytes(right)) for left, right in merges]
        self._tokens = [*map(str.encode, self._special_ids), *(bytes([byte]) for byte in gpt2.ORDER)]  # id -> bytes
        self._merged: dict[tuple[int, int], int] = {}  # pair of ids -> id; merges learned earlier give lower ids
        ids = {token: id for id, token in enumerate(self._tokens[bytes_from:], start=bytes_from)}
        for left, right in self._merges:
            known = left in ids and right in ids
            if not known or left + right in ids:
                problem = "makes a token that is there already" if known else "joins an unknown token"
                raise ValueError(f"merges are in order, each makes a new token of known ones: {left, right} {problem}")
            self._merged[ids[left], ids[right]] = ids[left + right] = len(self._tokens)
            self._tokens.append(left + right)
        longest_first = sorted(self._special_ids, key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._cache: dict[str, list[int]] = {}
        self._cached_bytes = 0

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int, special_tokens: Sequence[str] = ()) -> Self:
        """Learn merges from texts; `learn_merges` says which pair comes first.

        Special tokens in the texts are learned from like any other text: cut the texts at them first.

        Args:
            texts: the texts, each split as GPT-2 does before anything is counted.
            vocab_size: special tokens + 256 bytes + merges to learn. Fewer come out when the texts are so short that
                every piece of them has become one token before.
            special_tokens: strings that get the ids from 0 on.

        Raises:
            ValueError: vocab_size is no whole number, or leaves no room for the bytes; texts hold no character or
                something that is no string, or are one string instead of several; a text holds half of a surrogate
                pair; special_tokens as in the constructor.
        """
        smallest = 256 + len(_checked_special_tokens(special_tokens))
        if whole_number("vocab_size", vocab_size) < smallest:
            raise ValueError(
                f"vocab_size must be at least {smallest}, for 256 bytes and {smallest - 256} special tokens, got "
                f"{vocab_size}: give at least {smallest}; each one above is a merge"
            )
        pieces: Counter[str] = Counter()
        for text in texts_to_learn_from(texts):
            refuse_half_characters(text)
            pieces.update(gpt2.split(text))
        counts = {piece.encode(): count for piece, count in pieces.items()}
        return cls(learn_merges(counts, vocab_size - smallest), special_tokens)

    @property
    def vocab_size(self) -> int:
        """Number of token types: special tokens, 256 bytes, merges."""
        return len(self._tokens)

    @property
    def merges(self) -> list[tuple[bytes, bytes]]:
        """The pairs that are joined, in the order learned."""
        return list(self._merges)

    @property
    def special_tokens(self) -> list[str]:
        """The special tokens, in the order of their ids."""
        return list(self._special_ids)

    def token_bytes(self, id: int) -> bytes:
        """Return the bytes of one token; of a special token, those of its name.

        Raises:
            ValueError: there is no such id.
        """
        return self._tokens[checked_id(id, self.vocab_size)]

    def token_id(self, token: str) -> int:
        """Return the id of a special token by its name, such as `<|endoftext|>`.

        Raises:
            ValueError: there is no such special token.
        """
        if token not in self._special_ids:
            raise ValueError(f"{token!r} is not among the special tokens {self.special_tokens}")
        return self._special_ids[token]

    def encode(self, text: str, specials: bool = True) -> list[int]:
        """Return the token ids of a text.

        Args:
            text: any text.
            specials: a special token that is written in the text becomes its id. False takes its name as plain text:
                for words that come from elsewhere, a user's in a chat, say.

        Raises:
            ValueError: the text holds half of a surrogate pair, which is no character.
        """
        refuse_half_characters(text)
        ids: list[int] = []
        for part, is_special in self._parts(text) if specials else [(text, False)]:
            if is_special:
                ids.append(self._special_ids[part])
                continue
            for piece in gpt2.split(part):
                known = self._cache.get(piece)
                ids += self._encode_piece(piece) if known is None else known
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of token ids; bytes that are no whole character give U+FFFD.

        Raises:
            ValueError: an id that is not in the vocabulary.
        """
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Return the bytes of token ids.

        Raises:
            ValueError: an id that is not in the vocabulary.
        """
        return b"".join(map(self.token_bytes, ids))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Return what each token adds to the text: one string per id, joined they are `decode(ids)`.

        A character that is spread over several tokens comes with the last of them.

        Raises:
            ValueError: an id that is not in the vocabulary.
        """
        return byte_pieces(map(self.token_bytes, ids))

    def token_texts(self) -> list[str]:
        """Return the text of each id of the vocabulary; a part of a character is U+FFFD."""
        return [token.decode("utf-8", "replace") for token in self._tokens]

    def save(self, path: str | Path) -> None:
        """Write the tokenizer in the `tokenizers` JSON format, which `transformers` reads too.

        Raises:
            OSError: the file can't be written.
        """
        write_atomically(path, self._in_library().to_str(pretty=True).encode())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file that `save` wrote, or one of `tokenizers` that says the same.

        Raises:
            OSError: the file can't be read.
            ValueError: it is something else.
        """
        try:
            backend = tokenizers.Tokenizer.from_buffer(Path(path).read_bytes())
            tokenizer = cls(*tokenizers_format.from_library(backend))
            if other := tokenizers_format.differences(backend, tokenizer._in_library()):
                raise ValueError(f"it has another {' and another '.join(other)}")
        except ValueError as error:  # the library's own, too
            raise ValueError(
                f"{path} is not a file that BPETokenizer.save wrote ({error}): PretrainedTokenizer.load reads every "
                "file in the tokenizers JSON format"
            ) from None
        return tokenizer

    def _in_library(self) -> tokenizers.Tokenizer:
        return tokenizers_format.to_library(self.special_tokens, self._tokens, self._merges)

    def _encode_piece(self, piece: str) -> list[int]:
        ids = self._merge([self._byte_ids[byte] for byte in piece.encode()])
        if len(piece) <= CACHED_CHARACTERS:
            size = sys.getsizeof(piece) + sys.getsizeof(ids)
            if self._cached_bytes + size > CACHE_BYTES:
                self._cache.clear()
                self._cached_bytes = 0
            self._cache[piece] = ids
            self._cached_bytes += size
        return ids

    def _parts(self, text: str) -> Iterator[tuple[str, bool]]:
        """Give the special tokens of a text, and what is between them; True says that it is a special token."""
        start = 0
        for match in self._special.finditer(text) if self._special else ():
            yield text[start : match.start()], False
            yield match[0], True
            start = match.end()
        yield text[start:], False

    def _merge(self, ids: list[int]) -> list[int]:
        """Join the tokens of one piece, always the pair that was learned first, from left to right.

        The pairs wait in a queue, so that a piece of n bytes takes n log n steps; a merged token stands where its left
        part stood.
        """
        end = len(ids)
        ids = [*ids, GAP]  # no token stands there (any more)
        before, after = list(range(-1, end)), list(range(1, end + 1))
        queue = [(self._merged[pair], i) for i, pair in enumerate(pairwise(ids)) if pair in self._merged]
        heapq.heapify(queue)
        while queue:
            new, i = heapq.heappop(queue)
            j = after[i]
            if self._merged.get((ids[i], ids[j])) != new:  # an earlier merge took one of the two
                continue
            ids[i], ids[j], after[i] = new, GAP, after[j]
            before[after[i]] = i
            for left, right in ((before[i], i), (i, after[i])):
                if left >= 0 and (ids[left], ids[right]) in self._merged:
                    heapq.heappush(queue, (self._merged[ids[left], ids[right]], left))
        return [id for id in ids if id != GAP]


def _checked_special_tokens(special_tokens: Sequence[str]) -> Sequence[str]:
    if isinstance(special_tokens, str):
        raise ValueError(f"special_tokens must be a list of strings, got one string: pass [{special_tokens!r}]")
    for i, token in enumerate(special_tokens):
        if not token or token in special_tokens[:i]:
            raise ValueError(f"special_tokens must be different and not empty, got {list(special_tokens)}")
        refuse_half_characters(token)
        if _could_be_merged(token):
            raise ValueError(
                f"special_tokens must not look like ordinary text, got {token!r}: write it as <|...|>, with a name "
                "between the bars"
            )
    return special_tokens


def _could_be_merged(token: str) -> bool:
    """Say whether a file would write one piece of ordinary text just as it writes this special token."""
    if any(character not in gpt2.BYTES for character in token):
        return False
    return len(gpt2.split(gpt2.read(token).decode("utf-8", "surrogateescape"))) == 1
