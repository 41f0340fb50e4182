"""Checkpoints: everything that the rest of a run depends on, in one safetensors file, replaced all at once."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import safetensors
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from course_utils.files import save_tensors
from course_utils.training.distributed import distribute_like, full_state

FILE_NAME = "checkpoint.safetensors"


def write_checkpoint(path: str | Path, tensors: dict[str, Tensor], scalars: dict) -> None:
    """Write a checkpoint; a crash, a kill or a full disk at any moment leaves the old one or the new one.

    Args:
        path: of the file; its folder is made if missing.
        tensors: by name.
        scalars: what JSON can hold; it travels in the file's header.

    Raises:
        OSError: the folder can't be written, or the disk is full.
    """
    path = Path(path)
    for left_over in path.parent.glob(f".{path.name}.*"):  # by a process that was killed while it wrote
        left_over.unlink(missing_ok=True)
    save_tensors(path, tensors, {"scalars": json.dumps(scalars)})


def read_checkpoint(path: str | Path) -> tuple[dict[str, Tensor], dict]:
    """Return the tensors and the scalars of a checkpoint.

    Args:
        path: the file, or the folder that holds it.

    Raises:
        FileNotFoundError: there is none.
        ValueError: the file is damaged, or is no checkpoint of a training run.
    """
    with _opened(path) as (file, scalars):
        return {name: file.get_tensor(name) for name in file.keys()}, scalars  # noqa: SIM118 - it is no dict


def read_scalars(path: str | Path) -> dict:
    """Return the scalars of a checkpoint alone, which takes no time; arguments and errors as `read_checkpoint`."""
    with _opened(path) as (_, scalars):
        return scalars


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple]:
    path = Path(path)
    path = path / FILE_NAME if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}: was a run ended or stopped there?")
    try:
        with safetensors.safe_open(path, "pt") as file:
            yield file, json.loads((file.metadata() or {})["scalars"])
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is damaged or no checkpoint of a training run: {error!r}") from error


def training_state(model: nn.Module, optimizers: Iterable[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """Return the weights and the optimizers' memory in full and on the CPU, by the parameters' names.

    Sharded tensors are gathered, so every process must call this.
    """
    state = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for parameter_name, parameter in model.named_parameters():
        for optimizer in optimizers:
            for key, tensor in optimizer.state.get(parameter, {}).items():
                state[f"optimizer.{parameter_name}.{key}"] = tensor
    return full_state(state)


@torch.no_grad()
def restore_training_state(
    model: nn.Module, optimizers: Iterable[torch.optim.Optimizer], state: dict[str, Tensor]
) -> None:
    """Put what `training_state` returned back, where and how the model's weights are.

    Raises:
        ValueError: the state is of a model of another shape.
    """
    weights = model.state_dict()
    saved = {name.removeprefix("model."): tensor for name, tensor in state.items() if name.startswith("model.")}
    other = [name for name in weights.keys() | saved.keys() if name not in saved or name not in weights]
    other += [name for name in weights if name in saved and saved[name].shape != weights[name].shape]
    if other:
        raise ValueError(f"the checkpoint is of a model of another shape: {sorted(other)[:3]} don't fit")
    for name, tensor in weights.items():
        tensor.copy_(distribute_like(saved[name], tensor))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for optimizer in optimizers:
        optimizer.state.clear()
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                prefix = f"optimizer.{names[id(parameter)]}."
                memory = {name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)}
                if memory:
                    optimizer.state[parameter] = {key: distribute_like(t, parameter) for key, t in memory.items()}
