"""Which files of a model on the Hugging Face Hub are needed, and where they are then."""

from functools import partial
from pathlib import Path

from course_utils.hub import from_hub
from course_utils.pretrained.weights import INDEX, WEIGHTS, read_index


def download(name: str) -> Path:
    """Return the folder of a model's files; only those that the course reads are downloaded.

    Args:
        name: the id of the model, such as `HuggingFaceTB/SmolLM2-135M`.

    Raises:
        ValueError: the Hub has no such model that the user may read, or the index of its weights is damaged.
        ConnectionError: the Hub can't be reached and the model was never downloaded; the message says what to run.
    """
    folder = _fetch(name, ["config.json", "tokenizer.json", WEIGHTS, INDEX])
    if not (folder / WEIGHTS).is_file() and (shards := read_index(folder)):
        folder = _fetch(name, sorted(shards), revision=folder.name)  # a folder has the name of its revision
    return folder


def _fetch(name: str, files: list[str], revision: str | None = None) -> Path:
    import huggingface_hub  # here, because it takes a while and the packaged model doesn't need it

    fetch = partial(huggingface_hub.snapshot_download, name, allow_patterns=files, revision=revision)
    return Path(from_hub("model", name, fetch, partial(fetch, local_files_only=True)))
