"""The tables of slides in notebook 00 and in the README say what the title tables of the notebooks say."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
CONTENTS = "00_start_here.ipynb"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb") if path.name != CONTENTS)
SLIDES = re.compile(r"L(\d\d)(?: to L(\d\d))?")
NUMBERS = re.compile(r"(\d+)(?: to (\d+))?")
SECTIONS = re.compile(r"sections? (\d+(?:(?:, | and | to )\d+)*)")
LINK = re.compile(r"\]\((?:notebooks/)?([\w]+\.ipynb)\)")


def spans(pattern, text):
    """Numbers in a text, `3 to 5` written out: {3, 4, 5}."""
    found = ((int(first), int(last or first)) for first, last in pattern.findall(text))
    return {number for first, last in found for number in range(first, last + 1)}


def rows(text, columns):
    """Cells of the rows of all tables with that many columns, without headings and rules."""
    lines = [line.strip().strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines if len(line) == columns and "---" not in line[0]]


def taught(notebook):
    """{slide: sections} of a notebook's title table."""
    sections = {}
    for slides, here in rows(notebook.cells[0].source, columns=2):
        numbers = set().union(*(spans(NUMBERS, match) for match in SECTIONS.findall(slides + " " + here)))
        for slide in spans(SLIDES, slides):
            sections.setdefault(slide, set()).update(numbers)
    return sections


def promised(contents):
    """[(slides, notebook, sections)] of notebook 00's tables of slides."""
    text = "\n".join(cell.source for cell in contents.cells if cell.cell_type == "markdown")
    for slides, _, notebooks, sections in rows(text, columns=4):
        if spans(SLIDES, slides):
            names, groups = LINK.findall(notebooks), sections.split(";") if sections else []
            assert len(names) == len(groups), f"{slides}: {len(names)} links, sections of {len(groups)}"
            for name, group in zip(names, groups, strict=True):
                yield spans(SLIDES, slides), name, spans(NUMBERS, group)


@pytest.fixture(scope="module")
def titles():
    return {name: taught(nbformat.read(FOLDER / name, as_version=4)) for name in NOTEBOOKS}


@pytest.fixture(scope="module")
def table():
    return list(promised(nbformat.read(FOLDER / CONTENTS, as_version=4)))


def test_each_section_in_the_contents_is_in_the_title_of_its_notebook(table, titles):
    assert table
    for slides, name, sections in table:
        there = {slide: titles[name].get(slide, set()) for slide in slides}
        assert any(there.values()), f"{name} teaches none of {slides}"
        assert set().union(*there.values()) == sections, f"{name}: {there}, but {CONTENTS} says {sections}"


def test_each_slide_in_a_title_is_in_the_contents(table, titles):
    for name, slides in titles.items():
        there = set().union(*(row for row, notebook, _ in table if notebook == name))
        assert set(slides) <= there, f"{name}: {CONTENTS} doesn't link it for {set(slides) - there}"


def test_the_readme_names_the_slides_of_each_notebook(titles):
    readme = {}
    for notebook, _, slides in rows((ROOT / "README.md").read_text(encoding="utf-8"), columns=3):
        for name in LINK.findall(notebook):
            readme[name] = spans(SLIDES, slides)
    assert set(readme) == {CONTENTS, *NOTEBOOKS}
    for name in NOTEBOOKS:
        assert readme[name] == set(titles[name]), f"README: {name} has {set(titles[name])}"
