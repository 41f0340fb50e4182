"""What 98 seconds buy on one text, and what buys it: the race's command with three seeds, then with one thing changed.

    RACE_TEXT=FILE pytest -m benchmark -s tests/benchmarks/test_races.py

Without RACE_TEXT the text is CPython's own documentation. RACE_SECONDS is 98 if not given. Each line is the race with
its own settings but for what the line names; with RACE_RESULTS=FILE a JSON object of each is added to that file, which
is how data/ladder was made. Only printed; quiet machines give the numbers worth quoting.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from course_utils import corpora
from course_utils.device import processor_name
from course_utils.ladder import LocalDecoderLM, race
from course_utils.ladder import settings as race_settings
from course_utils.ladder.__main__ import main
from course_utils.ladder.folder import begin_rungs
from course_utils.ladder.kinds import kinds_of
from course_utils.ladder.sizing import fitted_size
from course_utils.tokenization import CharTokenizer
from course_utils.training import TrainingConfig
from course_utils.training.corpus import read_file
from course_utils.transformer import DecoderLM
from course_utils.transformer.norm import RMSNorm

pytestmark = pytest.mark.benchmark
SECONDS = float(os.environ.get("RACE_SECONDS", "98"))


class WithoutPairs(LocalDecoderLM):
    """The race's transformer without its embeddings of pairs."""

    def __init__(self, config):
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.initialise()


class WithoutNeighbours(LocalDecoderLM):
    """The race's transformer without its convolutions."""

    def __init__(self, config):
        super().__init__(config)
        for block in self.layers:
            block.attention_norm = RMSNorm(config.d_model, config.norm_eps)
            block.feed_forward_norm = RMSNorm(config.d_model, config.norm_eps)
        self.initialise()


MODELS = {"no embeddings of pairs": WithoutPairs, "no convolutions": WithoutNeighbours, "neither": DecoderLM}
TRAININGS = {
    "AdamW": {"optimizer": "adamw"},
    "AdamW, half the rate": {"optimizer": "adamw", "learning_rate": race_settings.RaceSettings.learning_rate / 2},
}
SETTINGS = {
    "twice the rate": lambda own: {"learning_rate": own.learning_rate * 2},
    "twice the batch": lambda own: {"batch_size": own.batch_size * 2},
    "three layers": lambda own: {"n_layers": 3},
    "judged in disjoint windows": lambda own: {"stride": own.context_length},
}


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    if "RACE_TEXT" in os.environ:
        return Path(os.environ["RACE_TEXT"])
    path = tmp_path_factory.mktemp("race") / "pydocs.txt"
    path.write_bytes("\n".join(corpora.load("pydocs", "train")["text"]).encode())
    return path


def report(text, change, result):
    counted, learned, mixed = (rung["nats_per_character"] for rung in result["rungs"])
    print(f"\n{change:28} n-gram {counted:.4f}, transformer {learned:.4f}, mixture {mixed:.4f} nats", end="")
    if "RACE_RESULTS" in os.environ:
        with open(os.environ["RACE_RESULTS"], "a", encoding="utf-8") as file:
            file.write(
                json.dumps(
                    {"text": text.stem, "change": change, "processor": f"{processor_name()}, {os.cpu_count()} threads"}
                    | result
                )
                + "\n"
            )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_command(text, tmp_path, capsys, seed):
    main(["--text", str(text), "--seconds", str(SECONDS), "--out", str(tmp_path), "--seed", str(seed), "--no-progress"])
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    with capsys.disabled():
        report(text, f"seed {seed}", result)


@pytest.mark.parametrize("change", [*MODELS, *TRAININGS, *SETTINGS])
def test_one_thing_changed(text, tmp_path, monkeypatch, change):
    texts = read_file(text)
    tokenizer = CharTokenizer.train(set(texts.train + texts.validation))
    own = fitted_size(race_settings.RaceSettings(SECONDS), tokenizer.vocab_size)  # before anything is changed
    monkeypatch.setattr(race, "LocalDecoderLM", MODELS.get(change, LocalDecoderLM))
    monkeypatch.setattr(race_settings, "TrainingConfig", changed_training(**TRAININGS.get(change, {})))
    settings = replace(own, **SETTINGS.get(change, lambda own: {})(own))
    begin_rungs(tmp_path, settings, tokenizer)
    parts = race.hold_out(torch.tensor(tokenizer.encode(texts.train)), settings.context_length)
    rungs = race.run_race(parts, tokenizer.vocab_size, settings, tmp_path, progress=False)
    test, kinds = torch.tensor(tokenizer.encode(texts.validation)), kinds_of(texts.validation, texts.train)
    report(text, change, race.score(rungs, test, kinds, settings, progress=False))


def changed_training(**changes):
    return lambda **settings: TrainingConfig(**settings | changes)
