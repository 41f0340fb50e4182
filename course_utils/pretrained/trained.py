"""A model that the course trained itself, as a folder: weights, shape, tokenizer.

`python -m course_utils.training.pretrain --out` writes such folders; models/tinyworld is one.
"""

import json
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError

from course_utils.tokenization import BPETokenizer, CharTokenizer, PretrainedTokenizer, Tokenizer
from course_utils.transformer import DecoderLM, TransformerConfig

WEIGHTS, SHAPE, TOKENIZER = "model.safetensors", "config.json", "tokenizer.json"


def is_trained(directory: str | Path) -> bool:
    """Say whether a folder is of this form: its shape is told in the course's own names."""
    try:
        return "d_model" in json.loads((Path(directory) / SHAPE).read_bytes())
    except (OSError, TypeError, ValueError):
        return False


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
    with torch.device("meta"):  # no random numbers for weights that are replaced at once
        model = DecoderLM(config)
    try:
        weights = safetensors.torch.load_file(directory / WEIGHTS)
        model.load_state_dict(weights, assign=True)
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{directory / WEIGHTS} is damaged or of another model: {error}") from error
    return model.eval(), read_tokenizer(directory / TOKENIZER)


def read_tokenizer(path: str | Path) -> Tokenizer:
    """Return the tokenizer of a file, whichever of the course's wrote it.

    Raises:
        ValueError: none of them did.
    """
    for kind in (CharTokenizer, BPETokenizer, PretrainedTokenizer):
        try:
            return kind.load(path)
        except ValueError:
            continue
    raise ValueError(f"{path} is not a file of a tokenizer that the course knows")
