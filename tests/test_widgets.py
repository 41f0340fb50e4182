"""The sampling explorer, as Python sees it; tests/browser drives the same in a real page."""

import json
import math
import re

import numpy as np
import pytest
import torch
import traitlets
from hypothesis import given
from hypothesis import strategies as st
from ipywidgets.widgets.widget import _instances
from ipywidgets.widgets.widget_link import Link

from course_utils import decoding
from course_utils.tokenization import BPETokenizer
from course_utils.transformer import DecoderLM, TransformerConfig
from course_utils.widgets import SamplingExplorer

V = 300
TOKENS = [f" w{i}" for i in range(V)]


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(size=V) * 3


@pytest.fixture
def explorer(logits):
    return SamplingExplorer(TOKENS, logits)


class Letters:
    """A tokenizer whose ids are code points."""

    def encode(self, text):
        return [ord(c) for c in text]

    def token_texts(self):
        return list(map(chr, range(128)))


class Successor(torch.nn.Module):
    """Most probable after the letter i is the letter i + 1."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.runs = []

    def forward(self, ids):
        self.runs.append(ids.tolist()[0])
        if ids.shape[1] > 20:
            raise RuntimeError("the prompt is longer than the context of 20 tokens")
        return 5.0 * torch.nn.functional.one_hot(ids + 1, 130).float()  # (B, T, 130): two more than the tokenizer


def walker_of(prompt):
    return SamplingExplorer.from_model(Successor(), Letters(), prompt)


@pytest.fixture
def walker():
    return walker_of("ab")


def ask(explorer, **content):
    """A message of the browser."""
    explorer._view._handle_custom_msg({"id": "1", **content}, [])


@given(
    st.lists(st.sampled_from([-math.inf, -2.0, 0.0, 0.1, 1.0, 1.0000001]), min_size=1, max_size=40).filter(
        lambda row: max(row) > -math.inf
    ),
    st.sampled_from([0.0, 0.05, 0.3, 1.0, 1.9, 2.0]),
    st.integers(1, 45),
    st.sampled_from([1e-6, 0.1, 0.5, 0.9, 0.999, 1.0]),
)
def test_kept_agrees_with_decoding_ties_included(row, temperature, top_k, top_p):
    explorer = SamplingExplorer(["x"] * len(row), row, temperature=temperature, top_k=top_k, top_p=top_p)
    scaled = decoding.apply_temperature(torch.tensor(row), temperature)
    filtered = decoding.top_p_filter(decoding.top_k_filter(scaled, top_k), top_p)
    allowed = [i for i in range(len(row)) if filtered[i] > -math.inf]
    assert explorer.kept == sorted(allowed, key=lambda i: (-filtered[i].item(), i))


def test_kept_starts_with_the_most_probable(explorer, logits):
    explorer.top_k = 3
    assert explorer.kept == np.argsort(-logits)[:3].tolist()


def test_temperature_0_keeps_the_first_of_equals():
    assert SamplingExplorer(TOKENS, np.ones(V), temperature=0).kept == [0]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("temperature", 3, r"temperature must be between 0 and 2 .* got 3"),
        ("temperature", -0.1, r"temperature .* got -0\.1"),
        ("temperature", 4e-7, r"temperature .*6 decimals .* got 4e-07"),
        ("temperature", np.float32(3), r"temperature .* got 3\.0"),
        ("temperature", "1", "temperature"),
        ("top_k", np.float32(2.5), "top_k"),
        ("temperature", math.nan, r"temperature .* got nan"),
        ("top_p", 0, r"top_p must be more than 0 and at most 1 .* got 0"),
        ("top_p", 1e-9, r"top_p .*6 decimals .* got 1e-09"),
        ("top_p", 1.01, r"top_p .* got 1\.01"),
        ("top_k", 0, r"top_k must be from 1 to 300 .* got 0"),
        ("top_k", 2.5, r"top_k"),
        ("seed", -1, r"seed must be from 0 to 4294967295, got -1"),
        ("drawn", [V], r"drawn must hold ids from 0 to 299, got 300"),
    ],
)
def test_a_value_out_of_range_is_refused_and_nothing_changes(explorer, name, value, message):
    explorer.temperature, explorer.top_k, explorer.top_p, explorer.drawn = 0.7, 8, 0.9, [5]
    before, kept, sent = repr(explorer), explorer.kept, explorer._view.get_state()
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(explorer, name, value)
    assert (repr(explorer), explorer.kept, explorer._view.get_state()) == (before, kept, sent)


def test_numpys_numbers_are_numbers(logits):
    explorer = SamplingExplorer(TOKENS, logits, temperature=np.float32(0.7), top_p=np.int64(1), top_k=np.int64(8))
    explorer.seed, explorer.drawn = np.uint8(3), [np.int64(5)]
    values = explorer.temperature, explorer.top_p, explorer.top_k, explorer.seed, *explorer.drawn
    assert values == (0.7, 1.0, 8, 3, 5)
    assert [type(value) for value in values] == [float, float, int, int, int]
    explorer.temperature, explorer.top_p = np.int64(1), np.float16(0.5)
    assert (explorer.temperature, explorer.top_p) == (1.0, 0.5)


def test_the_smallest_temperature_is_not_greedy():
    explorer = SamplingExplorer(["a", "b"], [1.0, 1.0], temperature=1e-6)
    assert (explorer.temperature, explorer.kept) == (1e-6, [0, 1])


def test_kept_holds_a_token_whose_probability_rounds_to_0():
    assert SamplingExplorer(["a", "b", "c"], [0.0, -1e4, -math.inf]).kept == [0, 1]


def test_more_than_v_is_v(explorer):
    explorer.top_k = V + 1
    assert explorer.top_k == V


def test_setting_a_trait_moves_the_slider_and_the_picture(explorer):
    temperature, top_k, top_p = explorer.children[:3]
    explorer.temperature, explorer.top_k, explorer.top_p = 0.5, 50, 0.001
    assert (temperature.value, top_k.label, top_p.value) == (0.5, "50", 0.01)  # the slider's lower end
    assert (explorer._view.temperature, explorer._view.top_k, explorer._view.top_p) == (0.5, 50, 0.001)


def test_a_value_between_the_stops_is_kept(explorer):
    explorer.top_k = 27
    assert (explorer.top_k, explorer._view.top_k, explorer.children[1].label) == (27, 27, "25")


def test_what_the_browser_sets_is_seen_and_rounded(explorer):
    seen = []
    explorer.observe(lambda change: seen.append((change.name, change.new)), ["temperature", "top_k", "drawn"])
    explorer._view.set_state({"temperature": 1.0999999999999999, "top_k": 8, "drawn": [1, 2]})
    assert sorted(seen) == [("drawn", [1, 2]), ("temperature", 1.1), ("top_k", 8)]


def test_what_the_browser_sets_is_not_sent_back(explorer, monkeypatch):
    """A slider that has moved on since must not be pulled back."""
    sent = []
    for widget in (explorer._view, *explorer.children[:3]):
        monkeypatch.setattr(widget, "send_state", lambda key=None: sent.append(key))
    explorer._view.set_state({"temperature": 1.0999999999999999, "top_k": 8, "top_p": 0.30000000000000004})
    assert sent == []


def test_sliders_have_the_lectures_names_and_are_linked_in_the_browser(explorer):
    sliders = explorer.children[:3]
    assert [slider.description for slider in sliders] == ["temperature", "top-k", "top-p"]
    links = [w for w in _instances.values() if isinstance(w, Link)]
    linked = [(link.source[1], link.target) for link in links if link.source[0] is explorer._view]
    expected = [("temperature_stop", "value"), ("top_k_stop", "index"), ("top_p_stop", "value")]
    assert linked == [(own, (slider, other)) for (own, other), slider in zip(expected, sliders, strict=True)]


def test_the_top_k_slider_reaches_every_small_k_and_cuts_nothing_at_its_end():
    slider = SamplingExplorer(["x"] * 49152, np.zeros(49152)).children[1]
    assert slider.options[:3] == ("1", "2", "3")
    assert slider.options[-2:] == ("20,000", "all (49,152)")
    assert slider.label == "all (49,152)"


@pytest.mark.parametrize("size", [1, 2, 5, 24, 25, 26])
def test_small_vocabularies(size):
    explorer = SamplingExplorer(TOKENS[:size], np.zeros(size))
    assert len(explorer._view.shown) == (24 if size == 26 else size)
    assert explorer.children[1].label == f"all ({size})"
    assert explorer.kept == list(range(size))


def test_only_the_tokens_on_show_travel_as_strings():
    tokens = [f"token-{i}" for i in range(49152)]
    explorer = SamplingExplorer(tokens, np.arange(49152.0))
    state = explorer._view.get_state()
    assert len(state.pop("logits")) == 4 * 49152
    del state["_esm"], state["_css"]
    assert len(json.dumps(state)) < 4000
    assert json.dumps(state).count("token-") == 2 * 24  # text and label


def test_the_string_of_a_drawn_token_follows_it(explorer):
    explorer._view.set_state({"drawn": [7]})
    assert explorer._view.names == {"7": {"text": " w7", "label": "␣w7"}}


@pytest.mark.parametrize(
    ("tokens", "logits", "message"),
    [
        ([], [], "tokens is empty"),
        (TOKENS, np.zeros(7), r"logits must be one row .* 300 tokens, got shape \(7,\)"),
        (TOKENS, np.zeros((1, V)), r"logits must be one row .* got shape \(1, 300\)"),
        (TOKENS, None, r"logits must be one row .* 300 tokens, got a NoneType"),
        (TOKENS, "abc", r"logits must be one row .* got a str"),
        (TOKENS, [[1.0], [1.0, 2.0]], r"logits must be one row .* got a list"),
        (TOKENS, np.full(V, math.nan), "logits hold NaN"),
        (TOKENS, np.full(V, math.inf), r"logits hold \+inf"),
        (TOKENS, np.full(V, -math.inf), "all -inf"),
    ],
)
def test_bad_input_is_named(tokens, logits, message):
    with pytest.raises(ValueError, match=message):
        SamplingExplorer(tokens, logits)


def test_logits_may_be_replaced_and_a_bad_row_leaves_the_old_one(explorer):
    explorer.logits = torch.arange(V, dtype=torch.bfloat16)
    assert explorer._view.shown[0]["label"] in ("␣w299", "␣w298")  # equal in bfloat16
    sent = explorer._view.logits
    with pytest.raises(ValueError, match="NaN"):
        explorer.logits = np.full(V, math.nan)
    assert explorer._view.logits == sent
    assert np.frombuffer(sent, "<f4").tolist() == explorer.logits.tolist()


def test_the_callers_array_is_not_shared(logits):
    logits = logits.astype(np.float32)
    explorer = SamplingExplorer(TOKENS, logits)
    explorer.top_k = 1
    kept = explorer.kept
    logits[:] = 0
    assert explorer.kept == kept


def test_a_notebook_shows_a_picture_beside_the_view(explorer):
    explorer.top_k = 8
    data = explorer._repr_mimebundle_()
    assert data["text/plain"] == "SamplingExplorer(300 tokens, temperature=1.0, top_k=8, top_p=1.0)"
    assert "application/vnd.jupyter.widget-view+json" in data
    assert re.search(r'<img src="data:image/png;base64,iVBOR[^"]+" alt="Bars [^"]+: 8 of 300 tokens', data["text/html"])


def test_the_figure_shows_the_same_state(explorer, logits):
    explorer.temperature, explorer.top_k = 0.5, 8
    axes = explorer.figure().axes[0]
    probs = decoding.next_token_probs(torch.tensor(logits), 0.5, 8).sort(descending=True).values
    heights = [bar.get_height() for bar in axes.patches if bar.get_hatch() is None][:8]
    assert heights == pytest.approx(probs[:8].tolist(), rel=1e-5)
    assert sum(bar.get_hatch() is not None for bar in axes.patches) == 24 - 8


def test_from_model_shows_what_the_model_says_after_the_prompt(walker):
    assert walker.kept[0] == ord("c")
    assert len(walker.tokens) == 130
    assert walker.tokens[99] == "c"
    assert walker.tokens[129] == "[129]"


def test_a_model_that_can_cache_is_asked_for_its_next_token_alone():
    model = DecoderLM(TransformerConfig(130, 16, 1, 2, 2, 32, context_length=16))
    explorer = SamplingExplorer.from_model(model, Letters(), "ab")
    with torch.no_grad():
        assert explorer.logits == pytest.approx(model(torch.tensor([[97, 98]]))[0, -1].numpy(), abs=1e-6)
    model.forward = None  # would give the logits of all positions
    explorer.run("xyz")


def test_a_message_of_the_browser_runs_another_prompt(walker):
    ask(walker, ask="prompt", prompt="xy")
    assert walker.kept[0] == ord("z")
    assert (walker._view.prompt_shown, walker._view.status) == ("xy", "")
    assert walker._view.reply == {"id": "1", "ok": True}


def test_the_box_learns_of_a_new_prompt_behind_the_view(walker):
    """Else the browser takes the box's message for a hand's, and asks for the prompt that it is about to hear of."""
    sent = []
    walker._view.send_state = lambda key=None: sent.append("view")
    walker._box.send_state = lambda key=None: sent.append("box")
    walker.run("xy")
    assert sent[-1] == "box"
    assert sent.count("box") == 1


def test_a_walk_reads_the_drawn_tokens(walker):
    walker._view.set_state({"drawn": [ord("m")]})
    ask(walker, ask="walk", drawn=[ord("m")])
    assert walker._model.runs[-1] == [ord(c) for c in "abm"]
    assert walker.kept[0] == ord("n")
    assert (walker.drawn, walker._view.walked) == ([ord("m")], 1)
    walker.run("q")
    assert (walker.drawn, walker._view.walked, walker.kept[0]) == ([], 0, ord("r"))


@pytest.mark.parametrize(
    ("prompt", "message"), [("", "prompt is empty"), ("a" * 21, "RuntimeError: the prompt is longer than the context")]
)
def test_what_goes_wrong_is_said_and_leaves_everything_as_it_was(walker, prompt, message):
    walker._view.set_state({"drawn": [100]})
    logits = walker.logits.copy()
    ask(walker, ask="prompt", prompt=prompt)
    assert message in walker._view.status
    assert walker._view.reply["ok"] is False
    assert (walker.logits == logits).all()
    assert (walker.drawn, walker._view.prompt_shown) == ([100], "ab")
    ask(walker, ask="prompt", prompt="b")
    assert walker._view.status == ""


def test_run_raises_in_python(walker, explorer):
    with pytest.raises(ValueError, match="prompt is empty: type at least one character"):
        walker.run("")
    with pytest.raises(ValueError, match=r"no model to run: make it with SamplingExplorer\.from_model"):
        explorer.run("a")


def test_settings_reach_an_explorer_of_a_model():
    walker = SamplingExplorer.from_model(Successor(), Letters(), "ab", top_k=5, seed=3)
    assert (walker.top_k, walker.seed) == (5, 3)


def test_the_running_text_grows_by_what_each_token_adds():
    """The second byte completes the character, and the third has no letter of its own."""
    tokenizer = BPETokenizer([])
    first, second = tokenizer.encode("é")
    walker = SamplingExplorer.from_model(lambda ids: torch.zeros(1, 1, 258), tokenizer, "caf")
    walker._view.set_state({"drawn": [first]})
    assert walker._view.running == {"ids": [first], "pieces": ["\ufffd"]}
    walker._view.set_state({"drawn": [first, second]})
    assert walker._view.running == {"ids": [first, second], "pieces": ["", "é"]}
    walker._view.set_state({"drawn": [first, 257]})  # one of the ids with which the model pads its vocabulary
    assert walker._view.running["pieces"][1] == "[257]"


def test_newlines_of_a_prompt_reach_the_box_and_the_model():
    walker = walker_of("a\nb")
    box = walker.children[0]
    assert box.value == walker._view.prompt == "a\nb"
    ask(walker, ask="prompt", prompt="c\nd\n")
    assert walker._model.runs[-1] == [ord(c) for c in "c\nd\n"]
    assert box.value == "c\nd\n"


@pytest.mark.parametrize("make", [lambda: SamplingExplorer(TOKENS, np.zeros(V)), lambda: walker_of("ab")])
def test_a_closed_explorer_leaves_nothing_open(make):
    before = set(_instances)
    explorer = make()
    assert len(set(_instances) - before) > 10
    explorer.close()
    assert set(_instances) == before
    explorer.close()  # twice is once
    explorer.temperature = 0.5  # a value can still be set
    assert set(_instances) == before


@pytest.mark.parametrize(
    "make", [lambda: SamplingExplorer(TOKENS, np.zeros(V), top_p=2), lambda: walker_of(""), lambda: walker_of("a" * 21)]
)
def test_an_explorer_that_is_refused_leaves_nothing_open(make):
    before = set(_instances)
    with pytest.raises((ValueError, RuntimeError, traitlets.TraitError)):
        make()
    assert set(_instances) == before
