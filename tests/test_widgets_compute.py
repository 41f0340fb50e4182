"""The compute explorer, as Python sees it; tests/browser drives the same in a real page."""

import json
import math
import re

import numpy as np
import pytest
import traitlets
from ipywidgets.widgets.widget import _instances

from course_utils import plots, scaling
from course_utils.scaling import CHINCHILLA, CHINCHILLA_REFITTED, KAPLAN, KAPLAN_FRONTIER, Chinchilla
from course_utils.widgets import ComputeExplorer, compute_rules

OURS = Chinchilla(E=0.6, A=60.0, B=2000.0, alpha=0.5, beta=0.6)


@pytest.fixture
def explorer():
    return ComputeExplorer()


def test_it_opens_at_the_best_size_of_the_first_law(explorer):
    assert (explorer.law, explorer.flops, explorer.relative_size) == ("Chinchilla (2022)", 1e22, 1)
    n, d = CHINCHILLA.compute_optimal(1e22)
    assert (explorer.n_params, explorer.n_tokens, explorer.loss) == (n, d, CHINCHILLA(n, d))
    assert explorer.chosen == explorer.best


@pytest.mark.parametrize(
    ("name", "law"), [*zip(compute_rules.LAWS, (CHINCHILLA, CHINCHILLA_REFITTED, KAPLAN_FRONTIER), strict=True)]
)
def test_the_results_follow_the_knobs_by_each_law(explorer, name, law):
    explorer.law, explorer.flops, explorer.relative_size = name, 3e21, 4
    n, d = law.compute_optimal(3e21)
    assert explorer.n_params == pytest.approx(4 * n)
    assert explorer.n_tokens == pytest.approx(d / 4)
    assert scaling.training_flops(explorer.n_params, explorer.n_tokens) == pytest.approx(3e21)
    assert explorer.loss == pytest.approx(law(4 * n, d / 4))
    assert explorer.best.loss == pytest.approx(law(n, d))
    assert explorer.best.loss < explorer.loss


def test_the_lowest_point_is_lowest(explorer):
    for name in compute_rules.LAWS:
        sizes, losses = compute_rules.curve(compute_rules.LAWS[name], 1e23, 1 / 40, 40)
        assert min(losses) == losses[60] == pytest.approx(compute_rules.plan(compute_rules.LAWS[name], 1e23).loss)
        assert losses[:61] == sorted(losses[:61], reverse=True)
        assert losses[60:] == sorted(losses[60:])
        assert sizes[120] / sizes[0] == pytest.approx(1600)


def test_what_is_read_only_stays_so(explorer):
    for name in ("n_params", "n_tokens", "loss"):
        with pytest.raises(traitlets.TraitError, match=f'The "{name}" trait is read-only'):
            setattr(explorer, name, 1.0)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "law",
            "Kaplan",
            "law must be one of Chinchilla (2022), Chinchilla, refitted (2024), Kaplan et al. (2020), got",
        ),
        ("flops", 0, "flops must be from 1e+06 to 1e+30, got 0"),
        ("flops", 1e31, "flops must be from 1e+06 to 1e+30, got 1e+31"),
        ("flops", math.nan, "flops must be from 1e+06 to 1e+30, got nan"),
        ("flops", "1e22", "'flops' trait of a ComputeExplorer instance expected a float"),
        ("relative_size", -1, "relative_size must be from 1e-06 to 1e+06, got -1"),
        ("relative_size", 1e7, "relative_size must be from 1e-06 to 1e+06, got 1e+07"),
    ],
)
def test_a_value_out_of_range_is_refused_and_nothing_changes(explorer, name, value, message):
    before = repr(explorer), explorer._view.get_state()
    with pytest.raises(traitlets.TraitError, match=re.escape(message)):
        setattr(explorer, name, value)
    assert (repr(explorer), explorer._view.get_state()) == before
    open_before = set(_instances)
    with pytest.raises(traitlets.TraitError, match=re.escape(message)):
        ComputeExplorer(**{name: value})
    assert set(_instances) == open_before


@pytest.mark.parametrize(
    ("laws", "message"),
    [
        ({}, "laws must map at least one name to a law, got {}: give a dict"),
        ([CHINCHILLA], "laws must map at least one name to a law, got [Chinchilla("),
        ({"": CHINCHILLA}, "laws must have names, got '': call each law by a string"),
        (
            {"L(N)": KAPLAN["parameters"]},
            "laws['L(N)'] must be a Chinchilla or a Frontier, got a PowerLaw: fit one of N",
        ),
        ({"flat": Chinchilla(1, 1, 1, 0, 0.3)}, "alpha=0 and beta=0.3 must be above 0"),
    ],
)
def test_what_is_no_law_is_refused_and_leaves_nothing_open(laws, message):
    before = set(_instances)
    with pytest.raises(ValueError, match=re.escape(message)):
        ComputeExplorer(laws)
    assert set(_instances) == before


@pytest.mark.parametrize("ends", [1e20, (1e20,), (1e22, 1e20), (0, 1e20), (1e20, 1e31), (1e20, math.nan)])
def test_ends_of_the_slider_that_are_none_are_refused(ends):
    with pytest.raises(ValueError, match="flops_range must be two numbers"):
        ComputeExplorer(flops_range=ends)


def test_a_law_of_ones_own_has_a_slider_of_its_own_and_no_menu():
    explorer = ComputeExplorer({"ours": OURS}, flops_range=(1e10, 1e14))
    assert (explorer.law, explorer.flops) == ("ours", 1e12)
    assert explorer.loss == OURS(*OURS.compute_optimal(1e12))
    assert explorer._sliders["flops"].options[0] == "1e10 FLOPs"
    assert explorer._sliders["flops"].options[-1] == "1e14 FLOPs"
    assert explorer._sliders["law"].layout.display == "none"
    assert explorer._view.facts["models"] == []  # none of them was so cheap
    assert "the runs that the law was fitted to" in explorer.describe()
    assert "published" not in explorer.describe()


@pytest.mark.parametrize("law", compute_rules.LAWS)
@pytest.mark.parametrize("model", compute_rules.MODELS)
def test_a_model_that_exists_sets_both_sliders(explorer, law, model):
    explorer.law = law
    n, d = compute_rules.MODELS[model]
    explorer.place(n, d)
    assert (explorer.n_params, explorer.n_tokens) == (pytest.approx(n), pytest.approx(d))
    assert explorer.loss == pytest.approx(compute_rules.LAWS[law](n, d))
    place = explorer._sliders["flops"]
    assert place.options[place.index] == f"{compute_rules.scientific(6 * n * d)} FLOPs"  # a place of its own


def test_a_model_that_makes_no_sense_is_refused_and_nothing_moves(explorer):
    before = repr(explorer)
    for sizes, message in (
        ((0, 1e9), "n_params must be above 0, got 0"),
        ((1e9, math.nan), "n_tokens must be above 0, got nan"),
        (("big", 1e9), "n_params must be a number, got 'big'"),
    ):
        with pytest.raises(ValueError, match=message):
            explorer.place(*sizes)
    for sizes, message in (((1e20, 1e20), "flops must be"), ((1e16, 10), "relative_size must be")):
        with pytest.raises(traitlets.TraitError, match=message):
            explorer.place(*sizes)
    assert repr(explorer) == before


def test_published_models_are_what_their_authors_say():
    sizes = {name: (compute_rules.size(n), compute_rules.size(d)) for name, (n, d) in compute_rules.MODELS.items()}
    assert sizes == {
        "GPT-3": ("175 B", "300 B"),
        "Chinchilla": ("70 B", "1.4 T"),
        "Llama 2": ("6.74 B", "2 T"),
        "Llama 3": ("8.03 B", "15 T"),
        "SmolLM2": ("135 M", "2 T"),
    }


def test_the_words_say_compute_model_and_loss(explorer):
    explorer.place(70e9, 1.4e12)
    assert compute_rules.words(explorer.flops, explorer.chosen, explorer.best) == (
        "5.9e23 FLOPs are 6,810 PF-days, or 17,200 days of one H100 at 40 % of its 989 TFLOP/s. They train a model of "
        "70 B parameters on 1.4 T tokens, 20 per parameter. Its predicted loss is 1.937 nats, 0.007 above the lowest."
    )
    assert "70 M to 16 B parameters and 5 B to 500 B tokens: this is beyond them" in explorer.describe()
    explorer.flops, explorer.relative_size = 1e20, 1
    assert "1.16 PF-days, or 2.93 days" in explorer.describe()
    assert "the lowest that this compute buys" in explorer.describe()
    assert "beyond them" not in explorer.describe()
    explorer.law, explorer.flops = "Kaplan et al. (2020)", 1e24
    assert "expected it to break at about 10,000 PF-days" in explorer.describe()


def test_numbers_are_short_and_have_their_unit():
    assert [compute_rules.amount(x) for x in (6805.6, 0.1467, 1, 999.9, 1.2e-8)] == [
        *("6,810", "0.147", "1", "1,000", "1.2e-8"),
    ]
    assert [compute_rules.size(x) for x in (768, 46_200, 134.5e6, 70e9, 1.4e12, 5.4e15)] == [
        *("768", "46,200", "135 M", "70 B", "1.4 T", "5,400 T"),
    ]
    assert [compute_rules.counted(x, "day") for x in (1, 1.5)] == ["1 day", "1.5 days"]
    assert [compute_rules.scientific(x) for x in (5.88e23, 1e24, 3.3e-9)] == ["5.9e23", "1e24", "3.3e-9"]


def test_a_hand_on_a_knob_arrives_in_python(explorer):
    explorer._view.set_state({"flops": 10**20, "relative_size": 2.0, "law": "Kaplan et al. (2020)"})
    assert (explorer.law, explorer.flops, explorer.relative_size) == ("Kaplan et al. (2020)", 1e20, 2.0)
    n, _ = KAPLAN_FRONTIER.compute_optimal(1e20)
    assert explorer.n_params == pytest.approx(2 * n)
    explorer.flops = np.float64(2.2e21)
    assert (explorer._view.flops, explorer._sliders["flops"].label) == (2.2e21, "2e21 FLOPs")  # the nearest place
    explorer.relative_size = 100
    assert explorer._sliders["relative_size"].label == "best × 30"


def test_what_travels_is_small_and_all_of_it_numbers(explorer):
    facts = json.loads(json.dumps(explorer._view.facts))
    assert [law["name"] for law in facts["laws"]] == list(compute_rules.LAWS)
    assert Chinchilla(**facts["laws"][0]["constants"]) == CHINCHILLA
    state = {name: value for name, value in explorer._view.get_state().items() if name not in ("_esm", "_css")}
    assert len(json.dumps(state)) < 10_000


def test_a_notebook_shows_the_figure_beside_the_view(explorer):
    data = explorer._repr_mimebundle_()
    json.dumps(data)
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "with its lowest point, 2.139 nats, at 5.16 B parameters and 323 B tokens" in data["text/html"]
    assert repr(explorer) == "ComputeExplorer(Chinchilla (2022), 1e22 FLOPs, N=5.16 B, D=323 B, loss=2.139)"


def test_the_figure_has_a_curve_and_a_map(explorer):
    explorer.place(*compute_rules.MODELS["Llama 3"])
    left, right = explorer.figure().axes
    curve, best, chosen = left.lines
    assert best.get_xydata().tolist() == [[explorer.best.n_params, explorer.best.loss]]
    assert chosen.get_xydata().tolist() == [[explorer.n_params, explorer.loss]]
    assert min(curve.get_ydata()) == pytest.approx(explorer.best.loss, rel=1e-4)
    assert [text.get_text() for text in right.texts] == list(compute_rules.MODELS)
    frontier = right.lines[0].get_xydata()
    assert frontier.tolist() == [[*CHINCHILLA.compute_optimal(flops)] for flops in (1e17, 1e27)]
    plots.png(explorer.figure())


@pytest.mark.parametrize("law", compute_rules.LAWS)
@pytest.mark.parametrize("flops", [1e17, 1e27])
@pytest.mark.parametrize("relative_size", [1e-3, 1, 1e3])
def test_the_figure_holds_what_is_far_out(law, flops, relative_size):
    explorer = ComputeExplorer(law=law, flops=flops, relative_size=relative_size)
    left, right = explorer.figure().axes
    for axes in (left, right):
        low, high = axes.get_xlim()
        assert low < explorer.n_params < high


def test_the_figure_refuses_what_it_cannot_draw():
    point = {"chosen model": (1e9, 2e10, 3.0)}
    with pytest.raises(ValueError, match=re.escape("must be equally many, got the shapes (2,) and (1,)")):
        plots.iso_compute([1, 2], [1], point, [(1, 1), (2, 2)], {})
    with pytest.raises(ValueError, match="points may be one or two, got 0"):
        plots.iso_compute([1, 2], [1, 2], {}, [(1, 1), (2, 2)], {})
    assert len(plots.iso_compute([1, 2], [1, 2], point, [(1, 1), (2, 2)], {}).axes) == 2


def test_a_closed_explorer_leaves_nothing_open():
    before = set(_instances)
    explorer = ComputeExplorer()
    assert len(set(_instances) - before) > 8
    explorer.close()
    assert set(_instances) == before
