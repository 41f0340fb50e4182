"""Attention weights as a picture."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.plots.labels import clip, drawable, numbers, short, visible
from course_utils.plots.style import STYLE


def attention_map(weights: ArrayLike, tokens: Sequence[str], titles: Sequence[str] = ()) -> Figure:
    """Draw where tokens look: one square a head, a row for each token that looks, a column for each token seen.

    Args:
        weights: (N, T, T) attention weights of N heads, each row sums to 1; what is above the diagonal stays white.
        tokens: T strings.
        titles: N titles, one above each square; none if empty.

    Returns:
        A matplotlib figure that pyplot doesn't know of, with the weights written in when there are at most 6 tokens.

    Raises:
        ValueError: the shapes of weights, tokens and titles don't fit.
    """
    maps = numbers("weights", weights)  # (N, T, T)
    n, t = len(maps), len(tokens)
    if n == 0 or maps.shape != (n, t, t):
        raise ValueError(f"weights must be (N, {t}, {t}) for {t} tokens, got shape {maps.shape}")
    if len(titles) not in (0, n):
        raise ValueError(f"titles must hold one title per head, {n}, or none, got {len(titles)}")
    names = [drawable(clip(visible(token))) for token in tokens]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.5 * n + 1, 5.8), layout="constrained")
        for axes, head, title in zip(figure.subplots(1, n, squeeze=False)[0], maps, titles or [""] * n, strict=True):
            future = np.triu(np.ones((t, t), dtype=bool), k=1) & (head == 0)
            image = axes.imshow(np.where(future, np.nan, head), cmap="Blues", vmin=0, vmax=1)
            axes.set_xticks(range(t), labels=names, rotation=50, ha="right", rotation_mode="anchor", parse_math=False)
            axes.set_yticks(range(t), labels=names, parse_math=False)
            axes.set_xticks(np.arange(t - 1) + 0.5, minor=True)
            axes.set_yticks(np.arange(t - 1) + 0.5, minor=True)
            axes.grid(visible=False)
            axes.grid(which="minor")
            axes.tick_params(which="minor", length=0)
            axes.set(xlabel="token seen", ylabel="token that looks")
            axes.set_title(title, loc="left", parse_math=False)
            for (i, j), weight in np.ndenumerate(head if t <= 6 else np.empty((0, 0))):
                if not future[i, j]:
                    colour = "white" if weight > 0.55 else "black"
                    axes.text(j, i, short(weight), ha="center", va="center", color=colour)
        figure.colorbar(image, ax=figure.axes, label="attention weight", shrink=0.8)
    return figure
