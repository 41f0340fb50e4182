"""What a pretraining reads: texts to train on and to validate with, and how they become token ids."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from course_utils.evaluation.windows import Ids
from course_utils.training.distributed import current_processes
from course_utils.training.documents import SEPARATOR, document_row
from course_utils.training.streaming import StreamedWindows
from course_utils.training.windows import Batches

if TYPE_CHECKING:
    import datasets

TOKENIZER_DOCUMENTS = 10_000  # of a corpus, to train a tokenizer on
VALIDATION_DOCUMENTS = 1000  # of a data set on the Hub, at most: they are kept in memory


@dataclass(frozen=True)
class PretrainingTexts:
    """Train is one text or a stream of documents, validation one text or a list of documents.

    `name` says in a message which they are. Merges are learned from `samples`, texts of the training part;
    `characters` gives every character that the texts hold, and is None where nobody knows before all is read.
    """

    name: str
    train: "str | datasets.IterableDataset"
    validation: str | list[str]
    samples: list[str]
    characters: Callable[[], Iterable[str]] | None

    def encoded(
        self, encode: Callable[[str], list[int]], batch_size: int, context_length: int
    ) -> tuple[Tensor | Batches, Ids]:
        """Return what a trainer draws its batches from, and what it validates with, as token ids."""
        processes = current_processes()
        train = (
            torch.tensor(encode(self.train))
            if isinstance(self.train, str)
            else StreamedWindows(
                self.train, encode, batch_size, context_length, processes.rank, processes.size, self.name
            )
        )
        validation = (
            encode(self.validation)
            if isinstance(self.validation, str)
            else [document_row(text, encode) for text in self.validation]
        )
        return train, validation


def read_file(path: str | Path) -> PretrainingTexts:
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
    return PretrainingTexts(f"the text {path}", text[:cut], text[cut:], [text[:cut]], lambda: text)


def read_corpus(name: str, n_shards: int) -> PretrainingTexts:
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
    from course_utils import corpora  # here: a text needs no `datasets`, which takes a while

    splits = corpora.stream(name, n_shards)
    if missing := {"train", "validation"} - splits.keys():
        raise ValueError(f"the corpus {name!r} has no split {' or '.join(sorted(missing))}, only {sorted(splits)}")
    for split in ("train", "validation"):
        first = next(iter(splits[split]), {"text": ""})
        if not isinstance(first.get("text", 0), str | None):
            raise ValueError(f"the corpus {name!r} has no column text of strings in {split}, only {sorted(first)}")
    local = corpora.is_local(name)
    train = corpora.load(name, "train") if local else splits["train"]
    samples = [text + SEPARATOR for text in islice(corpora.texts(train), TOKENIZER_DOCUMENTS)]
    validation = list(islice(corpora.texts(splits["validation"]), None if local else VALIDATION_DOCUMENTS))
    if not validation or not samples:
        raise ValueError(f"the corpus {name!r} has no document in its split {'train' if validation else 'validation'}")
    characters = partial(frozenset(SEPARATOR).union, corpora.characters(name) or ()) if local else None
    return PretrainingTexts(f"the corpus {name}", splits["train"], validation, samples, characters)
