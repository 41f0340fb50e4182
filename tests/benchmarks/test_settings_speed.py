"""How fast training and generation are on this processor, and on older ones that it stands in for.

Only printed: `pytest -m benchmark -s tests/benchmarks`. Each setting is a process of its own, which runs this file.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from settings import SETTINGS

pytestmark = pytest.mark.benchmark
SECONDS = 15
NEW_TOKENS = 64


@pytest.mark.parametrize("setting", SETTINGS)
def test_training_and_generation(setting):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | SETTINGS[setting]
    done = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout.splitlines()[-1])
    print(f"\n{setting}: float32 peak {measured['peak'] / 1e9:.0f} GFLOP/s, {measured['threads']} threads")
    print(f"  training in {measured['precision']}: {measured['trained']:,.0f} tokens/s, ", end="")
    print(f"{measured['share']:.0%} of the float32 peak")
    print(f"  SmolLM2: {measured['generated']:.1f} tokens/s for {NEW_TOKENS} tokens")


def measure():
    """Print one line of JSON: the speed of the default pretraining, its share of the peak, and that of generation."""
    import torch

    from course_utils import decoding, pretrained, training
    from course_utils.training import pretrain

    peak = training.matmul_peak("cpu")  # before and after, the larger counts: something else may disturb either
    with tempfile.TemporaryDirectory() as folder:
        pretrain.main(
            ["--corpus", "tinyworld", "--seconds", str(SECONDS), "--no-progress", "--device", "cpu", "--out", folder]
        )
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
