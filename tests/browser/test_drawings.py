"""The drawings in notebooks/figures, as a browser shows them: legible, whole, in light and in dark."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

DRAWINGS = sorted((Path(__file__).resolve().parents[2] / "notebooks/figures").glob("*.svg"))
WIDEST = 760  # pixels, a line of text in JupyterLab
SMALLEST_TEXT = 17  # pixels, that of the text around it
LOOK = """() => {
    const root = document.documentElement, frame = root.viewBox.baseVal;
    const size = (part) => parseFloat(getComputedStyle(part).fontSize);
    const texts = [...root.querySelectorAll("text")].map((text) => ({
        words: text.textContent.trim(), box: text.getBoundingClientRect(),
        size: Math.min(...[text, ...text.querySelectorAll("tspan")].map(size)),
    }));
    const whole = ({left, top, right, bottom}) =>
        left >= 0 && top >= 0 && right <= frame.width && bottom <= frame.height;
    const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 5;
    return {
        title: root.querySelector(":scope > title")?.textContent ?? "", width: root.width.baseVal.value,
        small: texts.filter(({size}) => size < SMALLEST).map(({words, size}) => `${words}: ${size}`),
        outside: texts.filter(({box}) => !whole(box)).map(({words}) => words),
        struck: texts.flatMap((a, i) => texts.slice(i + 1)
            .filter((b) => overlap(a.box, b.box)).map((b) => `${a.words} | ${b.words}`)),
        paper: getComputedStyle(root.querySelector(".paper")).fill,
    };
}""".replace("SMALLEST", str(SMALLEST_TEXT))


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_a_drawing_is_legible_and_whole(lasting_page, path):
    papers = set()
    for scheme in ("light", "dark"):
        lasting_page.emulate_media(color_scheme=scheme)
        lasting_page.goto(path.as_uri())
        seen = lasting_page.evaluate(LOOK)
        assert seen["title"]
        assert seen["width"] <= WIDEST
        assert (seen["small"], seen["outside"], seen["struck"]) == ([], [], [])
        papers.add(seen["paper"])
    assert len(papers) == 2  # it has its own paper, and follows the reader's choice
