"""The command line: what it prints, what it writes, what it refuses, alone and under torchrun."""

import json
import os
import signal
import subprocess
import sys
import time

import datasets
import pytest
import torch

from course_utils import evaluation, pretrained, training
from course_utils.corpora.tinyworld import TinyWorld
from course_utils.tokenization import BPETokenizer, CharTokenizer
from course_utils.training.checkpoint import FILE_NAME, read_checkpoint
from course_utils.training.pretrain import COMPILING_PAYS, main
from course_utils.training.streaming import SEPARATOR, StreamedWindows, document_row
from course_utils.training.texts import read_corpus

SMALL = (
    *("--d-model", "16", "--layers", "1", "--heads", "2", "--context-length", "16"),
    *("--batch-size", "4", "--no-progress", "--device", "cpu"),
)


@pytest.fixture(autouse=True)
def small_peak(monkeypatch):
    """The peak of a small product: measuring a large one takes longer than all else here."""
    monkeypatch.setitem(training.flops.MATRIX_SIZE, "cpu", 256)


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
    n_bytes = len(read_back.decode(ids[1:]).encode())
    assert evaluation.bits_per_byte(model, ids, n_bytes, 16) == pytest.approx(result["val_bits_per_byte"])
    assert result["parameters"] == sum(p.numel() for p in model.parameters())
    assert (result["steps"], result["tokens"], result["finished"]) == (6, 6 * 4 * 16, True)
    assert result["tokens_per_second"] == pytest.approx(result["tokens"] / result["seconds"], rel=0.5)
    assert 0 < result["mfu"] < 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [FILE_NAME, "config.json", "model.safetensors", "result.json", "tokenizer.json"]
    )
    assert json.loads((tmp_path / "out" / "result.json").read_text()) == result


def test_seconds_bound_the_steps(capsys, tmp_path, file):
    result = run(capsys, "--text", file, "--seconds", 0.5, "--out", tmp_path / "out")
    assert result["finished"]
    assert result["steps"] > 1


@pytest.mark.parametrize(
    ("arguments", "works", "compiled"),
    [
        (("--steps", 2), True, False),  # how long that takes is not known
        (("--seconds", COMPILING_PAYS - 1), True, False),
        (("--seconds", 0.3), False, False),
        (("--seconds", 0.3, "--compile"), False, True),  # whoever asks for it gets it, or the compiler's own error
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
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": has})
    assert run(capsys, "--text", file, "--steps", 1, "--out", tmp_path)["precision"] == ("bf16" if has else "float32")


def test_a_longer_run_resumes_the_shorter_one(capsys, tmp_path, file):
    fixed = ("--text", file, "--tokenizer", "bpe", "--vocab-size", 270, "--decay", "constant", "--warmup", 0)
    run(capsys, *fixed, "--steps", 3, "--out", tmp_path / "parts")
    parts = run(capsys, *fixed, "--steps", 7, "--out", tmp_path / "parts", "--resume")
    whole = run(capsys, *fixed, "--steps", 7, "--out", tmp_path / "whole")
    assert parts["val_loss_nats"] == whole["val_loss_nats"]
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")


def test_a_new_run_leaves_nothing_of_an_older_one(capsys, tmp_path, file):
    run(capsys, "--text", file, "--steps", 1, "--out", tmp_path)
    with pytest.raises(FloatingPointError):
        run(capsys, "--text", file, "--steps", 9, "--out", tmp_path, "--learning-rate", 1e30, "--clip-norm", 1e30)
    assert not (tmp_path / FILE_NAME).exists()
    with pytest.raises(FileNotFoundError, match=r"no model\.safetensors: was a model trained"):
        load(tmp_path)


@pytest.mark.parametrize("tokenizer", [("char",), ("bpe", "--vocab-size", "300")])
def test_tinyworld_is_streamed(capsys, tmp_path, monkeypatch, tokenizer):
    monkeypatch.setattr("course_utils.training.texts.TOKENIZER_DOCUMENTS", 200)
    result = run(capsys, "--corpus", "tinyworld", "--tokenizer", *tokenizer, "--steps", 2, "--out", tmp_path)
    assert result["finished"]
    assert load(tmp_path)[1].decode(load(tmp_path)[1].encode("Ines was at the lake.")) != ""


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
        ("--text {file} --out {out} --steps 1 --resume", "tokenizer.json"),
        ("--text {file} --out {file} --steps 1", "text.txt"),
        ("--text {file} --out {out} --steps 1 --device toaster", "--device"),
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


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_damaged_folder_is_named(capsys, tmp_path, file, name):
    run(capsys, "--text", file, "--steps", 1, "--out", tmp_path)
    (tmp_path / name).write_text("[1")
    with pytest.raises(ValueError, match=name):
        load(tmp_path)


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


def test_a_short_stream_begins_again_and_goes_back_to_where_it_was():
    stream = TinyWorld(seed=0).stream(4, n_shards=2)
    windows = StreamedWindows(stream, as_bytes, 2, 64)
    for _ in range(30):
        windows.draw()
    state = windows.state()
    expected = [windows.draw() for _ in range(3)]
    windows.restore(state)
    for inputs, targets in expected:
        again = windows.draw()
        assert torch.equal(again[0], inputs)
        assert torch.equal(again[1], targets)


def test_more_rows_than_documents_are_refused():
    windows = StreamedWindows(TinyWorld(seed=0).stream(2, n_shards=4), lambda text: [0] * 100, 4, 8)
    with pytest.raises(ValueError, match="found no document"):
        windows.draw()


def test_a_corpus_without_a_validation_split_is_refused(monkeypatch):
    monkeypatch.setattr("course_utils.corpora.load", lambda name: {"train": []})
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
        out, err = process.communicate(timeout=150)
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
    deadline = time.monotonic() + 100
    while not (tmp_path / "out" / FILE_NAME).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    result = json.loads(out.splitlines()[-1])
    assert process.returncode == 0
    assert f"stopped at step {result['steps']}" in err
    assert (result["finished"], result["val_loss_nats"]) == (False, None)
    steps = result["steps"] + 5
    for out_directory, more in ((tmp_path / "out", ("--resume",)), (tmp_path / "whole", ())):
        process = command(file, out_directory, "--steps", str(steps), *settings, *more)
        assert process.communicate(timeout=100)
    assert losses(tmp_path / "out") == losses(tmp_path / "whole")
