"""What a pretraining reads: a text to train on and one to validate with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import datasets

from course_utils import corpora
from course_utils.training.streaming import SEPARATOR, TOKENIZER_DOCUMENTS, texts_of_documents

VALIDATION_DOCUMENTS = 1000  # of a data set on the Hub, at most: they are kept in memory


@dataclass(frozen=True)
class Texts:
    """Train is one text or a stream of documents, validation one text or a list of documents.

    `name` says in a message which they are. A tokenizer is trained on `samples`, texts of the training part;
    `characters` gives every character that the texts hold, and is None where nobody knows before all is read.
    """

    name: str
    train: str | datasets.IterableDataset
    validation: str | list[str]
    samples: list[str]
    characters: Callable[[], Iterable[str]] | None


def read_file(path: str | Path) -> Texts:
    """Return the first nine tenths of a text, by characters, to train on and the rest to validate with.

    Raises:
        OSError: the file can't be read.
        ValueError: it is not UTF-8.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}") from None
    cut = int(0.9 * len(text))
    return Texts(f"the text {path}", text[:cut], text[cut:], [text[:cut]], lambda: text)


def read_corpus(name: str, n_shards: int) -> Texts:
    """Return the training split of a corpus as a stream, and documents of its validation split as a list.

    A data set of the Hub is read in the order of its files while it is needed, and never downloaded as a whole; the
    first VALIDATION_DOCUMENTS of its validation split are taken. Of the course's own corpora all are.

    Args:
        name: as in `corpora.load`; the documents are in the column text.
        n_shards: parts that are read side by side, as far as the corpus has so many.

    Raises:
        ValueError: an unknown corpus, or one without these splits, this column or a document in it.
        ConnectionError: the Hub can't be reached.
    """
    splits = corpora.stream(name, n_shards)
    if missing := {"train", "validation"} - splits.keys():
        raise ValueError(f"the corpus {name!r} has no split {' or '.join(sorted(missing))}, only {sorted(splits)}")
    for split in ("train", "validation"):
        first = next(iter(splits[split]), {"text": ""})
        if not isinstance(first.get("text", 0), str | None):
            raise ValueError(f"the corpus {name!r} has no column text of strings in {split}, only {sorted(first)}")
    if name in corpora.LOCAL:
        samples, at_most = corpora.load(name, "train")[:TOKENIZER_DOCUMENTS]["text"], None
    else:
        samples, at_most = islice(texts_of_documents(splits["train"]), TOKENIZER_DOCUMENTS), VALIDATION_DOCUMENTS
    samples = [text + SEPARATOR for text in samples]
    validation = list(islice(texts_of_documents(splits["validation"]), at_most))
    if not validation or not samples:
        raise ValueError(f"the corpus {name!r} has no document in its split {'train' if validation else 'validation'}")
    characters = partial(_characters, name) if name in corpora.LOCAL else None
    return Texts(f"the corpus {name}", splits["train"], validation, samples, characters)


def _characters(name: str) -> set[str]:
    return {*corpora.characters(name), *SEPARATOR}
