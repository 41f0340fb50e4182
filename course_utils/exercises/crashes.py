"""What a crash of a student's function means: the line where it happened, and its usual cause."""

import inspect
import linecache
import re
import traceback
from collections.abc import Callable
from types import CodeType
from typing import Any

from course_utils.exercises.answers import Raised, show

CAUSES = (  # a pattern of the error as it is shown, and the cause: the first that fits counts
    ("^UnboundLocalError", "the function assigns to this name, but hasn't done so yet on this line."),
    ("^NameError", "nothing has this name: is it misspelled, is an import missing, or has its cell not run?"),
    ("^ZeroDivisionError", "the divisor is 0 on this input. Treat that case before you divide."),
    ("^IndexError: .*Dimension", "the tensor has fewer dimensions: n of them are 0 to n - 1, or -1 for the last."),
    ("^IndexError: .*too many indices", "there are more indices than dimensions: print the shape."),
    ("^IndexError: .*(long|integer)", "only whole numbers or booleans can be indices: .long() converts."),
    ("^IndexError: pop from empty", "nothing is left to take: ask whether it is empty first."),
    ("^IndexError", "the index is beyond the end: n elements have the indices 0 to n - 1."),
    ("^KeyError", "the dict has no such key. Ask with `in` first, or take .get(key, default)."),
    ("^RecursionError", "the function calls itself without end: the case that stops it is missing or never met."),
    ("unhashable", "lists and dicts can't be in a set or be keys of a dict: make a tuple of a list."),
    ("Error: .*NoneType", "a value is None: a function without `return` gives None, and so does list.sort()."),
    ("^TypeError: .*(be Tensor, not|ndarray|'Tensor')", "torch, NumPy or lists are mixed: torch.tensor(...) converts."),
    ("^AttributeError: .*(ndarray|'Tensor'|'list')", "tensors, arrays and lists have different methods: which is it?"),
    ("^TypeError: .*(positional|keyword) arg", "this line passes other arguments than the function takes."),
    ("^RuntimeError: .*(be multiplied|batch2)", "in a @ b the last dimension of a must be the last but one of b."),
    ("^RuntimeError: .*(for input of size)", "the new shape must hold as many numbers as the old one."),
    (r"^(Runtime|Value)Error: .*(sizes?\b|shape)", "the shapes don't fit: compare them from the last dimension on."),
    ("^RuntimeError: .*out of range", "more elements are asked for than there are."),
    ("^RuntimeError: .*(dtype|scalar type|be cast)", "the tensors hold different kinds of numbers: .float() converts."),
)


def explain(error: BaseException, function: Callable[..., Any], signature: str) -> list[str]:
    """Return the lines of a message on a crash of `function`, which was called as `signature`.

    The line shown is the student's own: the last one in `function`, not where a library gave up.
    """
    if isinstance(error, TypeError) and (error.__traceback__ is None or error.__traceback__.tb_next is None):
        return [f"  cause:    the check calls {signature}. Give your function these parameters, in this order."]
    lines = []
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is not None:
        own = (code, *(const for const in code.co_consts if isinstance(const, CodeType)))  # its comprehensions too
        numbers = [number for frame, number in traceback.walk_tb(error.__traceback__) if frame.f_code in own]
        if numbers:
            label = f"line {numbers[-1] - code.co_firstlineno + 1}:"
            source = linecache.getline(code.co_filename, numbers[-1]).strip()
            lines.append(f"  {label:<9} {source}".rstrip())
            if source.startswith("raise "):
                return lines  # the student's own error: its words say what is wrong
    shown = show(Raised(error))
    causes = (f"  cause:    {cause}" for pattern, cause in CAUSES if re.search(pattern, shown))
    return [*lines, *list(causes)[:1]]
