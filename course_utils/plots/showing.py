"""A figure on the page: its picture, its alternative text, its caption."""

import base64
import io

from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image


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
