"""The house: each part imports only what stands below it, and what stands on the ground needs no torch."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import course_utils

PACKAGE = Path(course_utils.__file__).parent
FROM_THE_GROUND_UP = [
    *("threads", "checks", "files", "hub", "device", "speed"),
    *("tokenization", "corpora", "ngram", "plots", "transformer", "evaluation", "decoding"),
    *("pretrained", "memory", "training", "finetuning", "scaling", "ladder", "exercises", "widgets"),
]

OF = {"PIL": "pillow", "IPython": "ipython", "pyarrow": "datasets"}  # a module -> what brings it
WITHOUT_TORCH = """
import pathlib, sys
from importlib.machinery import PathFinder

class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, *arguments):
        return None if name == "torch" else super().find_spec(name, *arguments)

sys.meta_path[:] = [Finder if finder is PathFinder else finder for finder in sys.meta_path]
folder = pathlib.Path(sys.argv[1])
"""
NGRAM = """
from course_utils.ngram import NGramLM

model = NGramLM(2).fit([["a", "b"], ["a", "c"]])
model.save_arpa(folder / "model.arpa")
again = NGramLM.load_arpa(folder / "model.arpa")
assert again.sample(5, seed=0) == model.sample(5, seed=0)
assert abs(again.perplexity([["a", "b"]]) - model.perplexity([["a", "b"]])) < 1e-9
"""
TOKENIZATION = """
from course_utils.tokenization import BPETokenizer, CharTokenizer, PretrainedTokenizer

tokenizer = BPETokenizer.train(["low lower lowest"], 260, ["<|end|>"])
tokenizer.save(folder / "tokenizer.json")
ids = tokenizer.encode("lower<|end|>")
assert BPETokenizer.load(folder / "tokenizer.json").decode(ids) == "lower<|end|>"
assert PretrainedTokenizer.load(folder / "tokenizer.json").encode("lower<|end|>") == ids
assert CharTokenizer.train(["ab"]).encode("ba") == [1, 0]
"""
CORPORA = """
from course_utils import corpora

assert next(iter(corpora.stream("tinyworld")["train"]))["text"] == corpora.load("tinyworld", "train")[0]["text"]
"""
PLOTS = """
from course_utils import plots

figure = plots.next_token_bars(["a", "b"], after=[0.75, 0.25])
assert plots.png(figure).startswith(b"\\x89PNG")
"""
CHECKS = """
from course_utils.checks import whole_number
from course_utils.files import write_atomically

write_atomically(folder / "number.txt", str(whole_number("n", 3)).encode())
"""


@pytest.mark.parametrize("work", [NGRAM, TOKENIZATION, CORPORA, PLOTS, CHECKS])
def test_it_works_where_torch_is_not_installed(work, tmp_path):
    command = [sys.executable, "-c", WITHOUT_TORCH + work, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def parts_imported(source):
    """Return the parts of the package that Python source imports, wherever in it."""
    names = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module="course_utils"):
                names += [alias.name for alias in node.names]
            case ast.ImportFrom(module=str(module)) if module.startswith("course_utils."):
                names.append(module.split(".")[1])
            case ast.Import():
                names += [alias.name.split(".")[1] for alias in node.names if alias.name.startswith("course_utils.")]
    return set(names)


def test_every_part_has_its_place():
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert sorted(there - {"__init__"}) == sorted(FROM_THE_GROUND_UP)


@pytest.mark.parametrize("part", FROM_THE_GROUND_UP)
def test_no_part_imports_what_stands_above_it(part):
    below = set(FROM_THE_GROUND_UP[: FROM_THE_GROUND_UP.index(part) + 1])
    files = sorted((PACKAGE / part).rglob("*.py")) or [PACKAGE / f"{part}.py"]
    assert {file.name: parts_imported(file.read_text("utf-8")) - below for file in files} == {
        file.name: set() for file in files
    }


def test_an_installed_package_brings_what_it_imports_in_the_versions_of_the_set_up():
    root = PACKAGE.parent
    brought = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    assert set(brought) <= {
        line.split()[0] for line in (root / "requirements.txt").read_text("utf-8").splitlines() if line
    }
    nodes = [node for file in PACKAGE.rglob("*.py") for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    imported = {name.split(".")[0] for name in modules} - set(sys.stdlib_module_names) - {"course_utils"}
    assert {OF.get(name, name) for name in imported} <= {line.partition("==")[0] for line in brought}
