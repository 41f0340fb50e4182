"""A trained model as a folder: weights, shape, tokenizer."""

import json
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError

from course_utils.files import atomic_path, write_atomically
from course_utils.tokenization import BPETokenizer, CharTokenizer, PretrainedTokenizer, Tokenizer
from course_utils.training.distributed import current_processes, whole
from course_utils.transformer import DecoderLM, TransformerConfig

WEIGHTS, SHAPE, TOKENIZER = "model.safetensors", "config.json", "tokenizer.json"


def save_shape(directory: str | Path, config: TransformerConfig, tokenizer: Tokenizer) -> None:
    """Begin a folder with all but the weights; older weights in it go, since they are of another model.

    Raises:
        OSError: the folder can't be written, or the disk is full.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / WEIGHTS).unlink(missing_ok=True)
    tokenizer.save(directory / TOKENIZER)
    write_atomically(directory / SHAPE, (json.dumps(asdict(config), indent=2) + "\n").encode())


def save_weights(directory: str | Path, model: DecoderLM) -> None:
    """Complete a folder with the weights, in one piece and their own dtype; every process must call this.

    Raises:
        OSError: the folder can't be written, or the disk is full.
    """
    weights = {name: whole(weight.detach()).cpu().contiguous() for name, weight in model.state_dict().items()}
    if current_processes().is_first:
        with atomic_path(Path(directory) / WEIGHTS) as temporary:
            try:
                safetensors.torch.save_file(weights, temporary, metadata={"format": "pt"})
            except SafetensorError as error:  # a full disk, in that library's words
                raise OSError(f"can't write {Path(directory) / WEIGHTS}: {error}") from error
    current_processes().wait_for_all()


def load(directory: str | Path) -> tuple[DecoderLM, Tokenizer]:
    """Return a trained model, in eval mode on the CPU, and its tokenizer.

    Args:
        directory: what `python -m course_utils.training.pretrain --out` wrote.

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
    return model.eval(), load_tokenizer(directory / TOKENIZER)


def load_tokenizer(path: str | Path) -> Tokenizer:
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
