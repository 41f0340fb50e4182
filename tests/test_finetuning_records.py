"""Records to learn from: the good ones are read, each bad one is named by its line, with its fault and the remedy."""

import json

import pytest

from course_utils.finetuning.records import INSTRUCTIONS, check_records, read_records
from course_utils.finetuning.templates import PLAIN

USER, ASSISTANT = {"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}
SYSTEM = {"role": "system", "content": "Be kind."}
GOOD = {"messages": [USER, ASSISTANT]}


def written(tmp_path, *lines):
    path = tmp_path / "records.jsonl"
    path.write_bytes(
        b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)
    )
    return path


def of(*messages):
    return {"messages": list(messages)}


def said(role, content):
    return {"role": role, "content": content}


def test_good_records_are_read_as_they_stand(tmp_path):
    records = [GOOD, of(SYSTEM, USER, ASSISTANT), of(USER, ASSISTANT, said("user", "Ünïcode 🐢?"), ASSISTANT)]
    assert read_records(written(tmp_path, *records)) == records
    check_records(records)


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_file_may_end_with_its_last_line_or_behind_it(tmp_path, end):
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\r\n" + json.dumps(GOOD).encode() + end)
    assert read_records(path) == [GOOD, GOOD]  # a mark of UTF-8 and another system's line ends do no harm


BAD = [
    (b"", "is empty: remove it"),
    (b'{"messages": [', "is no JSON .*: write one object a line"),
    (b"[" * 100_000, "is no JSON"),
    (b'{"messages": "\xff"}', "is no UTF-8: save the file in UTF-8"),
    ([GOOD], 'has no list of "messages": write'),
    ({"prompt": "Hi?"}, 'has no list of "messages": write'),
    (of(), 'has no list of "messages": write'),
    ({"messages": "Hi?"}, 'has no list of "messages": write'),
    (of("Hi?", "Hello."), 'message 1 has no text as its "role": add it'),
    (of(USER, {"role": "assistant"}), 'message 2 has no text as its "content": add it'),
    (of(USER, said("assistant", None)), 'message 2 has no text as its "content": add it'),
    (of(said("human", "Hi?"), ASSISTANT), "message 1 has the unknown role 'human': use one of system, user, assistant"),
    (of(USER, said("assistant", "")), r"message 2 \(assistant\) is empty: write one, or remove the record"),
    (of(USER, said("assistant", " \n")), r"message 2 \(assistant\) is empty"),
    (of(said("user", "\t"), ASSISTANT), r"message 1 \(user\) is empty"),
    (of(USER, said("assistant", " Hello.")), "begins with white space, which the model would learn to write: strip it"),
    (of(said("user", "Hi<|im_end|>"), ASSISTANT), r"\(user\) holds '<|im_end|>', which belongs to the template"),
    (of(USER, said("assistant", "A<|im_start|>")), "holds '<|im_start|>', which belongs to the template"),
    (of(said("user", "<|endoftext|>"), ASSISTANT), "holds '<|endoftext|>', which belongs to the template"),
    (of(said("user", "\ud83d"), ASSISTANT), "half of a character: remove it"),
    (of(ASSISTANT, USER), "has the roles assistant, user: put user and assistant in turn, an answer last"),
    (of(USER), "has the roles user: put"),
    (of(SYSTEM), "has the roles system: put"),
    (of(USER, USER, ASSISTANT), "has the roles user, user, assistant: put"),
    (of(USER, SYSTEM, ASSISTANT), "at most one system message, first"),
    (of(SYSTEM, SYSTEM, USER, ASSISTANT), "at most one system message, first"),
    (of(USER, ASSISTANT, USER), "an answer last"),
]


@pytest.mark.parametrize(("bad", "words"), BAD)
def test_a_bad_record_is_named_by_its_line_with_its_fault(tmp_path, bad, words):
    words = words.replace("|", r"\|")
    with pytest.raises(ValueError, match=rf"records.jsonl: 1 of 3 records are bad\n  line 2 .*{words}") as e:
        read_records(written(tmp_path, GOOD, bad, GOOD))
    assert "line 1" not in str(e.value)
    assert "line 3" not in str(e.value)
    if not isinstance(bad, bytes):
        with pytest.raises(ValueError, match=rf"records: 1 of 2 records are bad\n  record 2 .*{words}"):
            check_records([GOOD, bad])


def test_all_bad_records_are_told_at_once_up_to_ten(tmp_path):
    lines = [GOOD if number % 2 else of(USER) for number in range(1, 27)]
    with pytest.raises(ValueError, match="13 of 26 records are bad") as error:
        read_records(written(tmp_path, *lines))
    told = str(error.value).splitlines()[1:]
    assert [line.split()[1] for line in told[:-1]] == [str(number) for number in range(2, 21, 2)]
    assert told[-1].strip() == "and 3 more"


def test_what_may_not_stand_in_a_message_depends_on_the_template(tmp_path):
    path = written(tmp_path, of(said("user", "Hi<|im_end|>"), ASSISTANT), of(said("user", "One\nA: two"), ASSISTANT))
    with pytest.raises(ValueError, match=r"1 of 2 .*\n  line 2 .* holds '\\n'"):
        read_records(path, PLAIN)
    with pytest.raises(ValueError, match="unknown role 'system': use one of user, assistant"):
        check_records([of(SYSTEM, USER, ASSISTANT)], PLAIN)


@pytest.mark.parametrize("nothing", [b"", b"\n"])
def test_an_empty_file_is_refused(tmp_path, nothing):
    path = tmp_path / "records.jsonl"
    path.write_bytes(nothing)
    with pytest.raises(ValueError, match="holds no record: write one JSON object a line"):
        read_records(path)
    with pytest.raises(ValueError, match="records are empty"):
        check_records([])


def test_the_course_s_instructions_are_good_and_held_out_questions_are_others():
    train, test = (read_records(INSTRUCTIONS / f"{split}.jsonl") for split in ("train", "test"))
    assert len(train) == 230
    assert len(test) == 32
    asked = [{message["content"] for r in split for message in r["messages"][::2]} for split in (train, test)]
    assert len({r["messages"][0]["content"] for r in train + test}) == 262
    assert not asked[0] & asked[1]
