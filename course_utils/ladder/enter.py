"""Enter a model of your own into a leaderboard.

    python -m course_utils.ladder.enter --name Ada --model my_model.py --text FILE --board leaderboard.json

my_model.py is Python and defines build(train_ids, vocab_size): it gets the first nine tenths of the text as token ids
(N,), one for each character, and returns a model that maps token ids (B, 64 at most) to ln of the probability of each
next one, (B, T, vocab_size). The last tenth it never gets; that is scored as in the race (`course_utils.ladder`), and
refused where the probabilities don't sum to 1 or look ahead.
"""

import argparse
import runpy
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from course_utils.ladder.leaderboard import NotAProbabilityError, bits_per_byte, enter, judge
from course_utils.ladder.settings import RaceSettings
from course_utils.tokenization import CharTokenizer
from course_utils.training.corpus import read_file


def parser() -> argparse.ArgumentParser:
    """Return the command line's arguments."""
    result = argparse.ArgumentParser(
        prog="python -m course_utils.ladder.enter", description=(__doc__ or "").split("\n")[0]
    )
    add = result.add_argument
    add("--name", required=True, help="whose entry; of two the better stays")
    add("--model", type=Path, required=True, help="a Python file that defines build(train_ids, vocab_size)")
    add("--text", type=Path, required=True, help="a UTF-8 file, the same for all entries")
    add("--board", type=Path, required=True, help="the leaderboard's file, begun if there is none")
    return result


@contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """End the command with a sentence that says what went wrong in a student's file, and in which line."""
    try:
        yield
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        where = f", line {lines[-1]}" if lines else ""
        sys.exit(f"{path}{where}: {type(error).__name__}: {error}")


def main(arguments: list[str] | None = None) -> None:
    """Run the command; a refused model ends it with exit code 1 and a message, and the board is as it was."""
    command_line = parser()
    options = command_line.parse_args(arguments)
    if not options.model.is_file():
        command_line.error(f"--model {options.model} is no file: give a Python file that defines build")
    if not options.text.is_file():
        command_line.error(f"--text {options.text} is no file: give a UTF-8 text")
    try:
        texts = read_file(options.text)
        assert isinstance(texts.train, str)
        assert isinstance(texts.validation, str)
        if len(texts.train) < 2 or len(texts.validation) < 2:
            raise ValueError(f"the text {options.text} is too short to be cut in training and test: give a longer one")
    except (ValueError, OSError) as error:
        command_line.error(str(error))
    tokenizer = CharTokenizer.train(set(texts.train + texts.validation))
    test = torch.tensor(tokenizer.encode(texts.validation))
    with errors_of(options.model):
        build = runpy.run_path(str(options.model)).get("build")
        if not callable(build):
            sys.exit(f"{options.model} must define build(train_ids, vocab_size)")
        began = time.perf_counter()
        answer = build(torch.tensor(tokenizer.encode(texts.train)), tokenizer.vocab_size)
        seconds = time.perf_counter() - began
    if not callable(answer):
        sys.exit(
            f"{options.model}: build returned a {type(answer).__name__}; it must return the model, a function of "
            "token ids (B, T) that gives ln of the probability of each next token, (B, T, vocab_size)"
        )

    def model(ids: Tensor, /) -> Tensor:
        with errors_of(options.model):
            return torch.as_tensor(answer(ids))

    try:
        judgement = judge(model, test, RaceSettings.context_length, RaceSettings.stride)
        entries = enter(options.board, options.name, judgement, texts.validation[1:], seconds)
    except NotAProbabilityError as error:
        sys.exit(f"refused: {error}")
    except (ValueError, OSError) as error:
        sys.exit(f"{command_line.prog}: error: {error}")
    bits = bits_per_byte(judgement, texts.validation[1:])
    if all((entry["name"], entry["bits_per_byte"]) != (options.name, bits) for entry in entries):
        print(f"this entry of {options.name}: {bits:.4f} bits per byte; the earlier one is better and stays")
    print(f"{'bits per byte':>14}{'sum error':>12}{'seconds':>10}  name")
    for entry in entries:
        print("{bits_per_byte:14.4f}{largest_sum_error:12.1e}{seconds:10.1f}  {name}".format(**entry))


if __name__ == "__main__":
    main()
