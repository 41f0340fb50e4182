"""The shared figures: what they show, and that their text outputs stay the same."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from matplotlib import pyplot
from matplotlib.figure import Figure

from course_utils import plots

TOKENS = [f" w{i}" for i in range(100)]
BEFORE = np.array([0.3, 0.2, 0.1, *[0.4 / 97] * 97])
TOP_2 = np.array([0.6, 0.4, *[0.0] * 98])


def heights(figure):
    return [bar.get_height() for bar in figure.axes[0].patches]


def labels(figure):
    return [label.get_text() for label in figure.axes[0].get_xticklabels()]


@pytest.mark.parametrize(
    ("token", "label"),
    [
        (" I", "␣I"),
        ("\n", "⏎"),
        ("a\tb", "a⇥b"),
        ("", "(empty)"),
        ("\u200b", "U+200B"),
        ("\u00a0", "U+00A0"),
        ("中", "中"),
    ],
)
def test_every_character_of_a_token_can_be_seen(token, label):
    assert plots.visible(token) == label


def test_bars_are_after_and_the_line_is_before():
    figure = plots.next_token_bars(TOKENS, after=TOP_2, before=BEFORE, shown=5)
    assert heights(figure)[:5] == pytest.approx(TOP_2[:5])
    line = next(line for line in figure.axes[0].lines if len(line.get_ydata()) == 5)
    assert line.get_ydata() == pytest.approx(BEFORE[:5])
    assert labels(figure) == ["␣w0", "␣w1", "␣w2", "␣w3", "␣w4", "the other\n95"]


def test_cut_tokens_are_grey_and_hatched_at_their_height_before():
    figure = plots.next_token_bars(TOKENS, after=TOP_2, before=BEFORE, shown=5)
    hatched = [bar for bar in figure.axes[0].patches if bar.get_hatch()]
    assert [bar.get_height() for bar in hatched] == pytest.approx(BEFORE[2:5])
    grey = [label.get_color() == plots.GREY for label in figure.axes[0].get_xticklabels()]
    assert grey == [False, False, True, True, True, False]


def test_the_bar_of_all_others_has_their_mass_or_is_torn_off_with_the_mass_written():
    flat = np.full(100, 0.01)
    small = plots.next_token_bars(TOKENS, after=BEFORE, shown=90)
    assert heights(small)[-1] == pytest.approx(10 * 0.4 / 97)
    torn = plots.next_token_bars(TOKENS, after=flat, shown=10)
    assert heights(torn)[-1] < 0.9
    assert ".90" in [text.get_text() for text in torn.axes[0].texts]


def test_the_mass_of_all_others_is_written_twice_only_when_it_changed():
    before = np.array([0.4, 0.3, 0.2, 0.1])
    for after, masses in ((before, [".30"]), (np.array([0.5, 0.4, 0.06, 0.04]), [".10", ".30"])):
        axes = plots.next_token_bars(list("abcd"), after, before, shown=2).axes[0]
        assert [text.get_text() for text in axes.texts][2:] == masses  # behind those of a and b


def test_a_rest_of_one_token_gets_its_own_name():
    figure = plots.next_token_bars(["a", "b", "c"], after=[0.5, 0.3, 0.2], shown=2)
    assert labels(figure) == ["a", "b", "c"]


def test_strange_tokens_draw_without_a_warning():
    tokens = ["中文", "$x$", "\u200b", "🙂", "a_b^c", "$\\frac$", "<b>", "x" * 100]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.png(plots.next_token_bars(tokens, after=np.full(8, 1 / 8), title="$5 and $6"))


@pytest.mark.parametrize("name", ["after", "before", "kept"])
def test_a_row_of_another_length_is_named(name):
    rows = {"after": TOP_2, "before": BEFORE, "kept": TOP_2 > 0}
    rows[name] = rows[name][:7]
    with pytest.raises(ValueError, match=rf"^{name} must hold .* got shape \(7,\)"):
        plots.next_token_bars(TOKENS, **rows)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_tensors_draw_as_arrays_do(dtype):
    after, before = (torch.tensor(row, dtype=dtype, requires_grad=True) for row in (TOP_2, BEFORE))
    figure = plots.next_token_bars(TOKENS, after, before, kept=torch.tensor(TOP_2 > 0), shown=5)
    assert heights(figure)[:5] == pytest.approx(TOP_2[:5], rel=1e-2)
    assert sum(bar.get_hatch() is not None for bar in figure.axes[0].patches) == 3


@pytest.mark.parametrize("name", ["after", "before"])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_no_probability_is_named(name, number):
    rows = {"after": TOP_2.copy(), "before": BEFORE.copy()}
    rows[name][7] = number
    with pytest.raises(ValueError, match=rf"^{name} must hold finite numbers, got {number} for token 7, ' w7'"):
        plots.next_token_bars(TOKENS, **rows)


@pytest.mark.parametrize("name", ["after", "before", "kept"])
@pytest.mark.parametrize("row", ["abc", [None, 1.0, {}], [[1.0], [1.0, 2.0]]])
def test_what_are_no_numbers_is_named(name, row):
    with pytest.raises(ValueError, match=rf"^{name} must hold numbers, got a (str|list)"):
        plots.next_token_bars(TOKENS, **{"after": TOP_2, name: row})


def test_no_tokens_have_no_picture():
    with pytest.raises(ValueError, match="tokens is empty"):
        plots.next_token_bars([], [])


def test_shown_must_be_positive():
    with pytest.raises(ValueError, match="shown must be at least 1, got 0"):
        plots.next_token_bars(TOKENS, after=TOP_2, shown=0)


def test_the_same_figure_gives_the_same_bytes():
    first, second = (plots.png(plots.next_token_bars(TOKENS, TOP_2, BEFORE)) for _ in range(2))
    assert first == second
    assert first.startswith(b"\x89PNG")


def test_a_figure_is_not_known_to_pyplot_so_it_is_shown_once():
    before = pyplot.get_fignums()
    plots.next_token_bars(TOKENS, TOP_2)
    assert pyplot.get_fignums() == before


def test_show_gives_the_picture_its_alternative_text_and_its_caption(monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(plots.showing, "display", lambda data, **options: shown.append((data, options)))
    figure, _ = pyplot.subplots()
    plots.show(figure, caption="Two bars stay.", alt="A bar chart of two words.")
    ((data, options),) = shown
    assert options == {"raw": True}
    assert set(data) == {"text/html", "text/plain"}
    assert data["text/plain"] == "A bar chart of two words.\nTwo bars stay."
    page = BeautifulSoup(data["text/html"], "html.parser")
    assert page.figure.img["alt"] == "A bar chart of two words."
    assert page.figure.figcaption.text == "Two bars stay."
    assert page.figure.img["src"].startswith("data:image/png;base64,iVBOR")
    assert capsys.readouterr().out == ""
    assert figure.number not in pyplot.get_fignums()


def test_words_of_a_figure_are_words_and_no_markup():
    words = "a < b & \"c\" > <b>d</b> 'e' $p_i < 1$"
    page = BeautifulSoup(plots.figure_html(Figure(), caption=words, alt=words), "html.parser")
    assert page.img["alt"] == page.figcaption.text == words
    assert page.b is None


@pytest.mark.parametrize("name", ["caption", "alt"])
def test_show_wants_words(name):
    words = {"caption": "c", "alt": "a"} | {name: " "}
    with pytest.raises(ValueError, match=f"{name} must say something"):
        plots.show(Figure(), **words)


UNIFORM = np.tril(np.ones((3, 3))) / np.arange(1, 4)[:, None]  # each token looks at all it may see, equally


def test_attention_maps_hide_the_future_and_name_tokens_and_heads():
    figure = plots.attention_map([UNIFORM, np.eye(3)], ["I", " am", "\n"], ["mean", "self"])
    heads = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title(loc="left") for axes in heads] == ["mean", "self"]
    for axes, weights in zip(heads, (UNIFORM, np.eye(3)), strict=True):
        shown = axes.images[0].get_array()
        assert shown.mask.tolist() == np.triu(np.ones((3, 3)), k=1).astype(bool).tolist()
        assert np.array_equal(shown.filled(0), weights)
        assert [label.get_text() for label in axes.get_yticklabels()] == ["I", "␣am", "⏎"]
        assert [label.get_text() for label in axes.get_xticklabels()] == ["I", "␣am", "⏎"]


def test_attention_paid_to_the_future_is_shown_not_hidden():
    both_ways = np.full((2, 2), 0.5)
    figure = plots.attention_map([both_ways], ["a", "b"])
    assert not np.ma.getmaskarray(figure.axes[0].images[0].get_array()).any()


def test_attention_of_a_model_in_bfloat16_draws():
    weights = torch.tensor(UNIFORM[None], dtype=torch.bfloat16, requires_grad=True)
    written = [text.get_text() for text in plots.attention_map(weights, list("abc")).axes[0].texts]
    assert written == ["1.0", ".50", ".50", ".33", ".33", ".33"]


def test_attention_weights_are_written_in_when_there_is_room():
    written = [text.get_text() for text in plots.attention_map([UNIFORM], list("abc")).axes[0].texts]
    assert written == ["1.0", ".50", ".50", ".33", ".33", ".33"]
    assert not plots.attention_map([np.eye(7)], list("abcdefg")).axes[0].texts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([UNIFORM], ["a", "b"]), "weights must be"),
        ((UNIFORM, list("abc")), "weights must be"),
        (([], ["a"]), "weights must be"),
        (([UNIFORM, np.eye(2)], list("abc")), "weights must hold numbers"),
        (([UNIFORM, UNIFORM], list("abc"), ["one"]), "titles must hold"),
    ],
)
def test_attention_maps_of_another_shape_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.attention_map(*arguments)


def boxes(figure):
    return figure.axes[0].patches


def test_a_strip_has_a_box_for_each_token_in_reading_order():
    figure = plots.token_strip([["the", " thin"], ["th", "ief", "\n"]], titles=["one", "two"])
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["one", "the", "␣thin", "two", "th", "ief", "⏎"]
    corners = [(-box.get_y(), box.get_x()) for box in boxes(figure)]
    assert len(corners) == 5
    assert corners == sorted(corners)
    assert len({y for y, _ in corners}) == 2  # two rows


def test_boxes_of_a_strip_do_not_overlap_and_stay_inside_also_when_a_row_is_wrapped():
    figure = plots.token_strip([["word", " a", "x" * 50] * 12], titles=["t"], width=60)
    right = figure.axes[0].get_xlim()[1]
    lines = {}
    for box in boxes(figure):
        assert 0 <= box.get_x() < box.get_x() + box.get_width() <= right
        lines.setdefault(box.get_y(), []).append((box.get_x(), box.get_x() + box.get_width()))
    assert len(lines) > 3
    assert min(lines) > figure.axes[0].get_ylim()[0]
    for line in lines.values():
        assert all(end < start for (_, end), (start, _) in pairwise(line))


def test_neighbours_differ_in_colour_and_a_marked_token_is_the_only_orange_one():
    plain = [box.get_facecolor() for box in boxes(plots.token_strip([list("aaaa")]))]
    assert all(left != right for left, right in pairwise(plain))
    first, *others = (box.get_facecolor() for box in boxes(plots.token_strip([list("tin"), ["t"]], marked=["t", None])))
    assert first not in others
    assert len(set(others)) == 1


def test_strange_tokens_make_a_strip_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.png(plots.token_strip([["中文", "$x$", "\u200b", "🙂", "", "\ufffd"]], titles=["$5 and $6"]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rows": []}, "at least one token"),
        ({"rows": [[]]}, "at least one token"),
        ({"rows": [["a"]], "titles": ["1", "2"]}, "titles must hold one entry per row, 1, or none, got 2"),
        ({"rows": [["a"]], "marked": ["a", "b"]}, "marked must hold"),
        ({"rows": [["a"]], "titles": ["x" * 30], "width": 40}, "width must be at least 52"),
    ],
)
def test_a_strip_that_cannot_be_drawn_says_why(arguments, words):
    with pytest.raises(ValueError, match=words):
        plots.token_strip(**arguments)


def test_memory_bars_show_sums_and_cards_and_the_same_item_alike():
    budgets = {"a": {"gradients": 2e9, "weights": 1e9}, "b": {"weights": 4e9, "adapters": 1e6}}
    figure = plots.memory_bars(budgets, cards=[3.5])
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["3.5 GB", "3.0", "4.0"]
    assert [bar.get_label() for bar in axes.containers] == ["weights", "_adapters", "gradients"]
    starts = [[patch.get_x() for patch in bar] for bar in axes.containers]
    assert starts == [[0, 0], [1, 4], [1, 4.001]]
    assert len({(patch.get_facecolor(), patch.get_hatch()) for bar in axes.containers for patch in bar}) == 3
    plots.png(figure)
