"""What a crash of a student's function means: the line where it happened, and its usual cause."""

import inspect
import linecache
import re
import traceback
from collections.abc import Callable
from types import CodeType
from typing import Any

CAUSES: tuple[tuple[type[BaseException], str, str], ...] = (  # class, pattern in its text, cause; the first counts
    (UnboundLocalError, "", "the function assigns to this name, but hasn't done so yet on this line."),
    (NameError, "", "nothing has this name: is it misspelled, or is an import missing, or has its cell not run?"),
    (ZeroDivisionError, "", "the divisor is 0 on this input. Treat that case before you divide."),
    (IndexError, "", "the index is beyond the end: n elements have the indices 0 to n - 1."),
    (KeyError, "", "the dict has no such key. Ask with `in` first, or take .get(key, default)."),
    (RecursionError, "", "the function calls itself without end: the case that stops it is missing or never met."),
    (TypeError, "unhashable", "lists and dicts can't be in a set or be keys of a dict: make a tuple of a list."),
    (
        TypeError,
        "must be Tensor, not|ndarray|'Tensor'",
        "NumPy, lists and torch are mixed: torch.tensor(...) converts.",
    ),
    (AttributeError, "ndarray|'Tensor'", "NumPy and torch are mixed: their methods differ. Stay with torch."),
    (AttributeError, "'NoneType'", "the value is None: a function without `return` gives None, so does list.sort()."),
    (TypeError, "'NoneType'", "a value is None: a function without `return` gives None, and so does list.sort()."),
    (TypeError, "positional argument|keyword argument", "this line passes other arguments than the function takes."),
    (RuntimeError, r"\bsizes?\b|shape", "the shapes don't fit: print them, and compare from the last dimension on."),
    (ValueError, r"broadcast|shape", "the shapes don't fit: print them, and compare from the last dimension on."),
    (RuntimeError, "out of range", "more elements are asked for than there are."),
    (
        RuntimeError,
        "dtype|scalar type|can't be cast",
        "the tensors hold different kinds of numbers: .float() converts.",
    ),
)


def explain(error: BaseException, function: Callable[..., Any], signature: str) -> list[str]:
    """Return the lines of a message on a crash of `function`, which was called as `signature`.

    The line shown is the student's own: the last one in `function`, not where a library gave up.
    """
    lines = []
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is not None:
        own = (code, *(const for const in code.co_consts if isinstance(const, CodeType)))  # its comprehensions too
        numbers = [number for frame, number in traceback.walk_tb(error.__traceback__) if frame.f_code in own]
        if numbers:
            label = f"line {numbers[-1] - code.co_firstlineno + 1}:"
            lines.append(f"  {label:<9} {linecache.getline(code.co_filename, numbers[-1]).strip()}".rstrip())
    if isinstance(error, TypeError) and (error.__traceback__ is None or error.__traceback__.tb_next is None):
        return [f"  cause:    the check calls {signature}. Give your function these parameters, in this order."]
    text = _text(error)
    for kind, pattern, cause in CAUSES:
        if isinstance(error, kind) and re.search(pattern, text):
            return [*lines, f"  cause:    {cause}"]
    return lines


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an error of a student's own making may be unable to say what it is
        return ""
