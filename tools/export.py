"""Turn notebooks into web pages or slides that need neither a kernel nor a network.

    python tools/export.py pages  NOTEBOOK... --out DIR
    python tools/export.py slides NOTEBOOK... --out DIR

Each notebook is executed first, because a page needs the state of its widgets and notebooks are saved without it.
Everything a page asks for lies beside it, in DIR/_static: DIR can be put on a web server or opened from a USB stick.
"""

import argparse
import re
import shutil
import sys
import sysconfig
from pathlib import Path

from execute import ERRORS, run, stabilise, without_colours
from nbconvert import HTMLExporter, SlidesExporter
from nbconvert.filters.markdown_mistune import InvalidNotebook

from course_utils.files import write_atomically

ROOT = Path(__file__).resolve().parent.parent
NPM = ROOT / "node_modules"
NBEXTENSIONS = Path(sysconfig.get_path("data")) / "share/jupyter/nbextensions"
NOTEBOOK_LINK = re.compile(r"(\]\(|href=\")(?![a-z]+:)([^)\s\"#]+)\.ipynb(?=[)\s\"#])")

# what a page loads: name in _static -> file or folder
STATIC = {
    "require.js": NPM / "requirejs/require.js",
    "mathjax.js": NPM / "mathjax/es5/tex-svg-full.js",
    "embed-amd.js": NPM / "@jupyter-widgets/html-manager/dist/embed-amd.js",
    "anywidget.js": NBEXTENSIONS / "anywidget/index.js",
}
STATIC_SLIDES = {
    "reveal.js/dist": NPM / "reveal.js/dist",
    "reveal.js/plugin/notes": NPM / "reveal.js/plugin/notes",
}

# nbconvert's templates, with the parts that would ask a server replaced
OFFLINE = """
{%- block html_head_js_jquery -%}{%- endblock -%}
{%- block html_head_js_requirejs -%}
<script src="_static/require.js"></script>
<script>
require.config({paths: {
  anywidget: "_static/anywidget",
  "@jupyter-widgets": "_static", "@jupyter-widgets/html-manager/dist": "_static",  // where the widgets' icons lie
}});
</script>
{%- endblock -%}
{%- block html_head_js_mathjax -%}
<script>
window.MathJax = {
  tex: {inlineMath: [["$", "$"], ["\\\\(", "\\\\)"]], processEscapes: true, tags: "ams"},
  options: {ignoreHtmlClass: "jupyter-widgets"},  // a token may be a dollar sign
  startup: {ready() {
    MathJax.startup.defaultReady();  // widgets speak MathJax 2 when a label holds a formula
    MathJax.Hub = {Queue: ([, , element]) => MathJax.startup.promise.then(() => MathJax.typesetPromise([element]))};
  }},
};
</script>
<script defer src="_static/mathjax.js"></script>
{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_css -%}
<style>
.jupyter-widgets { font-family: var(--jp-content-font-family); font-size: var(--jp-content-font-size1); }
.reveal { --r-heading-text-transform: none; }
.reveal .slides section.present:not(.stack) { max-height: 100%; overflow-y: auto; }
</style>
{%- endblock -%}
"""
PAGE = "{%- extends 'lab/index.html.j2' -%}" + OFFLINE
SLIDES = (
    "{%- extends 'reveal/index.html.j2' -%}"
    + OFFLINE
    + """
{%- block footer_js -%}
<script>
require(["_static/reveal.js/dist/reveal.js", "_static/reveal.js/plugin/notes/notes.js"], (Reveal, Notes) =>
  Reveal.initialize({hash: true, slideNumber: "c/t", width: 1280, height: 800, margin: 0.02, plugins: [Notes]}));
</script>
{%- endblock -%}
"""
)
KINDS = {  # kind -> exporter, ending of the file, what lies in _static
    "pages": (HTMLExporter(raw_template=PAGE), ".html", STATIC),
    "slides": (SlidesExporter(raw_template=SLIDES, reveal_theme="white"), ".slides.html", STATIC | STATIC_SLIDES),
}
KINDS["slides"][0].reveal_url_prefix = "_static/reveal.js"


def copy_static(files, target):
    """Copy what the pages load into the folder `target`. Raises FileNotFoundError that names the remedy."""
    for source in files.values():
        if not source.exists():
            command = "npm ci" if source.is_relative_to(NPM) else "pip install -r requirements.txt"
            raise FileNotFoundError(f"{source} is missing: run `{command}` in the course's folder first")
    for name, source in files.items():
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, destination, **_merge(source))
    for font in STATIC["embed-amd.js"].parent.glob("*.woff2"):  # the icons on widgets
        shutil.copy(font, target)


def _merge(source):
    return {"dirs_exist_ok": True, "ignore": shutil.ignore_patterns("*.map")} if source.is_dir() else {}


def export(path, exporter, ending, out, timeout):
    """Execute one notebook and write it as OUT/NAME + ending; returns the file written."""
    notebook = stabilise(run(path, timeout), keep_widgets=True)
    if exporter is KINDS["pages"][0]:
        notebook.cells = [cell for cell in notebook.cells if _slide_type(cell) != "notes"]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = NOTEBOOK_LINK.sub(rf"\1\2{ending}", cell.source)
    exporter.embed_images = True
    exporter.widget_renderer_url = "_static/embed-amd.js"
    resources = {"metadata": {"name": path.stem, "path": str(path.parent)}}
    try:
        html, _ = exporter.from_notebook_node(notebook, resources)
    except InvalidNotebook as error:
        raise RuntimeError(error) from None
    written = out / f"{path.stem}{ending}"
    write_atomically(written, html.encode())
    return written


def _slide_type(cell):
    return cell.metadata.get("slideshow", {}).get("slide_type")


def main(argv=None):
    parser = argparse.ArgumentParser(description="Export notebooks as pages or slides that work without a network.")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds that one cell may take (default 120)")
    arguments = parser.parse_args(argv)
    exporter, ending, static = KINDS[arguments.kind]
    try:
        copy_static(static, arguments.out / "_static")
    except OSError as error:
        print(f"export failed: {error}", file=sys.stderr)
        return 1
    failed = 0
    for path in arguments.notebooks:
        try:
            print(export(path, exporter, ending, arguments.out, arguments.timeout))
        except ERRORS as error:
            failed += 1
            print(f"{path}: export failed: {without_colours(str(error))}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
