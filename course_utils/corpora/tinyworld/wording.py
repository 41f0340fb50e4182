"""What a domain must say: its words, and its sentences with gaps for them."""

from collections.abc import Sequence
from dataclasses import dataclass

from course_utils.corpora.tinyworld.grammar import Option


@dataclass(frozen=True)
class Subject:
    """Something to review: what two persons did (a place follows), and aspect -> (praise, blame)."""

    did: str
    aspects: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]


@dataclass(frozen=True)
class Wording:
    """The words and sentences of one domain; every tuple is ordered from common to rare.

    Gaps of the sentences: {x} a person who acts, {X} the same or a pronoun, {y} and {z} other persons, {thing},
    {place}, {topic}, {mood}, {quality}.
    """

    # words
    people: tuple[tuple[str, str], ...]  # name, pronoun
    places: tuple[str, ...]
    things: tuple[str, ...]
    qualities: tuple[str, ...]
    moods: tuple[str, ...]
    topics: tuple[str, ...]
    times: tuple[str, ...]
    # the beginning of a story
    meetings: tuple[tuple[str, str], ...]  # between the first two names; between the second and their place
    elsewhere: str  # {y}, {place}
    owns: str  # ends where quality and thing follow
    # what happens
    give: tuple[str, ...]
    ask: str
    granted: str
    refused: str
    show: tuple[str, ...]
    swap: str
    put_down: tuple[str, ...]
    pick_up: tuple[str, ...]
    go: tuple[str, ...]
    alone: str  # after «go»: nobody is there
    one_there: str
    two_there: str
    talk: str  # ends where the topic follows
    feel: str  # ends where the mood follows
    # questions and their answers, and the summary
    who: str
    nobody: str
    where: str
    where_person: str
    which: str
    how: str
    who_said: str  # the five answers as whole sentences
    where_said: str
    where_person_said: str
    which_said: str
    how_said: str
    held_by_person: str
    left_at_place: str
    # reviews
    subjects: tuple[Subject, ...]
    aspect: str  # {aspect}; ends where the verdict follows
    degrees: tuple[str, ...]  # before the verdict
    recommended: tuple[str, ...]  # {x}
    advised_against: tuple[str, ...]


def ranked(values: Sequence[str]) -> list[tuple[float, str]]:
    """Weigh values by rank, 1 / (rank + 4): common and rare words, as in natural text (Mandelbrot 1953)."""
    return [(1 / (rank + 4), value) for rank, value in enumerate(values, start=1)]


def words_for(fact: str, values: Sequence[str], without: Sequence[str] = (), after: str = "") -> list[Option]:
    """Options that write one of the values and keep it as a fact; `after` is written behind it."""
    return [
        Option(weight, f"{{{fact}}}{after}", {fact: value}) for weight, value in ranked(values) if value not in without
    ]
