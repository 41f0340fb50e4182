"""What the tests of the command-line tools share: running one, loading one, writing notebooks for them."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from patience import PATIENCE

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "tools"

VIEW = '''class View(anywidget.AnyWidget):
    _esm = """export default {render({model, el}) {
      const show = () => { el.textContent = "shown " + model.get("value").toFixed(1); };
      model.on("change:value", show); show(); el.className = "view";
    }}"""
    value = traitlets.Float(1.0).tag(sync=True)
    def __repr__(self):
        return "View()"'''
SHOW = """view, slider = View(), widgets.FloatSlider(value=1.0, max=2.0, description="heat")
link = widgets.jslink((slider, "value"), (view, "value"))
widgets.VBox([slider, view, widgets.Button(description="go", icon="play")])"""


def tool(name, *arguments):
    command = [sys.executable, TOOLS / name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)


def load(name):
    """One of the tools as a module."""
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(path, *cells):
    for cell in cells:
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def tagged(source, *names):
    return new_code_cell(source, metadata={"tags": list(names)})


def lesson(folder):
    """A notebook with a formula, a link, a view that a slider moves, and cells that fail or are left out."""
    return write(
        folder / "lesson.ipynb",
        new_markdown_cell("# Lesson\n\n$p_i$ and [next](next.ipynb#there), not [this](https://example.org/a.ipynb)."),
        new_code_cell("import anywidget\nimport ipywidgets as widgets\nimport traitlets"),
        new_code_cell(VIEW),
        new_code_cell(SHOW),
        new_code_cell(""),
        new_code_cell("for i in range(3):\n    print(i, flush=True)"),
        tagged("raise ValueError('expected')", "raises-exception"),
        tagged("1 / 0", "skip-execution"),
        new_code_cell("'last'"),
    )
