"""Drawing sentences from a model, word by word."""

import numpy as np

from course_utils.ngram.lookup import ProbabilityTables
from course_utils.ngram.vocabulary import END, START


def draw_sentence(tables: ProbabilityTables, generator: np.random.Generator, max_words: int) -> list[int]:
    """Draw one sentence: start after `<s>` and draw each word from its distribution, until `</s>`.

    Args:
        tables: the model.
        generator: a source of random numbers.
        max_words: a sentence that has not ended is cut there.

    Returns:
        Word ids, without markers other than `<unk>`.

    Raises:
        ValueError: a context after which every word has probability 0, which only a file from elsewhere can hold.
    """
    ids = [START]
    while len(ids) <= max_words:
        cumulative = tables.next_words(ids).cumsum()  # (V,)
        total = cumulative[-1]  # 1 but for rounding, and the rounding of files
        if not total > 0:
            raise ValueError(f"no word has a probability at word {len(ids)}: the file gives every word 0 there")
        drawn = np.searchsorted(cumulative, generator.random() * total, side="right")
        last = np.searchsorted(cumulative, total)  # the last word with mass: a number close to 1 may round up to total
        id = int(min(drawn, last))
        if id == END:
            break
        ids.append(id)
    return ids[1:]
