"""The memory budget explorer in a real JupyterLab, in an exported page and in slides, driven by keyboard and mouse."""

import itertools
import os
import re
import subprocess
import sys

import nbformat
import pytest
from patience import PATIENCE
from test_drawings import SMALLEST_TEXT, WIDEST
from test_ngram_explorer import TALLEST
from test_readable import AXE, violations
from test_sampling_explorer import ROOT, notebook, served

from course_utils import memory
from course_utils.widgets import BudgetExplorer

pytestmark = pytest.mark.browser

CELL = """
from course_utils.widgets import BudgetExplorer

explorer = BudgetExplorer()
explorer
"""

LOOK = """(picture) => {
    const boxes = (of) => [...picture.querySelectorAll(of)].map((part) => part.getBoundingClientRect().toJSON());
    const sizes = [...picture.querySelectorAll("text")].map((text) => parseFloat(getComputedStyle(text).fontSize));
    return [boxes("svg")[0], boxes("text, rect, .cu-limit"), boxes("text"), Math.min(...sizes)];
}"""


class Explorer:
    """The explorer of a page, by what a user can see and press."""

    def __init__(self, page):
        self.page = page
        self.box = page.locator(".cu-explorer").first
        self.view = self.box.locator(".cu-view")
        self.view.wait_for()
        self.verdict = self.view.locator(".cu-verdict")

    def expect(self, **data):
        from playwright.sync_api import expect

        for name, value in data.items():
            expect(self.view).to_have_attribute(f"data-{name.replace('_', '-')}", str(value))

    def press(self, label, *keys):
        self.box.get_by_role("slider", name=label, exact=True).focus()
        for key in keys:
            self.page.keyboard.press(key)

    def choose(self, label, value):
        self.box.get_by_label(label, exact=True).select_option(value)

    def task(self, name):
        self.box.get_by_role("button", name=name, exact=True).click()

    def knobs(self):
        """The labels of the knobs in sight."""
        labels = self.box.locator(".widget-label, .widget-checkbox span").filter(visible=True)
        return {text for text in labels.all_inner_texts() if text.strip()}

    def items(self):
        rows = self.view.locator("tbody tr").evaluate_all(
            "all => all.map((row) => [row.dataset.item, row.dataset.bytes])"
        )
        return {name: int(size) for name, size in rows}


def shows(explorer, **settings):
    """The table is that of Python's explorer with these settings, and so is the verdict."""
    from playwright.sync_api import expect

    expected = BudgetExplorer(**settings)
    explorer.expect(total=expected.budget.total)
    assert explorer.items() == expected.budget.items | {"total": expected.budget.total}
    expect(explorer.verdict.locator("strong")).to_have_text(expected.verdict)
    expect(explorer.view.get_by_role("table")).to_contain_text(f"{expected.budget.total / 1e9:,.2f}")


def turn_the_knobs(explorer):
    """Every knob once, by keys or by mouse, without a kernel's help."""
    from playwright.sync_api import expect

    shared = {"model", "task", "card", "context", "batch size"}
    shows(explorer)
    assert explorer.knobs() == shared | {"bits of each weight"}
    explorer.press("bits of each weight", "Home", "ArrowRight")
    explorer.press("batch size", *["ArrowRight"] * 4)
    explorer.press("context", "End")
    explorer.press("card", "End")
    settings = {"weight_bits": 8.5, "batch_size": 16, "context_length": 2**17, "card": 80}
    shows(explorer, **settings)
    expect(explorer.verdict).to_contain_text("131,072 tokens: longer than the model was made for, which is 4,096.")
    explorer.choose("model", "mistral-7b")
    shows(explorer, model="mistral-7b", **settings)
    expect(explorer.verdict).to_contain_text("look back over 4,096 tokens")

    explorer.task("train")
    explorer.expect(task="train")
    assert explorer.knobs() == shared | {"recipe", "devices", "checkpointed"}
    settings = {"model": "mistral-7b", "task": "train", **settings, "weight_bits": 16}
    shows(explorer, **settings)
    expect(explorer.verdict).to_contain_text("leaves activations out")
    for recipe in memory.RECIPES:
        explorer.choose("recipe", recipe)
        shows(explorer, recipe=recipe, **settings)
    explorer.press("devices", *["ArrowRight"] * 3)
    shows(explorer, recipe="zero-3", n_devices=8, **settings)
    expect(explorer.verdict).to_contain_text("on each of 8 cards of 80 GB")
    box = explorer.box.get_by_label("checkpointed")
    box.focus()
    explorer.page.keyboard.press("Space")
    expect(box).to_be_checked()
    shows(explorer, recipe="zero-3", n_devices=8, checkpointed=True, **settings)


def test_in_jupyterlab(browser, lab):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    opened = lab.open(page, notebook(CELL), "budget.ipynb")
    opened.run_all()
    explorer = Explorer(page)
    explorer.expect(kernel="true")
    assert explorer.box.bounding_box()["height"] <= TALLEST
    turn_the_knobs(explorer)
    read = "print(explorer.model, explorer.task, explorer.recipe, explorer.n_devices, explorer.checkpointed)"
    assert opened.execute(read) == "mistral-7b train zero-3 8 True\n"
    opened.execute(
        "explorer.task, explorer.model, explorer.context_length, explorer.card = 'answer', 'gpt-2', 3000, 40"
    )
    shows(explorer, model="gpt-2", context_length=3000, batch_size=16, weight_bits=8.5, card=40)
    assert "TraitError: batch_size must be from 1 to 256, got 0" in opened.execute("explorer.batch_size = 0")
    assert opened.outputs_on_stderr() == 0
    opened.close()
    context.close()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    if not AXE.exists():
        pytest.skip("the parts of a page are missing: run `npm ci`")
    lesson = notebook("1", CELL, "2")
    for cell in lesson.cells:
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    folder = tmp_path_factory.mktemp("exported")
    (folder / "budget.ipynb").write_text(nbformat.writes(lesson), encoding="utf-8")
    command = [sys.executable, ROOT / "tools/export.py", "both", folder / "budget.ipynb", "--out", folder / "out"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=os.environ | {"CI": "1"})
    assert done.returncode == 0, done.stderr
    return folder / "out"


def opened(page, exported):
    page.goto(f"{exported.as_uri()}/pages/budget.html")
    return Explorer(page)


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_in_an_exported_page_without_a_network(page, exported, protocol):
    with served(exported, protocol) as base:
        page.goto(f"{base}/pages/budget.html")
        explorer = Explorer(page)
        explorer.expect(kernel="false")
        turn_the_knobs(explorer)
    assert page.blocked == []


def test_in_slides_without_a_network(page, exported):
    from playwright.sync_api import expect

    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{exported.as_uri()}/slides/budget.slides.html?transition=none")
    page.locator(".reveal.ready").wait_for()
    page.keyboard.press("ArrowRight")
    section = page.locator(".reveal .slides > section").nth(1)
    expect(section).to_have_class(re.compile(r"\bpresent\b"))
    explorer = Explorer(page)
    turn_the_knobs(explorer)  # arrow keys move the sliders
    expect(section).to_have_class(re.compile(r"\bpresent\b"))  # and turn no slide
    assert page.blocked == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_breaks_no_rule_that_matters(page, exported, scheme):
    page.emulate_media(color_scheme=scheme)
    explorer = opened(page, exported)
    assert violations(page) == []
    explorer.task("train")
    explorer.choose("recipe", "mixed")
    explorer.expect(recipe="mixed")
    assert violations(page) == []


@pytest.mark.parametrize(("width", "card"), [(1280, "Home"), (1280, "End"), (390, "Home"), (390, "End")])
def test_all_of_the_picture_is_in_sight_and_legible(page, exported, width, card):
    page.set_viewport_size({"width": width, "height": 800})
    explorer = opened(page, exported)
    explorer.press("card", card)
    smallest, largest = ("smollm2-135m", "train"), ("gpt-3", "train")
    for model, task in (("gpt-2", "answer"), ("llama-2-70b", "answer"), smallest, ("gpt-3", "answer"), largest):
        explorer.task(task)
        if (model, task) == largest:
            explorer.choose("recipe", "float32")
            explorer.press("batch size", "End")
            explorer.press("context", "End")
            explorer.expect(context_length=2**17, batch_size=256)
        explorer.choose("model", model)
        explorer.expect(model=model, task=task)
        frame, parts, texts, size = explorer.view.locator(".cu-picture").evaluate(LOOK)
        assert frame["width"] <= WIDEST
        for box in parts:
            assert frame["left"] - 0.01 <= box["left"], model
            assert box["right"] <= frame["right"] + 0.01, model
        assert not [1 for a, b in itertools.combinations(texts, 2) if overlap(a, b)], model
        assert size >= SMALLEST_TEXT
        assert page.evaluate("document.documentElement.scrollWidth") == width
        box = explorer.box.bounding_box()
        assert box["width"] <= WIDEST
        assert box["x"] + box["width"] <= width


def overlap(a, b):
    wide = min(a["right"], b["right"]) - max(a["left"], b["left"])
    return wide > 0 and min(a["bottom"], b["bottom"]) - max(a["top"], b["top"]) > 5


def test_what_is_said_is_said_in_a_live_region_and_by_the_picture(page, exported):
    from playwright.sync_api import expect

    explorer = opened(page, exported)
    expect(explorer.verdict).to_have_attribute("aria-live", "polite")
    words = "16.00 GB on a card of 24 GB, which fits: 8.0 GB to spare"
    expect(explorer.view.get_by_role("img", name=words, exact=True)).to_be_visible()
    expect(explorer.verdict).to_have_text("✓fits: 8.0 GB to spare (16.00 GB on a card of 24 GB).")
    explorer.press("card", "Home")
    expect(explorer.verdict).to_have_attribute("data-fits", "false")
    expect(explorer.verdict).to_have_text("✗doesn't fit: 8.0 GB too much (16.00 GB on a card of 8 GB).")
    cells = explorer.view.get_by_role("row", name="KV cache").get_by_role("cell").all_inner_texts()
    assert cells == ["2.15", "2 × 32 layers × 32 KV heads × 128 × 4,096 tokens × 1 text × 2 bytes"]


def test_no_piece_needs_its_colour(page, exported):
    explorer = opened(page, exported)
    explorer.task("train")
    for recipe in ("mixed", "qlora"):
        explorer.choose("recipe", recipe)
        explorer.expect(recipe=recipe)
        fills = explorer.view.locator(".cu-picture .cu-layer").evaluate_all(
            "all => all.map((one) => one.getAttribute('fill'))"
        )
        strokes = [page.locator(fill[4:-1]).locator("path").get_attribute("d") for fill in fills]
        assert len(set(strokes)) == len(strokes) == len(explorer.items()) - 1


def test_paper_shows_a_picture_where_the_sliders_are(page, exported):
    explorer = opened(page, exported)
    page.emulate_media(media="print")
    assert "it fits: 8.0 GB to spare" in page.locator(".cu-print img").get_attribute("alt")
    assert not explorer.box.is_visible()
