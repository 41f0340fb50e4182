"""A test of a writer that would have caught a real bug: a limit on the whole text cut the beginning."""

from collections.abc import Callable

from course_utils.exercises.core import Exercise, probes
from course_utils.exercises.start.write_on import followed, write_on

ROUND = {"on": {"and": 1.0}, "and": {"on": 0.8, "off": 0.2}, "say": {"the": 0.4, "end": 0.6}}


def writes_right(write: Callable[..., list[str]]) -> bool:
    """Say whether write(next_probs, words, new) does what exercise 4 asks for."""
    long = ["on", "and"] * 50
    cases = (  # a beginning, how many words to add, and what must come out
        (["on"], 0, ["on"]),
        (["say", "on"], 3, ["say", "on", "and", "on", "and"]),  # the last word decides
        (["say"], 5, ["say", "end"]),  # nothing follows “end”
        (long, 3, [*long, "on", "and", "on"]),  # a long beginning stays whole
    )
    for words, new, text in cases:
        given = list(words)
        if write(ROUND, given, new) != text or given != words:
            return False
    return True


LIMIT = 12  # words


def version_a(next_probs, words, new):
    return write_on(next_probs, words, new)


def version_b(next_probs, words, new):  # rust-bert's
    return write_on(next_probs, words[:LIMIT], new)


def version_c(next_probs, words, new):  # as in transformers: the limit counts the beginning
    return write_on(next_probs, words, max(0, min(new, LIMIT - len(words))))


def version_d(next_probs, words, new):
    return write_on(next_probs, words, new + 1)


def version_e(next_probs, words, new):
    words[:] = write_on(next_probs, words, new)
    return words


def version_f(next_probs, words, new):
    return followed(next_probs, words, new, follows=lambda text: text[0])


def version_g(next_probs, words, new):
    if new == 0 or words[-1] not in next_probs:
        return list(words)
    return version_g(next_probs, write_on(next_probs, words, 1), new - 1)


exercise = Exercise(
    writes_right,
    minutes=15,
    difficulty=2,
    shown="your test lets every right version pass and catches the broken ones, also those of two real libraries.",
    hints=(
        "Call write on a table so small that you know the text in advance, and compare. Which beginnings went wrong?",
        "Only long beginnings did. Use one of a hundred words, such as ['on', 'and'] * 50, and compare the whole text.",
        "Keep a copy of the beginning and compare it afterwards. Try new = 0 and a beginning of two words as well.",
    ),
    probes=probes(
        ("a right version", version_a),
        "This version is right: which of your cases asks for something else?",
        ("a version that adds nothing", lambda next_probs, words, new: list(words)),
        "This version returns the beginning as it is: try new = 1.",
        ("the version of the thread", version_b),
        "This version loses the end of a long beginning: try one of a hundred words and compare the whole text.",
        ("a right version in another way", version_g),
        "This version is right too. Ask for nothing that exercise 4 doesn't ask for.",
        ("a version whose limit counts the beginning", version_c),
        "This version adds nothing to a long beginning: compare the whole text.",
        ("a version that adds one word too many", version_d),
        "This version adds one word more than asked for: compare the whole text.",
        ("a version that changes the list it is given", version_e),
        "This version writes into the beginning that it is given: compare that with a copy made before.",
    ),
    hidden=probes(
        ("another broken version", version_f),
        "The last word decides what comes next: try a beginning of two different words.",
        ("another right version", lambda next_probs, words, new: followed(next_probs, words, new)),
        "Ask for nothing that exercise 4 doesn't ask for.",
    ),
)

ring = lambda new: (["on", "and"] * (new + 1))[: new + 1]  # what must follow “on”
no_to_right = (
    "your test says no to a right version. True means right: is it turned round, or does one of its cases fail?"
)
never_seen = "this version loses words of a long beginning. Try one of a hundred words, and compare the whole text."

exercise.add_mistakes(
    no_to_right,
    lambda write: not writes_right(write),
    no_to_right,
    lambda write: False,
    "your test lets a version pass that adds nothing. Ask for at least one new word.",
    lambda write: True,
    never_seen,
    lambda write: write(ROUND, ["on"], 3) == ring(3),
    never_seen,
    lambda write: write(ROUND, ["on", "and"] * 50, 3)[-3:] == ["on", "and", "on"],
    never_seen,
    lambda write: write(ROUND, ["on"] * 100, 3)[-3:] == ["and", "on", "and"],
    "your test compares the text alone. This version writes into the list it is given: keep a copy to compare.",
    lambda write: write(ROUND, ["on"] * 100, 3) == ["on"] * 99 + ring(3),
)
