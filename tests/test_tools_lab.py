"""Opening JupyterLab, and the environment in which the tools start processes."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from patience import PATIENCE
from toolbox import TOOLS, load, write

pytestmark = pytest.mark.slow


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
