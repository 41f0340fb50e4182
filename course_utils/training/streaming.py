"""Windows from a stream of documents that no machine could hold: each row of the batch reads documents of its own."""

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from course_utils.training.distributed import current_processes
from course_utils.training.documents import START, Place, document_row, texts_from
from course_utils.training.windows import own_rows

if TYPE_CHECKING:
    import datasets


class StreamRow:
    """One row of the batch: its place in the stream, and the tokens that it has read but not given away yet."""

    def __init__(self, place: Place = START, tokens: Sequence[int] = ()):
        self.place, self.tokens = place, list(tokens)
        self.alone = True  # the tokens are of one document, which goes on in the next window if it is longer than this

    def window(
        self, texts: Iterator[tuple[str, Place]], encode: Callable[[str], list[int]], context_length: int
    ) -> list[int]:
        """Return the next T + 1 tokens; reads as many texts as that takes."""
        while len(self.tokens) <= context_length:
            text, self.place = next(texts)
            document = document_row(text, encode)
            self.alone = len(self.tokens) <= 1
            self.tokens = document if self.alone else self.tokens + document[1:]
        window = self.tokens[: context_length + 1]
        self.tokens = self.tokens[context_length:] if self.alone else []
        return window


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
        documents: with a column text of strings. `datasets` knows the place in any stream but for what waits in a
            shuffle buffer: `restore` fills the buffer anew.
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
        self.batch_size = batch_size
        self._read({number: StreamRow() for number in range(batch_size)[own_rows(batch_size, rank, n_processes)]})

    def draw(self) -> tuple[Tensor, Tensor]:
        """Return inputs and targets (b, T) of the next batch: the rows that are this process's."""
        rows = [row.window(self._texts[number], self.encode, self.context_length) for number, row in self._rows.items()]
        tokens = torch.tensor(rows)  # (b, T + 1)
        return tokens[:, :-1], tokens[:, 1:]

    def state(self) -> Tensor:
        """Return where every row is and what it has left over, (bytes,) uint8; every process must call this."""
        lines = [json.dumps([number, row.place, row.tokens]) + "\n" for number, row in self._rows.items()]
        own = torch.frombuffer(bytearray("".join(lines).encode()), dtype=torch.uint8)
        return current_processes().concatenated(own)

    def restore(self, state: Tensor) -> None:
        """Go to the place where `state` was taken, by any number of processes."""
        rows = {}
        for line in bytes(state.tolist()).decode().splitlines():
            number, place, tokens = json.loads(line)
            rows[number] = StreamRow(Place(*place), tokens)
        self._read({number: rows[number] for number in self._rows})

    def identity(self) -> str:
        """Return the name: a stream can't be read to its end to see whether it is the same."""
        return self.name

    def _read(self, rows: dict[int, StreamRow]) -> None:
        """Begin to read where the rows are."""
        self._rows = rows
        enough = self.documents.num_shards >= self.batch_size
        self._texts = self._of_shards() if enough else self._dealt_out()

    def _of_shards(self) -> dict[int, Iterator[tuple[str, Place]]]:
        """Return for each row the texts of its own shards."""
        shards = {number: self.documents.shard(self.batch_size, number, contiguous=False) for number in self._rows}
        return {number: texts_from(shards[number], row.place, at_least=1) for number, row in self._rows.items()}

    def _dealt_out(self) -> dict[int, Iterator[tuple[str, Place]]]:
        """Return for each row its texts of the one stream that all read together.

        What is dealt to a row before it asks waits for it; rows ask about equally often, so that is never much.
        """
        waiting: dict[int, deque[tuple[str, Place]]] = {number: deque() for number in self._rows}
        last = {number: row.place for number, row in self._rows.items()}
        earliest = min(last.values(), key=lambda place: place[:2])
        everything = self.documents.shard(1, 0)  # a copy: others may read the same stream

        def texts_for(number: int) -> Iterator[tuple[str, Place]]:
            while True:
                while not waiting[number]:
                    text, place = next(texts)
                    its_row = (place.read - 1) % self.batch_size
                    if its_row in waiting and place.is_after(last[its_row]):
                        waiting[its_row].append((text, place))
                yield waiting[number].popleft()

        texts = texts_from(everything, earliest, at_least=self.batch_size)
        return {number: texts_for(number) for number in self._rows}
