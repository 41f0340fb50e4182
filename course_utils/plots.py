"""Figures of the course: one palette, one style, and captions that also reach a reader who can't see the picture.

Nothing here computes a result: numbers come in, a matplotlib figure goes out.
"""

import base64
import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Patch, Rectangle
from PIL import Image

# Okabe and Ito (2008), "Color Universal Design": eight colours that stay apart for every kind of colour vision.
PALETTE = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
}
GREY = "#8C8C8C"  # what is cut, or stands back

# Sizes for a projector. In a notebook: plt.rcParams.update(plots.STYLE).
STYLE = {
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelsize": 16,
    "axes.prop_cycle": matplotlib.cycler(
        color=[PALETTE[name] for name in ("blue", "vermillion", "green", "orange", "purple", "sky", "black")]
    ),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 17,
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "figure.figsize": (11, 4.8),
    "font.family": "DejaVu Sans",
    "font.size": 15,
    "grid.alpha": 0.3,
    "legend.fontsize": 15,
    "legend.frameon": False,
    "lines.linewidth": 2.5,
    "lines.markersize": 7,
    "savefig.facecolor": "white",
    "xtick.labelsize": 15,
    "ytick.labelsize": 15,
}

_MARKS = {" ": "␣", "\n": "⏎", "\r": "␍", "\t": "⇥"}


def visible(token: str) -> str:
    """Write a token so that every character of it can be seen: a space as ␣, a newline as ⏎.

    Args:
        token: any string.

    Returns:
        The label; «(empty)» for the empty string, U+XXXX for a character that has no shape.
    """
    shapes = (_MARKS.get(c) or (c if c.isprintable() else f"U+{ord(c):04X}") for c in token)
    return "".join(shapes) or "(empty)"


def next_token_bars(
    tokens: Sequence[str],
    after: Sequence[float],
    before: Sequence[float] | None = None,
    kept: Sequence[bool] | None = None,
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
    after = _numbers("after", after)  # (V,)
    reference = after if before is None else _numbers("before", before)  # (V,)
    keep = after > 0 if kept is None else _numbers("kept", kept).astype(bool)  # (V,)
    for name, row in (("after", after), ("before", reference), ("kept", keep)):
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
    ceiling = axis_ceiling(max(after[top].max(), reference[top].max()))

    with matplotlib.rc_context(STYLE):
        figure = Figure(layout="constrained")
        axes = figure.add_subplot()
        x = np.arange(n)
        cut = ~keep[top]
        axes.bar(x, after[top], color=PALETTE["blue"], width=0.75)
        axes.bar(x[cut], reference[top][cut], facecolor="#E8E8E8", edgecolor=GREY, hatch="///", width=0.75)
        for i in x[after[top] >= 0.015]:
            height, marker = after[top[i]], reference[top[i]]
            above = marker if height < marker < height + 0.09 * ceiling else height  # clear of a marker just over it
            axes.annotate(_short(height), (i, above), (0, 6), textcoords="offset points", ha="center")
        names = [_drawable(_clip(visible(tokens[i]))) for i in top]
        if len(rest):
            place = n + 1  # a gap sets the bar of all others apart
            _rest_bar(axes, place, after[rest].sum(), ceiling)
            if before is not None:
                _rest_mark(axes, place, reference[rest].sum(), ceiling)
            x, names = np.append(x, place), [*names, f"the other\n{len(rest):,}"]
        if before is not None:
            axes.plot(np.arange(n), reference[top], color=PALETTE["vermillion"], marker="o")
        if before is not None:
            _legend(figure, cut.any(), bool(len(rest)))
        axes.set_xticks(x, labels=names, rotation=50, ha="right", rotation_mode="anchor", parse_math=False)
        for label, grey in zip(axes.get_xticklabels(), cut, strict=False):
            label.set_color(GREY if grey else "black")
        axes.set(ylim=(0, ceiling * 1.08), ylabel="probability")
        axes.grid(axis="x", visible=False)
        if title:
            axes.set_title(title, loc="left", parse_math=False)
    return figure


def attention_map(weights: Sequence, tokens: Sequence[str], titles: Sequence[str] = ()) -> Figure:
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
    maps = _numbers("weights", weights)  # (N, T, T)
    n, t = len(maps), len(tokens)
    if n == 0 or maps.shape != (n, t, t):
        raise ValueError(f"weights must be (N, {t}, {t}) for {t} tokens, got shape {maps.shape}")
    if len(titles) not in (0, n):
        raise ValueError(f"titles must hold one title per head, {n}, or none, got {len(titles)}")
    names = [_drawable(_clip(visible(token))) for token in tokens]
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
                    axes.text(j, i, _short(weight), ha="center", va="center", color=colour)
        figure.colorbar(image, ax=figure.axes, label="attention weight", shrink=0.8)
    return figure


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
        x = margin
        for j, token in enumerate(tokens):
            label = _drawable(_clip(visible(token), 20), font)
            if x + len(label) + gap > width and x > margin:
                x, line = margin, line + 1
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


def _numbers(name: str, values: Sequence) -> np.ndarray:
    """Numbers, or a PyTorch tensor of any dtype on any device, as a float64 array."""
    try:
        if hasattr(values, "detach"):
            values = values.detach().cpu().double()  # NumPy has no bfloat16
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} must hold numbers, got a {type(values).__name__}: {error}") from None


def axis_ceiling(largest: float) -> float:
    """Top of a probability axis for a largest value: a round number, so that it seldom moves."""
    return next((top for top in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8) if largest <= top), 1.0)


def png(figure: Figure) -> bytes:
    """Render a figure as PNG of at most 128 colours: small, and the same bytes every time on one machine."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(small, format="PNG", optimize=True)
    return small.getvalue()


def show(fig: Figure, caption: str, alt: str) -> None:
    """Display a figure with its alternative text, then the caption below it, and close the figure.

    The text outputs are `alt` and `caption` alone: the same on every machine.

    Args:
        fig: a matplotlib figure.
        caption: what to see in it, one or two sentences.
        alt: what the picture shows, for a reader who can't see it.

    Raises:
        ValueError: caption or alt is empty.
    """
    for name, text in (("caption", caption), ("alt", alt)):
        if not text.strip():
            raise ValueError(f"{name} must say something about the figure, got {text!r}")
    data = {"image/png": base64.b64encode(png(fig)).decode(), "text/plain": alt}
    display(data, raw=True, metadata={"image/png": {"alt": alt}})
    print(caption)
    _close(fig)


def _close(fig: Figure) -> None:
    if getattr(fig, "number", None) is not None:  # only a pyplot figure has a number, and only those need closing
        from matplotlib import pyplot

        pyplot.close(fig)


def _rest_bar(axes, place: float, mass: float, ceiling: float) -> None:
    height = min(mass, ceiling * 1.02)
    axes.bar(place, height, color=PALETTE["green"], width=1.2)
    if mass > height:  # torn at the top: the bar goes on
        xs = np.linspace(place - 0.7, place + 0.7, 9)
        axes.plot(xs, height * 0.93 + ceiling * 0.015 * (-1) ** np.arange(9), color="white", linewidth=4)
    high = height > 0.8 * ceiling
    axes.annotate(
        _short(mass),
        (place, height * 0.8 if high else height),
        (0, 0 if high else 4),
        textcoords="offset points",
        ha="center",
        color="white" if high else "black",
        fontweight="bold",
    )


def _rest_mark(axes, place: float, mass: float, ceiling: float) -> None:
    above = mass > ceiling * 1.02
    axes.plot(place, min(mass, ceiling * 1.02), color=PALETTE["vermillion"], marker="^" if above else "o")
    axes.annotate(
        _short(mass),
        (place, min(mass, ceiling * 1.02)),
        (14, 0),
        textcoords="offset points",
        va="center",
        color=PALETTE["vermillion"],
        annotation_clip=False,
    )


def _legend(figure, cut: bool, rest: bool) -> None:
    handles = [
        Patch(facecolor=PALETTE["blue"], label="after"),
        matplotlib.lines.Line2D([], [], color=PALETTE["vermillion"], marker="o", label="before"),
    ]
    if cut:
        handles += [Patch(facecolor="#E8E8E8", edgecolor=GREY, hatch="///", label="cut")]
    if rest:
        handles += [Patch(facecolor=PALETTE["green"], label="all others, after")]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))


def _short(p: float) -> str:
    """A probability as on the lecture's slides: .33"""
    if p >= 0.995:
        return "1.0"
    return "0" if p == 0 else "<.01" if p < 0.005 else f"{p:.2f}".lstrip("0")


def _clip(label: str, longest: int = 12) -> str:
    return label if len(label) <= longest else label[: longest - 1] + "…"


def _drawable(label: str, family: str = STYLE["font.family"]) -> str:
    """Put a box where the figure's font has no shape for a character; matplotlib would warn on stderr."""
    font = get_font(findfont(FontProperties(family=family)))
    return "".join(c if font.get_char_index(ord(c)) else "□" for c in label)
