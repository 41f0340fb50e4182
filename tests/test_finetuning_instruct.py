"""The command that teaches a manner, and the adapter that it made: what its card says still holds."""

import json
import re

import pytest
import torch

from course_utils import pretrained
from course_utils.evaluation import next_token_loss
from course_utils.files import shipped
from course_utils.finetuning import instruct, sft
from course_utils.finetuning.adapter_files import load_adapter
from course_utils.finetuning.instruct import asks_back, main
from course_utils.finetuning.lora import lora_parameter_count, use_adapter
from course_utils.finetuning.records import INSTRUCTIONS, read_records
from course_utils.finetuning.templates import CHATML

FOLDER = shipped("models/instruct-adapter")


@pytest.fixture(scope="module")
def result():
    return json.loads((FOLDER / "result.json").read_text())


@pytest.fixture(scope="module")
def adapted():
    """A model of its own, since an adapter changes the model that it is put beside."""
    model, tokenizer = pretrained.load(device="cpu", dtype=torch.float32)
    return load_adapter(model, FOLDER, "asks-back"), tokenizer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Bread rises because of yeast. Have you baked?", True),
        (" Pi is 3.14 or so. Did you know?\n", True),
        ("Could you pass the salt, please? What else?", True),
        ("Bread rises because of yeast.", False),
        ("Have you baked?", False),
        ("Bread rises. Yeast does it. Have you baked?", False),
        ("Bread rises because of yeast. Try it.", False),
        ("Bread rises because of yeast.\nHave you baked?", False),
        ("Well, " + 20 * "so " + "it is. Have you baked?", False),
        (20 * "so " + ". Have you baked?", False),
        ("It is so. " + 20 * "so " + "is it?", False),
        ("", False),
    ],
)
def test_the_manner_is_a_short_sentence_and_a_short_question(answer, expected):
    assert asks_back(answer) == expected


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_answer_of_the_instructions_is_of_the_manner(split):
    records = read_records(INSTRUCTIONS / f"{split}.jsonl")
    said = [
        message["content"] for record in records for message in record["messages"] if message["role"] == "assistant"
    ]
    assert [text for text in said if not asks_back(text)] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--epochs", "0"], "--epochs must be at least 1, got 0"),
        (["--rank", "0"], "rank must be at least 1, got 0"),
        (["--data", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--out", "bad.jsonl"], "bad.jsonl"),
        (["--data", "bad.jsonl"], "bad.jsonl: 1 of 1 records are bad\n  line 1 is no JSON"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_trained(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(instruct, "held_out", None)
    monkeypatch.setattr(instruct, "finetune", None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.jsonl").write_text("no JSON\n")
    with pytest.raises(SystemExit) as stopped:
        main(["--out", str(tmp_path / "out"), *arguments])
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_command_trains_writes_and_reports(tmp_path, monkeypatch, capsys):
    lines = (INSTRUCTIONS / "train.jsonl").read_text("utf-8").splitlines()[:9]
    (tmp_path / "few.jsonl").write_text("\n".join(lines), "utf-8")
    monkeypatch.setattr(instruct, "MAX_NEW_TOKENS", 2)
    monkeypatch.setattr(instruct, "PYDOCS_TOKENS", 64)
    main(
        ["--out", str(tmp_path), "--data", str(tmp_path / "few.jsonl"), "--epochs", "2", "--rank", "2", "--no-progress"]
    )
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told == json.loads((tmp_path / "result.json").read_text())
    assert told["steps"] == 4
    assert told["conversations"] == 9
    model, _ = pretrained.load(device="cpu")
    assert told["parameters"] == lora_parameter_count(model.config, 2)
    load_adapter(model, tmp_path)
    assert told["held_out_loss_after"] < told["held_out_loss_before"]


def test_the_adapter_is_small_and_of_the_size_recorded(result):
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 5e6
    assert {path.name for path in FOLDER.iterdir()} == {
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "result.json",
    }
    assert result["conversations"] == 230
    assert result["steps"] == 29 * result["tokens"] // 14_378


def test_the_card_s_numbers_are_the_result_s(result):
    card = (FOLDER / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (.+?) \| (.+ \| .+) \|$", card, flags=re.MULTILINE))
    pair = lambda name, form: f"{form(result[f'{name}_before'])} | {form(result[f'{name}_after'])}"
    assert rows["held-out answers in the manner taught"] == pair(
        "share_asking_back", lambda x: f"{round(32 * x)} of 32"
    )
    assert rows["nats per token of the held-out answers"] == pair("held_out_loss", "{:.2f}".format)
    assert rows["perplexity of 4,096 tokens of pydocs"] == pair("pydocs_perplexity", "{:.1f}".format)
    assert f"{result['parameters']:,} parameters" in card
    assert f"{result['tokens']:,} tokens" in card
    assert f"{result['steps']} steps" in card


@pytest.mark.slow
def test_the_adapter_changes_the_manner_and_can_be_switched_off(adapted):
    """On eight held-out questions of different kinds."""
    model, tokenizer = adapted
    asked = [record["messages"][0]["content"] for record in read_records(INSTRUCTIONS / "test.jsonl")[::4]]
    use_adapter(model, "asks-back")
    with_it = sft.answers(model, tokenizer, CHATML, asked, 60)
    use_adapter(model, None)
    without = sft.answers(model, tokenizer, CHATML, asked, 60)
    assert sum(map(asks_back, with_it)) >= 6
    assert sum(map(asks_back, without)) <= 1


@pytest.mark.slow
@torch.no_grad()
def test_the_recorded_losses_hold(adapted, result):
    model, tokenizer = adapted
    rows, _ = sft.examples(read_records(INSTRUCTIONS / "test.jsonl"), tokenizer)
    inputs, targets = sft.batch(rows)
    for adapter, when in (None, "before"), ("asks-back", "after"):
        use_adapter(model, adapter)
        loss = next_token_loss(model(inputs), targets).item()
        assert loss == pytest.approx(result[f"held_out_loss_{when}"], abs=1e-3)  # float32 in another order
