"""A domain of tinyworld and a seed: documents to draw, and what their exact probabilities are."""

import math
import random
from collections.abc import Iterator
from functools import cache

import datasets

from course_utils.checks import whole_number
from course_utils.corpora.tinyworld.clinic import CLINIC
from course_utils.corpora.tinyworld.grammar import Grammar
from course_utils.corpora.tinyworld.story import story
from course_utils.corpora.tinyworld.tasks import ending, review
from course_utils.corpora.tinyworld.town import TOWN
from course_utils.corpora.tinyworld.wording import Wording

DOMAINS = {"town": TOWN, "clinic": CLINIC}


KINDS = ("story", "review")


def grammar_of(words: Wording, kind: str | None = None) -> Grammar:
    """Return the grammar of a domain, three stories to one review, or of one kind of its documents."""
    programs = {"story": (3.0, [*story(words), *ending(words)]), "review": (1.0, review(words))}
    return Grammar(programs if kind is None else {kind: programs[kind]})


@cache
def _grammar(domain: str, kind: str | None) -> Grammar:
    return grammar_of(DOMAINS[domain], kind)


class TinyWorld:
    """Documents of one domain, drawn by one seed.

    The grammar is fixed; the seed only draws. Document number i is the same whatever else is drawn.

    Args:
        seed: a whole number.
        domain: "town", or "clinic" whose words the town never uses.
        kind: "story" or "review", for documents of that kind alone; None is three stories to one review.

    Raises:
        ValueError: a seed that is no whole number, or an unknown domain or kind.
    """

    def __init__(self, seed: int, domain: str = "town", kind: str | None = None):
        self.seed = whole_number("seed", seed)
        if domain not in DOMAINS:
            raise ValueError(f"unknown domain {domain!r}: choose one of {sorted(DOMAINS)}")
        if kind is not None and kind not in KINDS:
            raise ValueError(f"unknown kind {kind!r}: choose one of {sorted(KINDS)}, or None for both")
        self.domain, self.kind = domain, kind
        self._grammar = _grammar(domain, kind)

    def sample(self, n: int) -> datasets.Dataset:
        """Return the first n documents.

        Returns:
            A dataset with columns text and log2_prob, the log2 of the probability that the grammar gives the text.

        Raises:
            ValueError: n is no whole number, or < 1.
        """
        texts, log2_probs = zip(*(self._document(i) for i in range(whole_number("n", n, least=1))), strict=True)
        return datasets.Dataset.from_dict({"text": texts, "log2_prob": log2_probs})

    def stream(self, n: int, n_shards: int = 1) -> datasets.IterableDataset:
        """Return the first n documents as a stream: none is drawn before it is asked for.

        Args:
            n: how many documents.
            n_shards: parts that workers can read side by side; shard k holds the documents k, k + n_shards, ...

        Raises:
            ValueError: n or n_shards is no whole number, or < 1.
        """
        n, n_shards = whole_number("n", n, least=1), whole_number("n_shards", n_shards, least=1)
        arguments = {"shards": list(range(n_shards)), "n": n, "n_shards": n_shards}
        numbers = datasets.IterableDataset.from_generator(_numbers, gen_kwargs=arguments)
        world = {"seed": self.seed, "domain": self.domain, "kind": self.kind}
        return numbers.map(_drawn, fn_kwargs=world, remove_columns=["number"])

    def entropy_bits(self) -> float:
        """Return the exact entropy of a document in bits: no model can need fewer on average (Shannon 1948)."""
        return self._grammar.entropy_bits

    def characters(self) -> frozenset[str]:
        """Return every character that a document can hold, however many are drawn: the grammar has no other."""
        return self._grammar.characters

    def log2_prob(self, text: str) -> float:
        """Return the log2 of the probability of a document; -inf if the grammar can't make the text."""
        derivations = self._grammar.derivations(text)
        return sum(step.log2_prob for step in derivations[0]) if derivations else -math.inf

    def can_begin(self, prefix: str) -> bool:
        """Return whether any document begins like this; a whole document does."""
        return self._grammar.can_begin(prefix)

    def prefix_log2_prob(self, prefix: str) -> float:
        """Return the log2 of the probability that a document begins like this; -inf if none can."""
        return self._grammar.prefix_log2_prob(prefix)

    def _document(self, i: int) -> tuple[str, float]:
        # Seeded by text, the generator draws the same on every machine and Python version.
        names = ["tinyworld", self.domain, *([self.kind] if self.kind else []), self.seed, i]
        return self._grammar.sample(random.Random(" ".join(map(str, names))))


def _numbers(shards: list[int], n: int, n_shards: int) -> Iterator[dict]:
    """Yield the numbers of documents: a stream that goes to a place counts to it, which is quicker than to draw."""
    for shard in shards:
        for number in range(shard, n, n_shards):
            yield {"number": number}


def _drawn(row: dict, seed: int, domain: str, kind: str | None) -> dict:
    text, log2_prob = TinyWorld(seed, domain, kind)._document(row["number"])
    return {"text": text, "log2_prob": log2_prob}
