"""Checking the course: which checks run, in which settings, how long a cell may take, what makes a notebook fail."""

import re
import shutil
import subprocess
import sys

import pytest
from nbformat.v4 import new_code_cell
from patience import PATIENCE
from toolbox import ROOT, TOOLS, load, tool, write

pytestmark = pytest.mark.slow


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
