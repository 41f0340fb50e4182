"""What every explorer has, shown with one that has little more: a number, a word, a text and a kernel that counts."""

import re

import ipywidgets
import matplotlib.figure
import numpy as np
import pytest
import traitlets
from ipywidgets.widgets.widget import _instances

from course_utils.widgets import traits
from course_utils.widgets.base import STATIC, BrowserView, Explorer, bundle
from course_utils.widgets.knobs import Range, Stops


class LetterView(BrowserView):
    _esm, _css = bundle("sampling")

    text = traitlets.Unicode("a b").tag(sync=True)
    letters = traitlets.Int(0).tag(sync=True)


class LetterExplorer(Explorer):
    size = traits.Float(1.0)
    order = traits.Int(2)
    smoothing = traitlets.Unicode("add-k")

    def __init__(self, **settings):
        for name, value in settings.items():
            setattr(self, name, value)
        smoothings = ("mle", "add-k", "kneser-ney")
        super().__init__(
            LetterView,
            [
                Range("size", "size", min=0.5, max=3, step=0.5, format=".1f"),
                Stops("order", "order", range(1, 6), [f"{n} words" for n in range(1, 6)]),
                Stops("smoothing", "smoothing", smoothings, smoothings, kind=ipywidgets.ToggleButtons),
            ],
        )
        self._add_text_box("text", "context")

    def answer(self, ask, content):
        if ask == "length":
            self._view.letters = len(content["text"])
        else:
            raise LookupError(f"no answer to {ask}")

    def figure(self):
        return matplotlib.figure.Figure()

    def describe(self):
        return f"Nothing at size {self.size:g}."


@pytest.fixture
def explorer():
    return LetterExplorer()


def test_the_controls_stand_in_their_order_and_where_the_values_want_them():
    box, size, order, smoothing, _view = LetterExplorer(size=np.float32(0.25), order=np.int64(3)).children
    assert [box.value, size.value, order.label, smoothing.label] == ["a b", 0.5, "3 words", "add-k"]
    assert isinstance(smoothing, ipywidgets.ToggleButtons)


def test_a_word_travels_both_ways(explorer):
    explorer.smoothing = "kneser-ney"
    smoothing = explorer.children[3]
    assert (smoothing.index, explorer._view.smoothing, explorer._view.smoothing_stop) == (2, "kneser-ney", 2)
    explorer._view.set_state({"smoothing": "mle"})
    assert explorer.smoothing == "mle"


def test_a_stop_of_whole_numbers_stays_whole(explorer):
    explorer._view.set_state({"order": 5})
    assert (explorer.order, type(explorer.order)) == (5, int)


def test_an_answer_comes_in_one_message_with_what_it_changed(explorer, monkeypatch):
    sent = []
    monkeypatch.setattr(explorer._view, "send_state", lambda key: sent.append(set(key)))
    explorer._view._handle_custom_msg({"ask": "length", "id": "7", "text": "abc"}, [])
    assert sent == [{"letters", "reply"}]
    assert (explorer._view.letters, explorer._view.reply) == (3, {"id": "7", "ok": True})


def test_an_error_is_said_and_the_next_answer_clears_it(explorer):
    explorer._view._handle_custom_msg({"ask": "nonsense", "id": "7"}, [])
    assert (explorer._view.status, explorer._view.reply["ok"]) == ("LookupError: no answer to nonsense", False)
    explorer._view._handle_custom_msg({"ask": "hello", "id": "8"}, [])
    assert (explorer._view.status, explorer._view.reply) == ("", {"id": "8", "ok": True})


def test_close_closes_every_model():
    before = set(_instances)
    explorer = LetterExplorer()
    assert len(set(_instances) - before) == 4 * 3 + 5 + 2 + 2  # controls with style and layout, links, view, box
    explorer.close()
    assert set(_instances) == before


def test_a_notebook_shows_the_figure_beside_the_view(explorer):
    data = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert 'alt="Nothing at size 1."' in data["text/html"]


def test_the_rules_of_a_view_keep_to_that_view():
    """JupyterLab has the sheets of all notebooks on one page."""
    sheets = list(STATIC.with_name("browser").glob("*/style.css"))
    assert sheets
    for sheet in sheets:
        rules = re.sub(r"/\*.*?\*/|@import[^;]*;", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
        heads = [head.strip() for head in re.findall(r"[^{};]+(?={)", rules)]
        selectors = [one for head in heads if head[0] != "@" for one in re.split(r",\s*(?![^()]*\))", head)]
        assert selectors
        scoped = re.compile(rf'(body\[data-jp-theme-light="false"\] )?\.cu-{sheet.parent.name}(?![\w-])')
        assert [selector for selector in selectors if not scoped.match(selector)] == [], sheet.parent.name
