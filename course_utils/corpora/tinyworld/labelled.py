"""tinyworld for supervised learning: texts with classes, instructions with answers, answers of which one is better.

All are made from the documents of a domain, and what is right follows from the grammar.
"""

import random
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import datasets

from course_utils.checks import whole_number
from course_utils.corpora.tinyworld.questions import question
from course_utils.corpora.tinyworld.tasks import TONES
from course_utils.corpora.tinyworld.wording import Wording
from course_utils.corpora.tinyworld.world import DOMAINS, TinyWorld

SENTIMENT, QUESTION, SUMMARY = "\nSentiment: ", "\nQuestion: ", "\ntl;dr: "
ENDLESS = 10**9  # documents to look through


def reviews(n: int, seed: int, domain: str = "town") -> datasets.Dataset:
    """Return reviews without the line that says what they are, and what they are.

    Args:
        n: how many.
        seed, domain: of the `TinyWorld` whose documents they are; 0, 1 and 2 are the seeds of the shipped splits.

    Returns:
        Columns text, and label: 0 is positive and 1 negative.

    Raises:
        ValueError: n is no whole number or < 1, or as `TinyWorld`.
    """
    found = (
        {"text": text, "label": TONES.index(tone)}
        for text, mark, tone in (text.rpartition(SENTIMENT) for text in _texts(seed, domain))
        if mark
    )
    return _first(n, found)


def instructions(n: int, seed: int, domain: str = "town") -> datasets.Dataset:
    """Return instructions with the answers that follow from their text: a story and a question, a review, a summary.

    All is said in one line, and answered in a short whole sentence, where the documents have lines with labels.

    Args:
        n, seed, domain: as in `reviews`.

    Returns:
        Columns messages, a list of {role, content} with the user's and the assistant's; and task: "question",
        "sentiment" or "summary".

    Raises:
        ValueError: as `reviews`.
    """
    asked = (_instruction(text, DOMAINS[domain]) for text in _texts(seed, domain))
    found = (
        {"messages": _messages("user", one.prompt) + _messages("assistant", one.answer), "task": one.task}
        for one in asked
        if one
    )
    return _first(n, found)


def preferences(n: int, seed: int, domain: str = "town") -> datasets.Dataset:
    """Return a question on a story, the right answer, and a wrong one that names something else of the story.

    Args:
        n, seed, domain: as in `reviews`.

    Returns:
        Columns prompt, chosen and rejected, each a list of one {role, content}: the user's, and the assistant's two.

    Raises:
        ValueError: as `reviews`.
    """
    return _first(n, _pairs(seed, domain))


class Instruction(NamedTuple):
    """What is asked, the answer, and the kind of task."""

    prompt: str
    answer: str
    task: str


def _texts(seed: int, domain: str) -> Iterator[str]:
    return (row["text"] for row in TinyWorld(seed, domain).stream(ENDLESS))


def _first(n: int, rows: Iterator[dict]) -> datasets.Dataset:
    return datasets.Dataset.from_list(list(islice(rows, whole_number("n", n, least=1))))


def _messages(role: str, content: str) -> list[dict[str, str]]:
    return [{"role": role, "content": content}]


def _pairs(seed: int, domain: str) -> Iterator[dict]:
    texts = _texts(seed, domain)
    words = DOMAINS[domain]
    for number, text in enumerate(texts):
        asked, right = question(text, words), _instruction(text, words)
        if asked and right:
            others = [candidate for candidate in asked.candidates if candidate != asked.answer]
            wrong = random.Random(f"preference {domain} {seed} {number}").choice(others)
            told = _instruction(text.removesuffix(asked.answer) + wrong, words)
            assert told  # the same question
            yield {
                "prompt": _messages("user", right.prompt),
                "chosen": _messages("assistant", right.answer),
                "rejected": _messages("assistant", told.answer),
            }


def _instruction(text: str, words: Wording) -> Instruction | None:
    """Return the task of a document as an instruction, None if it has none."""
    review, mark, tone = text.rpartition(SENTIMENT)
    if mark:
        return Instruction(f"{review} Is this review positive or negative?", f"The review is {tone}.", "sentiment")
    story, mark, summary = text.rpartition(SUMMARY)
    if mark:  # of two things the summary tells one: ask for that
        thing = next(thing for thing in words.things if re.search(rf"\b{thing}\b", summary))
        return Instruction(f"{story} What became of the {thing}?", summary, "summary")
    story, mark, rest = text.rpartition(QUESTION)
    if mark:
        asks, _, answer = rest.partition("\nAnswer: ")
        return Instruction(f"{story} {asks}", _sentence(asks, answer, words), "question")
    return None


def _sentence(asks: str, answer: str, words: Wording) -> str:
    """Return the answer to a question as a sentence: "Who has the kite?" and "nobody" make "Nobody has the kite."."""
    for template, said, gap in (
        (words.who, words.who_said, "y"),
        (words.where, words.where_said, "place"),
        (words.where_person, words.where_person_said, "place"),  # after things, for its gap takes any name
        (words.which, words.which_said, "quality"),
        (words.how, words.how_said, "mood"),
    ):
        pattern = re.escape(template).replace(r"\{thing\}", "(?P<thing>.+)").replace(r"\{y\}", "(?P<y>.+)")
        match = re.fullmatch(pattern, asks)
        if match:
            sentence = said.format(**match.groupdict(), **{gap: answer})
            return sentence[0].upper() + sentence[1:]
    raise ValueError(f"no question of this domain: {asks!r}")
