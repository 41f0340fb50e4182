"""Learn from a stream of documents that no machine could hold: each row of the batch reads a shard of its own.

Documents are kept apart by a separator, and every window begins with one, as a document does when it is scored.
"""

from collections.abc import Callable, Iterator

import datasets
import torch
from datasets.distributed import split_dataset_by_node
from torch import Tensor

from course_utils import corpora
from course_utils.corpora.tinyworld import TinyWorld
from course_utils.corpora.tinyworld.shipped import SEEDS
from course_utils.training.data import own_rows
from course_utils.training.texts import Texts

SEPARATOR = "\n\n"  # between documents, and how a model learns that one has ended
TOKENIZER_DOCUMENTS = 10_000  # of a corpus, to train a tokenizer on
ENDLESS = 10**9  # documents of tinyworld: more than anyone trains on
DOMAINS = {"tinyworld": "town", "tinyworld-clinic": "clinic"}


def read_corpus(name: str, n_shards: int) -> Texts:
    """Return the training split of a corpus as a stream, and its validation split as one text.

    tinyworld's stream has no end: the shipped documents first, then fresh ones.

    Args:
        name: as in `corpora.load`; the documents are in the column text.
        n_shards: parts that are read side by side.

    Raises:
        ValueError: an unknown corpus, or one without these splits or this column.
        ConnectionError: the Hub can't be reached.
    """
    corpus = corpora.load(name)
    if missing := {"train", "validation"} - corpus.keys():
        raise ValueError(f"the corpus {name!r} has no split {' or '.join(sorted(missing))}, only {sorted(corpus)}")
    if "text" not in corpus["train"].column_names:
        raise ValueError(f"the corpus {name!r} has no column text, only {corpus['train'].column_names}")
    if name in DOMAINS:
        stream = TinyWorld(SEEDS["train"], DOMAINS[name]).stream(ENDLESS, n_shards)
    else:
        stream = corpus["train"].to_iterable_dataset(num_shards=min(n_shards, len(corpus["train"])))
    samples = [text + SEPARATOR for text in corpus["train"][:TOKENIZER_DOCUMENTS]["text"]]
    return Texts(stream, list(corpus["validation"]["text"]), samples)


def document_row(text: str, encode: Callable[[str], list[int]]) -> list[int]:
    """Return the ids of a document to score: the end of a separator to begin from, the text, the separator after it.

    Every token of the document is predicted then, its first word and its end included.

    Args:
        text: the document.
        encode: from a text to token ids.
    """
    ids = encode(text + SEPARATOR)
    return ids[-1:] + ids


class StreamedWindows:
    """Batches from a stream: row r of the batch goes through the r-th shard of documents, window after window.

    A window begins with the end of a separator and goes on with a fresh document, so the model learns each document
    from its beginning, as it will be asked to predict it. What the window's end cuts off is left out, unless the
    document began the window: one that is longer than a window goes on in the next. (To begin the next window with
    the document that was cut would be wrong: long documents are cut more often, and would be read more often.)

    Which process reads a row changes nothing in it: the global batch is the same for any number of processes. A
    shard that ends begins again.

    Args:
        documents: with a column text; with `batch_size` shards, each row skips nothing that others read.
        encode: from a text to token ids.
        batch_size: rows in the batch of all processes together.
        context_length: tokens per window, T.
        rank, n_processes: which rows are this process's, as in `RandomWindows`.
    """

    def __init__(
        self,
        documents: datasets.IterableDataset,
        encode: Callable[[str], list[int]],
        batch_size: int,
        context_length: int,
        rank: int = 0,
        n_processes: int = 1,
    ):
        self.documents, self.encode, self.context_length = documents, encode, context_length
        self.batch_size, self.rows = batch_size, range(batch_size)[own_rows(batch_size, rank, n_processes)]
        self._begin()

    def draw(self) -> tuple[Tensor, Tensor]:
        """Return inputs and targets (b, T) of the next batch: the rows that are this process's."""
        self.drawn += 1
        tokens = torch.tensor([next(row) for row in self._windows])  # (b, T + 1)
        return tokens[:, :-1], tokens[:, 1:]

    def state(self) -> Tensor:
        """Return the number of batches drawn, int64."""
        return torch.tensor(self.drawn)

    def restore(self, state: Tensor) -> None:
        """Read the streams again, up to the place where `state` was taken."""
        self._begin()
        while self.drawn < int(state):
            self.draw()

    def _begin(self) -> None:
        self.drawn = 0
        self._windows = [self._row(row) for row in self.rows]

    def _row(self, row: int) -> Iterator[list[int]]:
        """Yield windows of T + 1 tokens of one row."""
        window: list[int] = []
        while True:
            read = 0
            for document in split_dataset_by_node(self.documents, rank=row, world_size=self.batch_size):
                read += 1
                whole = document_row(document["text"], self.encode)
                began_window = len(window) <= 1
                window = whole if began_window else window + whole[1:]
                while len(window) > self.context_length:
                    yield window[: self.context_length + 1]
                    window = window[self.context_length :] if began_window else []
            if not read:
                raise ValueError(f"row {row} of batch_size={self.batch_size} found no document: give more of them")
