"""Answers of a student's function: are two the same, of what kind is one, how is it shown.

An answer can be any object, also one that raises an error when it is looked at: nothing here lets such an error out.
"""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor

TOLERANCE = 1e-5  # numbers closer than this count as equal
LONGEST_SHOWN = 400  # characters of one input or answer in a message
PROBLEMS = (Exception, SystemExit)  # what code of a student may raise; KeyboardInterrupt is the reader's own


@dataclass(frozen=True)
class Raised:
    """The outcome of a call that raised an error instead of returning a value."""

    error: BaseException


def same(got: Any, expected: Any) -> bool:
    """Say whether two answers are of one kind and equal up to rounding; two errors are if the class fits."""
    try:
        return _same(got, expected)
    except PROBLEMS:  # what can't be compared with the expected answer isn't the expected answer
        return False


def kind(value: Any) -> str:
    """Say what a value is, in words that are the same for values a check may compare."""
    try:
        return _kind(_plain(value))
    except PROBLEMS:
        return f"a {type(value).__name__}"


def wrong_kind(got: Any, expected: Any) -> str | None:
    """Say in a sentence what in an answer is of another kind than in the expected one, None if nothing is."""
    try:
        return _wrong_kind(got, expected, "")
    except PROBLEMS:  # what can't be looked into is of its own kind at most
        return None


def show(value: Any, digits: int = 4) -> str:
    """Write a value short, numbers to so many digits."""
    try:
        text = _show(value, digits)
    except PROBLEMS:
        text = f"<{kind(value.error if isinstance(value, Raised) else value)} that can't be shown>"
    text = text.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair can't be printed
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + " ..."


def _same(got: Any, expected: Any) -> bool:
    if isinstance(got, Raised) or isinstance(expected, Raised):
        both = isinstance(got, Raised) and isinstance(expected, Raised)
        return both and isinstance(got.error, type(expected.error))
    got, expected = _plain(got), _plain(expected)
    if kind(expected) == "a float" and kind(got) == "an int":
        got = float(got)
    if kind(got) != kind(expected):
        return False
    if isinstance(expected, Tensor):
        got, expected = got.detach().cpu().double(), expected.detach().cpu().double()
        return torch.allclose(got, expected, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    if isinstance(expected, float):
        both_nan = math.isnan(got) and math.isnan(expected)
        return both_nan or math.isclose(got, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    if isinstance(expected, dict):
        return got.keys() == expected.keys() and all(_same(got[key], expected[key]) for key in expected)
    if isinstance(expected, list | tuple):
        return len(got) == len(expected) and all(map(_same, got, expected))
    return bool(got == expected)


def _wrong_kind(got: Any, expected: Any, place: str) -> str | None:
    got, expected = _plain(got), _plain(expected)
    found, wanted = kind(got), kind(expected)
    if isinstance(expected, Raised) or (found, wanted) == ("an int", "a float"):
        return None
    if found != wanted:
        beginning = f"{place} is" if place else "your function returned"
        return f"{beginning} {found}, not {wanted}{_remedy(got, expected)}."
    inner: list[tuple[Any, Any, str]] = []  # a value, what it should be like, and its place
    if isinstance(expected, dict) and expected:
        odd = (key for key in got if kind(key) not in map(kind, expected))
        inner += [(key, next(iter(expected)), f"the key {key!r}") for key in odd]
        inner += [(got[key], expected[key], f"the value at {key!r}") for key in expected if key in got]
    elif isinstance(expected, list | tuple):
        inner += [(*both, f"element {i}") for i, both in enumerate(zip(got, expected, strict=False))]
    sentences = (_wrong_kind(a, b, f"{where} of {place}" if place else where) for a, b, where in inner)
    return next(filter(None, sentences), None)


def _remedy(got: Any, expected: Any) -> str:
    """The end of the sentence on a wrong kind, where one call makes the right kind of the wrong one."""
    if isinstance(expected, Tensor) and isinstance(got, np.ndarray | (list if expected.dim() else int | float)):
        return ": torch.tensor(...) makes one"
    if isinstance(expected, list) and isinstance(got, Tensor | np.ndarray):
        return ": .tolist() makes one"
    if isinstance(expected, list) and isinstance(got, tuple):
        return ": list(...) makes one"
    if isinstance(expected, tuple) and isinstance(got, list | np.ndarray):
        return ": tuple(...) makes one"
    if isinstance(expected, int | float) and isinstance(got, Tensor | np.ndarray):
        return ": .item() makes one of a single number"
    if isinstance(expected, float) and isinstance(got, Fraction | Decimal):
        return ": float(...) makes one"
    return ""


def _plain(value: Any) -> Any:
    """A number or string of NumPy as Python's own; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{_with_article(_tensor_word(value))} tensor of shape {tuple(value.shape)}"
    for base in (bool, int, float, dict, list):  # a bool is an int, a Counter is a dict
        if isinstance(value, base):
            return _with_article(base.__name__)
    module = type(value).__module__
    return f"a {type(value).__name__}" if module == "builtins" else f"a {module}.{type(value).__name__}"


def _tensor_word(value: Tensor) -> str:
    if value.is_meta:
        return "meta"  # it has a shape and no numbers
    number = "bool" if value.dtype == torch.bool else "int"
    if value.is_floating_point() or value.is_complex():
        number = "complex" if value.is_complex() else "float"
    return number if value.layout == torch.strided else f"sparse {number}"


def _with_article(word: str) -> str:
    return f"an {word}" if word == "int" else f"a {word}"


def _show(value: Any, digits: int) -> str:
    value = _plain(value)
    if isinstance(value, Raised):
        text = re.sub(r"(?<![\w.])(/[\w.+-]+)+/(?=[\w.])", "", str(value.error))  # of a path, the file's name is enough
        return f"{type(value.error).__name__}: {' '.join(text.split())}".removesuffix(": ")
    if isinstance(value, Tensor):
        return _show(value.tolist(), digits)
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_show(item, digits)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_show(item, digits) for item in value) + "]"
    if type(value) is tuple:
        items = [_show(item, digits) for item in value]
        return f"({', '.join(items)}{',' * (len(items) == 1)})"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))  # an address differs from run to run
