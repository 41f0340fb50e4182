"""The sweep of LoRA's rank: what it trains, that a row can be had again, and the rows that are shipped."""

import dataclasses
import json
from itertools import starmap

import pytest

from course_utils.files import shipped
from course_utils.finetuning import rank_sweep
from course_utils.finetuning.lora import lora_parameter_count
from course_utils.finetuning.rank_sweep import ALL, PLACES, SEEDS, SETTINGS, Setting, sweep, train
from course_utils.pretrained.trained import read_shape

SHAPE = read_shape(shipped("models/tinyworld"))
MATRICES = 4 * (4 * 128 * 128 + 3 * 128 * 352)  # numbers in those of all layers


@pytest.fixture
def few_documents(monkeypatch):
    whole = rank_sweep._rows
    monkeypatch.setattr(rank_sweep, "_rows", lambda name, split, n: whole(name, split, 4))
    rank_sweep._clinic.cache_clear()
    yield
    rank_sweep._clinic.cache_clear()


def numbers(setting):
    if setting.rank:
        return lora_parameter_count(SHAPE, setting.rank, setting.targets)
    return MATRICES if setting.targets else 902_272


def test_the_groups_of_matrices_have_nearly_as_many_parameters():
    counts = [numbers(setting) for setting in starmap(Setting, PLACES.items())]
    assert (min(counts), max(counts)) == (28_672, 29_568)


@pytest.mark.parametrize("setting", [Setting((), 0), Setting(ALL, 0), Setting(("q", "down"), 3)], ids=str)
def test_a_training_moves_what_its_setting_says_and_can_be_had_again(setting, few_documents):
    first, again = (dataclasses.asdict(train(setting, 1e-3, seed=1, steps=2)) for _ in range(2))
    assert min(first.pop("seconds"), again.pop("seconds")) >= 0
    assert first == again
    assert first["trainable"] == numbers(setting)
    other = train(setting, 1e-3, seed=2, steps=2)
    assert other.clinic != first["clinic"]


def test_a_sweep_needs_a_process():
    with pytest.raises(ValueError, match="processes must be at least 1, got 0"):
        sweep(0)


def test_the_shipped_rows_are_those_of_the_command():
    rows = [json.loads(line) for line in shipped("data/finetuning/rank_sweep.jsonl").read_text().splitlines()]
    assert [(tuple(row["targets"]), row["rank"], row["seed"]) for row in rows] == [
        (*setting, seed) for setting in SETTINGS for seed in SEEDS
    ]
    rates = {}
    for row in rows:
        assert row["trainable"] == numbers(Setting(tuple(row["targets"]), row["rank"]))
        assert row["learning_rate"] == rates.setdefault((*row["targets"], row["rank"]), row["learning_rate"])
        assert list(row) == [field.name for field in dataclasses.fields(rank_sweep.Result)]
