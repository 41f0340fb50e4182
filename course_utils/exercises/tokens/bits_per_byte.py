"""Bits per byte: a measure that models with different tokenizers can share."""

import math

from course_utils.exercises.core import Exercise, probes


def bits_per_byte(perplexity: float, n_tokens: int, n_bytes: int) -> float:
    """Return the bits that a model needs per byte of a text: total nats / (ln 2 x bytes).

    Args:
        perplexity: exp of the mean nats per token.
        n_tokens: tokens that the mean was taken over.
        n_bytes: UTF-8 bytes of the same text.

    Raises:
        ValueError: the text has no byte.

    Source: Gao et al. (2020), "The Pile", section 3.1.
    """
    if n_bytes < 1:
        raise ValueError(f"n_bytes must be at least 1, got {n_bytes}: give the bytes of the text that was scored")
    total_nats = n_tokens * math.log(perplexity)
    return total_nats / (math.log(2) * n_bytes)


exercise = Exercise(
    bits_per_byte,
    minutes=10,
    difficulty=2,
    shown="all the bits of the text, divided by its bytes.",
    hints=(
        "Perplexity 2 means one bit per token, 4 two bits, 8 three. How many bits is the whole text?",
        "math.log2(perplexity) bits per token, times n_tokens, is the whole text. Divide by what?",
        "n_tokens * math.log2(perplexity) / n_bytes; before it, if n_bytes is 0, raise ValueError.",
    ),
    probes=probes(
        ("four bytes per token", 4.0, 10, 40),
        "Perplexity 4 is 2 bits per token, for 4 bytes: half a bit each.",
        ("two bytes per token", 16.0, 5, 10),
        "4 bits per token, 2 bytes per token: 2 bits per byte.",
        ("bits, not nats", math.e**2, 10, 40),
        "exp(2) is 2 nats per token: divide by ln 2 for bits.",
        ("more tokens than bytes", 1.5, 101, 100),
        "An end marker per text is scored too. Divide by bytes.",
        ("a long text", 20.0, 10**6, 4 * 10**6),
        "Don't compute the probability of the text: it is 0 in floats.",
        ("no surprise at all", 1.0, 7, 30),
        "Perplexity 1 is 0 bits.",
        ("an impossible token", math.inf, 7, 30),
        "Infinite perplexity is infinitely many bits.",
        ("no text", 8.0, 0, 0),
        "There is nothing to divide by: raise ValueError and say so.",
    ),
    hidden=probes(
        ("another text", 11.0, 27, 90),
        "Compute with perplexity, n_tokens and n_bytes, whatever they are.",
        ("an end marker alone", 3.0, 1, 0),
        "One token was scored, but there is no byte: raise ValueError.",
    ),
)

exercise.add_mistakes(
    "this is the perplexity. Take its logarithm: bits add up, perplexities don't.",
    lambda perplexity, n_tokens, n_bytes: perplexity,
    "you averaged perplexities. Take the logarithm first: bits add up, perplexities don't.",
    lambda perplexity, n_tokens, n_bytes: perplexity * n_tokens / n_bytes,
    "this is a perplexity per byte. Its logarithm to base 2 is what is asked for.",
    lambda perplexity, n_tokens, n_bytes: perplexity ** (n_tokens / n_bytes),
    "the minus is too much: perplexity is at least 1, its log >= 0.",
    lambda perplexity, n_tokens, n_bytes: -math.log2(perplexity) * n_tokens / n_bytes,
    "these are the bits of the whole text. Divide by its bytes.",
    lambda perplexity, n_tokens, n_bytes: math.log2(perplexity) * n_tokens,
    "you divided the bits of one token by all bytes: times n_tokens.",
    lambda perplexity, n_tokens, n_bytes: math.log2(perplexity) / n_bytes,
    "this is per bit of the text. Divide by bytes, not by 8 x bytes.",
    lambda perplexity, n_tokens, n_bytes: math.log2(perplexity) * n_tokens / (8 * n_bytes),
    "these are nats per byte. Divide by ln 2, or take math.log2.",
    lambda perplexity, n_tokens, n_bytes: math.log(perplexity) * n_tokens / n_bytes,
    "log10 counts divisions by ten. Bits need math.log2.",
    lambda perplexity, n_tokens, n_bytes: math.log10(perplexity) * n_tokens / n_bytes,
    "these are bits per token. The text has n_tokens of them: share all bits by bytes.",
    lambda perplexity, n_tokens, n_bytes: math.log2(perplexity),
    "the ratio is upside down: tokens over bytes, since the bits per token are given.",
    lambda perplexity, n_tokens, n_bytes: math.log2(perplexity) * n_bytes / n_tokens,
    "you multiplied by ln 2. One nat is 1 / ln 2 = 1.44 bits: divide.",
    lambda perplexity, n_tokens, n_bytes: math.log(perplexity) * n_tokens * math.log(2) / n_bytes,
    "you rounded the bits per token. Round only what you print.",
    lambda perplexity, n_tokens, n_bytes: round(math.log2(perplexity), 0) * n_tokens / n_bytes,
    "no text has no bits per byte, not 0: that would be a perfect model. Raise ValueError.",
    lambda perplexity, n_tokens, n_bytes: math.log2(perplexity) * n_tokens / n_bytes if n_bytes else 0.0,
    "no text has no bits per byte, not infinitely many. Raise ValueError.",
    lambda perplexity, n_tokens, n_bytes: math.log2(perplexity) * n_tokens / n_bytes if n_bytes else math.inf,
)
