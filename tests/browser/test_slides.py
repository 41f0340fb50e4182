"""The decks of all notebooks on a projector: nothing has to be scrolled, nothing is cut off, no slide is empty."""

import sys
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# Each slide in turn, with all its fragments: what is wrong with it, and its first words.
LOOK = """async () => {
    const faults = [];
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const columns = [...document.querySelectorAll(".reveal .slides > section")];
    for (const [h, column] of columns.entries()) {
        const inner = [...column.querySelectorAll(":scope > section")];
        for (const [v, slide] of (inner.length ? inner : [column]).entries()) {
            location.hash = `#/${h}/${v}`;
            for (let i = 0; i < 200 && !slide.classList.contains("present"); i++) await frame();
            await frame();
            const name = `slide ${h}/${v} (${slide.innerText.trim().slice(0, 40).replaceAll("\\n", " ")})`;
            const wide = [...slide.querySelectorAll("pre, table, img, mjx-container > svg")]
                .filter((part) => !part.closest("aside")).filter((part) => part.scrollWidth > part.clientWidth + 1
                    || part.getBoundingClientRect().right > innerWidth + 1
                    || part.tagName === "svg" && part.width.baseVal.value > part.clientWidth + 2); // made smaller
            if (!slide.classList.contains("present")) faults.push(`${name} could not be reached`);
            if (slide.scrollHeight > slide.clientHeight + 1)
                faults.push(`${name} is ${slide.scrollHeight} pixels high, ${slide.clientHeight} are there`);
            if (wide.length) faults.push(`${name} has a ${wide[0].tagName} that is too wide`);
            const seen = [...slide.querySelectorAll("*")].some((part) =>
                !part.closest("aside") && part.matches("p, pre, li, img, table, h1, h2, h3, .jupyter-widgets"));
            if (!seen) faults.push(`${name} is empty`);
        }
    }
    return faults;
}"""


@pytest.fixture(scope="module")
def export():
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import export
    finally:
        sys.path.pop(0)
    return export


@pytest.fixture(scope="module")
def decks(export, tmp_path_factory):
    """A folder for the decks, with what they load."""
    folder = tmp_path_factory.mktemp("decks")
    try:
        export.copy_static(export.KINDS["slides"].static, folder / "_static")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    return folder


def faults(page, deck):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{deck.as_uri()}?transition=none")
    page.locator(".reveal.ready").wait_for()
    page.wait_for_function("() => !window.MathJax || MathJax.startup.promise.then(() => true)")
    return page.evaluate(LOOK)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_slide_fits_a_projector(page, export, decks, path):
    """With the outputs that are saved; of the explorers these hold the picture for paper, which is as high."""
    deck = export.write(nbformat.read(path, as_version=4), path, "slides", decks)
    assert faults(page, deck) == []


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("word\n\n" * 60, "pixels high"),
        ("$$" + "x + " * 100 + "y$$", "too wide"),
        ("<aside>seen by nobody</aside>", "is empty"),
    ],
)
def test_a_slide_that_does_not_fit_is_seen(page, export, decks, source, fault):
    cells = [nbformat.v4.new_markdown_cell(text) for text in ("# Title $x$", source, "the end")]
    for cell in cells:
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    deck = export.write(nbformat.v4.new_notebook(cells=cells), decks / "broken.ipynb", "slides", decks)
    (found,) = faults(page, deck)
    assert found.startswith("slide 1/0")
    assert fault in found
