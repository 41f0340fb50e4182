"""What a step of generation computes, reads and writes in one attention head; browser/cache/rules.js does the same.

Step 0 reads the prompt, every later step the token that the step before has given. With a cache a step computes for the
tokens that are new in it; without one, for all tokens so far.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from course_utils.checks import whole_number

COMPUTED, AGAIN, READ, ABSENT = "computed", "again", "read", "absent"
PLURALS = {"query": "queries", "key": "keys", "value": "values"}


@dataclass(frozen=True)
class Counts:
    """How much work a step is, or several: exact whole numbers, for one head of one layer.

    Args:
        computed: key and value vectors computed.
        read: key and value vectors read from the cache.
        written: key and value vectors written to the cache.
        scores: products of a query and a key; what the causal mask would hide is not counted.
    """

    computed: int
    read: int
    written: int
    scores: int

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(mine + yours for mine, yours in zip(vars(self).values(), vars(other).values(), strict=True)))


def counts(step: int, prompt_length: int, cached: bool) -> Counts:
    """Return how much work one step is: with n tokens held after it, m of them new, and n - m before.

    With a cache 2m vectors are computed and written and 2(n - m) read, and m(n - m) + m(m + 1)/2 scores are computed: a
    new token looks at all before and at itself. Without one it is 2n vectors and n(n + 1)/2 scores.

    Args:
        step: 0 reads the prompt, which is m = prompt_length tokens; any later step reads m = 1.
        prompt_length: tokens, at least 1.
        cached: whether there is a cache.

    Raises:
        ValueError: step < 0, prompt_length < 1, or one of them no whole number.
    """
    n, m = _held_and_new(step, prompt_length)
    if not cached:
        return Counts(computed=2 * n, read=0, written=0, scores=n * (n + 1) // 2)
    return Counts(computed=2 * m, read=2 * (n - m), written=2 * m, scores=m * (n - m) + m * (m + 1) // 2)


def totals(step: int, prompt_length: int, cached: bool) -> Counts:
    """Return how much work all steps from 0 to this one are together; arguments and errors as for `counts`."""
    total = counts(0, prompt_length, cached)
    for earlier in range(1, whole_number("step", step, least=0) + 1):
        total += counts(earlier, prompt_length, cached)
    return total


def states(step: int, prompt_length: int, cached: bool, n_tokens: int) -> dict[str, list]:
    """Return what becomes of each vector and of each score in a step.

    Args:
        step, prompt_length, cached: as for `counts`.
        n_tokens: of the whole text; those that come after the step have no vectors yet.

    Returns:
        "queries", "keys", "values" and "outputs": for each token, "scores": for each token a list, as long as there are
        tokens up to it, of COMPUTED (in this step, and needed in it), AGAIN (the same numbers as in an earlier step),
        READ (from the cache) or ABSENT (not needed, or not there yet).

    Raises:
        ValueError: as for `counts`; or there are fewer than prompt_length + step tokens.
    """
    n, m = _held_and_new(step, prompt_length)
    whole_number("n_tokens", n_tokens, least=n)
    before = ABSENT if cached else AGAIN
    rows = [before] * (n - m) + [COMPUTED] * m + [ABSENT] * (n_tokens - n)
    held = [READ if cached and i < n - m else row for i, row in enumerate(rows)]
    scores = [[row] * (i + 1) for i, row in enumerate(rows)]
    return {"queries": rows, "keys": held, "values": held, "outputs": rows, "scores": scores}


def words(step: int, prompt_length: int, cached: bool, tokens: Sequence[str]) -> str:
    """Say what a step does, in two sentences.

    Args:
        step, prompt_length, cached: as for `counts`.
        tokens: of the whole text, as they are shown.

    Raises:
        ValueError: as for `states`.
    """
    n, m = _held_and_new(step, prompt_length)
    whole_number("len(tokens)", len(tokens), least=n)
    computed = _vectors(m if cached else n, "query", "key", "value")
    if step == 0:
        size = "one token" if m == 1 else f"{m} tokens at once"
        own = "the key and the value" if m == 1 else "the keys and the values"
        kept = f"{own} are written to the cache" if cached else "none of them is kept"
        told = f"Step 0 reads the prompt, {size}: {computed} computed, and {kept}."
    elif cached:
        told = f"Step {step} reads one token, “{tokens[n - 1]}”: {computed} computed; "
        told += f"{_vectors(n - 1, 'key', 'value')} read from the cache."
    else:
        told = f"Step {step} reads all {n} tokens, although only “{tokens[n - 1]}” is new: {computed} computed, "
        told += f"{n - 1} of each again, to the same numbers as before."
    if n == len(tokens):
        return f"{told} The logits of the last row would give one more token."
    return f"{told} The logits of the last row give the next token, “{tokens[n]}”."


def _held_and_new(step: int, prompt_length: int) -> tuple[int, int]:
    step, prompt_length = whole_number("step", step, least=0), whole_number("prompt_length", prompt_length, least=1)
    return prompt_length + step, 1 if step else prompt_length


def _vectors(n: int, *names: str) -> str:
    """Return "1 key and 1 value are", or "3 queries, 3 keys and 3 values are"."""
    some = [f"{n} {name if n == 1 else PLURALS[name]}" for name in names]
    return f"{', '.join(some[:-1])} and {some[-1]} are"
