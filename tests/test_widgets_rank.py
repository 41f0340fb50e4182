"""The rank explorer and its rules, as Python sees them; tests/browser drives the same in a real page."""

import json
import re

import numpy as np
import pytest
import torch
import traitlets
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ipywidgets.widgets.widget import _instances

from course_utils import plots
from course_utils.widgets import RankExplorer, rank_rules
from course_utils.widgets.rank_rules import Losses, Spectrum

LOSSES = {"losses": {0: 3.0, 2: 2.0, 5: 1.5}, "base_loss": 3.0, "finetuned_loss": 1.25}
spectra = arrays(np.float64, st.integers(1, 40), elements=st.floats(0.01, 100)).map(lambda x: np.sort(x)[::-1].copy())


def matrix(rows, columns, seed=0):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def explorer():
    return RankExplorer.from_matrices({"q": matrix(8, 12), "k": matrix(4, 12, seed=1)}, **LOSSES)


# The rules


def test_a_cut_by_hand():
    """Squares 16, 4, 4, 1: 25 in all."""
    values = np.array([4.0, 2.0, 2.0, 1.0])
    assert [rank_rules.share_kept(values, r) for r in range(5)] == [0, 16 / 25, 20 / 25, 24 / 25, 1]
    assert [rank_rules.relative_error(values, r) for r in range(5)] == [1, 3 / 5, (5 / 25) ** 0.5, 1 / 5, 0]
    assert [rank_rules.rank_for(values, share) for share in (0.5, 0.64, 0.65, 0.9, 1)] == [1, 1, 2, 3, 4]


@pytest.mark.parametrize("rank", range(7))
def test_no_matrix_of_that_rank_comes_closer_than_the_cut(rank):
    """The error that the rules tell is that of the cut matrix itself, and others of that rank have a larger one."""
    delta = matrix(6, 9).double()
    u, s, v = torch.linalg.svd(delta, full_matrices=False)
    cut = u[:, :rank] * s[:rank] @ v[:rank]
    error = rank_rules.relative_error(s.numpy(), rank)
    assert error == pytest.approx(((delta - cut).norm() / delta.norm()).item(), abs=1e-12)
    assert rank_rules.share_kept(s.numpy(), rank) == pytest.approx((cut.norm() ** 2 / delta.norm() ** 2).item())
    for seed in range(5):
        a = matrix(6, rank, seed).double()
        best = a @ torch.linalg.lstsq(a, delta).solution if rank else torch.zeros_like(delta)
        assert (delta - best).norm() / delta.norm() >= error - 1e-12


@given(spectra)
def test_the_laws_of_a_cut(values):
    n = len(values)
    shares = [rank_rules.share_kept(values, r) for r in range(n + 1)]
    errors = [rank_rules.relative_error(values, r) for r in range(n + 1)]
    assert (shares[0], shares[-1], errors[0], errors[-1]) == (0, 1, 1, 0)
    assert shares == sorted(shares)
    assert errors == sorted(errors, reverse=True)
    assert np.array(shares) + np.square(errors) == pytest.approx(1)
    assert np.diff(shares) == pytest.approx(np.sort(np.diff(shares))[::-1])  # each next one adds less
    for share in (0.25, 0.9, 1.0):
        rank = rank_rules.rank_for(values, share)
        assert shares[rank - 1] < share <= shares[rank]


def test_a_small_rest_keeps_its_digits():
    assert rank_rules.relative_error(np.array([1.0, 1e-9]), 1) == pytest.approx(1e-9, rel=1e-12)


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0 %"),
        (1e-9, "less than 0.1 %"),
        (0.001, "0.1 %"),
        (0.0625, "6.3 %"),  # a tie: up, as the browser has it
        (0.5, "50.0 %"),
        (0.999, "99.9 %"),
        (1 - 1e-9, "more than 99.9 %"),
        (1, "100 %"),
        (12.5, "1,250.0 %"),
    ],
)
def test_a_share_in_words(share, words):
    assert rank_rules.percent(share) == words


def test_a_rank_in_words():
    spectrum = Spectrum((1000, 3), [4, 2, 2], [3, 3, 2])
    told = (
        "Rank 1 of 3 keeps 66.7 % of the update’s squared length: a relative error of 57.7 %. A and B hold "
        "1 × (3 + 1,000) = 1,003 parameters, 33.4 % of the 3 × 1,000 = 3,000 of the whole matrix."
    )
    assert rank_rules.words(spectrum, 1) == told
    losses = Losses(3, 1.25, {1: 2.0625})
    ends = "it is 3.000 for the base model, 1.250 for the finetuned one."
    assert rank_rules.words(spectrum, 1, losses) == f"{told} The loss at rank 1 is 2.063; {ends}"
    told = rank_rules.words(spectrum, 5, losses)
    assert told.startswith("This matrix has no rank above 3. Rank 3 of 3 keeps 100 % of the update’s squared length: a")
    assert told.endswith(f"The loss at rank 5 wasn’t measured; {ends}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, [1], [1]), "shape must be (d_out, d_in), got 3"),
        (((2, 0), [1], [1]), "d_in must be at least 1, got 0"),
        (((2, 1.5), [1], [1]), "d_in must be a whole number, got 1.5"),
        (((2, 3), [1], [2, 1]), "update must hold min(d_out, d_in) = 2 singular values, got the shape (1,)"),
        (((2, 3), [2, 1], [[2, 1]]), "control must hold min(d_out, d_in) = 2 singular values, got the shape (1, 2)"),
        (((2, 3), [2, 1], ["a", "b"]), "control must hold numbers, got ['a', 'b']"),
        (((2, 3), [1, 2], [2, 1]), "update must hold the largest singular value first, got 1.0 first: sort them"),
        (((2, 3), [2, -1], [2, 1]), "update must hold finite values of at least 0, got -1.0 to 2.0"),
        (((2, 3), [2, np.nan], [2, 1]), "update must hold finite values of at least 0, got nan to nan"),
        (((2, 3), [0, 0], [2, 1]), "update holds zeros only, so there is nothing to keep: leave out"),
    ],
)
def test_what_is_no_spectrum_is_refused(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Spectrum(*arguments)


def test_the_rules_refuse_what_is_no_rank_and_no_share():
    values = np.ones(3)
    for rule in (rank_rules.share_kept, rank_rules.relative_error):
        for rank, message in ((4, "rank must be at most 3, got 4"), (-1, "rank must be at least 0"), (1.0, "whole")):
            with pytest.raises(ValueError, match=message):
                rule(values, rank)
    for share in (0, 1.1):
        with pytest.raises(ValueError, match="share must be above 0 and at most 1"):
            rank_rules.rank_for(values, share)
    with pytest.raises(ValueError, match="rank must be at least 0, got -1"):
        rank_rules.words(Spectrum((1, 1), [1], [1]), -1)


# The explorer


def test_matrices_give_the_singular_values_and_a_control_of_the_same_size(explorer):
    spectrum = explorer.spectrum
    assert spectrum.shape == (8, 12)
    assert spectrum.update == pytest.approx(np.linalg.svd(matrix(8, 12).double().numpy(), compute_uv=False))
    assert np.square(spectrum.control).sum() == pytest.approx(matrix(8, 12).double().square().sum().item())
    assert abs(spectrum.control - spectrum.update).max() > 0.01


def test_the_seed_repeats_the_control_and_each_matrix_has_its_own():
    updates = {"a": matrix(5, 5), "b": matrix(5, 5)}
    first, again, other = (RankExplorer.from_matrices(updates, seed)._spectra for seed in (3, 3, 4))
    assert (first["a"].control == again["a"].control).all()
    assert not np.allclose(first["a"].control, other["a"].control)
    assert not np.allclose(first["a"].control, first["b"].control)


def test_a_matrix_of_low_rank_is_kept_whole_by_that_rank_and_a_random_one_is_not():
    update = matrix(40, 3) @ matrix(3, 30)
    spectrum = RankExplorer.from_matrices({"q": update.requires_grad_()}).spectrum
    assert rank_rules.relative_error(spectrum.update, 3) < 1e-6
    assert rank_rules.relative_error(spectrum.update, 2) > 0.1
    assert rank_rules.relative_error(spectrum.control, 3) > 0.8


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        ({}, "spectra must map at least one name to a Spectrum, got {}"),
        ([matrix(2, 2)], "updates must map names to matrices, got a list: give a dict"),
        ({"q": np.ones((2, 2))}, "updates['q'] must be a tensor, got a ndarray"),
        ({"q": torch.ones(3)}, "updates['q'] must be a matrix (d_out, d_in), got the shape (3,)"),
        ({"q": torch.ones(3, 0)}, "updates['q'] must be a matrix (d_out, d_in), got the shape (3, 0)"),
        ({"q": torch.tensor([[torch.nan]])}, "updates['q'] must hold finite numbers, got NaN or infinity"),
        ({"q": torch.zeros(2, 2)}, "updates['q'] is all 0, so there is nothing to keep"),
        ({3: torch.ones(2, 2)}, "spectra must have names, got 3: call each matrix by a string"),
    ],
)
def test_updates_that_have_no_spectrum_are_refused_and_leave_nothing_open(updates, message):
    before = set(_instances)
    with pytest.raises(ValueError, match=re.escape(message)):
        RankExplorer.from_matrices(updates)
    assert set(_instances) == before


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"losses": None}, "losses, base_loss and finetuned_loss belong together, got None, 3.0 and 1.25"),
        ({"base_loss": None}, "losses, base_loss and finetuned_loss belong together"),
        ({"losses": {}}, "losses must map at least one rank to its loss, got {}: give a dict"),
        ({"losses": [3.0, 2.0]}, "losses must map at least one rank to its loss, got [3.0, 2.0]: give a dict"),
        ({"losses": {9: 1.0}}, "a rank in losses must be at most 8, got 9"),
        ({"losses": {0.5: 1.0}}, "a rank in losses must be a whole number, got 0.5"),
        ({"losses": {1: "low"}}, "losses[1] must be a number, got 'low'"),
        ({"losses": {1: float("inf")}}, "losses[1] must be finite, got inf: leave out"),
        ({"finetuned_loss": float("nan")}, "finetuned_loss must be finite, got nan"),
    ],
)
def test_losses_that_cannot_be_drawn_are_refused(changed, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        RankExplorer.from_matrices({"q": matrix(8, 12)}, **LOSSES | changed)


def test_a_spectrum_of_another_kind_is_refused():
    with pytest.raises(ValueError, match=re.escape("spectra['q'] must be a Spectrum, got a list: make one")):
        RankExplorer({"q": [2.0, 1.0]})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("rank", 9, "rank must be from 0 to 8, got 9: there are no more singular values"),
        ("rank", -1, "rank must be from 0 to 8, got -1"),
        ("rank", "2", "'rank' trait of a RankExplorer instance expected an int"),
        ("matrix", "v", "matrix must be one of q, k, got 'v'"),
    ],
)
def test_a_value_out_of_range_is_refused_and_nothing_changes(explorer, name, value, message):
    before = repr(explorer), explorer._view.get_state()
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(explorer, name, value)
    assert (repr(explorer), explorer._view.get_state()) == before
    open_before = set(_instances)
    with pytest.raises(traitlets.TraitError, match=message):
        RankExplorer(explorer._spectra, **{name: value})
    assert set(_instances) == open_before


def test_the_slider_has_a_place_for_each_full_rank_and_each_known_loss(explorer):
    assert list(explorer._knobs["rank"].stops) == [0, 1, 2, 3, 4, 5, 6, 8]  # 5 is no power of 2, its loss is known
    plain = RankExplorer.from_matrices({"a": matrix(100, 100), "b": matrix(7, 100)})
    assert list(plain._knobs["rank"].stops) == [0, 1, 2, 3, 4, 6, 7, 8, 12, 16, 24, 32, 48, 64, 96, 100]
    assert (plain.rank, explorer.rank, RankExplorer.from_matrices({"a": matrix(3, 9)}).rank) == (8, 8, 3)


def test_one_matrix_has_no_menu(explorer):
    alone = RankExplorer.from_matrices({"q": matrix(3, 3)})
    assert alone._sliders["matrix"].layout.display == "none"
    assert explorer._sliders["matrix"].layout.display is None


def test_a_hand_on_a_knob_arrives_in_python(explorer):
    explorer._view.set_state({"rank": 3, "matrix": "k"})
    assert (explorer.rank, explorer.matrix, explorer.spectrum.shape) == (3, "k", (4, 12))
    explorer.rank = np.int64(5)
    assert (explorer._view.rank, explorer._sliders["rank"].index, type(explorer.rank)) == (5, 5, int)


def test_what_travels_is_the_singular_values_as_one_buffer(explorer):
    sent = np.frombuffer(explorer._view.singular_values, "<f8")
    q, k = explorer._spectra.values()
    assert sent.tolist() == [*q.update, *q.control, *k.update, *k.control]
    assert explorer._view.shapes == [["q", 8, 12], ["k", 4, 12]]
    assert explorer._view.losses == {"base": 3.0, "finetuned": 1.25, "at_rank": [(0, 3.0), (2, 2.0), (5, 1.5)]}


def test_a_notebook_shows_the_figure_beside_the_view(explorer):
    explorer.rank = 2
    data = explorer._repr_mimebundle_()
    json.dumps(data)
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "matrix q, 12 x 8, cut at rank 2: the largest are" in data["text/html"]
    assert "Rank 2 of 8 keeps" in data["text/html"]
    assert "The loss at rank 2 is 2.000" in data["text/html"]
    assert "Of the random update the same rank keeps" in data["text/html"]
    assert repr(explorer) == "RankExplorer(matrix q, 12 x 8, cut at rank 2)"


@pytest.mark.parametrize("rank", [0, 3, 8])
def test_the_figure_fills_what_is_kept(rank):
    explorer = RankExplorer.from_matrices({"q": matrix(8, 8)})
    explorer.rank = rank
    (axes,) = explorer.figure().axes
    marks = {}
    for line in axes.lines[:4]:
        kept = line.get_markerfacecolor() != "white"
        marks[line.get_marker(), kept] = line.get_xydata()
    for mark, values in (("o", explorer.spectrum.update), ("D", explorer.spectrum.control)):
        assert marks[mark, True].tolist() == [[i + 1, values[i]] for i in range(rank)]
        assert marks[mark, False].tolist() == [[i + 1, values[i]] for i in range(rank, 8)]


def test_the_figure_has_a_second_picture_for_the_losses(explorer):
    explorer.rank = 5
    above, below = explorer.figure().axes
    assert (above.get_ylabel(), below.get_ylabel()) == ("singular value", "loss (nats)")
    curve, ring = below.lines[1:3]  # after the line of the cut
    assert curve.get_ydata().tolist() == [3.0, 2.0, 1.5]
    assert ring.get_xydata().tolist() == [[5, 1.5]]
    assert [text.get_text() for text in below.texts] == ["base model", "finetuned model"]
    explorer.rank = 4  # not measured: no ring
    assert len(explorer.figure().axes[1].lines) == 4


def test_the_figure_refuses_spectra_of_two_lengths():
    with pytest.raises(ValueError, match=re.escape("equally many singular values, got the shapes [(2,), (1,)]")):
        plots.rank_cut([2, 1], [1], 1)


@pytest.mark.parametrize("lines", [None, {"base": 3.0}, {"base": 3.0, "finetuned": 1.0}])
def test_the_second_picture_has_at_most_two_lines_across(lines):
    figure = plots.rank_cut([2, 1], [1.5, 1.5], 1, {1: 2.0}, lines)
    assert len(figure.axes[1].texts) == len(lines or {})
    with pytest.raises(ValueError, match="two at most, got 3"):
        plots.rank_cut([2, 1], [1.5, 1.5], 1, {1: 2.0}, {"a": 1.0, "b": 2.0, "c": 3.0})
    with pytest.raises(ValueError, match="rank must be at least 0, got -1"):
        plots.rank_cut([2, 1], [1.5, 1.5], -1)


def test_a_closed_explorer_leaves_nothing_open():
    before = set(_instances)
    explorer = RankExplorer.from_matrices({"q": matrix(3, 3)})
    assert len(set(_instances) - before) > 6
    explorer.close()
    assert set(_instances) == before
