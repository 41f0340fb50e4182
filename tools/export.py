"""Turn notebooks into web pages, slides or both; they need neither a kernel nor a network.

    python tools/export.py pages  NOTEBOOK... --out DIR
    python tools/export.py slides NOTEBOOK... --out DIR
    python tools/export.py both   NOTEBOOK... --out DIR      writes DIR/pages and DIR/slides

Each notebook is executed first, once, because a page needs the state of its widgets and notebooks are saved without
it. Everything a page asks for lies beside it, in DIR/_static, and DIR/index.html lists what is there: DIR can be put
on a web server or opened from a USB stick.
"""

import argparse
import html
import re
import sys
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from execute import ERRORS, add_timeout, run, stabilise
from lab import kernel_environment
from nbconvert import Exporter
from nbconvert.filters import strip_ansi
from nbconvert.filters.markdown_mistune import InvalidNotebook
from offline import DARK, STATIC, STATIC_SLIDES, STYLE, copy_static, page_exporter, slides_exporter
from pace import cell_seconds

from course_utils.files import write_atomically

NOTEBOOK_LINK = re.compile(r"(\]\(|href=\")(?![a-z]+:)([^)\s\"#]+)\.ipynb(?=[)\s\"#])")
HEADING = re.compile(r"^#+ +(.+?)[ #]*$", re.MULTILINE)
CODE = re.compile(r"(`+).+?\1", re.DOTALL)
FORMULA = re.compile(r"(?<!\\)\$[^$]+\$|\\[(\[]|\\begin\{")
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"


@dataclass
class Kind:
    """One form of export: who writes it, the ending of its files, and what lies in _static beside them."""

    exporter: Exporter
    ending: str
    static: dict[str, Path]
    name: str  # on the page that lists them


KINDS = {
    "pages": Kind(page_exporter(), ".html", STATIC, "Pages"),
    "slides": Kind(slides_exporter(), ".slides.html", STATIC | STATIC_SLIDES, "Slides"),
}
INDEX = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<title>Large language models, hands on</title>
{DARK}
{STYLE}
</head>
<body class="cu-contents">
<main>
<h1>Large language models, hands on</h1>
%s
</main>
</body>
</html>
"""


def export(path, folders, timeout):
    """Execute one notebook once and write it in each form wanted.

    `folders` maps kinds ("pages", "slides") to the folder for each; `timeout` is in seconds per cell. Returns the
    files written.
    """
    executed = stabilise(run(path, timeout), keep_widgets=True)
    return [write(executed, path, kind, folder) for kind, folder in folders.items()]


def write(notebook, path, kind, folder):
    """Write a notebook as it stands, whose file is `path`, as one of KINDS into a folder; returns the file written."""
    notebook, kind = deepcopy(notebook), KINDS[kind]
    notebook.metadata.title = title(notebook) or path.stem
    if kind is KINDS["pages"]:
        notebook.cells = [cell for cell in notebook.cells if _slide_type(cell) != "notes"]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = NOTEBOOK_LINK.sub(rf"\1\2{kind.ending}", cell.source)
    resources = {"metadata": {"name": path.stem, "path": str(path.parent)}, "formulas": has_formulas(notebook)}
    try:
        page, _ = kind.exporter.from_notebook_node(notebook, resources)
    except InvalidNotebook as error:
        raise RuntimeError(error) from None
    written = folder / f"{path.stem}{kind.ending}"
    write_atomically(written, page.encode())
    return written


def _slide_type(cell):
    return cell.metadata.get("slideshow", {}).get("slide_type")


def title(notebook):
    """The notebook's first heading, without its markup; "" if there is none."""
    sources = (CODE.sub(_plain, cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    first = next(filter(None, map(HEADING.search, sources)), None)
    return re.sub(r"[*$`]", "", first[1]) if first else ""


def _plain(code):
    return "" if "\n" in code[0] else code[0]  # a `#` in a block of code begins a comment


def has_formulas(notebook):
    """Whether a reader of the notebook sees a formula, and so the page needs MathJax."""
    texts = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            texts.append(CODE.sub("", cell.source))
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/latex" in data:
                return True
            texts += [data.get("text/html", ""), data.get("text/markdown", "")]
    for model in notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {}).values():
        texts += [model["state"].get(name) for name in ("description", "value")]
    return any(isinstance(text, str) and FORMULA.search(text) for text in texts)


def write_index(folder):
    """Write index.html: the pages and slides that lie in the folder, in the order of their names."""
    found = sorted(path for path in folder.glob("*.html") if path.name != "index.html")
    parts = []
    for kind in reversed(KINDS.values()):  # .slides.html is an .html too
        mine = [path for path in found if path.name.endswith(kind.ending)]
        found = [path for path in found if path not in mine]
        items = [f'<li><a href="{html.escape(path.name)}">{_title_of(path)}</a></li>' for path in mine]
        if items:
            parts = [f"<h2>{kind.name}</h2>\n<ul>", *items, "</ul>", *parts]
    if parts:
        write_atomically(folder / "index.html", (INDEX % "\n".join(parts)).encode())


def _title_of(path):
    """The title of a written page, as HTML."""
    found = TITLE.search(path.read_text(encoding="utf-8"))
    return found[1].removesuffix(" slides").strip() if found else html.escape(path.name)


def main(argv=None):
    parser = argparse.ArgumentParser(description="Export notebooks as pages or slides that work without a network.")
    parser.add_argument("kind", choices=[*KINDS, "both"], help="both writes OUT/pages and OUT/slides")
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    add_timeout(parser)
    arguments = parser.parse_args(argv)
    out = arguments.out
    folders = {kind: out / kind for kind in KINDS} if arguments.kind == "both" else {arguments.kind: out}
    try:
        for kind, folder in folders.items():
            copy_static(KINDS[kind].static, folder / "_static")
    except OSError as error:
        print(f"export failed: {error}", file=sys.stderr)
        return 1
    timeout = arguments.timeout or cell_seconds(kernel_environment())
    failed = 0
    for path in arguments.notebooks:
        try:
            print(*export(path, folders, timeout), sep="\n")
        except ERRORS as error:
            failed += 1
            print(f"{path}: export failed: {strip_ansi(str(error))}", file=sys.stderr)
    for folder in folders.values():
        write_index(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
