"""Models that spend one compute: their predicted loss, and where they lie among others."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import ArrayLike

from course_utils.plots.labels import numbers
from course_utils.plots.style import PALETTE, STYLE

MARKS: tuple[dict[str, Any], ...] = (  # of two points: the ring still shows where it stands around the diamond
    {"marker": "D", "markersize": 9, "color": PALETTE["green"], "markeredgecolor": "black"},
    {"marker": "o", "markersize": 17, "color": PALETTE["vermillion"], "markerfacecolor": "none", "markeredgewidth": 3},
)
SIZES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
Point = tuple[float, float]  # parameters, tokens


def iso_compute(
    n_params: ArrayLike,
    losses: ArrayLike,
    points: Mapping[str, tuple[float, float, float]],
    frontier: Sequence[Point],
    models: Mapping[str, Point],
    title: str = "",
) -> Figure:
    """Draw the loss of models that spend one compute, over their size, and beside it a map of parameters and tokens.

    Args:
        n_params: (n,) parameters of the models.
        losses: (n,) their predicted losses, in nats per token.
        points: name -> parameters, tokens and loss of one or two of them.
        frontier: the ends of the line of best models, each parameters and tokens.
        models: name -> parameters and tokens of other models, for the map.
        title: a line above the picture.

    Returns:
        A matplotlib figure that pyplot doesn't know of, so that it is never displayed twice.

    Raises:
        ValueError: n_params and losses aren't equally many numbers; or there are no points, or more than two.
    """
    sizes, found = numbers("n_params", n_params), numbers("losses", losses)
    if sizes.shape != found.shape or sizes.ndim != 1 or not len(sizes):
        raise ValueError(f"n_params and losses must be equally many, got the shapes {sizes.shape} and {found.shape}")
    if not 1 <= len(points) <= len(MARKS):
        raise ValueError(f"points may be one or two, got {len(points)}")
    spent = math.prod(next(iter(points.values()))[:2])  # N D, the same for all of them
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(12, 5.4), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1))
        left.plot(sizes, found, color=PALETTE["blue"], label="this compute")
        left.set(xscale="log", xlabel="parameters N", ylabel="predicted loss (nats per token)")
        right.plot(*zip(*frontier, strict=True), "--", color=PALETTE["green"], label="best of each compute")
        right.plot(sizes, spent / sizes, color=PALETTE["blue"])
        right.set(xscale="log", yscale="log", xlabel="parameters N", ylabel="tokens D")
        for (name, (n, d, loss)), look in zip(points.items(), MARKS, strict=False):
            left.plot(n, loss, label=name, linestyle="none", **look)
            right.plot(n, d, linestyle="none", **look)
        if models:
            right.plot(*zip(*models.values(), strict=True), "^", color="black", markersize=9, label="published models")
        _name(right, models)
        for axis in (left.xaxis, right.xaxis, right.yaxis):
            axis.set_major_locator(LogLocator(numticks=7))
            axis.set_major_formatter(FuncFormatter(lambda size, _: _short(size)))
            axis.set_minor_formatter(NullFormatter())
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=STYLE["axes.titlesize"], parse_math=False)
        figure.legend(loc="outside lower center", ncols=5, handlelength=1.6, columnspacing=1.2)
    return figure


def _name(axes: Axes, models: Mapping[str, Point]) -> None:
    """Write each model's name at its right, or below it where another one stands to the right of it."""
    axes.margins(x=0.14)
    for name, (n, d) in models.items():
        crowded = any(1 < other / n < 100 and 1 / 3 < tokens / d < 3 for other, tokens in models.values())
        side: dict[str, Any] = {"ha": "center", "va": "top"} if crowded else {"ha": "left", "va": "center"}
        shift = (0, -8) if crowded else (9, 0)
        clear = [withStroke(linewidth=4, foreground="white")]  # no line goes through letters
        axes.annotate(name, (n, d), shift, textcoords="offset points", path_effects=clear, **side)


def _short(size: float) -> str:
    for unit, letter in SIZES:
        if size >= unit:
            return f"{size / unit:,.3g} {letter}"
    return f"{size:,.3g}"
