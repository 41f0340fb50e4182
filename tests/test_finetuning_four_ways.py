"""The four ways: each moves what it says, and the shipped table holds what the course says of it."""

import json
import math

import pytest

from course_utils.finetuning import four_ways
from course_utils.finetuning.four_ways import RANK, TARGETS, WAYS, run
from course_utils.finetuning.four_ways_scores import Scale, before
from course_utils.finetuning.four_ways_table import Spread, read, table
from course_utils.finetuning.lora import lora_parameter_count
from course_utils.pretrained import load

SMALL = Scale("validation", documents=8, clinic=4, labelled=40, instructions=4)
WEIGHTS = 902_272
MOVED = {"head": 2 * 128 + 2, "all": WEIGHTS, "lora": 78_848}


@pytest.fixture(scope="module")
def untouched():
    return before(SMALL)


def few_steps(way, monkeypatch, steps=2):
    monkeypatch.setattr(four_ways, "RECORDS", 200)
    return run(way.__class__(**vars(way) | {"steps": steps}), seed=0, scale=SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_each_way_moves_what_it_says(way, monkeypatch, untouched):
    result = few_steps(way, monkeypatch)
    head = 2 * 128 + 2 if way.task == "sentiment" and way.moves == "all" else 0
    assert result["trainable"] == MOVED[way.moves] + head
    assert (result["town_bits"] == untouched["town_bits"]) == (way.moves == "head")  # a frozen body forgets nothing
    assert math.isfinite(result["score"])
    assert json.loads(json.dumps(result)) == result


def test_the_ways_are_named_apart_and_the_adapter_is_counted():
    assert len({way.name for way in WAYS}) == len(WAYS)
    assert lora_parameter_count(load("tinyworld", "cpu")[0].config, RANK, TARGETS) == MOVED["lora"]


def test_a_way_scores_the_tokens_that_it_says():
    by_loss = {way.loss_on: way for way in WAYS if way.task == "instructions" and way.moves == "all"}
    assert set(by_loss) == {"response", "all"}
    tokenizer = load("tinyworld", "cpu")[1]
    counted = {loss_on: (four_ways._lesson(way, 0, tokenizer)[0]()[1] >= 0).sum() for loss_on, way in by_loss.items()}
    assert 5 * counted["response"] < counted["all"]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_run(monkeypatch):
    way = next(way for way in WAYS if way.replay)
    one, again = (few_steps(way, monkeypatch) for _ in range(2))
    assert (one["score"], one["town_bits"]) == (again["score"], again["town_bits"])


@pytest.mark.slow
def test_no_model_is_below_the_floor_and_the_best_reader_is_the_grammar():
    found = before(Scale("validation", documents=50, clinic=20, labelled=300, instructions=4))
    assert found["town_floor"] < found["town_bits"] < 1.06 * found["town_floor"]
    assert found["clinic_floor"] < found["clinic"]
    assert 0.9 < found["sentiment_best"] < 1
    assert found["sentiment"] > 0.9  # the label's word: what the pretrained model knows without a head


def test_the_table_is_the_mean_over_seeds(tmp_path):
    path = tmp_path / "runs.jsonl"
    first = {"town_bits": 60.0, "clinic": 4700.0, "parameters": 1000}
    common = {"way": "LoRA", "task": "clinic", "trainable": 80, "peak_mb": None}
    runs = [
        common | {"seed": seed, "score": 150.0 + seed, "town_bits": 70.0 - seed, "cpu_seconds": 9.0} for seed in (0, 2)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in [first, *runs]))
    (row,) = table(path)
    assert (row.before, row.after, row.unit) == (4700.0, Spread(151.0, 150.0, 152.0), "bits per document")
    assert (row.town_before, row.town_after) == (60.0, Spread(69.0, 68.0, 70.0))
    assert (row.trainable, row.share, row.peak_mb) == (80, 0.08, None)
    assert row.cpu_seconds == Spread(9.0, 9.0, 9.0)


@pytest.mark.parametrize(
    ("spread", "said"),
    [
        (Spread(155.12, 150.0, 160.9), "155 (150 to 161)"),
        (Spread(60.251, 60.0, 61.0), "60.3 (60.0 to 61.0)"),
        (Spread(0.9412, 0.93, 0.95), "0.94 (0.93 to 0.95)"),
    ],
)
def test_a_spread_is_said_in_three_digits(spread, said):
    assert str(spread) == said


def test_a_missing_file_names_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"python -m course_utils\.finetuning\.four_ways --out"):
        read(tmp_path / "none.jsonl")


@pytest.mark.parametrize("wrong", [["--processes", "0"], ["--seeds", "one"], []])
def test_wrong_arguments_end_the_command_before_anything_runs(wrong, tmp_path, capsys):
    path = tmp_path / "out.jsonl"
    with pytest.raises(SystemExit) as stopped:
        four_ways.main([*wrong, *(["--out", str(path)] if wrong else [])])
    assert stopped.value.code == 2
    assert not path.exists()
    assert capsys.readouterr().err


def test_what_the_card_says_of_the_shipped_runs_holds_in_every_seed():
    before, runs = read()
    rows = {row.way: row for row in table()}
    assert list(rows) == [way.name for way in WAYS]
    assert {(run["way"], run["seed"]) for run in runs} == {(way.name, seed) for way in WAYS for seed in (0, 1, 2)}
    assert before["town_floor"] < before["town_bits"]
    head, whole = rows["classifier, head only"], rows["classifier, all weights"]
    assert head.town_after == Spread(*[before["town_bits"]] * 3)
    assert head.after.highest < whole.after.lowest
    full, slow = rows["continued pretraining"], rows["continued pretraining, a third of the rate"]
    replay, lora = rows["continued pretraining, a quarter replay"], rows["LoRA on the same text"]
    assert full.town_after.lowest > 10 * before["town_bits"]
    assert replay.town_after.highest < 84 < full.town_after.lowest / 7
    assert full.after.lowest < replay.after.mean < full.after.highest
    assert (full.before - lora.after.mean) / (full.before - full.after.mean) == pytest.approx(0.81, abs=0.005)
    assert lora.share == pytest.approx(0.087, abs=0.0005)
    assert slow.after.highest < lora.after.lowest
    assert slow.town_after.highest < lora.town_after.lowest
    tuned, by_lora = rows["supervised finetuning"], rows["supervised finetuning by LoRA"]
    assert tuned.after.lowest > by_lora.after.highest > 0
    assert tuned.town_after.lowest > by_lora.town_after.highest > before["town_bits"]
