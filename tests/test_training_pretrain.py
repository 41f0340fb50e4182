"""The command line: what it prints, what it writes, what it refuses, alone and under torchrun."""

import functools
import itertools
import json
import os
import signal
import subprocess
import sys
import time

import datasets
import pytest
import tokenizers
import torch
from patience import PATIENCE
from tokenizers import decoders, models, pre_tokenizers

from course_utils import corpora, device, evaluation, pretrained, speed
from course_utils.corpora.tinyworld import TinyWorld
from course_utils.tokenization import BPETokenizer, CharTokenizer, PretrainedTokenizer
from course_utils.training.checkpoint import FILE_NAME, read_checkpoint
from course_utils.training.config import TrainingConfig
from course_utils.training.corpus import VALIDATION_DOCUMENTS, read_corpus
from course_utils.training.documents import SEPARATOR, document_row
from course_utils.training.pretrain import COMPILING_PAYS, main, parser, scored_bytes
from course_utils.training.streaming import StreamedWindows
from course_utils.training.trainer import Trainer

SMALL = (
    *("--d-model", "16", "--layers", "1", "--heads", "2", "--context-length", "16"),
    *("--batch-size", "4", "--no-progress", "--device", "cpu"),
)


@pytest.fixture(autouse=True)
def small_peak(monkeypatch):
    """The peak of a small product: measuring a large one takes longer than all else here."""
    monkeypatch.setitem(speed.PEAK_SIZE, "cpu", 256)


@pytest.fixture(scope="module")
def text():
    return "\n".join(TinyWorld(seed=5).sample(60)["text"]) + "\nStraße «fin»\r\n"


@pytest.fixture
def file(tmp_path, text):
    (tmp_path / "text.txt").write_bytes(text.encode())
    return tmp_path / "text.txt"


def run(capsys, *arguments):
    """Run the command in this process; return its last line of output, read as JSON."""
    main([*map(str, arguments), *SMALL])
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def load(directory):
    return pretrained.load(directory, device="cpu", dtype=torch.float64)


def losses(directory):
    return read_checkpoint(directory)[0]["history.steps"][:, 3].tolist()


@pytest.mark.parametrize("tokenizer", [("char",), ("bpe", "--vocab-size", "300")])
def test_the_json_says_what_the_folder_holds(capsys, tmp_path, text, file, tokenizer):
    result = run(capsys, "--text", file, "--tokenizer", *tokenizer, "--steps", 6, "--out", tmp_path / "out")
    model, read_back = load(tmp_path / "out")
    validation = text[int(0.9 * len(text)) :]
    ids = read_back.encode(validation)
    assert isinstance(read_back, CharTokenizer if tokenizer[0] == "char" else BPETokenizer)
    assert not model.training
    assert evaluation.perplexity(model, ids, 16) == pytest.approx(2.718281828459045 ** result["val_loss_nats"])
    n_bytes = len(validation.encode()) - len(read_back.decode(ids[:1]).encode())
    assert evaluation.bits_per_byte(model, ids, n_bytes, 16) == pytest.approx(result["val_bits_per_byte"])
    assert result["parameters"] == sum(p.numel() for p in model.parameters())
    assert (result["steps"], result["tokens"], result["finished"]) == (6, 6 * 4 * 16, True)
    slowest, fastest = (result["tokens"] / (result["seconds"] + rounding) for rounding in (5e-4, -5e-4))
    assert slowest - 0.05 <= result["tokens_per_second"] <= fastest + 0.05
    assert 0 < result["mfu"] < 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [FILE_NAME, "config.json", "model.safetensors", "result.json", "tokenizer.json"]
    )
    assert json.loads((tmp_path / "out" / "result.json").read_text()) == result


@pytest.fixture
def clock(monkeypatch):
    """Let seconds go by only when a trainer looks at the clock: each time one."""
    told = functools.partial(Trainer, clock=itertools.count().__next__)
    monkeypatch.setattr("course_utils.training.pretrain.Trainer", told)


def test_seconds_bound_the_steps(capsys, tmp_path, clock, file):
    result = run(capsys, "--text", file, "--seconds", 40, "--out", tmp_path / "out")
    assert result["finished"]
    assert result["steps"] > 5
    assert result["seconds"] <= 40


@pytest.mark.parametrize(
    ("arguments", "works", "compiled"),
    [
        (("--steps", 2), True, False),  # how long that takes is not known
        (("--seconds", COMPILING_PAYS - 1), True, False),
        (("--seconds", 3), False, False),
        (("--seconds", 3, "--compile"), False, True),  # whoever asks for it gets it, or the compiler's own error
        (("--seconds", COMPILING_PAYS), False, False),
        (("--seconds", COMPILING_PAYS), True, True),
        (("--seconds", COMPILING_PAYS, "--no-compile"), True, False),
    ],
)
def test_a_long_run_is_compiled_where_that_works(capsys, tmp_path, monkeypatch, file, arguments, works, compiled):
    monkeypatch.setattr("course_utils.training.pretrain.can_compile", lambda device: works)
    monkeypatch.setattr(torch, "compile", lambda model: model)
    monkeypatch.setattr("course_utils.training.budget.Budget.allows", lambda self, step, elapsed: step < 2)
    assert run(capsys, "--text", file, *arguments, "--out", tmp_path / "out")["compiled"] == compiled


@pytest.mark.parametrize("has", [True, False])
def test_bfloat16_is_used_where_the_processor_multiplies_it(capsys, tmp_path, monkeypatch, file, has):
    monkeypatch.setitem(device._native, torch.bfloat16, has)
    assert run(capsys, "--text", file, "--steps", 1, "--out", tmp_path)["precision"] == ("bf16" if has else "float32")


@pytest.mark.parametrize("has", [True, False])
def test_bfloat16_that_would_be_emulated_gives_way_to_float32_and_that_is_said(
    capsys, tmp_path, monkeypatch, file, has
):
    monkeypatch.setitem(device._native, torch.bfloat16, has)
    main([*map(str, ("--text", file, "--steps", 1, "--out", tmp_path, "--precision", "bf16")), *SMALL])
    output = capsys.readouterr()
    assert json.loads(output.out)["precision"] == ("bf16" if has else "float32")
    assert output.err.count("only emulates bf16: computing in float32") == (0 if has else 1)


def test_a_run_in_bfloat16_resumes_where_it_would_be_emulated(capsys, tmp_path, monkeypatch, file):
    same = ("--text", file, "--out", tmp_path, "--precision", "bf16", "--decay", "constant", "--warmup", 0)
    for has, steps in ((True, 2), (False, 4)):
        monkeypatch.setitem(device._native, torch.bfloat16, has)
        result = run(capsys, *same, "--steps", steps, *(() if has else ("--resume",)))
    assert (result["steps"], result["precision"]) == (4, "float32")


def test_a_longer_run_resumes_the_shorter_one(capsys, tmp_path, file):
    fixed = ("--text", file, "--tokenizer", "bpe", "--vocab-size", 270, "--decay", "constant", "--warmup", 0)
    run(capsys, *fixed, "--steps", 3, "--out", tmp_path / "parts")
    parts = run(capsys, *fixed, "--steps", 7, "--out", tmp_path / "parts", "--resume")
    whole = run(capsys, *fixed, "--steps", 7, "--out", tmp_path / "whole")
    assert parts["val_loss_nats"] == whole["val_loss_nats"]
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")


def test_a_run_may_be_made_so_long_that_a_new_one_would_be_compiled(capsys, tmp_path, clock, monkeypatch, file):
    monkeypatch.setattr("course_utils.training.pretrain.can_compile", lambda device: True)
    monkeypatch.setattr(torch, "compile", lambda model: model)
    fixed = ("--text", file, "--out", tmp_path)
    short = run(capsys, *fixed, "--seconds", 20)
    long = run(capsys, *fixed, "--seconds", COMPILING_PAYS + 1, "--resume")
    assert short["steps"] < long["steps"]
    assert (short["compiled"], long["compiled"], long["finished"]) == (False, False, True)
    assert refusal(capsys, *fixed, "--seconds", 999, "--resume", "--compile") == 2  # not bit for bit the same run


@pytest.mark.parametrize("precision", ["float32", "float64", "bf16"])
def test_a_run_goes_on_in_its_precision_on_any_machine(capsys, tmp_path, monkeypatch, file, precision):
    fixed = ("--text", file, "--out", tmp_path)
    run(capsys, *fixed, "--steps", 1, "--precision", precision)
    for here in (False, True):
        monkeypatch.setattr("course_utils.training.pretrain.multiplies_bfloat16", lambda device, here=here: here)
        assert run(capsys, *fixed, "--steps", 2 + here, "--resume")["steps"] == 2 + here


def refusal(capsys, *arguments, wanted=""):
    """Run a command that must fail; return its exit code, or its message where that stands for code 1."""
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments), *SMALL])
    output = capsys.readouterr()
    assert wanted in output.err + str(ended.value.code)
    assert output.out == ""
    return ended.value.code


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("tokenizer", [("char",), ("bpe", "--vocab-size", "300")])
@pytest.mark.parametrize(
    "other",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text + text,
        lambda text: text[::-1],
        lambda text: text[:-9] + text[-1] * 9,  # the training part is the same
        lambda text: text + "ß∂",
    ],
)
def test_a_run_does_not_go_on_with_another_text(capsys, tmp_path, text, file, tokenizer, other):
    out, other_file = tmp_path / "out", tmp_path / "other.txt"
    run(capsys, "--text", file, "--tokenizer", *tokenizer, "--steps", 2, "--out", out)
    before = contents(out)
    other_file.write_bytes(other(text).encode())
    fixed = ("--tokenizer", *tokenizer, "--steps", 4, "--out", out, "--resume")
    message = f"can't go on in {out} with the text {other_file}: "
    assert refusal(capsys, "--text", other_file, *fixed, wanted=message) == 2
    assert refusal(capsys, "--corpus", "pydocs", *fixed, wanted=f"can't go on in {out} with the corpus pydocs: ") == 2
    assert contents(out) == before
    assert run(capsys, "--text", file, *fixed)["steps"] == 4


def test_a_run_on_a_corpus_goes_on_with_no_other(capsys, tmp_path):
    fixed = ("--tokenizer", "bpe", "--vocab-size", "260", "--out", tmp_path)
    run(capsys, "--corpus", "pydocs", *fixed, "--steps", 1)
    before = contents(tmp_path)
    wanted = f"can't go on in {tmp_path} with the corpus tinyworld: the checkpoint is of a run on another text"
    assert refusal(capsys, "--corpus", "tinyworld", *fixed, "--steps", 2, "--resume", wanted=wanted) == 2
    assert contents(tmp_path) == before
    assert run(capsys, "--corpus", "pydocs", *fixed, "--steps", 2, "--resume")["steps"] == 2


@pytest.mark.parametrize("steps", [2, 9])
def test_weights_that_are_no_numbers_end_the_command_with_a_message(capsys, tmp_path, file, steps):
    fixed = ("--text", file, "--out", tmp_path / "out", "--learning-rate", 1e30)
    assert "try a lower learning rate" in refusal(capsys, *fixed, "--steps", steps)
    assert sorted(contents(tmp_path / "out")) == ["config.json", "tokenizer.json"]


def test_what_was_written_stays_when_a_longer_run_breaks(capsys, tmp_path, monkeypatch, file):
    fixed = ("--text", file, "--out", tmp_path)
    run(capsys, *fixed, "--steps", 2)
    before = contents(tmp_path)
    monkeypatch.setattr("course_utils.training.trainer.nn.utils.clip_grad_norm_", lambda *_: torch.tensor(float("inf")))
    message = refusal(capsys, *fixed, "--steps", 4, "--resume")
    assert "length of the gradient is inf at step 3: try a lower learning rate" in message
    assert contents(tmp_path) == before


def test_a_full_disk_ends_the_command_with_a_message(capsys, tmp_path, monkeypatch, file):
    def full(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr("course_utils.training.trainer.write_checkpoint", full)
    assert "no space left" in refusal(capsys, "--text", file, "--out", tmp_path, "--steps", 1)


def test_a_new_run_leaves_nothing_of_an_older_one(capsys, tmp_path, file):
    run(capsys, "--text", file, "--steps", 1, "--out", tmp_path)
    refusal(capsys, "--text", file, "--steps", 9, "--out", tmp_path, "--learning-rate", 1e30, "--clip-norm", 1e30)
    assert not (tmp_path / FILE_NAME).exists()
    with pytest.raises(FileNotFoundError, match=r"no model\.safetensors: was a model trained"):
        load(tmp_path)


@pytest.mark.parametrize("tokenizer", [("char",), ("bpe", "--vocab-size", "300")])
def test_tinyworld_is_streamed(capsys, tmp_path, monkeypatch, tokenizer):
    monkeypatch.setattr("course_utils.training.corpus.TOKENIZER_DOCUMENTS", 200)
    result = run(capsys, "--corpus", "tinyworld", "--tokenizer", *tokenizer, "--steps", 2, "--out", tmp_path)
    assert result["finished"]
    read_back = load(tmp_path)[1]
    assert read_back.decode(read_back.encode("Ines was at the lake.")) == "Ines was at the lake."


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("--text {file} --steps 1", "--out"),
        ("--steps 1 --out {out}", "--text"),
        ("--text {file} --out {out}", "--seconds"),
        ("--text {file} --out {out} --steps 1 --seconds 1", "not allowed with"),
        ("--text {file} --corpus tinyworld --out {out} --steps 1", "not allowed with"),
        ("--text {file} --out {out} --steps one", "invalid int"),
        ("--text {file} --out {out} --steps 0", "steps must be at least 1"),
        ("--text {file} --out {out} --seconds -3", "seconds must be a positive"),
        ("--text nowhere.txt --out {out} --steps 1", "nowhere.txt"),
        ("--text {latin} --out {out} --steps 1", "not UTF-8 text: byte 1 is 0xe9"),
        ("--text {short} --out {out} --steps 1", "val_ids must hold at least two"),
        ("--text {file} --out {out} --steps 1 --tokenizer words", "invalid choice"),
        ("--text {file} --out {out} --steps 1 --tokenizer bpe --vocab-size 9", "vocab_size"),
        ("--text {file} --out {out} --steps 1 --heads 3", "n_heads=3"),
        ("--text {file} --out {out} --steps 1 --batch-size 3 --accumulation 2", "accumulation=2"),
        ("--text {file} --out {out} --steps 1 --context-length 900000", "needs 900001"),
        ("--text {file} --out {out} --steps 1 --resume", "no checkpoint at"),
        ("--text {file} --out {file} --steps 1", "text.txt"),
        ("--text {file} --out {out} --steps 1 --device toaster", "no device 'toaster': choose one of cpu"),
        ("--text {file} --out {out} --steps 1 --device meta", "no device 'meta': choose one of cpu"),
        ("--text {file} --out {out} --steps 1 --device cuda:99", "no device 'cuda:99': choose one of cpu"),
        ("--text {file} --out {out} --steps 1 --kv-heads 0", "n_kv_heads must be at least 1"),
        ("--text {file} --out {out} --steps 1 --d-ff 0", "d_ff must be at least 1"),
        ("--corpus nothing --out {out} --steps 1", "unknown corpus"),
    ],
)
def test_a_wrong_argument_ends_with_code_2_and_a_message(capsys, tmp_path, file, arguments, word):
    (tmp_path / "latin.txt").write_bytes(b"h\xe9llo")
    (tmp_path / "short.txt").write_text("ab")
    places = {"file": file, "out": tmp_path / "out", "latin": tmp_path / "latin.txt", "short": tmp_path / "short.txt"}
    with pytest.raises(SystemExit) as ended:
        main([*SMALL, *arguments.format(**places).split()])
    assert ended.value.code == 2
    output = capsys.readouterr()
    assert word in output.err
    assert output.out == ""
    assert not (tmp_path / "out" / "model.safetensors").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_gpu_that_is_not_there_is_refused(capsys, tmp_path, file):
    with pytest.raises(SystemExit) as ended:
        main(["--text", str(file), "--out", str(tmp_path / "out"), "--steps", "1", "--device", "cuda"])
    assert ended.value.code == 2
    assert "argument --device: this machine has no device 'cuda': choose one of cpu" in capsys.readouterr().err


def test_a_rank_that_a_scheduler_sets_is_no_torchrun(capsys, tmp_path, monkeypatch, file):
    monkeypatch.setenv("RANK", "3")
    assert run(capsys, "--text", file, "--steps", 1, "--out", tmp_path)["processes"] == 1


def test_the_same_command_goes_on_where_the_text_is_too_short_for_the_vocabulary(capsys, tmp_path, file):
    same = ("--text", file, "--tokenizer", "bpe", "--vocab-size", 5000, "--out", tmp_path, "--steps", 1)
    assert run(capsys, *same)["vocab_size"] < 5000
    assert run(capsys, *same, "--resume")["finished"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("--tokenizer bpe", "--tokenizer bpe (it was char)"),
        ("--d-model 32", "--d-model 32 (it was 16)"),
        ("--layers 2", "--layers 2 (it was 1)"),
        ("--kv-heads 1", "--kv-heads 1 (it was 2)"),
        ("--d-ff 96", "--d-ff 96 (it was 64)"),
        ("--learning-rate 0.5", "--learning-rate 0.5 (it was 0.25)"),
        ("--precision float64", "--precision float64 (it was float32)"),
        ("--seed 1 --warmup 0.5", "--warmup 0.5 (it was 0.05), --seed 1 (it was 0)"),
    ],
)
def test_an_option_that_contradicts_the_run_is_refused_by_name(capsys, tmp_path, file, given, words):
    out = tmp_path / "out"
    run(capsys, "--text", file, "--steps", 1, "--out", out, "--learning-rate", 0.25, "--precision", "float32")
    before = contents(out)
    with pytest.raises(SystemExit) as ended:
        main([*SMALL, "--text", str(file), "--steps", "2", "--out", str(out), "--resume", *given.split()])
    assert ended.value.code == 2
    assert f"the run in {out} can't go on with {words}" in capsys.readouterr().err.replace("\n", " ")
    assert contents(out) == before


@pytest.mark.parametrize("tokenizer", [("char",), ("bpe", "--vocab-size", "300")])
def test_what_is_not_given_is_as_in_the_run(capsys, tmp_path, file, tokenizer):
    shape = ("--d-model", "24", "--layers", "2", "--heads", "4", "--kv-heads", "2", "--d-ff", "40")
    fixed = ("--text", str(file), "--no-progress", "--device", "cpu")
    settings = ("--learning-rate", "0.25", "--seed", "3", "--batch-size", "2", "--context-length", "8")
    settings += ("--tokenizer", *tokenizer, "--decay", "constant", "--warmup", "0")
    for folder, steps, more in (("parts", 1, ()), ("whole", 3, ())):
        main([*fixed, *shape, *settings, *more, "--steps", str(steps), "--out", str(tmp_path / folder)])
    main([*fixed, "--steps", "3", "--out", str(tmp_path / "parts"), "--resume"])
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")


@pytest.mark.parametrize(
    "foreign",
    [
        {"config.json": '{"model_type": "llama", "hidden_size": 8}', "model.safetensors": "theirs"},
        {"config.json": '{"model_type": "mpt", "d_model": 8}', "tokenizer.json": "{}"},
        {"model.safetensors": "theirs"},
        {"tokenizer.json": "{}"},
    ],
)
def test_the_model_of_another_program_stays(capsys, tmp_path, file, foreign):
    for name, content in foreign.items():
        (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_text(content)
    before = contents(tmp_path / "out")
    wanted = f"{tmp_path / 'out'} holds another model ({', '.join(foreign)}), which stays: name another folder"
    assert refusal(capsys, "--text", file, "--steps", 1, "--out", tmp_path / "out", wanted=wanted) == 2
    assert contents(tmp_path / "out") == before


def test_a_folder_of_an_earlier_run_and_one_with_other_files_may_be_used(capsys, tmp_path, file):
    (tmp_path / "notes.txt").write_text("mine")
    for layers in (1, 2):
        result = run(capsys, "--text", file, "--steps", 1, "--out", tmp_path, "--d-ff", 32 * layers)
        assert sum(p.numel() for p in load(tmp_path)[0].parameters()) == result["parameters"]
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_tokenizer_of_another_model_is_named(capsys, tmp_path, file):
    run(capsys, "--text", file, "--steps", 1, "--out", tmp_path)
    there = load(tmp_path)[1].vocab_size
    for characters in ("abc", "".join(map(chr, range(33, 233)))):
        CharTokenizer(characters).save(tmp_path / "tokenizer.json")
        words = f"tokenizer.json is another model's: it has {len(characters)} token types, .* has {there}"
        with pytest.raises(ValueError, match=words):
            load(tmp_path)


def test_a_tokenizer_that_none_knows_is_refused_with_what_each_says(capsys, tmp_path, file):
    run(capsys, "--text", file, "--steps", 1, "--out", tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"type": "CharTokenizer", "characters": ["ab"]}')
    with pytest.raises(ValueError, match="not a file of a tokenizer") as raised:
        load(tmp_path)
    for kind in (CharTokenizer, BPETokenizer, PretrainedTokenizer):
        assert f"{kind.__name__}: " in str(raised.value)
    assert "single characters" in str(raised.value)


def test_a_text_needs_no_datasets():
    """They take long to import."""
    code = "import sys, course_utils.training.pretrain; sys.exit('datasets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_trainer_and_the_command_share_their_defaults():
    options = parser().parse_args(["--text", "t", "--steps", "1", "--out", "o"])
    for name in options.__dict__.keys() & TrainingConfig.__dataclass_fields__.keys() - {"batch_size", "context_length"}:
        if name not in ("steps", "checkpoint_every", "compile"):
            assert getattr(options, name) == getattr(TrainingConfig(steps=1), name), name


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_damaged_folder_is_named(capsys, tmp_path, file, name):
    run(capsys, "--text", file, "--steps", 1, "--out", tmp_path)
    (tmp_path / name).write_text("[1")
    with pytest.raises(ValueError, match=name):
        load(tmp_path)


# ---- bytes

TEXTS = ("a", "aé", "é\n", "日本語 and 🙂🙂", "two  spaces ", "naïve � text")


def byte_fallback():
    """A tokenizer as sentencepiece makes them: ▁ for a space, and bytes for characters that are no token."""
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    vocabulary = {token: id for id, token in enumerate(["<unk>", *bytes_, *"▁andtwospces", "▁a", "▁and"])}
    backend = tokenizers.Tokenizer(models.BPE(vocabulary, [("▁", "a")], unk_token="<unk>", byte_fallback=True))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(split=False)
    fused = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    backend.decoder = decoders.Sequence(fused)
    return PretrainedTokenizer(backend)


@pytest.fixture(params=["char", "bpe", "byte-level", "byte-fallback"])
def tokenizer(request, tmp_path):
    if request.param == "byte-fallback":
        return byte_fallback()
    if request.param == "char":
        return CharTokenizer.train(TEXTS)
    bpe = BPETokenizer.train(TEXTS, 262, special_tokens=["<|end|>"])
    bpe.save(tmp_path / "bpe.json")
    return bpe if request.param == "bpe" else PretrainedTokenizer.load(tmp_path / "bpe.json")


@pytest.mark.parametrize("text", TEXTS)
def test_the_bytes_of_a_text_are_those_of_its_tokens_wherever_it_is_cut(tokenizer, text):
    ids = tokenizer.encode(text)
    assert tokenizer.decode_bytes(ids) == text.encode()
    lengths = [scored_bytes(tokenizer, ids[: end + 1]) for end in range(len(ids))]
    first = len(tokenizer.decode_bytes(ids[:1]))
    assert lengths[0] == 0
    assert lengths[-1] == len(text.encode()) - first
    assert all(lengths[end] + scored_bytes(tokenizer, ids[end:]) == lengths[-1] for end in range(len(ids)))


def test_half_a_character_counts_as_the_bytes_it_has(tokenizer):
    ids = tokenizer.encode("é\n")
    expected = 1 if isinstance(tokenizer, CharTokenizer) else 2  # one character, or the second byte of é and \n
    ids = ids[1:] if len(ids) == 4 else ids  # the ▁ at the beginning
    assert scored_bytes(tokenizer, ids) == expected


# ---- corpora


@pytest.mark.parametrize("corpus", ["tinyworld", "tinyworld-clinic", "pydocs"])
def test_the_characters_of_a_corpus_are_known_before_it_is_read(monkeypatch, corpus):
    """However few documents a tokenizer is trained on, none that comes later holds a new character."""
    monkeypatch.setattr("course_utils.training.corpus.TOKENIZER_DOCUMENTS", 3)
    texts = read_corpus(corpus, 4)
    assert len(texts.samples) == 3
    known = set(texts.characters())
    assert known > set(texts.samples[0])
    assert known >= set(SEPARATOR).union(*texts.validation, *(row["text"] for row in texts.train.take(3000)))
    shipped = (text for rows in corpora.load(corpus).values() for text in rows["text"])
    assert known == set(SEPARATOR).union(*shipped)


def test_a_character_that_comes_late_is_no_surprise(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("course_utils.training.corpus.TOKENIZER_DOCUMENTS", 1)
    monkeypatch.setattr("course_utils.corpora.pydocs.load", late := lambda: documents(["a"] * 50 + ["ß"], ["a"]))
    monkeypatch.setitem(corpora.LOCAL, "pydocs", late)
    assert run(capsys, "--corpus", "pydocs", "--steps", 9, "--out", tmp_path)["vocab_size"] == 3


def documents(train, validation):
    splits = {"train": train, "validation": validation}
    return datasets.DatasetDict({name: datasets.Dataset.from_dict({"text": texts}) for name, texts in splits.items()})


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Write a data set as the Hub holds one, in files; `owner/stories` then names it, and nothing may load it whole."""
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "prepared")

    def write(train, validation=("once", "twice"), ending="parquet", n_files=3):
        folder = tmp_path / "home/owner/stories"
        for split, texts in (("train", train), ("validation", validation)):
            for number in range(n_files):
                kind = datasets.Value("int64" if isinstance(texts[0], int) else "string")
                features = datasets.Features({"text": kind})
                rows = datasets.Dataset.from_dict({"text": list(texts[number::n_files])}, features)
                path = folder / "data" / f"{split}-{number:05}-of-{n_files:05}.{ending}"
                path.parent.mkdir(parents=True, exist_ok=True)
                (rows.to_parquet if ending == "parquet" else rows.to_json)(path)
        return "owner/stories"

    yield write
    assert list((tmp_path / "prepared").rglob("*.arrow")) == [], "the data set was prepared as a whole"


STORIES = [f"story {number} " + "x" * (number % 7) for number in range(60)]


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
@pytest.mark.parametrize(("n_files", "size"), [(1, 4), (3, 4), (4, 4), (6, 4), (9, 4), (3, 2)])
def test_a_data_set_of_the_hub_is_read_while_it_is_needed(hub, ending, n_files, size):
    texts = read_corpus(hub(STORIES, ending=ending, n_files=n_files), size)
    assert sorted(texts.validation) == ["once", "twice"]
    assert sorted(texts.samples) == sorted(story + SEPARATOR for story in STORIES)
    alone = StreamedWindows(texts.train, as_bytes, size, 24)
    workers = [StreamedWindows(texts.train, as_bytes, size, 24, rank, 2) for rank in range(2)]
    read = []
    for _ in range(40):
        _, targets = alone.draw()
        assert torch.equal(torch.cat([worker.draw()[1] for worker in workers]), targets)
        read += [bytes(row.tolist()).decode().split(SEPARATOR)[0] for row in targets]
    first_pass = [story for story in read[:20] if story in STORIES]
    assert len(set(first_pass)) == len(first_pass) > 10


def test_a_stream_of_few_files_is_read_once_by_each_process():
    reads = []

    def rows(shards):
        for number in range(90):
            reads.append(number)
            yield {"text": f"{number:02}"}

    stream = datasets.IterableDataset.from_generator(rows, gen_kwargs={"shards": [0]})
    windows = StreamedWindows(stream, as_bytes, 4, 9)
    drawn = [bytes(row.tolist()).decode()[:2] for _ in range(4) for row in windows.draw()[1]]
    assert len(reads) == len(set(reads)) < 90
    assert drawn[:4] == ["00", "01", "02", "03"]
    assert len(set(drawn)) == len(drawn)


def test_of_a_long_validation_split_the_first_documents_are_taken(hub):
    many = [f"{number}" for number in range(VALIDATION_DOCUMENTS + 9)]
    assert read_corpus(hub(STORIES, many, n_files=1), 2).validation == many[:VALIDATION_DOCUMENTS]


def test_a_document_without_text_is_left_out(hub):
    texts = read_corpus(hub([None, *STORIES, None], [None, "once"], n_files=1), 2)
    assert texts.validation == ["once"]
    assert len(texts.samples) == len(STORIES)
    windows = StreamedWindows(texts.train, as_bytes, 2, 16)
    for _ in range(60):
        windows.draw()


@pytest.mark.parametrize(
    ("rows", "word"),
    [({"train": [1, 2]}, "no column text of strings"), ({"train": [None]}, "no document in its split train")],
)
def test_a_data_set_that_holds_no_text_is_refused(hub, rows, word):
    with pytest.raises(ValueError, match=word):
        read_corpus(hub(rows["train"], n_files=1), 2)


def test_characters_that_nobody_knows_are_refused_before_anything_is_trained(capsys, tmp_path, hub):
    fixed = ("--corpus", hub(STORIES), "--steps", 2, "--out", tmp_path / "out")
    wanted = "--tokenizer char must know every character before the training begins, and the corpus owner/stories is "
    assert refusal(capsys, *fixed, wanted=wanted) == 2
    assert not (tmp_path / "out").exists()
    assert run(capsys, *fixed, "--tokenizer", "bpe", "--vocab-size", 260)["finished"]


# ---- streams


def as_bytes(text):
    return list(text.encode())


@pytest.mark.parametrize("n_processes", [1, 2, 4])
def test_each_row_reads_its_own_shard_whoever_reads_it(n_processes):
    stream, size, documents = TinyWorld(seed=0).stream(400, n_shards=4), 4, TinyWorld(seed=0).sample(400)["text"]
    workers = [StreamedWindows(stream, as_bytes, size, 700, rank, n_processes) for rank in range(n_processes)]
    place = [0] * size
    for _ in range(8):
        inputs, targets = torch.cat([torch.stack(worker.draw()) for worker in workers], dim=1)
        assert torch.equal(inputs[:, 1:], targets[:, :-1])
        for row in range(size):
            assert inputs[row, 0] == ord("\n")
            pieces = bytes(targets[row].tolist()).decode().split(SEPARATOR)
            shard = documents[row::size][place[row] :]
            assert pieces[:-1] == shard[: len(pieces) - 1]  # whole documents, none left out
            assert (shard[len(pieces) - 1] + SEPARATOR).startswith(pieces[-1])  # and the one that the end cuts
            place[row] += len(pieces) - (pieces[-1] == "")


@pytest.mark.parametrize(
    ("context_length", "windows"),
    [
        (8, ["ab..cdef", "ghijklmn", "opq..r.."]),  # cdef is cut of its end; a longer one goes on in the next window
        (4, ["ab..", "cdef", "..gh", "r..a", "cdef", "..gh"]),
        (40, ["ab..cdef..ghijklmnopq..r..ab..cdef..ghij"]),
    ],
)
def test_a_window_begins_with_a_fresh_document(context_length, windows):
    stream = datasets.Dataset.from_dict({"text": ["ab", "cdef", "ghijklmnopq", "r"]}).to_iterable_dataset()
    source = StreamedWindows(stream, as_bytes, 1, context_length)
    drawn = [bytes(source.draw()[1][0].tolist()).decode().replace("\n", ".") for _ in windows]
    assert drawn == windows


def test_long_documents_begin_windows_no_more_often_than_others():
    """Of the documents that begin a window, as many are long as in the world: none is there because it was cut."""
    size = 4
    source = StreamedWindows(TinyWorld(seed=0).stream(8000, n_shards=size), as_bytes, size, 600)
    first = [bytes(row.tolist()).decode() for _ in range(250) for row in source.draw()[1]]
    share = sum(len(text.split(SEPARATOR)[0]) > 300 for text in first) / len(first)
    sample = TinyWorld(seed=7).sample(4000)["text"]
    expected = sum(len(text) > 300 for text in sample) / len(sample)
    assert share == pytest.approx(expected, abs=0.07)  # 4 standard errors of 1,000 draws: a false alarm in 10,000


def test_a_document_is_scored_from_its_separator_to_its_end():
    assert document_row("ab", as_bytes) == as_bytes("\nab\n\n")


def as_files(documents, n_files, folder):
    """Return documents as the Hub streams them, from files."""
    for number in range(n_files):
        rows = datasets.Dataset.from_dict({"text": documents[number::n_files]})
        rows.to_parquet(folder / f"{number}.parquet", batch_size=3)  # row groups
    files = sorted(map(str, folder.glob("*.parquet")))
    return datasets.load_dataset("parquet", data_files=files, split="train", streaming=True)


# Short ones, which the test reads several times; the batch has 4 rows.
STREAMS = {
    "a shard for each row": lambda folder: TinyWorld(seed=0).stream(12, n_shards=4),
    "two shards for each row": lambda folder: TinyWorld(seed=0).stream(12, n_shards=8),
    "without end": lambda folder: TinyWorld(seed=0).stream(10**9, n_shards=4),
    "dealt out": lambda folder: TinyWorld(seed=0).stream(12, n_shards=3),
    "shuffled shards": lambda folder: TinyWorld(seed=0).stream(12, n_shards=12).shuffle(seed=1, buffer_size=1),
    "shuffled shards, dealt out": lambda folder: (
        TinyWorld(seed=0).stream(12, n_shards=3).shuffle(seed=1, buffer_size=1)
    ),
    "a table": lambda folder: TinyWorld(seed=0).sample(12).to_iterable_dataset(4),
    "a table, dealt out": lambda folder: TinyWorld(seed=0).sample(12).to_iterable_dataset(1),
    "changed on the way": lambda folder: (
        TinyWorld(seed=0).stream(12, n_shards=4).map(lambda row: {"text": row["text"].upper()})
    ),
    "files": lambda folder: as_files(STORIES[:40], 4, folder),
    "files, dealt out": lambda folder: as_files([*STORIES[:40], None], 1, folder),
}


@pytest.mark.parametrize("stream", STREAMS)
def test_windows_go_on_where_they_were_with_any_number_of_processes(tmp_path, stream):
    size, context_length = 4, 48

    def processes(n):
        documents = STREAMS[stream](tmp_path)
        return [StreamedWindows(documents, as_bytes, size, context_length, rank, n) for rank in range(n)]

    def draw(workers):
        return torch.cat([torch.stack(worker.draw()) for worker in workers], dim=1)

    alone = processes(1)
    batches = [draw(alone) for _ in range(24)]
    for drawn, before, after in ((0, 1, 1), (1, 1, 2), (7, 2, 1), (13, 2, 4), (20, 4, 2)):
        first = processes(before)
        for _ in range(drawn):
            draw(first)
        state = torch.cat([worker.state() for worker in first])  # as `state` joins them in a process group
        second = processes(after)
        draw(second)
        for worker in second:
            worker.restore(state)
        for batch in batches[drawn : drawn + 4]:
            assert torch.equal(draw(second), batch)


def test_what_was_read_before_is_not_read_again():
    drawn = []

    def encode(text):
        drawn.append(text)
        return as_bytes(text)

    stream = TinyWorld(seed=0).stream(10**9, n_shards=2)
    first = StreamedWindows(stream, encode, 2, 64)
    for _ in range(50):
        first.draw()
    assert len(drawn) > 20
    drawn.clear()
    second = StreamedWindows(stream, encode, 2, 64)
    second.restore(first.state())
    second.draw()
    assert len(drawn) < 9


def test_a_stream_goes_to_a_place_without_drawing_what_comes_before(monkeypatch):
    stream, asked = TinyWorld(seed=0).stream(10**9, n_shards=2), []
    original = TinyWorld._document
    monkeypatch.setattr(TinyWorld, "_document", lambda self, i: asked.append(i) or original(self, i))
    reader = iter(stream)
    for _ in range(50):
        next(reader)
    place = stream.state_dict()
    asked.clear()
    other = TinyWorld(seed=0).stream(10**9, n_shards=2)
    other.load_state_dict(place)
    row = next(iter(other))
    assert asked == [100]
    assert row == TinyWorld(seed=0).sample(101)[100]


def test_more_rows_than_documents_are_refused():
    windows = StreamedWindows(TinyWorld(seed=0).stream(2, n_shards=4), lambda text: [0] * 100, 4, 8)
    with pytest.raises(ValueError, match="found no document"):
        windows.draw()


def test_a_corpus_without_a_validation_split_is_refused(monkeypatch):
    monkeypatch.setattr("course_utils.corpora.stream", lambda name, n_shards: {"train": []})
    with pytest.raises(ValueError, match="no split validation"):
        read_corpus("someone/something", 4)


# ---- as a program


def command(file, out, *more, processes=1):
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"] if processes == 2 else []
    arguments = [sys.executable, *launch, "-m", "course_utils.training.pretrain", "--text", file, "--out", out]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*map(str, arguments), *SMALL, *more], env=environment, **pipes)


@pytest.mark.slow  # starts six processes that import torch
def test_torchrun_prints_one_line_and_has_the_losses_of_one_process(tmp_path, file):
    same = ("--steps", "20", "--precision", "float64")
    for name, more in (("alone", ()), ("ddp", ()), ("fsdp", ("--shard",))):
        process = command(file, tmp_path / name, *same, *more, processes=1 if name == "alone" else 2)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
        assert json.loads(out)["processes"] == (1 if name == "alone" else 2)
        assert losses(tmp_path / name) == pytest.approx(losses(tmp_path / "alone"), abs=1e-9)
    first, second = (load(tmp_path / name)[0].state_dict() for name in ("alone", "fsdp"))
    for name, weight in first.items():
        torch.testing.assert_close(second[name], weight, atol=1e-9, rtol=0)


@pytest.mark.slow  # starts two processes that import torch
def test_sigterm_leaves_a_checkpoint_and_resume_ends_as_if_nothing_had_been(capsys, tmp_path, file):
    settings = ("--checkpoint-every", "5", "--decay", "constant", "--warmup", "0")
    process = command(file, tmp_path / "out", "--steps", "1000000", *settings)
    deadline = time.monotonic() + PATIENCE
    while not (tmp_path / "out" / FILE_NAME).exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE)
    result = json.loads(out.splitlines()[-1])
    assert process.returncode == 0
    assert f"stopped at step {result['steps']}" in err
    assert (result["finished"], result["val_loss_nats"]) == (False, None)
    steps = result["steps"] + 5
    for out_directory, more in ((tmp_path / "out", ("--resume",)), (tmp_path / "whole", ())):
        process = command(file, out_directory, "--steps", str(steps), *settings, *more)
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
    assert losses(tmp_path / "out") == losses(tmp_path / "whole")
