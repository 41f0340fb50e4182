"""How long a training step of LoRA takes beside PEFT's, and how much memory, on SmolLM2.

Only printed: `pytest -m benchmark -s tests/benchmarks/test_lora_speed.py`.
"""

import ctypes
import gc
import json
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import peft
import pytest
import torch
import torch.nn.functional as F
import transformers

from course_utils import pretrained
from course_utils.evaluation import next_token_loss
from course_utils.finetuning.lora import add_lora, lora_parameters
from course_utils.pretrained.llama_config import config_to

pytestmark = pytest.mark.benchmark
ROUNDS, RANK, ALPHA, TARGETS, BATCH, LENGTH = 5, 8, 16, ("q", "v"), 4, 128


def step_of(parameters, loss_of):
    optimizer = torch.optim.AdamW(parameters, lr=1e-3)

    def step(ids):
        loss = loss_of(ids[:, :-1], ids[:, 1:])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def ours(quantization=None):
    model, _ = pretrained.load(device="cpu", quantization=quantization)
    for parameter in model.parameters():
        parameter.data = parameter.data.clone()  # else the file that they lie in would be counted whole
    add_lora(model, RANK, ALPHA, TARGETS).train()
    return step_of(lora_parameters(model), lambda x, y: next_token_loss(model(x), y))


def pefts():
    base, _ = pretrained.load(device="cpu")
    with torch.device("meta"):
        theirs = transformers.LlamaForCausalLM(
            transformers.LlamaConfig.from_dict(config_to(base) | {"use_cache": False, "attn_implementation": "sdpa"})
        )
    theirs = theirs.to_empty(device="cpu")
    theirs.model.rotary_emb = type(theirs.model.rotary_emb)(theirs.config)
    pretrained.from_huggingface(theirs).load_state_dict(base.state_dict())
    del base
    config = peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=[f"{target}_proj" for target in TARGETS])
    model = peft.get_peft_model(theirs, config).train()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return step_of(parameters, lambda x, y: F.cross_entropy(model(x).logits.float().flatten(0, 1), y.flatten()))


KINDS = {"ours": ours, "peft": pefts, "ours, int8": lambda: ours("int8"), "ours, int4": lambda: ours("int4")}


def tokens():
    return torch.randint(49_152, (BATCH, LENGTH + 1), generator=torch.Generator().manual_seed(0))


def test_a_step_of_lora_takes_no_longer_than_pefts():
    steps = {name: make() for name, make in KINDS.items()}
    seconds = {name: [] for name in steps}
    for _ in range(1 + ROUNDS):
        for name, step in steps.items():
            start = time.perf_counter()
            step(tokens())
            seconds[name].append(time.perf_counter() - start)
    print(f"\nrank {RANK} on {' '.join(TARGETS)}, {BATCH} x {LENGTH} tokens, {torch.get_num_threads()} threads")
    for name, times in seconds.items():
        print(f"  {name:11} best {min(times[1:]):.2f} s a step, median {statistics.median(times[1:]):.2f} s")
    ratios = [ours / theirs for ours, theirs in zip(seconds["ours"][1:], seconds["peft"][1:], strict=True)]
    print(f"  ours / peft: best {min(seconds['ours'][1:]) / min(seconds['peft'][1:]):.2f}", end=", ")
    print(f"median of the rounds {statistics.median(ratios):.2f}")


@pytest.mark.parametrize("name", KINDS)
def test_peak_memory(name):
    run = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=True)
    peaks = json.loads(run.stdout.splitlines()[-1])
    print(f"\n{name}: {peaks['loaded']:.0f} MB once loaded, {peaks['trained']:.0f} MB at the peak of two steps")


def resident(field):
    """Return the process's resident memory in MB: VmRSS now, VmHWM at its peak. Linux only."""
    return int(re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1000


if __name__ == "__main__":
    step = KINDS[sys.argv[1]]()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what quantising has freed goes back to the system
    Path("/proc/self/clear_refs").write_text("5")  # the peak of loading is forgotten
    loaded = resident("VmRSS")
    for _ in range(2):
        step(tokens())
    print(json.dumps({"loaded": loaded, "trained": resident("VmHWM")}))
