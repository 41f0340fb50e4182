"""An experiment: from which batch on a step reads as many bytes of keys and values as of weights."""

import math

from course_utils.exercises.core import Exercise, probes


def batch_that_doubles(weight_bytes: int, cache_bytes_per_token: int, tokens: int) -> int:
    """Return the smallest number of texts in a batch at which a step reads twice the bytes of the weights, or more.

    All texts share the weights, which are read once; each has keys and values of its own.

    Args:
        weight_bytes: of all weights, at least 1.
        cache_bytes_per_token: of the keys and values of one token, in all layers.
        tokens: that each text holds.
    """
    return -(-weight_bytes // (cache_bytes_per_token * tokens))


exercise = Exercise(
    batch_that_doubles,
    minutes=15,
    difficulty=2,
    shown="the weights are shared, the caches aren't: from this batch on at least half of what a step reads is cache. "
    "(A CPU's step takes twice as long much earlier: products of more than a few vectors are far from the roof.)",
    hints=(
        "A step reads the weights once for all texts, and of each text all its keys and values.",
        "You look for the smallest whole B with B * cache_bytes_per_token * tokens >= weight_bytes: divide, round up.",
        "math.ceil(a / b) rounds a quotient that has been rounded before. -(-a // b) rounds up in whole numbers.",
    ),
    probes=probes(
        ("it comes out even", 6000, 10, 100),
        "Each text has 1,000 bytes of keys and values: six texts have 6,000.",
        ("it doesn't come out even", 6900, 10, 100),
        "Six texts stay 900 bytes short: seven.",
        ("SmolLM2-135M in float32, 2,048 tokens", 538_060_032, 46_080, 2048),
        "94 million bytes for each text: 5.7 of them, so six.",
        ("the same, 128 tokens", 538_060_032, 46_080, 128),
        "A shorter text has fewer keys and values, so it takes more texts: 92.",
        ("a long text", 538_060_032, 46_080, 20_000),
        "One text alone holds more bytes than the weights: 1.",
        ("forty-nine", 49 * 46_080, 46_080, 1),
        "Exactly 49 texts. In floats 1 / (1 / 49) is more than 49, and rounds up to 50.",
        ("numbers too large for floats", 10**18 + 1, 10**17, 1),
        "In floats 10 ** 18 + 1 and 10 ** 18 are the same number: 11 texts, not 10. Divide whole numbers, with //.",
    ),
    hidden=probes(
        ("another model", 16_060_522_496, 131_072, 777),
        "The weights over the bytes of one text, rounded up.",
        ("other numbers too large for floats", 21 * 10**16 + 1, 10**16, 3),
        "Divide whole numbers, with //: floats have no more than 53 bits.",
    ),
)

exercise.add_mistakes(
    "the tokens are missing: each text holds keys and values of all its tokens.",
    lambda w, c, t: -(-w // c),
    "you count the context once for all texts. Each text has its own: B texts hold B * tokens.",
    lambda w, c, t: max(1, -(-w // c) - t + 1),
    "that is the other way round: the bytes of the weights over those of one text.",
    lambda w, c, t: -(-c * t // w),
    "keys and values are both in cache_bytes_per_token already: you count them twice.",
    lambda w, c, t: -(-w // (2 * c * t)),
    "twice the weights in all: the weights themselves are half of it, and the cache has to match them only once.",
    lambda w, c, t: -(-2 * w // (c * t)),
    "a batch is a whole number of texts, an int: round the quotient up.",
    lambda w, c, t: w / (c * t),
    "one too many: “as many bytes” is enough, it needn't be more.",
    lambda w, c, t: w // (c * t) + 1,
    "you round down: with so few texts there are fewer bytes of cache than of weights.",
    lambda w, c, t: w // (c * t),
    "you round to the nearest number. Below the quotient there are too few bytes of cache: round up.",
    lambda w, c, t: round(w / (c * t)),
    "rounding in floats: 1 / (1 / 49) is 49.00000000000001, which rounds up to 50. Divide whole numbers: -(-a // b).",
    lambda w, c, t: math.ceil(1 / (c * t / w)),
    "rounding in floats: they have no more than 53 bits. Divide whole numbers: -(-a // b).",
    lambda w, c, t: math.ceil(w / (c * t)),
)
