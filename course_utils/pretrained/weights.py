"""The weights of a folder in Hugging Face's form: which files hold them, and what they hold."""

import json
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"  # lists the files of weights that are cut into several


def read_weights(directory: str | Path) -> dict[str, Tensor]:
    """Return the tensors of `model.safetensors`, or of the files that its index names; no other file is looked at.

    Raises:
        FileNotFoundError: neither is there, or a file that the index names is missing.
        ValueError: a file is damaged, or the index and its files disagree on which tensor is where.
    """
    directory = Path(directory)
    if (directory / WEIGHTS).is_file():
        return _tensors(directory / WEIGHTS)
    shards = read_index(directory)
    if not shards:
        others = sorted(file.name for file in directory.glob("*.safetensors"))
        raise FileNotFoundError(
            f"{directory} has neither {WEIGHTS} nor {INDEX} (pickled weights are never loaded)"
            + (f"; it has {others}: give the file of the weights the name {WEIGHTS}" if others else "")
        )
    weights: dict[str, Tensor] = {}
    for file, names in shards.items():
        if not (directory / file).is_file():
            raise FileNotFoundError(f"{directory} has no {file}, which {INDEX} names")
        held = _tensors(directory / file)
        if wrong := sorted(held.keys() ^ names):
            raise ValueError(f"{directory / INDEX} and {file} disagree on whether {wrong[0]!r} is in that file")
        weights |= held
    return weights


def read_index(directory: str | Path) -> dict[str, set[str]]:
    """Return the tensors' names by file as the index of a folder says; {} without an index.

    Raises:
        ValueError: the index is damaged.
    """
    path = Path(directory) / INDEX
    if not path.is_file():
        return {}
    shards: dict[str, set[str]] = {}
    try:
        for name, file in json.loads(path.read_bytes())["weight_map"].items():
            if Path(file).name != file:
                raise ValueError(f"{file!r} is not a name of a file beside it")
            shards.setdefault(file, set()).add(name)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # no JSON is a ValueError
        raise ValueError(f"{path} is damaged: {error!r}") from error
    return shards


def _tensors(file: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(file)
    except SafetensorError as error:
        raise ValueError(f"{file} is damaged or cut short: {error}") from error
