"""JupyterLab as the course sets it up: what a reader sees who opens, saves and reopens a notebook."""

import sys
from pathlib import Path

import nbformat
import pytest
from test_sampling_explorer import TIED, Explorer, notebook

pytestmark = pytest.mark.browser

FIGURE = """
from matplotlib.figure import Figure
from course_utils import plots

figure = Figure(figsize=(30, 2))
figure.subplots().plot([1, 2])
plots.show(figure, "It rises: 1 < 2, by $x^2$.", 'A line from 1 to 2, the "curve" & its end.')
"""
ALT = 'A line from 1 to 2, the "curve" & its end.'


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The figure's notebook as a fresh clone has it: executed elsewhere, and so not trusted here."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
    try:
        from execute import run, stabilise
    finally:
        sys.path.pop(0)
    path = tmp_path_factory.mktemp("executed") / "figure.ipynb"
    path.write_text(nbformat.writes(notebook(FIGURE)), encoding="utf-8")
    return stabilise(run(path))


def expect_figure(page):
    from playwright.sync_api import expect

    picture = page.get_by_role("img", name=ALT)
    expect(picture).to_be_visible()
    expect(page.locator("figcaption")).to_contain_text("It rises: 1 < 2, by ")
    expect(page.locator("figcaption mjx-container")).to_have_count(1)
    room = page.locator(".jp-OutputArea-output").first.bounding_box()
    assert 0 < picture.bounding_box()["width"] <= room["width"]
    assert page.locator("figure").evaluate("figure => getComputedStyle(figure).marginLeft") == "0px"


def test_a_figure_has_its_words_in_a_notebook_that_is_not_trusted(page, lab, executed):
    opened = lab.open(page, executed, "figure.ipynb")
    assert not page.evaluate("jupyterapp.shell.currentWidget.model.cells.get(0).trusted")
    expect_figure(page)
    opened.close()


def test_a_figure_has_its_words_when_it_is_drawn(page, lab):
    opened = lab.open(page, notebook(FIGURE), "drawn.ipynb")
    opened.run_all()
    expect_figure(page)
    opened.close()


def test_an_answer_is_out_of_sight_until_it_is_asked_for_or_run(page, lab):
    from playwright.sync_api import expect

    lesson = notebook("'it is ' + 'forty-two'")
    lesson.cells[0].metadata["jupyter"] = {"outputs_hidden": True}
    lesson.cells[0].outputs = [nbformat.v4.new_output("execute_result", data={"text/plain": "'saved'"})]
    opened = lab.open(page, lesson, "answer.ipynb")
    saved, mine = page.get_by_text("'saved'"), page.get_by_text("'it is forty-two'")
    expect(page.locator(".jp-Cell-inputArea")).to_be_visible()
    expect(saved).to_be_hidden()
    page.locator(".jp-OutputPlaceholder .jp-MoreHorizIcon").click()
    expect(saved).to_be_visible()
    opened.close()
    opened = lab.reopen(page, "answer.ipynb")
    expect(saved).to_be_hidden()
    opened.run_all()
    expect(mine).to_be_visible()
    opened.close()


def test_a_saved_explorer_is_alive_when_it_is_opened_again(page, lab):
    from playwright.sync_api import expect

    opened = lab.open(page, notebook(TIED), "saved.ipynb")
    opened.run_all()
    Explorer(page).press("temperature", *["ArrowLeft"] * 4)
    Explorer(page).expect(temperature=0.8)
    opened.save()
    opened.close()
    opened = lab.reopen(page, "saved.ipynb")
    explorer = Explorer(page)
    explorer.expect(temperature=0.8, kernel="false")
    before = explorer.bars()
    explorer.press("temperature", *["ArrowLeft"] * 4)
    explorer.expect(temperature=0.6)
    assert explorer.bars() != before
    expect(page.get_by_text("Error displaying widget")).to_have_count(0)
    opened.close()


def test_the_picture_fits_after_a_change_of_theme_out_of_sight(page, lab):
    from playwright.sync_api import expect

    fits = "picture => picture.scrollWidth <= picture.clientWidth && picture.clientWidth > 0"
    long = notebook(TIED)
    long.cells += [nbformat.v4.new_markdown_cell("word\n\n" * 400)]
    opened = lab.open(page, long, "theme.ipynb")
    opened.run_all()
    explorer = Explorer(page)
    explorer.expect(kernel="true")
    assert explorer.text("picture").evaluate(fits)
    page.locator(".jp-RenderedMarkdown p").last.scroll_into_view_if_needed()
    change = "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})"
    page.evaluate(change, "JupyterLab Dark")
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    page.evaluate(change, "JupyterLab Light")
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "true")
    explorer.box.scroll_into_view_if_needed()
    assert explorer.text("picture").evaluate(fits)
    opened.close()


def test_jupyterlab_asks_no_question_and_its_text_is_large(page, lab):
    prose = notebook()
    prose.cells = [nbformat.v4.new_markdown_cell("word " * 200)]
    page.set_viewport_size({"width": 1920, "height": 1000})
    opened = lab.open(page, prose, "prose.ipynb")
    paragraph = page.locator(".jp-RenderedMarkdown p")
    assert paragraph.evaluate("p => getComputedStyle(p).fontSize") == "17px"
    assert paragraph.bounding_box()["width"] < 50 * 17
    assert page.locator(".Toastify__toast").count() == 0
    assert page.blocked == []
    opened.close()
