"""The sampling explorer: a next-token distribution under three sliders, drawn in the browser.

Python holds the truth (`decoding`), the browser follows the same rules: a slider needs no kernel.
Only the logits, as one binary buffer, and the strings of the tokens on show travel to the page.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.decoding import apply_temperature, top_k_filter, top_p_filter
from course_utils.transformer import LanguageModel, can_cache
from course_utils.widgets.base import BrowserView, Explorer, bundle
from course_utils.widgets.knobs import Range, Stops
from course_utils.widgets.traits import Anything, Float, Int, Seed, tidy

SHOWN = 24  # tokens with a bar of their own
TOP_K_STOPS = (*range(1, 21), 25, 30, 40, 50, 75, 100, 200, 500, 1000, 2000, 5000, 10000, 20000)


class PromptTokenizer(Protocol):
    """What a prompt is read with: any `Tokenizer`, or less."""

    def encode(self, text: str, /) -> list[int]:
        """Return the token ids of a text."""

    def token_texts(self) -> list[str]:
        """Return the text of each id of the vocabulary."""


@runtime_checkable
class PieceTokenizer(PromptTokenizer, Protocol):
    """One that also says what a text grows by."""

    def pieces(self, ids: list[int], /) -> list[str]:
        """Return what each token adds to the text, one string per id."""


class SamplingView(BrowserView):
    """What the browser draws; `seed` and `drawn` are set there too, the rest by Python alone."""

    _esm, _css = bundle("sampling")

    logits = traitlets.Bytes().tag(sync=True)  # V float32, little-endian
    shown = traitlets.List(traitlets.Dict()).tag(sync=True)  # id, text, label of the tokens with a bar
    names = traitlets.Dict().tag(sync=True)  # id -> text, label of the tokens drawn
    running = traitlets.Dict().tag(sync=True)  # ids drawn, and pieces: what each of them adds to the text
    seed = traitlets.Int(0).tag(sync=True, echo_update=False)
    drawn = traitlets.List(traitlets.Int()).tag(sync=True, echo_update=False)

    has_model = traitlets.Bool(False).tag(sync=True)
    prompt = traitlets.Unicode("").tag(sync=True)  # what the box says
    prompt_shown = traitlets.Unicode("").tag(sync=True)  # what the distribution on show continues
    walked = traitlets.Int(0).tag(sync=True)  # drawn tokens that the distribution on show has read


class SamplingExplorer(Explorer):
    """Sliders for temperature, top-k and top-p over a next-token distribution, and a button that samples from it.

    Traits, which a reader's hand on the sliders changes too:
        temperature: 0 to 2; 0 is greedy. Kept to 6 decimals, as is top_p; what would round to 0 is refused.
        top_k: 1 to V; more than V is V, which cuts nothing.
        top_p: 0 < p <= 1; 1 cuts nothing.
        logits: (V,) float32.
        seed: 0 to 2**32 - 1; the same seed draws the same tokens.
        drawn: ids of the tokens drawn so far.

    Args:
        tokens: V strings, the text of each token id.
        logits: (V,) numbers: a list, an array or a tensor; -inf is never sampled.
        temperature, top_k, top_p, seed: where the sliders stand at first; top_k None cuts nothing.

    Raises:
        ValueError: tokens or logits are empty or differ in length; logits hold NaN or +inf, or nothing but -inf, or
            are no numbers.
        traitlets.TraitError: a trait is set out of its range; it keeps its value.
    """

    temperature = Float(1.0)
    top_k = Int()
    top_p = Float(1.0)
    logits = Anything()
    seed = Seed()
    drawn = traitlets.List(Int())

    def __init__(
        self,
        tokens: Sequence[str],
        logits: Sequence[float] | np.ndarray | torch.Tensor,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        seed: int = 0,
    ):
        if len(tokens) == 0:
            raise ValueError("tokens is empty: give the text of each token id")
        self.tokens = tokens
        self._model: LanguageModel | None = None
        self._tokenizer: PromptTokenizer | None = None
        self.logits = logits
        self.temperature, self.top_p, self.seed = temperature, top_p, seed
        self.top_k = len(tokens) if top_k is None else top_k
        stops = [stop for stop in TOP_K_STOPS if stop < len(tokens)]
        super().__init__(
            SamplingView,
            [
                Range("temperature", "temperature", min=0, max=2, step=0.05),
                Stops(
                    "top_k",
                    "top-k",
                    stops=[*stops, len(tokens)],
                    texts=[*(f"{stop:,}" for stop in stops), f"all ({len(tokens):,})"],
                ),
                Range("top_p", "top-p", min=0.01, max=1, step=0.01),
            ],
        )
        for trait in ("seed", "drawn"):
            traitlets.link((self, trait), (self._view, trait))
        self._show_logits()
        self.observe(self._show_logits, "logits")
        self.observe(self._name_drawn, "drawn")

    @classmethod
    def from_model(cls, model: LanguageModel, tokenizer: PromptTokenizer, prompt: str, **settings: Any) -> Self:
        """An explorer of the tokens that a model would put after a prompt, with a box to change the prompt.

        “sample” walks on: the model reads the token drawn before the next one is drawn.

        Args:
            model: `model(ids (1, T)) -> logits (1, T, V)`.
            tokenizer: one of the course's, or a `PromptTokenizer`; the running text of a `PieceTokenizer` grows by its
                pieces.
            prompt: the text to continue.
            settings: temperature, top_k, top_p, seed.

        Raises:
            ValueError: the prompt is empty.
        """
        logits = _next_logits(model, _encode(tokenizer, prompt))
        tokens = tokenizer.token_texts()[: len(logits)]
        padding = [f"[{i}]" for i in range(len(tokens), len(logits))]  # some models pad their vocabulary
        explorer = cls(tokens + padding, logits, **settings)
        explorer._attach(model, tokenizer, prompt)
        return explorer

    def run(self, prompt: str) -> None:
        """Show the distribution that follows another prompt; nothing changes when the model raises an error.

        Args:
            prompt: the text to continue.

        Raises:
            ValueError: the prompt is empty, or this explorer was made without a model.
        """
        self._read(prompt, drawn=[])

    @property
    def kept(self) -> list[int]:
        """Ids of the tokens that can be sampled now, the most probable first, equals in the order of their ids.

        These are the tokens whose logit is finite after the three knobs, also where the probability rounds to 0.
        """
        logits = self._filtered()  # (V,)
        order = logits.argsort(descending=True, stable=True)  # (V,)
        return order[: int((logits > -math.inf).sum())].tolist()

    def figure(self) -> Figure:
        """The same state as a matplotlib figure, for paper."""
        logits = self._filtered()  # (V,)
        return plots.next_token_bars(
            self.tokens,
            after=logits.double().softmax(dim=-1).numpy(),
            before=torch.from_numpy(self.logits).double().softmax(dim=-1).numpy(),
            kept=(logits > -math.inf).numpy(),
            shown=SHOWN,
            title=f"temperature {self.temperature:g}, top-k {self._k_words()}, top-p {self.top_p:g}",
        )

    def __repr__(self) -> str:
        knobs = f"temperature={self.temperature}, top_k={self.top_k}, top_p={self.top_p}"
        return f"SamplingExplorer({len(self.tokens)} tokens, {knobs})"

    def describe(self) -> str:
        """What the figure shows, for a reader who can't see it."""
        kept = self.kept
        return (
            f"Bars of next-token probabilities at temperature {self.temperature:g}, top-k {self._k_words()}, "
            f"top-p {self.top_p:g}: {len(kept):,} of {len(self.tokens):,} tokens are kept, "
            f"the most probable is “{plots.visible(self.tokens[kept[0]])}”."
        )

    # Values that may be set

    @traitlets.validate("temperature")
    def _valid_temperature(self, proposal: traitlets.Bunch) -> float:
        if not 0 <= proposal.value <= 2 or (proposal.value > 0 and tidy(proposal.value) == 0):
            raise traitlets.TraitError(
                f"temperature must be between 0 and 2 (0 is greedy; 6 decimals are kept, and what would round to 0 is "
                f"refused), got {proposal.value}"
            )
        return tidy(proposal.value)

    @traitlets.validate("top_k")
    def _valid_top_k(self, proposal: traitlets.Bunch) -> int:
        if proposal.value < 1:
            raise traitlets.TraitError(
                f"top_k must be from 1 to {len(self.tokens)} (which cuts nothing), got {proposal.value}"
            )
        return min(proposal.value, len(self.tokens))

    @traitlets.validate("top_p")
    def _valid_top_p(self, proposal: traitlets.Bunch) -> float:
        if not (0 < proposal.value <= 1 and tidy(proposal.value) > 0):
            raise traitlets.TraitError(
                f"top_p must be more than 0 and at most 1 (6 decimals are kept; 1 cuts nothing), got {proposal.value}"
            )
        return tidy(proposal.value)

    @traitlets.validate("drawn")
    def _valid_drawn(self, proposal: traitlets.Bunch) -> list[int]:
        if strange := [i for i in proposal.value if not 0 <= i < len(self.tokens)]:
            raise traitlets.TraitError(f"drawn must hold ids from 0 to {len(self.tokens) - 1}, got {strange[0]}")
        return proposal.value

    @traitlets.validate("logits")
    def _valid_logits(self, proposal: traitlets.Bunch) -> np.ndarray:
        try:
            row = torch.as_tensor(proposal.value).detach().to("cpu", torch.float32)
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(
                f"logits must be one row with a number for each of the {len(self.tokens)} tokens, "
                f"got a {type(proposal.value).__name__}"
            ) from None
        if row.shape != (len(self.tokens),):
            raise ValueError(
                f"logits must be one row with a number for each of the {len(self.tokens)} tokens, "
                f"got shape {tuple(row.shape)}"
            )
        apply_temperature(row, 1.0)  # refuses NaN, +inf and nothing but -inf
        return row.numpy().copy()  # (V,)

    # From Python to the browser and back

    def _show_logits(self, change: traitlets.Bunch | None = None) -> None:
        order = np.argsort(-self.logits, kind="stable")  # (V,)
        n = len(order) if len(order) <= SHOWN + 1 else SHOWN  # a rest of one token gets its own name
        with self._view.hold_sync():
            self._view.shown = [{"id": int(i), **self._name(i)} for i in order[:n]]
            self._view.logits = self.logits.astype("<f4").tobytes()

    def _name_drawn(self, change: traitlets.Bunch | None = None) -> None:
        with self._view.hold_sync():
            self._view.names = {str(i): self._name(i) for i in self.drawn}
            self._view.running = {"ids": self.drawn, "pieces": self._pieces()}

    def _pieces(self) -> list[str]:
        """What each drawn token adds to the text."""
        if isinstance(self._tokenizer, PieceTokenizer):
            before = _encode(self._tokenizer, self._view.prompt_shown)
            try:
                return self._tokenizer.pieces(before + self.drawn)[len(before) :]
            except ValueError:  # an id with which the model pads its vocabulary
                pass
        return [self.tokens[i] for i in self.drawn]

    def _name(self, i: int) -> dict[str, str]:
        return {"text": self.tokens[i], "label": plots.visible(self.tokens[i])}

    def _filtered(self) -> torch.Tensor:
        """Logits (V,) after the three knobs, -inf where cut."""
        scaled = apply_temperature(torch.from_numpy(self.logits), self.temperature)
        return top_p_filter(top_k_filter(scaled, self.top_k), self.top_p)

    def _k_words(self) -> str:
        return f"{self.top_k:,}" if self.top_k < len(self.tokens) else f"all ({self.top_k:,})"

    # The model behind it

    def _attach(self, model: LanguageModel, tokenizer: PromptTokenizer, prompt: str) -> None:
        self._model, self._tokenizer = model, tokenizer
        with self._view.hold_sync():
            self._view.has_model = True
            self._view.prompt = self._view.prompt_shown = prompt
        self._box = self._add_text_box("prompt", "prompt")

    def answer(self, ask: str, content: dict[str, Any]) -> None:
        """Do what the browser asks for: show another prompt, or read the tokens drawn."""
        if ask == "prompt":
            self.run(content["prompt"])
        elif ask == "walk":
            self._read(self._view.prompt_shown, content["drawn"])

    def _read(self, prompt: str, drawn: list[int]) -> None:
        """Show the distribution after the prompt and the tokens drawn."""
        if self._model is None or self._tokenizer is None:
            raise ValueError("this explorer has no model to run: make it with SamplingExplorer.from_model")
        logits = _next_logits(self._model, _encode(self._tokenizer, prompt) + drawn)  # (V,)
        with self._view.hold_sync():
            self.logits = logits  # refuses what is no distribution, before anything has changed
            self.drawn = drawn
            self._view.prompt = self._view.prompt_shown = prompt
            self._view.walked = len(drawn)
            self._view.status = ""
        self._box.value = prompt  # behind the view: else the box would ask for the prompt again


def _encode(tokenizer: PromptTokenizer, prompt: str) -> list[int]:
    ids = list(tokenizer.encode(prompt))
    if not ids:
        raise ValueError("prompt is empty: type at least one character for the model to continue")
    return ids


@torch.no_grad()
def _next_logits(model: LanguageModel, ids: list[int]) -> torch.Tensor:
    parameter = next(model.parameters(), None) if isinstance(model, torch.nn.Module) else None
    device = "cpu" if parameter is None else parameter.device
    batch = torch.tensor([ids], device=device)  # (1, T)
    logits = model.next_token_logits(batch)[0] if can_cache(model) else model(batch)[0, -1]  # (V,)
    return logits.float().cpu()
