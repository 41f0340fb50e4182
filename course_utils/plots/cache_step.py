"""What one step of generation computes and reads in an attention head, as a picture."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from course_utils.plots.labels import clip, drawable
from course_utils.plots.style import PALETTE, STYLE

# Each state's words, colour and hatching, so that none needs its colour.
STATES: dict[str, tuple[str, dict[str, Any]]] = {
    "computed": ("computed in this step", {"facecolor": PALETTE["blue"]}),
    "again": ("computed again, to the same numbers", {"facecolor": PALETTE["vermillion"], "hatch": "///"}),
    "read": ("read from the cache", {"facecolor": PALETTE["green"], "hatch": ".."}),
    "absent": ("not needed, or not there yet", {"facecolor": "none"}),
}
WIDE, GAP = 4.0, 1.0  # of a strip of numbers, and between two; a row is 1 high


def cache_step(labels: Sequence[str], states: Mapping[str, Sequence], title: str = "") -> Figure:
    """Draw queries, keys, values, the triangle of scores and outputs, each in the colour of what becomes of it.

    Args:
        labels: of T tokens.
        states: "queries", "keys", "values" and "outputs" -> T names of `STATES`; "scores" -> T rows of them, the i-th
            with i + 1.
        title: a line above the picture.

    Returns:
        A matplotlib figure that pyplot doesn't know of, so that it is never displayed twice.

    Raises:
        ValueError: a state of another name.
    """
    t = len(labels)
    seen = {state for name, part in states.items() for row in part for state in (row if name == "scores" else [row])}
    if unknown := seen - set(STATES):
        raise ValueError(f"states holds {min(unknown)!r}: choose among {', '.join(STATES)}")
    with matplotlib.rc_context(STYLE | {"hatch.linewidth": 1.0}):
        figure = Figure(figsize=(11.5, 2.0 + 0.3 * t), layout="constrained")
        axes = figure.add_subplot()
        left, ticks = 0.0, []
        for name in ("queries", "keys", "values", "scores", "outputs"):
            width = max(t, WIDE) if name == "scores" else WIDE
            for i, row in enumerate(states[name]):
                cells = row if name == "scores" else [row]
                size = 1.0 if name == "scores" else WIDE
                for j, state in enumerate(cells):
                    look = {"edgecolor": "black", "linewidth": 0.4 if state == "absent" else 0.9, **STATES[state][1]}
                    axes.add_patch(Rectangle((left + j * size, i + 0.08), size, 0.84, **look))
            ticks.append((left + width / 2, "scores q·k" if name == "scores" else name))
            left += width + GAP
        axes.set(xlim=(-0.2, left - GAP + 0.2), ylim=(t + 0.1, -0.1))
        axes.xaxis.tick_top()
        axes.set_xticks(*zip(*ticks, strict=True))
        names = [f"{drawable(clip(label))}  {i}" for i, label in enumerate(labels, 1)]
        axes.set_yticks([i + 0.5 for i in range(t)], labels=names, parse_math=False)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.grid(visible=False)
        if title:
            axes.set_title(title, loc="left", parse_math=False)
        keys = [Patch(edgecolor="black", label=words, **look) for words, look in STATES.values()]
        figure.legend(handles=keys, loc="outside lower center", ncols=2, handlelength=1.8)
    return figure
