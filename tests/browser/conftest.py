"""A real browser and a real JupyterLab for the tests in this folder."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from chromium import MISSING, find_chromium, launch
from patience import IN_A_PAGE, PATIENCE

LAB = Path(__file__).resolve().parents[2] / "tools/lab.py"
SETTINGS = {  # those that would hide cells or save behind the test's back; the rest is as the course sets it
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
WAIT_FOR_LAB = "async () => { await window.jupyterapp.restored; return true }"
OPEN_NOTEBOOK = """async (path) => {
    const panel = await jupyterapp.commands.execute("docmanager:open", {path, factory: "Notebook"});
    await panel.revealed; await panel.context.ready; await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
}"""
RUN_ALL = """async (seconds) => {
    const late = new Promise((resolve) => setTimeout(() => resolve("late"), 1000 * seconds));
    return Promise.race([jupyterapp.commands.execute("notebook:run-all-cells"), late]);
}"""
EXECUTE = """async (code) => {
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const future = kernel.requestExecute({code, store_history: false});
    let out = "";
    future.onIOPub = (message) => {
        if (message.header.msg_type === "stream") out += message.content.text;
        if (message.header.msg_type === "error") out += message.content.ename + ": " + message.content.evalue;
    };
    await future.done;
    return out;
}"""


@pytest.fixture(scope="module")  # playwright keeps an event loop running, in the way of tests elsewhere
def browser():
    if find_chromium() is None:
        pytest.skip(MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chrome = launch(playwright)
        yield chrome
        chrome.close()


@pytest.fixture
def page(browser):
    """A page that reaches 127.0.0.1 and files only; `page.blocked` lists what it asked for elsewhere."""
    with _new_page(browser) as page:
        yield page


@pytest.fixture(scope="module")
def lasting_page(browser):
    """One such page for all tests of a module: for functions that are called and leave nothing behind."""
    with _new_page(browser) as page:
        yield page


@contextmanager
def _new_page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.blocked = []
    page.set_default_timeout(1000 * IN_A_PAGE)

    def gate(route):
        url = urlsplit(route.request.url)
        if url.scheme in ("file", "data", "blob") or url.hostname == "127.0.0.1":
            route.continue_()
        else:
            page.blocked.append(route.request.url)
            route.abort()

    context.route("**/*", gate)
    yield page
    context.close()


@dataclass
class Lab:
    """A running JupyterLab."""

    url: str
    token: str
    folder: Path

    def open(self, page, notebook: nbformat.NotebookNode, name: str) -> "OpenNotebook":
        """Write a notebook into the server's folder and open it, without running it."""
        (self.folder / name).write_text(nbformat.writes(notebook), encoding="utf-8")
        return self.reopen(page, name)

    def reopen(self, page, name: str) -> "OpenNotebook":
        """Open a notebook that lies in the server's folder, in a fresh workspace and with a new kernel."""
        page.goto(f"{self.url}/lab?token={self.token}&reset")
        page.wait_for_function("window.jupyterapp !== undefined")
        page.evaluate(WAIT_FOR_LAB)
        page.locator("#jupyterlab-splash").wait_for(state="detached")
        page.evaluate(OPEN_NOTEBOOK, name)
        return OpenNotebook(page)


@dataclass
class OpenNotebook:
    """The notebook in front, driven through JupyterLab's own commands."""

    page: object

    def run_all(self, seconds: float = PATIENCE) -> None:
        done = self.page.evaluate(RUN_ALL, seconds)
        assert done != "late", f"the cells were not done after {seconds:g} s"
        assert done, "a cell failed"

    def execute(self, code: str) -> str:
        """Run code in the notebook's kernel, beside its cells; what it printed, or its error."""
        return self.page.evaluate(EXECUTE, code)

    def save(self) -> None:
        self.page.evaluate("jupyterapp.commands.execute('docmanager:save')")

    def outputs_on_stderr(self) -> int:
        return self.page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count()

    def close(self) -> None:
        self.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    home = tmp_path_factory.mktemp("lab")
    folder = home / "notebooks"
    folder.mkdir()
    for name, values in SETTINGS.items():
        file = home / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = "explorer-test"
    course = _load(LAB)
    mine = ("--ServerApp.root_dir", "--LabApp.default_url", "--log-level")
    options = [
        *(option for option in course.options("linux", {}, is_root=True) if not option.startswith(mine)),
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}",
        f"--IdentityProvider.token={token}",
        "--LabApp.expose_app_in_browser=True",
    ]
    log = home / "server.log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env=os.environ
            | {name: str(home / place) for name, place in places.items()}
            | {"JUPYTER_CONFIG_PATH": course.config_path({})},
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(server, f"{url}/api/status?token={token}", log)
        yield Lab(url, token, folder)
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _wait_for(server, url: str, log: Path, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")
