"""Exporting notebooks as pages and slides, which are alive without a kernel and without a network."""

import functools
import http.server
import shutil
import subprocess
import sys
import threading

import pytest
from bs4 import BeautifulSoup
from chromium import MISSING, find_chromium, launch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from patience import PATIENCE
from toolbox import ROOT, TOOLS, lesson, load, tool, write

pytestmark = pytest.mark.slow


needs_node_modules = pytest.mark.skipif(
    not (ROOT / "node_modules").exists(), reason="node_modules is missing: run `npm ci`"
)
needs_chromium = pytest.mark.skipif(find_chromium() is None, reason=MISSING)


@pytest.fixture
def notebook(tmp_path):
    return lesson(tmp_path)


@pytest.fixture
def export(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    return load("export")


def test_export_without_node_modules_says_npm_ci(tmp_path, notebook):
    shutil.copytree(TOOLS, tmp_path / "course/tools")
    result = subprocess.run(
        [sys.executable, tmp_path / "course/tools/export.py", "pages", notebook, "--out", tmp_path / "out"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert result.returncode == 1
    assert "run `npm ci`" in result.stderr
    assert not (tmp_path / "out").exists()


@needs_node_modules
def test_export_of_a_failing_notebook_writes_no_page(tmp_path):
    path = write(tmp_path / "bad.ipynb", new_code_cell("1 / 0"))
    result = tool("export.py", "pages", path, "--out", tmp_path / "out")
    assert result.returncode == 1
    assert "ZeroDivisionError" in result.stderr
    assert not (tmp_path / "out/bad.html").exists()


@needs_node_modules
def test_an_export_goes_on_after_what_cannot_be_exported(tmp_path):
    bad = tmp_path / "bad.ipynb"
    bad.write_bytes(b"[]")
    unattached = write(tmp_path / "unattached.ipynb", new_markdown_cell("![a picture](attachment:gone.png)"))
    good = write(tmp_path / "good.ipynb", new_code_cell("1 + 1"))
    result = tool("export.py", "pages", bad, unattached, good, "--out", tmp_path / "out")
    assert result.returncode == 1
    assert f"{bad}: export failed: this is no notebook: " in result.stderr
    assert f"{unattached}: export failed: missing attachment: gone.png" in result.stderr
    assert "Traceback" not in result.stderr
    assert {path.name for path in (tmp_path / "out").glob("*.html")} == {"good.html", "index.html"}


@needs_node_modules
def test_both_forms_come_from_one_execution(tmp_path):
    count = "from pathlib import Path\nPath('runs').open('a').write('x')"
    path = write(tmp_path / "01_b.ipynb", new_markdown_cell("# Counting & *more*"), new_code_cell(count))
    other = write(tmp_path / "00_a.ipynb", new_code_cell("1 + 1"))
    assert tool("export.py", "both", path, other, "--out", tmp_path / "out").returncode == 0
    assert (tmp_path / "runs").read_text() == "x"
    for form, ending in (("pages", ".html"), ("slides", ".slides.html")):
        index = parsed(tmp_path / "out" / form / "index.html")
        links = [(a["href"], a.text) for a in index("a")]
        assert links == [(f"00_a{ending}", "00_a"), (f"01_b{ending}", "Counting & more")]
        assert (tmp_path / "out" / form / "_static/require.js").exists()


@needs_node_modules
def test_an_index_lists_what_lies_in_the_folder_whenever_it_was_written(tmp_path):
    for name, kind in (("02_later", "pages"), ("01_first", "pages"), ("01_first", "slides")):
        path = write(tmp_path / f"{name}.ipynb", new_markdown_cell(f"# {name.title()}"))
        assert tool("export.py", kind, path, "--out", tmp_path / "out").returncode == 0
    index = parsed(tmp_path / "out/index.html")
    assert [heading.text for heading in index("h2")] == ["Pages", "Slides"]
    assert [a["href"] for a in index("a")] == ["01_first.html", "02_later.html", "01_first.slides.html"]
    assert [a.text for a in index("a")] == ["01_First", "02_Later", "01_First"]


def parsed(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.mark.parametrize(
    ("cells", "title"),
    [
        ([new_markdown_cell("[← back](a.ipynb)\n\n# 06 · *Decoding* & `top_k` #\n\n## Next")], "06 · Decoding & top_k"),
        ([new_code_cell("# no heading"), new_markdown_cell("```\n# no heading\n```\n\n## Later")], "Later"),
        ([new_markdown_cell("no heading")], ""),
    ],
)
def test_the_title_of_a_page_is_the_first_heading(cells, title, export):
    assert export.title(new_notebook(cells=cells)) == title


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        (new_markdown_cell("It holds that $p_i$ is small."), True),
        (new_markdown_cell("$$\nE = mc^2\n$$"), True),
        (new_markdown_cell("\\(x\\) or \\[y\\]"), True),
        (new_markdown_cell("\\begin{align} x \\end{align}"), True),
        (new_markdown_cell("It costs $5. In code: `$a$` and\n\n```\n$b$\n```"), False),
        (new_markdown_cell("Escaped: \\$5 and \\$6."), False),
        (new_code_cell("price = '$a$'"), False),
        (new_code_cell("", outputs=[new_output("stream", text="$a$")]), False),
        (new_code_cell("", outputs=[new_output("display_data", data={"text/latex": "$a$"})]), True),
        (new_code_cell("", outputs=[new_output("display_data", data={"text/html": "<p>$a$</p>"})]), True),
    ],
)
def test_mathjax_is_loaded_only_for_a_formula(cell, wanted, export):
    assert export.has_formulas(new_notebook(cells=[cell])) == wanted


def test_a_formula_in_the_label_of_a_widget_loads_mathjax(export):
    model = {"model_name": "FloatSliderModel", "state": {"description": r"$\tau$", "value": 1.0}}
    notebook = new_notebook(metadata={"widgets": {export.WIDGET_STATE: {"state": {"a": model}}}})
    assert export.has_formulas(notebook)


@needs_node_modules
@pytest.mark.parametrize("kind", ["pages", "slides"])
def test_pictures_of_a_page_have_their_alternative_text(tmp_path, kind):
    display = "from IPython.display import display\nimport ipywidgets\n"
    bundle = "{'image/png': 'iVBORw0KGgo=', 'text/plain': 'x'}, raw=True, metadata={'image/png': {'alt': 'a \"b\"'}}"
    both = (
        "class Both(ipywidgets.IntSlider):\n"
        "    def _repr_mimebundle_(self, **options):\n"
        "        view = super()._repr_mimebundle_(**options)\n"
        "        return view | {'text/html': '<img alt=\"a b\">'}\n"
        "Both()"
    )
    path = write(tmp_path / "a.ipynb", new_code_cell(f"{display}display({bundle})"), new_code_cell(both))
    assert tool("export.py", kind, path, "--out", tmp_path / "out").returncode == 0
    page = parsed(next(path for path in (tmp_path / "out").glob("a.*")))
    shown, printed = page("img")
    assert (shown["alt"], printed["alt"]) == ('a "b"', "a b")
    assert printed.parent["class"] == ["cu-print"]


@pytest.fixture
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chrome = launch(playwright)
        yield chrome
        chrome.close()


@pytest.fixture
def serve():
    servers = []

    def start(folder):
        handler = functools.partial(QuietHandler, directory=folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.mark.browser
@needs_node_modules
@needs_chromium
@pytest.mark.parametrize("kind", ["pages", "slides"])
def test_an_export_is_alive_without_kernel_or_network(kind, notebook, tmp_path, browser, serve):
    from playwright.sync_api import expect

    out = tmp_path / "out"
    result = tool("export.py", kind, notebook, "--out", out)
    assert result.returncode == 0, result.stderr
    (html,) = set(out.glob("*.html")) - {out / "index.html"}
    for base in (serve(out), out.as_uri()):
        page = browser.new_page()
        troubles = []
        page.on("pageerror", lambda error, found=troubles: found.append(str(error)))
        page.on("requestfailed", lambda request, found=troubles: found.append(request.url))
        page.route(lambda url, base=base: not url.startswith((base, "data:", "blob:")), lambda route: route.abort())
        page.goto(f"{base}/{html.name}")
        if kind == "slides":
            page.wait_for_selector(".reveal.ready")
            for _ in range(3):
                page.keyboard.press("ArrowRight")
        view = page.locator(".view")
        expect(view).to_have_text("shown 1.0")
        page.locator(".widget-slider:has(.widget-label:text-is('heat')) .noUi-handle").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        expect(view).to_have_text("shown 1.2")
        expect(view).to_be_visible()  # the arrow keys moved the slider, not the slide
        expect(page.locator("mjx-container svg")).to_have_count(1)
        expect(page.locator(f"a[href='next{html.name.removeprefix('lesson')}#there']")).to_have_count(1)
        expect(page.locator("a[href='https://example.org/a.ipynb']")).to_have_count(1)
        page.evaluate("document.fonts.ready")
        assert troubles == []
        page.close()
