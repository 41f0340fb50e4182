"""Kinds of character, to see on which of them a model is better than another."""

import re
from collections import Counter

import torch
from torch import Tensor

RARE = 10  # a word that the training text has less often
COPY = 50  # characters: a shorter run that both texts have is language, not a copy
KINDS = (
    "headings",
    "names, first letter",
    "names, the rest",
    "common words, first letter",
    "common words, the rest",
    "rare words, first letter",
    "rare words, the rest",
    "new words, first letter",
    "new words, the rest",
    "spaces",
    "ends of lines",
    "digits and marks",
)
HEADING = re.compile(r"^[^\n]{1,40}:$", re.MULTILINE)
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


def kinds_of(text: str, training: str) -> Tensor:
    """Say of what kind each character of a text is.

    A heading is a short line that ends with a colon, as before a speech in a play. A name is a word with a capital that
    the training text writes with one more often than without, and not only where a line begins. Other words are common
    there (10 times or more, whatever their capitals), rare, or new.

    Args:
        text: N characters.
        training: what the models learned from.

    Returns:
        (N,) int64, the numbers of its characters' kinds in `KINDS`.
    """
    written = Counter(WORD.findall(training))
    inside_lines = Counter(re.findall(rf"(?<=[\w,;] )({WORD.pattern})", training))  # where no sentence begins
    folded: Counter[str] = Counter()
    for word, count in written.items():
        folded[word.lower()] += count
    number = {kind: place for place, kind in enumerate(KINDS)}
    kinds = torch.full((len(text),), number["digits and marks"])  # (N,)
    for place, character in enumerate(text):
        if character.isspace():
            kinds[place] = number["ends of lines" if character in "\r\n" else "spaces"]
    for match in WORD.finditer(text):
        word, count = match[0], folded[match[0].lower()]
        if word[0].isupper() and word != "I" and inside_lines[word] > inside_lines[word.lower()]:
            kind = "names"
        else:
            kind = "common words" if count >= RARE else "rare words" if count else "new words"
        kinds[match.start()] = number[f"{kind}, first letter"]
        kinds[match.start() + 1 : match.end()] = number[f"{kind}, the rest"]
    for match in HEADING.finditer(text):
        kinds[match.start() : match.end()] = number["headings"]
    return kinds


def copied(text: str, training: str) -> Tensor:
    """Say which characters of a text stand in a run of `COPY` or more that the training text has too.

    Args:
        text: N characters.
        training: what the models learned from.

    Returns:
        (N,) bool.
    """
    known = {training[start : start + COPY] for start in range(len(training) - COPY + 1)}
    found = torch.zeros(len(text), dtype=torch.bool)
    for start in range(len(text) - COPY + 1):
        if text[start : start + COPY] in known:
            found[start : start + COPY] = True
    return found
