"""Several processes: the same numbers as one, replicated (DDP) or sharded (FSDP2).

Run under torchrun, this file is the training itself.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from patience import PATIENCE

from course_utils import device
from course_utils.training import Trainer, TrainingConfig
from course_utils.training.distributed import LAUNCHED, Processes, process_group
from course_utils.transformer import DecoderLM, TransformerConfig

pytestmark = pytest.mark.slow  # starts torchrun with two processes that import torch

SHAPE = TransformerConfig(vocab_size=50, d_model=24, n_layers=2, n_heads=6, n_kv_heads=2, d_ff=40, context_length=16)
CASES = {
    "ddp-adamw": {"optimizer": "adamw"},
    "ddp-muon-accumulated": {"optimizer": "muon", "accumulation": 2},
    "fsdp-adamw-accumulated": {"optimizer": "adamw", "accumulation": 2, "shard": True},
    "fsdp-muon": {"optimizer": "muon", "shard": True},
}
CONSTANT = {"decay": "constant", "warmup": 0.0}  # the same learning rates whatever the budget


def new_trainer(directory, steps=20, **settings):
    torch.manual_seed(0)
    ids = torch.randint(50, (600,))
    defaults = {"batch_size": 8, "validate_every": 10, "progress": False, "directory": directory}
    config = TrainingConfig(steps=steps, **(defaults | settings))
    return Trainer(DecoderLM(SHAPE).double(), ids, ids[:100], config)


def outcome(history):
    return {"losses": history.losses, "validations": [v.loss for v in history.validations]}


def train_every_case(directory):
    """What each process does: train all cases, stop a sharded one half way, and resume it."""
    with process_group(torch.device("cpu")):
        results = {name: outcome(new_trainer(None, **settings).run()) for name, settings in CASES.items()}
        new_trainer(directory, steps=10, **CONSTANT, **CASES["fsdp-muon"]).run()
        resumed = new_trainer(directory, **CONSTANT, **CASES["fsdp-muon"])
        results["resumed"] = outcome(resumed.resume(directory))
        own = torch.arange(resumed.processes.rank + 2, dtype=torch.uint8)
        results["concatenated"] = resumed.processes.concatenated(own).tolist()
        if resumed.processes.is_first:
            (directory / "results.json").write_text(json.dumps(results))


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    """The results of two gloo processes, and the folder with the checkpoint they left."""
    directory = tmp_path_factory.mktemp("two")
    launch = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", __file__, str(directory)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *launch], env=environment, timeout=PATIENCE, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return json.loads((directory / "results.json").read_text()), directory


@pytest.mark.parametrize("case", CASES)
def test_two_processes_have_the_losses_of_one(two_processes, case):
    alone = outcome(new_trainer(None, **CASES[case]).run())
    theirs = two_processes[0][case]
    assert len(set(theirs["losses"])) == 20
    assert theirs["losses"] == pytest.approx(alone["losses"], abs=1e-9)
    assert theirs["validations"] == pytest.approx(alone["validations"], abs=1e-9)


def test_a_sharded_run_resumes_sharded_and_its_checkpoint_also_alone(two_processes):
    results, directory = two_processes
    whole = outcome(new_trainer(None, **CONSTANT, **CASES["fsdp-muon"]).run())
    assert results["resumed"]["losses"] == pytest.approx(whole["losses"], abs=1e-9)
    longer = new_trainer(None, steps=25, **CONSTANT, **CASES["fsdp-muon"])
    assert longer.resume(directory).losses[:20] == results["resumed"]["losses"]
    assert longer.history.step == 25


def test_what_each_process_holds_is_put_one_after_the_other(two_processes):
    assert two_processes[0]["concatenated"] == [0, 1, 0, 1, 2]
    assert Processes().concatenated(torch.arange(2)).tolist() == [0, 1]


def test_a_batch_that_the_processes_can_not_share_is_refused(monkeypatch):
    monkeypatch.setattr("course_utils.training.trainer.current_processes", lambda: Processes(0, 3))
    with pytest.raises(ValueError, match="the 3 processes"):
        new_trainer(None)


@pytest.mark.parametrize(("ours", "theirs"), [(True, True), (True, False), (False, True), (False, False)])
def test_processes_compute_in_bfloat16_only_if_all_of_them_have_measured_that_it_pays(monkeypatch, ours, theirs):
    for variable in LAUNCHED:
        monkeypatch.setenv(variable, "0")
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda backend: None)
    monkeypatch.setattr(torch.distributed, "destroy_process_group", lambda: None)
    other = torch.tensor(float(not theirs))
    monkeypatch.setattr(Processes, "largest", lambda self, tensor: torch.maximum(tensor, other))
    monkeypatch.setitem(device._native, torch.bfloat16, ours)
    with process_group(torch.device("cpu")) as place:
        assert device.multiplies_bfloat16(place) == (ours and theirs)


if __name__ == "__main__":
    train_every_case(Path(sys.argv[1]))
