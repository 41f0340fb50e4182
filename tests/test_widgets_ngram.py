"""The n-gram explorer, as Python sees it; tests/browser drives the same in a real page."""

import itertools
import json
import math
import re

import numpy as np
import pytest
import traitlets
from ipywidgets.widgets.widget import _instances

from course_utils import corpora, plots
from course_utils.corpora.tinyworld import TinyWorld
from course_utils.ngram import NGramLM
from course_utils.ngram.model import SMOOTHINGS
from course_utils.widgets import NGramExplorer

TINY = [s.split() for s in ("the cat sees the bird", "the cat sleeps", "a bird sees the cat")]


class Sheep:
    """A grammar of b and any number of a, with a mark at the end; it counts what it is asked."""

    def __init__(self):
        self.asked = []

    def can_begin(self, prefix):
        self.asked.append(prefix)
        return prefix in ("", "b") or (prefix[:2] == "ba" and set(prefix[2:-1]) <= {"a"} and prefix[-1] in "a!")

    def log2_prob(self, text):
        return -1.0 if self.can_begin(text) and text.endswith("!") else -math.inf


@pytest.fixture
def explorer():
    return NGramExplorer(TINY)


@pytest.fixture
def sheep():
    return NGramExplorer([list("baaa!"), list("ab!")], grammar=Sheep(), text_of="".join)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_the_probabilities_are_the_models(explorer, smoothing, order):
    model = NGramLM(order, smoothing).fit(TINY)
    explorer.order, explorer.smoothing = order, smoothing
    words = ["the", "cat", "sleeps", "<unk>"]
    for written in itertools.chain([(), ("a", "</s>")], itertools.product(words, repeat=2)):
        explorer.written = list(written)
        expected = model.next_word_probs(["<s>", *written])
        assert explorer.next_word_probs() == pytest.approx(expected, abs=1e-15)
        assert (explorer.contributions >= 0).all()
        assert explorer.contributions.sum() == pytest.approx(sum(expected.values()))


def test_the_layers_of_kneser_ney_by_hand(explorer):
    """After «the»: c(the) = 4, followed by cat three times and bird once; twelve different bigrams in all."""
    explorer.order, explorer.written = 2, ["the"]
    uniform, first, second = explorer.contributions[:, explorer._view.words.index("bird")]
    left = 2 * 0.75 / 4
    assert second == pytest.approx((1 - 0.75) / 4)
    assert first == pytest.approx(left * (2 - 0.75) / 12)  # bird comes after «the» and after «a»
    assert uniform == pytest.approx(left * (7 * 0.75 / 12) / 8)  # seven different words came, eight can


def test_the_layers_of_interpolation_are_products_of_weights():
    explorer = NGramExplorer(TINY, smoothing="interpolated", order=3, weights=[0.2, 0.5, 0.7, 0.9], written=["the"])
    assert explorer.contributions.sum(axis=1) == pytest.approx([0.3 * 0.5 * 0.8, 0.3 * 0.5 * 0.2, 0.3 * 0.5, 0.7])


def test_maximum_likelihood_and_add_k_have_one_order_and_the_uniform_distribution(explorer):
    explorer.smoothing, explorer.written = "add-k", ["the"]
    assert explorer.contributions.sum(axis=1) == pytest.approx([8 / (2 + 8), 0, 0, 2 / (2 + 8)])  # «<s> the» came twice
    explorer.smoothing = "mle"
    assert explorer.contributions.sum(axis=1) == pytest.approx([0, 0, 0, 1])


def test_settings_reach_the_rules():
    for smoothing, settings in (("add-k", {"k": 0.1}), ("kneser-ney", {"discount": None}), ("mle", {})):
        explorer = NGramExplorer(TINY, smoothing=smoothing, order=2, written=["a"], **settings)
        model = NGramLM(2, smoothing, **settings).fit(TINY)
        assert explorer.next_word_probs() == pytest.approx(model.next_word_probs(["<s>", "a"]))


def test_ten_thousand_documents_travel_in_half_a_megabyte():
    train = [re.findall(r"\w+|[^\w\s]", text.replace("\n", "⏎")) for text in corpora.load("tinyworld")["train"]["text"]]
    assert len(train) == 10_000
    assert len(NGramExplorer(train)._view.counts) < 400_000


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("order", 5, "order must be from 1 to 4, got 5"),
        ("order", 0, "order must be from 1 to 4, got 0"),
        ("smoothing", "good-turing", "smoothing must be one of mle, add-k, .*, got 'good-turing'"),
        ("written", ["dog"], "written must hold words that were counted, got 'dog'"),
        ("written", ["<s>"], "written must hold words that were counted, got '<s>'"),
        ("written", ["</s>", "the"], "written must hold </s> at its end only"),
        ("seed", 2**32, "seed must be from 0 to 4294967295, got 4294967296"),
    ],
)
def test_a_value_out_of_range_is_refused_and_nothing_changes(explorer, name, value, message):
    before = repr(explorer), explorer._view.get_state()
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(explorer, name, value)
    assert (repr(explorer), explorer._view.get_state()) == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_order": 6}, "max_order must be a whole number from 1 to 5, got 6"),
        ({"max_order": "3"}, "max_order must be a whole number from 1 to 5, got '3'"),
        ({"k": 0}, "k must be a number > 0, got 0"),
        ({"discount": 1}, "discount must be between 0 and 1, both excluded, got 1"),
        ({"weights": [0.5]}, "weights must be 4 numbers, one for each order"),
        ({"order": 9}, "order must be from 1 to 4, got 9"),
        ({"sentences": ["the cat"]}, "must be a list of words"),
        ({"sentences": [[str(i) for i in range(70_000)]], "max_order": 1}, "70,003 different words, at most 65,535"),
    ],
)
def test_what_is_refused_leaves_nothing_open(settings, message):
    before = set(_instances)
    with pytest.raises((ValueError, traitlets.TraitError), match=message):
        NGramExplorer(**{"sentences": TINY} | settings)
    assert set(_instances) == before


def test_words_written_in_the_browser_arrive_and_are_judged(sheep):
    sheep._view.set_state({"written": ["b", "a"]})
    assert sheep.written == ["b", "a"]
    assert sheep._view.verdict == {"written": ["b", "a"], "possible": 2}


@pytest.mark.parametrize(
    ("text", "possible"),
    [("", 0), ("b", 1), ("ab", 0), ("baab", 3), ("baabaa", 3), ("baa!", 4), ("baa!a", 4), ("bb!", 1)],
)
def test_the_lamp_says_how_many_words_begin_a_possible_text(sheep, text, possible):
    sheep._view._handle_custom_msg({"ask": "judge", "id": "1", "written": list(text)}, [])
    assert sheep._view.verdict == {"written": list(text), "possible": possible}
    assert sheep._view.reply == {"id": "1", "ok": True}


def test_the_end_is_possible_after_a_whole_text_only(sheep):
    sheep.written = [*"baa", "</s>"]
    assert sheep._view.verdict["possible"] == 3
    sheep.written = [*"baa!", "</s>"]
    assert sheep._view.verdict["possible"] == 5


def test_one_more_word_asks_about_that_word_alone(sheep):
    sheep.written = list("baaaaaaaaaaa")
    sheep._grammar.asked.clear()
    sheep.written = [*sheep.written, "a"]
    assert {len(text) for text in sheep._grammar.asked} == {14}


def test_a_piece_of_a_word_is_not_the_word():
    """A text can begin with «the cat» where «the cats» is all that can follow: not with the word «cat»."""

    class Cats:
        def can_begin(self, prefix):
            return "the cats sleep".startswith(prefix)

        def log2_prob(self, text):
            return 0.0 if text == "the cats sleep" else -math.inf

    explorer = NGramExplorer([["the", "cat", "cats", "sleep"]], grammar=Cats(), written=["the", "cat"])
    assert explorer._view.verdict["possible"] == 1
    explorer.written = ["the", "cats", "sleep", "</s>"]
    assert explorer._view.verdict["possible"] == 4


def test_the_world_judges_its_own_documents():
    texts = [text for text in TinyWorld(0).sample(30)["text"] if "\n" not in text or text.startswith("Review")]
    explorer = NGramExplorer([text.split(" ") for text in texts], grammar=TinyWorld(0))
    for text in texts[:3]:
        explorer.written = [*text.split(" "), "</s>"]
        assert explorer._view.verdict["possible"] == len(explorer.written)
    words = texts[0].split(" ")
    explorer.written = [*words[:4], words[0], *words[5:]]
    assert explorer._view.verdict["possible"] == 4


def test_an_error_of_the_grammar_is_said(explorer):
    class Broken:
        def can_begin(self, prefix):
            raise LookupError("no such word")

        log2_prob = can_begin

    explorer._grammar = Broken()
    explorer._view._handle_custom_msg({"ask": "judge", "id": "1", "written": ["the"]}, [])
    assert explorer._view.status == "LookupError: no such word"


def test_the_controls_stand_where_the_values_want_them(explorer):
    order, smoothing, _ = explorer.children
    assert (order.label, smoothing.label) == ("3, given 2 words", "Kneser-Ney")
    explorer.order, explorer.smoothing = 1, "mle"
    assert (order.label, smoothing.label) == ("1, given no word", "MLE")
    assert [control.label for control in NGramExplorer(TINY, max_order=1, k=0.5).children[:1]] == ["1, given no word"]


def test_a_notebook_shows_the_figure_beside_the_view(explorer):
    data = explorer._repr_mimebundle_()
    json.dumps(data)
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "after “&lt;s&gt;”: the most probable word is" in data["text/html"]
    assert repr(explorer) == "NGramExplorer(9 words, order=3, smoothing='kneser-ney', 0 written)"


def test_the_figure_has_a_layer_for_each_order(explorer):
    explorer.order, explorer.written = 2, ["the"]
    figure = explorer.figure()
    shares = explorer.contributions  # (3, V)
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [f"{name}: {shares[n].sum():.0%}" for n, name in ((2, "order 2"), (1, "order 1"), (0, "uniform"))]
    (axes,) = figure.axes
    heights = np.array([[bar.get_height() for bar in layer] for layer in axes.containers[:-1]])  # longest first
    by_p = np.argsort(-shares.sum(axis=0), kind="stable")[: heights.shape[1]]
    assert heights[::-1] == pytest.approx(shares[:, by_p])
    with pytest.raises(ValueError, match="shares must have a row for the uniform distribution"):
        plots.next_word_bars(["a"], np.ones((7, 1)))


def test_a_closed_explorer_leaves_nothing_open():
    before = set(_instances)
    explorer = NGramExplorer(TINY, grammar=Sheep())
    assert len(set(_instances) - before) > 8
    explorer.close()
    assert set(_instances) == before


@pytest.mark.parametrize(
    ("written", "words"), [(["the", "</s>"], "the text has ended"), (["cat", "cat"], "never seen in a row")]
)
def test_where_nothing_can_follow_the_picture_says_why(written, words):
    explorer = NGramExplorer(TINY, max_order=3, order=3, smoothing="mle", written=written)
    assert words in explorer.describe()
    assert explorer.figure().axes[0].containers[0].patches == []
