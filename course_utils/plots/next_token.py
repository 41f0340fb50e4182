"""A next-token distribution as bars."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike

from course_utils.plots.labels import clip, drawable, numbers, short, visible
from course_utils.plots.style import GREY, PALETTE, STYLE


def next_token_bars(
    tokens: Sequence[str],
    after: ArrayLike,
    before: ArrayLike | None = None,
    kept: ArrayLike | None = None,
    shown: int = 24,
    title: str = "",
) -> Figure:
    """Draw a next-token distribution: bars after the knobs, a line before them, cut tokens grey and hatched.

    The most probable tokens get a bar each, in falling order of `before`; all others share the last bar. When that
    bar dwarfs the rest it is cut off at the top of the picture and its mass is written on it.

    Args:
        tokens: V strings.
        after: (V,) probabilities that a decoder samples from.
        before: (V,) probabilities with no knob turned; None draws no line.
        kept: (V,) True = not cut; None means every token with a positive probability in `after`.
        shown: most bars to draw before the bar of all others.
        title: a line above the picture.

    Returns:
        A matplotlib figure that pyplot doesn't know of, so that it is never displayed twice.

    Raises:
        ValueError: tokens is empty, the arguments have different lengths, a probability is NaN or infinite, or
            shown < 1.
    """
    if len(tokens) == 0:
        raise ValueError("tokens is empty: give the text of each token")
    probs = numbers("after", after)  # (V,)
    reference = probs if before is None else numbers("before", before)  # (V,)
    keep = probs > 0 if kept is None else numbers("kept", kept).astype(bool)  # (V,)
    for name, row in (("after", probs), ("before", reference), ("kept", keep)):
        if row.shape != (len(tokens),):
            raise ValueError(f"{name} must hold one number per token, ({len(tokens)},), got shape {row.shape}")
        if not np.isfinite(row).all():
            i = int(np.argmin(np.isfinite(row)))
            raise ValueError(f"{name} must hold finite numbers, got {row[i]} for token {i}, {tokens[i]!r}")
    if shown < 1:
        raise ValueError(f"shown must be at least 1, got {shown}")
    order = np.argsort(-reference, kind="stable")
    n = len(order) if len(order) <= shown + 1 else shown  # a rest of one token gets its own name
    top, rest = order[:n], order[n:]
    ceiling = axis_ceiling(max(probs[top].max(), reference[top].max()))

    with matplotlib.rc_context(STYLE):
        figure = Figure(layout="constrained")
        axes = figure.add_subplot()
        x = np.arange(n)
        cut = ~keep[top]
        axes.bar(x, probs[top], color=PALETTE["blue"], width=0.75)
        axes.bar(x[cut], reference[top][cut], facecolor="#E8E8E8", edgecolor=GREY, hatch="///", width=0.75)
        for i in x[probs[top] >= 0.015]:
            height, marker = probs[top[i]], reference[top[i]]
            above = marker if height < marker < height + 0.09 * ceiling else height  # clear of a marker just over it
            label = axes.annotate(
                short(height), (i, above), (0, 6), textcoords="offset points", ha="center", fontsize=13
            )
            label.set_path_effects([withStroke(linewidth=4, foreground="white")])  # the line passes behind it
        names = [drawable(clip(visible(tokens[i]))) for i in top]
        if len(rest):
            place = n + 1  # a gap sets the bar of all others apart
            mass, mass_before = probs[rest].sum(), reference[rest].sum()
            _rest_bar(axes, place, mass, ceiling)
            if before is not None:
                _rest_mark(axes, place, mass_before, ceiling, written=short(mass_before) != short(mass))
            x, names = np.append(x, place), [*names, f"the other\n{len(rest):,}"]
        if before is not None:
            axes.plot(np.arange(n), reference[top], color=PALETTE["vermillion"], marker="o")
            _legend(figure, bool(cut.any()), len(rest) > 0 and probs[rest].sum() >= 0.005)
        axes.set_xticks(x, labels=names, rotation=50, ha="right", rotation_mode="anchor", parse_math=False)
        for tick_label, grey in zip(axes.get_xticklabels(), cut, strict=False):
            tick_label.set_color(GREY if grey else "black")
            if len(tick_label.get_text()) == 1:  # a sign such as ⏎ is read upright
                tick_label.set(rotation=0, ha="center")
        axes.set(ylim=(0, ceiling * 1.08), ylabel="probability")
        axes.grid(axis="x", visible=False)
        if title:
            axes.set_title(title, loc="left", parse_math=False)
    return figure


def axis_ceiling(largest: float) -> float:
    """Top of a probability axis for a largest value: a round number, so that it seldom moves."""
    return next((top for top in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8) if largest <= top), 1.0)


def _rest_bar(axes: Axes, place: float, mass: float, ceiling: float) -> None:
    height = min(mass, ceiling * 1.02)
    axes.bar(place, height, color=PALETTE["green"], width=1.2)
    if mass > height:  # torn at the top: the bar goes on
        xs = np.linspace(place - 0.7, place + 0.7, 9)
        axes.plot(xs, height * 0.93 + ceiling * 0.015 * (-1) ** np.arange(9), color="white", linewidth=4)
    high = height > 0.8 * ceiling
    axes.annotate(
        short(mass),
        (place, height * 0.8 if high else height),
        (0, 0 if high else 4),
        textcoords="offset points",
        ha="center",
        color="white" if high else "black",
        fontweight="bold",
    )


def _rest_mark(axes: Axes, place: float, mass: float, ceiling: float, written: bool) -> None:
    above = mass > ceiling * 1.02
    axes.plot(place, min(mass, ceiling * 1.02), color=PALETTE["vermillion"], marker="^" if above else "o")
    if not written:  # the bar says the same number
        return
    axes.annotate(
        short(mass),
        (place, min(mass, ceiling * 1.02)),
        (14, 0),
        textcoords="offset points",
        va="center",
        color=PALETTE["vermillion"],
        annotation_clip=False,
    )


def _legend(figure: Figure, cut: bool, rest: bool) -> None:
    handles: list[Patch | Line2D] = [
        Patch(facecolor=PALETTE["blue"], label="after"),
        Line2D([], [], color=PALETTE["vermillion"], marker="o", label="before"),
    ]
    if cut:
        handles += [Patch(facecolor="#E8E8E8", edgecolor=GREY, hatch="///", label="cut")]
    if rest:
        handles += [Patch(facecolor=PALETTE["green"], label="all others, after")]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))
