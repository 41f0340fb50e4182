"""What a pretraining reads: one file, cut into two, or a corpus, streamed."""

from dataclasses import dataclass
from pathlib import Path

import datasets

from course_utils import corpora
from course_utils.corpora.tinyworld import DOMAINS, TinyWorld
from course_utils.corpora.tinyworld.shipped import SEEDS
from course_utils.training.streaming import SEPARATOR

TOKENIZER_DOCUMENTS = 10_000  # of a corpus, to train a tokenizer on
ENDLESS = 10**9  # documents of tinyworld: more than anyone trains on


@dataclass(frozen=True)
class Texts:
    """Train is one text or a stream of documents, validation one text; `samples` are to train a tokenizer on."""

    train: str | datasets.IterableDataset
    validation: str
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
    domain = {"tinyworld": "town", "tinyworld-clinic": "clinic"}.get(name)
    if domain in DOMAINS:
        stream = TinyWorld(SEEDS["train"], domain).stream(ENDLESS, n_shards)
    else:
        stream = corpus["train"].to_iterable_dataset(num_shards=min(n_shards, len(corpus["train"])))
    validation = "".join(text + SEPARATOR for text in corpus["validation"]["text"])
    samples = [text + SEPARATOR for text in corpus["train"][:TOKENIZER_DOCUMENTS]["text"]]
    return Texts(stream, validation, samples)
