"""Inputs and targets: what the model reads, and what it has to say."""

from itertools import chain

from course_utils.exercises.core import Exercise, probes


def inputs_and_targets(rows: list[list[int]], pad_id: int) -> tuple[list[list[int]], list[list[int]]]:
    """Cut a batch of texts into what the model reads and, one token later, what it has to predict.

    Args:
        rows: the token ids of each text, two at least.
        pad_id: fills short inputs on the right; a target that nobody predicts is -100.

    Raises:
        ValueError: a text of fewer than two tokens.
    """
    if shortest := [row for row in rows if len(row) < 2]:
        raise ValueError(
            f"each of rows must hold at least two tokens, one to read and one to predict, got {shortest[0]}"
        )
    longest = max(map(len, rows), default=0)
    inputs = [row[:-1] + [pad_id] * (longest - len(row)) for row in rows]
    targets = [row[1:] + [-100] * (longest - len(row)) for row in rows]
    return inputs, targets


exercise = Exercise(
    inputs_and_targets,
    minutes=15,
    difficulty=2,
    shown="targets are the inputs one token later, and padding is read but never counted.",
    hints=(
        "A text of four tokens gives three pairs: after 1 comes 2, after 2 comes 3, after 3 comes 4. Which token is "
        "never read, which is never predicted?",
        "Of one row: inputs row[:-1], targets row[1:]. A row that is n tokens shorter than the longest gets n more.",
        "[row[:-1] + [pad_id] * (longest - len(row)) for row in rows], and the same for row[1:] with -100. Before "
        "it, raise ValueError if some len(row) < 2. Return both as a tuple.",
    ),
    probes=probes(
        ("one text", [[5, 6, 7]], 0),
        "After 5 comes 6, after 6 comes 7: read 5 6, predict 6 7.",
        ("two texts of one length", [[5, 6, 7], [8, 9, 4]], 0),
        "Each text gives a row of its own.",
        ("texts of different lengths", [[5, 6, 7, 8], [5, 9]], 0),
        "All rows get the length of the longest: pad_id on the right of the inputs, -100 in the targets.",
        ("the shorter text first, another pad_id", [[5, 6], [5, 6, 7]], 9),
        "Look for the longest text first, then fill all others up, with the pad_id that was given.",
        ("a text that holds pad_id", [[0, 6, 0, 7], [0, 8, 0]], 0),
        "Many models pad with their separator. Where it is a real token of the text, it must be learned.",
        ("a text of two tokens", [[3, 4]], 0),
        "Two tokens make one pair: read 3, predict 4.",
        ("a text of one token", [[5, 6, 7], [5]], 0),
        "There is nothing to predict: raise ValueError.",
    ),
    hidden=probes(
        ("three texts of three lengths", [[4, 2], [7, 1, 7, 7, 3], [8, 7, 9]], 7),
        "Shift every text by one and fill it up to the length of the longest.",
        ("a text of no token", [[], [1, 2, 3]], 0),
        "There is nothing to predict: raise ValueError.",
    ),
)

inputs = lambda rows: [row[:-1] for row in rows]
targets = lambda rows: [row[1:] for row in rows]
padded = lambda rows, filler: [row + [filler] * (max(map(len, rows)) - len(row)) for row in rows]
padded_left = lambda rows, filler: [[filler] * (max(map(len, rows)) - len(row)) + row for row in rows]
ignored = lambda rows, pad_id: [[-100 if token == pad_id else token for token in row] for row in rows]

exercise.add_mistakes(
    "targets equal inputs. The model would learn to copy what it reads: shift the targets by one.",
    lambda rows, pad_id: (inputs(rows), inputs(rows)),
    "targets equal inputs. The model would learn to copy what it reads: shift the targets by one.",
    lambda rows, pad_id: (rows, rows),
    "the wrong way round: your model would read a word and predict the one before it.",
    lambda rows, pad_id: (targets(rows), inputs(rows)),
    "you shifted by two. The target is the very next token.",
    lambda rows, pad_id: (inputs(inputs(rows)), targets(targets(rows))),
    "inputs are one longer than targets. The last token of a text has no next one: don't read it.",
    lambda rows, pad_id: (rows, targets(rows)),
    "the last token is read, and nothing is learned from it. Leave it out of the inputs: row[:-1].",
    lambda rows, pad_id: (rows, [[*row[1:], -100] for row in rows]),
    "targets still begin with the first token. Nothing comes before it: leave it out, row[1:].",
    lambda rows, pad_id: (inputs(rows), rows),
    "you rolled the text: after its last token comes its first. That is made up, leave it out.",
    lambda rows, pad_id: (rows, [row[1:] + row[:1] for row in rows]),
    "you joined the texts to one row. Each text is a row of its own.",
    lambda rows, pad_id: inputs_and_targets([[*chain(*rows)]], pad_id),
    "rows and columns are swapped: each text is a row.",
    lambda rows, pad_id: tuple([*map(list, zip(*part, strict=True))] for part in inputs_and_targets(rows, pad_id)),
    "the rows have different lengths, which no tensor can have. Fill the short ones up.",
    lambda rows, pad_id: (inputs(rows), targets(rows)),
    "you cut every text to the shortest. Nothing may get lost: fill the short ones up.",
    lambda rows, pad_id: inputs_and_targets([row[: min(map(len, rows))] for row in rows], pad_id),
    "you padded on the left. Here the text begins the row, padding comes after it.",
    lambda rows, pad_id: (padded_left(inputs(rows), pad_id), padded_left(targets(rows), -100)),
    "padding is a target. The model would learn to predict padding: put -100 there, which isn't counted.",
    lambda rows, pad_id: (padded(inputs(rows), pad_id), padded(targets(rows), pad_id)),
    "-100 among the inputs: no embedding has that number. Inputs are filled with pad_id.",
    lambda rows, pad_id: (padded(inputs(rows), -100), padded(targets(rows), -100)),
    "the two fillers are swapped: pad_id fills the inputs, -100 the targets.",
    lambda rows, pad_id: (padded(inputs(rows), -100), padded(targets(rows), pad_id)),
    "you always pad with 0. Use the argument pad_id.",
    lambda rows, pad_id: inputs_and_targets(rows, 0),
    "every target that equals pad_id became -100, real tokens too. Only what you filled in is ignored.",
    lambda rows, pad_id: (padded(inputs(rows), pad_id), ignored(padded(targets(rows), pad_id), pad_id)),
    "a text of one token has nothing to predict. Raise ValueError and say so.",
    lambda rows, pad_id: (padded(inputs(rows), pad_id), padded(targets(rows), -100)),
    "you dropped the text of one token in silence. Raise ValueError: its author should know.",
    lambda rows, pad_id: inputs_and_targets([row for row in rows if len(row) > 1], pad_id),
)
