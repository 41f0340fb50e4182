"""The check itself, on toy exercises: its messages, what counts as the same answer, crashes, hidden inputs."""

import math
import sys
from copy import deepcopy

import numpy as np
import pytest
import torch
from verdicts import first_line

from course_utils.exercises.answers import same
from course_utils.exercises.core import Exercise, Probe, probes


def double(x):
    return dict(x) if isinstance(x, dict) else 2 * x


def exercise_of(*inputs, hidden=None, mistakes=(), minutes=2, difficulty=1):
    values = (inputs, inputs[-1:] if hidden is None else hidden)
    groups = (tuple(Probe(f"input {i}", (x,), "Multiply by 2.") for i, x in enumerate(group)) for group in values)
    exercise = Exercise(double, minutes, difficulty, "doubling.", ("Twice.",), *groups)
    exercise.add_mistakes(*mistakes)
    return exercise


def test_the_whole_message():
    exercise = exercise_of(torch.tensor([1.0, 2.0]), torch.tensor([1 / 3]))
    assert exercise.check(double).message == "right: doubling. (2 of 2 checks)"
    assert exercise.check(lambda x: x + 1 if len(x) == 1 else 2 * x).message == (
        "wrong: Multiply by 2.\n"
        "  check 2 of 2: input 1\n"
        "  input:    double(x=[0.3333])\n"
        "  yours:    [1.333]\n"
        "  expected: [0.6667]"
    )


def test_a_wrong_answer_that_rounds_to_the_right_one_is_shown_in_more_digits():
    message = exercise_of(0.55).check(lambda x: 2 * x + 0.00004).message
    assert "  yours:    1.10004\n" in message
    assert message.endswith("  expected: 1.1")


def test_numbers_in_a_tuple_are_shown_short():
    message = exercise_of((1 / 3, [2 / 3])).check(lambda x: x[:1]).message
    assert "  yours:    (0.3333,)\n" in message
    assert message.endswith("  expected: (0.3333, [0.6667], 0.3333, [0.6667])")


def test_a_mistake_is_named_only_if_it_explains_every_answer_so_far():
    mistakes = ("unchanged", lambda x: x, "unchanged from 2 on", lambda x: 2 if x == 1 else x)
    exercise = exercise_of(1, 3, mistakes=mistakes)
    assert first_line(exercise.check(lambda x: x)) == "wrong: unchanged"
    assert first_line(exercise.check(lambda x: 2 * x if x < 2 else x)) == "wrong: unchanged from 2 on"
    assert first_line(exercise.check(lambda x: 2 * x if x < 2 else -x)) == "wrong: Multiply by 2."


VECTOR, TEXTS = torch.tensor([1.0, 2.0]), {"the": [0.5, 1.0], "a": [1.5]}
WANTED = "not a float tensor of shape (2,)"


@pytest.mark.parametrize(
    ("x", "answer", "told"),
    [
        # the same in other numbers
        (1.0, lambda x: 2, "right"),
        (0.1, lambda x: np.float32(2 * x), "right"),  # rounded to 24 bits
        (1.0, lambda x: np.int64(2 * x), "right"),
        (2, lambda x: np.int64(2 * x), "right"),
        ("ab", lambda x: np.str_(2 * x), "right"),
        (VECTOR, lambda x: (2 * x).double().requires_grad_(), "right"),
        ([[1], (0.1,)], lambda x: [[1], (0.3 - 0.2,), [np.int64(1)], (np.float32(0.1),)], "right"),
        (TEXTS, lambda x: {"the": [np.float32(0.5), 1], "a": [3 * 0.5]}, "right"),
        (math.nan, lambda x: x, "right"),
        # not the same
        (1.0, lambda x: float("nan"), "wrong: Multiply by 2."),
        (VECTOR, lambda x: x * torch.nan, "wrong: Multiply by 2."),
        ([1, 2], lambda x: [1, 2, 1], "wrong: Multiply by 2."),
        (TEXTS, lambda x: x | {"a": [1.501]}, "wrong: Multiply by 2."),
        # not of the same kind
        (1, lambda x: np.float64(2.0), "returned a float, not an int."),
        (1.0, lambda x: np.bool_(True), "returned a bool, not a float."),
        (1.0, lambda x: torch.tensor(2.0), "returned a float tensor of shape (), not a float: .item() makes one"),
        (
            torch.tensor(1.0),
            lambda x: 2.0,
            "returned a float, not a float tensor of shape (): torch.tensor(...) makes one",
        ),
        ([1.0], lambda x: np.array([1.0, 1.0]), "returned a numpy.ndarray, not a list: .tolist() makes one"),
        ([1], lambda x: (1, 1), "returned a tuple, not a list: list(...) makes one."),
        ((1,), lambda x: [1, 1], "returned a list, not a tuple: tuple(...) makes one."),
        (VECTOR, lambda x: (2 * x).tolist(), f"returned a list, {WANTED}: torch.tensor(...) makes one."),
        (VECTOR, lambda x: (2 * x).numpy(), f"returned a numpy.ndarray, {WANTED}: torch.tensor(...) makes one."),
        (VECTOR, lambda x: (2 * x)[None], f"returned a float tensor of shape (1, 2), {WANTED}."),
        (VECTOR, lambda x: (2 * x).int(), f"returned an int tensor of shape (2,), {WANTED}."),
        (VECTOR, lambda x: (2 * x) > 0, f"returned a bool tensor of shape (2,), {WANTED}."),
        (VECTOR, lambda x: torch.fft.fft(2 * x), f"returned a complex tensor of shape (2,), {WANTED}."),
        (VECTOR, lambda x: 2.0, f"returned a float, {WANTED}."),
        (VECTOR, lambda x: (2 * x, x), f"returned a tuple, {WANTED}."),
        ([1, 0], lambda x: [True, False, True, False], "element 0 is a bool, not an int."),
        ([1.0, 2.0], lambda x: [1.0, "2.0", 1.0, 2.0], "element 1 is a str, not a float."),
        (TEXTS, lambda x: x | {"the": "often"}, "the value at 'the' is a str, not a list."),
        (TEXTS, lambda x: x | {"the": [0.5, True]}, "element 1 of the value at 'the' is a bool, not a float."),
        (TEXTS, lambda x: x | {3: []}, "the key 3 is an int, not a str."),
    ],
)
def test_what_is_the_same_and_what_is_told_otherwise(x, answer, told):
    assert told in first_line(exercise_of(x).check(answer))


def fails(*args):
    raise RuntimeError("this object is broken")


Unprintable = type("Unprintable", (), {"__repr__": fails})
Incomparable = type("Incomparable", (list,), {"__len__": fails, "__iter__": fails})
Shapeless = type("Shapeless", (torch.Tensor,), {"__torch_function__": classmethod(fails)})
Mute = type("Mute", (ValueError,), {"__str__": fails})
MuteStub = type("MuteStub", (NotImplementedError,), {"__str__": fails})
RECURSIVE = [1.0, 2.0]
RECURSIVE.append(RECURSIVE)


def raises(error):
    def answer(x):
        raise error

    return answer


@pytest.mark.parametrize("x", [1, 1.0, "a", [1.0, 2.0], torch.ones(2)], ids=repr)
@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (lambda x: exit(), "raised SystemExit"),
        (lambda x: sys.exit("done"), "raised SystemExit: done"),
        (raises(Mute()), "<a test_check.Mute that can't be shown>"),
        (lambda x: Unprintable(), "<a test_check.Unprintable that can't be shown>"),
        (lambda x: [Unprintable()], "<a list that can't be shown>"),
        (lambda x: {"a": Unprintable()}, "<a dict that can't be shown>"),
        (lambda x: Incomparable(), "<a list that can't be shown>"),
        (lambda x: RECURSIVE, "<a list that can't be shown>"),
        (lambda x: torch.ones(2, device="meta"), "<a meta tensor of shape (2,) that can't be shown>"),
        (lambda x: torch.ones(2).to_sparse(), "returned a sparse float tensor of shape (2,)"),
        (lambda x: torch.ones(2).as_subclass(Shapeless), "<a Shapeless that can't be shown>"),
        (lambda x: np.array([x, None], dtype=object), "numpy.ndarray"),
        (lambda x: 10**5000, "<an int that can't be shown>"),
        (lambda x: "\ud800", "ud800"),
        (raises(ValueError("\ud800")), "ValueError: \\ud800"),
    ],
)
def test_whatever_a_function_does_a_check_ends_in_a_verdict(x, answer, shown):
    result = exercise_of(x).check(answer)
    assert result.status == "wrong"
    assert shown in result.message
    result.message.encode()  # can be printed


def test_the_readers_own_interrupt_stops_a_check():
    with pytest.raises(KeyboardInterrupt):
        exercise_of(1).check(raises(KeyboardInterrupt()))


def test_a_value_instead_of_the_function():
    assert exercise_of(1).check(2).message == "wrong: check takes the function itself, not a value: check(double)"


@pytest.mark.parametrize("given", [(abs, "a"), ("a", "b", abs), ("a", abs, "b"), (abs, abs), ((), "a", ())])
def test_what_comes_in_turn_is_told_if_it_does_not(given):
    with pytest.raises(TypeError, match="give a sentence and its function in turn, got "):
        exercise_of(1, mistakes=given)
    with pytest.raises(TypeError, match="give an input and its sentence in turn, got "):
        probes(*given)


def test_an_exercise_says_its_minutes_and_difficulty_and_hides_an_input():
    assert repr(exercise_of(1, minutes=20, difficulty=3)) == "double: about 20 minutes, difficulty 3 of 3"
    for wrong in ({"minutes": 0}, {"minutes": 1.5}, {"difficulty": 0}, {"difficulty": 4}, {"hidden": ()}):
        with pytest.raises(ValueError, match=f"double: {next(iter(wrong))} "):
            exercise_of(1, **wrong)


def half_right(x):
    halves = [
        1 / x,
        1 / (x - 3),
    ]
    return 2 * x if halves else None


def unpacks(x):
    def last(row):
        return row[x]

    return last([0])


@pytest.mark.parametrize(
    ("answer", "line", "cause"),
    [
        (half_right, "  line 4:   1 / (x - 3),\n", "the divisor is 0"),
        (unpacks, "  line 3:   return row[x]\n", "the index is beyond the end"),
        (lambda x: {}[x], "  line 1:   (lambda x: {}[x]", "the dict has no such key"),
        (lambda x: missing(x), "  line 1: ", "is it misspelled"),  # noqa: F821
        (lambda x: {[x]: 2}, "  line 1: ", "make a tuple of a list"),
        (lambda x: torch.softmax(np.ones(x), 0), "  line 1: ", "torch, NumPy or lists are mixed"),
        (lambda x: np.ones(x).softmax(0), "  line 1: ", "tensors, arrays and lists have different methods"),
        (lambda x: [1].sort().index(x), "  line 1: ", "a value is None"),
        (lambda x: torch.ones(x) + torch.ones(2), "  line 1: ", "the shapes don't fit"),
        (lambda x: np.ones(x) + np.ones(2), "  line 1: ", "the shapes don't fit"),
        (lambda x: torch.ones(x).softmax(dim=1), "  line 1: ", "-1 for the last"),
        (lambda x: torch.ones(x)[0, 0], "  line 1: ", "more indices than dimensions"),
        (lambda x: torch.ones(x)[torch.ones(2)], "  line 1: ", "only whole numbers"),
        (lambda x: [].pop(), "  line 1: ", "nothing is left"),
        (lambda x: torch.ones(2, x) @ torch.ones(2, x), "  line 1: ", "the last but one of b"),
        (lambda x: torch.ones(x).reshape(2, 2), "  line 1: ", "as many numbers"),
        (lambda x: torch.ones(x) @ torch.ones(x).int(), "  line 1: ", "different kinds of numbers"),
        (lambda x: half_right(), "  line 1: ", "passes other arguments"),
        (lambda: 2, "", "the check calls double(x)."),
        (lambda x: (lambda f: f(f))(lambda f: f(f)), "  line 1: ", "calls itself without end"),
    ],
)
def test_a_crash_is_told_its_line_and_its_cause(answer, line, cause):
    message = exercise_of(3).check(answer).message
    assert "  input:    double(x=3)\n" in message
    assert line in message
    assert cause in message.split("  cause:    ")[1].splitlines()[0]


def test_an_error_of_the_students_own_is_told_without_a_cause():
    def refuses(x):
        raise ValueError("x must have shape (2,)")

    assert "  cause:" not in exercise_of(3).check(refuses).message


def test_no_path_of_the_machine_is_in_a_message():
    result = exercise_of(1).check(raises(ImportError("no name x\nfrom (/opt/lib/python3/torch/__init__.py), 1/2/3")))
    assert "raised ImportError: no name x from (__init__.py), 1/2/3. Multiply" in first_line(result)
    assert "/opt" not in result.message


@pytest.mark.parametrize("x", [VECTOR, [[1.0]], TEXTS], ids=repr)
def test_an_input_changed_in_place_is_told(x):
    def changes(x):
        answer = deepcopy(double(x))
        x.zero_() if isinstance(x, torch.Tensor) else x.clear()
        return answer

    before, exercise = deepcopy(x), exercise_of(x)
    assert "your function changed its input x in place. Work on a copy" in first_line(exercise.check(changes))
    assert same(x, before)


def test_what_is_hidden_stays_hidden():
    exercise = exercise_of(1, 2, hidden=(77,), mistakes=("stops at 3", lambda x: 2 * x if x < 3 else 6))
    assert exercise.check(double).message == "right: doubling. (2 of 2 checks)"
    assert exercise.check(lambda x: {1: 2, 2: 4}.get(x, 5)).message == (
        "wrong: your function is right on every input shown and wrong on one that isn't. Multiply by 2.\n"
        "  check on an input that isn't shown: input 0"
    )
    assert first_line(exercise.check(lambda x: min(2 * x, 6))) == "wrong: stops at 3"
    crash = exercise.check(lambda x: {1: 2, 2: 4}[x]).message
    assert crash.startswith("wrong: your function raised KeyError. Multiply by 2.\n")
    assert "  cause:    the dict has no such key" in crash
    assert "77" not in crash


def test_what_is_a_stub():
    def half_done(x):
        if x > 1:
            raise NotImplementedError
        return 2 * x

    assert "is a `return` missing?" in exercise_of(1).check(lambda x: None).message
    assert exercise_of(1).check(raises(MuteStub())).status == "not attempted"
    assert exercise_of(1, 2).check(half_done).status == "wrong"
    assert exercise_of(VECTOR).check(lambda x: torch.softmax(x.bool(), 0)).status == "wrong"  # torch's own


def test_long_values_are_cut_and_addresses_left_out():
    assert len(exercise_of(torch.zeros(1000)).check(lambda x: x + 1).message) < 1500
    assert "  yours:    <object object>\n" in exercise_of(1).check(lambda x: object()).message


def test_a_notebook_shows_the_message_once():
    formatter = pytest.importorskip("IPython.core.formatters").IPythonDisplayFormatter()
    result = exercise_of(1).check(double)
    assert formatter(result) is True  # displayed by itself: IPython adds no output
    assert repr(result) == "Result(status='right')"
