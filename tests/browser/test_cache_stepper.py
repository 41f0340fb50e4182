"""The cache stepper in a real JupyterLab, in an exported page and in slides, driven by keyboard and mouse."""

import itertools
import os
import re
import subprocess
import sys
import time

import nbformat
import pytest
from patience import IN_A_PAGE, PATIENCE
from test_budget_explorer import overlap
from test_drawings import WIDEST
from test_ngram_explorer import TALLEST
from test_readable import AXE, violations
from test_sampling_explorer import ROOT, notebook, served

from course_utils.widgets import CacheStepper, cache_rules

pytestmark = pytest.mark.browser

TOKENS = [
    "The",
    " old",
    " professor",
    " wrote",
    " extraordinarily",
    " long",
    " words",
    " on",
    " the",
    " board",
    ",",
    ".",
]
CELL = f"""
from course_utils.widgets import CacheStepper

stepper = CacheStepper({TOKENS!r}, 4)
stepper
"""
SMALLEST_TEXT = 14  # pixels: 13 of a slide's, which is drawn at nine tenths
NARROW = 640  # pixels of a narrow cell, and the height that all has to fit into
LOOK = """(view) => {
    const picture = view.querySelector(".cu-picture");
    const boxes = (of) => [...picture.querySelectorAll(of)].map((part) => part.getBoundingClientRect().toJSON());
    const sizes = [...view.querySelectorAll("text, tspan, p, th, td, .cu-key, button")]
        .map((text) => parseFloat(getComputedStyle(text).fontSize));
    return [boxes("svg")[0], boxes("text, rect, path"), boxes("text"), Math.min(...sizes)];
}"""
PLACES = "all => all.map(({ dataset }) => [dataset.place, dataset.state])"
NUMBERS = "rows => rows.map((row) => [...row.querySelectorAll('td')].map((cell) => Number(cell.textContent)))"


class Stepper:
    """The stepper of a page, by what a user can see and press."""

    def __init__(self, page):
        self.page = page
        self.box = page.locator(".cu-explorer").first
        self.view = self.box.locator(".cu-view")
        self.view.wait_for()
        self.said = self.view.locator(".cu-said")

    def expect(self, **data):
        from playwright.sync_api import expect

        for name, value in data.items():
            value = str(value).lower()  # true, as JavaScript writes it
            expect(self.view).to_have_attribute(f"data-{name.replace('_', '-')}", value)

    def press(self, label, *keys):
        self.box.get_by_role("slider", name=label, exact=True).focus()
        for key in keys:
            self.page.keyboard.press(key)

    def button(self, name):
        return self.view.get_by_role("button", name=name, exact=True)

    def switch(self):
        box = self.box.get_by_label("KV cache", exact=True)
        box.focus()
        self.page.keyboard.press("Space")


def shows(stepper, prompt_length=4, step=0, cached=True):
    """Picture, words and table are those of Python with these settings."""
    from playwright.sync_api import expect

    knobs = {"step": step, "prompt_length": prompt_length, "cached": cached}
    stepper.expect(**knobs)
    expected = CacheStepper(TOKENS, **knobs)
    words = cache_rules.words(**knobs, tokens=expected._view.labels)
    expected.close()
    expect(stepper.said).to_have_text(words)
    states = cache_rules.states(**knobs, n_tokens=len(TOKENS))
    scores = states.pop("scores")
    places = {f"{name}-{i}": state for name, column in states.items() for i, state in enumerate(column)}
    places |= {f"scores-{i}-{j}": state for i, row in enumerate(scores) for j, state in enumerate(row)}
    assert dict(stepper.view.locator("[data-place]").evaluate_all(PLACES)) == places
    rows = []
    for way in (True, False):
        now, so_far = (rule(step, prompt_length, way) for rule in (cache_rules.counts, cache_rules.totals))
        names = ("computed", "read", "written", "scores")
        rows.append([getattr(counts, name) for name in names for counts in (now, so_far)])
    assert stepper.view.locator("tbody tr").evaluate_all(NUMBERS) == rows
    expect(stepper.view.locator(".cu-chosen th")).to_have_text(f"▸ {'with a cache' if cached else 'without'}")


def turn_the_knobs(stepper):
    """Every control, by keys and by mouse, without a kernel's help."""
    from playwright.sync_api import expect

    shows(stepper)
    stepper.press("step", "ArrowRight", "ArrowRight", "ArrowRight")
    shows(stepper, step=3)
    stepper.switch()
    shows(stepper, step=3, cached=False)
    stepper.button("next step").click()
    shows(stepper, step=4, cached=False)
    stepper.button("one step back").focus()
    stepper.page.keyboard.press("Enter")
    stepper.page.keyboard.press("Space")
    shows(stepper, step=2, cached=False)
    stepper.press("step", "End")
    shows(stepper, step=8, cached=False)
    expect(stepper.button("next step")).to_have_attribute("aria-disabled", "true")
    stepper.press("prompt length", "ArrowRight", "ArrowRight")
    shows(stepper, prompt_length=6, step=6, cached=False)
    stepper.press("step", "ArrowRight")  # the slider ends there
    shows(stepper, prompt_length=6, step=6, cached=False)
    stepper.press("prompt length", "End")
    shows(stepper, prompt_length=11, step=1, cached=False)
    stepper.press("prompt length", "Home")
    stepper.switch()
    stepper.press("step", "End")  # and now further on
    shows(stepper, prompt_length=1, step=11)
    stepper.press("step", "Home")
    shows(stepper, prompt_length=1)


def arrives(opened, code, printed):
    """What the browser has set reaches the kernel: it holds back a message while another is on its way."""
    deadline = time.monotonic() + IN_A_PAGE
    while (now := opened.execute(code)) != printed:
        assert time.monotonic() < deadline, now


def test_in_jupyterlab(browser, lab):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    opened = lab.open(page, notebook(CELL), "cache.ipynb")
    opened.run_all()
    stepper = Stepper(page)
    stepper.expect(kernel="true")
    assert stepper.box.bounding_box()["height"] <= TALLEST
    turn_the_knobs(stepper)
    assert stepper.box.bounding_box()["height"] <= TALLEST
    stepper.press("prompt length", "ArrowRight", "ArrowRight")
    stepper.press("step", "ArrowRight")
    stepper.switch()
    shows(stepper, prompt_length=3, step=1, cached=False)
    arrives(opened, "print(stepper.prompt_length, stepper.step, stepper.cached)", "3 1 False\n")
    assert opened.execute("print(stepper.counts.computed, stepper.totals.scores)") == "8 16\n"
    opened.execute("stepper.prompt_length, stepper.step, stepper.cached = 2, 10, True")
    shows(stepper, prompt_length=2, step=10)
    opened.execute("stepper.prompt_length = 9")
    shows(stepper, prompt_length=9, step=3)
    arrives(opened, "print(stepper.prompt_length, stepper.step)", "9 3\n")
    assert "TraitError: step must be from 0 to 3, got 4" in opened.execute("stepper.step = 4")
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
    (folder / "cache.ipynb").write_text(nbformat.writes(lesson), encoding="utf-8")
    command = [sys.executable, ROOT / "tools/export.py", "both", folder / "cache.ipynb", "--out", folder / "out"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=os.environ | {"CI": "1"})
    assert done.returncode == 0, done.stderr
    return folder / "out"


def opened(page, exported):
    page.goto(f"{exported.as_uri()}/pages/cache.html")
    return Stepper(page)


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_in_an_exported_page_without_a_network(page, exported, protocol):
    with served(exported, protocol) as base:
        page.goto(f"{base}/pages/cache.html")
        stepper = Stepper(page)
        stepper.expect(kernel="false")
        turn_the_knobs(stepper)
    assert page.blocked == []


def test_in_slides_without_a_network(page, exported):
    from playwright.sync_api import expect

    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{exported.as_uri()}/slides/cache.slides.html?transition=none")
    page.locator(".reveal.ready").wait_for()
    page.keyboard.press("ArrowRight")
    section = page.locator(".reveal .slides > section").nth(1)
    expect(section).to_have_class(re.compile(r"\bpresent\b"))
    turn_the_knobs(Stepper(page))  # arrow keys move the sliders
    expect(section).to_have_class(re.compile(r"\bpresent\b"))  # and turn no slide
    assert page.blocked == []


def test_play_walks_until_it_is_paused_or_at_the_end(page, exported):
    from playwright.sync_api import expect

    page.clock.install()
    stepper = opened(page, exported)
    stepper.button("play").click()
    page.clock.run_for(3 * 1600)
    shows(stepper, step=3)
    stepper.button("pause").click()
    page.clock.run_for(3 * 1600)
    shows(stepper, step=3)
    stepper.button("play").click()
    page.clock.run_for(20 * 1600)
    shows(stepper, step=8)
    expect(stepper.button("play")).to_be_visible()


def test_nothing_moves_by_itself_where_a_reader_wants_no_motion(page, exported):
    from playwright.sync_api import expect

    page.emulate_media(reduced_motion="reduce")
    stepper = opened(page, exported)
    expect(stepper.button("next step")).to_be_visible()
    assert stepper.view.get_by_role("button").count() == 2
    stepper.button("next step").click()
    shows(stepper, step=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_breaks_no_rule_that_matters(page, exported, scheme):
    page.emulate_media(color_scheme=scheme)
    stepper = opened(page, exported)
    assert violations(page) == []
    stepper.switch()
    stepper.press("step", "ArrowRight", "ArrowRight")
    shows(stepper, step=2, cached=False)
    assert violations(page) == []


@pytest.mark.parametrize("width", [1280, 900, NARROW + 46, 390])
def test_all_of_it_is_in_sight_and_legible(page, exported, width):
    page.set_viewport_size({"width": width, "height": 800})
    stepper = opened(page, exported)
    stepper.press("prompt length", "Home")
    for cached in (True, False):
        if not cached:
            stepper.switch()
        for step in (0, 5, 9, 11):
            stepper.press("step", "Home", *["ArrowRight"] * step)
            stepper.expect(step=step, cached=cached, prompt_length=1)
            frame, parts, texts, size = stepper.view.evaluate(LOOK)
            for box in parts:
                assert frame["left"] - 0.01 <= box["left"], step
                assert box["right"] <= frame["right"] + 0.01, step
                assert frame["top"] - 0.01 <= box["top"], step
                assert box["bottom"] <= frame["bottom"] + 0.01, step
            assert not [1 for a, b in itertools.combinations(texts, 2) if overlap(a, b)], step
            assert size >= SMALLEST_TEXT
            assert page.evaluate("document.documentElement.scrollWidth") == width
            box = stepper.box.bounding_box()
            assert box["width"] <= WIDEST
            assert box["height"] <= NARROW or width == 390


def test_what_is_said_is_said_in_a_live_region_and_by_the_picture(page, exported):
    from playwright.sync_api import expect

    stepper = opened(page, exported)
    expect(stepper.said).to_have_attribute("aria-live", "polite")
    stepper.button("next step").click()
    words = (
        "Step 1 reads one token, “␣extraordinarily”: 1 query, 1 key and 1 value are computed; 4 keys and 4 values are "
        "read from the cache. The logits of the last row give the next token, “␣long”."
    )
    expect(stepper.said).to_have_text(words)
    name = f"Queries, keys, values, scores and outputs, row by row, step 1 of 8, with a KV cache. {words}"
    expect(stepper.view.get_by_role("img", name=name, exact=True)).to_be_visible()
    cells = stepper.view.get_by_role("row", name="with a cache").get_by_role("cell").all_inner_texts()
    assert cells == ["2", "10", "8", "8", "2", "10", "5", "15"]


def test_what_goes_in_and_what_comes_out_is_drawn(page, exported):
    stepper = opened(page, exported)
    stepper.button("next step").click()
    stepper.expect(step=1)
    picture = stepper.view.locator(".cu-picture")
    assert picture.locator(".cu-arrow-in").count() == 2  # now, and in the next step
    assert picture.locator("text.cu-fresh").all_text_contents() == ["␣extr…", "␣long"]
    assert picture.locator("text.cu-goes-next").all_text_contents() == ["␣long"]
    stepper.switch()
    stepper.expect(cached="false")
    assert picture.locator(".cu-arrow-in").count() == 6  # without a cache all go in again


def test_no_state_needs_its_colour(page, exported):
    stepper = opened(page, exported)
    stepper.press("step", "ArrowRight")
    seen = {}
    for cached in (True, False):
        stepper.expect(step=1, cached=cached)
        parts = stepper.view.locator("[data-state]")
        fills = dict(parts.evaluate_all("all => all.map((one) => [one.dataset.state, one.getAttribute('fill')])"))
        seen |= fills
        stepper.switch()
    assert set(seen) == {"computed", "again", "read", "absent"}
    assert seen.pop("absent") == "none"
    strokes = [page.locator(fill[4:-1]).locator("path").get_attribute("d") for fill in seen.values()]
    assert len(set(strokes)) == 3
    assert stepper.view.locator(".cu-legend .cu-key").count() == 2 + 4


def test_paper_shows_a_picture_where_the_sliders_are(page, exported):
    stepper = opened(page, exported)
    page.emulate_media(media="print")
    assert "Step 0 reads the prompt, 4 tokens" in page.locator(".cu-print img").get_attribute("alt")
    assert not stepper.box.is_visible()
