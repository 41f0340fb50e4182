"""The sample of tinyworld that the course ships, so that every notebook reads the same documents.

Made by `python -m course_utils.corpora.tinyworld`.
"""

from pathlib import Path

import datasets
import pyarrow.parquet

from course_utils.corpora.tinyworld.world import DOMAINS, TinyWorld
from course_utils.files import atomic_path, shipped

FOLDER = shipped("data/tinyworld")
SEEDS = {"train": 0, "validation": 1, "test": 2}
SIZES = {"train": 10_000, "validation": 1_000, "test": 1_000}


def write(folder: Path = FOLDER) -> None:
    """Draw every split of every domain and write it as parquet."""
    for domain in DOMAINS:
        for split, seed in SEEDS.items():
            table = TinyWorld(seed, domain).sample(SIZES[split]).data.table
            with atomic_path(folder / domain / f"{split}.parquet") as path:
                pyarrow.parquet.write_table(table, path, compression="zstd", compression_level=19)


def load(domain: str = "town", folder: Path = FOLDER) -> datasets.DatasetDict:
    """Return the shipped splits train, validation and test of a domain, with columns text and log2_prob.

    Raises:
        FileNotFoundError: the files aren't there; the message says how to make them.
    """
    splits = {}
    for split in SEEDS:
        path = folder / domain / f"{split}.parquet"
        if not path.exists():
            raise FileNotFoundError(
                f"{path} is missing: run `python -m course_utils.corpora.tinyworld` to make it again"
            )
        splits[split] = datasets.Dataset(pyarrow.parquet.read_table(path))
    return datasets.DatasetDict(splits)
