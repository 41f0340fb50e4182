"""Every exercise: the reference passes, typical wrong answers meet the sentence meant for them, hints advance."""

import ast
import math
import pkgutil
import sys
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch
from answers_registry import RIGHT, WRONG

from course_utils import exercises
from course_utils.decoding import top_k_filter, top_p_filter
from course_utils.exercises.core import Exercise, Mistake, Probe
from course_utils.transformer import DecoderLM, TransformerConfig

ANSWERS = ("start", "ngram", "transformer", "decoding", "tokens", "pretraining", "parallel")
for module in ANSWERS:
    import_module(f"answers_{module}")  # each registers its answers


def find_exercises():
    """Return every exercise of the package, name -> exercise."""
    found = {}
    for module in pkgutil.walk_packages(exercises.__path__, exercises.__name__ + "."):
        for name, value in vars(import_module(module.name)).items():
            if isinstance(value, Exercise):
                assert found.setdefault(name, value) is value, f"two exercises are called {name}"
    return found


EXERCISES = find_exercises()
every_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)


def cases(registry):
    return [
        pytest.param(EXERCISES[name], *case, id=f"{name}-{case[0].__name__}")
        for name in registry
        for case in registry[name]
    ]


def first_line(result):
    return result.message.splitlines()[0]


def test_the_exercises_of_the_notebooks_are_there():
    assert set(EXERCISES) >= {
        *("relative_frequencies", "most_probable", "surprise"),
        *("bigram_probs", "add_k_probs", "corpus_perplexity", "continuation_probs"),
        *("rms_norm", "causal_mask", "attention", "count_parameters"),
        *("temperature_probs", "top_k", "top_p", "distinct_n"),
        *("inputs_and_targets", "cross_entropy", "gradient_of_logits", "learning_rate"),
    }


@every_exercise
def test_the_name_in_the_notebook_is_the_name_of_the_reference(exercise):
    assert EXERCISES[exercise.name] is exercise


@every_exercise
def test_the_reference_is_right(exercise, capsys):
    result = exercise.check(exercise.reference)
    assert result.status == "right"
    assert capsys.readouterr().out == result.message + "\n"


@pytest.mark.parametrize(("exercise", "answer"), cases({name: [(f,) for f in RIGHT[name]] for name in RIGHT}))
def test_another_right_answer_is_right(exercise, answer):
    assert exercise.check(answer).message.startswith("right: ")


@every_exercise
def test_a_stub_is_not_attempted(exercise):
    def raises(*args):
        raise NotImplementedError

    def passes(*args): ...

    assert exercise.check(raises).status == "not attempted"
    assert exercise.check(passes).status == "not attempted"
    assert exercise.check(lambda *args: ...).status == "not attempted"


@every_exercise
def test_a_function_that_raises_is_wrong_and_sees_its_input(exercise):
    def broken(*args):
        raise ValueError("odd\nnumber")

    result = exercise.check(broken)
    assert result.status == "wrong"
    assert first_line(result).startswith("wrong: your function raised ValueError: odd number. ")
    assert f"  input:    {exercise.name}(" in result.message


@pytest.mark.parametrize(("exercise", "answer", "phrase"), cases(WRONG))
def test_a_wrong_answer_meets_the_sentence_meant_for_it(exercise, answer, phrase):
    result = exercise.check(answer)
    assert result.status == "wrong"
    assert phrase in first_line(result)


@every_exercise
def test_five_wrong_answers_are_proven(exercise):
    assert len({phrase for _, phrase in WRONG.get(exercise.name, [])}) >= 5


@every_exercise
def test_each_known_mistake_is_told_its_own_sentence(exercise):
    for mistake in exercise.mistakes:
        assert first_line(exercise.check(mistake.function)) == f"wrong: {mistake.tells}"


@every_exercise
def test_no_probe_can_be_skipped(exercise):
    """An answer that is right on all inputs but one is wrong, whichever one it is."""
    for odd_one in range(len(exercise.probes)):
        calls = []

        def nearly(*args, odd_one=odd_one, calls=calls):
            calls.append(args)
            return "nonsense" if len(calls) == odd_one + 1 else exercise.reference(*args)

        result = exercise.check(nearly)
        assert result.status == "wrong"
        assert f"check {odd_one + 1} of {len(exercise.probes)}: {exercise.probes[odd_one].tests}" in result.message


@every_exercise
def test_hints_advance_and_end(exercise, capsys):
    exercise = replace(exercise)
    assert len(exercise.hints) >= 3
    for number, hint in enumerate(exercise.hints, start=1):
        exercise.hint()
        assert capsys.readouterr().out == f"Hint {number} of {len(exercise.hints)}: {hint}\n"
    exercise.hint()
    assert capsys.readouterr().out.startswith("No more hints.")


@every_exercise
def test_the_solution_is_the_source_of_the_reference_and_of_what_it_calls(exercise, capsys):
    exercise.solution()
    source = capsys.readouterr().out
    defined = [node.name for node in ast.parse(source).body]
    assert defined == [exercise.name, *(function.__name__ for function in exercise.package)]


# what the references give, by hand


def test_references_on_worked_examples():
    expected = {"to": 0.5, "the": 0.25, "a": 0.25}
    assert EXERCISES["relative_frequencies"].reference({"to": 2, "the": 1, "a": 1}) == expected
    assert EXERCISES["most_probable"].reference({"b": 0.375, "c": 0.25, "a": 0.375}) == "a"
    assert EXERCISES["surprise"].reference(1 / 1024) == 10
    assert EXERCISES["surprise"].reference(0) == math.inf
    torch.testing.assert_close(
        EXERCISES["top_p"].reference(torch.tensor([0.1, 0.4, 0.2, 0.3]), 0.9), torch.tensor([0.0, 4 / 9, 2 / 9, 3 / 9])
    )
    torch.testing.assert_close(
        EXERCISES["top_k"].reference(torch.tensor([0.1, 0.4, 0.2, 0.3]), 2), torch.tensor([0.0, 4 / 7, 0.0, 3 / 7])
    )
    assert EXERCISES["distinct_n"].reference([1, 2, 1, 2, 1], 2) == 0.5
    assert EXERCISES["temperature_probs"].reference(torch.tensor([1.0, 3.0, 3.0]), 0).tolist() == [0, 1, 0]


def test_a_certain_word_has_no_surprise_and_no_minus():
    bits = EXERCISES["surprise"].reference(1.0)
    assert bits == 0
    assert math.copysign(1, bits) == 1  # not -0.0, which prints as -0.0


@pytest.mark.parametrize("p", [-0.001, 1.001, -math.inf, math.inf, math.nan])
def test_surprise_tells_what_is_no_probability(p):
    with pytest.raises(ValueError, match=f"p = {p} is no probability"):
        EXERCISES["surprise"].reference(p)


def test_no_word_is_the_most_probable_of_none():
    with pytest.raises(ValueError, match=r"probs = \{\} holds no word"):
        EXERCISES["most_probable"].reference({})


@pytest.mark.parametrize("tied", [True, False])
def test_count_parameters_is_what_the_model_has(tied):
    config = TransformerConfig(
        vocab_size=11, d_model=24, n_layers=2, n_heads=6, n_kv_heads=2, d_ff=10, context_length=8, tie_embeddings=tied
    )
    model = DecoderLM(config)
    assert EXERCISES["count_parameters"].reference(config) == sum(p.numel() for p in model.parameters())


def test_smollm2_has_134_515_008_parameters():
    config = next(p for p in EXERCISES["count_parameters"].probes if p.tests == "SmolLM2-135M").args[0]
    assert EXERCISES["count_parameters"].reference(config) == 134_515_008


def test_the_float_traps_are_traps():
    """The two rounding probes fail a comparison without slack, so they test what they claim to test."""
    for probe in EXERCISES["top_p"].probes:
        if "rounded" in probe.tests:
            probs, p = probe.args
            needed = int((top_p_filter(probs.log(), p) > -torch.inf).sum())
            assert int((probs.cumsum(0) < p).sum()) + 1 == needed + 1


def test_top_k_of_the_package_is_the_reference():
    probs = torch.tensor([0.2, 0.3, 0.2, 0.3])
    assert EXERCISES["top_k"].package == (top_k_filter,)
    torch.testing.assert_close(EXERCISES["top_k"].reference(probs, 3), torch.tensor([0.25, 0.375, 0, 0.375]))


# the core


def double(x):
    return 2 * x


def exercise_of(*inputs, mistakes=()):
    probes = tuple(Probe(f"input {i}", (x,), "Multiply by 2.") for i, x in enumerate(inputs))
    return Exercise(double, shown="doubling.", hints=("Twice.",), probes=probes, mistakes=mistakes)


def test_the_whole_message():
    exercise = exercise_of(torch.tensor([1.0, 2.0]), torch.tensor([1 / 3]))
    assert exercise.check(double).message == "right: doubling. (2 of 2 checks)"
    assert exercise.check(lambda x: x + 1 if len(x) == 1 else 2 * x).message == "\n".join(
        (
            "wrong: Multiply by 2.",
            "  check 2 of 2: input 1",
            "  input:    double(x=[0.3333])",
            "  yours:    [1.333]",
            "  expected: [0.6667]",
        )
    )


def test_a_mistake_is_named_only_if_it_explains_every_answer_so_far():
    mistakes = (Mistake(lambda x: x, "unchanged"), Mistake(lambda x: 2 if x == 1 else x, "unchanged from 2 on"))
    exercise = exercise_of(1, 3, mistakes=mistakes)
    assert first_line(exercise.check(lambda x: x)) == "wrong: unchanged"
    assert first_line(exercise.check(lambda x: 2 * x if x < 2 else x)) == "wrong: unchanged from 2 on"
    assert first_line(exercise.check(lambda x: 2 * x if x < 2 else -x)) == "wrong: Multiply by 2."


def test_nan_is_never_right():
    assert exercise_of(torch.tensor([1.0])).check(lambda x: x * torch.nan).status == "wrong"
    assert exercise_of(1.0).check(lambda x: float("nan")).status == "wrong"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda x: (2 * x).tolist(), "a list"),
        (lambda x: (2 * x).numpy(), "a numpy.ndarray"),
        (lambda x: (2 * x)[None], "a float tensor of shape (1, 2)"),
        (lambda x: (2 * x).int(), "an int tensor of shape (2,)"),
        (lambda x: (2 * x) > 0, "a bool tensor of shape (2,)"),
        (lambda x: 2.0, "a float"),
        (lambda x: (2 * x, x), "a tuple"),
    ],
)
def test_a_wrong_kind_is_told(answer, kind):
    result = exercise_of(torch.tensor([1.0, 2.0])).check(answer)
    assert first_line(result) == f"wrong: your function returned {kind}, not a float tensor of shape (2,)."


def test_numbers_of_other_kinds():
    assert exercise_of(1.0).check(lambda x: 2).status == "right"  # 2 is as good as 2.0
    assert exercise_of(1).check(lambda x: 2.0).status == "wrong"
    assert exercise_of(1.0).check(lambda x: True).status == "wrong"
    assert exercise_of(torch.ones(2)).check(lambda x: (2 * x).double().requires_grad_()).status == "right"


@pytest.mark.parametrize(
    ("x", "answer"),
    [
        (0.25, lambda x: np.float32(2 * x)),
        (0.1, lambda x: np.float32(2 * x)),  # rounded to 24 bits
        (0.25, lambda x: np.float64(2 * x)),
        (1.0, lambda x: np.int64(2 * x)),
        (2, lambda x: np.int64(2 * x)),
        (False, lambda x: np.int32(0)),
        ("ab", lambda x: np.str_(2 * x)),
        ([1.0], lambda x: [np.float32(1.0), 1]),
        ([0.1], lambda x: [0.3 - 0.2, 0.1]),
        ([[1], (0.1,)], lambda x: [[1], (0.3 - 0.2,), [np.int64(1)], (np.float32(0.1),)]),
    ],
)
def test_a_right_answer_in_other_numbers_is_right(x, answer):
    assert exercise_of(x).check(answer).message.startswith("right: ")


@pytest.mark.parametrize(
    ("x", "answer"),
    [
        (1, lambda x: np.float64(2.0)),
        (1.0, lambda x: np.bool_(True)),
        ([1, 2], lambda x: [1, 2, 1]),
        ([1, 2], lambda x: [1, 2, 1, 3]),
        ([1, 0], lambda x: [True, False, True, False]),
        ([1], lambda x: (1, 1)),
    ],
)
def test_a_wrong_answer_in_numpys_numbers_or_a_list_is_wrong(x, answer):
    assert exercise_of(x).check(answer).status == "wrong"


def fails(*args):
    raise RuntimeError("this object is broken")


class Unprintable:
    __repr__ = fails


class Incomparable(list):
    __len__ = fails
    __iter__ = fails


class Shapeless(torch.Tensor):
    __torch_function__ = classmethod(fails)


class Mute(ValueError):
    __str__ = fails


class MuteStub(NotImplementedError):
    __str__ = fails


def raises(error):
    def answer(x):
        raise error

    return answer


def recursive():
    values = [1.0, 2.0]
    values.append(values)
    return values


@pytest.mark.parametrize("x", [1, 1.0, "a", [1.0, 2.0], torch.ones(2)], ids=repr)
@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (lambda x: exit(), "raised SystemExit"),
        (lambda x: sys.exit("done"), "raised SystemExit: done"),
        (raises(Mute()), "<a test_exercises.Mute that can't be shown>"),
        (lambda x: Unprintable(), "<a test_exercises.Unprintable that can't be shown>"),
        (lambda x: [Unprintable()], "<a list that can't be shown>"),
        (lambda x: {"a": Unprintable()}, "<a dict that can't be shown>"),
        (lambda x: Incomparable(), "<a list that can't be shown>"),
        (lambda x: recursive(), "<a list that can't be shown>"),
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


def test_a_stub_whose_error_has_no_text_is_a_stub():
    assert exercise_of(1).check(raises(MuteStub())).status == "not attempted"


def test_the_readers_own_interrupt_stops_a_check():
    with pytest.raises(KeyboardInterrupt):
        exercise_of(1).check(raises(KeyboardInterrupt()))


def test_a_complex_tensor_is_called_complex():
    result = exercise_of(torch.ones(2)).check(lambda x: torch.fft.fft(2 * x))
    assert "returned a complex tensor of shape (2,), not a float tensor" in first_line(result)


def test_the_function_cannot_change_the_probes():
    def destroys(x):
        answer = 2 * x
        x.zero_()
        return answer

    exercise = exercise_of(torch.tensor([1.0, 2.0]))
    assert "changed its input x in place" in exercise.check(destroys).message
    assert exercise.probes[0].args[0].tolist() == [1.0, 2.0]
    assert exercise.check(double).status == "right"


def test_a_value_instead_of_the_function():
    result = exercise_of(1).check(2)
    assert result.message == "wrong: check takes the function itself, not a value: check(double)"


def test_a_wrong_signature_is_told():
    assert "raised TypeError" in first_line(exercise_of(1).check(lambda: 2))


def test_not_implemented_later_or_by_torch_is_wrong():
    def half_done(x):
        if x > 1:
            raise NotImplementedError
        return 2 * x

    assert exercise_of(1, 2).check(half_done).status == "wrong"
    assert exercise_of(torch.ones(2)).check(lambda x: torch.softmax(x.bool(), 0)).status == "wrong"


def test_a_forgotten_return_is_mentioned():
    assert "is a `return` missing?" in exercise_of(1).check(lambda x: None).message


def test_long_values_are_cut_and_addresses_left_out():
    class Odd:
        pass

    assert len(exercise_of(torch.zeros(1000)).check(lambda x: x + 1).message) < 1500
    assert "<" in (message := exercise_of(1).check(lambda x: Odd()).message)
    assert "0x" not in message


def test_a_notebook_shows_the_message_once():
    formatter = pytest.importorskip("IPython.core.formatters").IPythonDisplayFormatter()
    result = exercise_of(1).check(double)
    assert formatter(result) is True  # displayed by itself: IPython adds no output
    assert repr(result) == "Result(status='right')"
