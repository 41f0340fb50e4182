"""The leaderboard: what it takes, what it refuses and why, and the kinds of character."""

import json
import math

import pytest
import torch

from course_utils import evaluation
from course_utils.ladder import CountedLM, Mixture
from course_utils.ladder.enter import main
from course_utils.ladder.kinds import COPY, KINDS, copied, kinds_of
from course_utils.ladder.leaderboard import Judgement, NotAProbabilityError, enter, judge
from course_utils.transformer import DecoderLM, TransformerConfig

V, T, STRIDE = 5, 8, 2
IDS = torch.tensor([int(2 + 2 * math.sin(i * i)) for i in range(200)])  # (200,) 0 .. 3
UNIFORM = """
import math, torch

def build(train_ids, vocab_size):
    return lambda ids: torch.full((*ids.shape, vocab_size), -math.log(vocab_size))
"""
WORSE = """
import math, torch


def build(train_ids, vocab_size):
    def model(ids):
        answer = torch.full((*ids.shape, vocab_size), math.log(15 / 16 / (vocab_size - 1)))
        return answer.scatter(-1, ((ids + 1) % vocab_size)[..., None], math.log(1 / 16))  # what really comes

    return model
"""
SCORES = UNIFORM.replace("-math.log(vocab_size)", "-0.1")


def uniform(ids):
    return torch.full((*ids.shape, V), -math.log(V))


def test_uniform_guessing_is_judged_at_ln_v():
    nats, tokens, error = judge(uniform, IDS, T, STRIDE)
    assert tokens == 199
    assert nats / tokens == pytest.approx(math.log(V), abs=1e-6)
    assert error < 1e-6


def test_the_judge_agrees_with_evaluation_about_a_mixture():
    torch.manual_seed(0)
    learned = DecoderLM(TransformerConfig(V, 16, 1, 2, 2, 32, T)).eval()
    mixture = Mixture(CountedLM.fit(IDS[:100], V, 3), learned, 0.5)
    nats, tokens, _ = judge(mixture, IDS[100:], T, STRIDE)
    expected, count = evaluation.total_nats(mixture, IDS[100:], T, STRIDE)
    assert (nats, tokens) == (pytest.approx(expected), count)


def looks_ahead(ids):
    following = torch.cat([ids[:, 1:], ids[:, :1]], dim=1)
    return (torch.nn.functional.one_hot(following, V) * 9.0).log_softmax(dim=-1)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda ids: uniform(ids) + 2.5, "sum to 12.18"),
        (lambda ids: uniform(ids) - 1e-4, "sum to 0.9999"),
        (lambda ids: uniform(ids) * math.nan, "hold nan, which is no number"),
        (lambda ids: uniform(ids).exp(), "are probabilities: give their logarithms"),
        (lambda ids: torch.zeros(*ids.shape, V), "sum to 5"),
        (looks_ahead, "looks ahead"),
    ],
)
def test_what_is_no_probability_is_refused(model, message):
    with pytest.raises(NotAProbabilityError, match=message):
        judge(model, IDS, T, STRIDE)


def peeks_in_the_second_half(ids):
    answer = looks_ahead(ids)
    answer[:, : ids.shape[1] // 2] = -math.log(V)
    return answer


def reads_the_next_row(ids):  # windows overlap: what follows in one stands in the next
    answer = uniform(ids)
    answer[:-1, -STRIDE - 1 : -1] = looks_ahead(ids)[1:, -2 * STRIDE - 1 : -STRIDE - 1]
    return answer


def remembers():  # a window that it has seen whole, it answers whole the next time, asked alone or not
    seen = {}

    def model(ids):
        for row in ids.tolist():
            for place in range(3, len(row)):
                seen[tuple(row[place - 3 : place])] = row[place]
        answer = uniform(ids)
        for b, row in enumerate(ids.tolist()):
            for place in range(2, len(row) - 1):
                following = torch.tensor(seen.get(tuple(row[place - 2 : place + 1]), 0))
                answer[b, place] = (torch.nn.functional.one_hot(following, V) * 9.0).log_softmax(dim=-1)
        return answer

    return model


@pytest.mark.parametrize("model", [peeks_in_the_second_half, reads_the_next_row, remembers()])
def test_a_hidden_way_to_look_ahead_is_found(model):
    with pytest.raises(NotAProbabilityError, match="looks ahead"):
        judge(model, IDS.repeat(10), T, STRIDE)


def test_a_sum_that_is_wrong_at_a_single_place_late_in_the_text_is_found():
    def almost(ids):
        answer = uniform(ids)
        answer[ids == 4] += 0.1
        return answer

    ids = torch.cat([IDS, torch.tensor([4, 0])])
    judge(almost, IDS, T, STRIDE)
    with pytest.raises(NotAProbabilityError, match=r"4\] the 5 answers"):
        judge(almost, ids, T, STRIDE)


def test_an_answer_of_another_shape_is_told_its_shape():
    with pytest.raises(ValueError, match=r"\(\d+, 8\) token ids with a tensor of shape \(\d+, 5\)"):
        judge(lambda ids: uniform(ids)[:, -1], IDS, T, STRIDE)


def test_a_model_of_too_few_tokens_is_told_so():
    with pytest.raises(ValueError, match="gives 3 answers at each place, the text has more token ids"):
        judge(lambda ids: torch.full((*ids.shape, 3), -math.log(3)), IDS, T, STRIDE)


def test_the_best_comes_first_and_of_one_name_the_better_stays(tmp_path):
    board, text = tmp_path / "board.json", "äb"  # three bytes
    enter(board, "Ada", Judgement(3 * math.log(2), 2, 0.0), text, 1.0)
    enter(board, "Bob", Judgement(6 * math.log(2), 2, 0.0), text, 1.0)
    entries = enter(board, "Bob", Judgement(1.5 * math.log(2), 2, 0.0), text, 1.0)
    assert [(e["name"], e["bits_per_byte"]) for e in entries] == [("Bob", 0.5), ("Ada", 1.0)]
    assert enter(board, "Ada", Judgement(30.0, 2, 0.0), text, 1.0) == entries
    assert json.loads(board.read_text())["entries"] == entries


@pytest.mark.parametrize("content", ["[]", "no JSON", '{"entries": []}', '{"text_sha256": "", "entries": [{}]}'])
def test_a_file_that_is_no_board_stays_as_it_was(tmp_path, content):
    board = tmp_path / "board.json"
    board.write_text(content)
    with pytest.raises(ValueError, match=r"board\.json is (there already|the leaderboard)"):
        enter(board, "Ada", Judgement(1.0, 1, 0.0), "a", 1.0)
    assert board.read_text() == content


def test_a_board_belongs_to_one_text(tmp_path):
    enter(tmp_path / "board.json", "Ada", Judgement(1.0, 1, 0.0), "a", 1.0)
    with pytest.raises(ValueError, match="of another text"):
        enter(tmp_path / "board.json", "Ada", Judgement(0.5, 1, 0.0), "b", 1.0)


def test_what_a_board_cannot_hold_is_refused(tmp_path):
    with pytest.raises(ValueError, match="name is empty"):
        enter(tmp_path / "board.json", " ", Judgement(1.0, 1, 0.0), "a", 1.0)
    with pytest.raises(ValueError, match="infinitely many bits"):
        enter(tmp_path / "board.json", "Ada", Judgement(math.inf, 1, 0.0), "a", 1.0)
    assert not (tmp_path / "board.json").exists()


def command(tmp_path, model, *options):
    (tmp_path / "model.py").write_text(model)
    (tmp_path / "text.txt").write_text("abcdefgh" * 100)
    named = {"--model": "model.py", "--text": "text.txt", "--board": "board.json"}
    main(["--name", "Ada", *(str(word) for key, file in named.items() for word in (key, tmp_path / file)), *options])


def test_the_command_enters_a_model(tmp_path, capsys):
    command(tmp_path, UNIFORM)
    assert capsys.readouterr().out.splitlines()[1].split()[0] == "3.0000"  # of eight characters
    command(tmp_path, UNIFORM, "--name", "Bob")
    assert [entry["name"] for entry in json.loads((tmp_path / "board.json").read_text())["entries"]] == ["Ada", "Bob"]


def test_a_worse_entry_is_told_its_own_score(tmp_path, capsys):
    command(tmp_path, UNIFORM)
    better = json.loads((tmp_path / "board.json").read_text())
    command(tmp_path, WORSE)
    out = capsys.readouterr().out
    assert "this entry of Ada: 4.0000 bits per byte; the earlier one is better and stays" in out
    assert json.loads((tmp_path / "board.json").read_text()) == better


def test_the_command_refuses_scores_and_leaves_the_board(tmp_path):
    command(tmp_path, UNIFORM)
    before = (tmp_path / "board.json").read_bytes()
    with pytest.raises(SystemExit, match=r"refused: .* sum to 7\.2"):
        command(tmp_path, SCORES)
    assert (tmp_path / "board.json").read_bytes() == before


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("x = 1", r"model\.py must define build\(train_ids, vocab_size\)"),
        ("def build(:", r"model\.py: SyntaxError"),
        ("def build(ids, n):\n    return 1 / 0", r"model\.py, line 2: ZeroDivisionError"),
        ("def build(ids, n):\n    pass", r"model\.py: build returned a NoneType; it must return the model"),
        ("def build(ids, n):\n    return lambda ids:\\\n        ids.nothing", r"model\.py, line 3: AttributeError"),
    ],
)
def test_the_command_says_what_is_wrong_with_a_model_file(tmp_path, model, message):
    with pytest.raises(SystemExit, match=message):
        command(tmp_path, model)
    assert not (tmp_path / "board.json").exists()


def test_the_command_says_that_there_is_no_model_file(tmp_path, capsys):
    with pytest.raises(SystemExit):
        command(tmp_path, UNIFORM, "--model", str(tmp_path / "mine.py"))
    assert "mine.py is no file: give a Python file that defines build" in capsys.readouterr().err


def test_the_command_refuses_a_text_that_cannot_be_cut(tmp_path, capsys):
    (tmp_path / "short.txt").write_text("abc")
    with pytest.raises(SystemExit):
        command(tmp_path, UNIFORM, "--text", str(tmp_path / "short.txt"))
    assert "too short" in capsys.readouterr().err


def test_every_character_has_the_kind_that_a_reader_would_say():
    training = "ROMEO:\nMy lord, good Kate is here, and Kate is good. " + "the " * 10
    text = "KATE:\nThe good Kate, 3 zebras"
    kinds = [KINDS[number] for number in kinds_of(text, training)]
    assert kinds[:5] == ["headings"] * 5
    assert kinds[5] == "ends of lines"
    assert kinds[6:9] == ["common words, first letter", *["common words, the rest"] * 2]
    assert kinds[9] == "spaces"
    assert kinds[10:14] == ["rare words, first letter", *["rare words, the rest"] * 3]
    assert kinds[15:19] == ["names, first letter", *["names, the rest"] * 3]
    assert kinds[19] == kinds[21] == "digits and marks"
    assert kinds[23:] == ["new words, first letter", *["new words, the rest"] * 5]


def test_a_copy_is_a_long_run_that_training_has_too():
    sentence = "The sun was low, and nobody had yet thought of a lamp."
    assert len(sentence) > COPY
    found = copied(f"Yes: {sentence} No.", f"{sentence[:20]} But: {sentence}")
    assert found.tolist() == [False] * 3 + [True] * (2 + len(sentence)) + [False] * 4  # ": " is in both
    assert not copied(f"Yes: {sentence[: COPY - 3]}!", f"{sentence[:20]} But: {sentence}").any()
    assert not copied("short", "short").any()
