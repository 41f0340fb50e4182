"""The memory budget explorer, as Python sees it; tests/browser drives the same in a real page."""

import json

import numpy as np
import pytest
import torch
import traitlets
from ipywidgets.widgets.widget import _instances

from course_utils import memory, plots
from course_utils.widgets import BudgetExplorer
from course_utils.widgets.budget_explorer import RANK, facts
from course_utils.widgets.knobs import Switch


@pytest.fixture
def explorer():
    return BudgetExplorer()


def test_it_opens_with_the_models_own_context():
    assert [BudgetExplorer(model).context_length for model in ("gpt-2", "mistral-7b")] == [1024, 8192]
    explorer = BudgetExplorer("gpt-2", context_length=4096)  # longer than the model was made for
    assert explorer.budget == memory.inference_memory("gpt-2", context_length=4096)


@pytest.mark.parametrize(
    ("bits", "dtype"), [(32, torch.float32), (16, torch.float16), (8.5, torch.float16), (4.5, torch.float16)]
)
def test_to_answer_it_shows_what_inference_memory_says(explorer, bits, dtype):
    explorer.model, explorer.batch_size, explorer.weight_bits = "llama-3-8b", 16, bits
    assert explorer.budget == memory.inference_memory("llama-3-8b", dtype, 4096, 16, weight_bits=bits)


@pytest.mark.parametrize("recipe", memory.RECIPES)
def test_to_train_it_shows_what_training_memory_says(explorer, recipe):
    explorer.task, explorer.recipe, explorer.n_devices, explorer.checkpointed = "train", recipe, 8, True
    expected = memory.training_memory("llama-2-7b", 1, 4096, recipe, n_devices=8, checkpointed=True, rank=RANK)
    assert explorer.budget == expected


def test_the_verdict_is_about_the_card():
    explorer = BudgetExplorer(card=16.1)  # 13.48 + 2.15 + 0.37
    assert explorer.verdict == "fits: 0.1 GB to spare"
    explorer.card = 8
    assert explorer.verdict == "doesn't fit: 8.0 GB too much"
    explorer.task, explorer.card = "train", 80
    assert explorer.verdict == "doesn't fit: 0.9 GB too much"  # 12 bytes for each of 6.74 billion weights
    explorer.card = explorer.budget.total / 1e9 + 1e-6
    assert explorer.verdict == "fits: less than 0.01 GB to spare"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("model", "lama-2-7b", "unknown model 'lama-2-7b': did you mean llama-2-7b or"),
        ("task", "chat", "task must be one of answer, train, got 'chat'"),
        ("recipe", "adam", "recipe must be one of lecture, float32, .*, got 'adam'"),
        ("weight_bits", 5, "weight_bits must be one of 4.5, 8.5, 16, 32, got 5"),
        ("context_length", 0, "context_length must be from 1 to 131,072, got 0"),
        ("context_length", 2**18, "context_length must be from 1 to 131,072, got 262144"),
        ("batch_size", 257, "batch_size must be from 1 to 256, got 257"),
        ("n_devices", -1, "n_devices must be from 1 to 1,024, got -1"),
        ("card", 0, "card must be from 0.001 to 10,000 gigabytes, got 0"),
        ("card", float("nan"), "card must be from 0.001 to 10,000 gigabytes, got nan"),
        ("batch_size", "4", "'batch_size' trait of a BudgetExplorer instance expected an int"),
        ("checkpointed", "no", "'checkpointed' trait of a BudgetExplorer instance expected a boolean"),
    ],
)
def test_a_value_out_of_range_is_refused_and_nothing_changes(explorer, name, value, message):
    before = repr(explorer), explorer._view.get_state()
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(explorer, name, value)
    assert (repr(explorer), explorer._view.get_state()) == before
    open_before = set(_instances)
    with pytest.raises(traitlets.TraitError, match=message):
        BudgetExplorer(**{name: value})
    assert set(_instances) == open_before


def test_numbers_of_numpy_and_values_between_two_stops_are_taken(explorer):
    explorer.context_length, explorer.n_devices, explorer.card = np.int64(3000), np.int32(3), np.float32(40)
    assert (explorer.context_length, explorer.n_devices, explorer.card) == (3000, 3, 40.0)
    assert explorer._sliders["context_length"].label == "2,048 tokens"  # the nearest place
    assert explorer.budget == memory.inference_memory("llama-2-7b", context_length=3000)


def test_the_controls_stand_where_the_values_want_them():
    explorer = BudgetExplorer("gpt-3", "train", recipe="zero-3", n_devices=64, checkpointed=True, card=80)
    seen = {name: getattr(control, "label", control.value) for name, control in explorer._sliders.items()}
    assert seen == {
        "task": "train",
        "model": "gpt-3",
        "card": "80 GB",
        "recipe": "zero-3",
        "context_length": "2,048 tokens",
        "batch_size": "1 text",
        "weight_bits": "16",
        "n_devices": "64",
        "checkpointed": True,
    }


def test_a_hand_on_a_knob_arrives_in_python(explorer):
    explorer._view.set_state({"task": "train", "checkpointed": True, "n_devices": 16, "weight_bits": 4.5})
    assert (explorer.task, explorer.checkpointed, explorer.n_devices, explorer.weight_bits) == ("train", True, 16, 4.5)
    explorer.checkpointed = False
    assert (explorer._view.checkpointed, explorer._view.checkpointed_stop) == (False, False)
    assert explorer._sliders["checkpointed"].value is False


def test_a_box_is_a_knob_as_well():
    knob = Switch("checkpointed", "checkpointed")
    assert (knob.declaration(), knob.stop(True), knob.tidy(False)) == ({"label": "checkpointed"}, True, False)
    assert (knob.slider(True).value, knob.slider(True).description) == (True, "checkpointed")


def test_what_travels_is_small_and_all_of_it_numbers(explorer):
    sent = json.loads(json.dumps(explorer._view.facts))
    assert sent == facts()
    assert (set(sent["models"]), list(sent["recipes"])) == (set(memory.NAMED), list(memory.RECIPES))
    for name, shape in sent["models"].items():
        assert shape["n_parameters"] == memory.NAMED[name].n_parameters
    state = {name: value for name, value in explorer._view.get_state().items() if name not in ("_esm", "_css")}
    assert len(json.dumps(state)) < 10_000


def test_a_notebook_shows_the_figure_beside_the_view(explorer):
    data = explorer._repr_mimebundle_()
    json.dumps(data)
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "KV cache 2.15 GB, activations 0.37 GB; 16.00 GB in all. On a card of 24 GB it fits" in data["text/html"]
    assert repr(explorer) == "BudgetExplorer(llama-2-7b, answer, 16 bits, 1 x 4,096 tokens, 16.00 GB, card=24)"
    explorer.task, explorer.checkpointed = "train", True
    assert "llama-2-7b, train, lecture, 1 device, 1 x 4,096 tokens, checkpointed: weights 13.48" in explorer.describe()


@pytest.mark.parametrize("card", [8, 24, 80])
@pytest.mark.parametrize("recipe", ["qlora", "zero-3"])
def test_the_figure_has_a_piece_for_each_item_and_a_line_for_the_card(recipe, card):
    explorer = BudgetExplorer("llama-2-13b", "train", recipe=recipe, card=card)
    (axes,) = explorer.figure().axes
    widths = [bar.get_width() for piece in axes.containers for bar in piece]
    assert sorted(widths) == pytest.approx(sorted(size / 1e9 for size in explorer.budget.items.values()))
    assert list(axes.lines[0].get_xdata()) == [card, card]
    assert axes.get_xlim()[1] > max(card, explorer.budget.total / 1e9)
    hatches = [bar.get_hatch() for piece in axes.containers for bar in piece]
    assert len(set(hatches)) == len(hatches)


def test_the_figure_refuses_an_item_without_a_colour():
    with pytest.raises(ValueError, match="budgets holds 'cats': choose among weights, KV cache"):
        plots.memory_bars({"a": {"weights": 1, "cats": 2}})
    with pytest.raises(ValueError, match="budgets is empty"):
        plots.memory_bars({})


def test_a_closed_explorer_leaves_nothing_open():
    before = set(_instances)
    explorer = BudgetExplorer()
    assert len(set(_instances) - before) > 20
    explorer.close()
    assert set(_instances) == before
