"""Every exercise, found by itself: the reference passes, each mistake meets its sentence, nothing cheap is right."""

import ast
import json
import re
from copy import deepcopy
from dataclasses import replace
from functools import partial
from importlib import import_module
from inspect import signature
from pathlib import Path

import pytest
import torch
from verdicts import first_line

from course_utils import exercises
from course_utils.exercises.answers import PROBLEMS, same

PACKAGE = Path(exercises.__file__).parent
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
EXERCISES = {
    f"{path.parent.name}.{path.stem}": import_module(f"course_utils.exercises.{path.parent.name}.{path.stem}").exercise
    for path in sorted(PACKAGE.glob("*/[!_]*.py"))
}
every_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)


def outcome(function, args):
    try:
        return function(*deepcopy(args))
    except PROBLEMS as error:
        return error


def test_each_exercise_belongs_to_one_notebook_and_is_checked_there():
    checked = []
    for path in NOTEBOOKS.glob("*.ipynb"):
        cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
        code = "\n".join("".join(cell["source"]) for cell in cells)
        topics = re.findall(r"from course_utils\.exercises import (\w+) as exercises", code)
        names = sorted(set(re.findall(r"exercises\.(\w+)\.check\(", code)))
        checked += [f"{topic}.{name}" for topic in topics for name in names]
    assert sorted(checked) == sorted(EXERCISES)


def test_a_notebook_says_how_long_and_how_hard_each_exercise_is():
    said = set()
    for path in NOTEBOOKS.glob("*.ipynb"):
        heading = ""
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            heading = source if source.startswith("### Exercise ") else heading
            if heading and (name := re.search(r"exercises\.(\w+)\.check\(", source)):
                said.add((name[1], *re.findall(r"\*About (\d+) minutes, difficulty (\d) of 3\.\*", heading)))
    assert said == {(e.name, (str(e.minutes), str(e.difficulty))) for e in EXERCISES.values()}


@pytest.mark.parametrize("name", EXERCISES)
def test_a_topic_offers_each_exercise_under_the_name_of_its_file(name):
    topic, function = name.split(".")
    assert getattr(import_module(f"course_utils.exercises.{topic}"), function) is EXERCISES[name]
    assert EXERCISES[name].name == function


@every_exercise
def test_the_hints_come_one_by_one(exercise, capsys):
    assert len(exercise.hints) >= 3
    exercise = replace(exercise)  # no hint given yet
    for number, hint in enumerate(exercise.hints, start=1):
        exercise.hint()
        assert capsys.readouterr().out == f"Hint {number} of {len(exercise.hints)}: {hint}\n"
    exercise.hint()
    assert capsys.readouterr().out.startswith("No more hints.")


@every_exercise
def test_the_solution_is_the_source_of_the_reference_and_of_what_it_calls(exercise, capsys):
    exercise.solution()
    defined = [node.name for node in ast.parse(capsys.readouterr().out).body]
    assert defined == [exercise.name, *(function.__name__ for function in exercise.package)]


@every_exercise
def test_the_reference_is_right(exercise, capsys):
    result = exercise.check(exercise.reference)
    assert result.status == "right"
    assert capsys.readouterr().out == result.message + "\n"


@every_exercise
def test_what_the_reference_refuses_is_told_by_its_name(exercise):
    for probe in (*exercise.probes, *exercise.hidden):
        if isinstance(error := outcome(exercise.reference, probe.args), PROBLEMS):
            assert any(name in str(error) for name in signature(exercise.reference).parameters)


@every_exercise
def test_each_mistake_is_wrong_and_meets_its_own_sentence(exercise):
    assert len(exercise.mistakes) >= 5
    for mistake in exercise.mistakes:
        assert first_line(exercise.check(mistake.function)) == f"wrong: {mistake.tells}"


# nothing cheap is right


@every_exercise
def test_zero_work_is_never_right(exercise):
    def raises(*args, error=ValueError):
        raise error

    for stub in (partial(raises, error=NotImplementedError), lambda *args: None, lambda *args: ...):
        assert exercise.check(stub).status == "not attempted"
    given_back = [lambda *args, i=i: args[i] for i in range(len(exercise.probes[0].args))]
    constants = [[], {}, (), "", 0, 0.0, 1, 1.0, False, torch.zeros(())]
    constants += [outcome(exercise.reference, probe.args) for probe in exercise.probes]
    for answer in (raises, *given_back, *(lambda *args, constant=constant: constant for constant in constants)):
        assert exercise.check(answer).status == "wrong"


@every_exercise
def test_a_table_of_the_answers_shown_is_wrong(exercise):
    shown = [probe.args for probe in exercise.probes]
    for garbage in (None, "garbage", outcome(exercise.reference, shown[0])):

        def table(*args, garbage=garbage):
            return exercise.reference(*args) if any(same(args, known) for known in shown) else garbage

        result = exercise.check(table)
        assert result.status == "wrong"
        assert "  check on an input that isn't shown: " in result.message
        assert not re.search("  (input|yours|expected):", result.message)


# the reference's own answers, spoilt


def spoil(value, leaf):
    """Put every value inside an answer through `leaf`."""
    if isinstance(value, dict):
        return {key: spoil(item, leaf) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(spoil(item, leaf) for item in value)
    return leaf(value)


def rounded(value):
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value.round(decimals=2)
    return round(value, 2) if isinstance(value, float) else value


OF_ANOTHER_KIND = {
    "a list": lambda value: value.tolist() if isinstance(value, torch.Tensor) else value,
    "NumPy": lambda value: value.numpy() if isinstance(value, torch.Tensor) else value,
    "text": lambda value: str(value) if isinstance(value, int | float) else value,
    "a tensor": lambda value: torch.tensor(value) if isinstance(value, int | float) else value,
    "a value in a list": lambda value: value if isinstance(value, torch.Tensor) else [value],
}


def spoilt(leaves):
    """Return a case for each exercise and each leaf that makes a difference to its answers."""
    cases = []
    for name, exercise in EXERCISES.items():
        answers = [outcome(exercise.reference, probe.args) for probe in exercise.probes]
        answers = [answer for answer in answers if not isinstance(answer, BaseException)]
        for word, leaf in leaves.items():
            if not all(same(spoil(answer, leaf), answer) for answer in answers):
                function = lambda *args, f=exercise.reference, leaf=leaf: spoil(f(*args), leaf)
                cases.append(pytest.param(exercise, function, id=f"{name}-{word}"))
    return cases


@pytest.mark.parametrize(("exercise", "answer"), spoilt(OF_ANOTHER_KIND))
def test_a_right_answer_of_a_wrong_kind_is_told_its_kind(exercise, answer):
    told = {mistake.tells for mistake in exercise.mistakes}
    line = first_line(exercise.check(answer))
    assert re.search(r" (is|returned) an? .+, not an? ", line) or line.removeprefix("wrong: ") in told


@pytest.mark.parametrize(("exercise", "answer"), spoilt({"rounded": rounded}))
def test_a_rounded_answer_is_wrong(exercise, answer):
    assert exercise.check(answer).status == "wrong"
