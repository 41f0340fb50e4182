"""Learn from a stream of documents that no machine could hold: each row of the batch reads documents of its own.

Documents are kept apart by a separator, and every window begins with one, as a document does when it is scored.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from course_utils.training.windows import own_rows

if TYPE_CHECKING:
    import datasets

SEPARATOR = "\n\n"  # between documents, and how a model learns that one has ended
TOKENIZER_DOCUMENTS = 10_000  # of a corpus, to train a tokenizer on


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
    """Batches from a stream: row r of the batch goes through documents of its own, window after window.

    Those are the shards r, r + batch_size, ... of the stream. If it has fewer shards than the batch has rows, each
    process reads the whole stream once, and the documents are dealt out like cards: row r gets the documents r,
    r + batch_size, ... A document without text is left out.

    A window begins with the end of a separator and goes on with a fresh document, so the model learns each document
    from its beginning, as it will be asked to predict it. What the window's end cuts off is left out, unless the
    document began the window: one that is longer than a window goes on in the next. (To begin the next window with
    the document that was cut would be wrong: long documents are cut more often, and would be read more often.)

    Which process reads a row changes nothing in it: the global batch is the same for any number of processes. What
    ends begins again.

    Args:
        documents: with a column text of strings.
        encode: from a text to token ids.
        batch_size: rows in the batch of all processes together.
        context_length: tokens per window, T.
        rank, n_processes: which rows are this process's, as in `RandomWindows`.
        name: what `identity` answers: of the documents and the tokenizer, so that a run resumes with no others.
    """

    def __init__(
        self,
        documents: "datasets.IterableDataset",
        encode: Callable[[str], list[int]],
        batch_size: int,
        context_length: int,
        rank: int = 0,
        n_processes: int = 1,
        name: str = "a stream of documents",
    ):
        self.name = name
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

    def identity(self) -> str:
        """Return the name: a stream can't be read to its end to see whether it is the same."""
        return self.name

    def _begin(self) -> None:
        self.drawn = 0
        enough = self.documents.num_shards >= self.batch_size
        texts = self._texts_of_shards() if enough else self._texts_dealt_out()
        self._windows = [self._row(row_texts) for row_texts in texts]

    def _texts_of_shards(self) -> list[Iterator[str]]:
        """Return for each row the texts of its own shards, again and again."""

        def texts_of(row: int) -> Iterator[str]:
            shards = self.documents.shard(self.batch_size, row, contiguous=False)
            while True:
                found = False
                for text in texts_of_documents(shards):
                    found = True
                    yield text
                if not found:
                    raise self._no_document(row)

        return [texts_of(row) for row in self.rows]

    def _texts_dealt_out(self) -> list[Iterator[str]]:
        """Return for each row its texts of the one stream that all read together, again and again.

        What is dealt to a row before it asks waits for it; rows ask about equally often, so that is never much.
        """
        waiting: dict[int, deque[str]] = {row: deque() for row in self.rows}

        def deal() -> Iterator[None]:
            while True:
                read = 0
                for read, text in enumerate(texts_of_documents(self.documents), start=1):
                    row = (read - 1) % self.batch_size
                    if row in waiting:
                        waiting[row].append(text)
                        yield
                if read < self.batch_size:
                    raise self._no_document(read)

        def texts_of(row: int) -> Iterator[str]:
            while True:
                while not waiting[row]:
                    next(dealing)
                yield waiting[row].popleft()

        dealing = deal()
        return [texts_of(row) for row in self.rows]

    def _no_document(self, row: int) -> ValueError:
        return ValueError(
            f"row {row} of batch_size={self.batch_size} found no document: give more documents or a smaller batch"
        )

    def _row(self, texts: Iterator[str]) -> Iterator[list[int]]:
        """Yield windows of T + 1 tokens of one row."""
        window: list[int] = []
        for text in texts:
            whole = document_row(text, self.encode)
            began_window = len(window) <= 1
            window = whole if began_window else window + whole[1:]
            while len(window) > self.context_length:
                yield window[: self.context_length + 1]
                window = window[self.context_length :] if began_window else []


def texts_of_documents(documents: "datasets.IterableDataset") -> Iterator[str]:
    """Yield the texts; a document without one, as some data sets hold them, is left out."""
    return (document["text"] for document in documents if document["text"] is not None)
