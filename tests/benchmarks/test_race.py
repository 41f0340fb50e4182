"""How low a loss N seconds buy on one text, and what buys it: the pretraining command beside n-gram models.

    RACE_TEXT=FILE RACE_SECONDS=98 pytest -m benchmark -s tests/benchmarks/test_race.py

Without RACE_TEXT the text is CPython's own documentation. Characters; the last tenth is for validation. Every line is
the command with what it says changed; if compiled, after a first step in another process has filled the compiler's
cache. Only printed; quiet machines give the numbers worth quoting.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from course_utils import corpora
from course_utils.ngram import NGramLM

pytestmark = pytest.mark.benchmark
SECONDS = os.environ.get("RACE_SECONDS", "98")
CHANGES = {
    "as it comes": (),
    "AdamW": ("--optimizer", "adamw", "--learning-rate", "3e-3"),
    "AdamW, twice its rate": ("--optimizer", "adamw", "--learning-rate", "6e-3"),
    "Muon's momentum 0.95": ("--muon-momentum", "0.95"),
    "half the rate": ("--learning-rate", "2.5e-3"),
    "twice the rate": ("--learning-rate", "1e-2"),
    "rate along a cosine": ("--decay", "cosine"),
    "rate never falls": ("--decay", "constant"),
    "half the batch": ("--batch-size", "8"),
    "twice the batch": ("--batch-size", "32", "--learning-rate", "7e-3"),
    "four layers": ("--layers", "4"),
    "twice the context": ("--context-length", "256", "--batch-size", "8"),
    "float32": ("--precision", "float32"),
    "compiled": ("--compile",),
    "compiled, four layers, twice the context": (
        "--compile",
        "--layers",
        "4",
        "--context-length",
        "256",
        "--batch-size",
        "8",
    ),
    "compiled, float32": ("--compile", "--precision", "float32"),
}


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    if "RACE_TEXT" in os.environ:
        return Path(os.environ["RACE_TEXT"])
    path = tmp_path_factory.mktemp("race") / "text.txt"
    path.write_bytes("\n".join(corpora.load("pydocs", "train")["text"]).encode())
    return path


def test_ngrams(text):
    characters = list(text.read_bytes().decode())
    cut = int(0.9 * len(characters))
    for order in range(3, 9):
        start = time.perf_counter()
        model = NGramLM(order, "kneser-ney", discount=0.75).fit([characters[:cut]])
        fitted = time.perf_counter()
        nats = -model.log2_probs(characters[cut:]).sum() * 0.6931471805599453 / (len(characters) - cut)
        print(f"\n{order}-grams, Kneser-Ney: {nats:.4f} nats a character, {fitted - start:.1f} s to count", end="")


def pretrain(text, out, *options):
    """Run the command; return what its last line says."""
    command = ["-m", "course_utils.training.pretrain", "--text", str(text), "--out", str(out), "--no-progress"]
    done = subprocess.run([sys.executable, *command, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("change", CHANGES)
def test_pretraining(text, tmp_path, change):
    if "--compile" in CHANGES[change]:
        pretrain(text, tmp_path / "first", "--steps", "1", *CHANGES[change])
    result = pretrain(text, tmp_path / "race", "--seconds", SECONDS, *CHANGES[change])
    print(
        f"\n{change:41} {result['val_loss_nats']:.4f} nats a character; {result['tokens'] / 1e6:.2f} M tokens in "
        f"{result['seconds']:.1f} s, {result['parameters'] / 1e6:.2f} M parameters, MFU {result['mfu']:.0%}",
        end="",
    )
