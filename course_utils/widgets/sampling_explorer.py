"""The sampling explorer: a next-token distribution under three sliders, drawn in the browser.

Python holds the truth (`decoding`), the browser follows the same rules: a slider needs no kernel.
Only the logits, as one binary buffer, and the strings of the tokens on show travel to the page.
"""

import math
from collections.abc import Callable, Sequence

import ipywidgets
import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.decoding import apply_temperature, top_k_filter, top_p_filter
from course_utils.widgets.sampling_view import KNOBS, TOP_K_STOPS, SamplingView, place, sliders, stop_of, tidy

SHOWN = 24  # tokens with a bar of their own


class _NumPyToo:
    """A trait that takes NumPy's numbers as Python's own."""

    def validate(self, obj, value):
        return super().validate(obj, value.item() if isinstance(value, np.generic) else value)


class _Float(_NumPyToo, traitlets.Float):
    """np.float32(0.5) is 0.5."""


class _Int(_NumPyToo, traitlets.Int):
    """np.int64(8) is 8."""


class _Anything(traitlets.Any):
    """A trait that leaves None too to the validator, which says what is missing."""

    allow_none = False


class SamplingExplorer(ipywidgets.VBox):
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

    temperature = _Float(1.0)
    top_k = _Int()
    top_p = _Float(1.0)
    logits = _Anything()
    seed = _Int(0)
    drawn = traitlets.List(_Int())

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
        self._model: Callable | None = None
        self._tokenizer = None
        super().__init__()
        self.logits = logits
        self.temperature, self.top_p, self.seed = temperature, top_p, seed
        self.top_k = len(tokens) if top_k is None else top_k

        stops = [stop for stop in TOP_K_STOPS if stop < len(tokens)] + [len(tokens)]
        self._view = SamplingView(
            top_k_stops=stops,
            **{name: getattr(self, name) for name in KNOBS},
            **{f"{name}_stop": stop_of(name, getattr(self, name), stops) for name in KNOBS},
        )
        self._sliders = sliders(self._view)
        for link in ("seed", "drawn"):
            traitlets.link((self, link), (self._view, link))
        self._show_logits()
        self.observe(self._show_logits, "logits")
        self.observe(self._name_drawn, "drawn")
        self.observe(self._move_slider, KNOBS)
        self._view.observe(self._slider_moved, KNOBS)
        self._view.on_msg(self._answer)
        self.add_class("cu-explorer")
        self.children = (*self._sliders.values(), self._view)

    @classmethod
    def from_model(cls, model: Callable, tokenizer, prompt: str, **settings) -> "SamplingExplorer":
        """An explorer of the tokens that a model would put after a prompt, with a box to change the prompt.

        «sample» walks on: the model reads the token drawn before the next one is drawn.

        Args:
            model: `model(ids (1, T)) -> logits (1, T, V)`.
            tokenizer: `encode(str) -> list[int]` and `token_texts() -> list[str]`.
            prompt: the text to continue.
            settings: temperature, top_k, top_p, seed.

        Raises:
            ValueError: the prompt is empty.
        """
        logits = _next_logits(model, _encode(tokenizer, prompt))
        tokens = tokenizer.token_texts()[: len(logits)]
        tokens += [f"[{i}]" for i in range(len(tokens), len(logits))]  # some models pad their vocabulary
        explorer = cls(tokens, logits, **settings)
        explorer._attach(model, tokenizer, prompt)
        return explorer

    def run(self, prompt: str) -> None:
        """Show the distribution that follows another prompt; nothing changes when the model raises an error.

        Args:
            prompt: the text to continue.

        Raises:
            ValueError: the prompt is empty, or this explorer was made without a model.
        """
        if self._model is None:
            raise ValueError("this explorer has no model to run: make it with SamplingExplorer.from_model")
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

    def _repr_mimebundle_(self, **kwargs):
        """The live view, and beside it a picture of the same state wherever no widget can run."""
        kept = self.kept
        caption = "The explorer as it stood when this cell was run. Run the cell to drag its sliders."
        alt = (
            f"Bars of next-token probabilities at temperature {self.temperature:g}, top-k {self._k_words()}, "
            f"top-p {self.top_p:g}: {len(kept):,} of {len(self.tokens):,} tokens are kept, "
            f"the most probable is “{plots.visible(self.tokens[kept[0]])}”."
        )
        return super()._repr_mimebundle_(**kwargs) | {"text/html": plots.figure_html(self.figure(), caption, alt)}

    # Values that may be set

    @traitlets.validate("temperature")
    def _valid_temperature(self, proposal) -> float:
        if not 0 <= proposal.value <= 2 or (proposal.value > 0 and tidy(proposal.value) == 0):
            raise traitlets.TraitError(
                f"temperature must be between 0 and 2 (0 is greedy; 6 decimals are kept, and what would round to 0 is "
                f"refused), got {proposal.value}"
            )
        return tidy(proposal.value)

    @traitlets.validate("top_k")
    def _valid_top_k(self, proposal) -> int:
        if proposal.value < 1:
            raise traitlets.TraitError(
                f"top_k must be from 1 to {len(self.tokens)} (which cuts nothing), got {proposal.value}"
            )
        return min(proposal.value, len(self.tokens))

    @traitlets.validate("top_p")
    def _valid_top_p(self, proposal) -> float:
        if not (0 < proposal.value <= 1 and tidy(proposal.value) > 0):
            raise traitlets.TraitError(
                f"top_p must be more than 0 and at most 1 (6 decimals are kept; 1 cuts nothing), got {proposal.value}"
            )
        return tidy(proposal.value)

    @traitlets.validate("seed")
    def _valid_seed(self, proposal) -> int:
        if not 0 <= proposal.value < 2**32:
            raise traitlets.TraitError(f"seed must be from 0 to {2**32 - 1}, got {proposal.value}")
        return proposal.value

    @traitlets.validate("drawn")
    def _valid_drawn(self, proposal) -> list[int]:
        if strange := [i for i in proposal.value if not 0 <= i < len(self.tokens)]:
            raise traitlets.TraitError(f"drawn must hold ids from 0 to {len(self.tokens) - 1}, got {strange[0]}")
        return proposal.value

    @traitlets.validate("logits")
    def _valid_logits(self, proposal) -> np.ndarray:
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

    def _show_logits(self, change=None) -> None:
        order = np.argsort(-self.logits, kind="stable")  # (V,)
        n = len(order) if len(order) <= SHOWN + 1 else SHOWN  # a rest of one token gets its own name
        with self._view.hold_sync():
            self._view.shown = [{"id": int(i), **self._name(i)} for i in order[:n]]
            self._view.logits = self.logits.astype("<f4").tobytes()

    def _name_drawn(self, change=None) -> None:
        self._view.names = {str(i): self._name(i) for i in self.drawn}

    def _name(self, i: int) -> dict[str, str]:
        return {"text": self.tokens[i], "label": plots.visible(self.tokens[i])}

    def _move_slider(self, change) -> None:
        if self._from_view(change.name) == change.new:
            return  # it came from the browser, which may have moved on: don't push it back
        stop = stop_of(change.name, change.new, self._view.top_k_stops)
        with self._view.hold_sync():  # in one message, and before the slider's: else the slider would set the value
            setattr(self._view, change.name, change.new)
            setattr(self._view, f"{change.name}_stop", stop)
        setattr(self._sliders[change.name], place(change.name), stop)

    def _slider_moved(self, change) -> None:
        setattr(self, change.name, self._from_view(change.name))

    def _from_view(self, name: str) -> float:
        value = getattr(self._view, name)
        return value if name == "top_k" else tidy(value)

    def _filtered(self) -> torch.Tensor:
        """Logits (V,) after the three knobs, -inf where cut."""
        scaled = apply_temperature(torch.from_numpy(self.logits), self.temperature)
        return top_p_filter(top_k_filter(scaled, self.top_k), self.top_p)

    def _k_words(self) -> str:
        return f"{self.top_k:,}" if self.top_k < len(self.tokens) else f"all ({self.top_k:,})"

    # The model behind it

    def _attach(self, model: Callable, tokenizer, prompt: str) -> None:
        self._model, self._tokenizer = model, tokenizer
        with self._view.hold_sync():
            self._view.has_model = True
            self._view.prompt = self._view.prompt_shown = prompt
        box = ipywidgets.Text(
            value=prompt,
            description="prompt",
            continuous_update=False,
            disabled=True,  # until a kernel answers the browser
            layout={"width": "auto", "max_width": "760px"},
            style={"description_width": "110px"},
        )
        ipywidgets.jslink((self._view, "prompt"), (box, "value"))
        ipywidgets.jslink((self._view, "offline"), (box, "disabled"))
        self._box = box
        self.children = (box, *self.children)

    def _read(self, prompt: str, drawn: list[int]) -> None:
        """Show the distribution after the prompt and the tokens drawn."""
        logits = _next_logits(self._model, _encode(self._tokenizer, prompt) + drawn)  # (V,)
        with self._view.hold_sync():
            self.logits = logits  # refuses what is no distribution, before anything has changed
            self.drawn = drawn
            self._view.prompt = self._view.prompt_shown = self._box.value = prompt
            self._view.walked = len(drawn)
            self._view.status = ""

    def _answer(self, view: SamplingView, content: dict, buffers: list) -> None:
        """Answer a message of the browser; what goes wrong is shown there in words."""
        with view.hold_sync():
            view.status = ""
            try:
                if content["ask"] == "prompt":
                    self.run(content["prompt"])
                elif content["ask"] == "walk":
                    self._read(view.prompt_shown, content["drawn"])
            except Exception as problem:  # any error of any model belongs on the screen of the one who asked
                view.status = (
                    str(problem) if isinstance(problem, ValueError) else f"{type(problem).__name__}: {problem}"
                )
            view.reply = {"id": content["id"], "ok": not view.status}


def _encode(tokenizer, prompt: str) -> list[int]:
    ids = list(tokenizer.encode(prompt))
    if not ids:
        raise ValueError("prompt is empty: type at least one character for the model to continue")
    return ids


@torch.no_grad()
def _next_logits(model: Callable, ids: list[int]) -> torch.Tensor:
    parameter = next(model.parameters(), None) if isinstance(model, torch.nn.Module) else None
    device = "cpu" if parameter is None else parameter.device
    return model(torch.tensor([ids], device=device))[0, -1].float().cpu()  # (V,)
