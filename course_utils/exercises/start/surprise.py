"""How surprising a word is, in bits."""

import math

from course_utils.exercises.core import Exercise, probes


def surprise(p: float) -> float:
    """Return the surprise in bits, -log2 p, at a word of probability p; infinite for p = 0.

    Raises:
        ValueError: p is not between 0 and 1.

    Source: Shannon (1948), "A Mathematical Theory of Communication"; also called self-information or surprisal.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p = {p} is no probability: give a number from 0 to 1")
    if p == 0:
        return math.inf
    return 0.0 - math.log2(p)  # the same as -log2(p), but 0.0 for p = 1, not -0.0


exercise = Exercise(
    surprise,
    minutes=10,
    difficulty=1,
    shown="-log2 p: 0 bits when certain, one more for each halving of p, no bound at 0.",
    hints=(
        "A probability of 1/2 is worth one bit, 1/4 two bits, 1/8 three. Which function counts the halvings?",
        "math.log2(p) counts them, but below 0: log2(1/4) is -2. Turn the sign.",
        "Before it two lines: if not 0 <= p <= 1, raise ValueError; if p == 0, return math.inf.",
    ),
    probes=probes(
        ("two halvings are two bits", 0.25),
        "Return -math.log2(p).",
        ("bits need not be whole", 0.3),
        "Return the value of -log2(p) as it is.",
        ("a certain word", 1.0),
        "p = 1 is allowed, and no surprise at all: 0 bits.",
        ("a very rare word", 1e-30),
        "p is tiny but not 0: take its logarithm and add or cut nothing.",
        ("an impossible word", 0.0),
        "p = 0 is allowed, but log2(0) doesn't exist: return math.inf.",
        ("more than certain", 1.5),
        "No probability is above 1: raise ValueError and say so.",
        ("less than impossible", -0.1),
        "No probability is below 0: raise ValueError and say so.",
    ),
    hidden=probes(
        ("another p", 0.001),
        "Use p itself in the logarithm.",
        ("another number that is no probability", -7.5),
        "Refuse every p below 0.",
    ),
)

bits = lambda p: -math.log2(p) if p else math.inf

exercise.add_mistakes(
    "the minus is missing: log2 of a number below 1 is negative.",
    math.log2,
    "math.log is the natural logarithm, and gives nats. Bits need math.log2.",
    lambda p: -math.log(p),
    "two slips: math.log is the natural logarithm where bits need math.log2, and the minus is missing.",
    math.log,
    "log10 counts divisions by ten. Bits count halvings: math.log2.",
    lambda p: -math.log10(p),
    "two slips: log10 where bits need math.log2, and the minus is missing.",
    math.log10,
    "1 - p is the probability of every other word. Surprise in bits is a logarithm of p.",
    lambda p: 1 - p,
    "1 / p doubles with each halving of p, but surprise grows by one bit: take log2 of 1 / p.",
    lambda p: 1 / p,
    "this is the surprise that the word does not come. Take the logarithm of p.",
    lambda p: bits(1 - p),
    "-p log2 p is the word's share of the entropy, the average surprise. Leave out the factor p.",
    lambda p: -p * math.log2(p),
    "you rounded to whole bits. Return -log2(p) as it is.",
    lambda p: round(bits(p), 0),
    "you cut the part after the point. Return -log2(p) as it is.",
    lambda p: bits(p) // 1,
    "you rounded. Round only what you print.",
    lambda p: round(bits(p), 2),
    "a certain word has 0 bits, not 1: log2(1) is 0.",
    lambda p: 1 if p == 1 else bits(p),
    "a certain word has 0 bits. It is p = 0 that surprises without bound.",
    lambda p: math.inf if p == 1 else bits(p),
    "you gave an impossible word 0 bits, as if it were certain. Nothing surprises more: return math.inf.",
    lambda p: bits(p) if p > 0 else 0,
    "the sign at p = 0 is wrong: surprise is never negative. Return math.inf.",
    lambda p: bits(p) if p > 0 else -math.inf,
    "you returned None for p = 0. Surprise has no bound: math.inf.",
    lambda p: bits(p) if p > 0 else None,
    "p above 1 gave a negative surprise. That is no probability: raise ValueError for it.",
    bits,
    "you gave p above 1 the surprise of a certain word. It hides a mistake of the caller: raise ValueError.",
    lambda p: max(0.0, bits(p)),
    "a p below 0 is not an impossible word, it is no probability at all: raise ValueError.",
    lambda p: surprise(max(p, 0)),
)
