"""The core of an exercise: check an answer, give the next hint, show the solution.

A check runs the student's function on small visible inputs, the probes, from fundamental to subtle, and at last on
hidden ones: a table of the visible answers is no answer. The first probe that fails is met with a sentence on what
probably went wrong. It belongs to a known mistake, if one would have given exactly the student's answers so far, else
to the probe.
"""

import inspect
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from course_utils.exercises.answers import PROBLEMS, Raised, same, show, wrong_kind
from course_utils.exercises.crashes import explain


@dataclass(frozen=True)
class Probe:
    """One input that isolates one mechanism: what it tests, the arguments, and what a failure probably means."""

    tests: str
    args: tuple[Any, ...]
    likely: str


def probes(*in_turn: tuple[Any, ...] | str) -> tuple[Probe, ...]:
    """Make probes: in turn an input, (what it tests, first argument, ...), and the sentence for who fails there.

    Raises:
        TypeError: an input or a sentence is missing or out of place.
    """
    pairs = _in_turn("an input and its sentence", in_turn, tuple, str)
    return tuple(Probe(title, tuple(args), likely) for (title, *args), likely in pairs)


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer, and what to tell who gave it."""

    function: Callable[..., Any]
    tells: str


@dataclass(frozen=True)
class Result:
    """What a check found: status is "not attempted", "wrong" or "right"; message is the text that was printed."""

    status: str
    message: str = field(repr=False)

    def _ipython_display_(self) -> None:
        """Show nothing: the check has printed the message."""


@dataclass(eq=False, repr=False)
class Exercise:
    """One exercise of a notebook.

    Args:
        reference: the right answer; its name is the exercise's name, its parameters name the inputs.
        minutes: how long a student needs, about.
        difficulty: from 1, a line that retraces the lecture, to 3.
        shown: one sentence on what a right answer has shown.
        hints: from a nudge to nearly the solution.
        probes: the inputs that a student is shown, from fundamental to subtle.
        hidden: the inputs after them, of which a message shows neither the values nor the right answer.
        package: functions of the package that the reference calls, shown with the solution.

    Raises:
        ValueError: minutes aren't whole and positive, difficulty isn't 1, 2 or 3, or nothing is hidden.
    """

    reference: Callable[..., Any]
    minutes: int
    difficulty: int
    shown: str
    hints: tuple[str, ...]
    probes: tuple[Probe, ...]
    hidden: tuple[Probe, ...]
    package: tuple[Callable[..., Any], ...] = ()
    mistakes: list[Mistake] = field(default_factory=list, init=False)
    _hints_given: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.minutes, int) or self.minutes < 1:
            raise ValueError(f"{self.name}: minutes must be a whole number from 1 on, got {self.minutes!r}")
        if self.difficulty not in (1, 2, 3):
            raise ValueError(f"{self.name}: difficulty must be 1, 2 or 3, got {self.difficulty!r}")
        if not self.hidden:
            raise ValueError(f"{self.name}: hidden is empty: give probes, or a table of the answers shown is right")

    def __repr__(self) -> str:
        return f"{self.name}: about {self.minutes} minutes, difficulty {self.difficulty} of 3"

    @property
    def name(self) -> str:
        """Name of the function that the student writes."""
        return self.reference.__name__

    def add_mistakes(self, *pairs: str | Callable[..., Any]) -> None:
        """Add typical wrong answers: in turn a sentence and the function whose author must be told it.

        Raises:
            TypeError: a sentence or a function is missing or out of place.
        """
        for tells, function in _in_turn("a sentence and its function", pairs, str, Callable):
            self.mistakes.append(Mistake(function, tells))

    def check(self, function: Callable[..., Any]) -> Result:
        """Print whether `function` is right; if not, the first input where it fails and the likely mistake."""
        result = self._judge(function)
        print(result.message)
        return result

    def hint(self) -> None:
        """Print the next hint."""
        if self._hints_given == len(self.hints):
            print(f"No more hints. {self.name}.solution() shows the solution.")
            return
        self._hints_given += 1
        print(f"Hint {self._hints_given} of {len(self.hints)}: {self.hints[self._hints_given - 1]}")

    def solution(self) -> None:
        """Print the source of the reference, and of what it calls in the package."""
        print("\n\n".join(inspect.getsource(function).rstrip() for function in (self.reference, *self.package)))

    @property
    def _inputs(self) -> list[str]:
        return list(inspect.signature(self.reference).parameters)

    def _judge(self, function: Callable[..., Any]) -> Result:
        if not callable(function):
            return Result("wrong", f"wrong: check takes the function itself, not a value: check({self.name})")
        answers: list[Any] = []  # the student's answer to each probe so far
        for probe in (*self.probes, *self.hidden):
            args = deepcopy(probe.args)
            answers.append(_call(function, args))
            if len(answers) == 1 and _is_stub(answers[0]):
                note = " It returned None: is a `return` missing?" if answers[0] is None else ""
                return Result("not attempted", f"not attempted: write {self.name} and run the check again.{note}")
            expected = _call(self.reference, deepcopy(probe.args))
            problem = self._problem(probe, args, answers, expected)
            if problem is not None:
                details = self._details(function, probe, answers, expected)
                return Result("wrong", "\n".join((f"wrong: {problem}", *details)))
        return Result("right", f"right: {self.shown} ({len(self.probes)} of {len(self.probes)} checks)")

    def _problem(self, probe: Probe, args: tuple[Any, ...], answers: list[Any], expected: Any) -> str | None:
        """Return the sentence on what went wrong with the last answer, None if nothing did."""
        got = answers[-1]
        if same(got, expected):
            triples = zip(self._inputs, args, probe.args, strict=False)
            changed = [name for name, arg, before in triples if not same(arg, before)]
            if not changed:
                return None
            return f"your function changed its input {changed[0]} in place. Work on a copy: the caller still needs it."
        is_shown = len(answers) <= len(self.probes)
        if isinstance(got, Raised):  # the text of an error may hold its input
            raised = f"your function raised {show(got) if is_shown else type(got.error).__name__}."
            # what crashes on the first input has a cause of its own, not the one that this input is there to find
            has_cause = len(answers) == 1 and explain(got.error, self.reference, self.name)
            return raised if has_cause else f"{raised} {probe.likely}"
        for mistake in self.mistakes:
            seen = zip((*self.probes, *self.hidden), answers, strict=False)
            if all(same(answer, _call(mistake.function, deepcopy(earlier.args))) for earlier, answer in seen):
                return mistake.tells
        beginning = "" if is_shown else "your function is right on every input shown and wrong on one that isn't. "
        return beginning + (wrong_kind(got, expected) or probe.likely)

    def _details(self, function: Callable[..., Any], probe: Probe, answers: list[Any], expected: Any) -> list[str]:
        """Return the lines on the input, the last answer and the right one; of a hidden input only what it tests."""
        got = answers[-1]
        signature = f"{self.name}({', '.join(self._inputs)})"
        crash = explain(got.error, function, signature) if isinstance(got, Raised) else []
        if len(answers) > len(self.probes):
            return [f"  check on an input that isn't shown: {probe.tests}", *crash]
        inputs = ", ".join(f"{name}={show(arg)}" for name, arg in zip(self._inputs, probe.args, strict=False))
        digits = 4 if show(got) != show(expected) else 9  # a wrong 1.10001 must not look like 1.1
        return [
            f"  check {len(answers)} of {len(self.probes)}: {probe.tests}",
            f"  input:    {self.name}({inputs})",
            f"  yours:    {show(got, digits)}",
            *crash,
            f"  expected: {show(expected, digits)}",
        ]


def _in_turn(what: str, items: tuple[Any, ...], *kinds: Any) -> list[tuple[Any, Any]]:
    """Return the items in pairs, if the first of each is of one kind and the second of the other."""
    pairs = list(zip_longest(items[::2], items[1::2]))
    for pair in pairs:
        if not all(map(isinstance, pair, kinds)):
            raise TypeError(f"give {what} in turn, got {pair}")
    return pairs


def _call(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    try:
        return function(*args)
    except PROBLEMS as error:  # whatever a student's function raises is an answer to judge
        return Raised(error)


def _is_stub(got: Any) -> bool:
    if isinstance(got, Raised):  # torch raises the same class: “"softmax" not implemented for 'Bool'”
        return isinstance(got.error, NotImplementedError) and "not implemented for" not in show(got)
    return got is None or got is Ellipsis
