"""Tokens as labels, and numbers as arrays: what every figure needs before it can draw."""

import numpy as np
from matplotlib.font_manager import FontProperties, findfont, get_font
from numpy.typing import ArrayLike

from course_utils.plots.style import STYLE

_MARKS = {" ": "␣", "\n": "⏎", "\r": "␍", "\t": "⇥"}


def visible(token: str) -> str:
    """Write a token so that every character of it can be seen: a space as ␣, a newline as ⏎.

    Args:
        token: any string.

    Returns:
        The label; “(empty)” for the empty string, U+XXXX for a character that has no shape.
    """
    shapes = (_MARKS.get(c) or (c if c.isprintable() else f"U+{ord(c):04X}") for c in token)
    return "".join(shapes) or "(empty)"


def clip(label: str, longest: int = 12) -> str:
    """Cut a long label short, with an ellipsis for what is gone."""
    return label if len(label) <= longest else label[: longest - 1] + "…"


def drawable(label: str, family: str = STYLE["font.family"]) -> str:
    """Put a box where the figure's font has no shape for a character; matplotlib would warn on stderr."""
    font = get_font(findfont(FontProperties(family=family)))
    return "".join(c if font.get_char_index(ord(c)) else "□" for c in label)


def numbers(name: str, values: ArrayLike) -> np.ndarray:
    """Numbers, or a PyTorch tensor of any dtype on any device, as a float64 array.

    Raises:
        ValueError: values, which the caller knows by this name, hold something else.
    """
    try:
        if hasattr(values, "detach"):
            values = values.detach().cpu().double()  # NumPy has no bfloat16
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} must hold numbers, got a {type(values).__name__}: {error}") from None


def short(p: float) -> str:
    """A probability as on the lecture's slides: .33"""
    if p >= 0.995:
        return "1.0"
    return "0" if p == 0 else "<.01" if p < 0.005 else f"{p:.2f}".lstrip("0")
