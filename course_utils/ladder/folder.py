"""A race's models as a folder, each loadable on its own.

counted.arpa is the n-gram model, whose words are token ids; transformer holds the transformer as the course writes all
its trained models, with the checkpoint; mixture.json the weights; race.json the settings; result.json what came out.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from course_utils.files import write_json
from course_utils.ladder.counted import CountedLM
from course_utils.ladder.learned import LocalDecoderLM
from course_utils.ladder.mixture import Mixture
from course_utils.ladder.race import Rungs
from course_utils.ladder.settings import RaceSettings
from course_utils.ngram import NGramLM
from course_utils.pretrained.trained import begin_trained, finish_trained, read_shape, read_trained, refuse_foreign
from course_utils.tokenization import Tokenizer
from course_utils.training.checkpoint import FILE_NAME

COUNTED, TRANSFORMER, MIXTURE, RESULT = "counted.arpa", "transformer", "mixture.json", "result.json"
SETTINGS = "race.json"


def begin_rungs(directory: str | Path, settings: RaceSettings, tokenizer: Tokenizer) -> None:
    """Write what is known before a race; what an older one left in the folder goes.

    Raises:
        FileExistsError: the folder holds a model of another form.
        OSError: the folder can't be written, or the disk is full.
    """
    directory = Path(directory)
    refuse_foreign(directory / TRANSFORMER)
    for older in (COUNTED, MIXTURE, RESULT, f"{TRANSFORMER}/{FILE_NAME}"):
        (directory / older).unlink(missing_ok=True)
    begin_trained(directory / TRANSFORMER, settings.shape(tokenizer.vocab_size), tokenizer)
    write_json(directory / SETTINGS, asdict(settings))


def save_rungs(directory: str | Path, rungs: Rungs, result: Mapping) -> None:
    """Write what a race made; the transformer's folder is begun already.

    Raises:
        OSError: the folder can't be written, or the disk is full.
    """
    directory = Path(directory)
    rungs.counted.ngram.save_arpa(directory / COUNTED)
    finish_trained(directory / TRANSFORMER, result, rungs.learned.state_dict())
    write_json(directory / MIXTURE, {"weights": rungs.mixture.weights})
    write_json(directory / RESULT, result)


def load_counted(directory: str | Path) -> CountedLM:
    """Return the n-gram model of a race's folder.

    Raises:
        OSError: a file is missing or can't be read.
        ValueError: a file is damaged.
    """
    directory = Path(directory)
    return CountedLM(NGramLM.load_arpa(directory / COUNTED), read_shape(directory / TRANSFORMER).vocab_size)


def load_learned(directory: str | Path) -> tuple[LocalDecoderLM, Tokenizer]:
    """Return the transformer of a race's folder, in eval mode, and the tokenizer of all its models.

    Raises:
        OSError: a file is missing or can't be read.
        ValueError: a file is damaged.
    """
    model, tokenizer = read_trained(Path(directory) / TRANSFORMER, LocalDecoderLM)
    assert isinstance(model, LocalDecoderLM)
    return model, tokenizer


def load_mixture(directory: str | Path) -> tuple[Mixture, Tokenizer]:
    """Return the mixture of a race's folder and its tokenizer.

    Raises:
        OSError: a file is missing or can't be read.
        ValueError: a file is damaged.
    """
    path = Path(directory) / MIXTURE
    learned, tokenizer = load_learned(directory)
    counted = load_counted(directory)
    try:
        return Mixture(counted, learned, json.loads(path.read_bytes())["weights"]), tokenizer
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged or of another race: {error!r}") from error
