"""Bits per byte, where tokens cut a character in two: bytes are counted before they are decoded."""

import math

from course_utils.exercises.core import Exercise, probes


def bits_per_byte(nats: list[float], tokens: list[bytes]) -> float:
    """Return the bits that a model needs per byte of text.

    Args:
        nats: -ln of the probability of each token.
        tokens: the bytes of each.
    """
    return sum(nats) / math.log(2) / sum(map(len, tokens))


exercise = Exercise(
    bits_per_byte,
    minutes=15,
    difficulty=2,
    shown="the bytes are those of the text, wherever the tokens cut it.",
    hints=(
        "All the bits, divided by all the bytes. In what unit are the surprises given?",
        "What does `token.decode(errors='replace')` make of half a character, and how many bytes has that?",
        "len(token) of a bytes object is its number of bytes; nothing has to be decoded.",
    ),
    probes=probes(
        ("two words", [math.log(2), math.log(2)], [b"ab", b" cd"]),
        "Two bits for five bytes: 0.4.",
        ("tokens of unlike length", [math.log(2), 3 * math.log(2)], [b"a", b" house"]),
        "Divide all bits by all bytes, 4 / 7, not token by token.",
        ("characters of two bytes", [math.log(2)], ["über".encode()]),
        "One bit for the five bytes of four characters.",
        ("a character cut in two", [math.log(2)] * 2, [b"\xf0\x9f", b"\x90\x95"]),
        "Two bits for the four bytes of one dog: 0.5. Half a character can't be decoded.",
        ("single bytes", [math.log(2)] * 3, [b"\xe2", b"\x82", b"\xac"]),
        "Three tokens of one byte each, which together are a euro sign: 1 bit per byte.",
    ),
    hidden=probes(
        ("a sentence", [0.7, 2.1, 4.9, 3.3], [b"no", b" caf", b"\xc3", b"\xa9!"]),
        "All nats, turned into bits, over all bytes.",
    ),
)


def decoded_bytes(tokens):
    return sum(len(token.decode(errors="replace").encode()) for token in tokens)


exercise.add_mistakes(
    "these are nats. Divide by ln 2 for bits.",
    lambda nats, tokens: sum(nats) / sum(map(len, tokens)),
    "a nat is more than a bit: it has 1 / ln 2 = 1.44 of them. Divide by ln 2.",
    lambda nats, tokens: sum(nats) * math.log(2) / sum(map(len, tokens)),
    "the sign is wrong: a surprise, -ln of a probability, is given as a positive number already.",
    lambda nats, tokens: -sum(nats) / math.log(2) / sum(map(len, tokens)),
    "these are bytes per bit.",
    lambda nats, tokens: sum(map(len, tokens)) * math.log(2) / sum(nats),
    "this is per token: divide by the bytes.",
    lambda nats, tokens: sum(nats) / math.log(2) / len(tokens),
    "this is a mean of the tokens' own rates. Divide the sum of the bits by the sum of the bytes.",
    lambda nats, tokens: sum(n / math.log(2) / len(t) for n, t in zip(nats, tokens, strict=True)) / len(tokens),
    "a space is a byte of the text too.",
    lambda nats, tokens: sum(nats) / math.log(2) / sum(len(token.strip()) for token in tokens),
    "these are characters. Count bytes.",
    lambda nats, tokens: sum(nats) / math.log(2) / len(b"".join(tokens).decode(errors="replace")),
    "the bytes were counted after decoding each token: half a character becomes U+FFFD, which has three bytes. The "
    "text seems longer, and the model better, than it is.",
    lambda nats, tokens: sum(nats) / math.log(2) / decoded_bytes(tokens),
    "bytes that can't be decoded were left out. They are part of the text too.",
    lambda nats, tokens: sum(nats) / math.log(2) / max(1, sum(len(t.decode(errors="ignore").encode()) for t in tokens)),
)
