"""Stacked bars: what a sum is made of, row by row, against lines that it must not cross."""

from collections.abc import Mapping

import matplotlib
from matplotlib.figure import Figure

from course_utils.plots.style import PALETTE, STYLE

LOOKS = (("blue", ""), ("vermillion", "//"), ("green", "xx"), ("orange", ".."), ("sky", "--"), ("purple", "oo"))
HEIGHT = 0.62  # inches of a row
PER_LINE = 4  # items of the legend
CLEAR = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}  # no line goes through digits


def stacked_bars(
    rows: Mapping[str, Mapping[str, float]], label: str, limits: Mapping[str, float] | None = None
) -> Figure:
    """Draw a bar for each row, its items one behind another, each with a colour and a pattern, and the sum in digits.

    Args:
        rows: what a bar is -> item -> size; an item looks the same in every row.
        label: of the axis, with its unit.
        limits: what a line stands for -> where it is.

    Returns:
        A matplotlib figure that pyplot doesn't know of.

    Raises:
        ValueError: no rows, or more kinds of items than can be told apart.
    """
    items = list(dict.fromkeys(item for row in rows.values() for item in row))
    if not rows or len(items) > len(LOOKS):
        raise ValueError(f"rows must hold at least one row and {len(LOOKS)} items at most, got {len(rows)} of {items}")
    limits = limits or {}
    names, totals = list(rows), [sum(row.values()) for row in rows.values()]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11.5, 1.9 + HEIGHT * len(rows)), layout="constrained")
        axes = figure.subplots()
        left = [0.0] * len(rows)
        for item, (colour, hatch) in zip(items, LOOKS, strict=False):
            sizes = [row.get(item, 0.0) for row in rows.values()]
            axes.barh(names, sizes, 0.6, left, color=PALETTE[colour], hatch=hatch, edgecolor="white", label=item)
            left = [start + size for start, size in zip(left, sizes, strict=True)]
        for place, total in enumerate(totals):
            axes.annotate(f"{total:.1f}", (total, place), (8, 0), textcoords="offset points", va="center", bbox=CLEAR)
        for name, limit in limits.items():
            axes.axvline(limit, color="black", linestyle="--", linewidth=1.2)
            axes.annotate(name, (limit, -0.75), (4, 0), textcoords="offset points", va="center")
        axes.set(xlabel=label, xlim=(0, 1.12 * max([*totals, *limits.values()])), ylim=(len(rows) - 0.4, -1.1))
        figure.legend(loc="outside upper center", ncols=len(items) if len(items) <= PER_LINE else PER_LINE - 1)
    return figure
