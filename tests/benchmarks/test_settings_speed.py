"""How fast training and generation are on this processor, and on older ones that it stands in for, quiet and busy.

Only printed: `pytest -m benchmark -s tests/benchmarks`. Each setting is a process of its own, which runs this file.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from lab import kernel_environment
from settings import SETTINGS

pytestmark = pytest.mark.benchmark
SECONDS = 15
NEW_TOKENS = 64


@contextmanager
def busy_processes(n):
    """Let `n` other processes compute meanwhile."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    try:
        yield
    finally:
        for process in others:
            process.kill()
            process.wait()


@pytest.mark.parametrize("others", [0, 2])
@pytest.mark.parametrize("setting", SETTINGS)
def test_training_and_generation(setting, others):
    environment = kernel_environment() | {"PYTHONPATH": os.pathsep.join(sys.path)} | SETTINGS[setting]
    with busy_processes(others):
        done = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout.splitlines()[-1])
    beside = f"beside {others} busy processes" if others else "quiet"
    print(f"\n{setting}, {beside}: float32 peak {measured['peak'] / 1e9:.0f} GFLOP/s, {measured['threads']} threads")
    print(f"  training in {measured['precision']}: {measured['trained']:,.0f} tokens/s, ", end="")
    print(f"{measured['share']:.0%} of the float32 peak")
    print(f"  SmolLM2: {measured['generated']:.1f} tokens/s for {NEW_TOKENS} tokens")


def measure():
    """Print one line of JSON: the speed of the default pretraining, its share of the peak, and that of generation."""
    import torch

    from course_utils import corpora, decoding, pretrained, training
    from course_utils.training import pretrain

    peak = training.matmul_peak("cpu")  # before and after, the larger counts: something else may disturb either
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text.txt"
        text.write_text("\n".join(corpora.load("pydocs", "train")["text"]), encoding="utf-8")
        options = ["--seconds", str(SECONDS), "--no-progress", "--device", "cpu"]
        pretrain.main(["--text", str(text), "--out", folder, *options])
        result = json.loads((Path(folder) / "result.json").read_text())
        config = pretrained.load(folder, device="cpu")[0].config
    peak = max(peak, training.matmul_peak("cpu"))
    model, tokenizer = pretrained.load(device="cpu")
    ids = torch.tensor([tokenizer.encode("I love watching movies.")])
    decoding.generate(model, ids, 2, temperature=0)
    start = time.perf_counter()
    decoding.generate(model, ids, NEW_TOKENS, temperature=0)
    seconds = time.perf_counter() - start
    measured = {
        "peak": peak,
        "threads": torch.get_num_threads(),
        "precision": result["precision"],
        "trained": result["tokens_per_second"],
        "share": result["tokens_per_second"] * training.flops_per_token(config, config.context_length) / peak,
        "generated": NEW_TOKENS / seconds,
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    measure()
