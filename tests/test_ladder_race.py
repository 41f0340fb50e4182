"""The race: a transformer that sees its neighbours, what is held out, the seconds, the folder and the command."""

import itertools
import json
import math
import os
import signal
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils import decoding, evaluation, ladder
from course_utils.files import shipped
from course_utils.ladder import LocalDecoderLM, sizing
from course_utils.ladder.__main__ import main
from course_utils.ladder.folder import begin_rungs, save_rungs
from course_utils.ladder.kinds import KINDS
from course_utils.ladder.race import HELD_OUT_PLACES, hold_out, run_race, score
from course_utils.ladder.settings import RaceSettings
from course_utils.tokenization import CharTokenizer
from course_utils.transformer import DecoderLM, TransformerConfig

CONFIG = TransformerConfig(vocab_size=11, d_model=16, n_layers=2, n_heads=2, n_kv_heads=2, d_ff=32, context_length=16)
SMALL = {"order": 2, "d_model": 16, "n_layers": 1, "n_heads": 2, "d_ff": 32, "context_length": 16, "stride": 4}
SENTENCES = ["the cat sat on the mat. ", "a dog ran to the cat! ", "who sat on a mat? the dog. "]
TEXT = "".join(SENTENCES[int(i * (5**0.5 + 1) / 2 * 1000) % 3] for i in range(600))  # 14,000 characters


def trained(seed=0):
    """A model whose helps are no longer at their start."""
    torch.manual_seed(seed)
    model = LocalDecoderLM(CONFIG).eval()
    for block in model.layers:
        torch.nn.init.normal_(block.attention_norm.neighbours, std=0.5)
        torch.nn.init.normal_(block.feed_forward_norm.neighbours, std=0.5)
    return model


def ticking(step=0.01):
    """A clock that goes on by itself: the same number of training steps on every machine."""
    ticks = itertools.count()
    return lambda: step * next(ticks)


@pytest.fixture(scope="module")
def race(tmp_path_factory):
    settings = RaceSettings(seconds=2.0, **SMALL)
    ids = torch.tensor([ord(character) % 64 for character in TEXT])
    parts, test = hold_out(ids[:12_000], 16), ids[12_000:]
    rungs = run_race(parts, 64, settings, tmp_path_factory.mktemp("race"), progress=False, clock=ticking())
    return rungs, test, settings


@given(st.lists(st.integers(0, 10), min_size=2, max_size=16), st.data())
def test_no_position_sees_what_comes_after_it(ids, data):
    place = data.draw(st.integers(1, len(ids) - 1))
    other = ids[:place] + [(token + 1) % 11 for token in ids[place:]]
    model = trained()
    with torch.no_grad():
        one, two = model(torch.tensor([ids, other]))
    torch.testing.assert_close(one[:place], two[:place])
    assert not torch.allclose(one[place:], two[place:])


def test_a_token_sees_the_three_before_it_without_any_attention():
    model = trained()
    for block in model.layers:
        torch.nn.init.zeros_(block.attention.o.weight)
    model.layers = model.layers[:1]
    with torch.no_grad():
        logits = [model(torch.tensor([[first, 1, 2, 3, 4]]))[0] for first in (5, 6)]
    differs = [not torch.allclose(one, two, atol=1e-7) for one, two in zip(*logits, strict=True)]
    assert differs == [True, True, True, True, True]  # three back by the convolution, one more by the pair
    with torch.no_grad():
        logits = [model(torch.tensor([[first, 1, 2, 3, 4, 7]]))[0] for first in (5, 6)]
    torch.testing.assert_close(logits[0][5], logits[1][5])


def test_without_its_helps_it_is_a_decoder():
    torch.manual_seed(1)
    local = LocalDecoderLM(CONFIG).eval()
    torch.nn.init.zeros_(local.embedding.pairs.weight)
    names = DecoderLM(CONFIG).state_dict().keys()
    plain = DecoderLM.from_weights(CONFIG, {name: local.state_dict()[name] for name in names})
    ids = torch.arange(11)[None]
    assert torch.equal(local(ids), plain(ids))


def test_a_new_one_knows_nothing_and_its_weights_make_it_again():
    torch.manual_seed(2)
    model = LocalDecoderLM(CONFIG).eval()
    ids = torch.randint(11, (8, 16))
    assert evaluation.perplexity(model, list(ids), 16) == pytest.approx(11, rel=0.05)
    again = LocalDecoderLM.from_weights(CONFIG, model.state_dict())
    assert torch.equal(model(ids), again(ids))
    assert torch.equal(model.next_token_logits(ids), model(ids)[:, -1])


def test_pairs_that_are_too_many_share_rows():
    config = TransformerConfig(300, 8, 1, 2, 2, 16, 8)
    model = LocalDecoderLM(config)
    assert model.embedding.pairs.num_embeddings == 65_521 < 300**2
    assert model(torch.tensor([[299, 299, 0, 299]])).isfinite().all()


def test_a_cache_or_a_mask_is_refused_with_the_remedy():
    model, ids = trained(), torch.tensor([[1, 2]])
    with pytest.raises(ValueError, match="use_cache=False"):
        decoding.generate(model, ids, 3, seed=0)
    assert decoding.generate(model, ids, 3, seed=0, use_cache=False).shape == (1, 5)
    with pytest.raises(ValueError, match="nor a mask"):
        model(ids, mask=torch.ones_like(ids, dtype=torch.bool))


@given(st.integers(1000, 9000), st.integers(1, 23))
def test_what_is_held_out_and_what_is_read_are_the_whole_text(n, context_length):
    ids = torch.arange(n)
    read, held_out = hold_out(ids, context_length)
    assert len(held_out) == HELD_OUT_PLACES
    new = [piece[context_length + 1 :] for piece in held_out]
    assert {len(piece) for piece in new} == {n // 1000}
    assert torch.equal(torch.cat([*read, *new]).sort().values, ids)
    assert all(set(piece[: context_length + 1].tolist()) <= set(torch.cat(read).tolist()) for piece in held_out)


@pytest.mark.parametrize(("step", "width"), [(10.0, 64), (0.002, 192), (0.011, 128), (0.025, 96)])
def test_a_faster_machine_gets_a_larger_transformer(step, width):
    seconds_of = {64: step, 96: step, 128: step, 192: 3 * step}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sizing, "seconds_per_step", lambda settings, *_: seconds_of[settings.d_model])
        chosen = sizing.fitted_size(RaceSettings(seconds=40), 64)
    assert chosen.d_model == width
    assert chosen == replace(RaceSettings(seconds=chosen.seconds), **sizing.SHAPES[[64, 96, 128, 192].index(width)])


def test_a_step_is_timed_by_the_fastest_of_a_few():
    assert sizing.seconds_per_step(RaceSettings(seconds=1, **SMALL), 11, ticking()) == pytest.approx(0.04, abs=0.03)


def test_a_text_too_short_for_a_race_is_refused():
    with pytest.raises(ValueError, match="training part has 2599 tokens, a race needs 2600"):
        hold_out(torch.arange(2599), 64)


def test_the_seconds_hold_and_the_mixture_is_best(race):
    rungs, test, settings = race
    assert 0 < rungs.seconds["n-gram"] < rungs.seconds["transformer"] < rungs.seconds["mixture"] <= settings.seconds
    result = score(rungs, test, test % len(KINDS), settings, progress=False)
    counted, learned, mixture = (rung["nats_per_character"] for rung in result["rungs"])
    assert mixture < min(counted, learned) < max(counted, learned) < math.log(64)
    assert result["largest_sum_error"] < 1e-12


def test_scores_are_those_of_the_models_themselves(race):
    rungs, test, settings = race
    result = score(rungs, test, test % len(KINDS), settings, progress=False)
    for model, rung in zip((rungs.counted, rungs.learned, rungs.mixture), result["rungs"], strict=True):
        nats, tokens = evaluation.total_nats(model, test, settings.context_length, settings.stride)
        assert rung["nats_per_character"] == pytest.approx(nats / tokens, abs=6e-6)
    assert [kind["characters"] for kind in result["kinds"]] == (test[1:] % len(KINDS)).bincount().tolist()
    for name, rung in zip(("n-gram", "transformer", "mixture"), result["rungs"], strict=True):
        mean = sum(kind[name] for kind in result["kinds"]) / (len(test) - 1)
        assert mean == pytest.approx(rung["nats_per_character"], abs=1e-4)


def test_the_same_seed_runs_the_same_race(race, tmp_path):
    rungs, _, settings = race
    parts = hold_out(torch.tensor([ord(character) % 64 for character in TEXT])[:12_000], 16)
    again = run_race(parts, 64, settings, tmp_path, progress=False, clock=ticking())
    assert again.mixture.weights == rungs.mixture.weights
    assert all(torch.equal(a, b) for a, b in zip(again.learned.parameters(), rungs.learned.parameters(), strict=True))


def test_a_race_that_was_stopped_goes_on(tmp_path):
    parts = hold_out(torch.tensor([ord(character) % 64 for character in TEXT]), 16)
    settings, clock = RaceSettings(seconds=2.0, **SMALL), ticking()

    def stopping():
        if (now := clock()) == 0.5:
            os.kill(os.getpid(), signal.SIGTERM)
        return now

    assert run_race(parts, 64, settings, tmp_path, progress=False, clock=stopping) is None
    rungs = run_race(parts, 64, settings, tmp_path, resume=True, progress=False, clock=ticking())
    assert 1.5 < rungs.seconds["mixture"] <= settings.seconds


def run(capsys, *arguments):
    main([str(argument) for argument in arguments] + ["--no-progress"])
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_command_prints_every_rung_and_leaves_each_loadable(tmp_path, capsys):
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    out = tmp_path / "out"
    result = run(capsys, "--text", tmp_path / "text.txt", "--seconds", "1.5", "--out", out)
    names = [rung["name"] for rung in result["rungs"]]
    assert [kind in name for kind, name in zip(("n-gram", "transformer", "mixture"), names, strict=True)] == [True] * 3
    assert result == json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert result["largest_sum_error"] < 1e-6
    mixture, tokenizer = ladder.load_mixture(out)
    test = torch.tensor(tokenizer.encode(TEXT[int(0.9 * len(TEXT)) :]))
    for model, rung in zip(
        (ladder.load_counted(out), ladder.load_learned(out)[0], mixture), result["rungs"], strict=True
    ):
        nats, tokens = evaluation.total_nats(model, test, 64, 16)
        assert rung["nats_per_character"] == pytest.approx(nats / tokens, abs=1e-5)
    with pytest.raises(SystemExit):
        run(capsys, "--text", tmp_path / "text.txt", "--out", out, "--resume")
    assert "came to its end" in capsys.readouterr().err
    (out / "result.json").unlink()  # as if it had been stopped while it scored
    for option in ("--seconds", "--seed"):
        with pytest.raises(SystemExit):
            run(capsys, "--text", tmp_path / "text.txt", "--out", out, "--resume", option, "7")
        assert f"has {option} " in capsys.readouterr().err
    again = run(capsys, "--text", tmp_path / "text.txt", "--out", out, "--resume")
    assert again["rungs"][0]["nats_per_character"] == result["rungs"][0]["nats_per_character"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seconds", "0"], "--seconds must be a positive number, got 0.0"),
        ([], "--seconds must be a positive number, got None"),
        (["--seconds", "9", "--seed", str(2**64)], "--seed"),
        (["--resume"], "no race to resume in"),
        (["--seconds", "9", "--text", "missing.txt"], "missing.txt"),
    ],
)
def test_what_a_user_gets_wrong_ends_the_command_before_it_begins(tmp_path, capsys, arguments, message):
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["--text", str(tmp_path / "text.txt"), "--out", str(tmp_path / "out"), *arguments])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_damaged_and_missing_files_of_a_race_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="was a model trained into this folder"):
        ladder.load_learned(tmp_path)


def test_a_new_race_takes_away_what_an_older_one_left(race, tmp_path):
    rungs, _, settings = race
    tokenizer = CharTokenizer.train(["".join(map(chr, range(64, 128)))])
    begin_rungs(tmp_path, settings, tokenizer)
    save_rungs(tmp_path, rungs, {})
    assert ladder.load_mixture(tmp_path)[0].weights == rungs.mixture.weights
    begin_rungs(tmp_path, settings, tokenizer)
    for load in (ladder.load_counted, ladder.load_learned, ladder.load_mixture):
        with pytest.raises(FileNotFoundError):
            load(tmp_path)


def test_the_shipped_races_are_whole():
    lines = (shipped("data/ladder") / "races.jsonl").read_text(encoding="utf-8").splitlines()
    races = [json.loads(line) for line in lines]
    assert len({(race["text"], race["change"]) for race in races}) == len(races)
    for race in races:
        characters = sum(kind["characters"] for kind in race["kinds"])
        names = [name for name in race["kinds"][0] if name not in ("kind", "characters")]
        assert names[:3] == ["n-gram", "transformer", "mixture"]
        for name, rung in zip(names, race["rungs"], strict=True):
            assert name in rung["name"]
            mean = sum(kind[name] for kind in race["kinds"]) / characters
            assert mean == pytest.approx(rung["nats_per_character"], abs=1e-5)
        assert race["largest_sum_error"] < 1e-6
        assert race["rungs"][2]["seconds"] <= race["settings"]["seconds"]


def test_what_is_copied_of_the_shipped_races_texts_was_counted_by_the_same_ngrams():
    races, texts = (
        list(map(json.loads, (shipped("data/ladder") / name).read_text(encoding="utf-8").splitlines()))
        for name in ("races.jsonl", "copies.jsonl")
    )
    for text in texts:
        race = next(race for race in races if race["text"] == text["text"])
        assert sum(kind["characters"] for kind in text["kinds"]) == text["characters"] - 1
        for kind, of_race in zip(text["kinds"], race["kinds"], strict=True):
            assert kind["kind"] == of_race["kind"]
            assert kind["n-gram"] == pytest.approx(of_race["n-gram"], abs=0.02)
            assert kind["copied"] <= kind["characters"]
            assert kind["n-gram, copied"] <= kind["n-gram"]
