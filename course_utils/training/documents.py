"""Documents: what stands between them, and how a stream of them is read again and again, from any place on."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import datasets

SEPARATOR = "\n\n"  # between documents, and how a model learns that one has ended


def document_row(text: str, encode: Callable[[str], list[int]]) -> list[int]:
    """Return the ids of a document to score: the end of a separator to begin from, the text, the separator after it.

    Every token of the document is predicted then, its first word and its end included.

    Args:
        text: the document.
        encode: from a text to token ids.
    """
    ids = encode(text + SEPARATOR)
    return ids[-1:] + ids


class Place(NamedTuple):
    """A place in a stream that is read again and again, after some document."""

    passes: int  # over the whole stream, before this one
    read: int  # documents of this pass
    stream: dict[str, Any]  # what `datasets` needs to go there, as JSON can hold it; {} is the beginning

    def is_after(self, other: "Place") -> bool:
        """Say whether it comes later than another place in the same stream."""
        return self[:2] > other[:2]


START = Place(0, 0, {})


def texts_from(documents: "datasets.IterableDataset", place: Place, at_least: int) -> Iterator[tuple[str, Place]]:
    """Yield the texts that come after a place, each with the place after it; the end is followed by the beginning.

    A document without a text, as some data sets hold them, is left out.

    Args:
        documents: the stream; nobody else may read this object meanwhile, for it holds the place.
        place: where to begin.
        at_least: documents that it must have.

    Raises:
        ValueError: it has fewer.
    """
    passes, read, stream = place
    while True:
        documents.load_state_dict(stream)
        for document in documents:
            if document["text"] is not None:
                read += 1
                yield document["text"], Place(passes, read, documents.state_dict())
        if read < at_least:
            raise ValueError(
                f"a row of the batch found no document: it reads a stream of {read}, and needs {at_least}; give more "
                "documents or a smaller batch"
            )
        passes, read, stream = passes + 1, 0, {}
