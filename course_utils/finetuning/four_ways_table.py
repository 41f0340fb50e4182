"""The shipped result of `course_utils.finetuning.four_ways` as a table: one row for each way, over its seeds."""

import json
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from course_utils.files import shipped

RESULT = shipped("data/finetuning/four_ways.jsonl")


class Spread(NamedTuple):
    """A number that differs from seed to seed."""

    mean: float
    lowest: float
    highest: float

    def __str__(self) -> str:
        digits = max(0, 3 - len(str(int(self.mean)))) if self.mean else 3  # three digits in all
        return f"{self.mean:.{digits}f} ({self.lowest:.{digits}f} to {self.highest:.{digits}f})"


class WayRow(NamedTuple):
    """What one way of finetuning taught and cost, and what the model forgot.

    Args:
        way, task: its name and what was to be learned: "sentiment", "clinic" or "instructions".
        before, after: the score on the new task; `before` is None for a classifier, which wasn't there.
        unit: of the score: "bits per document", the less the better, or "share right".
        town_before, town_after: bits per document of the old domain.
        trainable: number of numbers that could move, and `share` of the model's own.
        cpu_seconds: of one core, to train.
        peak_mb: how far the memory rose in training; None where that isn't known.
    """

    way: str
    task: str
    unit: str
    before: float | None
    after: Spread
    town_before: float
    town_after: Spread
    trainable: int
    share: float
    cpu_seconds: Spread
    peak_mb: Spread | None


def read(path: str | Path = RESULT) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the model as it was before, and the runs, as `course_utils.finetuning.four_ways` wrote them.

    Raises:
        FileNotFoundError: there is no such file; the message has the command that makes it.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        command = f"python -m course_utils.finetuning.four_ways --out {path}"
        raise FileNotFoundError(f"{path} is missing: run `{command}`") from None
    before, *runs = (json.loads(line) for line in lines)
    return before, runs


def table(path: str | Path = RESULT) -> list[WayRow]:
    """Return one row for each way, in the order in which they were run.

    Raises:
        FileNotFoundError: as `read`.
    """
    before, runs = read(path)
    rows = []
    for way in dict.fromkeys(run["way"] for run in runs):
        same = [run for run in runs if run["way"] == way]
        task, trainable = same[0]["task"], same[0]["trainable"]
        peaks = [run["peak_mb"] for run in same]
        rows.append(
            WayRow(
                way,
                task,
                "bits per document" if task == "clinic" else "share right",
                None if task == "sentiment" else before[task],
                _spread([run["score"] for run in same]),
                before["town_bits"],
                _spread([run["town_bits"] for run in same]),
                trainable,
                trainable / before["parameters"],
                _spread([run["cpu_seconds"] for run in same]),
                None if None in peaks else _spread(peaks),
            )
        )
    return rows


def _spread(numbers: list[float]) -> Spread:
    return Spread(mean(numbers), min(numbers), max(numbers))
