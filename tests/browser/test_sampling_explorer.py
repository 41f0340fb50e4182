"""The sampling explorer in a real JupyterLab, driven by keyboard; what the other tests of it share."""

import functools
import json
import threading
import time
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nbformat
import numpy as np
import pytest
from patience import IN_A_PAGE

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
LESSON = ROOT / "notebooks/00_start_here.ipynb"
PRESSES = 50

TIED = """
import numpy as np
from course_utils.widgets import SamplingExplorer

V = 49152
logits = np.round(np.random.default_rng(0).normal(size=V) * 3) / 2
explorer = SamplingExplorer([f" w{i}" for i in range(V)], logits)
explorer
"""
MODEL = """
import torch
from course_utils.widgets import SamplingExplorer


class Letters:
    def encode(self, text):
        return [ord(c) for c in text]

    def token_texts(self):
        return list(map(chr, range(128)))


def model(ids):
    if ids.shape[1] > 6:
        raise RuntimeError("the prompt is longer than the context of 6 tokens")
    hot = torch.nn.functional.one_hot((ids + 1) % 128, 128).float()
    return 9.0 * hot + torch.linspace(0, 1, 128)


explorer = SamplingExplorer.from_model(model, Letters(), "a")
explorer
"""
LARGE = """
import numpy as np
import torch
from course_utils.widgets import SamplingExplorer


class Letters:
    def encode(self, text):
        return [ord(c) for c in text]

    def token_texts(self):
        return [f" w{i}" for i in range(49152)]


logits = torch.from_numpy(2 * np.random.default_rng(0).normal(size=49152))
explorer = SamplingExplorer.from_model(lambda ids: logits[None, None], Letters(), "I love watching movies.")
explorer
"""
BYTES = """
import torch
from course_utils.tokenization import BPETokenizer
from course_utils.widgets import SamplingExplorer

tokenizer = BPETokenizer([])
ids = tokenizer.encode("café ☕.")


def model(given):
    return 50.0 * torch.nn.functional.one_hot(torch.tensor([ids[1 : given.shape[1] + 1]]), 256)


explorer = SamplingExplorer.from_model(model, tokenizer, "caf")
explorer
"""
WORDS = """
import torch
from course_utils.tokenization.pieces import decoded_pieces
from course_utils.widgets import SamplingExplorer


class Words:  # as SentencePiece has them: the space stands before the word, and a text drops its first
    words = ["▁I", "▁love", "▁it", "▁!"]

    def encode(self, text):
        return [self.words.index("▁" + word) for word in text.split()]

    def decode(self, ids):
        return "".join(self.words[i] for i in ids).replace("▁", " ").removeprefix(" ")

    def pieces(self, ids):
        return decoded_pieces(self.decode, ids)

    def token_texts(self):
        return [word.replace("▁", " ") for word in self.words]


def model(given):
    return 50.0 * torch.nn.functional.one_hot(given + 1, 4)


explorer = SamplingExplorer.from_model(model, Words(), "I")
explorer
"""
FIRST_EXPLORER = """
from ipywidgets.widgets.widget import _instances
from course_utils.widgets import SamplingExplorer
explorer = next(w for w in _instances.values() if isinstance(w, SamplingExplorer))
"""
PYTHON_STATE = """
import json
print(json.dumps([explorer.temperature, explorer.top_k, explorer.top_p, explorer.kept[:200], len(explorer.kept)]))
"""
# From a key press to the frame that shows it: the view's data change in the frame's callback, the message comes after
# the frame is painted.
STOPWATCH = """() => {
    window.waits = [];
    const root = document.querySelector(".cu-view");
    let pressed = 0;
    window.addEventListener("keydown", () => { pressed = performance.now(); }, true);
    new MutationObserver(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => {
            if (pressed) window.waits.push(performance.now() - pressed);
            pressed = 0;
        };
        channel.port2.postMessage(0);
    }).observe(root, {attributes: true, attributeFilter: ["data-temperature", "data-top-k", "data-top-p"]});
}"""


def notebook(*cells: str) -> nbformat.NotebookNode:
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c.strip()) for c in cells], metadata=metadata)


def down_to_the_explorer(lesson: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The lesson without the cells after its first explorer: those are run by the checks of the notebooks."""
    shows = [c.cell_type == "code" and "SamplingExplorer" in c.source for c in lesson.cells]
    lesson.cells = lesson.cells[: shows.index(True) + 1]
    return lesson


class Explorer:
    """The first explorer of a page, by what a user can see and press."""

    def __init__(self, page):
        self.page = page
        self.box = page.locator(".cu-explorer").first
        self.view = self.box.locator(".cu-view")
        self.view.wait_for()

    def handle(self, name):
        return self.box.locator(f".widget-slider:has(.widget-label:text-is('{name}')) .noUi-handle")

    def press(self, name, *keys):
        self.handle(name).focus()
        for key in keys:
            self.page.keyboard.press(key)

    def click_track(self, name, part):
        """Click a slider's track, at a part of its length from the left."""
        box = self.box.locator(f".widget-slider:has(.widget-label:text-is('{name}')) .noUi-base").bounding_box()
        self.page.mouse.click(box["x"] + part * box["width"], box["y"] + box["height"] / 2)

    def expect(self, **data):
        """Wait until the view says so, e.g. top_k="8"."""
        from playwright.sync_api import expect

        for name, value in data.items():
            expect(self.view).to_have_attribute(f"data-{name.replace('_', '-')}", str(value))

    def data(self):
        values = self.view.evaluate("element => ({...element.dataset})")
        return values | {"kept": [int(i) for i in values["kept"].split(",")]}

    def bars(self):
        """Ids of the bars on show, with the probability after the knobs and whether the token is cut."""
        read = "bars => bars.map(b => [+b.dataset.id, +b.dataset.after, b.dataset.cut === 'true'])"
        return self.view.locator("rect[data-id]").evaluate_all(read)

    def button(self, name):
        return self.view.get_by_role("button", name=name)

    def draw(self, n):
        """Press «sample» n times; the ids drawn since the last reset, once they are all on the screen."""
        for _ in range(n):
            self.button("sample").click()
        self.page.wait_for_function(
            "n => document.querySelector('.cu-view').dataset.drawn.split(',').length === n", arg=n
        )
        return [int(i) for i in self.data()["drawn"].split(",")]

    def wait_to_be_low(self, height):
        """Wait until the picture has left so much room that all of the explorer is no higher."""
        low = "height => document.querySelector('.cu-explorer').offsetHeight <= height"
        self.page.wait_for_function(low, arg=height)

    def shares(self):
        """Of the draws that were counted: the share of each bar, by its id; and that of the rest."""
        read = "all => all.map((mark) => +mark.dataset.share)"
        kept = [i for i, _, cut in self.bars() if not cut]
        marks = self.view.locator("[data-share]").evaluate_all(read)
        return dict(zip(kept, marks, strict=False)), sum(marks[len(kept) :])

    def text(self, part):
        return self.view.locator(f".cu-{part}")

    def waits(self, presses=PRESSES):
        """Milliseconds from each key press to the frame painted after it."""
        self.page.evaluate(STOPWATCH)
        for i in range(presses):
            self.press("temperature", "ArrowLeft" if i % 20 < 10 else "ArrowRight")
            self.page.wait_for_function("n => window.waits.length === n", arg=i + 1)
        return self.page.evaluate("window.waits")


def report(record_property, place, waits):
    median, p95 = np.median(waits), np.percentile(waits, 95)
    print(f"\n{place}: key press to redraw, {len(waits)} presses: median {median:.1f} ms, p95 {p95:.1f} ms")
    record_property(f"{place} p95 ms", round(float(p95), 1))


def move_every_slider(explorer):
    """Temperature 1 -> 0.8, top-k to 8, top-p to 0.95, with the bars changing each time."""
    start = explorer.bars()
    explorer.press("temperature", *["ArrowLeft"] * 4)
    explorer.expect(temperature=0.8)
    cooler = explorer.bars()
    assert cooler[0][1] > start[0][1]
    explorer.press("top-k", "Home", *["ArrowRight"] * 7)
    explorer.expect(top_k=8)
    assert [cut for _, _, cut in explorer.bars()] == [False] * 8 + [True] * 16
    assert sum(p for _, p, _ in explorer.bars()) == pytest.approx(1)
    explorer.press("top-p", *["ArrowLeft"] * 60)
    explorer.expect(top_p=0.4)
    assert 1 <= sum(not cut for _, _, cut in explorer.bars()) < 8


def click_a_track_and_go_on_with_the_keyboard(explorer):
    """After a click the arrow keys move the slider; a screen reader hears tidy values."""
    from playwright.sync_api import expect

    explorer.box.scroll_into_view_if_needed()
    for name, knob in (("temperature", "temperature"), ("top-k", "top_k"), ("top-p", "top_p")):
        explorer.click_track(name, 0.25)
        expect(explorer.handle(name)).to_be_focused()
        before = explorer.data()
        explorer.page.keyboard.press("ArrowRight")
        moved = explorer.view
        key = "".join(part.title() if i else part for i, part in enumerate(knob.split("_")))
        expect(moved).not_to_have_attribute(f"data-{name}", before[key])
        spoken = f"{int(explorer.data()[key]):,}" if name == "top-k" else explorer.data()[key]
        expect(explorer.handle(name)).to_have_attribute("aria-valuetext", spoken)
        assert len(spoken) < 8


def arrived_in_python(opened, wanted, seconds=IN_A_PAGE):
    """Python's state once it holds the wanted values, or as it is after the time limit.

    A slider sends its last value when the kernel has answered the ones before it: on a busy machine Python is a few
    presses behind the screen.
    """
    give_up = time.monotonic() + seconds
    while True:
        state = json.loads(opened.execute(PYTHON_STATE))
        if state[:3] == wanted or time.monotonic() > give_up:
            return state


@pytest.mark.parametrize("source", ["ties", "lesson"])
def test_in_jupyterlab(page, lab, record_property, source):
    if source == "lesson" and not LESSON.exists():
        pytest.skip(f"{LESSON.name} is not there")
    content = notebook(TIED) if source == "ties" else down_to_the_explorer(nbformat.read(LESSON, as_version=4))
    opened = lab.open(page, content, f"{source}.ipynb")
    opened.run_all()
    explorer = Explorer(page)
    explorer.expect(kernel="true")
    opened.execute(FIRST_EXPLORER)
    opened.execute("explorer.temperature, explorer.top_k, explorer.top_p = 1, 49152, 1")
    explorer.expect(temperature=1, top_k=49152, top_p=1)

    move_every_slider(explorer)
    *values, kept, count = arrived_in_python(opened, [0.8, 8, 0.4])
    assert values == [0.8, 8, 0.4]
    assert (explorer.data()["kept"], explorer.data()["keptCount"]) == (kept, str(count))

    for knobs in ("1.3, 27, 1", "0.5, 20000, 0.37", "2, 150, 0.9", "0, 5, 0.001"):  # cuts through ties, between stops
        opened.execute(f"explorer.temperature, explorer.top_k, explorer.top_p = {knobs}")
        wanted = [float(x) for x in knobs.split(", ")]
        explorer.expect(temperature=f"{wanted[0]:g}", top_k=f"{wanted[1]:.0f}", top_p=f"{wanted[2]:g}")
        *values, kept, count = json.loads(opened.execute(PYTHON_STATE))
        assert values == wanted
        assert (explorer.data()["kept"], explorer.data()["keptCount"]) == (kept, str(count))
    assert explorer.handle("top-k").get_attribute("aria-label") == "top-k"

    click_a_track_and_go_on_with_the_keyboard(explorer)
    opened.execute("explorer.temperature, explorer.top_k, explorer.top_p = 1, 49152, 1")
    explorer.expect(temperature=1, top_k=49152, top_p=1)
    report(record_property, f"JupyterLab, {source}", explorer.waits())
    assert opened.outputs_on_stderr() == 0
    assert page.blocked == []
    opened.close()


def test_values_set_in_quick_succession_are_not_pulled_back(page, lab):
    """The sliders answer every value that Python sets, late and with rounding errors: none may win over a newer one."""
    opened = lab.open(page, notebook(TIED), "quick.ipynb")
    opened.run_all()
    explorer = Explorer(page)
    explorer.expect(kernel="true")
    for i in range(30):
        knobs = [(0.3, 0.55, 1.1, 2)[i % 4], (5, 27, 20000)[i % 3], (0.001, 0.9, 0.57, 1)[i % 4]]
        opened.execute(f"explorer.temperature, explorer.top_k, explorer.top_p = {knobs}")
        if i % 5 == 4:
            explorer.expect(temperature=knobs[0], top_k=knobs[1], top_p=knobs[2])
            page.wait_for_timeout(300)  # a late answer would come now
            explorer.expect(temperature=knobs[0], top_k=knobs[1], top_p=knobs[2])
            assert json.loads(opened.execute(PYTHON_STATE))[:3] == knobs
    opened.close()


def test_a_refused_value_changes_nothing_on_the_screen(page, lab):
    opened = lab.open(page, notebook(TIED), "refused.ipynb")
    opened.run_all()
    explorer = Explorer(page)
    explorer.expect(kernel="true", temperature=1)
    assert "TraitError: temperature must be between 0 and 2" in opened.execute("explorer.temperature = 3")
    opened.execute("explorer.top_k = 9")
    explorer.expect(top_k=9, temperature=1)
    opened.close()


def test_a_model_walks_on_and_the_prompt_box_runs_it(page, lab):
    from playwright.sync_api import expect

    opened = lab.open(page, notebook(MODEL), "walk.ipynb")
    opened.run_all()
    explorer = Explorer(page)
    explorer.expect(kernel="true")
    opened.execute("explorer.top_k = 1")  # the successor of each letter, for certain
    explorer.expect(top_k=1)
    for text in ("ab", "abc", "abcd"):
        explorer.button("sample").press("Enter")
        expect(explorer.text("text")).to_have_text(f"text: {text}")
        expect(explorer.text("outcome")).to_have_text(f"Drawn: “{text[-1]}”, which had probability 100 %.")
        assert explorer.view.locator("rect.cu-drawn").get_attribute("data-id") == str(ord(text[-1]))
    assert opened.execute("print(explorer.drawn)") == f"{[ord(c) for c in 'bcd']}\n"

    box = explorer.box.get_by_label("prompt")
    box.fill("wxyxwz")
    box.press("Control+Enter")
    expect(explorer.text("text")).to_have_text("text: wxyxwz")
    assert explorer.data()["kept"] == [ord("{")]
    explorer.button("sample").click()
    explorer.button("sample").click()  # one token too many for the model
    expect(explorer.text("status")).to_contain_text("RuntimeError: the prompt is longer than the context of 6 tokens")
    expect(explorer.text("text")).to_have_text("text: wxyxwz{")
    box.fill("")
    box.press("Control+Enter")
    expect(explorer.text("status")).to_contain_text("prompt is empty: type at least one character")
    expect(explorer.text("text")).to_have_text("text: wxyxwz{")
    box.fill("k")
    box.press("Control+Enter")
    expect(explorer.text("status")).to_have_text("")
    expect(explorer.text("text")).to_have_text("text: k")
    explorer.button("sample").click()
    explorer.button("sample").click()
    expect(explorer.text("text")).to_have_text("text: klm")
    explorer.button("reset").click()
    expect(explorer.text("text")).to_have_text("text: k")
    explorer.expect(kept=ord("l"))
    assert opened.outputs_on_stderr() == 0
    opened.close()


def test_a_prompt_keeps_its_newlines(page, lab):
    """Enter begins a new line; Ctrl+Enter and leaving the box run the model, and the cell isn't run again."""
    from playwright.sync_api import expect

    opened = lab.open(page, notebook(MODEL.replace('"a")', '"a\\nb")')), "newlines.ipynb")
    opened.run_all()
    explorer = Explorer(page)
    explorer.expect(kernel="true")
    box, text = explorer.box.get_by_label("prompt"), explorer.text("text")
    expect(box).to_have_value("a\nb")
    box.press("Control+End")
    for key in (" ", "Enter", "c"):
        box.press(key)
    expect(box).to_have_value("a\nb \nc")
    expect(text).to_have_js_property("textContent", "text: a\nb")
    box.press("Control+Enter")
    expect(text).to_have_js_property("textContent", "text: a\nb \nc")
    expect(box).to_be_focused()
    assert opened.execute("print(repr(explorer._view.prompt_shown))") == "'a\\nb \\nc'\n"
    box.press("Backspace")
    box.press("Tab")
    expect(text).to_have_js_property("textContent", "text: a\nb \n")
    assert page.evaluate("jupyterapp.shell.currentWidget.model.cells.get(0).executionCount") == 1
    opened.close()


def test_a_silent_kernel_is_reported_over_an_older_problem(page, lab):
    from playwright.sync_api import expect

    opened = lab.open(page, notebook(MODEL), "silent.ipynb")
    opened.run_all()
    explorer = Explorer(page)
    explorer.expect(kernel="true")
    box = explorer.box.get_by_label("prompt")
    box.fill("")
    box.press("Control+Enter")
    expect(explorer.text("status")).to_contain_text("prompt is empty")
    opened.close()
    box.fill("a b")
    box.press("Control+Enter")
    expect(explorer.text("status")).to_contain_text("The kernel has not answered")


@pytest.mark.parametrize(
    ("cell", "texts"),
    [
        (BYTES, ["caf\ufffd", "café", "café ", "café \ufffd", "café \ufffd", "café ☕", "café ☕."]),
        (WORDS, ["I love", "I love it"]),
    ],
    ids=["bytes", "words"],
)
def test_tokens_join_to_a_text_as_the_tokenizer_joins_them(page, lab, cell, texts):
    from playwright.sync_api import expect

    opened = lab.open(page, notebook(cell), "pieces.ipynb")
    opened.run_all()
    explorer = Explorer(page)
    explorer.expect(kernel="true")
    for text in texts:
        explorer.button("sample").click()
        expect(explorer.text("text")).to_have_js_property("textContent", f"text: {text}")
    opened.close()


def expect_all_in_sight(explorer, top, bottom):
    """The explorer's ends, and so all that is in it, when its upper edge is scrolled to."""
    explorer.box.evaluate("box => box.scrollIntoView({block: 'start'})")
    wanted = [explorer.box, *map(explorer.handle, ("temperature", "top-k", "top-p")), explorer.view.locator("svg").last]
    for part in (*wanted, explorer.button("sample"), explorer.text("steps"), explorer.text("text")):
        box = part.bounding_box()
        assert box["y"] >= top - 1, part
        assert box["y"] + box["height"] <= bottom + 1, part
    picture = explorer.text("picture")
    assert picture.evaluate("picture => picture.scrollWidth <= picture.clientWidth")
    assert picture.bounding_box()["height"] > 250


def use(explorer):
    """Draw and cut, so that all words are on the screen."""
    explorer.draw(3)
    explorer.button("draw 1,000").click()
    explorer.press("top-k", *["ArrowLeft"] * 8)
    explorer.press("top-p", *["ArrowLeft"] * 5)
    explorer.expect(top_k=100, top_p=0.95)
    explorer.page.wait_for_function("() => document.querySelector('[data-share]')")


def test_a_projector_shows_it_whole_in_jupyterlab(page, lab):
    page.set_viewport_size({"width": 1280, "height": 720})
    opened = lab.open(page, notebook(LARGE), "projector.ipynb")
    opened.run_all()
    explorer = Explorer(page)
    explorer.expect(kernel="true")
    panel = page.locator(".jp-WindowedPanel-outer").bounding_box()
    for act in (lambda: None, lambda: use(explorer), lambda: explorer.press("temperature", "End")):
        act()
        explorer.wait_to_be_low(599)
        expect_all_in_sight(explorer, panel["y"], panel["y"] + panel["height"])
    opened.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextmanager
def served(folder, protocol):
    if protocol == "file":
        yield folder.as_uri()
        return
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
