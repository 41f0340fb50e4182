"""Run every check of the course, or only the parts that are named, and say how long each took.

    python tools/check.py [lint] [unit] [slow] [browser] [notebooks] [shuffled] [avx2] [old] [portable]

lint       ruff's linter and formatter, notebooks included; mypy over the types of course_utils
unit       the tests in tests/ that are quick: under three minutes together
slow       those that start kernels and servers, load the packaged model beside transformers', or count for long
browser    the sliders and the exported pages in Chromium
notebooks  every notebook runs and gives the outputs it was saved with
shuffled   the same in a random order: no notebook may need an earlier one
avx2, old  the same as on another processor, of tools/settings.py
portable   both of these at the same time
Without a name, the first five run; "all" adds shuffled and portable. Every part runs, whatever the one before said;
the exit code is 1 if any failed.
"""

import os
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from time import monotonic
from xml.etree import ElementTree

from lab import kernel_environment
from pace import cell_seconds
from settings import SETTINGS

ROOT = Path(__file__).resolve().parent.parent
WORKERS = min(os.cpu_count() or 1, 4)  # each may hold a copy of the model
SIDE_BY_SIDE = ["-n", str(WORKERS), "--dist=loadfile"]  # files of tests; those of a file come one after the other
NOTEBOOK_OPTIONS = [
    "--nbval",
    "--nbval-current-env",
    "--nbval-sanitize-with=tests/notebooks/sanitize.cfg",
]


def python(*arguments, setting="as it is"):
    """Run `python -m arguments...` in the course's folder, in a setting's environment; True when it succeeds."""
    print("$ python -m", *arguments, flush=True)
    return subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, env=environment(setting)).returncode == 0


def environment(setting):
    """Return the environment of a setting: how threads wait, and the same order of sets in every run."""
    return kernel_environment() | {"PYTHONHASHSEED": "0"} | SETTINGS[setting]


def lint():
    return all([python("ruff", "check", "."), python("ruff", "format", "--check", "."), python("mypy")])


def tests(*options):
    return python("pytest", "--durations=5", "-p", "no:randomly", *options)


def unit():
    return tests(*SIDE_BY_SIDE, "tests", "--ignore=tests/browser", "-m", "not slow and not benchmark")


def slow():
    return tests(*SIDE_BY_SIDE, "tests", "--ignore=tests/browser", "-m", "slow and not benchmark")


def browser():
    """One test after the other, for a browser is several processes itself."""
    return tests("tests/browser")


def notebooks(seed=None, setting="as it is"):
    paths = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("notebooks/*.ipynb"))
    if not paths:
        print("there is no notebook in notebooks/")
        return False
    if seed is not None:
        random.Random(seed).shuffle(paths)
    limit = f"--nbval-cell-timeout={cell_seconds(environment(setting))}"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = [*NOTEBOOK_OPTIONS, limit, "-p", "no:randomly", f"--junitxml={report}"]
        passed = python("pytest", *options, *paths, setting=setting)
        if report.exists():
            for name, seconds in sorted(seconds_per_notebook(report.read_text(encoding="utf-8")).items()):
                print(f"{seconds:7.1f} s  {name}")
    return passed


def shuffled():
    seed = int(os.environ.get("ORDER_SEED", random.randrange(10_000)))
    print(f"a random order; to see it again: ORDER_SEED={seed}")
    return notebooks(seed)


def avx2():
    return notebooks(setting="avx2")


def old():
    return notebooks(setting="old")


def portable():
    """Both together, for "old" keeps one core busy; what it printed comes after what "avx2" prints."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
        command = [sys.executable, Path(__file__).resolve(), "old"]
        with subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT) as other:
            results = {"avx2": avx2()}
        results["old"] = other.returncode == 0
        printed.seek(0)
        print(printed.read())
    print(", ".join(f"{setting}: {'passed' if passed else 'FAILED'}" for setting, passed in results.items()))
    return all(results.values())


def seconds_per_notebook(report):
    """Seconds summed over the cells of each notebook, from pytest's JUnit report (a string of XML)."""
    seconds = defaultdict(float)
    for case in ElementTree.fromstring(report).iter("testcase"):
        name = case.get("classname").removesuffix(".ipynb").rpartition(".")[2]
        seconds[name] += float(case.get("time"))
    return dict(seconds)


QUICK = {"lint": lint, "unit": unit, "slow": slow, "browser": browser, "notebooks": notebooks}
LONG = {"shuffled": shuffled, "portable": portable}
PARTS = QUICK | LONG | {"avx2": avx2, "old": old}


def main(names):
    names = [*QUICK, *LONG] if names == ["all"] else names or list(QUICK)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    results = {}
    for name in names:
        print(f"\n== {name}", flush=True)
        start = monotonic()
        results[name] = PARTS[name](), monotonic() - start
    print("\n== result")
    for name, (passed, seconds) in results.items():
        print(f"{seconds:7.1f} s  {name}: {'passed' if passed else 'FAILED'}")
    return 0 if all(passed for passed, _ in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
