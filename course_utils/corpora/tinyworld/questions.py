"""The question at the end of a document, as a test of what a model has understood."""

import re
from dataclasses import dataclass

from course_utils.corpora.tinyworld.wording import Wording

ANSWER = "\nAnswer: "


@dataclass(frozen=True)
class Question:
    """The document up to its answer, the answer, and everything of the same sort that the story names.

    A reader who knows only what sort of word must come is right with probability 1 / len(candidates).
    """

    prompt: str
    answer: str
    candidates: tuple[str, ...]


def question(text: str, words: Wording) -> Question | None:
    """Return the question of a document, None if it has none or if the story names only one candidate.

    Args:
        text: a document.
        words: the wording of its domain, such as `DOMAINS["town"]`.
    """
    prompt, mark, answer = text.rpartition(ANSWER)
    if not mark:
        return None
    people = [name for name, _ in words.people]
    sorts = ([*people, words.nobody], words.places, words.qualities, words.moods)
    sort = next((sort for sort in sorts if answer in sort), ())
    candidates = tuple(word for word in sort if word == words.nobody or re.search(rf"\b{word}\b", prompt))
    return Question(prompt + mark.rstrip(), answer, candidates) if len(candidates) > 1 else None
