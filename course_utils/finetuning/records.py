"""Conversations to learn from: JSON lines in the Hub's usual form, and everything that is wrong with them, by line."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_utils.files import shipped
from course_utils.finetuning.templates import CHATML, ChatTemplate, Message

INSTRUCTIONS = shipped("data/instructions")  # the course's own: train.jsonl and test.jsonl
NAMED = 10  # faults told at once

Record = dict[str, list[Message]]  # messages


def read_records(path: str | Path, template: ChatTemplate = CHATML) -> list[Record]:
    """Return the conversations of a file of JSON lines, `{"messages": [{"role": "user", "content": "..."}, ...]}` each.

    The record on line n has the index n - 1.

    Args:
        path: a UTF-8 file.
        template: the one to be used; the control tokens that it writes may not stand in a message.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds no record, or bad ones: each is named by its line, with its fault and the remedy.
    """
    lines = Path(path).read_bytes().removesuffix(b"\n").split(b"\n")
    if lines == [b""]:
        raise ValueError(f"{path} holds no record: write one JSON object a line")
    records = [_parsed(line) for line in lines]
    faults = {
        number: found if isinstance(found, str) else _fault(found, template)
        for number, found in enumerate(records, start=1)
    }
    _refuse(f"{path}", "line", faults)
    return records


def check_records(records: Sequence[Any], template: ChatTemplate = CHATML) -> None:
    """Refuse bad conversations of a list, such as a data set of the Hub gives; the first is record 1.

    Raises:
        ValueError: the list is empty, or holds bad records: each is named by its number, with its fault and the remedy.
    """
    if len(records) == 0:
        raise ValueError("records are empty: nothing to learn from")
    _refuse("records", "record", {n: _fault(record, template) for n, record in enumerate(records, start=1)})


def _fault(record: Any, template: ChatTemplate = CHATML) -> str | None:
    """Return what is wrong with a record and what to do about it, None if it is right."""
    messages = record.get("messages") if isinstance(record, dict) else None
    if not isinstance(messages, list) or not messages:
        return 'has no list of "messages": write {"messages": [{"role": "user", "content": "..."}, ...]}'
    for number, message in enumerate(messages, start=1):
        fault = fault_of_message(message, template)
        if fault is not None:
            return f"message {number} {fault}"
    roles = [message["role"] for message in messages]
    turns = roles[1:] if roles[0] == "system" else roles
    if not turns or len(turns) % 2 or turns != ["user", "assistant"] * (len(turns) // 2):
        return (
            f"has the roles {', '.join(roles)}: put user and assistant in turn, an answer last, and at most one "
            "system message, first"
        )
    return None


def fault_of_message(message: Any, template: ChatTemplate) -> str | None:
    """Return what is wrong with one message and what to do about it, None if it is right."""
    for field in ("role", "content"):
        if not isinstance(message, dict) or not isinstance(message.get(field), str):
            return f'has no text as its "{field}": add it, or remove the record'
    role, content = message["role"], message["content"]
    if role not in template.turns:
        return f"has the unknown role {role!r:.40}: use one of {', '.join(template.turns)}"
    if not content.strip():
        return f"({role}) is empty: write one, or remove the record"
    if role == "assistant" and content[0].isspace():
        return "(assistant) begins with white space, which the model would learn to write: strip it"
    inside = [control for control in template.controls if control in content]
    if inside:
        return f"({role}) holds {inside[0]!r}, which belongs to the template: write it in other words"
    try:
        content.encode()
    except UnicodeEncodeError as error:
        return f"({role}) holds {content[error.start]!r}, half of a character: remove it"
    return None


def _parsed(line: bytes) -> Any:  # the record, or a string that says why there is none
    if not line.strip():
        return "is empty: remove it"
    try:
        found = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return "is no UTF-8: save the file in UTF-8"
    except json.JSONDecodeError as error:
        return f"is no JSON ({error.msg}, column {error.colno}): write one object a line"
    except ValueError as error:  # a whole number of thousands of digits
        return f"is no JSON ({error}): write one object a line"
    except RecursionError:
        return "is no JSON (brackets within brackets without end): write one object a line"
    return found if isinstance(found, dict) else _fault(found)


def _refuse(where: str, unit: str, faults: dict[int, str | None]) -> None:
    bad = {number: fault for number, fault in faults.items() if fault is not None}
    if bad:
        told = [f"{unit} {number} {fault}" for number, fault in list(bad.items())[:NAMED]]
        more = [f"and {len(bad) - NAMED} more"] if len(bad) > NAMED else []
        raise ValueError(f"{where}: {len(bad)} of {len(faults)} records are bad\n  " + "\n  ".join(told + more))
