"""Two conventions of GPT-2 that byte-level tokenizers still share: where a text is cut, how a byte is written.

Source: Radford, Wu, Child, Luan, Amodei and Sutskever (2019), "Language Models are Unsupervised Multitask Learners",
section 2.2, and the code published with it.
"""

import regex

# An English contraction, a word, a number or a run of other signs, each with the one space before it; or white space,
# of which the last is left to the word that follows.
_PIECE = regex.compile(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


def split(text: str) -> list[str]:
    """Cut a text into the pieces that no token crosses; joined, they are the text again.

    Which characters are letters, digits and white space is Unicode's to say. The `tokenizers` library may know an
    older Unicode than `regex`, and cut at characters younger than that (after Unicode 16, at present) elsewhere.
    """
    return _PIECE.findall(text)


def _characters_of_bytes() -> list[str]:
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in shown]
    replaced = {byte: chr(256 + i) for i, byte in enumerate(others)}
    return [replaced.get(byte, chr(byte)) for byte in range(256)]


# Byte -> the character that stands for it in a tokenizer's file: itself if it can be seen, else one from 256 on.
# A space is Ġ, a newline Ċ.
CHARACTERS = _characters_of_bytes()
BYTES = {character: byte for byte, character in enumerate(CHARACTERS)}

# The bytes as `tokenizers` numbers them, in the order of their characters' code points: ! is the first, 0xAD the last.
ORDER = sorted(range(256), key=CHARACTERS.__getitem__)


def written(token: bytes) -> str:
    """Write the bytes of a token as characters that can be seen."""
    return "".join(CHARACTERS[byte] for byte in token)


def read(characters: str) -> bytes:
    """Read what `written` gave.

    Raises:
        KeyError: a character that stands for no byte.
    """
    return bytes(BYTES[character] for character in characters)
