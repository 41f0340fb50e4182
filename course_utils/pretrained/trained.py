"""A model that the course trained itself, as a folder: shape, tokenizer, weights, and what came out of the training.

`python -m course_utils.training.pretrain --out` writes such folders; models/tinyworld is one.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from course_utils.files import save_tensors, write_json
from course_utils.tokenization import BPETokenizer, CharTokenizer, PretrainedTokenizer, Tokenizer
from course_utils.transformer import DecoderLM, TransformerConfig

SHAPE, TOKENIZER, WEIGHTS, RESULT = "config.json", "tokenizer.json", "model.safetensors", "result.json"


def is_trained(directory: str | Path) -> bool:
    """Say whether a folder is of this form: its shape is told in the course's own names."""
    try:
        return "d_model" in json.loads((Path(directory) / SHAPE).read_bytes())
    except (OSError, TypeError, ValueError):
        return False


def begin_trained(directory: str | Path, config: TransformerConfig, tokenizer: Tokenizer) -> None:
    """Write what is known before a training, shape and tokenizer; what an older training left in the folder goes.

    Raises:
        OSError: the folder can't be written, or the disk is full.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for of_another_model in (WEIGHTS, RESULT):
        (directory / of_another_model).unlink(missing_ok=True)
    tokenizer.save(directory / TOKENIZER)
    write_json(directory / SHAPE, asdict(config))


def finish_trained(directory: str | Path, result: Mapping, weights: Mapping[str, Tensor] | None) -> None:
    """Write what is known after a training.

    Args:
        directory: the folder that `begin_trained` began.
        result: what came out of it, as JSON can hold it.
        weights: every tensor of the model's `state_dict()`; None if the training never came to its end.

    Raises:
        OSError: the folder can't be written, or the disk is full.
    """
    directory = Path(directory)
    if weights is not None:
        save_tensors(directory / WEIGHTS, weights)
    write_json(directory / RESULT, result)


def read_trained(directory: str | Path) -> tuple[DecoderLM, Tokenizer]:
    """Return a trained model, in eval mode on the CPU in its own dtype, and its tokenizer.

    Raises:
        FileNotFoundError: a file is missing, named; without weights, the training never came to its end.
        ValueError: a file is damaged, named.
    """
    directory = Path(directory)
    for name in (SHAPE, TOKENIZER, WEIGHTS):
        if not (directory / name).is_file():
            raise FileNotFoundError(f"{directory} has no {name}: was a model trained into this folder, to the end?")
    try:
        config = TransformerConfig(**json.loads((directory / SHAPE).read_bytes()))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{directory / SHAPE} is damaged or no shape of a model: {error}") from error
    try:
        model = DecoderLM.from_weights(config, safetensors.torch.load_file(directory / WEIGHTS))
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{directory / WEIGHTS} is damaged or of another model: {error}") from error
    return model, read_tokenizer(directory)


def read_tokenizer(directory: str | Path) -> Tokenizer:
    """Return the tokenizer of a folder, whichever of the course's wrote it.

    Raises:
        OSError: its file is missing or can't be read.
        ValueError: none of them did.
    """
    path = Path(directory) / TOKENIZER
    kinds: tuple[type[Tokenizer], ...] = (CharTokenizer, BPETokenizer, PretrainedTokenizer)
    for kind in kinds:
        try:
            return kind.load(path)
        except ValueError:
            continue
    raise ValueError(f"{path} is not a file of a tokenizer that the course knows")
