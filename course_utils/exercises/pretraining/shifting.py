"""Exercise of notebook 07: what the model reads, and what it has to say."""

from collections.abc import Callable
from itertools import zip_longest

from course_utils.exercises.core import Exercise, Mistake, Probe

IGNORED = -100
Rows = list[list[int]]


def inputs_and_targets(rows: Rows, pad_id: int) -> tuple[Rows, Rows]:
    """Cut a batch of texts into what the model reads and, one token later, what it has to predict.

    Args:
        rows: the token ids of each text, two at least.
        pad_id: fills short inputs on the right; a target that nobody predicts is -100.

    Raises:
        ValueError: a text of fewer than two tokens.
    """
    if shortest := [row for row in rows if len(row) < 2]:
        raise ValueError(f"a text must hold at least two tokens, one to read and one to predict, got {shortest[0]}")
    longest = max(map(len, rows), default=0)
    inputs = [row[:-1] + [pad_id] * (longest - len(row)) for row in rows]
    targets = [row[1:] + [IGNORED] * (longest - len(row)) for row in rows]
    return inputs, targets


def _padded(rows: Rows, filler: int) -> Rows:
    longest = max(map(len, rows), default=0)
    return [row + [filler] * (longest - len(row)) for row in rows]


def _cut(
    first: Callable[[list[int]], list[int]], second: Callable[[list[int]], list[int]]
) -> Callable[[Rows, int], tuple[Rows, Rows]]:
    """Return an answer that cuts each row in another way, and pads as it should."""
    return lambda rows, pad: (_padded(list(map(first, rows)), pad), _padded(list(map(second, rows)), IGNORED))


def _filled(inputs_with: Callable[[int], int], targets_with: Callable[[int], int]) -> Callable:
    """Return an answer that shifts as it should, and pads with something else."""
    return lambda rows, pad: (
        _padded([row[:-1] for row in rows], inputs_with(pad)),
        _padded([row[1:] for row in rows], targets_with(pad)),
    )


def _left(rows: Rows, pad: int) -> tuple[Rows, Rows]:
    longest = max(map(len, rows))
    return (
        [[pad] * (longest - len(row)) + row[:-1] for row in rows],
        [[IGNORED] * (longest - len(row)) + row[1:] for row in rows],
    )


def _to_the_shortest(rows: Rows, pad: int) -> tuple[Rows, Rows]:
    shortest = min(map(len, rows))
    return [row[: shortest - 1] for row in rows], [row[1:shortest] for row in rows]


def _one_row(rows: Rows, pad: int) -> tuple[Rows, Rows]:
    text = [token for row in rows for token in row]
    return [text[:-1]], [text[1:]]


def _transposed(rows: Rows, pad: int) -> tuple[Rows, Rows]:
    inputs, targets = inputs_and_targets.reference(rows, pad)
    return tuple([list(column) for column in zip_longest(*part)] for part in (inputs, targets))


def _pad_id_ignored(rows: Rows, pad: int) -> tuple[Rows, Rows]:
    inputs, targets = inputs_and_targets.reference(rows, pad)
    return inputs, [[IGNORED if token == pad else token for token in row] for row in targets]


inputs_and_targets = Exercise(
    inputs_and_targets,
    shown="targets are the inputs one token later, and padding is read but never counted.",
    hints=(
        "A text of four tokens gives three pairs: after 1 comes 2, after 2 comes 3, after 3 comes 4. Which token is "
        "never read, which is never predicted?",
        "Of one row: inputs row[:-1], targets row[1:]. A row that is n tokens shorter than the longest gets n more.",
        "[row[:-1] + [pad_id] * (longest - len(row)) for row in rows], and the same for row[1:] with -100. Before "
        "it, raise ValueError if some len(row) < 2. Return both as a tuple.",
    ),
    probes=(
        Probe("one text", ([[5, 6, 7]], 0), "After 5 comes 6, after 6 comes 7: read 5 6, predict 6 7."),
        Probe("two texts of one length", ([[5, 6, 7], [8, 9, 4]], 0), "Each text gives a row of its own."),
        Probe(
            "texts of different lengths",
            ([[5, 6, 7, 8], [5, 9]], 0),
            "All rows get the length of the longest: pad_id on the right of the inputs, -100 in the targets.",
        ),
        Probe(
            "the shorter text first, another pad_id",
            ([[5, 6], [5, 6, 7]], 9),
            "Look for the longest text first, then fill all others up, with the pad_id that was given.",
        ),
        Probe(
            "a text that holds pad_id",
            ([[0, 6, 0, 7], [0, 8, 0]], 0),
            "Many models pad with their separator. Where it is a real token of the text, it must be learned.",
        ),
        Probe("a text of two tokens", ([[3, 4]], 0), "Two tokens make one pair: read 3, predict 4."),
        Probe("a text of one token", ([[5, 6, 7], [5]], 0), "There is nothing to predict: raise ValueError."),
    ),
    mistakes=(
        Mistake(
            _cut(lambda row: row[:-1], lambda row: row[:-1]),
            "targets equal inputs. The model would learn to copy what it reads: shift the targets by one.",
        ),
        Mistake(
            _cut(lambda row: row, lambda row: row),
            "targets equal inputs. The model would learn to copy what it reads: shift the targets by one.",
        ),
        Mistake(
            _cut(lambda row: row[1:], lambda row: row[:-1]),
            "the wrong way round: your model would read a word and predict the one before it.",
        ),
        Mistake(
            _cut(lambda row: row[:-2], lambda row: row[2:]),
            "you shifted by two. The target is the very next token.",
        ),
        Mistake(
            _cut(lambda row: row, lambda row: row[1:]),
            "inputs are one longer than targets. The last token of a text has no next one: don't read it.",
        ),
        Mistake(
            _cut(lambda row: row, lambda row: [*row[1:], IGNORED]),
            "the last token is read, and nothing is learned from it. Leave it out of the inputs: row[:-1].",
        ),
        Mistake(
            _cut(lambda row: row[:-1], lambda row: row),
            "targets still begin with the first token. Nothing comes before it: leave it out, row[1:].",
        ),
        Mistake(
            _cut(lambda row: row, lambda row: [*row[1:], *row[:1]]),
            "you rolled the text: after its last token comes its first. That is made up, leave it out.",
        ),
        Mistake(_one_row, "you joined the texts to one row. Each text is a row of its own."),
        Mistake(_transposed, "rows and columns are swapped: each text is a row."),
        Mistake(
            lambda rows, pad: ([row[:-1] for row in rows], [row[1:] for row in rows]),
            "the rows have different lengths, which no tensor can have. Fill the short ones up.",
        ),
        Mistake(_to_the_shortest, "you cut every text to the shortest. Nothing may get lost: fill the short ones up."),
        Mistake(_left, "you padded on the left. Here the text begins the row, padding comes after it."),
        Mistake(
            _filled(lambda pad: pad, lambda pad: pad),
            "padding is a target. The model would learn to predict padding: put -100 there, which isn't counted.",
        ),
        Mistake(
            _filled(lambda pad: IGNORED, lambda pad: IGNORED),
            "-100 among the inputs: no embedding has that number. Inputs are filled with pad_id.",
        ),
        Mistake(
            _filled(lambda pad: IGNORED, lambda pad: pad),
            "the two fillers are swapped: pad_id fills the inputs, -100 the targets.",
        ),
        Mistake(
            _filled(lambda pad: 0, lambda pad: IGNORED),
            "you always pad with 0. Use the argument pad_id.",
        ),
        Mistake(
            _pad_id_ignored,
            "every target that equals pad_id became -100, real tokens too. Only what you filled in is ignored.",
        ),
        Mistake(
            lambda rows, pad: (
                _padded([row[:-1] for row in rows], pad),
                _padded([row[1:] for row in rows], IGNORED),
            ),
            "a text of one token has nothing to predict. Raise ValueError and say so.",
        ),
        Mistake(
            lambda rows, pad: inputs_and_targets.reference([row for row in rows if len(row) > 1], pad),
            "you dropped the text of one token in silence. Raise ValueError: its author should know.",
        ),
    ),
)
