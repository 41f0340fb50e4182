"""The n-gram explorer: the next word after a text, under a slider for the order and a choice of smoothing.

Python holds the truth (`ngram`), the browser follows the same rules: no knob needs a kernel. The counts travel to the
page once, as one binary buffer. Only a grammar, which says whether a text is possible, is asked in the kernel.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from operator import and_, eq
from typing import Any, Protocol

import ipywidgets
import numpy as np
import traitlets
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.ngram import NGramLM
from course_utils.ngram.counting import count_ngrams
from course_utils.ngram.model import DEFAULT_WEIGHT, SMOOTHINGS
from course_utils.ngram.vocabulary import END, MARKERS, START, Vocabulary
from course_utils.widgets import ngram_rules
from course_utils.widgets.base import BrowserView, Explorer, bundle
from course_utils.widgets.knobs import Stops
from course_utils.widgets.traits import Int, Seed

MOST_ORDERS = 5  # as many as have a pattern of their own


class Beginnings(Protocol):
    """What the lamp asks: a `TinyWorld`, or any other grammar."""

    def can_begin(self, prefix: str) -> bool:
        """Return whether any text begins like this."""

    def log2_prob(self, text: str) -> float:
        """Return the log2 of a text's probability, -inf if it is impossible."""


class NGramView(BrowserView):
    """What the browser draws; `written` and `seed` are set there too, the rest by Python alone."""

    _esm, _css = bundle("ngram")

    words = traitlets.List(traitlets.Unicode()).tag(sync=True)  # by id
    counts = traitlets.Bytes().tag(sync=True)  # ngram_rules.pack
    parameters = traitlets.Dict().tag(sync=True)  # ngram_rules.parameters
    written = traitlets.List(traitlets.Unicode()).tag(sync=True, echo_update=False)
    seed = traitlets.Int(0).tag(sync=True, echo_update=False)
    has_grammar = traitlets.Bool(False).tag(sync=True)
    verdict = traitlets.Dict().tag(sync=True)  # written, and possible: how many of its words begin a possible text


class NGramExplorer(Explorer):
    """Bars of the next word, a slider for the order and a choice of smoothing; a press on a bar writes its word.

    Each bar has layers: how much of the word's probability each order has supplied. A lamp says whether a grammar could
    have begun a text like this.

    Traits, which a reader's hand changes too:
        order: 1 to max_order.
        smoothing: one of those of `NGramLM`.
        written: the words of the text so far; `</s>` may be the last.
        seed: 0 to 2**32 - 1; the same seed draws the same words.

    Args:
        sentences: lists of words to count, as for `NGramLM.fit`.
        max_order: the longest n-grams to count, 1 to 5.
        order, smoothing, written, seed: where the explorer stands at first; order None is 3, or max_order if less.
        k, discount, weights: as those of `NGramLM`, the weights for orders 1 to max_order.
        grammar: what the lamp asks, such as `TinyWorld(0)`; None is no lamp.
        text_of: turns words into the text that the grammar is asked about.

    Raises:
        ValueError: sentences, max_order, k, discount or weights are not as above.
        traitlets.TraitError: a trait is set out of its range; it keeps its value.
    """

    order = Int()
    smoothing = traitlets.Unicode()
    written = traitlets.List(traitlets.Unicode())
    seed = Seed()

    def __init__(
        self,
        sentences: Iterable[list[str]],
        *,
        max_order: int = 4,
        order: int | None = None,
        smoothing: str = "kneser-ney",
        k: float = 1.0,
        discount: float | None = 0.75,
        weights: Sequence[float] | None = None,
        written: Sequence[str] = (),
        seed: int = 0,
        grammar: Beginnings | None = None,
        text_of: Callable[[list[str]], str] = " ".join,
    ):
        if max_order not in range(1, MOST_ORDERS + 1):
            raise ValueError(f"max_order must be a whole number from 1 to {MOST_ORDERS}, got {max_order!r}")
        NGramLM(max_order, k=k, discount=discount, weights=weights)  # refuses what it couldn't be fitted with
        self._vocabulary, text = Vocabulary.learn(sentences)
        self._tables = count_ngrams(text, len(self._vocabulary), max_order)
        weights = [DEFAULT_WEIGHT] * max_order if weights is None else list(weights)
        self._parameters = ngram_rules.parameters(self._tables, k, discount, weights)
        counts = ngram_rules.pack(self._tables)
        self._grammar, self._text_of = grammar, text_of
        self.order = min(3, max_order) if order is None else order
        self.smoothing, self.written, self.seed = smoothing, list(written), seed
        names = ["MLE", f"add {k:g}", "interpolated", "Kneser-Ney", "modified Kneser-Ney"]
        before = ["no word", "1 word", *(f"{n} words" for n in range(2, max_order))][:max_order]
        super().__init__(
            NGramView,
            [
                Stops("order", "order", range(1, max_order + 1), [f"{n}, given {b}" for n, b in enumerate(before, 1)]),
                Stops("smoothing", "smoothing", SMOOTHINGS, names, kind=ipywidgets.ToggleButtons),
            ],
            words=self._vocabulary.words,
            counts=counts,
            parameters=self._parameters,
            has_grammar=grammar is not None,
        )
        for trait in ("seed", "written"):
            traitlets.link((self, trait), (self._view, trait))
        self._judge(self.written)
        self.observe(lambda change: self._judge(change.new), "written")

    @property
    def contributions(self) -> np.ndarray:
        """How much each order adds to each word's probability, (1 + order, V) by word id; row 0 is the uniform part."""
        context = self._vocabulary.ids([MARKERS[START], *self.written])
        parameters = self._parameters[self.smoothing][self.order - 1]
        return ngram_rules.contributions(self._tables[: self.order], self.smoothing, parameters, context)

    def next_word_probs(self) -> dict[str, float]:
        """Return the probability of every word after the text, the most probable first, as `NGramLM` gives it."""
        probs = self.contributions.sum(axis=0)  # (V,)
        return {self._vocabulary.words[i]: float(probs[i]) for i in np.argsort(-probs, kind="stable") if i != START}

    def figure(self) -> Figure:
        """The same state as a matplotlib figure, for paper."""
        shares = np.zeros_like(self.contributions) if self._ended else self.contributions  # (1 + order, V)
        return plots.next_word_bars(self._vocabulary.words, shares, title=self._state())

    def __repr__(self) -> str:
        return (
            f"NGramExplorer({len(self._vocabulary)} words, order={self.order}, smoothing={self.smoothing!r}, "
            f"{len(self.written)} written)"
        )

    def describe(self) -> str:
        """What the figure shows, for a reader who can't see it."""
        shares = self.contributions.sum(axis=1)  # (1 + order,)
        if self._ended:
            return f"No bars, {self._state()}: the text has ended."
        if not shares.any():
            return f"No bars, {self._state()}: these words were never seen in a row, and 0 / 0 has no value."
        mass = [f"order {n} {shares[n]:.0%}" for n in reversed(range(1, len(shares)))]
        word, p = next(iter(self.next_word_probs().items()))
        return (
            f"Bars of next-word probabilities, {self._state()}: the most probable word is “{word}” with {p:.0%}. "
            f"Of the mass in all, {', '.join(mass)} and the uniform distribution {shares[0]:.0%}."
        )

    @property
    def _ended(self) -> bool:
        return self.written[-1:] == [MARKERS[END]]

    def _state(self) -> str:
        last = " ".join([MARKERS[START], *self.written][-max(1, self.order - 1) :])
        return f"order {self.order}, {self.smoothing}, after “{last}”"

    # Values that may be set

    @traitlets.validate("order")
    def _valid_order(self, proposal: traitlets.Bunch) -> int:
        if not 1 <= proposal.value <= len(self._tables):
            raise traitlets.TraitError(f"order must be from 1 to {len(self._tables)}, got {proposal.value}")
        return proposal.value

    @traitlets.validate("smoothing")
    def _valid_smoothing(self, proposal: traitlets.Bunch) -> str:
        if proposal.value not in SMOOTHINGS:
            raise traitlets.TraitError(f"smoothing must be one of {', '.join(SMOOTHINGS)}, got {proposal.value!r}")
        return proposal.value

    @traitlets.validate("written")
    def _valid_written(self, proposal: traitlets.Bunch) -> list[str]:
        for word in proposal.value:
            if word not in self._vocabulary or word == MARKERS[START]:
                raise traitlets.TraitError(f"written must hold words that were counted, got {word!r}")
        if MARKERS[END] in proposal.value[:-1]:
            raise traitlets.TraitError("written must hold </s> at its end only")
        return proposal.value

    # The lamp

    def answer(self, ask: str, content: dict[str, Any]) -> None:
        """Do what the browser asks for: let the grammar judge the words written."""
        if ask == "judge":
            self._judge(content["written"])

    def _judge(self, written: list[str]) -> None:
        grammar = self._grammar
        if grammar is None or self._view.verdict.get("written") == written:
            return
        known = self._view.verdict.get("written", [])[: self._view.verdict.get("possible", 0)]
        possible = bisect_left(  # what has become impossible stays so
            range(1, len(written) + 1),
            True,
            lo=sum(accumulate(map(eq, written, known), and_)),  # words in common with what was possible
            key=lambda n: not self._possible(written[:n], grammar),
        )
        self._view.verdict = {"written": list(written), "possible": possible}

    def _possible(self, words: list[str], grammar: Beginnings) -> bool:
        """Whether a text can begin with these words, none of them a mere piece of a longer word."""
        if words[-1] == MARKERS[END]:
            return grammar.log2_prob(self._text_of(words[:-1])) > -math.inf
        text = self._text_of(words)
        one_more = {self._text_of([*words, word])[: len(text) + 1] for word in self._vocabulary.words}
        return any(map(grammar.can_begin, one_more)) or grammar.log2_prob(text) > -math.inf
