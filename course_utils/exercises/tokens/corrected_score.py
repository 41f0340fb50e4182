"""A real bug: bytes counted after decoding each token, where a part of a character becomes U+FFFD."""

from course_utils.exercises.core import Exercise, probes


def corrected_score(reported: float, tokens: list[bytes]) -> float:
    """Return the true bits per byte, where the bytes of each token were counted after decoding it alone.

    Args:
        reported: bits of the whole text over the bytes as they were counted.
        tokens: the bytes of each token of the text that was scored.

    Raises:
        ValueError: there is no byte.
    """
    n_bytes = sum(len(token) for token in tokens)
    if n_bytes == 0:
        raise ValueError("tokens hold no byte: there is nothing to divide by")
    counted = sum(len(token.decode("utf-8", "replace").encode("utf-8")) for token in tokens)
    return reported * counted / n_bytes


exercise = Exercise(
    corrected_score,
    minutes=20,
    difficulty=3,
    shown="the bits stay the same, and the bytes are those of the tokens.",
    hints=(
        "Put one byte of an emoji through the line of the bug: b'\\xf0'.decode('utf-8', errors='replace'). What comes "
        "out, and how many bytes does that have?",
        "The bits of the text are right: reported x the bytes counted wrongly. Divide them by the true bytes.",
        'counted = sum(len(token.decode("utf-8", errors="replace").encode("utf-8")) for token in tokens); the answer '
        "is reported * counted / sum(map(len, tokens)). Before it, if there is no byte, raise ValueError.",
    ),
    probes=probes(
        ("an English text", 1.5, [b"the", b" hat"]),
        "Nothing was miscounted: the score stands.",
        ("whole characters of several bytes", 1.2, ["ü".encode(), "北京".encode()]),
        "A token that holds whole characters is counted rightly: not every byte above 127 is a problem.",
        ("the first byte of an emoji", 1.0, [b"abc", b"\xf0"]),
        "This byte alone decodes to U+FFFD, which has 3 bytes in UTF-8: 6 were counted for 4.",
        ("two halves of one character", 1.0, [b"\xc3", b"\xbc"]),
        "Each half alone becomes U+FFFD: 6 bytes were counted for 2.",
        ("a space with the beginning of a character", 2.0, [b" \xf0\x9f", b"\xa6", b"\x94"]),
        "The space was counted as it is, and the unfinished character after it as one U+FFFD.",
        ("two stray bytes in one token", 2.0, [b"\xf0\x9f", b"\xa6\x94"]),
        "The two first bytes of an emoji become one U+FFFD, its two last bytes become two.",
        ("English around them", 0.9, [b"fine", b" ", b"\xf0\x9f", b"\xa6", b"\x94", b", thanks"]),
        "Add up all bytes of the text, both ways, before you divide.",
        ("no text", 0.9, []),
        "There is nothing to divide by: raise ValueError and say so.",
    ),
    hidden=probes(
        ("another text", 1.37, [b"na", b"\xc3", b"\xaf", b"ve \xe5\x8c", b"\x97", "京".encode(), b"!"]),
        "Count each token's bytes after decoding it alone, as the bug did, and its own bytes; take the ratio.",
        ("an empty token", 0.9, [b""]),
        "Without a byte there is no score: raise ValueError.",
    ),
)

broken = lambda token: "\ufffd" in token.decode("utf-8", "replace")


def with_lengths(length, turned=False):
    def corrected(reported, tokens):
        counted, n_bytes = sum(map(length, tokens)), sum(map(len, tokens))
        if n_bytes == 0:
            raise ValueError("tokens hold no byte")
        return reported * n_bytes / counted if turned else reported * counted / n_bytes

    return corrected


as_counted = lambda token: len(token.decode("utf-8", "replace").encode())

exercise.add_mistakes(
    "this is the score as it was reported. Count the bytes as the bug did, and as they are.",
    lambda reported, tokens: reported if tokens and tokens != [b""] else with_lengths(len)(reported, tokens),
    "your ratio is upside down. Too many bytes were counted, so the true score is higher than the one reported.",
    with_lengths(as_counted, turned=True),
    "this is the factor by which the bytes were overcounted. Multiply the reported score by it.",
    lambda reported, tokens: corrected_score(1.0, tokens),
    "you decoded all tokens together, where the halves of a character meet. The bug decoded each token alone.",
    lambda reported, tokens: reported * as_counted(b"".join(tokens)) / len(b"".join(tokens) or b" ") / bool(tokens),
    "you counted characters. U+FFFD is one character and three bytes: encode it again.",
    with_lengths(lambda token: len(token.decode("utf-8", "replace"))),
    "you dropped the broken bytes instead of replacing them: errors='replace', as the bug did.",
    with_lengths(lambda token: len(token.decode("utf-8", "ignore").encode())),
    "you counted three bytes for each broken token. Only the broken part of it becomes U+FFFD.",
    with_lengths(lambda token: 3 if broken(token) else len(token)),
    "you counted three bytes for each byte above 127. One in a complete character is counted rightly.",
    with_lengths(lambda token: sum(3 if byte > 127 else 1 for byte in token)),
    "you counted three bytes for each byte of a broken token. What is whole in it was counted as it is.",
    with_lengths(lambda token: 3 * len(token) if broken(token) else len(token)),
    "no text has no score, neither 0 nor the one reported. Raise ValueError.",
    lambda reported, tokens: corrected_score(reported, tokens) if sum(map(len, tokens)) else 0.0,
    "you averaged the ratios of the tokens. Add up all bytes, then divide once.",
    lambda reported, tokens: reported * sum(as_counted(t) / len(t) for t in tokens) / len(tokens) if tokens else 1 / 0,
)
