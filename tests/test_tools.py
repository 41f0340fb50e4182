"""The command-line tools: executing, exporting, checking, opening JupyterLab."""

import asyncio
import functools
import http.server
import importlib.util
import json
import os
import queue
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from chromium import MISSING, find_chromium, launch
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from patience import PATIENCE

pytestmark = pytest.mark.slow

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


def write(path, *cells):
    for cell in cells:
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def tagged(source, *names):
    return new_code_cell(source, metadata={"tags": list(names)})


@pytest.fixture
def notebook(tmp_path):
    return write(
        tmp_path / "lesson.ipynb",
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


def test_executing_twice_gives_the_same_bytes(notebook):
    assert tool("execute.py", notebook).returncode == 0
    once = notebook.read_bytes()
    assert tool("execute.py", notebook).returncode == 0
    assert notebook.read_bytes() == once
    assert once.endswith(b"}\n")
    saved = nbformat.reads(once.decode(), as_version=4)
    assert "widgets" not in saved.metadata
    assert [cell.execution_count for cell in saved.cells[1:]] == [1, 2, 3, None, 4, 5, None, 6]
    assert [output.text for output in saved.cells[5].outputs] == ["0\n1\n2\n"]
    assert saved.cells[6].outputs[0].traceback == ["ValueError: expected"]
    assert os.listdir(notebook.parent) == [notebook.name]


def test_output_widgets_do_not_hang(tmp_path):
    path = write(
        tmp_path / "output.ipynb",
        new_code_cell("import ipywidgets as widgets\nfrom IPython.display import display\nout = widgets.Output()"),
        new_code_cell("display(out)\nwith out:\n    print('inside')"),
    )
    assert tool("execute.py", path, "--timeout", str(PATIENCE)).returncode == 0


def test_waiting_in_slices_survives_a_lost_wake_up_and_keeps_the_deadline():
    waited = []

    async def get_msg(timeout):  # the message is there, but only a new call sees it
        waited.append(timeout)
        if len(waited) < 3:
            raise queue.Empty
        return "message"

    async def nothing(timeout):
        raise queue.Empty

    execute = load("execute")
    assert asyncio.run(execute._in_slices(get_msg)(timeout=None)) == "message"
    assert max(waited) <= execute.POLL_SECONDS
    with pytest.raises(queue.Empty):
        asyncio.run(execute._in_slices(nothing)(timeout=0.01))


def test_a_notebook_runs_in_its_own_folder(tmp_path):
    (tmp_path / "here.txt").write_text("found")
    path = write(tmp_path / "folder.ipynb", new_code_cell("open('here.txt').read()"))
    assert tool("execute.py", path).returncode == 0
    assert nbformat.read(path, as_version=4).cells[0].outputs[0].data["text/plain"] == "'found'"


@pytest.mark.parametrize(
    ("source", "timeout", "reason"),
    [
        ("1 / 0", str(PATIENCE), "ZeroDivisionError: division by zero"),
        ("import time\nwhile True:\n    time.sleep(1)", "10", "it took longer than 10 s"),
        ("import os\nos._exit(1)", str(PATIENCE), "Kernel died"),
    ],
)
def test_a_failing_cell_is_named_and_the_file_is_left_alone(tmp_path, source, timeout, reason):
    good = write(tmp_path / "good.ipynb", new_code_cell("1 + 1"))
    bad = write(tmp_path / "bad.ipynb", new_code_cell("x = 1"), new_code_cell(source))
    before = bad.read_bytes()
    result = tool("execute.py", bad, good, "--timeout", timeout)
    assert result.returncode == 1
    assert bad.read_bytes() == before
    assert f"{bad}: cell 1 " in result.stderr
    assert source in result.stderr
    assert reason in result.stderr
    assert f"{good}: executed" in result.stdout  # the others still run


NO_NOTEBOOKS = [
    b"not JSON",
    b"\xff\xfe is not UTF-8",
    b"[]",
    b"null",
    b"{}",
    b'{"cells": [], "nbformat": 4}',
    b'{"cells": [1], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
    b'{"cells": [], "nbformat": 99, "nbformat_minor": 5, "metadata": {}}',
]


def test_files_that_are_no_notebooks_are_left_alone_and_the_next_one_runs(tmp_path):
    paths = [tmp_path / f"broken_{i}.ipynb" for i in range(len(NO_NOTEBOOKS))]
    for path, data in zip(paths, NO_NOTEBOOKS, strict=True):
        path.write_bytes(data)
    missing = tmp_path / "missing.ipynb"
    good = write(tmp_path / "good.ipynb", new_code_cell("1 + 1"))
    result = tool("execute.py", *paths, missing, good)
    assert result.returncode == 1
    for path, data in zip(paths, NO_NOTEBOOKS, strict=True):
        assert f"{path}: this is no notebook: " in result.stderr
        assert f"{path}: left as it was" in result.stderr
        assert path.read_bytes() == data
    assert f"{missing}: left as it was" in result.stderr
    assert f"{good}: executed" in result.stdout
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("error", [NoSuchKernel("python3"), DeadKernelError("Kernel died")])
def test_a_kernel_that_does_not_start_is_told_and_the_next_notebook_runs(tmp_path, monkeypatch, capsys, error):
    execute = load("execute")
    bad, good = (write(tmp_path / name, new_code_cell("1 + 1")) for name in ("bad.ipynb", "good.ipynb"))
    real = execute._Client.execute

    def starts_for_good_only(client, **options):
        if bad.exists() and not tried:
            tried.append(client)
            raise error
        return real(client, **options)

    tried = []
    monkeypatch.setattr(execute._Client, "execute", starts_for_good_only)
    assert execute.main([str(bad), str(good)]) == 1
    output = capsys.readouterr()
    assert f"{bad}: failed before its first cell: {type(error).__name__}: " in output.err
    assert f"{good}: executed" in output.out


@pytest.mark.skipif(os.name != "posix", reason="Windows knows no such modes")
def test_an_executed_notebook_keeps_the_mode_of_its_file(tmp_path):
    path = write(tmp_path / "private.ipynb", new_code_cell("1 + 1"))
    path.chmod(0o600)
    assert tool("execute.py", path).returncode == 0
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["execute", "export"])
def test_the_tools_write_all_or_nothing(tmp_path, monkeypatch, name):
    """A full disk leaves the file of the last run."""
    module = load(name)
    path = write(tmp_path / "lesson.ipynb", new_markdown_cell("# Lesson"))
    written = path if name == "execute" else tmp_path / "lesson.html"
    written.write_text(old := path.read_text())

    def full_disk(file):
        raise OSError("disk full")

    def write_again():
        if name == "execute":
            module.save(nbformat.read(path, as_version=4), path)
        else:
            module.export(path, {"pages": tmp_path}, 60)

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="disk full"):
        write_again()
    assert written.read_text() == old
    assert set(os.listdir(tmp_path)) == {path.name, written.name}


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


needs_node_modules = pytest.mark.skipif(
    not (ROOT / "node_modules").exists(), reason="node_modules is missing: run `npm ci`"
)
needs_chromium = pytest.mark.skipif(find_chromium() is None, reason=MISSING)


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
def export(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    return load("export")


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


def test_seconds_per_notebook_are_summed_over_its_cells():
    check = load("check")
    report = """<testsuites><testsuite>
      <testcase classname="notebooks.03_a.ipynb" name="Cell 0" time="1.5"/>
      <testcase classname="notebooks.03_a.ipynb" name="Cell 1" time="0.25"/>
      <testcase classname="notebooks.06_b.ipynb" name="Cell 0" time="2"/></testsuite></testsuites>"""
    assert check.seconds_per_notebook(report) == {"03_a": 1.75, "06_b": 2.0}


def test_checks_all_run_and_one_failure_fails(monkeypatch, capsys):
    check = load("check")
    monkeypatch.setattr(check, "PARTS", {"first": lambda: False, "second": lambda: True, "long": lambda: True})
    monkeypatch.setattr(check, "QUICK", {"first": None, "second": None})
    monkeypatch.setattr(check, "LONG", {"long": None})
    assert check.main([]) == 1
    assert "long" not in (output := capsys.readouterr().out)
    assert "first: FAILED" in output
    assert "second: passed" in output
    assert check.main(["second"]) == 0
    assert check.main(["third"]) == 2
    assert check.main(["all"]) == 1
    assert "long: passed" in capsys.readouterr().out


@pytest.mark.parametrize(("differs_in", "capability"), [("avx2", "avx2"), ("old", "default")])
def test_portable_runs_every_notebook_as_on_both_other_processors(course, differs_in, capability):
    executed(course, f"import os; os.environ.get('ATEN_CPU_CAPABILITY') != {capability!r}")
    result = checked(course, "portable")
    verdicts = {setting: "FAILED" if setting == differs_in else "passed" for setting in ("avx2", "old")}
    assert f"avx2: {verdicts['avx2']}, old: {verdicts['old']}" in result.stdout
    assert result.stdout.count(" s  a\n") == 2  # the seconds of each notebook, from both
    assert result.returncode == 1


@pytest.mark.parametrize("setting", ["as it is", "avx2", "old"])
def test_a_setting_reaches_the_libraries(setting):
    """What a process that is started in it says of itself: torch's kernels, and its number of threads."""
    environment = load("check").environment(setting)
    say = "import torch; print(torch.backends.cpu.get_cpu_capability(), torch.get_num_threads())"
    process = subprocess.run([sys.executable, "-c", say], env=environment, capture_output=True, text=True, check=True)
    capability, threads = process.stdout.split()
    if setting == "avx2":
        assert capability in ("AVX2", "DEFAULT")  # DEFAULT on a processor that is older still
    if setting == "old":
        assert (capability, threads) == ("DEFAULT", "1")


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "ftp://x", "http://[::1", ":::", "http://127.0.0.1:9"])
def test_a_proxy_that_no_client_can_read_does_not_keep_lab_from_starting(proxy):
    """JupyterLab makes an HTTP client when it is imported, though the course asks nobody for anything."""
    code = (
        "import lab, os; lab.forget_unreadable_proxies(); import jupyterlab.labapp; print(os.environ.get('ALL_PROXY'))"
    )
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment |= {"PYTHONPATH": os.pathsep.join([str(TOOLS), *sys.path]), "ALL_PROXY": proxy}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    readable = proxy == "http://127.0.0.1:9"
    assert done.stdout.split()[-1] == (proxy if readable else "None")
    assert ("ALL_PROXY" in done.stderr) != readable


def test_processes_are_started_with_threads_that_sleep_while_they_wait(monkeypatch):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.setenv("KMP_BLOCKTIME", "200")  # what the user says is heeded
    environment = load("lab").kernel_environment()
    assert int(environment["GOMP_SPINCOUNT"]) < 300_000  # the library's own
    assert environment["KMP_BLOCKTIME"] == "200"
    assert environment.items() >= {name: os.environ[name] for name in ("PATH", "KMP_BLOCKTIME")}.items()
    assert "GOMP_SPINCOUNT" not in os.environ


@pytest.mark.parametrize("command", ["check", "execute"])
def test_kernels_get_that_environment(command, tmp_path, monkeypatch):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    source = "import os\nos.environ['GOMP_SPINCOUNT'], os.environ['PYTHONHASHSEED']"
    path = write(tmp_path / "asks.ipynb", new_code_cell(source))
    execute = load("execute")
    execute.save(execute.stabilise(execute.run(path)), path)
    expected = str((load("lab").kernel_environment()["GOMP_SPINCOUNT"], "0"))
    if command == "execute":
        assert nbformat.read(path, as_version=4).cells[0].outputs[0].data["text/plain"] == expected
    else:
        assert load("check").python("pytest", "--nbval", "--nbval-current-env", str(path))  # gives the same again


def test_a_command_of_the_package_waits_asleep_too():
    """The variables must be set before torch is imported; a package is imported before the module that is run."""
    environment = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    say = "import os, sys, course_utils; print('torch' in sys.modules, os.environ['GOMP_SPINCOUNT'])"
    answer = subprocess.check_output([sys.executable, "-c", say], env=environment, text=True).split()
    assert answer == ["False", load("lab").kernel_environment()["GOMP_SPINCOUNT"]]


def test_a_slow_machine_gets_more_time_and_a_fast_one_no_less(monkeypatch):
    pace = load("pace")
    for printed, seconds in (("0.40", 120), ("1.00", 120), ("3.50", 420)):
        answer = subprocess.CompletedProcess([], 0, stdout=f"{printed}\n")
        monkeypatch.setattr(pace.subprocess, "run", lambda *_, answer=answer, **__: answer)
        assert pace.cell_seconds({}) == pytest.approx(seconds)


def test_the_slowest_round_says_how_slow_the_machine_is(monkeypatch):
    pace = load("pace")
    clock = iter([0, 1, 10, 13, 20, 21, 30, 31, 40, 41])  # starts and ends of rounds: 1, 3, 1, 1, 1 seconds
    monkeypatch.setattr(pace, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(pace, "work", lambda matrix: None)
    assert pace.slowdown() == pytest.approx(3 / pace.REFERENCE_SECONDS)


@pytest.fixture
def course(tmp_path):
    """A copy of the course without its notebooks; make one with `executed`."""
    shutil.copytree(TOOLS, tmp_path / "tools")
    (tmp_path / "tests/notebooks").mkdir(parents=True)
    shutil.copy(ROOT / "tests/notebooks/sanitize.cfg", tmp_path / "tests/notebooks")
    (tmp_path / "notebooks").mkdir()
    return tmp_path


def executed(course, source):
    """A notebook of the course with one cell, executed."""
    path = write(course / "notebooks/a.ipynb", new_code_cell(source))
    assert tool("execute.py", path).returncode == 0
    return path


def checked(course, part):
    command = [sys.executable, course / "tools/check.py", part]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)


def test_a_saved_output_that_is_wrong_fails_the_notebook_check(course):
    path = executed(course, "print(2)")
    good = checked(course, "notebooks")
    assert good.returncode == 0, good.stdout
    assert re.search(r"\d\.\d s  a$", good.stdout, re.MULTILINE)  # seconds per notebook
    path.write_text(path.read_text().replace('"2\\n"', '"3\\n"'))
    bad = checked(course, "shuffled")
    assert bad.returncode == 1
    assert "shuffled: FAILED" in bad.stdout


def test_the_notebook_check_compares_the_words_of_a_figure_but_not_its_bytes(course):
    words = "'White.' + ' Indeed.', 'Nothing.' + ' Really.'"  # so that only the output holds them whole
    path = executed(
        course, f"from matplotlib.figure import Figure\nfrom course_utils.plots import show\nshow(Figure(), {words})"
    )
    elsewhere, changed = re.subn("base64,[A-Za-z0-9+/=]+", "base64,AAAA/+==", path.read_text())
    assert changed == 1
    path.write_text(elsewhere)
    assert checked(course, "notebooks").returncode == 0
    path.write_text(elsewhere.replace("White. Indeed.</figcaption>", "Black.</figcaption>"))
    assert checked(course, "notebooks").returncode == 1


@pytest.mark.parametrize(
    ("platform", "environment", "starts_browser"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "w"}, True),
        ("darwin", {}, True),
        ("win32", {}, True),
    ],
)
def test_lab_starts_a_browser_where_there_is_a_display(platform, environment, starts_browser):
    lab = load("lab")
    assert ("--no-browser" not in lab.options(platform, environment, is_root=False)) == starts_browser


@pytest.mark.parametrize("before", [{}, {"JUPYTER_CONFIG_PATH": "mine"}])
def test_lab_puts_its_settings_in_front_of_the_users(before):
    lab = load("lab")
    ours, *rest = lab.config_path(before).split(os.pathsep)
    assert rest == list(before.values())
    assert json.loads((Path(ours) / "labconfig/default_setting_overrides.json").read_text())


def test_lab_allows_root_only_to_root():
    lab = load("lab")
    assert "--allow-root" in lab.options("linux", {}, is_root=True)
    assert "--allow-root" not in lab.options("linux", {}, is_root=False)


def test_lab_prints_an_address_that_opens_the_first_notebook(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if "DISPLAY" not in name}
    environment |= {"JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    log = tmp_path / "log"
    with log.open("w") as stream:
        command = [sys.executable, TOOLS / "lab.py", f"--port={port}"]
        server = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream)
    try:
        deadline = time.monotonic() + PATIENCE
        start = f"http://127.0.0.1:{port}/lab/tree/notebooks/00_start_here.ipynb?token="
        while start not in log.read_text() and time.monotonic() < deadline and server.poll() is None:
            time.sleep(0.2)
        address = next(word for word in log.read_text().split() if word.startswith(start))
        with urllib.request.urlopen(address, timeout=PATIENCE) as page:
            assert page.status == 200
            assert b"JupyterLab" in page.read()
    finally:
        server.terminate()
        server.wait(PATIENCE)


def load(name):
    """One of the tools as a module."""
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
