"""Refuse an argument that makes no sense, by an error that names it and the value that came."""

import operator
import reprlib
from typing import SupportsFloat, SupportsIndex


def whole_number(name: str, value: SupportsIndex, least: int | None = None, most: int | None = None) -> int:
    """Return a whole number as a Python int: NumPy's and PyTorch's are whole numbers too; 2.0, "2" and True aren't.

    Args:
        name: of the argument, for the error.
        value: what the caller was given.
        least, most: the smallest and the largest number allowed; None sets no bound.

    Raises:
        ValueError: value is no whole number, or out of bounds.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be a whole number, got {value!r}") from None
    if least is not None and number < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    if most is not None and number > most:
        raise ValueError(f"{name} must be at most {most}, got {value}")
    return number


def number(name: str, value: SupportsFloat) -> float:
    """Return a number as a Python float: every library's numbers will do, the text "2" won't.

    Raises:
        ValueError: value is no number, or too large for a float.
    """
    try:
        if isinstance(value, str):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be a number, got {value!r}") from None


def no_tensor(name: str, value: object) -> ValueError:
    """Return the error to raise for a value that had to be a tensor and isn't; no torch is needed to say so."""
    return ValueError(
        f"{name} must be a tensor, got a {type(value).__name__}, {reprlib.repr(value)}: make one by torch.tensor(...)"
    )
