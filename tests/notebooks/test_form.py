"""The form of every notebook: it is executed, readable, linked, and free of anything from one machine.

Each guard is a function from a notebook to a list of complaints; the second half of this file breaks a small good
notebook in one way at a time and asks that exactly the guard meant for it complains.
"""

import ast
import copy
import json
import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
CONTENTS = "00_start_here.ipynb"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MAX_BYTES = 1_000_000
MAX_LINES = 15
MAX_CELLS = 130
MAX_MINUTES = 45  # of teaching
SLIDE_TYPES = {"slide", "subslide", "fragment", "skip", "notes", "-"}
TAGS = {"nbval-ignore-output", "nbval-check-output", "raises-exception", "nbval-skip", "skip-execution"}
MACHINE_PATH = re.compile(
    r"(?<![\w.:/])/(?:home|root|Users|tmp|work|private|var|opt|mnt)/\w|\b[A-Z]:\\\\?\w|site-packages"
)
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CLOCKS = {
    *(
        f"{clock}{unit}"
        for clock in ("perf_counter", "process_time", "thread_time", "monotonic", "time.time")
        for unit in ("", "_ns")
    ),
    *("timeit", "matmul_peak", "read_bandwidth", "history.seconds"),
}
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:href|src)=\"([^\"]+)\"")
PREDICTION = "**Predict first.**"
MINUTES = re.compile(r"\*(\d+) minutes?\.\* [A-Z]")
MARKDOWN_IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
PICTURE = re.compile(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=]+")


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def folded(cell, part):
    """Whether JupyterLab opens the cell with its "source" or its "outputs" out of sight."""
    return cell.metadata.get("jupyter", {}).get(f"{part}_hidden", False)


def slide_type(cell):
    return cell.metadata.get("slideshow", {}).get("slide_type")


def links(*cells):
    """Targets of the links that stay in the course, without anchors."""
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    found = ("".join(match) for match in LINK.findall(text))
    return [target.partition("#")[0] for target in found if not re.match(r"[a-z]+:|#", target)]


def guard_counts(notebook, path):
    executed = [cell for cell in code_cells(notebook) if "skip-execution" not in tags(cell)]
    counts = [cell.execution_count for cell in executed]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}, not 1 to {len(counts)}: run `make notebooks`"


def guard_outputs(notebook, path):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                yield f"cell {cell.id} writes to stderr: {output.text[:80]!r}"
            if output.output_type == "error" and "raises-exception" not in tags(cell):
                yield f"cell {cell.id} ends in {output.ename} and is not tagged raises-exception"
            # pictures are base64, in which a slash and three letters mean nothing; those inside HTML too
            shown = [str(data) for kind, data in output.get("data", {}).items() if not kind.startswith("image/")]
            shown += [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", [])]
            if match := MACHINE_PATH.search(PICTURE.sub("", "\n".join(shown))):
                yield f"cell {cell.id} shows a path of one machine: {match[0]!r}"


def guard_figures(notebook, path):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            data = output.get("data", {})
            bare = [kind for kind in data if kind.startswith("image/") and not _alt(output.metadata.get(kind, {}))]
            bare += [
                str(image)[:60]
                for image in BeautifulSoup(data.get("text/html", ""), "html.parser")("img")
                if not _alt(image.attrs)
            ]
            for picture in bare:
                yield f"cell {cell.id} has a picture without alternative text: {picture}; end it with plots.show"


def _alt(attributes):
    return attributes.get("alt", "").strip()


def guard_stable_form(notebook, path):
    if "widgets" in notebook.metadata:
        yield "metadata.widgets is saved: run `make notebooks`"
    if notebook.metadata.get("language_info") != {"name": "python"}:
        yield "metadata.language_info names more than the language: run `make notebooks`"
    if any(WIDGET_VIEW in output.get("data", {}) for cell in code_cells(notebook) for output in cell.outputs):
        yield "the dead view of a widget is saved: run `make notebooks`"


def guard_size(notebook, path):
    size = path.stat().st_size
    if size > MAX_BYTES:
        yield f"{size} bytes, at most {MAX_BYTES} are allowed"


def guard_slides_and_ids(notebook, path):
    for index, cell in enumerate(notebook.cells):
        if slide_type(cell) not in SLIDE_TYPES:
            yield f"cell {index} has no slideshow.slide_type out of {sorted(SLIDE_TYPES)}"
        if not cell.get("id"):
            yield f"cell {index} has no id"
    ids = [cell.get("id") for cell in notebook.cells]
    if len(set(ids)) < len(ids):
        yield "two cells have the same id"


def guard_lines(notebook, path):
    for cell in code_cells(notebook):
        if (lines := len(cell.source.splitlines())) > MAX_LINES:
            yield f"cell {cell.id} has {lines} lines, at most {MAX_LINES} are allowed"


def guard_length(notebook, path):
    if (count := len(notebook.cells)) > MAX_CELLS:
        yield f"{count} cells, at most {MAX_CELLS} are allowed: make two lessons of it"


def guard_predictions(notebook, path):
    """The saved output that answers a prediction is out of sight, and no other is."""
    asked = None
    for cell in notebook.cells:
        if PREDICTION in cell.source and cell.cell_type == "markdown":
            if asked:
                yield f"the prediction in cell {asked} has no code that answers it"
            asked = cell.id
        elif cell.cell_type == "code" and folded(cell, "outputs") != bool(asked):
            advice = "is an answer: set jupyter.outputs_hidden" if asked else "answers no prediction, but is hidden"
            yield f"the output of cell {cell.id} {advice}"
            asked = None
        elif cell.cell_type == "code":
            asked = None
    if asked:
        yield f"the prediction in cell {asked} has no code that answers it"


def guard_folded_code(notebook, path):
    for cell in code_cells(notebook):
        shown = [data for output in cell.outputs for data in output.get("data", {}).get("text/html", "")]
        if folded(cell, "source") and "<figure" not in "".join(shown):
            yield f"cell {cell.id} draws nothing, but its code is out of sight"


def guard_drawings(notebook, path):
    for cell in notebook.cells:
        for words, target in MARKDOWN_IMAGE.findall(cell.source) if cell.cell_type == "markdown" else []:
            if not words.strip():
                yield f"cell {cell.id}: the drawing {target} has no alternative text"
            if not re.fullmatch(r"figures/[\w-]+\.svg", target):
                yield f"cell {cell.id}: {target} is not an SVG file in figures/"


def guard_notes(notebook, path):
    """Each section that is taught tells the lecturer, right after its heading, how long it takes."""
    minutes = 0
    for cell, following in zip(notebook.cells, [*notebook.cells[1:], None], strict=True):
        if cell.cell_type != "markdown" or not cell.source.startswith("## ") or slide_type(cell) == "skip":
            continue
        told = following is not None and slide_type(following) == "notes" and MINUTES.match(following.source)
        if told:
            minutes += int(told[1])
        else:
            yield f"after {cell.source.splitlines()[0]!r} there is no notes cell that begins with “*4 minutes.* …”"
    if minutes > MAX_MINUTES:
        yield f"{minutes} minutes of teaching, at most {MAX_MINUTES} are allowed: make two lessons of it"


def guard_quotes(notebook, path):
    for cell in notebook.cells:
        if found := re.search("[«»„]", cell.source):
            yield f"cell {cell.id} has {found[0]}: quotes are “…”"


def guard_beginning(notebook, path):
    first = notebook.cells[0]
    if first.cell_type != "markdown" or not first.source.startswith("# "):
        yield "the first cell is not a markdown cell that begins with a title"
    imports = ast.parse(code_cells(notebook)[0].source).body if code_cells(notebook) else []
    if not imports or not isinstance(imports[0], ast.Import | ast.ImportFrom):
        yield "the first code cell does not begin with imports"


def guard_environment(notebook, path):
    for cell in code_cells(notebook):
        for forbidden in ("sys.path", "%pip", "!pip", "%conda"):
            if forbidden in cell.source:
                yield f"cell {cell.id} uses {forbidden}: the set-up installs what the course needs"


def guard_tags(notebook, path):
    for cell in notebook.cells:
        if unknown := tags(cell) - TAGS:
            yield f"cell {cell.id} has unknown tags {sorted(unknown)}"


def guard_links(notebook, path):
    for target in links(*notebook.cells):
        if not (path.parent / target).exists():
            yield f"a link leads nowhere: {target}"
    names = sorted(other.name for other in path.parent.glob("*.ipynb"))
    place = names.index(path.name)
    previous = names[place - 1] if place > 0 else CONTENTS
    following = names[place + 1] if place + 1 < len(names) else CONTENTS
    wanted = {previous, CONTENTS, following} - {path.name}
    for end, cells in (("beginning", notebook.cells[:2]), ("end", notebook.cells[-2:])):
        if missing := wanted - set(links(*cells)):
            yield f"no link to {sorted(missing)} at the {end} (in the first two and in the last two cells)"


def guard_clocks(notebook, path):
    """No assert looks at what a clock said: it would be about how busy the machine is.

    Followed are names that are filled from a clock, and functions that read one; not what other code hands on.
    """
    timed = set(CLOCKS)  # names that hold a time, or whose call takes one
    for cell in code_cells(notebook):
        for statement in _statements(ast.parse(re.sub("(?m)^[%!].*", "", cell.source)).body):
            if isinstance(statement, ast.Assert) and (found := sorted(_names(statement) & timed)):
                yield f"cell {cell.id} asserts something about {', '.join(found)}, which a clock has measured"
            for target, sources in _fills(statement):
                if _names(*sources) & timed:
                    timed |= _roots(target)
                elif isinstance(target, ast.Name):
                    timed.discard(target.id)


def _statements(body):
    """Those of a cell in order, inside loops and branches too; of a function only what it asserts."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.FunctionDef):
            yield from (part for part in ast.walk(statement) if isinstance(part, ast.Assert))
        else:
            for part in (statement, *getattr(statement, "handlers", []), *getattr(statement, "cases", [])):
                for name in ("body", "orelse", "finalbody"):
                    yield from _statements(getattr(part, name, []))


def _fills(statement):
    """What a statement fills, and from what: x = t, x[0] = t, for x in t, x.append(t), def x(): t."""
    match statement:
        case ast.FunctionDef(name):
            yield ast.Name(name), [statement]
        case ast.Assign([ast.Tuple(targets)], ast.Tuple(values)) if len(targets) == len(values):
            yield from ((target, [value]) for target, value in zip(targets, values, strict=True))
        case ast.Assign(targets, value):
            yield from ((target, [value]) for target in targets)
        case ast.AugAssign(target, _, value) | ast.AnnAssign(target, _, value) if value:
            yield ast.Subscript(target) if isinstance(statement, ast.AugAssign) else target, [value]
        case ast.For(target, source):
            yield target, [source]
        case ast.With(items):
            yield from ((item.optional_vars, [item.context_expr]) for item in items if item.optional_vars)
        case ast.Expr(ast.Call(ast.Attribute(owner, "append" | "extend" | "add" | "update"), arguments)):
            yield ast.Subscript(owner), arguments


def _names(*nodes):
    """Names and attributes that are read, without those that a function or lambda binds itself."""
    inside = [part for node in nodes for part in ast.walk(node)]
    bound = {part.arg for part in inside if isinstance(part, ast.arg)}
    bound |= {part.id for part in inside if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    read = {part.id for part in inside if isinstance(part, ast.Name)} - bound
    attributes = [part for part in inside if isinstance(part, ast.Attribute)]
    pairs = {f"{getattr(part.value, 'id', getattr(part.value, 'attr', ''))}.{part.attr}" for part in attributes}
    return read | {part.attr for part in attributes} | pairs


def _roots(target):
    """Of `a, b[c], d.e` the names a, b and d."""
    while isinstance(target, ast.Subscript | ast.Attribute | ast.Starred):
        target = target.value
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else []
    return {target.id} if isinstance(target, ast.Name) else set().union(*map(_roots, parts))


GUARDS = [function for name, function in sorted(globals().items()) if name.startswith("guard_")]


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, guard):
    assert list(guard(nbformat.read(path, as_version=4), path)) == []


# the guards themselves

FIGURE = '<figure><img src="data:image/png;base64,AB/tmp/xyz=" alt="{alt}"></figure>'
NAVIGATION = "[previous](00_start_here.ipynb) · [contents](00_start_here.ipynb) · [next](02_next.ipynb)"


def good_notebook():
    print_cell = new_code_cell("print(math.pi)", execution_count=2)
    print_cell.outputs = [
        new_output("stream", name="stdout", text="3.141592653589793\n"),
        new_output("display_data", data={"text/html": FIGURE.format(alt="a curve"), "text/plain": "a curve"}),
    ]
    draw_cell = new_code_cell("plots.show(figure)", execution_count=4, metadata={"jupyter": {"source_hidden": True}})
    draw_cell.outputs = [new_output("display_data", data={"text/html": FIGURE.format(alt="a line")})]
    cells = [
        new_markdown_cell(f"# Title\n\n{NAVIGATION}"),
        new_code_cell("import math", execution_count=1),
        print_cell,
        new_code_cell(""),
        new_markdown_cell("## 1. A section\n\n![a ring of four](figures/ring.svg)"),
        new_markdown_cell("*4 minutes.* Draw the ring."),
        new_markdown_cell("**Predict first.** How much?"),
        new_code_cell("print(1)", execution_count=3, metadata={"jupyter": {"outputs_hidden": True}}),
        draw_cell,
        new_markdown_cell(f"See [a page](https://example.org/x) and [above](#title).\n\n{NAVIGATION}"),
    ]
    for cell in cells:
        cell.metadata["slideshow"] = {"slide_type": "notes" if "minutes." in cell.source else "slide"}
    return new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})


def complaints(notebook, folder):
    """Names of the guards that complain of `notebook` as the middle one of three."""
    (folder / "figures").mkdir()
    (folder / "figures/ring.svg").touch()
    for name in (CONTENTS, "02_next.ipynb"):
        nbformat.write(new_notebook(), folder / name)
    path = folder / "01_this.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return [guard.__name__ for guard in GUARDS if list(guard(notebook, path))]


def add_output(notebook, *arguments, **values):
    notebook.cells[2].outputs.append(new_output(*arguments, **values))


def replace_source(notebook, index, old, new):
    assert old in notebook.cells[index].source
    notebook.cells[index].source = notebook.cells[index].source.replace(old, new)


def add_text(notebook, text):
    cell = new_markdown_cell(text, metadata={"slideshow": {"slide_type": "slide"}})
    notebook.cells.insert(-1, cell)


def fold(cell, part):
    cell.metadata.setdefault("jupyter", {})[f"{part}_hidden"] = True


BREAKS = {
    "not executed": ("guard_counts", lambda n: n.cells[2].update(execution_count=None)),
    "executed out of order": ("guard_counts", lambda n: n.cells[2].update(execution_count=7)),
    "stderr": ("guard_outputs", lambda n: add_output(n, "stream", name="stderr", text="a warning")),
    "an error": ("guard_outputs", lambda n: add_output(n, "error", ename="E", evalue="x", traceback=[])),
    "a path in a stream": ("guard_outputs", lambda n: add_output(n, "stream", name="stdout", text="/home/ann/x")),
    "a path in HTML": (
        "guard_outputs",
        lambda n: add_output(n, "display_data", data={"text/html": "<a>C:\\Users\\ann</a>"}),
    ),
    "a path beside a picture": (
        "guard_outputs",
        lambda n: add_output(n, "display_data", data={"text/html": f"{FIGURE.format(alt='a curve')}/home/ann/x"}),
    ),
    "a figure that plots.show did not show": (
        "guard_figures",
        lambda n: add_output(n, "display_data", data={"image/png": "iVBOR", "text/plain": "<Figure size 640x480>"}),
    ),
    "a figure with empty words": (
        "guard_figures",
        lambda n: add_output(n, "display_data", data={"text/html": FIGURE.format(alt=" ")}),
    ),
    "widget state": ("guard_stable_form", lambda n: n.metadata.update(widgets={})),
    "a Python version": ("guard_stable_form", lambda n: n.metadata.language_info.update(version="3.11.7")),
    "a widget's id": (
        "guard_stable_form",
        lambda n: add_output(n, "display_data", data={WIDGET_VIEW: {"model_id": "5f1e"}}),
    ),
    "too large": (
        "guard_size",
        lambda n: add_output(n, "display_data", data={"text/plain": "A" * MAX_BYTES}),
    ),
    "no slide type": ("guard_slides_and_ids", lambda n: n.cells[2].metadata.pop("slideshow")),
    "unknown slide type": ("guard_slides_and_ids", lambda n: n.cells[2].metadata.slideshow.update(slide_type="x")),
    "no id": ("guard_slides_and_ids", lambda n: n.cells[0].pop("id")),
    "the same id twice": ("guard_slides_and_ids", lambda n: n.cells[0].update(id=n.cells[1].id)),
    "a long cell": ("guard_lines", lambda n: replace_source(n, 2, "print", "1\n" * MAX_LINES + "print")),
    "no title": ("guard_beginning", lambda n: replace_source(n, 0, "# Title", "Title")),
    "no imports first": ("guard_beginning", lambda n: replace_source(n, 1, "import math", "x = 1\nimport math")),
    "sys.path": ("guard_environment", lambda n: replace_source(n, 2, "print", "sys.path.append('..'); print")),
    "%pip": ("guard_environment", lambda n: replace_source(n, 2, "print", "%pip install x\nprint")),
    **{
        f"an assert on a time: {code.splitlines()[0]}": (
            "guard_clocks",
            lambda n, code=code: replace_source(n, 2, "print", f"{code}\nassert t != 9\nprint"),
        )
        for code in (
            "t = time.time()",
            "t = {}\nt['a'] = time.perf_counter()",
            "t = 0\nt += time.perf_counter_ns()",
            "t: float = time.monotonic()",
            "t = trainer.history.seconds",
            "with clock(time.time()) as t:\n    pass",
            "try:\n    f()\nexcept KeyError:\n    t = time.thread_time()",
            "def took():\n    return timeit.timeit(f)\nt = []\nt.append(took())",
            "took = lambda: time.process_time()\nfor t in (took(), 2):\n    pass",
        )
    },
    "an assert on a time in a function": (
        "guard_clocks",
        lambda n: replace_source(n, 2, "print", "t = time.time()\ndef f():\n    assert t\nprint"),
    ),
    "an unknown tag": ("guard_tags", lambda n: n.cells[2].metadata.update(tags=["nbval-ignore"])),
    "too many cells": ("guard_length", lambda n: [add_text(n, "word") for _ in range(MAX_CELLS)]),
    "an open answer": ("guard_predictions", lambda n: n.cells[7].metadata.pop("jupyter")),
    "a hidden output that answers nothing": ("guard_predictions", lambda n: fold(n.cells[2], "outputs")),
    "two predictions, one answer": ("guard_predictions", lambda n: replace_source(n, 4, "A section", PREDICTION)),
    "a prediction without an answer": ("guard_predictions", lambda n: add_text(n, f"{PREDICTION} Which?")),
    "folded code that draws nothing": ("guard_folded_code", lambda n: fold(n.cells[7], "source")),
    "a drawing without words": ("guard_drawings", lambda n: replace_source(n, 4, "a ring of four", " ")),
    "a drawing in a format that cannot be read in the dark": (
        "guard_drawings",
        lambda n: replace_source(n, 4, "(figures/ring.svg)", "(00_start_here.ipynb)"),
    ),
    "no minutes": ("guard_notes", lambda n: replace_source(n, 5, "*4 minutes.* ", "")),
    "no notes": ("guard_notes", lambda n: add_text(n, "## 2. Another section")),
    "too long to teach": ("guard_notes", lambda n: replace_source(n, 5, "4", str(MAX_MINUTES + 1))),
    "guillemets": ("guard_quotes", lambda n: replace_source(n, 4, "A section", "A «section»")),
    "a dead link": ("guard_links", lambda n: replace_source(n, -1, "#title", "03_gone.ipynb#title")),
    "no next at the beginning": ("guard_links", lambda n: replace_source(n, 0, "[next](02_next.ipynb)", "")),
    "no contents at the end": ("guard_links", lambda n: replace_source(n, -1, "00_start_here", "02_next")),
}


def test_no_guard_complains_of_a_good_notebook(tmp_path):
    assert complaints(good_notebook(), tmp_path) == []


@pytest.mark.parametrize("name", BREAKS)
def test_a_guard_sees_the_break(name, tmp_path):
    guard, break_it = BREAKS[name]
    notebook = copy.deepcopy(good_notebook())
    break_it(notebook)
    assert complaints(notebook, tmp_path) == [guard]


def test_every_guard_has_a_break():
    assert {guard for guard, _ in BREAKS.values()} == {guard.__name__ for guard in GUARDS}


def test_a_time_may_be_drawn_and_a_name_filled_anew(tmp_path):
    notebook = good_notebook()
    code = "t = time.time()\naxes.plot([t])\nassert axes.lines\nt, n = 1, time.time()\nassert t == 1\nprint"
    replace_source(notebook, 2, "print", code)
    assert complaints(notebook, tmp_path) == []


def test_tags_allow_what_they_are_for(tmp_path):
    notebook = good_notebook()
    add_output(notebook, "error", ename="E", evalue="x", traceback=["E: x"])
    notebook.cells[2].metadata["tags"] = ["raises-exception"]
    metadata = {"tags": ["skip-execution", "nbval-skip"], "slideshow": {"slide_type": "skip"}}
    notebook.cells.insert(3, new_code_cell("train()", metadata=metadata))
    assert complaints(notebook, tmp_path) == []
