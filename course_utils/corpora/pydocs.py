"""pydocs: the language reference that every CPython carries, as a small corpus of real prose.

Its text differs between Python versions (465 to 510 kB), so no number computed from it is the same everywhere.
"""

import datasets

VALIDATION_EVERY = 10  # each tenth topic, in alphabetical order, is for validation


def load() -> datasets.DatasetDict:
    """Return the topics of `pydoc_data` as splits train and validation, with columns topic and text."""
    from pydoc_data.topics import topics

    names = sorted(topics)
    splits = {
        "train": [name for i, name in enumerate(names) if i % VALIDATION_EVERY != 0],
        "validation": [name for i, name in enumerate(names) if i % VALIDATION_EVERY == 0],
    }
    return datasets.DatasetDict(
        {
            split: datasets.Dataset.from_dict({"topic": chosen, "text": [topics[name] for name in chosen]})
            for split, chosen in splits.items()
        }
    )
