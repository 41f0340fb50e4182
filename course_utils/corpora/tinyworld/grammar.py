"""A grammar of explicit choices: every text it gives has an exact probability, and so has the grammar an exact entropy.

A text is written from left to right in steps. A step is a function from facts to options; an option has a weight, a
piece of text and new facts. The names of the function's parameters say which facts its options depend on, and it is
given no others: that is what makes the entropy exact, because all other facts may be forgotten when it is computed.
"""

import inspect
import math
import random
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from string import Formatter
from types import MappingProxyType
from typing import NamedTuple


class Option(NamedTuple):
    """One way to go on: its weight among the options of the step, the text it writes, the facts it sets.

    The text may name facts, new ones included: `"{hero} had a {thing}."`.
    """

    weight: float
    text: str = ""
    facts: Mapping[str, str] = MappingProxyType({})


Step = Callable[..., Sequence[Option]]


class Written(NamedTuple):
    """What one step has written: the step's name, the text, and the log2 probability of choosing it there."""

    step: str
    text: str
    log2_prob: float


class Choice(NamedTuple):
    """The options of one step under given facts, with their probabilities."""

    options: Sequence[Option]
    probabilities: list[float]
    log2_probs: list[float]
    cumulative: list[float]
    entropy: float  # bits


class Grammar:
    """Texts made by steps, each program of steps with the weight of its kind of text.

    Args:
        programs: kind of text -> (weight, steps). A fact that no step has set yet reads as the empty string.

    Raises:
        ValueError: a step gives no option, or a weight that is not positive.
    """

    def __init__(self, programs: Mapping[str, tuple[float, Sequence[Step]]]):
        self._kinds = _choice("programs", [Option(weight, facts={"kind": k}) for k, (weight, _) in programs.items()])
        compiled = {step: _Compiled(step) for _, steps in programs.values() for step in steps}
        self._programs = {kind: [compiled[step] for step in steps] for kind, (_, steps) in programs.items()}

    def sample(self, rng: random.Random) -> tuple[str, float]:
        """Draw one text.

        Returns:
            The text, and the log2 of its probability.
        """
        i = _draw(self._kinds, rng)
        log2_prob, facts, pieces = self._kinds.log2_probs[i], dict(self._kinds.options[i].facts), []
        for step in self._programs[facts["kind"]]:
            choice = step.choice(facts)
            i = _draw(choice, rng)
            option = choice.options[i]
            log2_prob += choice.log2_probs[i]
            facts.update(option.facts)
            pieces.append(option.text.format_map(facts))
        return "".join(pieces), log2_prob

    @cached_property
    def entropy_bits(self) -> float:
        """Exact entropy of a text in bits, by the chain rule (Shannon 1948, section 6).

        H = sum over steps of E[H(step | facts)]. The expectation runs over every combination of the facts that this
        or a later step depends on, with its exact probability; nothing is sampled. It is the entropy of the choices,
        and so that of the texts if no text can be made in two ways.
        """
        kinds = zip(self._kinds.options, self._kinds.probabilities, strict=True)
        return self._kinds.entropy + math.fsum(
            p * math.fsum(q * choice.entropy for q, choice in self._choices_of(option.facts["kind"]))
            for option, p in kinds
        )

    @cached_property
    def characters(self) -> frozenset[str]:
        """Every character that a text can hold: of what any option that can be met writes, or of a fact it names."""
        choices = {id(choice): choice for kind in self._programs for _, choice in self._choices_of(kind)}
        written: set[str] = set()
        named: set[str | None] = set()
        values: dict[str | None, set[str]] = {}
        for option in (option for choice in choices.values() for option in choice.options):
            for text, fact, *_ in Formatter().parse(option.text):
                written.update(text)
                named.add(fact)
            for fact, value in option.facts.items():
                values.setdefault(fact, set()).update(value)
        return frozenset(written.union(*(values.get(fact, ()) for fact in named)))

    def derivations(self, text: str) -> list[list[Written]]:
        """Return each way to make a text, step by step: one, or none if the grammar can't make it.

        The first entry is the choice among the kinds of text, which writes nothing.

        Raises:
            ValueError: the text is no string.
        """
        if not isinstance(text, str):
            raise ValueError(f"text must be a string, got {text!r}")
        return [steps for made, steps in self._walk(text) if made == text]

    def can_begin(self, prefix: str) -> bool:
        """Return whether any text begins like this; a whole text does.

        Each step has an option, so what agrees with the prefix to its end can always be finished.

        Raises:
            ValueError: the prefix is no string.
        """
        if not isinstance(prefix, str):
            raise ValueError(f"prefix must be a string, got {prefix!r}")
        return any(text.startswith(prefix) for text, _ in self._walk(prefix, unfinished=True))

    def prefix_log2_prob(self, prefix: str) -> float:
        """Return the log2 of the probability that a text begins like this; -inf if none can.

        The ratio of two of them is the exact probability of what comes next.

        Raises:
            ValueError: the prefix is no string.
        """
        if not isinstance(prefix, str):
            raise ValueError(f"prefix must be a string, got {prefix!r}")
        walks = (steps for text, steps in self._walk(prefix, unfinished=True) if text.startswith(prefix))
        total = math.fsum(2.0 ** math.fsum(step.log2_prob for step in steps) for steps in walks)
        return math.log2(total) if total > 0 else -math.inf

    def _walk(self, wanted: str, unfinished: bool = False) -> Iterator[tuple[str, list[Written]]]:
        """Yield the derivations that agree with the wanted text as far as they have come.

        An unfinished text is wanted as a beginning: a derivation that has written so much is yielded as it is.
        """
        open_ends = [
            ("", [Written("kind", "", log2_prob)], dict(option.facts))
            for option, log2_prob in zip(self._kinds.options, self._kinds.log2_probs, strict=True)
        ]
        while open_ends:
            text, written, facts = open_ends.pop()
            program = self._programs[facts["kind"]]
            if len(written) > len(program) or (unfinished and len(text) >= len(wanted)):
                yield text, written
                continue
            step = program[len(written) - 1]
            choice = step.choice(facts)
            for option, log2_prob in zip(choice.options, choice.log2_probs, strict=True):
                known = {**facts, **option.facts}
                piece = option.text.format_map(known)
                agrees = wanted.startswith(piece, len(text))
                if agrees or (unfinished and piece.startswith(wanted[len(text) :])):
                    open_ends.append((text + piece, [*written, Written(step.name, piece, log2_prob)], known))

    def _choices_of(self, kind: str) -> Iterator[tuple[float, Choice]]:
        """Yield every choice that a kind of text can meet, with the exact probability of meeting it."""
        steps = self._programs[kind]
        needed: list[set[str]] = [set()]  # facts that the steps from here on depend on
        for step in reversed(steps):
            needed.append(needed[-1] | set(step.reads))
        needed.reverse()
        states = {frozenset({("kind", kind)} if "kind" in needed[0] else ()): 1.0}  # facts that still matter -> P
        for step, later in zip(steps, needed[1:], strict=True):
            reached: dict[frozenset, float] = {}
            for state, p in states.items():
                facts = dict(state)
                choice = step.choice(facts)
                yield p, choice
                for option, q in zip(choice.options, choice.probabilities, strict=True):
                    known = {**facts, **option.facts}
                    key = frozenset((name, value) for name, value in known.items() if name in later)
                    reached[key] = reached.get(key, 0.0) + p * q
            states = reached


class _Compiled:
    """A step with the choice it makes under each combination of the facts it reads, worked out once."""

    def __init__(self, step: Step):
        self.step = step
        self.name = step.__name__
        self.reads = tuple(inspect.signature(step).parameters)
        self._choices: dict[tuple[str, ...], Choice] = {}

    def choice(self, facts: Mapping[str, str]) -> Choice:
        values = tuple([facts.get(name, "") for name in self.reads])
        found = self._choices.get(values)
        if found is None:
            found = self._choices[values] = _choice(self.name, self.step(*values))
        return found


def _choice(name: str, options: Sequence[Option]) -> Choice:
    if not options:
        raise ValueError(f"step {name} gives no option: give one with an empty text to write nothing")
    for option in options:
        if not (option.weight > 0 and math.isfinite(option.weight)):
            raise ValueError(f"weights must be positive numbers, step {name} gives {option.weight} for {option.text!r}")
    total = math.fsum(option.weight for option in options)
    probabilities = [option.weight / total for option in options]
    log2_probs = [math.log2(p) for p in probabilities]
    entropy = -math.fsum(p * log2_p for p, log2_p in zip(probabilities, log2_probs, strict=True))
    return Choice(options, probabilities, log2_probs, list(accumulate(probabilities)), entropy)


def _draw(choice: Choice, rng: random.Random) -> int:
    """Return the index of an option, drawn by its probability."""
    return min(bisect(choice.cumulative, rng.random()), len(choice.options) - 1)  # the sum may fall short of 1
