"""Every text that the course reads, as a `datasets` corpus."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import datasets
from huggingface_hub import snapshot_download

from course_utils.corpora import pydocs
from course_utils.corpora.tinyworld import TinyWorld, shipped
from course_utils.hub import from_hub

TINYWORLDS = {"tinyworld": "town", "tinyworld-clinic": "clinic"}  # name -> domain
ENDLESS = 10**9  # documents of tinyworld: more than anyone trains on
LOCAL: dict[str, Callable[[], datasets.DatasetDict]] = {  # the course's own corpora, by name
    "pydocs": pydocs.load,
    **{name: partial(shipped.load, domain) for name, domain in TINYWORLDS.items()},
}


def load(name: str, split: str | None = None) -> datasets.Dataset | datasets.DatasetDict:
    """Return a corpus by name.

    Args:
        name: `tinyworld` (stories whose entropy is known) or its second domain `tinyworld-clinic`; `pydocs` (the
            prose that every CPython carries); or the id of a data set on the Hugging Face Hub, such as
            `roneneldan/TinyStories`.
        split: `train`, `validation`, for tinyworld `test`, or any split of a Hub data set; None gives all of them.

    Returns:
        A `datasets.Dataset` for one split, a `datasets.DatasetDict` for all.

    Raises:
        ValueError: an unknown name or split.
        ConnectionError: the Hub can't be reached and the data set was never downloaded; the message says what to run.
    """
    if not is_local(name):
        return _from_hub(name, split)
    corpus = LOCAL[name]()
    if split is None:
        return corpus
    if split not in corpus:
        raise ValueError(f"unknown split {split!r} of {name}: choose one of {sorted(corpus)}")
    return corpus[split]


def stream(name: str, n_shards: int = 1) -> datasets.IterableDatasetDict:
    """Return a corpus by name as streams, of which nothing is drawn, read or downloaded before it is asked for.

    tinyworld's training split has no end: the shipped documents come first, then fresh ones.

    Args:
        name: as in `load`.
        n_shards: parts that can be read side by side, of the course's own corpora (as many as there are documents at
            most); a data set of the Hub has as many as it has files.

    Raises:
        ValueError, ConnectionError: as `load`.
    """
    if not is_local(name):
        return _from_hub(name, None, streaming=True)
    streams = {split: rows.to_iterable_dataset(min(n_shards, len(rows))) for split, rows in load(name).items()}
    if name in TINYWORLDS:
        streams["train"] = _training_world(name).stream(ENDLESS, n_shards)
    return datasets.IterableDatasetDict(streams)


def characters(name: str) -> frozenset[str] | None:
    """Return every character that the documents of a corpus hold, in any split, however many of them are read.

    tinyworld's are known from its grammar, pydocs' are counted. None for a data set of the Hub: no one knows before
    all of it has been read.

    Raises:
        ValueError: an unknown name.
    """
    if name in TINYWORLDS:
        return _training_world(name).characters()
    if not is_local(name):
        return None
    return frozenset().union(*(text for rows in load(name).values() for text in rows["text"]))


def is_local(name: str) -> bool:
    """Say whether a corpus is the course's own and needs no network, rather than a data set of the Hub.

    Raises:
        ValueError: neither has such a name.
    """
    if name not in LOCAL and name.count("/") != 1:
        raise ValueError(f"unknown corpus {name!r}: choose one of {sorted(LOCAL)} or a Hub id such as owner/name")
    return name in LOCAL


def texts(documents: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the texts of documents, such as a split; one without a text, as some data sets hold them, is left out."""
    return (document["text"] for document in documents if document["text"] is not None)


def _training_world(name: str) -> TinyWorld:
    """Return the world whose first documents are the training split that is shipped."""
    return TinyWorld(shipped.SEEDS["train"], TINYWORLDS[name])


def _from_hub(name: str, split: str | None, streaming: bool = False) -> Any:  # a data set of the kind asked for
    read = partial(datasets.load_dataset, split=split, streaming=streaming)
    copy = partial(snapshot_download, name, repo_type="dataset", local_files_only=True)
    return from_hub("dataset", name, lambda: read(name), lambda: read(copy()))
