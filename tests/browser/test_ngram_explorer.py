"""The n-gram explorer in a real JupyterLab and in an exported page, driven by keyboard and mouse."""

import os
import subprocess
import sys

import nbformat
import pytest
from patience import PATIENCE
from test_sampling_explorer import PRESSES, ROOT, STOPWATCH, notebook, report, served

pytestmark = pytest.mark.browser

CELL = """
import re

from course_utils import corpora
from course_utils.corpora.tinyworld import TinyWorld
from course_utils.widgets import NGramExplorer

texts = [text.partition("\\n")[0] for text in corpora.load("tinyworld")["train"]["text"]]
words = [re.findall(r"\\w+|[^\\w\\s]", text) for text in texts]


def text_of(words):
    return re.sub(r" ([.,:?])", r"\\1", " ".join(words))


explorer = NGramExplorer(words, grammar=TinyWorld(0), text_of=text_of)
explorer
"""
TALLEST = 599  # pixels of a cell that JupyterLab shows at 1280 x 720


class Explorer:
    """The explorer of a page, by what a user can see and press."""

    def __init__(self, page):
        self.page = page
        self.box = page.locator(".cu-explorer").first
        self.view = self.box.locator(".cu-view")
        self.view.wait_for()
        self.lamp, self.text = self.view.locator(".cu-lamp"), self.view.get_by_label("running text", exact=True)

    def expect(self, **data):
        from playwright.sync_api import expect

        for name, value in data.items():
            expect(self.view).to_have_attribute(f"data-{name}", str(value))

    def button(self, name):
        return self.view.get_by_role("button", name=name)

    def bar(self, word):
        return self.view.locator(f'[data-word="{word}"]')

    def bars(self):
        return dict(self.view.locator(".cu-column").evaluate_all("all => all.map(b => [b.dataset.word, +b.dataset.p])"))

    def masses(self):
        """What each order has supplied: the legend's numbers, unrounded, the longest order first."""
        return self.view.locator("[data-share]").evaluate_all("all => all.map((key) => +key.dataset.share)")

    def press_order(self, *keys):
        self.box.get_by_role("slider", name="order").focus()
        for key in keys:
            self.page.keyboard.press(key)

    def choose(self, smoothing):
        self.box.get_by_role("button", name=smoothing, exact=True).click()

    def waits(self):
        """Milliseconds from each key press on the order's slider to the frame painted after it."""
        self.page.evaluate(STOPWATCH.replace("data-temperature", "data-order"))
        for i in range(PRESSES):
            self.press_order("ArrowLeft" if i % 4 < 2 else "ArrowRight")
            self.page.wait_for_function("n => window.waits.length === n", arg=i + 1)
        return self.page.evaluate("window.waits")


def turn_the_knobs(explorer):
    """Longer contexts, other smoothings; the layers of the bars and the legend follow."""
    explorer.press_order("End")
    explorer.expect(order=4)
    assert len(explorer.masses()) == 5
    for smoothing, name in (("add-k", "add 1"), ("mle", "MLE"), ("interpolated", "interpolated")):
        explorer.choose(name)
        explorer.expect(smoothing=smoothing)
        assert sum(explorer.masses()) == pytest.approx(1)
    explorer.press_order("Home", "ArrowRight")
    explorer.expect(order=2)
    assert explorer.masses() == pytest.approx([0.5, 0.25, 0.25])
    explorer.choose("modified Kneser-Ney")
    explorer.press_order("ArrowRight")
    explorer.expect(order=3, smoothing="modified-kneser-ney")


def write_with_mouse_and_keys(explorer):
    from playwright.sync_api import expect

    keys = explorer.page.keyboard
    explorer.bar("One").click()
    explorer.expect(written="One")
    bars = list(explorer.bars())
    explorer.view.locator(".cu-column[tabindex='0']").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        keys.press(key)
    expect(explorer.bar(bars[1])).to_be_focused()
    keys.press("Enter")
    explorer.expect(written=f"One {bars[1]}")
    first = next(iter(explorer.bars()))
    expect(explorer.bar(first)).to_be_focused()
    keys.press("Space")
    explorer.expect(written=f"One {bars[1]} {first}")
    expect(explorer.text).to_have_text(f"text: One {bars[1]} {first}")
    keys.press("Backspace")
    explorer.expect(written=f"One {bars[1]}")
    explorer.button("undo").click()
    explorer.expect(written="One")
    explorer.button("reset").click()
    explorer.expect(written="")


def sample(explorer, n):
    for i in range(n):
        explorer.button("sample").click()
        explorer.page.wait_for_function(
            "n => document.querySelector('.cu-view').dataset.written.split(' ').length === n", arg=i + 1
        )
    written = explorer.view.get_attribute("data-written")
    explorer.button("reset").click()
    explorer.expect(written="")
    return written


def draws_repeat_with_the_seed(explorer):
    written = sample(explorer, 8)
    assert sample(explorer, 8) == written
    explorer.view.get_by_label("seed").fill("7")
    explorer.view.get_by_label("seed").press("Enter")
    assert sample(explorer, 8) != written


def test_in_jupyterlab(browser, lab, record_property):
    from playwright.sync_api import expect

    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    opened = lab.open(page, notebook(CELL), "ngram.ipynb")
    opened.run_all()
    explorer = Explorer(page)
    explorer.expect(kernel="true", order=3, smoothing="kneser-ney")
    assert explorer.box.bounding_box()["height"] <= TALLEST
    turn_the_knobs(explorer)
    assert explorer.box.bounding_box()["height"] <= TALLEST
    write_with_mouse_and_keys(explorer)
    draws_repeat_with_the_seed(explorer)
    assert opened.execute("print(explorer.order, explorer.smoothing, explorer.seed)") == "3 modified-kneser-ney 7\n"

    opened.execute("explorer.written = 'One day Mia met'.split()")
    explorer.expect(written="One day Mia met")
    expect(explorer.lamp).to_have_attribute("data-lamp", "possible")
    expect(explorer.lamp).to_contain_text("possible so far")
    assert explorer.bars() == pytest.approx(dict(list(python_bars(opened).items())[: len(explorer.bars())]))
    explorer.bar("Tom").click()
    expect(explorer.lamp).to_have_attribute("data-lamp", "possible")
    assert opened.execute("print(*explorer.written)") == "One day Mia met Tom\n"
    opened.execute("explorer.smoothing, explorer.order = 'add-k', 1")
    explorer.expect(smoothing="add-k", order=1)
    explorer.bar("Mia").click()
    expect(explorer.lamp).to_have_attribute("data-lamp", "impossible")
    expect(explorer.lamp).to_contain_text("impossible since word 6, “Mia”")
    expect(explorer.text.locator(".cu-breaks")).to_have_text("Mia")
    explorer.bar(".").click()
    expect(explorer.lamp).to_contain_text("impossible since word 6, “Mia”")
    explorer.button("undo").click()
    explorer.button("undo").click()
    expect(explorer.lamp).to_have_attribute("data-lamp", "possible")
    expect(explorer.lamp.locator(".cu-glyph")).to_have_text("✓")

    opened.execute("explorer.smoothing, explorer.order = 'kneser-ney', 3")
    opened.execute("explorer.written = words[0] + ['</s>']")
    expect(explorer.view.get_by_role("group", name="The most probable")).to_contain_text("The text has ended")
    explorer.button("sample").click()
    assert opened.execute("print(explorer.written == words[0] + ['</s>'])") == "True\n"
    report(record_property, "JupyterLab", explorer.waits())
    assert opened.outputs_on_stderr() == 0
    opened.close()
    context.close()


def python_bars(opened):
    import json

    return json.loads(opened.execute("import json; print(json.dumps(explorer.next_word_probs()))"))


def test_a_context_that_was_never_seen_leaves_maximum_likelihood_without_words(page, lab):
    from playwright.sync_api import expect

    opened = lab.open(page, notebook(CELL), "unseen.ipynb")
    opened.run_all()
    explorer = Explorer(page)
    explorer.expect(kernel="true")
    opened.execute("explorer.smoothing, explorer.written = 'mle', ['Mia', 'Mia']")
    explorer.expect(written="Mia Mia")
    expect(explorer.view.get_by_role("group", name="The most probable")).to_contain_text("would divide 0 by 0")
    explorer.button("sample").click()
    explorer.choose("Kneser-Ney")
    explorer.expect(smoothing="kneser-ney")
    assert len(explorer.bars()) == 20
    explorer.expect(written="Mia Mia")
    opened.close()


def test_a_silent_grammar_is_reported(page, lab):
    from playwright.sync_api import expect

    opened = lab.open(page, notebook(CELL), "silent-grammar.ipynb")
    opened.run_all()
    explorer = Explorer(page)
    explorer.expect(kernel="true")
    opened.close()
    next_word = next(iter(explorer.bars()))
    explorer.bar(next_word).click()
    explorer.expect(written=next_word)
    expect(explorer.view.locator(".cu-status")).to_contain_text("The kernel has not answered")
    expect(explorer.lamp).to_have_attribute("data-lamp", "unknown")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    if not (ROOT / "node_modules").exists():
        pytest.skip("the parts of a page are missing: run `npm ci`")
    folder = tmp_path_factory.mktemp("exported")
    (folder / "ngram.ipynb").write_text(nbformat.writes(notebook(CELL)), encoding="utf-8")
    command = [sys.executable, ROOT / "tools/export.py", "pages", folder / "ngram.ipynb", "--out", folder / "out"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=os.environ | {"CI": "1"})
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_in_an_exported_page_without_a_network(page, exported, record_property, protocol):
    from playwright.sync_api import expect

    with served(exported, protocol) as base:
        page.goto(f"{base}/ngram.html")
        explorer = Explorer(page)
        explorer.expect(kernel="false", order=3, smoothing="kneser-ney")
        expect(explorer.lamp).to_contain_text("The grammar needs a kernel")
        turn_the_knobs(explorer)
        write_with_mouse_and_keys(explorer)
        draws_repeat_with_the_seed(explorer)
        expect(explorer.lamp).to_have_attribute("data-lamp", "unknown")
        report(record_property, f"exported page, {protocol}", explorer.waits())
    assert page.blocked == []
