"""The sampling explorer in exported pages: alive without a kernel and without a network, whole on a projector."""

import os
import subprocess
import sys

import nbformat
import pytest
from patience import PATIENCE
from test_sampling_explorer import (
    LARGE,
    MODEL,
    ROOT,
    TIED,
    Explorer,
    click_a_track_and_go_on_with_the_keyboard,
    expect_all_in_sight,
    move_every_slider,
    notebook,
    report,
    served,
    use,
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder with exported pages: ties.html, walk.html, large.html."""
    if not (ROOT / "node_modules").exists():
        pytest.skip("the parts of a page are missing: run `npm ci`")
    folder = tmp_path_factory.mktemp("exported")
    cells = {"ties": TIED, "walk": MODEL, "large": LARGE}
    for name, cell in cells.items():
        (folder / f"{name}.ipynb").write_text(nbformat.writes(notebook(cell)), encoding="utf-8")
    command = [sys.executable, ROOT / "tools/export.py", "pages", *(folder / f"{name}.ipynb" for name in cells)]
    done = subprocess.run(
        [*command, "--out", folder / "out"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=os.environ | {"CI": "1"},
    )
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_in_an_exported_page_without_a_network(page, exported, record_property, protocol):
    from playwright.sync_api import expect

    with served(exported, protocol) as base:
        page.goto(f"{base}/ties.html")
        explorer = Explorer(page)
        explorer.expect(kernel="false", temperature=1, top_k=49152)
        move_every_slider(explorer)
        click_a_track_and_go_on_with_the_keyboard(explorer)
        explorer.press("temperature", "End")
        explorer.press("top-k", "End")
        explorer.press("top-p", "End")
        explorer.expect(temperature=2, top_k=49152, top_p=1)
        expect(explorer.text("steps")).to_have_text(
            "49,152 tokens → temperature: 49,152 → top-k: 49,152 → renormalise → top-p: 49,152, 100 % of the mass"
        )
        drawn = explorer.draw(3)
        expect(explorer.text("outcome")).to_contain_text(f"Drawn: “token {drawn[-1]}”, one of the others")
        assert explorer.view.locator("rect.cu-drawn.cu-rest").count() == 1
        explorer.button("reset").click()
        expect(explorer.text("text")).to_have_text("draws: none yet")
        assert explorer.draw(3) == drawn  # same seed, same draws
        seed = explorer.view.get_by_label("seed")
        seed.fill("7")
        seed.press("Enter")
        expect(explorer.text("text")).to_have_text("draws: none yet")
        assert explorer.draw(3) != drawn
        report(record_property, f"exported page, {protocol}", explorer.waits())
    assert page.blocked == []


def test_an_exported_prompt_box_says_that_it_needs_a_kernel(page, exported):
    from playwright.sync_api import expect

    with served(exported, "file") as base:
        page.goto(f"{base}/walk.html")
        explorer = Explorer(page)
        expect(explorer.box.get_by_label("prompt")).to_be_disabled()
        expect(explorer.text("status")).to_contain_text("No kernel is connected: the prompt box needs one")
        before = explorer.bars()
        explorer.draw(2)
        expect(explorer.text("text")).to_contain_text("draws:")
        assert explorer.bars() == before
    assert page.blocked == []


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_a_projector_shows_it_whole_in_a_page(page, exported, size):
    from playwright.sync_api import expect

    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    with served(exported, "file") as base:
        page.goto(f"{base}/large.html")
        explorer = Explorer(page)
        expect(explorer.text("status")).to_contain_text("No kernel is connected")
        for act in (lambda: None, lambda: use(explorer), lambda: explorer.press("temperature", "End")):
            act()
            explorer.wait_to_be_low(height)
            page.evaluate("() => { document.body.style.paddingBottom = '100vh'; }")  # room to scroll to its upper edge
            expect_all_in_sight(explorer, 0, height)


def test_counts_of_many_draws_follow_the_knobs(page, exported):
    """The same noise meets every setting: going back brings the same counts back."""
    from playwright.sync_api import expect

    with served(exported, "file") as base:
        page.goto(f"{base}/large.html")
        explorer = Explorer(page)
        marks = explorer.view.locator("[data-share]")
        expect(marks).to_have_count(0)
        explorer.press("temperature", *["ArrowLeft"] * 10)
        explorer.expect(temperature=0.5)
        explorer.button("draw 1,000").click()
        expect(explorer.view.get_by_role("button", pressed=True)).to_have_text("1,000")
        shares, rest = explorer.shares()
        assert sum(shares.values()) + rest == pytest.approx(1)
        for i, p, _ in explorer.bars():
            assert abs(shares[i] - p) < 5 * (p * (1 - p) / 1000) ** 0.5
        explorer.press("top-k", "Home")
        explorer.expect(top_k=1)
        assert list(explorer.shares()[0].values()) == [1]
        explorer.press("top-k", "End")
        explorer.expect(top_k=49152)
        assert explorer.shares() == (shares, rest)
        explorer.button("draw 100").click()
        expect(explorer.view.get_by_role("button", pressed=True)).to_have_text("100")
        assert explorer.shares() != (shares, rest)
        explorer.button("reset").click()
        expect(marks).to_have_count(0)
        expect(explorer.view.get_by_role("button", pressed=True)).to_have_count(0)


NAME = """() => {
    const {ariaLabel, textContent} = document.activeElement;
    return ariaLabel ?? document.activeElement.closest("label")?.textContent ?? textContent;
}"""


def test_tab_reaches_every_control_in_the_order_of_the_page(page, exported):
    with served(exported, "file") as base:
        page.goto(f"{base}/ties.html")
        Explorer(page).handle("temperature").focus()
        names = []
        for _ in range(12):
            names.append(page.evaluate(NAME).strip())
            page.keyboard.press("Tab")
    sliders = ["temperature", "1.00", "top-k", "all (49,152)", "top-p", "1.00"]  # their numbers can be typed too
    many = [f"draw {n} times and count" for n in ("10", "100", "1,000")]
    assert names == [*sliders, "sample", *many, "reset the running text and the counts", "seed"]
