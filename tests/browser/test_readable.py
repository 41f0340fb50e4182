"""Exported pages and slides by the rules of accessibility, on a phone, on paper, and in colours of the reader's own."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from patience import PATIENCE
from test_jupyterlab import ALT, FIGURE
from test_sampling_explorer import TIED, Explorer, notebook

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
GRAVE = """() => axe.run({resultTypes: ["violations"]}).then(({violations}) => violations
    .filter(({impact}) => ["serious", "critical"].includes(impact))
    .flatMap(({id, nodes}) => nodes.map(({html}) => id + ": " + html)))"""
PROSE = """# Reading

See [a page](https://example.org) in a sentence, `code`, and $p_i$.

| a | b |
|---|---|
| *c* | **d** |

> A quotation with [a link](https://example.org).

```python
x = 1  # fenced
```
"""
CODE = '''
import math  # every colour that code comes in


@property
def f(x: float = 0x1F, *rest) -> str:
    """Say what it is."""
    if x is None or x >= 1e-3 and not rest:
        raise ValueError(f"no {x!r}\\n")
    return [lambda y: y ** 2, True, r"\\d"][0]


print(f"{math.pi:.{100}f} " * 3)
'''


ANSWER = "'it is ' + 'forty-two'"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder with pages/reading.html and slides/reading.slides.html."""
    if not AXE.exists():
        pytest.skip("the parts of a page are missing: run `npm ci`")
    lesson = notebook(CODE, "1 / 0", "'a result'", FIGURE, TIED)
    lesson.cells[1].metadata["tags"] = ["raises-exception"]
    lesson.cells.insert(0, new_markdown_cell(PROSE))
    lesson.cells.append(new_code_cell("explorer.temperature"))
    lesson.cells.append(new_code_cell(ANSWER, metadata={"jupyter": {"outputs_hidden": True, "source_hidden": True}}))
    for cell in lesson.cells:
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    path = tmp_path_factory.mktemp("readable") / "reading.ipynb"
    path.write_text(nbformat.writes(lesson), encoding="utf-8")
    command = [sys.executable, ROOT / "tools/export.py", "both", path, "--out", path.parent / "out"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return path.parent / "out"


def opened(page, folder, name="pages/reading.html"):
    page.goto(f"{folder.as_uri()}/{name}")
    page.locator("mjx-container").first.wait_for()
    page.locator(".cu-view svg").first.wait_for(state="attached")
    return page


def violations(page):
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return page.evaluate(GRAVE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_breaks_no_rule_that_matters(page, exported, scheme):
    page.emulate_media(color_scheme=scheme)
    opened(page, exported)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 17, 17)"}[scheme]
    assert violations(page) == []
    page.goto((exported / "pages/index.html").as_uri())
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_explorer_in_use_breaks_no_rule_that_matters(page, exported, scheme):
    page.emulate_media(color_scheme=scheme)
    explorer = Explorer(opened(page, exported))
    explorer.draw(2)
    explorer.button("draw 100").click()
    explorer.press("top-k", "Home", *["ArrowRight"] * 7)
    explorer.expect(top_k=8)
    assert explorer.view.locator("[data-share]").count() == 8
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_deck_breaks_no_rule_that_matters(page, exported, scheme):
    from playwright.sync_api import expect

    page.emulate_media(color_scheme=scheme)
    opened(page, exported, "slides/reading.slides.html?transition=none")
    sections = page.locator(".reveal .slides > section")
    for i in range(sections.count()):
        expect(sections.nth(i)).to_have_class(re.compile(r"\bpresent\b"))
        assert violations(page) == []
        page.keyboard.press("ArrowRight")


@pytest.mark.parametrize("name", ["pages/reading.html", "slides/reading.slides.html"])
def test_a_figure_has_its_words(page, exported, name):
    figure = opened(page, exported, name).locator("figure").first  # the explorer has one too, for paper
    assert figure.locator("img").get_attribute("alt") == ALT
    assert "1 < 2" in figure.locator("figcaption").inner_text()
    assert figure.locator("mjx-container").count() == 1


def test_an_answer_and_its_code_are_out_of_sight_until_a_reader_of_a_page_asks(page, exported):
    from playwright.sync_api import expect

    opened(page, exported)
    answer, code = (page.locator(".cu-folded").get_by_text(text) for text in ("it is forty-two", "+"))
    expect(answer).to_be_hidden()
    expect(code).to_be_hidden()
    page.get_by_text("Show the answer").focus()
    page.keyboard.press("Enter")
    expect(answer).to_be_visible()
    expect(code).to_be_hidden()
    page.get_by_text("Show the code").click()
    expect(code).to_be_visible()
    page.reload()
    page.emulate_media(media="print")
    expect(answer).to_be_visible()


def test_an_answer_comes_with_the_next_key_in_a_deck_and_its_code_never(page, exported):
    from playwright.sync_api import expect

    opened(page, exported, "slides/reading.slides.html?transition=none")
    last = page.locator(".reveal .slides > section").last
    while not re.search(r"\bpresent\b", last.get_attribute("class") or ""):
        page.keyboard.press("ArrowRight")
    answer = last.locator(".fragment")
    expect(answer).to_have_text(re.compile("it is forty-two"))
    expect(answer).to_have_css("opacity", "0")
    page.keyboard.press("ArrowRight")
    expect(answer).to_have_css("opacity", "1")
    assert "'it is '" not in last.inner_text()


def test_a_page_fits_a_phone(page, exported):
    page.set_viewport_size({"width": 390, "height": 800})
    opened(page, exported)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for wide in ("figure img", ".cu-view svg", ".cu-view svg [data-rest-after]", ".highlight pre", ".cu-row"):
        box = page.locator(wide).first.bounding_box()
        assert box["x"] >= 0, wide
        assert box["x"] + box["width"] <= 390, wide
    bars = Explorer(page).bars()
    rest = page.locator(".cu-view svg [data-rest-after]")
    assert 4 <= len(bars) < 24
    assert sum(after for _, after, _ in bars) + float(rest.get_attribute("data-rest-after")) == pytest.approx(1)


def test_paper_shows_a_picture_where_the_sliders_are(page, exported):
    opened(page, exported)
    printed = page.locator(".cu-print")
    assert not printed.is_visible()
    page.emulate_media(media="print")
    assert printed.is_visible()
    assert "tokens are kept" in printed.locator("img").get_attribute("alt")
    assert not page.locator(".cu-explorer").is_visible()
    assert page.locator(".highlight pre").first.evaluate("pre => getComputedStyle(pre).whiteSpace") == "pre-wrap"


def test_text_has_the_readers_own_colours(page, exported):
    page.emulate_media(forced_colors="active", color_scheme="light")
    opened(page, exported)
    ink = page.evaluate(
        """() => {
            const probe = document.body.appendChild(document.createElement("p"));
            probe.style.color = "CanvasText";
            return getComputedStyle(probe).color;
        }"""
    )
    fills = page.locator(".cu-view svg text").evaluate_all("all => all.map(text => getComputedStyle(text).fill)")
    assert set(fills) == {ink}
    tracks = page.locator(".cu-explorer .noUi-target")
    assert set(tracks.evaluate_all("all => all.map(track => getComputedStyle(track).borderTop)")) == {
        f"1px solid {ink}"
    }
