"""Encode a text that comes in parts: the ids of the whole, the memory of one part."""

import re
from collections.abc import Callable, Iterable, Iterator

from course_utils.tokenization import gpt2
from course_utils.tokenization.protocol import refuse_half_characters

BLOCK = 65_536  # characters that are encoded at a time


def encode_parts(
    parts: Iterable[str], encode: Callable[[str], list[int]], special: re.Pattern[str] | None, names: Iterable[str]
) -> Iterator[int]:
    """Give the ids of the joined parts.

    Args:
        parts: a text, cut anywhere.
        encode: text -> ids; it cuts at special tokens, then as `gpt2.split` does.
        special: finds the special tokens as `encode` does; None if it knows none.
        names: the special tokens.

    Raises:
        ValueError: a part holds half of a surrogate pair.
    """
    waiting, length, enough = [], 0, BLOCK
    for part in parts:
        refuse_half_characters(part)
        waiting.append(part)
        length += len(part)
        if length < enough:
            continue
        text = "".join(waiting)
        end = settled(text, special, names)
        yield from encode(text[:end])
        waiting, length = [text[end:]], len(text) - end
        enough = length + max(BLOCK, length)  # a piece that goes on and on is looked at each time it has doubled
    yield from encode("".join(waiting))


def settled(text: str, special: re.Pattern[str] | None, names: Iterable[str]) -> int:
    """Return how much of a text is encoded the same whatever follows; the rest may still become something else.

    Args:
        text: the beginning of a text.
        special: finds special tokens in it, the longest that begins at a place; None if there are none.
        names: the special tokens.
    """
    end, begin = len(text), 0  # the last stretch without a special token
    if special is not None:
        found = [match.span() for match in special.finditer(text)]
        longest = max(map(len, names))
        for start in range(max(0, len(text) - longest + 1), len(text)):
            beginning = text[start:]
            may_grow = any(name.startswith(beginning) and name != beginning for name in names)
            if may_grow and not any(left < start < right for left, right in found):
                end = start
                break
        begin = max((right for _, right in found if right <= end), default=0)
    # The last piece may grow, and the last but one join it: ' and l are one piece when another l follows.
    return begin + sum(map(len, gpt2.split(text[begin:end])[:-2]))
