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
from course_utils.pretrained.weights import WEIGHTS
from course_utils.tokenization import BPETokenizer, CharTokenizer, PretrainedTokenizer, Tokenizer
from course_utils.transformer import DecoderLM, TransformerConfig

SHAPE, TOKENIZER, RESULT = "config.json", "tokenizer.json", "result.json"


def is_trained(directory: str | Path) -> bool:
    """Say whether a folder is of this form: its shape is told in the course's own names, as no config of others is."""
    try:
        shape = json.loads((Path(directory) / SHAPE).read_bytes())
        return "d_model" in shape and "model_type" not in shape
    except (OSError, TypeError, ValueError):
        return False


def refuse_foreign(directory: str | Path) -> None:
    """Raise FileExistsError if a folder holds a model of another form, which a training would replace."""
    held = [name for name in (SHAPE, TOKENIZER, WEIGHTS) if (Path(directory) / name).exists()]
    if held and not is_trained(directory):
        raise FileExistsError(f"{directory} holds another model ({', '.join(held)}), which stays: name another folder")


def begin_trained(directory: str | Path, config: TransformerConfig, tokenizer: Tokenizer) -> None:
    """Write what is known before a training, shape and tokenizer; what an older training left in the folder goes.

    Raises:
        OSError: the folder can't be written, or the disk is full.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for of_another_model in (WEIGHTS, RESULT):
        (directory / of_another_model).unlink(missing_ok=True)
    write_json(directory / SHAPE, asdict(config))  # first: it tells that the folder is of this form
    tokenizer.save(directory / TOKENIZER)


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


def read_trained(directory: str | Path, kind: type[DecoderLM] = DecoderLM) -> tuple[DecoderLM, Tokenizer]:
    """Return a trained model of a kind, in eval mode on the CPU in its own dtype, and its tokenizer.

    Raises:
        FileNotFoundError: a file is missing, named; without weights, the training never came to its end.
        ValueError: a file is damaged, or the tokenizer is another model's, named.
    """
    directory = Path(directory)
    for name in (SHAPE, TOKENIZER, WEIGHTS):
        if not (directory / name).is_file():
            raise FileNotFoundError(f"{directory} has no {name}: was a model trained into this folder, to the end?")
    config, tokenizer = read_shape(directory), read_tokenizer(directory)
    if tokenizer.vocab_size != config.vocab_size:
        raise ValueError(
            f"{directory / TOKENIZER} is another model's: it has {tokenizer.vocab_size} token types, and the model "
            f"of {SHAPE} has {config.vocab_size}"
        )
    try:
        model = kind.from_weights(config, safetensors.torch.load_file(directory / WEIGHTS))
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{directory / WEIGHTS} is damaged or of another model: {error}") from error
    return model, tokenizer


def read_shape(directory: str | Path) -> TransformerConfig:
    """Return the shape of the model of a folder.

    Raises:
        OSError: its file is missing or can't be read.
        ValueError: the file is damaged.
    """
    path = Path(directory) / SHAPE
    try:
        return TransformerConfig(**json.loads(path.read_bytes()))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged or no shape of a model: {error}") from error


def read_tokenizer(directory: str | Path) -> Tokenizer:
    """Return the tokenizer of a folder, whichever of the course's wrote it.

    Raises:
        OSError: its file is missing or can't be read.
        ValueError: none of them did; the message has what each says.
    """
    path = Path(directory) / TOKENIZER
    kinds: tuple[type[Tokenizer], ...] = (CharTokenizer, BPETokenizer, PretrainedTokenizer)
    reasons = []
    for kind in kinds:
        try:
            return kind.load(path)
        except ValueError as error:
            reasons.append(f"{kind.__name__}: {error}")
    raise ValueError("\n".join([f"{path} is not a file of a tokenizer that the course knows", *reasons]))
