"""The wheel: installed anywhere, without the repository, the package finds the corpus and the model that it ships."""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from patience import PATIENCE

from course_utils import corpora, pretrained
from course_utils.files import shipped

pytestmark = [
    pytest.mark.slow,  # builds a wheel, and starts a process that imports torch
    pytest.mark.skipif(importlib.util.find_spec("hatchling") is None, reason="needs hatchling, which builds the wheel"),
]
ROOT = Path(__file__).resolve().parents[1]
LOAD = """
import json
import course_utils
from course_utils import corpora, pretrained
model, tokenizer = pretrained.load("tinyworld", device="cpu")
text = corpora.load("tinyworld", "test")["text"][0]
clinic = len(corpora.load("tinyworld-clinic", "test"))
total = model.embedding.weight.double().sum().item()
print(json.dumps([course_utils.__file__, total, text, tokenizer.encode(text), clinic]))
"""


def run(*command, **options):
    done = subprocess.run(command, timeout=PATIENCE, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_wheel_carries_the_corpus_and_the_model_and_nothing_of_the_workshop(tmp_path):
    left_by_training = shipped("models/tinyworld") / "checkpoint.safetensors"
    was_there = left_by_training.exists()
    left_by_training.touch()  # as whoever trains the model has it there
    try:
        run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ROOT)
    finally:
        if not was_there:
            left_by_training.unlink()
    (wheel,) = tmp_path.glob("*.whl")
    (tmp_path / "elsewhere").mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        names = archive.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"course_utils"}
    assert not [name for name in names if name.endswith((".ipynb", "checkpoint.safetensors"))]

    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    output = run(sys.executable, "-c", LOAD, env=environment, cwd=tmp_path / "elsewhere")
    place, total, text, ids, clinic = json.loads(output)
    model, tokenizer = pretrained.load("tinyworld", device="cpu")
    assert Path(place).is_relative_to(tmp_path / "installed")
    assert total == model.embedding.weight.double().sum().item()
    assert text == corpora.load("tinyworld", "test")["text"][0]
    assert ids == tokenizer.encode(text)
    assert clinic == 1000
