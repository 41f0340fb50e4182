"""A token's text: what it adds to the running text, so that the texts of all tokens, joined, are the whole text.

`decode` of one id alone is another thing: tokenizers of the sentencepiece kind drop the space that a text begins with,
and a character of several bytes may be spread over several tokens. Here such a character comes with the token that
completes it, the tokens before it add "", and bytes that never become a character give U+FFFD as soon as that is
sure: with the token that follows them, or with the last of all.
"""

import codecs
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile

UNKNOWN = "\ufffd"


def byte_pieces(tokens: Iterable[bytes]) -> list[str]:
    """Return what each token adds to the text.

    Args:
        tokens: their bytes.

    Returns:
        One string per token; joined, they are `b"".join(tokens).decode("utf-8", "replace")`.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    pieces = [decoder.decode(token) for token in tokens]
    if pieces:
        pieces[-1] += decoder.decode(b"", final=True)
    return pieces


def decoded_pieces(decode: Callable[[Sequence[int]], str], ids: Sequence[int]) -> list[str]:
    """Return what each token adds to the text, for any function that decodes.

    Args:
        decode: ids -> text.
        ids: the tokens.

    Returns:
        One string per token; joined, they are `decode(ids)`.
    """
    full_text = decode(ids)
    pieces, start, end, before = [], 0, 0, ""  # the text of ids[start:end] is known: before
    for now in range(1, len(ids) + 1):
        text = decode(ids[start:now])  # two or three tokens are enough to see what the last one adds
        if text.endswith(UNKNOWN) and now < len(ids):
            pieces.append("")
            continue
        if not text.startswith(before):
            break
        pieces.append(text[len(before) :])
        start, end = end, now
        before = decode(ids[start:end])
    if "".join(pieces) == full_text and len(pieces) == len(ids):
        return pieces
    return _pieces_of_beginnings([decode(ids[:end]) for end in range(1, len(ids))], full_text)


def _pieces_of_beginnings(beginnings: list[str], full_text: str) -> list[str]:
    """Cut a text where the texts of the first token, the first two, the first three ... stop to agree with it."""
    cuts = [0]
    for text in beginnings:
        text = text.rstrip(UNKNOWN)
        agreed = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text, full_text, strict=False)))
        cuts.append(max(cuts[-1], agreed))
    return [full_text[start:end] for start, end in zip(cuts, [*cuts[1:], len(full_text)], strict=True)]
