"""Executing notebooks: the same bytes each time, what fails is named, and files are written whole or not at all."""

import asyncio
import os
import queue

import nbformat
import pytest
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_markdown_cell
from patience import PATIENCE
from toolbox import lesson, load, tool, write

pytestmark = pytest.mark.slow


@pytest.fixture
def notebook(tmp_path):
    return lesson(tmp_path)


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


@pytest.mark.parametrize(("deaths", "returncode"), [(2, 0), (3, 1)])
def test_a_kernel_that_dies_before_it_answers_is_started_anew_three_times_in_all(
    tmp_path, monkeypatch, deaths, returncode
):
    startup = tmp_path / "ipython" / "profile_default" / "startup" / "die.py"
    startup.parent.mkdir(parents=True)
    startup.write_text(
        "import os, pathlib\n"
        f"deaths = pathlib.Path({str(tmp_path / 'deaths')!r})\n"
        "count = len(deaths.read_text()) if deaths.exists() else 0\n"
        f"if count < {deaths}:\n"
        "    deaths.write_text('x' * (count + 1))\n"
        "    os._exit(1)\n"
    )
    path = write(tmp_path / "lesson.ipynb", new_code_cell("1 + 1"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    result = tool("execute.py", path)
    assert result.returncode == returncode
    assert (tmp_path / "deaths").read_text() == "x" * deaths
    assert "Traceback" not in result.stderr
    if returncode:
        assert f"{path}: Kernel died before replying" in result.stderr


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
