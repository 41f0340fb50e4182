"""The core of an exercise: check an answer, give the next hint, show the solution.

A check runs the student's function on small visible inputs, the probes, from fundamental to subtle. The first one
that fails is shown with a sentence on what probably went wrong. That sentence belongs to a known mistake, if one
would have given exactly the student's answers so far, else to the probe.

To write an exercise, write the reference (or take the package's own function), the probes, and each typical
mistake as a function; the tests want five wrong answers that are each met with the sentence meant for them.
"""

import inspect
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from course_utils.exercises.answers import PROBLEMS, Raised, kind, same, show


@dataclass(frozen=True)
class Probe:
    """One input that isolates one mechanism: what it tests, the arguments, and what a failure probably means."""

    tests: str
    args: tuple
    likely: str


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer, as a function that makes exactly this mistake, and what to tell who made it."""

    function: Callable
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
        shown: one sentence on what a right answer has shown.
        hints: from a nudge to nearly the solution.
        probes: the inputs, from fundamental to subtle.
        mistakes: the typical wrong answers.
        package: functions of the package that the reference calls, shown with the solution.
    """

    reference: Callable
    shown: str
    hints: tuple[str, ...]
    probes: tuple[Probe, ...]
    mistakes: tuple[Mistake, ...]
    package: tuple[Callable, ...] = ()
    _hints_given: int = field(default=0, init=False)

    @property
    def name(self) -> str:
        """Name of the function that the student writes."""
        return self.reference.__name__

    def check(self, function: Callable) -> Result:
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

    def _judge(self, function: Callable) -> Result:
        if not callable(function):
            return Result("wrong", f"wrong: check takes the function itself, not a value: check({self.name})")
        answers = []  # the student's answer to each probe so far
        for probe in self.probes:
            args = deepcopy(probe.args)
            got, expected = _call(function, args), _call(self.reference, deepcopy(probe.args))
            answers.append(got)
            if len(answers) == 1 and _is_stub(got):
                note = " It returned None: is a `return` missing?" if got is None else ""
                return Result("not attempted", f"not attempted: write {self.name} and run the check again.{note}")
            problem = self._problem(probe, args, answers, expected)
            if problem is not None:
                lines = (
                    f"wrong: {problem}",
                    f"  check {len(answers)} of {len(self.probes)}: {probe.tests}",
                    f"  input:    {self.name}({self._show_arguments(probe)})",
                    f"  yours:    {show(got)}",
                    f"  expected: {show(expected)}",
                )
                return Result("wrong", "\n".join(lines))
        return Result("right", f"right: {self.shown} ({len(self.probes)} of {len(self.probes)} checks)")

    def _problem(self, probe: Probe, args: tuple, answers: list, expected: Any) -> str | None:
        """Return the sentence on what went wrong with the last answer, None if nothing did."""
        got = answers[-1]
        if same(got, expected):
            for name, before, after in zip(self._parameters(), probe.args, args, strict=False):
                if not same(after, before):
                    return (
                        f"your function changed its input {name} in place. Work on a copy: the caller still needs it."
                    )
            return None
        if isinstance(got, Raised):
            return f"your function raised {show(got)}. {probe.likely}"
        for mistake in self.mistakes:
            seen = zip(self.probes, answers, strict=False)
            if all(same(answer, _call(mistake.function, deepcopy(earlier.args))) for earlier, answer in seen):
                return mistake.tells
        if kind(got) != kind(expected) and not isinstance(expected, Raised):
            return f"your function returned {kind(got)}, not {kind(expected)}."
        return probe.likely

    def _parameters(self) -> list[str]:
        return list(inspect.signature(self.reference).parameters)

    def _show_arguments(self, probe: Probe) -> str:
        return ", ".join(f"{name}={show(value)}" for name, value in zip(self._parameters(), probe.args, strict=False))


def _call(function: Callable, args: tuple) -> Any:
    try:
        return function(*args)
    except PROBLEMS as error:  # whatever a student's function raises is an answer to judge
        return Raised(error)


def _is_stub(got: Any) -> bool:
    if isinstance(got, Raised):  # torch raises the same class: «"softmax" not implemented for 'Bool'»
        return isinstance(got.error, NotImplementedError) and "not implemented for" not in show(got)
    return got is None or got is Ellipsis
