"""The sweep of sizes and texts: what it trains, that it goes on where it was stopped, and its floor."""

import json

import pytest
import torch

from course_utils.memory import formula_size
from course_utils.scaling import sweep
from course_utils.scaling.sweep import SEEDS, SIZES, TARGET, TARGET_TOKENS, TOKENS, Size

TINY = Size(1, 8, 2)


@pytest.fixture
def few(monkeypatch):
    """Two sizes, one text, one seed, and a target: 8 windows each."""
    names = {"SIZES": (TINY, Size(1, 16, 2)), "TARGET": Size(1, 24, 2), "TOKENS": (1024,), "RATE_TOKENS": 1024}
    names |= {"RATES": (1e-3, 1e-2), "TARGET_TOKENS": 2048, "SEEDS": (0,), "VALIDATION": 3, "TEST": 3}
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


def test_the_target_is_larger_and_reads_more_than_any_other():
    sizes = [formula_size(size.config(768)).n_non_embedding_parameters for size in (*SIZES, TARGET)]
    assert sizes == sorted(sizes)
    assert len(SIZES) >= 5
    assert len(TOKENS) >= 4
    assert max(TOKENS) < TARGET_TOKENS
    assert len(sweep.planned(dict.fromkeys(SIZES, 0.01))) == (len(SIZES) * len(TOKENS) + 1) * len(SEEDS)


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
    assert len(results) == 2 * 2 + 1  # two rates of two sizes, of which the better are the sweep, and the target
    assert {result.d_model for result in results} == {8, 16, 24}
    assert all(0 < result.test < 7 for result in results)
    path.write_text("\n".join(lines[:3]) + "\n")
    sweep.sweep(path, processes=1)
    seconds = {"seconds": 0}
    assert [json.loads(line) | seconds for line in path.read_text().splitlines()[:3]] == [
        json.loads(line) | seconds for line in lines[:3]
    ]
    again = {(result.d_model, result.learning_rate, result.tokens): result.test for result in sweep.read(path)}
    assert again == {(result.d_model, result.learning_rate, result.tokens): result.test for result in results}


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
