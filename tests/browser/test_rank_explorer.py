"""The rank explorer in a real JupyterLab, in an exported page and in slides, driven by keyboard and mouse."""

import itertools
import os
import re
import subprocess
import sys

import nbformat
import pytest
import torch
from patience import PATIENCE
from test_budget_explorer import overlap
from test_cache_stepper import NARROW, SMALLEST_TEXT, arrives
from test_drawings import WIDEST
from test_ngram_explorer import TALLEST
from test_readable import AXE, violations
from test_sampling_explorer import ROOT, notebook, served

from course_utils.widgets import rank_rules

pytestmark = pytest.mark.browser

MAKE = """
import torch
from course_utils.widgets import RankExplorer

torch.manual_seed(0)
updates = {
    "layer 0, q": torch.randn(96, 4) @ torch.randn(4, 96) + 0.2 * torch.randn(96, 96),
    "layer 0, v": 1e-3 * torch.randn(24, 96),
}
losses = {0: 3.0, 2: 2.5, 5: 1.5, 96: 1.25}
explorer = RankExplorer.from_matrices(updates, losses=losses, base_loss=3.0, finetuned_loss=1.25)
"""
CELL = f"{MAKE}\nexplorer"
LOOK = """(view) => {
    const picture = view.querySelector(".cu-picture");
    const boxes = (of) => [...picture.querySelectorAll(of)].map((part) => part.getBoundingClientRect().toJSON());
    const sizes = [...view.querySelectorAll("text, p, th, td, .cu-key")]
        .map((text) => parseFloat(getComputedStyle(text).fontSize));
    return [boxes("svg")[0], boxes("text, rect, path, circle, line"), boxes("text"), Math.min(...sizes)];
}"""
CELLS = "rows => rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent))"


@pytest.fixture(scope="module")
def twin():
    """The explorer that the page shows, in Python."""
    known = {}
    with torch.random.fork_rng():
        exec(MAKE, known)
    yield known["explorer"]
    known["explorer"].close()


class Explorer:
    """The explorer of a page, by what a user can see and press."""

    def __init__(self, page, twin):
        self.page, self.twin = page, twin
        self.box = page.locator(".cu-explorer").first
        self.view = self.box.locator(".cu-view")
        self.view.wait_for()
        self.said = self.view.locator(".cu-said")

    def press(self, *keys):
        self.box.get_by_role("slider", name="rank r", exact=True).focus()
        for key in keys:
            self.page.keyboard.press(key)

    def choose(self, matrix):
        self.box.get_by_label("matrix", exact=True).select_option(matrix)

    def shows(self, matrix, rank):
        """Words, table and marks are those of Python."""
        from playwright.sync_api import expect

        expect(self.view).to_have_attribute("data-matrix", matrix)
        expect(self.view).to_have_attribute("data-rank", str(rank))
        spectrum, losses = self.twin._spectra[matrix], self.twin._losses
        expect(self.said).to_have_text(rank_rules.words(spectrum, rank, losses))
        kept = min(rank, spectrum.full_rank)
        rows = [
            [
                rank_rules.percent(rank_rules.share_kept(values, kept)),
                rank_rules.percent(rank_rules.relative_error(values, kept)),
                str(rank_rules.rank_for(values)),
            ]
            for values in (spectrum.update, spectrum.control)
        ]
        assert self.view.locator("tbody tr").evaluate_all(CELLS) == rows
        rings = self.view.locator(".cu-ring")
        assert rings.count() == (rank in losses.at_rank)
        if rank in losses.at_rank:
            expect(rings).to_have_attribute("data-loss", f"{losses.at_rank[rank]:g}")

    def marks(self, name, state):
        return int(self.view.locator(f".cu-picture .cu-{name}.cu-is-{state}").get_attribute("data-marks"))


def turn_the_knobs(explorer):
    """Every control, by keys or by mouse, without a kernel's help."""
    q, v = "layer 0, q", "layer 0, v"
    explorer.shows(q, 8)
    assert explorer.marks("update", "kept") == explorer.marks("control", "kept") == 8
    explorer.press("ArrowLeft", "ArrowLeft")
    explorer.shows(q, 5)  # a place of its own: its loss is known
    assert explorer.marks("update", "kept") == 5
    explorer.press("Home")
    explorer.shows(q, 0)
    assert explorer.marks("update", "kept") == 0
    explorer.press("End")
    explorer.shows(q, 96)
    assert explorer.marks("update", "cut") == explorer.marks("control", "cut") == 0
    explorer.choose(v)
    explorer.shows(v, 96)  # more than it has
    explorer.press("Home", "ArrowRight", "ArrowRight")
    explorer.shows(v, 2)
    explorer.choose(q)
    explorer.shows(q, 2)


def test_in_jupyterlab(browser, lab, twin):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    opened = lab.open(page, notebook(CELL), "rank.ipynb")
    opened.run_all()
    explorer = Explorer(page, twin)
    assert explorer.box.bounding_box()["height"] <= TALLEST
    turn_the_knobs(explorer)
    assert explorer.box.bounding_box()["height"] <= TALLEST
    arrives(opened, "print(explorer.matrix, explorer.rank)", "layer 0, q 2\n")
    opened.execute("explorer.matrix, explorer.rank = 'layer 0, v', 7")  # between two places of the slider
    explorer.shows("layer 0, v", 7)
    assert "TraitError: rank must be from 0 to 96, got 97" in opened.execute("explorer.rank = 97")
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
    (folder / "rank.ipynb").write_text(nbformat.writes(lesson), encoding="utf-8")
    command = [sys.executable, ROOT / "tools/export.py", "both", folder / "rank.ipynb", "--out", folder / "out"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=os.environ | {"CI": "1"})
    assert done.returncode == 0, done.stderr
    return folder / "out"


def opened(page, exported, twin):
    page.goto(f"{exported.as_uri()}/pages/rank.html")
    return Explorer(page, twin)


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_in_an_exported_page_without_a_network(page, exported, twin, protocol):
    with served(exported, protocol) as base:
        page.goto(f"{base}/pages/rank.html")
        turn_the_knobs(Explorer(page, twin))
    assert page.blocked == []


def test_in_slides_without_a_network(page, exported, twin):
    from playwright.sync_api import expect

    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{exported.as_uri()}/slides/rank.slides.html?transition=none")
    page.locator(".reveal.ready").wait_for()
    page.keyboard.press("ArrowRight")
    section = page.locator(".reveal .slides > section").nth(1)
    expect(section).to_have_class(re.compile(r"\bpresent\b"))
    turn_the_knobs(Explorer(page, twin))  # arrow keys move the slider
    expect(section).to_have_class(re.compile(r"\bpresent\b"))  # and turn no slide
    assert page.blocked == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_breaks_no_rule_that_matters(page, exported, twin, scheme):
    page.emulate_media(color_scheme=scheme)
    explorer = opened(page, exported, twin)
    assert violations(page) == []
    explorer.press("End")
    explorer.shows("layer 0, q", 96)
    assert violations(page) == []


@pytest.mark.parametrize("width", [1280, 900, NARROW + 46, 390])
def test_all_of_it_is_in_sight_and_legible(page, exported, twin, width):
    page.set_viewport_size({"width": width, "height": 800})
    explorer = opened(page, exported, twin)
    for matrix, (key, rank) in itertools.product(twin._spectra, (("Home", 0), ("ArrowRight", 1), ("End", 96))):
        explorer.choose(matrix)
        explorer.press(key)
        explorer.shows(matrix, rank)
        frame, parts, texts, size = explorer.view.evaluate(LOOK)
        for box in parts:
            assert frame["left"] - 0.01 <= box["left"], rank
            assert box["right"] <= frame["right"] + 0.01, rank
            assert frame["top"] - 0.01 <= box["top"], rank
            assert box["bottom"] <= frame["bottom"] + 0.01, rank
        assert not [1 for a, b in itertools.combinations(texts, 2) if overlap(a, b)], rank
        assert size >= SMALLEST_TEXT
        assert page.evaluate("document.documentElement.scrollWidth") == width
        box = explorer.box.bounding_box()
        assert box["width"] <= WIDEST
        assert box["height"] <= NARROW or width == 390


def test_what_is_said_is_said_in_a_live_region_and_by_the_picture(page, exported, twin):
    from playwright.sync_api import expect

    explorer = opened(page, exported, twin)
    expect(explorer.said).to_have_attribute("aria-live", "polite")
    explorer.press("ArrowLeft", "ArrowLeft")
    explorer.shows("layer 0, q", 5)
    spectrum = twin._spectra["layer 0, q"]
    words = rank_rules.words(spectrum, 5, twin._losses)
    kept = rank_rules.percent(rank_rules.share_kept(spectrum.control, 5))
    name = f"Singular values of the update of layer 0, q and of a random one. {words} "
    name += f"Of the random update it keeps {kept}."
    expect(explorer.view.get_by_role("img", name=name, exact=True)).to_be_visible()


def test_neither_spectrum_and_neither_state_needs_its_colour(page, exported, twin):
    explorer = opened(page, exported, twin)
    shapes = explorer.view.locator(".cu-picture :is(.cu-update, .cu-control)").evaluate_all(
        """all => all.map((one) => [one.classList[0], one.getAttribute("d").replace(/M[^m]*/, "").replace(/M.*/, ""),
            getComputedStyle(one).fill])"""
    )
    assert len(shapes) == 4
    assert len({mark for _, mark, _ in shapes}) == 2
    assert all(len({fill for name, _, fill in shapes if name == one}) == 2 for one in ("cu-update", "cu-control"))
    assert explorer.view.locator(".cu-legend .cu-key").count() == 4


def test_paper_shows_a_picture_where_the_sliders_are(page, exported, twin):
    explorer = opened(page, exported, twin)
    page.emulate_media(media="print")
    assert "Rank 8 of 96 keeps" in page.locator(".cu-print img").get_attribute("alt")
    assert not explorer.box.is_visible()
