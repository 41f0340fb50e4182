"""What 98 seconds buy on one text, and what buys it: the race's command with three seeds, then with one thing changed.

    RACE_TEXT=FILE pytest -m benchmark -s tests/benchmarks/test_races.py

Without RACE_TEXT the text is CPython's own documentation. RACE_SECONDS is 98 if not given. Each line is the race with
its own settings but for what the line names; with RACE_RESULTS=FILE a JSON object of each is added to that file, which
is how data/ladder was made. Two more tests print the control, the mean of two transformers in place of the mixture, and
what of a text's last tenth is copied, with what 8-grams pay there (-k copied; no race is run for that). Only printed;
quiet machines give the numbers worth quoting.
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
from course_utils.evaluation.loss import IGNORE_INDEX
from course_utils.evaluation.windows import scoring_windows
from course_utils.ladder import CountedLM, LocalDecoderLM, Mixture, race
from course_utils.ladder import settings as race_settings
from course_utils.ladder.__main__ import main
from course_utils.ladder.folder import begin_rungs
from course_utils.ladder.kinds import HEADING, KINDS, copied, kinds_of
from course_utils.ladder.sizing import fitted_size
from course_utils.tokenization import CharTokenizer
from course_utils.training import TrainingConfig
from course_utils.training.corpus import read_file
from course_utils.transformer import DecoderLM
from course_utils.transformer.norm import RMSNorm

pytestmark = pytest.mark.benchmark
SECONDS = float(os.environ.get("RACE_SECONDS", "98"))
SHORT = ("n-gram", "transformer", "mixture")
SECOND, MEAN = "second transformer", "mean of two transformers"


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
    counted, learned, mixed, *others = (rung["nats_per_character"] for rung in result["rungs"])
    print(f"\n{change:28} n-gram {counted:.4f}, transformer {learned:.4f}, mixture {mixed:.4f} nats", end="")
    if others:
        print(f", {SECOND} {others[0]:.4f}, {MEAN} {others[1]:.4f}", end="")
    save(text, {"change": change, "processor": f"{processor_name()}, {os.cpu_count()} threads"} | result)


def save(text, row):
    if "RACE_RESULTS" in os.environ:
        with open(os.environ["RACE_RESULTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps({"text": text.stem} | row) + "\n")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_command(text, tmp_path, capsys, seed):
    main(["--text", str(text), "--seconds", str(SECONDS), "--out", str(tmp_path), "--seed", str(seed), "--no-progress"])
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    with capsys.disabled():
        report(text, f"seed {seed}", result)


class InPlaceOfCounting:
    """A second transformer, where a mixture expects the n-grams: its weights depend on the same lengths as theirs."""

    def __init__(self, counted, learned):
        self.ngram, self.seen_context_lengths = counted.ngram, counted.seen_context_lengths
        self.learned = learned.eval()

    def __call__(self, ids):
        return self.learned(ids).double().log_softmax(dim=-1)


def test_the_mean_of_two_transformers(text, tmp_path):
    texts = read_file(text)
    tokenizer = CharTokenizer.train(set(texts.train + texts.validation))
    own = fitted_size(race_settings.RaceSettings(SECONDS), tokenizer.vocab_size)
    parts = race.hold_out(torch.tensor(tokenizer.encode(texts.train)), own.context_length)
    runs = []
    for seed in (0, 1):
        settings, folder = replace(own, seed=seed), tmp_path / str(seed)
        begin_rungs(folder, settings, tokenizer)
        runs.append(race.run_race(parts, tokenizer.vocab_size, settings, folder, progress=False))
    first, second = runs
    other = InPlaceOfCounting(first.counted, second.learned)
    mean = race.fit_weights(Mixture(other, first.learned), parts.held_out, own)
    seconds = {
        "n-gram": second.seconds["transformer"],  # in its place
        "transformer": first.seconds["transformer"],
        "mixture": sum(run.seconds["mixture"] for run in runs),
    }
    control = race.Rungs(other, first.learned, mean, seconds, second.tokens)
    test = torch.tensor(tokenizer.encode(texts.validation))
    kinds = kinds_of(texts.validation, texts.train) + len(KINDS) * copied(texts.validation, texts.train)
    names = [*KINDS, *(f"{kind}, copied" for kind in KINDS)]
    result, of_control = (race.score(rungs, test, kinds, own, False, names) for rungs in (first, control))
    for rung, name in (("n-gram", SECOND), ("mixture", MEAN)):
        place = 0 if rung == "n-gram" else 2
        result["rungs"].append(of_control["rungs"][place] | {"name": name})
        for kind, of_kind in zip(result["kinds"], of_control["kinds"], strict=True):
            kind[name] = of_kind[rung]
    result["largest_sum_error"] = max(scored["largest_sum_error"] for scored in (result, of_control))
    report(text, "two transformers", result)
    for part, is_copied in (("not copied", False), ("copied", True)):
        kinds = [kind for kind in result["kinds"] if kind["kind"].endswith(", copied") == is_copied]
        if characters := sum(kind["characters"] for kind in kinds):
            nats = {name: sum(kind[name] for kind in kinds) / characters for name in [*SHORT, SECOND, MEAN]}
            print(f"\n{part:>28} " + ", ".join(f"{name} {price:.4f}" for name, price in nats.items()), end="")


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


def test_what_is_copied(text):
    texts, settings = read_file(text), race_settings.RaceSettings(SECONDS)
    T = settings.context_length
    tokenizer = CharTokenizer.train(set(texts.train + texts.validation))
    parts = race.hold_out(torch.tensor(tokenizer.encode(texts.train)), T)
    nats = nats_by_counting(CountedLM.fit(parts.read, tokenizer.vocab_size, settings.order), texts, tokenizer, settings)
    copies, kinds = copied(texts.validation, texts.train), kinds_of(texts.validation, texts.train)  # (N,) each
    read = "\0".join(tokenizer.decode(piece.tolist()) for piece in parts.read)
    held_out = [copied(tokenizer.decode(piece.tolist()), read)[T + 1 :] for piece in parts.held_out]
    runs = "".join("c" if is_copied else " " for is_copied in copies.tolist()).split()
    headings = list(HEADING.finditer(texts.validation))
    speeches = [heading[0] for heading in headings if texts.validation[: heading.start()].endswith("\n\n")]
    known = {heading[0] for heading in HEADING.finditer(texts.train)}
    row = {
        "characters": len(copies),
        "copied": int(copies.sum()),
        "longest_copies": sorted(map(len, runs), reverse=True)[:2],
        "held_out": sum(map(len, held_out)),
        "held_out_copied": int(torch.cat(held_out).sum()),
        "speeches": len(speeches),
        "speeches_known": sum(name in known for name in speeches),
        "heading_characters": sum(len(heading[0]) for heading in headings),
        "speech_heading_characters": sum(map(len, speeches)),
        "kinds": [],
    }
    copies = copies[1:]
    for number, kind in enumerate(KINDS):
        here = kinds[1:] == number
        of_kind = {"kind": kind, "characters": int(here.sum()), "copied": int((here & copies).sum())}
        of_kind |= {"n-gram": round(float(nats[here].sum()), 2)}
        of_kind |= {"n-gram, copied": round(float(nats[here & copies].sum()), 2)}
        row["kinds"].append(of_kind)
    print(f"\n{text.stem}: {row}", end="")
    save(text, row)


def nats_by_counting(counted, texts, tokenizer, settings):
    found = []
    test = torch.tensor(tokenizer.encode(texts.validation))
    for inputs, targets in scoring_windows(test, settings.context_length, settings.stride, race.ROWS_AT_ONCE):
        counts = targets != IGNORE_INDEX  # (B, T)
        found.append(-counted(inputs)[counts].gather(-1, targets[counts][:, None])[:, 0])
    return torch.cat(found)  # (N - 1,)
