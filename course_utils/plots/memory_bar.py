"""What a model needs of a card's memory, as one bar in pieces."""

from collections.abc import Mapping

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


def memory_bar(items: Mapping[str, int], card: float, title: str = "") -> Figure:
    """Draw a budget of memory as one bar, against the line of a card.

    Args:
        items: bytes of each item, as a `memory.Budget` has them; the names are those of `PIECES`.
        card: gigabytes of the card, of 10^9 bytes.
        title: a line or two above the picture.

    Returns:
        A matplotlib figure that pyplot doesn't know of, so that it is never displayed twice.

    Raises:
        ValueError: an item of another name.
    """
    if unknown := set(items) - set(PIECES):
        raise ValueError(f"items holds {sorted(unknown)[0]!r}: choose among {', '.join(PIECES)}")
    with matplotlib.rc_context(STYLE | {"hatch.linewidth": 1.0}):
        figure = Figure(figsize=(11, 3.7), layout="constrained")
        axes = figure.add_subplot()
        start = 0.0
        for name, size in items.items():
            colour, hatch = PIECES[name]
            label = f"{name}: {size / 1e9:,.2f} GB"
            axes.barh(
                0, size / 1e9, 0.6, start, label=label, color=colour, hatch=hatch, edgecolor="black", linewidth=0.6
            )
            start += size / 1e9
        axes.axvline(card, color="black")
        end = 1.08 * max(start, card)
        side = "left" if card < end / 10 else "center"  # its words keep clear of the edge
        axes.annotate(f"card: {card:,g} GB", (card, 1), (0, 4), ("data", "axes fraction"), "offset points", ha=side)
        axes.set(xlim=(0, end), xlabel="gigabytes", yticks=[])
        axes.grid(axis="y", visible=False)
        if title:
            axes.set_title(title, loc="left", parse_math=False, pad=26)
        figure.legend(loc="outside lower center", ncols=3, handlelength=1.6, columnspacing=1.2)
    return figure
