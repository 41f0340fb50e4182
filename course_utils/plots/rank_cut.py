"""The singular values of an update, cut at a rank, as a picture."""

import math
from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import ArrayLike

from course_utils.checks import whole_number
from course_utils.plots.labels import numbers
from course_utils.plots.style import PALETTE, STYLE

# A colour and a mark for each spectrum, so that neither needs its colour.
MARKS = {"finetuned update": ("o", 8, PALETTE["blue"]), "random, of the same size": ("D", 7, PALETTE["vermillion"])}
APART = 0.012  # of the axis: marks that stand closer hide each other


def rank_cut(
    update: ArrayLike,
    control: ArrayLike,
    rank: int,
    losses: Mapping[int, float] | None = None,
    lines: Mapping[str, float] | None = None,
    title: str = "",
) -> Figure:
    """Draw two spectra over the number of the singular value: filled marks are kept at the rank, hollow ones are cut.

    Args:
        update: (n,) singular values of the update, the largest first.
        control: (n,) those of a random matrix of the same shape and size.
        rank: how many are kept.
        losses: rank -> loss in nats per token, for a second picture below; None draws none.
        lines: name -> loss, at most two lines across the second picture.
        title: a line above the picture.

    Returns:
        A matplotlib figure that pyplot doesn't know of, so that it is never displayed twice.

    Raises:
        ValueError: update and control hold no numbers, or not equally many; rank is negative; or more than two lines.
    """
    rank = whole_number("rank", rank, least=0)
    if len(lines or {}) > 2:
        raise ValueError(f"lines may be two at most, got {len(lines or {})}")
    spectra = numbers("update", update), numbers("control", control)
    shapes = [spectrum.shape for spectrum in spectra]
    if shapes[0] != shapes[1] or len(shapes[0]) != 1 or not shapes[0][0]:
        raise ValueError(f"update and control must hold equally many singular values, got the shapes {shapes}")
    end = max(shapes[0][0], *(losses or [0]))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 7.2 if losses else 4.8), layout="constrained")
        heights = (5, 3) if losses else (1,)
        above, *below = figure.subplots(len(heights), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        for (mark, size, colour), spectrum in zip(MARKS.values(), spectra, strict=True):
            shown = _thinned(len(spectrum), end)
            for kept in (True, False):
                some = shown[(shown <= rank) == kept]
                face = colour if kept else "white"
                above.plot(some, spectrum[some - 1], mark, color=colour, markersize=size, markerfacecolor=face)
        above.set(ylabel="singular value", ylim=(0, None))
        for axes in (above, *below):
            axes.axvline(rank + 0.5, color="black", linewidth=1.5)
            axes.axvspan(0.5, rank + 0.5, color=PALETTE["sky"], alpha=0.15, linewidth=0)
        for axes in below:
            _draw_losses(axes, rank, losses or {}, lines or {})
        figure.align_ylabels()
        bottom = below[0] if below else above
        bottom.set_xscale("log", base=2)
        bottom.set_xlim(0.5, end + 0.9)
        bottom.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}" if x >= 1 else "0" * bool(losses)))
        bottom.xaxis.set_minor_locator(NullLocator())
        bottom.set_xlabel("number of the singular value" + ", or rank" * bool(losses))
        if title:
            above.set_title(title, loc="left", parse_math=False)
        figure.legend(handles=_legend(), loc="outside lower center", ncols=4, handletextpad=0.3, columnspacing=1.2)
    return figure


def _thinned(n: int, end: int) -> np.ndarray:
    """The numbers 1 to n, without those that stand too close to one before on the logarithmic axis."""
    shown: list[int] = []
    least = APART * math.log(2 * end)
    for i in range(1, n + 1):
        if not shown or math.log(i / shown[-1]) >= least:
            shown.append(i)
    return np.array(shown)


def _draw_losses(axes: Axes, rank: int, losses: Mapping[int, float], lines: Mapping[str, float]) -> None:
    ranks = sorted(losses)
    places = [max(one, 0.5) for one in ranks]  # a logarithmic axis has no 0: what keeps nothing stands at its end
    found = [losses[one] for one in ranks]
    axes.plot(places, found, "o-", color=PALETTE["green"], clip_on=False)
    if rank in losses:
        axes.plot(
            max(rank, 0.5), losses[rank], "o", color="black", markersize=15, markerfacecolor="none", clip_on=False
        )
    for (name, loss), style in zip(lines.items(), ("--", ":"), strict=False):
        aside = "bottom" if loss == max(lines.values()) else "top"  # two names never stand on each other
        axes.axhline(loss, color="black", linestyle=style, linewidth=1.8)
        axes.annotate(name, (1, loss), (6, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va=aside)
    axes.set_ylabel("loss (nats)")
    axes.margins(y=0.15)


def _legend() -> list[Line2D]:
    keys = [
        Line2D([], [], marker=mark, markersize=size, color=colour, linestyle="none", label=name)
        for name, (mark, size, colour) in MARKS.items()
    ]
    for face, words in (("black", "filled: kept"), ("white", "hollow: cut")):
        keys.append(Line2D([], [], marker="o", color="black", markerfacecolor=face, linestyle="none", label=words))
    return keys
