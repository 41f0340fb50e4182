"""Count, train and mix on one text, and say what each makes of its last tenth.

    python -m course_utils.ladder --text FILE --seconds 98 --out DIR

The last tenth of the text, by characters, is the test; it is scored whole after the seconds are over, every character
but its first once, in windows of the context length that overlap by three quarters. The last line of standard output is
one JSON object: `rungs`, a list of {name, nats_per_character, seconds}, and `largest_sum_error`, the largest difference
from 1 of a sum of probabilities met. DIR then holds the models, which `course_utils.ladder` loads one by one.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path

import torch

from course_utils.checks import whole_number
from course_utils.ladder.folder import RESULT, SETTINGS, TRANSFORMER, begin_rungs, save_rungs
from course_utils.ladder.kinds import kinds_of
from course_utils.ladder.race import hold_out, run_race, score
from course_utils.ladder.settings import RaceSettings
from course_utils.ladder.sizing import fitted_size
from course_utils.pretrained.trained import read_tokenizer
from course_utils.tokenization import CharTokenizer
from course_utils.training.corpus import read_file


def parser() -> argparse.ArgumentParser:
    """Return the command line's arguments."""
    result = argparse.ArgumentParser(prog="python -m course_utils.ladder", description=(__doc__ or "").split("\n")[0])
    add = result.add_argument
    add("--text", type=Path, required=True, help="a UTF-8 file")
    add("--seconds", type=float, help="for all but reading the text and scoring; with --resume as they were")
    add("--out", type=Path, required=True, help="the folder to write")
    add("--seed", type=int, help="of the transformer's weights and windows; if not given 0, with --resume as it was")
    add("--resume", action="store_true", help="go on with the race that was stopped in --out")
    add("--no-progress", dest="progress", action="store_false", help="no progress bar")
    return result


def main(arguments: list[str] | None = None) -> None:
    """Run the command; what goes wrong ends it with a message.

    A wrong argument ends it with exit code 2, before anything is counted; with 1 what shows only later: a checkpoint of
    a race on another text, weights that are no longer numbers, a full disk.
    """
    command_line = parser()
    options = command_line.parse_args(arguments)
    folder = options.out / TRANSFORMER
    try:
        texts = read_file(options.text)
        assert isinstance(texts.train, str)
        assert isinstance(texts.validation, str)
        if options.resume:
            settings = resumed(options)
            tokenizer = read_tokenizer(folder)
        else:
            seed = whole_number("--seed", options.seed or 0, least=-(2**63), most=2**64 - 1)
            settings = RaceSettings(checked(options.seconds), seed)
            tokenizer = CharTokenizer.train(set(texts.train + texts.validation))
        parts = hold_out(torch.tensor(tokenizer.encode(texts.train)), settings.context_length)
        test = torch.tensor(tokenizer.encode(texts.validation))
        began = time.perf_counter()
        if not options.resume:
            settings = fitted_size(settings, tokenizer.vocab_size)
            begin_rungs(options.out, settings, tokenizer)
        spent = time.perf_counter() - began
    except (ValueError, OSError) as error:
        command_line.error(str(error))
    try:
        rungs = run_race(parts, tokenizer.vocab_size, settings, folder, options.resume, options.progress, spent)
        if rungs is None:
            sys.exit("stopped; --resume goes on from there")
        result = score(rungs, test, kinds_of(texts.validation, texts.train), settings, options.progress)
        save_rungs(options.out, rungs, result)
    except (FloatingPointError, ValueError, OSError) as error:
        sys.exit(f"{command_line.prog}: error: {error}")
    print(json.dumps(result), flush=True)


def checked(seconds: float | None) -> float:
    """Return the seconds.

    Raises:
        ValueError: they aren't given, or no time at all.
    """
    if seconds is None or not 0 < seconds < math.inf:
        raise ValueError(f"--seconds must be a positive number, got {seconds}: the course's race has 98")
    return seconds


def resumed(options: argparse.Namespace) -> RaceSettings:
    """Return the settings of the race in a folder.

    Raises:
        ValueError: there is none, it came to its end, or other seconds or another seed are asked for.
    """
    path = options.out / SETTINGS
    if (options.out / RESULT).exists():
        raise ValueError(f"the race in {options.out} came to its end: nothing is left to resume")
    try:
        settings = RaceSettings(**json.loads(path.read_bytes()))
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(f"no race to resume in {options.out}: {error}") from None
    for name in ("seconds", "seed"):
        if getattr(options, name) not in (None, getattr(settings, name)):
            raise ValueError(f"the race in {options.out} has --{name} {getattr(settings, name)}: leave that out")
    return settings


if __name__ == "__main__":
    main()
