"""The compute explorer: what so much training compute buys by a scaling law, and what another size of the model loses.

Python holds the truth (`scaling`, `compute_rules`), the browser follows the same rules (browser/compute/rules.js): no
knob needs a kernel. The laws travel to the page once, as their constants.
"""

import math
from collections.abc import Mapping

import ipywidgets
import traitlets
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.checks import number
from course_utils.scaling import Chinchilla, Frontier, training_flops
from course_utils.widgets import compute_rules
from course_utils.widgets.base import BrowserView, Explorer, bundle
from course_utils.widgets.compute_rules import LAWS, Law, Plan
from course_utils.widgets.knobs import Stops
from course_utils.widgets.traits import Float

LEAST_FLOPS, MOST_FLOPS = 1e6, 1e30
FLOPS_RANGE = (1e17, 1e27)  # the ends of the slider
PER_DECADE = 10  # places of the slider
LARGEST_RATIO = 1e6  # of a model's size to the best one's, either way
SLIDER_RATIO, RATIOS = 30, 24  # the end of the slider, and its places on each side
SHOWN_RATIO = 40  # the end of the curve


class ComputeView(BrowserView):
    """What the browser draws."""

    _esm, _css = bundle("compute")

    facts = traitlets.Dict().tag(sync=True)  # laws, published models, the card: see ComputeExplorer.__init__


class ComputeExplorer(Explorer):
    """The loss of all models that spend one compute, over their size, and a map of parameters and tokens.

    Traits, which a reader's hand changes too:
        law: one of the names of laws.
        flops: the compute of the training, C = 6 N D, 1e6 to 1e30.
        relative_size: N over the best N of this compute, 1e-6 to 1e6.

    Traits that follow, and only read:
        n_params, n_tokens: N and D of the chosen model.
        loss: what the law predicts for it, in nats per token.

    Args:
        laws: name -> a `scaling.Chinchilla` or a `scaling.Frontier`; None is the three published ones.
        law: where the explorer stands at first; None is the first.
        flops: the same; None is the middle of flops_range.
        relative_size: the same.
        flops_range: the ends of the slider; published models beyond them aren't shown.

    Raises:
        ValueError: laws or flops_range is something else.
        traitlets.TraitError: a trait is set to something else; it keeps its value.
    """

    law = traitlets.Unicode()
    flops = Float()
    relative_size = Float(1.0)
    n_params = Float(read_only=True)
    n_tokens = Float(read_only=True)
    loss = Float(read_only=True)

    def __init__(
        self,
        laws: Mapping[str, Law] | None = None,
        *,
        law: str | None = None,
        flops: float | None = None,
        relative_size: float = 1.0,
        flops_range: tuple[float, float] = FLOPS_RANGE,
    ):
        self._laws = _checked(LAWS if laws is None else laws)
        least, most = self._flops_range = _checked_range(flops_range)
        self._models = compute_rules.models_within(least, most)
        decades = _decades(least, most)
        compute = sorted({*decades, *(training_flops(*sizes) for sizes in self._models.values())})
        self.law = next(iter(self._laws)) if law is None else law
        self.flops = decades[len(decades) // 2] if flops is None else flops
        self.relative_size = relative_size
        self._follow()
        self.observe(self._follow, ["law", "flops", "relative_size"])
        names = list(self._laws)
        factors = _rounded([SLIDER_RATIO ** (i / RATIOS) for i in range(1, RATIOS + 1)])
        ratios = [*(1 / factor for factor in reversed(factors)), 1.0, *factors]
        below, above = ([f"best {sign} {factor:g}" for factor in factors] for sign in "÷×")
        super().__init__(
            ComputeView,
            [
                Stops("law", "law", names, names, kind=ipywidgets.Dropdown),
                Stops("flops", "compute C", compute, [f"{compute_rules.scientific(c)} FLOPs" for c in compute]),
                Stops("relative_size", "model size N", ratios, [*reversed(below), "the best", *above]),
            ],
            facts={
                "laws": compute_rules.declared(self._laws),
                "models": [[name, *sizes] for name, sizes in self._models.items()],
                "flops_range": [least, most],
                "shown_ratio": SHOWN_RATIO,
                "card_flops": compute_rules.CARD_FLOPS,
                "share": compute_rules.SHARE,
            },
        )
        self.add_class("cu-compute")
        if len(names) == 1:
            self._sliders["law"].layout.display = "none"  # there is nothing to choose

    @property
    def chosen(self) -> Plan:
        """The model that the knobs choose."""
        return Plan(self.n_params, self.n_tokens, self.loss)

    @property
    def best(self) -> Plan:
        """The model with the lowest loss that the compute buys."""
        return compute_rules.plan(self._laws[self.law], self.flops)

    def place(self, n_params: float, n_tokens: float) -> None:
        """Set both sliders to a model that exists, or that you plan: the law says how far from the best it is.

        Args:
            n_params: N.
            n_tokens: D.

        Raises:
            ValueError: n_params or n_tokens isn't above 0.
            traitlets.TraitError: the compute, or the size relative to the best one, is out of range.
        """
        sizes = {"n_params": number("n_params", n_params), "n_tokens": number("n_tokens", n_tokens)}
        for name, value in sizes.items():
            if not value > 0:
                raise ValueError(f"{name} must be above 0, got {value}")
        flops = training_flops(**sizes)
        self._refuse("flops", flops)
        relative_size = compute_rules.relative_size(self._laws[self.law], **sizes)
        self._refuse("relative_size", relative_size)
        self.flops, self.relative_size = flops, relative_size

    def figure(self) -> Figure:
        """The same state as a matplotlib figure, for paper."""
        law, best, least_most = self._laws[self.law], self.best, self._flops_range
        least, most = (f(self.relative_size, 1 / SHOWN_RATIO, SHOWN_RATIO) for f in (min, max))
        return plots.iso_compute(
            *compute_rules.curve(law, self.flops, least, most),
            {
                "lowest loss": (best.n_params, best.n_tokens, best.loss),
                "chosen model": (self.n_params, self.n_tokens, self.loss),
            },
            [law.compute_optimal(flops) for flops in least_most],
            self._models,
            f"{self.law}, {compute_rules.scientific(self.flops)} FLOPs",
        )

    def describe(self) -> str:
        """What the figure shows, for a reader who can't see it."""
        best, law = self.best, self._laws[self.law]
        return (
            f"Left: the loss that {self.law} predicts for models that spend the same compute, over their parameters: "
            f"a curve with its lowest point, {compute_rules.three(best.loss)} nats, at "
            f"{compute_rules.size(best.n_params)} parameters and {compute_rules.size(best.n_tokens)} tokens. "
            f"{compute_rules.words(self.flops, self.chosen, best)} Right: tokens over parameters, with a line of these "
            f"models and a line of the best model of each compute{self._others()}. "
            f"{compute_rules.remarks(law, self.flops, self.chosen)}"
        )

    def _others(self) -> str:
        return f"; published models are {', '.join(self._models)}" if self._models else ""

    def __repr__(self) -> str:
        sizes = f"N={compute_rules.size(self.n_params)}, D={compute_rules.size(self.n_tokens)}"
        compute = f"{compute_rules.scientific(self.flops)} FLOPs"
        return f"ComputeExplorer({self.law}, {compute}, {sizes}, loss={compute_rules.three(self.loss)})"

    def _follow(self, change: traitlets.Bunch | None = None) -> None:
        found = compute_rules.plan(self._laws[self.law], self.flops, self.relative_size)
        for name, value in vars(found).items():
            self.set_trait(name, value)

    # Values that may be set

    @traitlets.validate("law")
    def _valid_law(self, proposal: traitlets.Bunch) -> str:
        if proposal.value not in self._laws:
            raise traitlets.TraitError(f"law must be one of {', '.join(self._laws)}, got {proposal.value!r}")
        return proposal.value

    @traitlets.validate("flops", "relative_size")
    def _valid_number(self, proposal: traitlets.Bunch) -> float:
        self._refuse(proposal.trait.name, proposal.value)
        return proposal.value

    def _refuse(self, name: str, value: float) -> None:
        limits = {"flops": (LEAST_FLOPS, MOST_FLOPS), "relative_size": (1 / LARGEST_RATIO, LARGEST_RATIO)}
        least, most = limits[name]
        if not least <= value <= most:
            raise traitlets.TraitError(f"{name} must be from {least:g} to {most:g}, got {value:g}")


def _checked(laws: Mapping[str, Law]) -> dict[str, Law]:
    if not isinstance(laws, Mapping) or not laws:
        raise ValueError(f"laws must map at least one name to a law, got {laws!r}: give a dict")
    for name, law in laws.items():
        if not isinstance(name, str) or not name:
            raise ValueError(f"laws must have names, got {name!r}: call each law by a string")
        if not isinstance(law, Chinchilla | Frontier):
            kind = type(law).__name__
            raise ValueError(f"laws[{name!r}] must be a Chinchilla or a Frontier, got a {kind}: fit one of N and D")
        law.compute_optimal(1.0)  # refuses exponents that leave no best size
    return dict(laws)


def _checked_range(flops_range: tuple[float, float]) -> tuple[float, float]:
    try:
        least, most = flops_range
    except (TypeError, ValueError):
        raise ValueError(f"flops_range must be two numbers, got {flops_range!r}") from None
    least, most = number("an end of flops_range", least), number("an end of flops_range", most)
    if not LEAST_FLOPS <= least < most <= MOST_FLOPS:
        limits = f"within {LEAST_FLOPS:g} to {MOST_FLOPS:g}"
        raise ValueError(f"flops_range must be two numbers, the smaller first, {limits}, got {flops_range!r}")
    return least, most


def _decades(least: float, most: float) -> list[float]:
    """So many numbers in each decade, of two digits each, from one end to the other."""
    first, last = (round(PER_DECADE * math.log10(end)) for end in (least, most))
    return _rounded([10.0 ** (i / PER_DECADE) for i in range(first, last + 1)])


def _rounded(values: list[float]) -> list[float]:
    return [float(f"{value:.1e}") for value in values]
