"""The sweep of sizes and texts: what it trains, that it goes on where it was stopped, and its floor."""

import json
import math

import pytest
import torch

from course_utils.corpora.tinyworld import TinyWorld
from course_utils.files import shipped
from course_utils.memory import formula_size
from course_utils.scaling import sweep
from course_utils.scaling.runs import Job, Size
from course_utils.scaling.sweep import RATES, SEEDS, SIZES, TARGETS, TOKENS

TINY = Size(1, 8, 2)


@pytest.fixture
def few(monkeypatch):
    """Two sizes, one text, two rates, two seeds, and a target."""
    names = {"SIZES": (TINY, Size(1, 16, 2)), "TARGETS": ((Size(1, 24, 2), 2048),), "TOKENS": (1024,)}
    names |= {"RATES": (1e-3, 1e-2), "SEEDS": (0, 1), "VALIDATION": 3, "TEST": 3}
    for name, value in names.items():
        monkeypatch.setattr(sweep, name, value)

    class Pool:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        map = staticmethod(map)

        @staticmethod
        def submit(function, *arguments):
            future = sweep.Future()
            future.set_result(function(*arguments))
            return future

    monkeypatch.setattr(sweep, "_pool", lambda processes: Pool())
    sweep._documents.cache_clear()
    yield
    sweep._documents.cache_clear()


def test_the_targets_are_larger_and_read_more_than_any_other():
    sizes = [
        formula_size(size.config(768, 128)).n_non_embedding_parameters for size in (*SIZES, *(t for t, _ in TARGETS))
    ]
    assert sizes == sorted(sizes)
    assert len(SIZES) >= 5
    assert len(TOKENS) >= 4
    assert max(TOKENS) < min(tokens for _, tokens in TARGETS)
    rates = {(size, tokens): RATES[1] for size in SIZES for tokens in TOKENS}
    assert len(sweep.planned(rates)) == (len(SIZES) * len(TOKENS) + len(TARGETS)) * len(SEEDS)
    assert {job.learning_rate for job in sweep.planned(rates | {(SIZES[-1], TOKENS[-1]): 9.0})[-2:]} == {9.0}


def test_the_floor_is_below_what_the_reviews_cost_on_average_by_chance_only():
    reviews = TinyWorld(sweep.TEST_WORLD, kind="review")
    tokens = sum(len(row) - 1 for row in sweep._documents(sweep.TEST_WORLD, sweep.TEST)) / sweep.TEST
    assert sweep.floor() == pytest.approx(reviews.entropy_bits() * math.log(2) / tokens, rel=0.01)


def test_windows_are_the_same_for_a_seed_and_begin_with_a_document():
    rows, again, other = sweep.fresh_windows(0, 20), sweep.fresh_windows(0, 20), sweep.fresh_windows(1, 20)
    assert rows.shape == (20, sweep.CONTEXT + 1)
    assert torch.equal(rows, again)
    assert not torch.equal(rows, other)
    assert len(rows[:, 0].unique()) == 1  # the end of a separator
    windows = sweep.Windows(rows)
    inputs, targets = windows.draw()
    assert torch.equal(inputs[:, 1:], targets[:, :-1])
    assert torch.equal(inputs, rows[: sweep.BATCH_SIZE, :-1].long())
    assert int(windows.state()) == sweep.BATCH_SIZE


@pytest.mark.slow
def test_a_sweep_goes_on_where_it_was_stopped(tmp_path, few):
    path = tmp_path / "sweep.jsonl"
    sweep.sweep(path, processes=1)
    lines = path.read_text().splitlines()
    results = sweep.read(path)
    trials = sweep.trials(results)
    assert len(trials) > 2 * 2  # the higher of two rates is better here, so that further ones are tried
    assert len(results) == len(trials) + 2 + 2  # the best of each of two sizes again, and the target, twice
    assert {result.d_model for result in results} == {8, 16, 24}
    assert all(0 < result.test < 7 for result in results)
    assert len(sweep.chosen(results)) == 2 * 2 + 2
    for size, rate in sweep.chosen_rates(results).items():
        tried = [r for r in results if r.job.size == size[0] and r.seed == 0]
        assert rate == min(tried, key=lambda result: result.validation).learning_rate
    path.write_text("\n".join(lines[:3]) + "\n")
    sweep.sweep(path, processes=1)
    seconds = {"seconds": 0}
    assert [json.loads(line) | seconds for line in path.read_text().splitlines()[:3]] == [
        json.loads(line) | seconds for line in lines[:3]
    ]
    assert {result.job: result.test for result in sweep.read(path)} == {r.job: r.test for r in results}


def trial(rate, validation):
    return sweep.Result(1, 8, 2, 1024, 0, rate, 1, 1, 1, validation, validation, 1.0, "")


@pytest.mark.parametrize(
    ("losses", "more"),
    [
        ({}, {1e-3, 1e-2}),
        ({1e-3: 2.0}, {1e-2}),
        ({1e-3: 2.0, 1e-2: 1.97}, {2e-2}),
        ({1e-3: 2.0, 1e-2: 1.99}, set()),  # half a per cent: enough
        ({1e-3: 1.97, 1e-2: 2.0}, {5e-4}),
        ({1e-3: 2.0, 1e-2: 1.9, 2e-2: 1.8}, {4e-2}),
        ({1e-3: 2.0, 1e-2: 1.8, 2e-2: 1.9}, set()),  # a worse one on each side
    ],
)
def test_rates_are_tried_until_another_one_no_longer_pays(few, monkeypatch, losses, more):
    monkeypatch.setattr(sweep, "SIZES", (TINY,))
    results = [trial(rate, loss) for rate, loss in losses.items()]
    assert {job.learning_rate for job in sweep.trials(results)} == {*losses, *more}


@pytest.mark.slow
def test_the_shipped_table_is_whole_and_a_run_of_it_comes_out_again():
    results = sweep.read(shipped("data/scaling/sweep.jsonl"))
    done = {result.job: result for result in results}
    assert set(sweep.trials(results)) | set(sweep.planned(sweep.chosen_rates(results))) == set(done)
    assert len(done) == len(results)
    job = Job(SIZES[1], TOKENS[0], SEEDS[0], RATES[1])
    again = sweep.train(job, sweep.fresh_windows(job.seed, job.tokens // sweep.CONTEXT))
    assert again.test == pytest.approx(done[job].test, rel=0.02)  # another processor rounds otherwise
    same = {"validation": 0, "test": 0, "seconds": 0, "processor": ""}
    assert vars(again) | same == vars(done[job]) | same


def test_wrong_calls_are_met_with_a_remedy(tmp_path, capsys):
    with pytest.raises(FileNotFoundError, match=r"python -m course_utils\.scaling\.sweep --out"):
        sweep.read(tmp_path / "none.jsonl")
    with pytest.raises(SystemExit):
        sweep.main(["--out", str(tmp_path / "x.jsonl"), "--processes", "0"])
    assert "processes must be at least 1, got 0" in capsys.readouterr().err
    for other in ("no JSON", '{"seed": 0}', "[1]"):
        (tmp_path / "other.jsonl").write_text(other)
        with pytest.raises(ValueError, match=r"other\.jsonl isn't of this command"):
            sweep.read(tmp_path / "other.jsonl")
