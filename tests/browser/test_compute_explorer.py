"""The compute explorer in a real JupyterLab, in an exported page and in slides, driven by keyboard and mouse."""

import itertools
import os
import re
import subprocess
import sys

import nbformat
import pytest
from patience import PATIENCE
from test_budget_explorer import overlap
from test_cache_stepper import NARROW, SMALLEST_TEXT, arrives
from test_drawings import WIDEST
from test_ngram_explorer import TALLEST
from test_readable import AXE, violations
from test_sampling_explorer import ROOT, notebook, served

from course_utils.widgets import ComputeExplorer, compute_rules

pytestmark = pytest.mark.browser

CELL = """
from course_utils.widgets import ComputeExplorer

explorer = ComputeExplorer()
explorer
"""
OURS = """
from course_utils.scaling import Chinchilla
from course_utils.widgets import ComputeExplorer

ComputeExplorer({"ours": Chinchilla(E=0.6, A=60.0, B=2000.0, alpha=0.5, beta=0.6)}, flops_range=(1e10, 1e14))
"""
CHINCHILLA, REFITTED, KAPLAN = compute_rules.LAWS
COMPUTE, SIZE = "compute C", "model size N"
LOOK = """(view) => {
    const picture = view.querySelector(".cu-picture");
    const boxes = (of) => [...picture.querySelectorAll(of)].map((part) => part.getBoundingClientRect().toJSON());
    const sizes = [...view.querySelectorAll("text, p, th, td, button, .cu-key")]
        .map((text) => parseFloat(getComputedStyle(text).fontSize));
    return [boxes("svg")[0], boxes("text, path, line, polyline"), boxes("text"), Math.min(...sizes)];
}"""
CELLS = "rows => rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent))"


class Explorer:
    """The explorer of a page, by what a user can see and press."""

    def __init__(self, page, number=0):
        self.page = page
        self.box = page.locator(".cu-explorer").nth(number)
        self.view = self.box.locator(".cu-view")
        self.view.wait_for()
        self.said = self.view.locator(".cu-said")

    def press(self, label, *keys):
        self.box.get_by_role("slider", name=label, exact=True).focus()
        for key in keys:
            self.page.keyboard.press(key)

    def law(self, name):
        self.box.get_by_label("law", exact=True).select_option(name)

    def model(self, name):
        self.box.get_by_role("button", name=name).click()

    def shows(self, twin):
        """Words, table and attributes are those of Python's explorer."""
        from playwright.sync_api import expect

        expect(self.view).to_have_attribute("data-law", twin.law)
        expect(self.said).to_have_text(compute_rules.words(twin.flops, twin.chosen, twin.best))
        law = twin._laws[twin.law]
        expect(self.view.locator(".cu-remarks")).to_have_text(compute_rules.remarks(law, twin.flops, twin.chosen))
        rows = [
            [
                *(compute_rules.size(plan.n_params), compute_rules.size(plan.n_tokens)),
                *(compute_rules.amount(plan.n_tokens / plan.n_params), compute_rules.three(plan.loss)),
            ]
            for plan in (twin.chosen, twin.best)
        ]
        assert self.view.locator("tbody tr").evaluate_all(CELLS) == rows
        for name in ("n_params", "n_tokens", "loss"):
            shown = float(self.view.get_attribute(f"data-{name.replace('_', '-')}"))
            assert shown == pytest.approx(getattr(twin, name), rel=1e-9)


@pytest.fixture
def twin():
    """The explorer that the page shows, in Python."""
    explorer = ComputeExplorer()
    yield explorer
    explorer.close()


def turn_the_knobs(explorer, twin):
    """Every control, by keys or by mouse, without a kernel's help."""
    from playwright.sync_api import expect

    sizes = twin._knobs["relative_size"].stops
    explorer.shows(twin)
    explorer.press(COMPUTE, "ArrowRight")
    twin.flops = 1.3e22
    explorer.shows(twin)
    explorer.press(SIZE, "ArrowLeft", "ArrowLeft")
    twin.relative_size = sizes[len(sizes) // 2 - 2]
    explorer.shows(twin)
    for law in (KAPLAN, REFITTED):
        explorer.law(law)
        twin.law = law  # the same share of another best size
        explorer.shows(twin)
    explorer.press(SIZE, "End")
    explorer.press(COMPUTE, "Home")
    twin.relative_size, twin.flops = 30, 1e17
    explorer.shows(twin)
    for name, model in compute_rules.MODELS.items():
        explorer.model(name)
        twin.place(*model)
        explorer.shows(twin)
        pressed = explorer.view.get_by_role("button", pressed=True)
        expect(pressed).to_have_text(re.compile(f"^{name} · "))
    explorer.press(COMPUTE, "End")
    twin.flops = 1e27
    explorer.shows(twin)
    expect(explorer.view.get_by_role("button", pressed=True)).to_have_count(0)


def test_in_jupyterlab(browser, lab, twin):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    opened = lab.open(page, notebook(CELL), "compute.ipynb")
    opened.run_all()
    explorer = Explorer(page)
    assert explorer.box.bounding_box()["height"] <= TALLEST
    turn_the_knobs(explorer, twin)
    arrives(opened, "print(explorer.law, explorer.flops)", f"{REFITTED} 1e+27\n")
    explorer.model("Llama 2")
    twin.place(*compute_rules.MODELS["Llama 2"])
    explorer.shows(twin)
    read = "print(f'{explorer.n_params:.6g} {explorer.n_tokens:.6g} {explorer.loss:.6f}')"
    arrives(opened, read, f"{twin.n_params:.6g} {twin.n_tokens:.6g} {twin.loss:.6f}\n")
    opened.execute(f"explorer.law, explorer.flops, explorer.relative_size = '{KAPLAN}', 2.2e24, 0.01")
    twin.law, twin.flops, twin.relative_size = KAPLAN, 2.2e24, 0.01  # between two places, and beyond the end
    explorer.shows(twin)
    assert explorer.box.bounding_box()["height"] <= TALLEST  # with the longest remarks
    assert "TraitError: flops must be from 1e+06 to 1e+30, got 1" in opened.execute("explorer.flops = 1")
    assert opened.outputs_on_stderr() == 0
    opened.close()
    context.close()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    if not AXE.exists():
        pytest.skip("the parts of a page are missing: run `npm ci`")
    lesson = notebook("1", CELL, OURS)
    for cell in lesson.cells:
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    folder = tmp_path_factory.mktemp("exported")
    (folder / "compute.ipynb").write_text(nbformat.writes(lesson), encoding="utf-8")
    command = [sys.executable, ROOT / "tools/export.py", "both", folder / "compute.ipynb", "--out", folder / "out"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=os.environ | {"CI": "1"})
    assert done.returncode == 0, done.stderr
    return folder / "out"


def opened(page, exported, number=0):
    page.goto(f"{exported.as_uri()}/pages/compute.html")
    return Explorer(page, number)


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_in_an_exported_page_without_a_network(page, exported, twin, protocol):
    with served(exported, protocol) as base:
        page.goto(f"{base}/pages/compute.html")
        turn_the_knobs(Explorer(page), twin)
    assert page.blocked == []


def test_in_slides_without_a_network(page, exported, twin):
    from playwright.sync_api import expect

    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{exported.as_uri()}/slides/compute.slides.html?transition=none")
    page.locator(".reveal.ready").wait_for()
    page.keyboard.press("ArrowRight")
    section = page.locator(".reveal .slides > section").nth(1)
    expect(section).to_have_class(re.compile(r"\bpresent\b"))
    turn_the_knobs(Explorer(page), twin)  # arrow keys move the sliders
    expect(section).to_have_class(re.compile(r"\bpresent\b"))  # and turn no slide
    assert page.blocked == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_breaks_no_rule_that_matters(page, exported, scheme):
    page.emulate_media(color_scheme=scheme)
    explorer = opened(page, exported)
    assert violations(page) == []
    explorer.law(KAPLAN)
    explorer.model("SmolLM2")
    assert violations(page) == []


@pytest.mark.parametrize("width", [1280, 900, NARROW + 46, 390])
def test_all_of_it_is_in_sight_and_legible(page, exported, twin, width):
    page.set_viewport_size({"width": width, "height": 800})
    explorer = opened(page, exported)
    corners = itertools.product((("Home", 1e17), ("End", 1e27)), (("Home", 1 / 30), ("End", 30)))
    for law, ((key, flops), (size, ratio)) in itertools.product(compute_rules.LAWS, corners):
        explorer.law(law)
        explorer.press(COMPUTE, key)
        explorer.press(SIZE, size)
        twin.law, twin.flops, twin.relative_size = law, flops, ratio
        explorer.shows(twin)
        legible(explorer, width)
    explorer.law(CHINCHILLA)
    for model in compute_rules.MODELS:
        explorer.model(model)
        legible(explorer, width)
        assert set(explorer.view.locator(".cu-name").all_text_contents()) == set(compute_rules.MODELS)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_law_of_ones_own_has_no_menu_and_no_models(page, exported, width):
    page.set_viewport_size({"width": width, "height": 800})
    explorer = opened(page, exported, number=1)
    assert not explorer.box.get_by_label("law", exact=True).is_visible()
    assert explorer.view.get_by_role("button").count() == 0
    for key in ("Home", "End"):
        explorer.press(COMPUTE, key)
        legible(explorer, width)
    assert "1e14 FLOPs" in explorer.said.inner_text()


def legible(explorer, width):
    """All of it is on the page, no text on another, none too small."""
    frame, parts, texts, size = explorer.view.evaluate(LOOK)
    for box in parts:
        assert frame["left"] - 0.01 <= box["left"]
        assert box["right"] <= frame["right"] + 0.01
        assert frame["top"] - 0.01 <= box["top"]
        assert box["bottom"] <= frame["bottom"] + 0.01
    assert not [1 for a, b in itertools.combinations(texts, 2) if overlap(a, b)]
    assert size >= SMALLEST_TEXT
    assert explorer.page.evaluate("document.documentElement.scrollWidth") == width
    box = explorer.box.bounding_box()
    assert box["width"] <= WIDEST
    assert box["height"] <= NARROW or width < 700


def test_what_is_said_is_said_in_a_live_region_and_by_the_picture(page, exported, twin):
    from playwright.sync_api import expect

    explorer = opened(page, exported)
    expect(explorer.said).to_have_attribute("aria-live", "polite")
    explorer.model("Chinchilla")
    twin.place(*compute_rules.MODELS["Chinchilla"])
    explorer.shows(twin)
    said = compute_rules.words(twin.flops, twin.chosen, twin.best)
    name = f"lowest with 1.930 nats at 32.5 B parameters and 3.02 T tokens. {said}"
    expect(explorer.view.get_by_role("img", name=name)).to_be_visible()
    sliders = explorer.box.get_by_role("slider")
    values = sliders.evaluate_all("all => all.map((one) => [one.ariaLabel, one.ariaValueText])")
    assert values == [[COMPUTE, "5.9e23 FLOPs"], [SIZE, "2.2 times the best size"]]
    explorer.press(SIZE, "Home")
    expect(sliders.nth(1)).to_have_attribute("aria-valuetext", "the best size divided by 30")


def test_the_curve_has_its_lowest_point_where_the_diamond_is(page, exported):
    explorer = opened(page, exported)
    explorer.press(SIZE, "End")
    for law in compute_rules.LAWS:
        explorer.law(law)
        curve = explorer.view.locator("polyline").get_attribute("points")
        points = [tuple(map(float, point.split(","))) for point in curve.split()]
        best, chosen = (
            tuple(map(float, re.match(r"M([\d.]+),([\d.]+)", path).groups()))
            for path in explorer.view.locator(".cu-picture :is(.cu-best, .cu-chosen)").evaluate_all(
                "all => all.slice(0, 2).map((one) => one.getAttribute('d'))"
            )
        )
        assert max(points, key=lambda point: point[1])[1] == pytest.approx(best[1], abs=0.1)
        assert best == pytest.approx(points[60], abs=0.1)
        assert chosen[0] > best[0]
        assert chosen[1] < best[1]


def test_nothing_needs_its_colour(page, exported):
    explorer = opened(page, exported)
    shapes = explorer.view.locator(".cu-picture :is(.cu-best, .cu-chosen, .cu-model)").evaluate_all(
        "all => all.map((one) => [one.classList[0], one.getAttribute('d').replace(/M[^m]*/, '')])"
    )
    assert len({kind for kind, _ in shapes}) == len({shape for _, shape in shapes}) == 3
    strokes = explorer.view.locator(".cu-picture :is(.cu-spent, .cu-frontier)").evaluate_all(
        "all => all.map((one) => [one.classList[0], getComputedStyle(one).strokeDasharray])"
    )
    assert len({dashes for _, dashes in strokes}) == len({kind for kind, _ in strokes}) == 2
    assert explorer.view.locator(".cu-legend .cu-key").count() == 5


def test_paper_shows_a_picture_where_the_sliders_are(page, exported):
    explorer = opened(page, exported)
    page.emulate_media(media="print")
    assert "1e22 FLOPs are 116 PF-days" in page.locator(".cu-print img").first.get_attribute("alt")
    assert not explorer.box.is_visible()
