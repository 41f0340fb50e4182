from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models
from verdicts import right, wrong

from course_utils import corpora
from course_utils.exercises import tokens as exercises
from course_utils.tokenization import BPETokenizer
from course_utils.tokenization.merges import learn_merges, replace_pair


@right(exercises.train_bpe)
def test_training_on_a_list_of_all_pieces(pieces, n_merges):
    text, merges = [list(piece) for piece, times in pieces.items() for _ in range(times)], []
    for _ in range(n_merges):
        counts = Counter(pair for tokens in text for pair in pairwise(tokens))
        if counts:
            merges.append(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[0][0])
            text = [replace_pair(tokens, merges[-1], "".join(merges[-1])) for tokens in text]
    return merges


@right(exercises.encode_piece)
def test_earliest_merge_each_time(piece, merges):
    tokens = list(piece)
    while present := [pair for pair in pairwise(tokens) if pair in merges]:
        pair = min(present, key=merges.index)
        tokens = replace_pair(tokens, pair, "".join(pair))
    return tokens


@wrong(exercises.encode_piece, "Compare whole tokens")
def test_in_one_string_with_bars(piece, merges):
    text = "|".join(piece)
    for pair in merges:
        text = text.replace("|".join(pair), "".join(pair))
    return text.split("|")


@right(exercises.wordpiece)
def test_recursion(word, vocabulary):
    def rest(letters, mark):
        for end in range(len(letters), 0, -1):
            if mark + letters[:end] in set(vocabulary):
                return [mark + letters[:end], *rest(letters[end:], "##")]
        return ["[UNK]"] if letters else []

    tokens = rest(word, "")
    return tokens if "[UNK]" not in tokens else ["[UNK]"]


@right(exercises.corrected_score)
def test_correcting_with_numpy(reported, tokens):
    true = np.array([len(token) for token in tokens])
    if true.sum() == 0:
        raise ValueError("no tokens")
    stray = np.array([token.decode("utf-8", "replace").count("\ufffd") for token in tokens])
    kept = np.array([len(token.decode("utf-8", "ignore").encode()) for token in tokens])
    return reported * (kept + 3 * stray).sum() / true.sum()


@given(st.text("ab#", max_size=9), st.sets(st.text("ab", min_size=1, max_size=4)))
def test_wordpiece_cuts_as_the_library_does(word, vocabulary):
    vocabulary = [*vocabulary, *("##" + token for token in vocabulary)]
    ids = {token: id for id, token in enumerate(["[UNK]", *vocabulary])}
    library = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    assert exercises.wordpiece.reference(word, vocabulary) == library.encode(word).tokens


@given(st.dictionaries(st.text("!abc", min_size=1, max_size=12), st.integers(1, 9), min_size=1))
def test_training_learns_the_packages_merges_up_to_ties_and_encoding_replays_them(counts):
    merges = exercises.train_bpe.reference(counts, 8)
    assert len(merges) == len(learn_merges({piece.encode(): times for piece, times in counts.items()}, 8))
    tokenizer = BPETokenizer([(left.encode(), right.encode()) for left, right in merges])
    for piece in counts:
        cut = [token.encode() for token in exercises.encode_piece.reference(piece, merges)]
        assert cut == list(
            map(tokenizer.token_bytes, tokenizer._merge([tokenizer._byte_ids[b] for b in piece.encode()]))
        )


def test_the_hint_on_sizes_tells_what_the_experiment_finds():
    stories = corpora.load("tinyworld")
    parts = stories["train"]["text"][:300], stories["validation"]["text"][:200]
    bigram, long = (exercises.score_vocabularies.reference(*parts, [256, 512, 700], order) for order in (2, 6))
    assert [round(bits, 2) for bits in (bigram[256], bigram[700], long[256], long[700])] == [3.04, 0.83, 0.78, 0.59]
    assert 0.97 < long[700] / long[512] < 0.99
