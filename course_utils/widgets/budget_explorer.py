"""The memory budget explorer: what a model needs to answer or to be trained, against the memory of a card.

Python holds the truth (`memory`), the browser follows the same rules (browser/budget/rules.js): no knob needs a kernel.
The shapes of the models and the recipes travel to the page once, as plain numbers.
"""

import dataclasses
from typing import Any

import ipywidgets
import torch
import traitlets
from matplotlib.figure import Figure

from course_utils import memory, plots
from course_utils.memory.training import ADAPTER
from course_utils.widgets.base import BrowserView, Explorer, bundle
from course_utils.widgets.knobs import Stops, Switch
from course_utils.widgets.traits import Float, Int, tidy

TASKS = ("answer", "train")
WEIGHT_BITS = (4.5, 8.5, 16, 32)
CARDS = (8, 16, 24, 80)  # gigabytes
LEAST_CARD, LARGEST_CARD = 0.001, 10_000
MOST = {"context_length": 2**17, "batch_size": 2**8, "n_devices": 2**10}
RANK = 8  # of the adapters
ONLY = {"weight_bits": "answer", "recipe": "train", "n_devices": "train", "checkpointed": "train"}  # knob -> its task


class BudgetView(BrowserView):
    """What the browser draws."""

    _esm, _css = bundle("budget")

    facts = traitlets.Dict().tag(sync=True)  # see facts()


class BudgetExplorer(Explorer):
    """A bar of what a model's memory is needed for, against the line of a card, and a table with each item's formula.

    Traits, which a reader's hand changes too:
        model: one of `memory.NAMED`.
        task: "answer" or "train".
        context_length: tokens of each text, 1 to 131,072; more than the model was made for is said, not refused.
        batch_size: texts, 1 to 256; in training, on each device.
        weight_bits: of each weight, to answer: 32, 16, 8.5 or 4.5; cache and activations are float32 beside 32, else
            float16.
        recipe: to train, one of `memory.RECIPES`; adapters have rank 8.
        n_devices: to train, 1 to 1,024.
        checkpointed: to train, keep only what each layer reads.
        card: gigabytes of 10^9 bytes, 0.001 to 10,000, kept to 6 decimals.

    Args:
        model, task, batch_size, weight_bits, recipe, n_devices, checkpointed, card: where the explorer stands at first.
        context_length: the same; None is the model's.

    Raises:
        traitlets.TraitError: a trait is set to something else; it keeps its value.
    """

    model = traitlets.Unicode()
    task = traitlets.Unicode()
    context_length = Int()
    batch_size = Int()
    weight_bits = Float()
    recipe = traitlets.Unicode()
    n_devices = Int()
    checkpointed = traitlets.Bool()
    card = Float()

    def __init__(
        self,
        model: str = "llama-2-7b",
        task: str = "answer",
        *,
        context_length: int | None = None,
        batch_size: int = 1,
        weight_bits: float = 16,
        recipe: str = "lecture",
        n_devices: int = 1,
        checkpointed: bool = False,
        card: float = 24,
    ):
        self.model, self.task = model, task
        self.context_length = memory.NAMED[model].context_length if context_length is None else context_length
        self.batch_size, self.weight_bits, self.recipe = batch_size, weight_bits, recipe
        self.n_devices, self.checkpointed, self.card = n_devices, checkpointed, card
        lengths, batches, devices = (
            [2**i for i in range(least, MOST[name].bit_length())]
            for name, least in (("context_length", 7), ("batch_size", 0), ("n_devices", 0))
        )
        texts = ["1 text", *(f"{n} texts" for n in batches[1:])]
        bits, cards = [f"{n:g}" for n in WEIGHT_BITS], [f"{n} GB" for n in CARDS]
        menu = ipywidgets.Dropdown
        super().__init__(
            BudgetView,
            [
                Stops("task", "task", TASKS, TASKS, kind=ipywidgets.ToggleButtons),
                Stops("model", "model", list(memory.NAMED), list(memory.NAMED), kind=menu),
                Stops("card", "card", CARDS, cards),
                Stops("recipe", "recipe", list(memory.RECIPES), list(memory.RECIPES), kind=menu),
                Stops("context_length", "context", lengths, [f"{n:,} tokens" for n in lengths]),
                Stops("batch_size", "batch size", batches, texts),
                Stops("weight_bits", "bits of each weight", WEIGHT_BITS, bits),
                Stops("n_devices", "devices", devices, [f"{n:,}" for n in devices]),
                Switch("checkpointed", "checkpointed"),
            ],
            facts=facts(),
        )
        self.add_class("cu-budget")
        for name, task in ONLY.items():
            self._sliders[name].add_class(f"cu-only-{task}")

    @property
    def budget(self) -> memory.Budget:
        """What the bar shows: `memory.inference_memory` or, on each device, `memory.training_memory`."""
        if self.task == "answer":
            dtype = torch.float32 if self.weight_bits == 32 else torch.float16
            return memory.inference_memory(self.model, dtype, self.context_length, self.batch_size, self.weight_bits)
        return memory.training_memory(
            self.model,
            self.batch_size,
            self.context_length,
            self.recipe,
            self.n_devices,
            checkpointed=self.checkpointed,
            rank=RANK,
        )

    @property
    def verdict(self) -> str:
        """Whether it fits into the card, and how much is left or missing."""
        spare = round(self.card * 1e9) - self.budget.total
        size = abs(spare) / 1e9
        amount = "less than 0.01" if size < 0.01 else f"{size:,.2f}" if size < 0.1 else f"{size:,.1f}"
        return f"fits: {amount} GB to spare" if spare >= 0 else f"doesn't fit: {amount} GB too much"

    def figure(self) -> Figure:
        """The same state as a matplotlib figure, for paper."""
        return plots.memory_bars({self.model: self.budget.items}, [self.card], f"{self._state()}\n{self.verdict}")

    def __repr__(self) -> str:
        return f"BudgetExplorer({self._state()}, {self.budget.total / 1e9:,.2f} GB, card={self.card:g})"

    def describe(self) -> str:
        """What the figure shows, for a reader who can't see it."""
        items = ", ".join(f"{name} {size / 1e9:,.2f} GB" for name, size in self.budget.items.items())
        total = f"{self.budget.total / 1e9:,.2f} GB in all"
        return f"One bar, {self._state()}: {items}; {total}. On a card of {self.card:g} GB it {self.verdict}."

    def _state(self) -> str:
        texts = f"{self.batch_size} x {self.context_length:,} tokens"
        if self.task == "answer":
            return f"{self.model}, answer, {self.weight_bits:g} bits, {texts}"
        devices = f"{self.n_devices:,} device{'s' * (self.n_devices > 1)}"
        return f"{self.model}, train, {self.recipe}, {devices}, {texts}{', checkpointed' * self.checkpointed}"

    # Values that may be set

    @traitlets.validate("model")
    def _valid_model(self, proposal: traitlets.Bunch) -> str:
        try:
            memory.shape_of(proposal.value)
        except ValueError as problem:
            raise traitlets.TraitError(str(problem)) from None
        return proposal.value

    @traitlets.validate("task", "recipe", "weight_bits")
    def _valid_choice(self, proposal: traitlets.Bunch) -> Any:
        name = proposal.trait.name
        choices = {"task": TASKS, "recipe": tuple(memory.RECIPES), "weight_bits": WEIGHT_BITS}[name]
        if proposal.value not in choices:
            raise traitlets.TraitError(f"{name} must be one of {', '.join(map(str, choices))}, got {proposal.value!r}")
        return proposal.value

    @traitlets.validate(*MOST)
    def _valid_count(self, proposal: traitlets.Bunch) -> int:
        name = proposal.trait.name
        if not 1 <= proposal.value <= MOST[name]:
            raise traitlets.TraitError(f"{name} must be from 1 to {MOST[name]:,}, got {proposal.value}")
        return proposal.value

    @traitlets.validate("card")
    def _valid_card(self, proposal: traitlets.Bunch) -> float:
        if not LEAST_CARD <= proposal.value <= LARGEST_CARD:
            limits = f"{LEAST_CARD} to {LARGEST_CARD:,} gigabytes"
            raise traitlets.TraitError(f"card must be from {limits}, got {proposal.value:g}")
        return tidy(proposal.value)


def facts() -> dict[str, Any]:
    """Return what the browser's rules start from: shapes and recipes, as plain numbers."""
    shapes, recipes = {}, {}
    for name, shape in memory.NAMED.items():
        groups = shape.parameters
        shapes[name] = {
            **{field: value for field, value in dataclasses.asdict(shape).items() if field != "source"},
            "n_parameters": shape.n_parameters,
            "in_layers": groups["attention"] + groups["feed-forward"],
        }
    for name, recipe in memory.RECIPES.items():
        recipes[name] = {
            **{field: value for field, value in vars(recipe).items() if field != "source"},
            "sharded": sorted(recipe.sharded),
            "adapted": list(recipe.adapted),
            "activations": recipe.activations.itemsize if recipe.activations else 0,
        }
    return {"models": shapes, "recipes": recipes, "rank": RANK, "adapter_bytes": ADAPTER}
