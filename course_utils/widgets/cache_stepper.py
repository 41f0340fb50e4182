"""The cache stepper: one attention head, one step of generation at a time, with a KV cache or without.

Python holds the truth (`cache_rules`), the browser follows the same rules (browser/cache/rules.js): nothing needs a
kernel. All that travels to the page is the tokens.
"""

from collections.abc import Iterable, Sequence

import traitlets
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.widgets import cache_rules
from course_utils.widgets.base import BrowserView, Explorer, bundle
from course_utils.widgets.cache_rules import Counts
from course_utils.widgets.knobs import Switch, Whole
from course_utils.widgets.traits import Int

LEAST, MOST = 2, 12  # tokens


class CacheView(BrowserView):
    """What the browser draws; `last_step` is set there too."""

    _esm, _css = bundle("cache")

    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)  # the tokens, with every character to be seen
    last_step = traitlets.Int(0).tag(sync=True, echo_update=False)  # where the slider of the steps ends


class CacheStepper(Explorer):
    """Queries, keys, values, scores and outputs of a text: what each step computes, reads, and computes again.

    A table counts the work of this step and of all so far, with a cache and without. A play button walks through them.

    Traits, of which a reader's hand changes all but the first:
        tokens: the whole text, read-only: make a new stepper for another one.
        prompt_length: 1 to len(tokens) - 1, what step 0 reads; a step that would lie beyond the end moves to the last.
        step: 0 to len(tokens) - prompt_length; each after 0 reads one more token.
        cached: whether there is a cache.

    Args:
        tokens: 2 to 12 strings.
        prompt_length, step, cached: where the stepper stands at first.

    Raises:
        ValueError: tokens is something else.
        traitlets.TraitError: a trait is set out of its range; it keeps its value.
    """

    tokens = traitlets.List(traitlets.Unicode(), read_only=True)
    prompt_length = Int(1)
    step = Int(0)
    cached = traitlets.Bool(True)

    def __init__(self, tokens: Sequence[str], prompt_length: int = 1, step: int = 0, cached: bool = True):
        self.set_trait("tokens", _checked(tokens))
        self.prompt_length, self.step, self.cached = prompt_length, step, cached
        self.observe(self._keep_in_range, "prompt_length")  # before the slider is moved
        super().__init__(
            CacheView,
            [
                Whole("step", "step", min=0, max=len(self.tokens) - 1),
                Whole("prompt_length", "prompt length", min=1, max=len(self.tokens) - 1),
                Switch("cached", "KV cache"),
            ],
            labels=self._labels,
            last_step=self.last_step,
        )
        self.add_class("cu-cache")
        self._sliders["step"].max = self.last_step
        self._links.append(self._link("last_step", self._sliders["step"], "max"))

    @property
    def last_step(self) -> int:
        """The step after which all tokens are held."""
        return len(self.tokens) - self.prompt_length

    @property
    def counts(self) -> Counts:
        """How much work this step is."""
        return cache_rules.counts(self.step, self.prompt_length, self.cached)

    @property
    def totals(self) -> Counts:
        """How much work all steps up to this one are."""
        return cache_rules.totals(self.step, self.prompt_length, self.cached)

    def figure(self) -> Figure:
        """The same state as a matplotlib figure, for paper."""
        states = cache_rules.states(self.step, self.prompt_length, self.cached, len(self.tokens))
        return plots.cache_step(self._labels, states, self._state())

    def describe(self) -> str:
        """What the figure shows, for a reader who can't see it."""
        work = cache_rules.words(self.step, self.prompt_length, self.cached, self._labels)
        now, all_steps = self.counts, self.totals
        return (
            f"Queries, keys, values, scores and outputs of {len(self.tokens)} tokens, {self._state()}. {work} "
            f"Keys and values computed: {now.computed} in this step, {all_steps.computed} so far; "
            f"read from the cache: {now.read}, {all_steps.read}; scores computed: {now.scores}, {all_steps.scores}."
        )

    def __repr__(self) -> str:
        return f"CacheStepper({len(self.tokens)} tokens, {self._state()})"

    @property
    def _labels(self) -> list[str]:
        return [plots.visible(token) for token in self.tokens]

    def _state(self) -> str:
        how = "with" if self.cached else "without"
        return f"step {self.step} of {self.last_step}, a prompt of {self.prompt_length}, {how} a KV cache"

    # Values that may be set

    @traitlets.validate("prompt_length")
    def _valid_prompt_length(self, proposal: traitlets.Bunch) -> int:
        most = len(self.tokens) - 1
        if not 1 <= proposal.value <= most:
            raise traitlets.TraitError(
                f"prompt_length must be from 1 to {most}, got {proposal.value}: one token at least is generated"
            )
        return proposal.value

    @traitlets.validate("step")
    def _valid_step(self, proposal: traitlets.Bunch) -> int:
        if not 0 <= proposal.value <= self.last_step:
            raise traitlets.TraitError(
                f"step must be from 0 to {self.last_step}, got {proposal.value}: after step {self.last_step} all "
                f"{len(self.tokens)} tokens are held"
            )
        return proposal.value

    def _keep_in_range(self, change: traitlets.Bunch) -> None:
        self.step = min(self.step, self.last_step)
        if self._view.prompt_length != change.new:  # else it came from the browser, which may have moved on
            self._view.last_step = self._sliders["step"].max = self.last_step

    def _slider_moved(self, change: traitlets.Bunch) -> None:
        if change.name == "cached":
            return super()._slider_moved(change)
        if change.new == getattr(self, change.name):
            return None  # it comes from here
        with self.hold_trait_notifications():  # both may come in one message: they are valid together
            self.prompt_length = round(self._view.prompt_length)
            self.step = min(round(self._view.step), self.last_step)


def _checked(tokens: Sequence[str]) -> list[str]:
    if isinstance(tokens, str):
        raise ValueError(f"tokens must be a list of strings, got the string {tokens!r}: split it, as by .split()")
    if not isinstance(tokens, Iterable):
        raise ValueError(f"tokens must be a list of strings, got {tokens!r}: give the text of each token")
    tokens = list(tokens)
    if wrong := [token for token in tokens if not isinstance(token, str)]:
        raise ValueError(f"tokens must be strings, got {wrong[0]!r}: decode each id to its text")
    if not LEAST <= len(tokens) <= MOST:
        remedy = (
            "add some: a prompt and what follows" if len(tokens) < LEAST else "cut the text: the rows would not fit"
        )
        raise ValueError(f"tokens must hold {LEAST} to {MOST} strings, got {len(tokens)}: {remedy}")
    return tokens
