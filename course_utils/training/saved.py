"""Write a trained model as a folder that `course_utils.pretrained.load` reads: weights, shape, tokenizer."""

import json
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError

from course_utils.files import atomic_path, write_atomically
from course_utils.pretrained.trained import SHAPE, TOKENIZER, WEIGHTS
from course_utils.tokenization import Tokenizer
from course_utils.training.distributed import current_processes, whole
from course_utils.transformer import DecoderLM, TransformerConfig

RESULT = "result.json"


def save_shape(directory: str | Path, config: TransformerConfig, tokenizer: Tokenizer) -> None:
    """Begin a folder with all but the weights; those of an older model in it go, and so does what came out of it.

    Raises:
        OSError: the folder can't be written, or the disk is full.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for of_another_model in (WEIGHTS, RESULT):
        (directory / of_another_model).unlink(missing_ok=True)
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


def save_result(directory: str | Path, result: dict) -> None:
    """Say in the folder what came out of the training, as one JSON object.

    Raises:
        OSError: the folder can't be written, or the disk is full.
    """
    write_atomically(Path(directory) / RESULT, (json.dumps(result, indent=2) + "\n").encode())
