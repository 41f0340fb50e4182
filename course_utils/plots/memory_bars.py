"""What a model needs of a card's memory, as bars in pieces."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from course_utils.plots.style import PALETTE, STYLE

# A colour and a hatching for each item, so that no piece needs its colour.
PIECES = {
    "weights": (PALETTE["blue"], ""),
    "KV cache": (PALETTE["orange"], "||"),
    "adapters": (PALETTE["yellow"], "--"),
    "gradients": (PALETTE["sky"], "//"),
    "master copy": (PALETTE["purple"], "++"),
    "optimizer states": (PALETTE["vermillion"], "\\\\"),
    "activations": (PALETTE["green"], ".."),
}
ROW = 0.48  # inches of a bar and its gap
VISIBLE = 0.003  # of the axis: what is narrower everywhere has no place in the legend
CLEAR = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}  # no line goes through digits


def memory_bars(budgets: Mapping[str, Mapping[str, float]], cards: Sequence[float] = (), title: str = "") -> Figure:
    """Draw budgets of memory as bars, each with its sum in digits, against the lines of cards.

    Args:
        budgets: what each bar is called -> bytes of each item, as a `memory.Budget` has them; the names of items are
            those of `PIECES`, and they stand in that order.
        cards: gigabytes of each card, of 10^9 bytes.
        title: a line or two above the picture.

    Returns:
        A matplotlib figure that pyplot doesn't know of, so that it is never displayed twice.

    Raises:
        ValueError: no budget, or an item of another name.
    """
    if not budgets:
        raise ValueError("budgets is empty: give one at least")
    if unknown := {item for items in budgets.values() for item in items} - set(PIECES):
        raise ValueError(f"budgets holds {sorted(unknown)[0]!r}: choose among {', '.join(PIECES)}")
    sums = [sum(items.values()) / 1e9 for items in budgets.values()]
    end = 1.14 * max([*sums, *cards])
    with matplotlib.rc_context(STYLE | {"hatch.linewidth": 1.0}):
        figure = Figure(figsize=(11.5, 1.85 + ROW * len(budgets)), layout="constrained")
        axes = figure.add_subplot()
        start = [0.0] * len(budgets)
        for item, (colour, hatch) in PIECES.items():
            sizes = [items.get(item, 0.0) / 1e9 for items in budgets.values()]
            if not any(sizes):
                continue
            look: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": "black", "linewidth": 0.6}
            label = item if max(sizes) > VISIBLE * end else f"_{item}"  # matplotlib leaves out what begins so
            axes.barh(range(len(budgets)), sizes, 0.6, start, label=label, **look)
            start = [before + size for before, size in zip(start, sizes, strict=True)]
        for card in cards:
            axes.axvline(card, color="black", linestyle="--", linewidth=1.2)
            axes.annotate(f"{card:,g} GB", (card, -0.75), (4, 0), textcoords="offset points", va="center")
        for place, size in enumerate(sums):
            axes.annotate(f"{size:,.1f}", (size, place), (8, 0), textcoords="offset points", va="center", bbox=CLEAR)
        axes.set(xlim=(0, end), xlabel="gigabytes", ylim=(len(budgets) - 0.4, -1.1))
        axes.set_yticks(range(len(budgets)), list(budgets))
        axes.grid(axis="y", visible=False)
        if title:
            axes.set_title(title, loc="left", parse_math=False)
        figure.legend(loc="outside lower center", ncols=5, handlelength=1.6, columnspacing=1.2)
    return figure
