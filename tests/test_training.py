"""Training: the windows, the schedule, the optimizers, and what a trainer does with them."""

import functools
import json
import math
import os
import signal

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from random_weights import randomised
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

from course_utils import device, training
from course_utils.training import Trainer, TrainingConfig
from course_utils.training.budget import MARGIN, Budget
from course_utils.training.checkpoint import FILE_NAME
from course_utils.training.distributed import Processes
from course_utils.training.muon import StackedMuon, orthogonalise
from course_utils.training.optimizers import set_learning_rates
from course_utils.training.windows import own_rows
from course_utils.transformer import DecoderLM, TransformerConfig

SHAPE = TransformerConfig(vocab_size=50, d_model=24, n_layers=2, n_heads=6, n_kv_heads=2, d_ff=40, context_length=16)
IDS = torch.randint(50, (600,), generator=torch.Generator().manual_seed(0))


def new_model(shape=SHAPE, dtype=torch.float32):
    torch.manual_seed(0)
    return DecoderLM(shape).to(dtype)


def trained(dtype=torch.float32, val_ids=None, **settings):
    """Train a new model; return it and its history."""
    model = new_model(dtype=dtype)
    config = TrainingConfig(**({"steps": 6, "batch_size": 4, "progress": False} | settings))
    return model, Trainer(model, IDS, val_ids, config).run()


class Dtypes(TorchDispatchMode):
    """Collect the dtypes of all tensors that operations take or give."""

    def __init__(self):
        super().__init__()
        self.dtypes = set()

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        leaves = tree_leaves((arguments, options, result))
        self.dtypes |= {leaf.dtype for leaf in leaves if isinstance(leaf, torch.Tensor)}
        return result


# ---- the windows


def test_random_windows_are_pieces_of_the_text_and_the_targets_come_one_later():
    ids = torch.arange(40)
    inputs, targets = training.random_windows(ids, 500, 8, torch.Generator().manual_seed(0))
    assert torch.equal(inputs, inputs[:, :1] + torch.arange(8))
    assert torch.equal(targets, inputs + 1)
    assert set(inputs[:, 0].tolist()) == set(range(32))  # the chance that 500 draws miss one of 32: 4e-6


@given(st.integers(2, 60), st.integers(1, 12), st.integers(0, 1000))
def test_a_pass_reads_the_text_once(n, context_length, seed):
    context_length = min(context_length, n - 1)
    windows = training.RandomWindows(torch.arange(n), 1, context_length, seed)
    for _ in range(3):
        targets = windows.draw()[1].flatten().tolist()
        while len(windows.starts):
            targets += windows.draw()[1].flatten().tolist()
        missing = set(range(1, n)) - set(targets)
        assert len(set(targets)) == len(targets)
        assert len([token for token in missing if token < min(targets)]) < context_length
        assert len([token for token in missing if token > max(targets)]) < context_length
        assert all(token < min(targets) or token > max(targets) for token in missing)


def test_passes_differ_in_order_and_in_places():
    windows = training.RandomWindows(torch.arange(161), 16, 8, seed=0)
    starts = [windows.draw()[0][:, 0].tolist() for _ in range(8)]
    assert len({start[0] % 8 for start in starts}) > 2
    assert all(start != sorted(start) for start in starts)


@given(st.integers(0, 9), st.integers(1, 30))
def test_windows_go_on_from_where_their_state_was_taken(before, seed):
    first, second = (training.RandomWindows(torch.arange(40), 3, 8, s) for s in (seed, 0))
    for _ in range(before):
        first.draw()
    second.restore(first.state())
    for _ in range(9):
        assert torch.equal(torch.stack(first.draw()), torch.stack(second.draw()))


@given(st.integers(1, 6), st.integers(1, 4))
def test_the_processes_rows_make_up_the_global_batch(share, n_processes):
    ids, size = torch.arange(100), share * n_processes
    alone = training.RandomWindows(ids, size, 8, seed=3)
    workers = [training.RandomWindows(ids, size, 8, 3, rank, n_processes) for rank in range(n_processes)]
    for _ in range(2):
        whole = torch.cat([torch.stack(worker.draw()) for worker in workers], dim=1)
        assert torch.equal(whole, torch.stack(alone.draw()))


def test_rows_that_can_not_be_split_are_refused():
    with pytest.raises(ValueError, match="multiple of the 2 processes"):
        own_rows(5, 0, 2)


def test_a_text_shorter_than_a_window_is_refused():
    with pytest.raises(ValueError, match="needs 9"):
        training.random_windows(torch.arange(8), 2, 8, torch.Generator())
    for windows, word in (((2.5, 4), "batch_size must be a whole"), ((2, 0), "context_length must be at least 1")):
        with pytest.raises(ValueError, match=word):
            training.RandomWindows(torch.arange(8), *windows, seed=0)


# ---- the schedule


@pytest.mark.parametrize(
    ("decay", "theirs"), [("cosine", get_cosine_schedule_with_warmup), ("linear", get_linear_schedule_with_warmup)]
)
def test_the_schedule_equals_transformers(decay, theirs):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = theirs(optimizer, num_warmup_steps=10, num_training_steps=80)
    for step in range(80):
        factor = training.learning_rate_factor(step / 80, warmup=10 / 80, decay=decay, final=0)
        assert factor == pytest.approx(schedule.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        schedule.step()


@given(st.floats(0, 0.9), st.sampled_from(["cosine", "linear", "constant"]), st.floats(0, 1), st.floats(0, 1))
def test_the_schedule_rises_to_1_then_falls_to_its_end(warmup, decay, final, progress):
    def factor(at):
        return training.learning_rate_factor(at, warmup, decay, final)

    assert factor(warmup) == pytest.approx(1)
    assert factor(1.0) == pytest.approx(1 if decay == "constant" else final)
    assert 0 <= factor(progress) <= 1 + 1e-12
    if progress >= warmup:
        assert factor(progress) >= factor(min(1.0, progress + 0.05)) - 1e-12


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"progress": 1.5}, "progress"),
        ({"progress": 0.5, "warmup": 1}, "warmup"),
        ({"progress": 0.5, "decay": "square"}, "cosine, linear, constant"),
        ({"progress": 0.5, "final": -1}, "final"),
    ],
)
def test_a_schedule_that_can_not_be_is_named(arguments, word):
    with pytest.raises(ValueError, match=word):
        training.learning_rate_factor(**arguments)


# ---- the optimizers


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_every_parameter_is_moved_by_one_rule(tied, optimizer):
    model = DecoderLM(TransformerConfig(50, 24, 2, 6, 2, 40, 16, tie_embeddings=tied))
    optimizers = training.make_optimizers(model, TrainingConfig(steps=1, optimizer=optimizer))
    moved = [id(p) for o in optimizers for group in o.param_groups for p in group["params"]]
    assert sorted(moved) == sorted(map(id, model.parameters()))
    rules = {
        id(p): (type(o).__name__, group["weight_decay"] > 0)
        for o in optimizers
        for group in o.param_groups
        for p in group["params"]
    }
    hidden = "StackedMuon" if optimizer == "muon" else "AdamW"
    for name, parameter in model.named_parameters():
        matrix = "norm" not in name
        lookup = name in ("embedding.weight", "head.weight")
        assert rules[id(parameter)] == (hidden if matrix and not lookup else "AdamW", matrix), name


@pytest.mark.parametrize("largest", [2**24, 1200, 1])
def test_stacked_matrices_move_as_the_librarys_one_at_a_time(largest, monkeypatch, bfloat16_native):
    monkeypatch.setattr("course_utils.training.muon.LARGEST_STACK", largest)
    generator = torch.Generator().manual_seed(0)
    shapes = [(24, 24), (40, 24), (24, 40), (24, 24), (24, 40), (7, 5), (1, 9)]
    starts = [torch.randn(shape, generator=generator) for shape in shapes]
    gradients = [[torch.randn(shape, generator=generator) for shape in shapes] for _ in range(5)]
    ends = []
    for kind, options in ((StackedMuon, {}), (torch.optim.Muon, {"adjust_lr_fn": "match_rms_adamw"})):
        parameters = [torch.nn.Parameter(start.clone()) for start in starts]
        unused = torch.nn.Parameter(torch.ones(24, 24))
        optimizer = kind([*parameters, unused], lr=0.1, weight_decay=0.2, **options)
        for step in gradients:
            for parameter, gradient in zip(parameters, step, strict=True):
                parameter.grad = gradient.clone()
            optimizer.step()
        assert unused.equal(torch.ones(24, 24))
        ends.append(parameters)
    rounding = 2**-7 if bfloat16_native else 2**-5  # the library's products are in bfloat16: ours, or only theirs
    for start, ours, theirs in zip(starts, *ends, strict=True):
        assert (ours - theirs).norm() < rounding * (theirs - start).norm()


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 40)])
def test_orthogonalised_matrices_keep_their_directions_and_lose_their_lengths(shape, bfloat16_native):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    level = orthogonalise(matrices, (3.4445, -4.7750, 2.0315), steps=5, eps=1e-7)
    assert level.dtype == (torch.bfloat16 if bfloat16_native else torch.float32)
    level = level.float()
    assert torch.linalg.svdvals(level).min() > 0.6
    assert torch.linalg.svdvals(level).max() < 1.3
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    turned = left.mT @ level @ right.mT  # diagonal where the singular vectors are the same
    rest = turned - torch.diag_embed(turned.diagonal(dim1=-2, dim2=-1))
    assert rest.abs().max() < (0.05 if bfloat16_native else 1e-5)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 40), (2, 1, 9)])
def test_orthogonalising_in_float32_moves_each_singular_value_as_the_polynomial_says(shape, monkeypatch):
    monkeypatch.setitem(device._native, torch.bfloat16, False)
    a, b, c = 3.4445, -4.7750, 2.0315
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    left, values, right = torch.linalg.svd(matrices.double(), full_matrices=False)
    values = values / values.square().sum(-1, keepdim=True).sqrt()
    for _ in range(5):
        values = a * values + b * values**3 + c * values**5
    expected = left @ torch.diag_embed(values) @ right
    torch.testing.assert_close(orthogonalise(matrices, (a, b, c), 5, 1e-7).double(), expected, atol=1e-4, rtol=1e-4)


def test_nothing_of_muon_is_in_a_dtype_that_the_processor_only_emulates(monkeypatch):
    monkeypatch.setattr(device, "_native", dict.fromkeys(device.NARROW, False))
    with Dtypes() as seen:
        trained(steps=2, autocast=torch.bfloat16)
    assert seen.dtypes
    assert not seen.dtypes & {torch.bfloat16, torch.float16}


def test_frozen_parameters_are_left_alone():
    model = new_model()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    with pytest.raises(ValueError, match="nothing to train"):
        training.make_optimizers(model, TrainingConfig(steps=1))
    model.layers[0].attention.q.weight.requires_grad_()
    (only,) = training.make_optimizers(model, TrainingConfig(steps=1))
    assert [p.shape for group in only.param_groups for p in group["params"]] == [(24, 24)]


def test_learning_rates_are_a_factor_of_their_peaks():
    optimizers = training.make_optimizers(
        new_model(), TrainingConfig(steps=1, learning_rate=0.5, muon_learning_rate=0.25)
    )
    for factor in (0.1, 0.7):
        set_learning_rates(optimizers, factor)
        assert [group["lr"] for o in optimizers for group in o.param_groups] == [factor * p for p in (0.5, 0.5, 0.25)]


# ---- the trainer


def test_the_loss_before_the_first_step_is_that_of_guessing():
    _, history = trained(val_ids=IDS, validate_every=3)
    assert [v.step for v in history.validations] == [0, 3, 6]
    assert history.validations[0].loss == pytest.approx(math.log(50), rel=0.03)
    assert history.losses[0] == pytest.approx(math.log(50), rel=0.03)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_one_window_is_learned_by_heart(optimizer):
    config = TrainingConfig(steps=120, batch_size=1, optimizer=optimizer, learning_rate=2e-2, progress=False)
    history = Trainer(new_model(), IDS[:17], IDS[:17], config).run()
    assert history.losses[-1] < 0.01
    assert history.validations[-1].loss < 0.01


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_micro_batches_give_the_gradient_of_the_whole(optimizer):
    runs = [trained(torch.float64, accumulation=parts, optimizer=optimizer)[1].losses for parts in (1, 2, 4)]
    assert runs[1] == pytest.approx(runs[0], abs=1e-9)
    assert runs[2] == pytest.approx(runs[0], abs=1e-9)
    assert len(set(runs[0])) == 6


def test_a_long_gradient_is_shortened_and_its_length_is_recorded():
    lengths = {}
    for clip_norm in (None, 0.01):
        model = new_model()
        config = TrainingConfig(steps=1, batch_size=4, clip_norm=clip_norm, progress=False)
        trainer = Trainer(model, IDS, None, config)
        trainer.optimizers[0].register_step_pre_hook(
            lambda *_, model=model, at=clip_norm: lengths.update(
                {at: torch.cat([p.grad.flatten() for p in model.parameters()]).norm().item()}
            )
        )
        assert trainer.run().steps[0].gradient_norm == pytest.approx(lengths[None], rel=1e-5)
    assert lengths[None] > 0.1
    assert lengths[0.01] == pytest.approx(0.01, rel=1e-3)


def test_the_budget_in_tokens_is_whole_steps():
    _, history = trained(steps=None, tokens=4 * 16 * 2 + 1)
    assert (history.step, history.tokens, history.finished) == (3, 192, True)


def test_the_same_seed_gives_the_same_weights_and_another_one_others():
    first, again, other = (trained(seed=seed)[0].embedding.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_bfloat16_autocast_keeps_the_weights_wide_and_learns_about_the_same(bfloat16_native):
    model, history = trained(autocast=torch.bfloat16)
    assert model.embedding.weight.dtype == torch.float32
    assert history.losses == pytest.approx(trained()[1].losses, abs=0.05)
    assert (history.losses != trained()[1].losses) == bfloat16_native  # where it is emulated, nothing changes


def test_a_compiled_model_is_one_graph_and_learns_the_same(monkeypatch):
    one_graph = functools.partial(torch.compile, backend="eager", fullgraph=True)  # needs no C++ compiler
    monkeypatch.setattr(torch, "compile", one_graph)
    assert trained(compile=True)[1].losses == pytest.approx(trained()[1].losses, abs=1e-6)


@pytest.mark.parametrize("padded", [False, True])
def test_training_in_bfloat16_on_a_cpu_gives_what_the_fused_kernel_gives(padded):
    model = randomised(new_model())
    real = torch.ones(2, 12, dtype=torch.bool)
    real[0, :5] = not padded
    ids, mask = IDS[:24].view(2, 12), real if padded else None
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            fused = model(ids, mask=mask).softmax(-1)
        written_out = model(ids, mask=mask).softmax(-1)
    wide = model(ids, mask=mask).softmax(-1)
    assert (written_out - fused)[real].abs().max() < 0.03  # bfloat16 keeps two to three digits
    assert (written_out - wide)[real].abs().max() < 0.03


class Clock:
    """A clock that moves only when a model is run: each forward pass takes the next duration."""

    def __init__(self, durations):
        self.now, self.durations = 100.0, iter(durations)

    def __call__(self):
        return self.now

    def tick(self, *_):
        self.now += next(self.durations)


@settings(max_examples=40)
@given(st.lists(st.floats(1, MARGIN), min_size=30, max_size=30), st.floats(0.5, 20))
def test_a_step_that_would_end_after_the_limit_is_not_started(durations, limit):
    shape = TransformerConfig(50, 8, 1, 2, 2, 8, 4)
    clock, model = Clock(durations), DecoderLM(shape)
    model.register_forward_hook(clock.tick)
    config = TrainingConfig(seconds=limit, batch_size=1, progress=False)
    history = Trainer(model, IDS, None, config, clock=clock).run()
    slowest = max(durations[: history.step])
    assert history.finished
    assert history.step == 1 or history.seconds <= limit
    assert history.seconds + MARGIN * slowest > limit  # nor is time given away
    assert history.seconds == pytest.approx(sum(durations[: history.step]))


def test_the_progress_bar_of_a_finished_run_is_full(capsys):
    clock, model = Clock([3.0] * 10), new_model()
    model.register_forward_hook(clock.tick)
    history = Trainer(model, IDS, None, TrainingConfig(seconds=10, batch_size=1), clock=clock).run()
    assert history.seconds == 9
    last = capsys.readouterr().err.rpartition("\r")[2]
    assert last.startswith("100%")
    assert "10/10 s, loss" in last


def test_under_a_time_limit_the_learning_rate_follows_the_clock():
    """It rises and falls with the time that is over in the middle of each step, however long the steps take."""
    durations = [1.0, 3.0, 2.0, 5.0, 1.0, 2.0, 3.0]
    clock, model = Clock(durations), new_model()
    model.register_forward_hook(clock.tick)
    config = TrainingConfig(seconds=20, batch_size=1, warmup=0.25, decay="linear", progress=False)
    history = Trainer(model, IDS, None, config, clock=clock).run()
    ends = torch.tensor(durations).cumsum(0).tolist()[: history.step]
    middles = [end - 0.5 * duration for end, duration in zip(ends, durations, strict=False)]
    assert ends[-1] == history.seconds == 17  # of 20: one more step may take 1.2 times the longest, 6 seconds
    factors = [step.learning_rate_factor for step in history.steps]
    assert factors == pytest.approx([middle / 5 if middle < 5 else (20 - middle) / 15 for middle in middles])
    assert factors[:3] == pytest.approx([0.1, 0.5, 1.0])


@given(st.integers(1, 12), st.floats(0.01, 100), st.sampled_from(["linear", "cosine", "constant"]), st.floats(0, 0.9))
def test_a_step_learns_as_fast_under_seconds_as_under_steps(n, duration, decay, warmup):
    """Steps of one duration, and as many of them as the time limit holds: from the first on, the rates are the same."""
    shape = TransformerConfig(50, 8, 1, 2, 2, 8, 4)
    factors = []
    for budget in ({"steps": n}, {"seconds": n * duration}):
        clock, model = Clock([duration] * n), DecoderLM(shape)
        model.register_forward_hook(clock.tick)
        config = TrainingConfig(**budget, batch_size=1, warmup=warmup, decay=decay, progress=False)
        history = Trainer(model, IDS, None, config, clock=clock).run()
        factors.append([step.learning_rate_factor for step in history.steps])
    assert factors[1] == pytest.approx(factors[0][: len(factors[1])])
    assert all(factor > 0 for run in factors for factor in run)


times = st.floats(0, 1e6)


@given(st.floats(1e-3, 1e5), st.one_of(st.just(0.0), times), st.lists(st.tuples(times, times, times), min_size=1))
def test_progress_never_leaves_its_range_and_never_turns_back(limit, start_up, durations):
    budget = Budget(TrainingConfig(seconds=limit), tokens_per_step=1)
    budget.start_up, now, before = start_up, start_up, 0.0
    for step, (gradient, rest, validation) in enumerate(durations):
        progress = budget.progress(step, began=now, now=now + gradient)
        assert before <= progress <= 1
        training.learning_rate_factor(progress)
        budget.took(gradient + rest)
        now, before = now + gradient + rest + validation, progress


@given(st.floats(1e-3, 1e5), *(st.floats(-1e9, 1e9) for _ in range(3)))
def test_progress_never_leaves_its_range_whatever_the_clock_says(limit, start_up, began, now):
    budget = Budget(TrainingConfig(seconds=limit), tokens_per_step=1)
    budget.start_up = start_up
    assert 0 <= budget.progress(0, began, now) <= 1


@pytest.mark.parametrize("decay", ["linear", "cosine"])
@pytest.mark.parametrize("compile", [False, True])
def test_a_first_step_that_outlasts_the_limit_is_still_a_step(monkeypatch, decay, compile):
    monkeypatch.setattr(torch, "compile", lambda model: model)
    clock, model = Clock([500.0] * 2), new_model()
    model.register_forward_hook(clock.tick)
    config = TrainingConfig(seconds=3, batch_size=1, decay=decay, compile=compile, progress=False)
    history = Trainer(model, IDS, None, config, clock=clock).run()
    assert [step.learning_rate_factor for step in history.steps] == [trained(steps=1, decay=decay)[1].steps[0][4]]


def test_compiling_leaves_nothing_behind(monkeypatch):
    """What compiling draws and computes before the first step changes no step."""
    monkeypatch.setattr(torch, "compile", lambda model: model)
    weights = []
    for compile in (False, True):
        model = new_model()
        model.embedding.register_forward_hook(lambda module, _, x: F.dropout(x, 0.5, module.training))
        torch.manual_seed(5)
        config = TrainingConfig(steps=3, batch_size=4, accumulation=2, compile=compile, progress=False)
        Trainer(model, IDS, None, config).run()
        weights.append(model.embedding.weight)
    assert torch.equal(*weights)


def test_all_processes_go_by_the_slowest_clock():
    """Else their learning rates differ, and one begins a step in which the others don't join."""

    class WithASlowerOne(Processes):
        def largest(self, tensor):
            return tensor * 2

    clock, model = Clock([1.0] * 20), new_model()
    model.register_forward_hook(clock.tick)
    config = TrainingConfig(seconds=20, batch_size=1, warmup=0.0, decay="linear", progress=False)
    trainer = Trainer(model, IDS, None, config, clock=clock)
    trainer.processes = WithASlowerOne()
    history = trainer.run()
    assert [step.seconds for step in history.steps] == [2.0 * step.step for step in history.steps]
    factors = [step.learning_rate_factor for step in history.steps]
    assert factors == pytest.approx([1 - (step + 0.5) / 10 for step in range(len(factors))])
    assert history.step == 9


def test_compiling_is_paid_from_the_limit_and_the_schedule_begins_after_it(monkeypatch):
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    clock, model = Clock([20.0] + [1.0] * 10), new_model()
    model.register_forward_hook(clock.tick)
    config = TrainingConfig(seconds=30, batch_size=1, warmup=0.5, decay="constant", compile=True, progress=False)
    history = Trainer(model, IDS, None, config, clock=clock).run()
    assert history.seconds == 29  # nine steps after the first; a tenth would end at 30 only if it were not slower
    factors = [step.learning_rate_factor for step in history.steps]
    assert factors == pytest.approx([min(1, (step + 0.5) / 10 / 0.5) for step in range(9)])


def test_validation_between_steps_is_paid_from_the_budget():
    clock, model = Clock([1.0] * 100), new_model()
    model.register_forward_hook(clock.tick)
    config = TrainingConfig(seconds=10, batch_size=1, validate_every=1, progress=False)
    history = Trainer(model, IDS, IDS[:10], config, clock=clock).run()
    assert history.step == 5  # 1 s of training, 1 s of validation, and so on; the last step ends at 9 s
    assert history.seconds == 9


@pytest.mark.parametrize("budget", [{"steps": 3}, {"seconds": 3}])
def test_the_progress_bar_leaves_standard_output_alone(capsys, budget):
    clock, model = Clock([1.0] * 3), new_model()
    model.register_forward_hook(clock.tick)
    history = Trainer(model, IDS, None, TrainingConfig(batch_size=4, **budget), clock=clock).run()
    output = capsys.readouterr()
    assert output.out == ""
    assert f"loss {history.losses[-1]:.3f}" in output.err


def test_someone_may_watch_at_each_validation():
    seen = []
    config = TrainingConfig(steps=4, batch_size=2, validate_every=2, progress=False)
    Trainer(new_model(), IDS, IDS[:20], config, on_validation=lambda trainer: seen.append(trainer.history.step)).run()
    assert seen == [0, 2, 4]


def test_a_loss_that_is_no_number_ends_the_run():
    model = new_model()
    torch.nn.init.constant_(model.layers[0].attention.o.weight, math.nan)
    with pytest.raises(FloatingPointError, match="step 1: try a lower learning rate"):
        Trainer(model, IDS, None, TrainingConfig(steps=3, batch_size=2, progress=False)).run()


def weights_of(model):
    return [parameter.detach().clone() for parameter in model.parameters()]


@pytest.mark.parametrize("harm", [math.inf, math.nan])
def test_a_gradient_that_is_no_number_ends_the_run_before_it_moves_a_weight(harm):
    model = new_model()
    model.layers[1].feed_forward.down.weight.register_hook(lambda gradient: gradient * harm)
    before = weights_of(model)
    with pytest.raises(FloatingPointError, match=r"length of the gradient is (inf|nan) at step 1: try a lower"):
        Trainer(model, IDS, None, TrainingConfig(steps=3, batch_size=2, progress=False)).run()
    assert all(map(torch.equal, weights_of(model), before))


def break_weights_at(trainer, step):
    """Let the last optimizer write what is no number into a weight in some step."""

    def after(*_):
        if trainer.history.step == step - 1:
            trainer.model.layers[0].attention.q.weight.data[0, 0] = math.nan

    trainer.optimizers[-1].register_step_post_hook(after)


@pytest.mark.parametrize("at", [1, 3, 4])
@pytest.mark.parametrize("every", [1, 2, None])
def test_weights_that_are_no_numbers_are_never_written(tmp_path, at, every):
    def new_trainer(**settings):
        return Trainer(
            new_model(), IDS, None, TrainingConfig(batch_size=2, decay="constant", progress=False, **settings)
        )

    trainer = new_trainer(steps=4, directory=tmp_path, checkpoint_every=every)
    break_weights_at(trainer, at)
    with pytest.raises(FloatingPointError, match="try a lower learning rate"):
        trainer.run()
    whole = 0 if every is None else (at - 1) // every * every  # the step of the last good checkpoint
    assert [path.name for path in tmp_path.iterdir()] == ([FILE_NAME] if whole else [])
    if whole:
        resumed = new_trainer(steps=whole)
        assert resumed.resume(tmp_path).step == whole
        assert all(weight.isfinite().all() for weight in resumed.model.parameters())


def test_a_rate_without_measure_is_named_though_the_loss_was_a_number_to_the_end(tmp_path):
    config = TrainingConfig(steps=2, batch_size=4, learning_rate=1e30, directory=tmp_path, progress=False)
    with pytest.raises(FloatingPointError, match="try a lower learning rate"):
        Trainer(new_model(), IDS, IDS, config).run()
    assert list(tmp_path.iterdir()) == []


def test_a_validation_loss_that_is_no_number_ends_the_run(tmp_path):
    model = new_model()
    model.final_norm.register_forward_hook(lambda module, _, x: x if module.training else x * math.nan)
    config = TrainingConfig(steps=2, batch_size=2, directory=tmp_path, progress=False)
    with pytest.raises(FloatingPointError, match="validation loss is nan at step 2: try a lower learning rate"):
        Trainer(model, IDS, IDS, config).run()
    assert list(tmp_path.iterdir()) == []


def test_sigterm_ends_the_run_after_its_step_and_the_earlier_handler_is_back():
    before = signal.getsignal(signal.SIGTERM)
    model = new_model()
    passes = []

    def at_the_third(*_):
        passes.append(1)
        if len(passes) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    model.register_forward_hook(at_the_third)
    history = Trainer(model, IDS, None, TrainingConfig(steps=6, batch_size=2, progress=False)).run()
    assert (history.step, history.finished) == (3, False)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({}, "exactly one"),
        ({"steps": 1, "seconds": 2.0}, r"\['steps', 'seconds'\]"),
        ({"steps": 0}, "steps"),
        ({"seconds": 0.0}, "seconds"),
        ({"seconds": math.nan}, "seconds"),
        ({"steps": 1, "batch_size": 0}, "batch_size"),
        ({"steps": 1, "learning_rate": -1.0}, "learning_rate"),
        ({"steps": 1, "weight_decay": -1.0}, "weight_decay"),
        ({"steps": 1, "muon_momentum": 1.0}, "muon_momentum"),
        ({"steps": 1, "optimizer": "sgd"}, "muon, adamw"),
        ({"steps": 1, "decay": "square"}, "decay"),
        ({"steps": 1, "autocast": torch.float16}, "autocast"),
        ({"steps": 1, "checkpoint_every": 5}, "directory"),
        ({"steps": 1.2}, r"steps must be a whole number, got 1\.2"),
        ({"tokens": 1e6}, "tokens must be a whole number"),
        ({"steps": 1, "batch_size": "4"}, "batch_size must be a whole number, got '4'"),
        ({"steps": 1, "validate_every": 2.0}, "validate_every must be a whole number"),
        ({"steps": 1, "seed": 0.5}, r"seed must be a whole number, got 0\.5"),
        ({"steps": 1, "seed": 2**64}, "seed must be at most"),
    ],
)
def test_settings_that_can_not_be_are_named(settings, word):
    with pytest.raises(ValueError, match=word):
        TrainingConfig(**settings)


def test_whole_numbers_of_other_libraries_become_pythons():
    """What a checkpoint keeps of the settings must fit into JSON."""
    config = TrainingConfig(steps=np.int64(3), batch_size=torch.tensor(4), seed=np.uint8(7))
    assert json.loads(json.dumps(config.what_shapes_the_weights()))["seed"] == 7
    assert (config.steps, config.batch_size) == (3, 4)


@pytest.mark.parametrize(
    ("train", "val", "settings", "word"),
    [
        (IDS, None, {"context_length": 17}, "more than the model's 16"),
        (IDS, None, {"batch_size": 3, "accumulation": 2}, "multiple of accumulation=2"),
        (IDS[:1], None, {}, "train_ids must hold at least two"),
        (IDS, IDS[:1], {}, "val_ids"),
        (IDS.float(), None, {}, "whole numbers"),
    ],
)
def test_texts_and_sizes_that_do_not_fit_are_named(train, val, settings, word):
    with pytest.raises(ValueError, match=word):
        Trainer(new_model(), train, val, TrainingConfig(steps=1, **({"batch_size": 2} | settings)))


# ---- how much work it is


@pytest.mark.parametrize("tied", [True, False])
def test_flops_are_six_per_weight_that_multiplies_and_attentions_products(tied):
    shape = TransformerConfig(50, 24, 2, 6, 2, 40, 16, tie_embeddings=tied)
    weights = sum(p.numel() for p in DecoderLM(shape).parameters()) - (0 if tied else 50 * 24)
    assert training.flops_per_token(shape, 10) == 6 * weights + 12 * 2 * 24 * 10
