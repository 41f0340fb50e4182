"""A figure on the page: its picture, its alternative text, its caption."""

import base64
import html
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


def figure_html(fig: Figure, caption: str, alt: str) -> str:
    """Write a figure as HTML that keeps its alternative text wherever a notebook is read.

    JupyterLab and nbconvert drop the `alt` that a display of `image/png` brings along; an `<img>` keeps its own, also
    in a notebook that JupyterLab does not trust. It is never wider than the page. LaTeX in the caption is typeset.

    Args:
        fig: a matplotlib figure.
        caption: what to see in it, one or two sentences.
        alt: what the picture shows, for a reader who can't see it.

    Returns:
        One `<figure>` with an `<img>` that holds the picture itself, and a `<figcaption>`.

    Raises:
        ValueError: caption or alt is empty.
    """
    for name, text in (("caption", caption), ("alt", alt)):
        if not text.strip():
            raise ValueError(f"{name} must say something about the figure, got {text!r}")
    picture = base64.b64encode(png(fig)).decode()
    return (
        '<figure style="margin:0">'
        f'<img src="data:image/png;base64,{picture}" alt="{html.escape(alt)}" style="max-width:100%">'
        f"<figcaption>{html.escape(caption, quote=False)}</figcaption></figure>"
    )


def show(fig: Figure, caption: str, alt: str) -> None:
    """Display a figure with its alternative text and, below it, its caption; close the figure.

    Beside the HTML, the output holds `alt` and `caption` as text: the same on every machine.

    Args, Raises: as `figure_html`.
    """
    display({"text/html": figure_html(fig, caption, alt), "text/plain": f"{alt}\n{caption}"}, raw=True)
    _close(fig)


def _close(fig: Figure) -> None:
    if getattr(fig, "number", None) is not None:  # only a pyplot figure has a number, and only those need closing
        from matplotlib import pyplot

        pyplot.close(fig)
