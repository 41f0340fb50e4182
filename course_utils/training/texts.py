"""What a pretraining reads: a text to train on and one to validate with."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datasets


@dataclass(frozen=True)
class Texts:
    """Train is one text or a stream of documents, validation one text or a list of documents.

    A tokenizer is trained on `samples`: texts of the training part.
    """

    train: "str | datasets.IterableDataset"
    validation: str | list[str]
    samples: list[str]


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
    return Texts(text[:cut], text[cut:], [text[:cut]])
