"""ARPA files: a back-off model as text, the format that KenLM, SRILM and others read and write.

`\\data\\` and the number of n-grams of each order, then one section per order with a line for each n-gram: log10 of its
probability, its words, and log10 of its back-off weight; then `\\end\\`.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_utils.files import write_atomically
from course_utils.ngram.counting import find
from course_utils.ngram.lookup import BackoffTables
from course_utils.ngram.vocabulary import MARKERS, START, UNKNOWN, Vocabulary

LOG_ZERO = -99.0  # what SRILM writes for the logarithm of 0
HIGHEST_WEIGHT = 99.0  # log10; beyond it a product of weights might be more than a float holds
UNKNOWN_IN_CAPITALS = "<UNK>"  # some tools write <unk> so; KenLM reads both, and knows no other spelling of a marker


def write_arpa(path: str | Path, vocabulary: Vocabulary, tables: BackoffTables) -> None:
    """Write a back-off model, all or nothing.

    Args:
        path: the file.
        vocabulary: the words.
        tables: the model.

    Raises:
        ValueError: a word is empty or holds white space, which separates the columns; or it is `<UNK>`, which readers
            take for `<unk>`.
        OSError: the file can't be written.
    """
    if UNKNOWN_IN_CAPITALS in vocabulary:
        raise ValueError(
            f"the word {UNKNOWN_IN_CAPITALS!r} can't be written to an ARPA file, whose readers take it for '<unk>': "
            "write it as '<unk>' in the training text, where it counts as any unknown word, or in another way"
        )
    for word in vocabulary.words:
        if not word or any(character.isspace() for character in word):
            raise ValueError(
                f"the word {word!r} can't be written to an ARPA file, where white space separates columns: "
                'train on words without it, for instance with " " written as "▁"'
            )
    lines = ["\\data\\", *(f"ngram {n}={len(keys)}" for n, keys in enumerate(tables.keys, start=1))]
    texts = [""]
    for n, (keys, probs) in enumerate(zip(tables.keys, tables.probs, strict=True), start=1):
        contexts, words = np.divmod(keys, tables.n_words)
        last = map(vocabulary.words.__getitem__, words.tolist())
        texts = [f"{texts[c]} {w}" if n > 1 else w for c, w in zip(contexts.tolist(), last, strict=True)]
        lines += ["", f"\\{n}-grams:"]
        logs = np.minimum(_log10(probs), 0.0).tolist()  # rounding may exceed 1
        if n < tables.order:
            weights = _log10(tables.backoffs[n - 1]).tolist()  # a weight may well exceed 1
            lines += [f"{p:.12g}\t{t}\t{b:.12g}" for p, t, b in zip(logs, texts, weights, strict=True)]
        else:
            lines += [f"{p:.12g}\t{t}" for p, t in zip(logs, texts, strict=True)]
    lines += ["", "\\end\\", ""]
    write_atomically(path, "\n".join(lines).encode())


def read_arpa(path: str | Path) -> tuple[Vocabulary, BackoffTables]:
    """Read any valid ARPA file.

    A missing back-off weight is 1; `<unk>`, which may be written `<UNK>`, has probability 0 if the file lacks it.

    Raises:
        ValueError: the file isn't valid; the message names the line and what was expected there.
        OSError: the file can't be read.
    """
    lines = _Lines(path)
    sizes = _read_sizes(lines)
    unigrams = _read_section(lines, 1, sizes[0], highest=len(sizes) == 1)
    vocabulary = Vocabulary(unigrams.words)
    _refuse_without_markers(path, unigrams.words)
    V = len(vocabulary)
    ids = np.array(vocabulary.ids(unigrams.words), np.int64)  # (N,)
    _refuse_twice(lines, ids, unigrams)
    probs, backoffs = np.zeros(V), np.ones(V)  # what the file doesn't list
    probs[ids], backoffs[ids] = _power10(unigrams.logs), _power10(unigrams.weights)
    probs[START] = 0.0  # files give it 0 or -99; a model never predicts it
    tables = BackoffTables(V, [np.arange(V)], [probs], [backoffs])
    for n, size in enumerate(sizes[1:], start=2):
        section = _read_section(lines, n, size, highest=n == len(sizes))
        keys = _keys(lines, section, n, vocabulary, tables.keys)
        _refuse_twice(lines, keys, section)
        by_key = np.argsort(keys)
        tables.keys.append(keys[by_key])
        tables.probs.append(_power10(section.logs)[by_key])
        tables.backoffs.append(_power10(section.weights)[by_key])
    if lines.line != "\\end\\":
        raise lines.error("\\end\\ after the last n-gram that the header announces")
    tables.backoffs.pop()  # the longest n-grams are nobody's context
    return vocabulary, tables


@dataclass(frozen=True)
class _Section:
    """The n-grams of one order in the order of the file, N of them; words is flat, N * n."""

    numbers: list[int]  # of the lines
    logs: list[float]
    words: list[str]
    weights: list[float]


class _Lines:
    """The lines of a file that aren't blank, and errors that name the current one."""

    def __init__(self, path: str | Path):
        self.path = path
        data = Path(path).read_bytes()
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise self.error("text in UTF-8", data.count(b"\n", 0, error.start) + 1) from None
        numbered = enumerate((line.strip(" \t\r") for line in text.split("\n")), start=1)
        self._rest: Iterator[tuple[int, str]] = ((number, line) for number, line in numbered if line)
        self.number = 0
        self.line: str | None = None

    def next(self) -> str | None:
        """Move to the next line and return it; None at the end of the file."""
        self.number, self.line = next(self._rest, (self.number + 1, None))
        return self.line

    def error(self, expected: str, number: int | None = None) -> ValueError:
        """Return the error for a line, by default the current one."""
        found = ""
        if number is None:
            found = f", found {self.line[:60]!r}" if self.line is not None else ", found the end of the file"
        return ValueError(f"{self.path}, line {number or self.number}: expected {expected}{found}")


def _read_sizes(lines: _Lines) -> list[int]:
    """Read the header; leave the reader on the line after it, and return the number of n-grams of each order."""
    while lines.next() != "\\data\\":
        if lines.line is None:
            raise lines.error("\\data\\ somewhere above: this is not an ARPA file")
    sizes: list[int] = []
    while (match := re.fullmatch(r"ngram\s+(\d+)\s*=\s*(\d+)", lines.next() or "", re.ASCII)) is not None:
        if int(match[1]) != len(sizes) + 1:
            raise lines.error(f"ngram {len(sizes) + 1}=COUNT, the orders one by one")
        sizes.append(int(match[2]))
    if not sizes:
        raise lines.error("ngram 1=COUNT")
    return sizes


def _read_section(lines: _Lines, n: int, size: int, highest: bool) -> _Section:
    """Read the n-grams of one order; leave the reader on the line after them."""
    if lines.line != f"\\{n}-grams:":
        raise lines.error(f"\\{n}-grams: after the {n - 1}-grams" if n > 1 else "\\1-grams: after the counts")
    section = _Section([], [], [], [])
    while (line := lines.next()) is not None and not line.startswith("\\"):
        if len(section.logs) == size:
            raise lines.error(f"{size} {n}-grams, as the header says, got more")
        fields = [field for field in line.replace("\t", " ").split(" ") if field]
        if len(fields) != n + 1 and (highest or len(fields) != n + 2):
            perhaps = "" if highest else " and perhaps a back-off weight"
            raise lines.error(f"a log10 probability, {n} word{'s' * (n > 1)}{perhaps}")
        log = _number(lines, fields[0], "log10 probability")
        if log > 0:
            raise lines.error("a log10 probability of at most 0")
        section.numbers.append(lines.number)
        section.logs.append(log)
        section.words.extend(MARKERS[UNKNOWN] if word == UNKNOWN_IN_CAPITALS else word for word in fields[1 : n + 1])
        weight = _number(lines, fields[-1], "log10 back-off weight") if len(fields) == n + 2 else 0.0
        if weight > HIGHEST_WEIGHT:
            raise lines.error(f"a log10 back-off weight of at most {HIGHEST_WEIGHT:g}")
        section.weights.append(weight)
    if len(section.logs) < size:
        raise lines.error(f"{size} {n}-grams, as the header says, got {len(section.logs)}")
    return section


def _keys(lines: _Lines, section: _Section, n: int, vocabulary: Vocabulary, lower: list[np.ndarray]) -> np.ndarray:
    """Return context * V + word of each n-gram of a section, (N,), in its order."""
    ids = np.array(vocabulary.ids(section.words), np.int64)  # (N * n,)
    for at in np.flatnonzero(ids == UNKNOWN).tolist():
        if section.words[at] not in vocabulary:
            missing = section.words[at]
            raise lines.error(
                f"words that are listed among the 1-grams, but {missing!r} isn't", section.numbers[at // n]
            )
    ids = ids.reshape(-1, n)  # (N, n)
    contexts = ids[:, 0]  # (N,)
    for length in range(2, n):
        contexts = find(lower[length - 1], contexts * len(vocabulary) + ids[:, length - 1])
    if (contexts < 0).any():
        at = int(np.argmax(contexts < 0))
        context = " ".join(section.words[at * n : at * n + n - 1])
        raise lines.error(
            f"the {n - 1}-gram {context!r}, the context of this {n}-gram, listed above", section.numbers[at]
        )
    return contexts * len(vocabulary) + ids[:, -1]


def _number(lines: _Lines, field: str, what: str) -> float:
    try:
        number = float(field)
    except ValueError:
        number = math.nan
    if math.isnan(number) or number == math.inf:
        raise lines.error(f"a number as {what}")
    return number


def _refuse_without_markers(path: str | Path, words: list[str]) -> None:
    if missing := [marker for marker in MARKERS if marker not in words and marker != MARKERS[UNKNOWN]]:
        other = [word for word in words if word.lower() in missing]
        spelling = f", but {' and '.join(other)}: write it in small letters" if other else ""
        raise ValueError(f"{path}: expected {' and '.join(missing)} among the 1-grams, found none{spelling}")


def _refuse_twice(lines: _Lines, keys: np.ndarray, section: _Section) -> None:
    by_key = np.argsort(keys, kind="stable")
    again = np.flatnonzero(np.diff(keys[by_key]) == 0)
    if len(again):
        first, second = (section.numbers[row] for row in by_key[again[0] : again[0] + 2])
        raise lines.error(f"each n-gram once, but this one is on line {first} too", second)


def _log10(values: np.ndarray) -> np.ndarray:
    """Return log10 of probabilities or weights, (N,); of 0 it is -99."""
    return np.log10(values, out=np.full(len(values), LOG_ZERO), where=values > 0) + 0.0  # adding 0 turns -0 into 0


def _power10(logs: list[float]) -> np.ndarray:
    exponents = np.array(logs, float)  # (N,)
    return np.where(exponents <= LOG_ZERO, 0.0, 10.0**exponents)
