"""Files: where those are that the course ships, and how to write others so that a crash leaves no half."""

import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Return the path of what the course ships, such as `data/tinyworld`: inside an installed package, else beside it.

    The wheel carries the folders data and models within the package; in the repository they lie at the top.
    """
    inside = PACKAGE / name
    return inside if inside.exists() else PACKAGE.parent / name


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on leaving without an error it is moved there, else it is removed.

    The file keeps the mode of the one it replaces; a fresh one gets the mode of any file that is opened for writing.
    Of a symbolic link the target is replaced, and the link stays.

    Raises:
        OSError: the folder can't be written, or the disk is full; the file at `path` is as it was.
    """
    path = Path(path).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    temporary.touch(exist_ok=False)
    mode = (path if path.exists() else temporary).stat().st_mode
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(stat.S_IMODE(mode))  # safetensors puts a file of its own there, for the owner only
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write bytes to a file, all or nothing.

    Raises:
        OSError: as `atomic_path`.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: str | Path, document: Mapping) -> None:
    """Write a JSON object to a file, indented, all or nothing.

    Raises:
        OSError: as `atomic_path`.
    """
    write_atomically(path, (json.dumps(document, indent=2) + "\n").encode())


def save_tensors(path: str | Path, tensors: Mapping[str, "Tensor"], metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors to a safetensors file, all or nothing.

    Args:
        path: the file; its folder is made if missing.
        tensors: by name, on any device; none may share its memory with another.
        metadata: strings for the file's header, beside the format that transformers looks for there.

    Raises:
        OSError: the folder can't be written, or the disk is full.
    """
    import safetensors.torch  # here: whoever only writes text needs no torch

    contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        try:
            safetensors.torch.save_file(contiguous, temporary, metadata={"format": "pt", **(metadata or {})})
        except safetensors.SafetensorError as error:  # a full disk, in that library's words
            raise OSError(f"can't write {path}: {error}") from error
