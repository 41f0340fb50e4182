"""A next-word distribution of an n-gram model as bars in layers, one for each order that adds to a word."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.plots.labels import clip, drawable, numbers, short, visible
from course_utils.plots.next_token import _rest_bar, axis_ceiling
from course_utils.plots.style import PALETTE, STYLE

# Of the uniform distribution, then of orders 1, 2, ...: a colour and a hatching, so that no layer needs its colour.
LAYERS = [
    *(("white", ""), (PALETTE["purple"], ".."), (PALETTE["orange"], "--")),
    *((PALETTE["sky"], "//"), (PALETTE["blue"], ""), (PALETTE["vermillion"], "++")),
]


def next_word_bars(words: Sequence[str], shares: ArrayLike, shown: int = 20, title: str = "") -> Figure:
    """Draw the most probable next words, each bar in layers: what each order of an n-gram model adds to it.

    Args:
        words: V strings.
        shares: (1 + N, V), what the uniform distribution and orders 1 to N <= 5 add to each word's probability.
        shown: most bars to draw before the bar of all others.
        title: a line above the picture.

    Returns:
        A matplotlib figure that pyplot doesn't know of, so that it is never displayed twice.

    Raises:
        ValueError: shares is no such table, shown < 1.
    """
    layers = numbers("shares", shares)  # (1 + N, V)
    if layers.ndim != 2 or layers.shape[1] != len(words) or not 1 <= len(layers) <= len(LAYERS):
        raise ValueError(
            f"shares must have a row for the uniform distribution and for each order up to {len(LAYERS) - 1}, with "
            f"{len(words)} numbers, got shape {layers.shape}"
        )
    if shown < 1:
        raise ValueError(f"shown must be at least 1, got {shown}")
    probs = layers.sum(axis=0)  # (V,)
    order = np.argsort(-probs, kind="stable")
    top = order[:shown][probs[order[:shown]] > 0]
    rest = order[len(top) :]
    ceiling = axis_ceiling(probs.max())
    with matplotlib.rc_context(STYLE | {"hatch.linewidth": 1.0}):
        figure = Figure(layout="constrained")
        axes = figure.add_subplot()
        x = np.arange(len(top))
        height = np.zeros(len(top))
        for n in reversed(range(len(layers))):
            colour, hatch = LAYERS[n]
            name = f"{f'order {n}' if n else 'uniform'}: {layers[n].sum():.0%}"
            axes.bar(
                x, layers[n][top], 0.75, height, label=name, color=colour, hatch=hatch, edgecolor="black", linewidth=0.6
            )
            height = height + layers[n][top]
        for i in x[height >= 0.015]:
            axes.annotate(short(height[i]), (i, height[i]), (0, 6), textcoords="offset points", ha="center")
        names = [drawable(clip(visible(words[i]))) for i in top]
        if len(rest) and len(top):
            place = len(top) + 1  # a gap sets the bar of all others apart
            _rest_bar(axes, place, probs[rest].sum(), ceiling)
            x, names = np.append(x, place), [*names, f"the other\n{len(rest):,}"]
        axes.set_xticks(x, labels=names, rotation=50, ha="right", rotation_mode="anchor", parse_math=False)
        axes.set(ylim=(0, ceiling * 1.08), ylabel="probability")
        axes.grid(axis="x", visible=False)
        if title:
            axes.set_title(title, loc="left", parse_math=False)
        figure.legend(loc="outside upper right", ncols=len(layers), handlelength=1.6, columnspacing=1.2)
    return figure
