"""The cache stepper and its rules, as Python sees them; tests/browser drives the same in a real page."""

import json
import re

import numpy as np
import pytest
import traitlets
from hypothesis import given
from hypothesis import strategies as st
from ipywidgets.widgets.widget import _instances

from course_utils import plots
from course_utils.widgets import CacheStepper, cache_rules
from course_utils.widgets.cache_rules import ABSENT, AGAIN, COMPUTED, READ, Counts
from course_utils.widgets.knobs import Whole

TOKENS = ["The", " cat", " sat", " on", " the", " mat", "."]
steps, prompts = st.integers(0, 40), st.integers(1, 40)


@pytest.fixture
def stepper():
    return CacheStepper(TOKENS, 3)


# The rules


def test_a_step_by_hand():
    """A prompt of 4, then the third token after it: 7 are held, 1 is new."""
    assert cache_rules.counts(3, 4, cached=True) == Counts(computed=2, read=12, written=2, scores=7)
    assert cache_rules.counts(3, 4, cached=False) == Counts(computed=14, read=0, written=0, scores=28)
    assert cache_rules.totals(3, 4, cached=True) == Counts(8 + 6, 8 + 10 + 12, 8 + 6, 10 + 5 + 6 + 7)
    assert cache_rules.totals(3, 4, cached=False) == Counts(8 + 10 + 12 + 14, 0, 0, 10 + 15 + 21 + 28)


@given(prompts)
def test_reading_the_prompt_costs_the_same_with_a_cache_and_without(prompt_length):
    cached, plain = (cache_rules.counts(0, prompt_length, cached) for cached in (True, False))
    assert (cached.computed, cached.scores, cached.read) == (plain.computed, plain.scores, 0)
    assert cached.written == cached.computed


@given(steps, prompts)
def test_with_a_cache_each_token_and_each_pair_is_computed_once(step, prompt_length):
    n = prompt_length + step
    total = cache_rules.totals(step, prompt_length, cached=True)
    assert total.computed == total.written == 2 * n
    assert total.scores == n * (n + 1) // 2 == cache_rules.counts(step, prompt_length, cached=False).scores
    assert total.read == 2 * sum(range(prompt_length, n))


@given(steps, prompts)
def test_without_one_every_step_computes_all_there_is(step, prompt_length):
    total = cache_rules.totals(step, prompt_length, cached=False)
    lengths = range(prompt_length, prompt_length + step + 1)
    assert total == Counts(2 * sum(lengths), 0, 0, sum(n * (n + 1) // 2 for n in lengths))


@given(steps, prompts)
def test_a_cached_step_uses_as_many_vectors_as_one_without(step, prompt_length):
    cached, plain = (cache_rules.counts(step, prompt_length, cached) for cached in (True, False))
    assert cached.computed + cached.read == plain.computed


@given(steps, prompts, st.booleans())
def test_the_totals_grow_by_the_step(step, prompt_length, cached):
    before, after = (cache_rules.totals(s, prompt_length, cached) for s in (step, step + 1))
    assert before + cache_rules.counts(step + 1, prompt_length, cached) == after


@given(steps, prompts)
def test_the_scores_are_the_entries_that_a_causal_mask_leaves(step, prompt_length):
    n = prompt_length + step
    mask = np.tril(np.ones((n, n), dtype=int))
    new = mask[-1:] if step else mask
    assert cache_rules.counts(step, prompt_length, cached=True).scores == new.sum()
    assert cache_rules.counts(step, prompt_length, cached=False).scores == mask.sum()


@given(steps, prompts, st.integers(0, 5), st.booleans())
def test_the_picture_has_as_many_entries_as_are_counted(step, prompt_length, more, cached):
    n_tokens = prompt_length + step + more
    states = cache_rules.states(step, prompt_length, cached, n_tokens)
    expected = cache_rules.counts(step, prompt_length, cached)
    held = states["keys"] + states["values"]
    assert len(held) - held.count(ABSENT) - held.count(READ) == expected.computed
    assert held.count(READ) == expected.read
    scores = [state for row in states["scores"] for state in row]
    assert scores.count(COMPUTED) + scores.count(AGAIN) == expected.scores
    assert [len(row) for row in states["scores"]] == list(range(1, n_tokens + 1))
    assert not cached or AGAIN not in {*states["queries"], *held, *states["outputs"], *scores}


def test_the_picture_of_a_step():
    cached, plain = (cache_rules.states(1, 2, cached, 4) for cached in (True, False))
    assert cached["queries"] == cached["outputs"] == [ABSENT, ABSENT, COMPUTED, ABSENT]
    assert cached["keys"] == cached["values"] == [READ, READ, COMPUTED, ABSENT]
    assert cached["scores"] == [[ABSENT], [ABSENT] * 2, [COMPUTED] * 3, [ABSENT] * 4]
    assert plain["queries"] == plain["keys"] == plain["values"] == plain["outputs"] == [AGAIN, AGAIN, COMPUTED, ABSENT]
    assert plain["scores"] == [[AGAIN], [AGAIN] * 2, [COMPUTED] * 3, [ABSENT] * 4]


ONE = "1 query, 1 key and 1 value are computed"
FIVE = "5 queries, 5 keys and 5 values are computed"
LOGITS = "The logits of the last row give the next token,"


@pytest.mark.parametrize(
    ("step", "prompt_length", "cached", "words"),
    [
        (
            *(0, 1, True),
            f"Step 0 reads the prompt, one token: {ONE}, and the key and the value are written to the cache. "
            f"{LOGITS} “b”.",
        ),
        (*(0, 5, False), f"Step 0 reads the prompt, 5 tokens at once: {FIVE}, and none of them is kept. {LOGITS} “f”."),
        (
            *(3, 3, True),
            f"Step 3 reads one token, “f”: {ONE}; 5 keys and 5 values are read from the cache. {LOGITS} “g”.",
        ),
        (
            *(1, 1, True),
            f"Step 1 reads one token, “b”: {ONE}; 1 key and 1 value are read from the cache. {LOGITS} “c”.",
        ),
        (
            *(2, 3, False),
            f"Step 2 reads all 5 tokens, although only “e” is new: {FIVE}, 4 of each again, to the same numbers as "
            f"before. {LOGITS} “f”.",
        ),
        (
            *(4, 3, True),
            f"Step 4 reads one token, “g”: {ONE}; 6 keys and 6 values are read from the cache. The logits of the last "
            "row would give one more token.",
        ),
    ],
)
def test_a_step_in_words(step, prompt_length, cached, words):
    assert cache_rules.words(step, prompt_length, cached, "abcdefg") == words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 1), "step must be at least 0, got -1"),
        ((0, 0), "prompt_length must be at least 1, got 0"),
        ((1.5, 1), "step must be a whole number, got 1.5"),
        ((1, "2"), "prompt_length must be a whole number, got '2'"),
    ],
)
def test_the_rules_refuse_what_is_no_step(arguments, message):
    for rule in (cache_rules.counts, cache_rules.totals):
        with pytest.raises(ValueError, match=message):
            rule(*arguments, cached=True)
    with pytest.raises(ValueError, match="n_tokens must be at least 4, got 3"):
        cache_rules.states(2, 2, cached=True, n_tokens=3)


# The stepper


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["one"], "tokens must hold 2 to 12 strings, got 1: add some"),
        ([], "tokens must hold 2 to 12 strings, got 0: add some"),
        (["a"] * 13, "tokens must hold 2 to 12 strings, got 13: cut the text"),
        ("the cat", "tokens must be a list of strings, got the string 'the cat': split it"),
        ([464, 3797], "tokens must be strings, got 464: decode each id"),
        (7, "tokens must be a list of strings, got 7: give the text of each token"),
    ],
)
def test_tokens_that_make_no_picture_are_refused_and_leave_nothing_open(tokens, message):
    before = set(_instances)
    with pytest.raises(ValueError, match=re.escape(message)):
        CacheStepper(tokens)
    assert set(_instances) == before


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("prompt_length", 0, "prompt_length must be from 1 to 6, got 0: one token at least is generated"),
        ("prompt_length", 7, "prompt_length must be from 1 to 6, got 7"),
        ("step", -1, "step must be from 0 to 4, got -1"),
        ("step", 5, "step must be from 0 to 4, got 5: after step 4 all 7 tokens are held"),
        ("step", "2", "'step' trait of a CacheStepper instance expected an int"),
        ("cached", "no", "'cached' trait of a CacheStepper instance expected a boolean"),
        ("tokens", ["a", "b"], 'The "tokens" trait is read-only'),
    ],
)
def test_a_value_out_of_range_is_refused_and_nothing_changes(stepper, name, value, message):
    before = repr(stepper), stepper._view.get_state()
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(stepper, name, value)
    assert (repr(stepper), stepper._view.get_state()) == before
    open_before = set(_instances)
    if name != "tokens":
        with pytest.raises(traitlets.TraitError, match=message):
            CacheStepper(TOKENS, **{"prompt_length": 3} | {name: value})
    assert set(_instances) == open_before


def test_the_controls_stand_where_the_values_want_them():
    stepper = CacheStepper(TOKENS, np.int64(3), step=np.int32(2), cached=False)
    step, prompt, cached = stepper._sliders.values()
    assert [(one.min, one.value, one.max) for one in (step, prompt)] == [(0, 2, 4), (1, 3, 6)]
    assert (cached.value, stepper._view.last_step) == (False, 4)
    assert (stepper.counts, stepper.totals) == (cache_rules.counts(2, 3, False), cache_rules.totals(2, 3, False))
    stepper.step = stepper.last_step
    assert (step.value, stepper._view.step, stepper._view.step_stop) == (4, 4, 4)


def test_a_longer_prompt_keeps_the_step_in_range(stepper):
    stepper.step, stepper.prompt_length = 4, 5
    assert (stepper.step, stepper.last_step, stepper._view.step, stepper._view.last_step) == (2, 2, 2, 2)
    assert (stepper._sliders["step"].value, stepper._sliders["step"].max) == (2, 2)
    stepper.prompt_length = 1
    assert (stepper.step, stepper._sliders["step"].max) == (2, 6)


@pytest.mark.parametrize("names", [("step", "prompt_length"), ("prompt_length", "step")])
def test_a_hand_on_a_knob_arrives_in_python(names, stepper):
    stepper._view.set_state({"step": 4, "cached": False})
    assert (stepper.step, stepper.cached) == (4, False)
    sent = {"prompt_length": 6, "step": 1, "last_step": 1}  # the browser keeps the step in range itself
    stepper._view.set_state({name: sent[name] for name in (*names, "last_step")})
    assert (stepper.prompt_length, stepper.step) == (6, 1)
    assert (type(stepper.step), stepper._view.last_step) == (int, 1)


@pytest.mark.parametrize("names", [("step", "prompt_length"), ("prompt_length", "step")])
def test_two_knobs_may_come_in_one_message(names):
    stepper = CacheStepper(TOKENS, 6, 1)
    sent = {"prompt_length": 1, "step": 6}  # no step of the longer prompt
    stepper._view.set_state({name: sent[name] for name in (*names, "step")})
    assert (stepper.prompt_length, stepper.step, stepper._view.step) == (1, 6, 6)


def test_what_comes_from_the_browser_is_not_pushed_back(stepper, monkeypatch):
    stepper._view.set_state({"step": 4, "step_stop": 4})
    sent = []
    for widget in (stepper._view, stepper._sliders["step"]):
        monkeypatch.setattr(widget, "send_state", lambda key, of=widget: sent.append((type(of).__name__, key)))
    stepper._view.set_state({"prompt_length": 5, "step": 2, "step_stop": 2})  # the slider's own message comes later
    assert (stepper.prompt_length, stepper.step, sent) == (5, 2, [])


def test_a_knob_of_whole_numbers():
    knob = Whole("step", "step", min=0, max=5)
    assert knob.declaration() == {"label": "step", "min": 0, "max": 5}
    assert (knob.stop(7), knob.stop(-1), knob.stop(3), knob.tidy(2.9999999)) == (5, 0, 3, 3)
    assert (type(knob.tidy(3.0)), knob.slider(7).value, knob.slider(2).step) == (int, 5, 1)


def test_what_travels_is_small_and_every_character_can_be_seen():
    stepper = CacheStepper(["a", " b", "\n"])
    assert stepper._view.labels == ["a", "␣b", "⏎"]
    state = {name: value for name, value in stepper._view.get_state().items() if name not in ("_esm", "_css")}
    assert len(json.dumps(state)) < 1000


def test_a_notebook_shows_the_figure_beside_the_view(stepper):
    stepper.step = 2
    data = stepper._repr_mimebundle_()
    json.dumps(data)
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "step 2 of 4, a prompt of 3, with a KV cache. Step 2 reads one token, “␣the”" in data["text/html"]
    assert (
        "computed: 2 in this step, 10 so far; read from the cache: 8, 14; scores computed: 5, 15." in data["text/html"]
    )
    assert repr(stepper) == "CacheStepper(7 tokens, step 2 of 4, a prompt of 3, with a KV cache)"


@pytest.mark.parametrize("cached", [True, False])
def test_the_figure_has_a_box_for_each_vector_and_each_score(cached):
    stepper = CacheStepper(TOKENS, 3, 2, cached=cached)
    (axes,) = stepper.figure().axes
    assert len(axes.patches) == 4 * 7 + 7 * 8 // 2
    looks = [(box.get_facecolor(), box.get_hatch()) for box in axes.patches]
    counted = {look: looks.count(look) for look in looks}
    now = stepper.counts
    boxes = {3 + 1 + 5, now.read} if cached else {5 + 4, 4 * 4 + 10}  # queries, keys, values, outputs and scores
    assert boxes | {len(looks) - sum(boxes)} == set(counted.values())
    assert len({hatch for _, hatch in looks if hatch}) == 1


def test_the_figure_refuses_a_state_without_a_colour():
    with pytest.raises(ValueError, match="states holds 'lost': choose among computed, again, read, absent"):
        plots.cache_step(["a"], {"queries": ["lost"], "keys": [], "values": [], "scores": [], "outputs": []})


def test_a_closed_stepper_leaves_nothing_open():
    before = set(_instances)
    stepper = CacheStepper(TOKENS)
    assert len(set(_instances) - before) > 10
    stepper.close()
    assert set(_instances) == before
