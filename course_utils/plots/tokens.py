"""Texts cut into tokens, each on a patch of colour."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.plots.labels import clip, drawable, visible
from course_utils.plots.style import GREY


def token_strip(
    rows: Sequence[Sequence[str]], titles: Sequence[str] = (), marked: Sequence[str | None] = (), width: int = 88
) -> Figure:
    """Draw texts cut into tokens: a box for each token, a row for each text, wrapped where it is too long.

    Args:
        rows: N texts, each the strings of its tokens in order.
        titles: N titles, one to the left of each row; none if empty.
        marked: N tokens, one per row: its boxes are orange, all others grey; None marks none. If empty, boxes take
            turns in three tints.
        width: characters in a line, titles included.

    Returns:
        A matplotlib figure that pyplot doesn't know of.

    Raises:
        ValueError: there is no token; the number of titles or marked tokens doesn't fit; width leaves the tokens fewer
            than 20 characters.
    """
    if not any(rows):
        raise ValueError("rows must hold at least one token")
    for name, values in (("titles", titles), ("marked", marked)):
        if len(values) not in (0, len(rows)):
            raise ValueError(f"{name} must hold one entry per row, {len(rows)}, or none, got {len(values)}")
    margin = max((len(title) + 2 for title in titles), default=0)
    if width - margin < 20:
        raise ValueError(f"width must be at least {margin + 20} beside these titles, got {width}")
    font, size = "DejaVu Sans Mono", 14
    gap = 0.9  # between the letters of two tokens, in characters
    figure = Figure(layout="constrained")
    axes = figure.add_subplot()
    line = 0.0
    for i, tokens in enumerate(rows):
        if titles:
            axes.text(0, -line, titles[i], family=font, size=size, va="center", parse_math=False)
        x = float(margin)
        for j, token in enumerate(tokens):
            label = drawable(clip(visible(token), 20), font)
            if x + len(label) + gap > width and x > margin:
                x, line = float(margin), line + 1
            if marked:
                colour = "#F7C873" if token == marked[i] else "#EDEDED"
            else:
                colour = ("#CFE3F1", "#FBF3C4", "#CDEBDF")[j % 3]
            box = Rectangle((x, -line - 0.36), len(label) + gap * 0.8, 0.72, facecolor=colour, edgecolor=GREY, lw=0.8)
            axes.add_patch(box)
            middle = x + (len(label) + gap * 0.8) / 2
            axes.text(middle, -line, label, family=font, size=size, ha="center", va="center", parse_math=False)
            x += len(label) + gap
        line += 1.25
    advance = 0.602 * size / 72  # inches that a character of this font is wide
    figure.set_size_inches(width * advance, max(line, 1) * 0.36 + 0.1)
    axes.set(xlim=(0, width), ylim=(-line + 0.7, 0.55))
    axes.axis("off")
    return figure
