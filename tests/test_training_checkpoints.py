"""Checkpoints: a run that was stopped, killed or out of disk space goes on as if nothing had been.

Run as a program, this file is the training that a test kills.
"""

import itertools
import os
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from patience import PATIENCE

from course_utils.training import Trainer, TrainingConfig
from course_utils.training.checkpoint import FILE_NAME, read_checkpoint, write_checkpoint
from course_utils.transformer import DecoderLM, TransformerConfig

SHAPE = TransformerConfig(vocab_size=50, d_model=24, n_layers=1, n_heads=6, n_kv_heads=2, d_ff=40, context_length=16)
STEPS = 8
TEXT = torch.randint(50, (600,), generator=torch.Generator().manual_seed(0))


def new_trainer(directory=None, **settings):
    torch.manual_seed(0)
    defaults = {"steps": STEPS, "batch_size": 4, "accumulation": 2, "validate_every": 3, "progress": False}
    every = {} if directory is None else {"directory": directory, "checkpoint_every": 1}
    return Trainer(DecoderLM(SHAPE), TEXT, TEXT[:50], TrainingConfig(**(defaults | every | settings)))


def same_weights(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.model.parameters(), b.model.parameters(), strict=True))


def spoil(trainer):
    """Change everything that a checkpoint must bring back."""
    for parameter in trainer.model.parameters():
        torch.nn.init.zeros_(parameter)
    torch.manual_seed(99)
    trainer.batches.draw()


class Crash(Exception):
    """Stands for whatever ends a process."""


def crash_at(trainer, step, n_th=1):
    """Let a trainer crash in a forward pass of some step."""
    passes = []

    def hook(*_):
        if trainer.model.training and trainer.history.step == step - 1:
            passes.append(1)
            if len(passes) == n_th:
                raise Crash

    trainer.model.register_forward_hook(hook)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize(("step", "n_th", "every"), [(2, 1, 1), (5, 2, 1), (8, 1, 3)])
def test_a_resumed_run_ends_with_the_same_bits(tmp_path, optimizer, step, n_th, every):
    whole = new_trainer(optimizer=optimizer)
    expected = whole.run()

    crashed = new_trainer(tmp_path, optimizer=optimizer, checkpoint_every=every)
    crash_at(crashed, step, n_th)
    with pytest.raises(Crash):
        crashed.run()

    resumed = new_trainer(tmp_path, optimizer=optimizer, checkpoint_every=every)
    spoil(resumed)
    history = resumed.resume(tmp_path)
    assert same_weights(resumed, whole)
    assert history.losses == expected.losses
    assert [(v.step, v.loss) for v in history.validations] == [(v.step, v.loss) for v in expected.validations]
    assert history.finished


def test_chance_inside_the_model_goes_on_where_it_stopped(tmp_path):
    def with_dropout(trainer):
        trainer.model.embedding.register_forward_hook(lambda module, _, x: F.dropout(x, 0.5, module.training))
        return trainer

    whole, crashed, resumed = (with_dropout(new_trainer(directory)) for directory in (None, tmp_path, tmp_path))
    torch.manual_seed(7)
    whole.run()
    torch.manual_seed(7)
    crash_at(crashed, step=4)
    with pytest.raises(Crash):
        crashed.run()
    spoil(resumed)
    resumed.resume(tmp_path)
    assert same_weights(resumed, whole)


def test_a_finished_run_can_be_made_longer_but_not_changed(tmp_path):
    new_trainer(tmp_path, steps=4).run()
    again = new_trainer(tmp_path, steps=4)
    assert again.resume(tmp_path / FILE_NAME).step == 4  # nothing left to do
    assert new_trainer(tmp_path, steps=6).resume(tmp_path).step == 6
    with pytest.raises(ValueError, match=r"other settings: .*'seed': 0"):
        new_trainer(tmp_path, seed=1).resume(tmp_path)


def test_a_seconds_budget_counts_what_was_spent_before(tmp_path):
    first = new_trainer(tmp_path, steps=4).run()
    assert new_trainer(tmp_path, steps=None, seconds=first.seconds).resume(tmp_path).step == 4


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_killed_process_leaves_a_checkpoint_that_goes_on(tmp_path, optimizer):
    at = random.randint(2, STEPS)
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}  # the same order of sums
    command = [sys.executable, __file__, optimizer, str(at), str(tmp_path)]
    killed = subprocess.run(command, env=environment, timeout=PATIENCE, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(list(tmp_path.iterdir())) == 2, "the checkpoint, and half of the next"

    whole, resumed = new_trainer(optimizer=optimizer), new_trainer(tmp_path, optimizer=optimizer)
    assert int(read_checkpoint(tmp_path)[0]["history.steps"][-1, 0]) == at - 1
    spoil(resumed)
    resumed.resume(tmp_path)
    whole.run()
    assert same_weights(resumed, whole), f"killed at step {at}"
    assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME], "what was left over is gone"


def train_until_killed(optimizer, at, directory):
    """Train, and die by SIGKILL in the middle of writing the checkpoint of a step."""
    writes = []
    write = safetensors.torch.save_file

    def write_and_die(tensors, path, metadata):
        writes.append(1)
        write(tensors, path, metadata)
        if len(writes) == at:
            os.truncate(path, os.path.getsize(path) // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    safetensors.torch.save_file = write_and_die
    new_trainer(directory, optimizer=optimizer).run()


def test_sigterm_while_a_checkpoint_is_written_ends_the_run_with_a_good_one(tmp_path, monkeypatch):
    write = safetensors.torch.save_file

    def write_while_told_to_stop(tensors, path, metadata):
        os.kill(os.getpid(), signal.SIGTERM)
        write(tensors, path, metadata)

    monkeypatch.setattr(safetensors.torch, "save_file", write_while_told_to_stop)
    stopped = new_trainer(tmp_path)
    history = stopped.run()
    assert (history.step, history.finished) == (1, False)
    monkeypatch.undo()
    whole, resumed = new_trainer(), new_trainer(tmp_path)
    whole.run()
    assert resumed.resume(tmp_path).finished
    assert same_weights(resumed, whole)


def test_a_full_disk_leaves_the_last_checkpoint_as_it_was(tmp_path):
    new_trainer(tmp_path, steps=2).run()
    good = (tmp_path / FILE_NAME).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(good) // 2, hard))  # no file may grow beyond it: as a full disk
    try:
        with pytest.raises(OSError, match=r"checkpoint\.safetensors"):
            new_trainer(tmp_path).resume(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / FILE_NAME).read_bytes() == good
    assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME]
    assert new_trainer(tmp_path).resume(tmp_path).finished


def test_tensors_and_scalars_come_back(tmp_path):
    tensors = {"a": torch.tensor(3), "b": torch.randn(2, 3).bfloat16(), "c": torch.zeros(0, 4)}
    write_checkpoint(tmp_path / "deep" / "x.safetensors", tensors, {"n": 1, "word": "é"})
    back, scalars = read_checkpoint(tmp_path / "deep" / "x.safetensors")
    assert back.keys() == tensors.keys()
    assert all(torch.equal(back[name], tensors[name]) for name in tensors)
    assert scalars == {"n": 1, "word": "é"}


def test_what_is_no_checkpoint_is_named(tmp_path):
    trainer = new_trainer()
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        trainer.resume(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(b"half of it")
    with pytest.raises(ValueError, match="damaged"):
        trainer.resume(tmp_path)
    safetensors.torch.save_file({"x": torch.zeros(1)}, tmp_path / FILE_NAME)
    with pytest.raises(ValueError, match="no checkpoint of a training run"):
        trainer.resume(tmp_path)


def test_the_checkpoint_of_another_model_is_refused(tmp_path):
    new_trainer(tmp_path, steps=1).run()
    larger = DecoderLM(TransformerConfig(50, 24, 2, 6, 2, 40, 16))
    config = TrainingConfig(steps=2, batch_size=4, accumulation=2, validate_every=3, progress=False)
    with pytest.raises(ValueError, match=r"another shape: \['layers\.1"):
        Trainer(larger, TEXT, None, config).resume(tmp_path)


@pytest.mark.parametrize(
    ("train", "val", "named"),
    [
        (TEXT[:300], TEXT[:50], "train_ids"),  # shorter: windows of the checkpoint lie beyond its end
        (torch.cat([TEXT, TEXT]), TEXT[:50], "train_ids"),
        (TEXT.roll(1), TEXT[:50], "train_ids"),  # as long as before
        (TEXT, TEXT[:51], "val_ids"),
        (TEXT, [TEXT[:25], TEXT[25:50]], "val_ids"),
    ],
)
def test_the_checkpoint_of_another_text_is_refused_before_anything_changes(tmp_path, train, val, named):
    def trainer_on(train, val):
        torch.manual_seed(0)
        config = TrainingConfig(steps=3, batch_size=4, directory=tmp_path, progress=False)
        return Trainer(DecoderLM(SHAPE), train, val, config)

    first = trainer_on(TEXT, TEXT[:50])
    first.run()
    good = (tmp_path / FILE_NAME).read_bytes()
    other = trainer_on(train, val)
    before = other.model.embedding.weight.clone()
    with pytest.raises(ValueError, match=f"on another text: {named} were sha256 .{{16}}, and are sha256 .{{16}} now"):
        other.resume(tmp_path)
    assert torch.equal(other.model.embedding.weight, before)
    assert other.history.step == 0
    assert (tmp_path / FILE_NAME).read_bytes() == good
    assert trainer_on(TEXT, None).resume(tmp_path).step == 3  # who doesn't validate trains on the same text


def test_a_checkpoint_of_another_precision_is_refused(tmp_path):
    new_trainer(tmp_path, steps=1).run()
    wide = new_trainer(tmp_path)
    wide.model.double()
    with pytest.raises(ValueError, match=r"other settings: \{'dtype': 'torch.float32'\}"):
        wide.resume(tmp_path)


def test_what_compiling_took_before_a_stop_is_no_progress_after_it(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda model: model)

    def compiled(first):
        """A trainer whose clock moves with each forward pass: `first` seconds for the first, which compiles, then 1."""
        seconds, now = itertools.chain([first], itertools.repeat(1.0)), [0.0]
        settings = {"steps": None, "seconds": 100, "accumulation": 1, "validate_every": None, "warmup": 0.0}
        trainer = new_trainer(tmp_path, compile=True, **settings)
        trainer.model.register_forward_hook(lambda *_: now.append(now[-1] + next(seconds)))
        trainer.clock = lambda: now[-1]
        return trainer

    stopped, resumed = compiled(20.0), compiled(10.0)
    crash_at(stopped, step=5)
    with pytest.raises(Crash):
        stopped.run()
    steps = resumed.resume(tmp_path).steps
    assert [step.seconds for step in steps[:6]] == [21, 22, 23, 24, 35, 36]
    factors = [step.learning_rate_factor for step in steps[:6]]
    assert factors == pytest.approx([*(1 - (n + 0.5) / 80 for n in range(4)), *(1 - (n + 0.5) / 70 for n in (4, 5))])


if __name__ == "__main__":
    train_until_killed(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
