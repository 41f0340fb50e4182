"""The KV cache: it changes nothing but time, whichever way it is filled, rewound, shared, slid or rounded."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_weights import randomised

from course_utils import memory
from course_utils.transformer import DecoderLM, KVCache, TransformerConfig
from course_utils.transformer.rotary import rotation

CONFIG = TransformerConfig(vocab_size=50, d_model=24, n_layers=2, n_heads=6, n_kv_heads=2, d_ff=40, context_length=12)
torch.manual_seed(0)
MODEL = randomised(DecoderLM(CONFIG))


def text(length, rows=1, seed=0):
    return torch.randint(50, (rows, length), generator=torch.Generator().manual_seed(seed))


def same(ours, theirs):
    """Whether logits are the same within 1e-5 of the largest."""
    return float((ours - theirs).abs().max()) <= 1e-5 * float(theirs.abs().max())


@torch.no_grad()
def read(cache, ids, pieces, mask=None):
    """The logits of ids (B, T), read in pieces of these lengths."""
    masks = [None] * len(pieces) if mask is None else mask.split(pieces, dim=1)
    parts = zip(ids.split(pieces, dim=1), masks, strict=True)
    return torch.cat([MODEL(part, cache=cache, mask=of_part) for part, of_part in parts], dim=1)


def splits(length):
    """Ways to cut a text into pieces."""
    return st.lists(st.integers(1, length), min_size=1, max_size=length).map(lambda sizes: cut(sizes, length))


def cut(sizes, length):
    pieces = []
    for size in [*sizes, length]:
        if room := min(size, length - sum(pieces)):
            pieces.append(room)
    return pieces


@torch.no_grad()
@given(splits(12), st.lists(st.integers(0, 11), min_size=1, max_size=3))
def test_pieces_of_any_length_give_the_logits_of_each_text_alone_up_to_the_context_limit(pieces, padding):
    rows = [text(12 - pad, seed=pad) for pad in padding]
    ids = torch.cat([torch.cat([text(pad, seed=99), row], dim=1) for pad, row in zip(padding, rows, strict=True)])
    mask = torch.arange(12) >= torch.tensor(padding)[:, None]  # (B, 12)
    logits = read(MODEL.new_cache(len(rows), 12), ids, pieces, mask)
    for row, pad, alone in zip(logits, padding, rows, strict=True):
        assert same(row[pad:], MODEL(alone)[0])


@torch.no_grad()
@given(splits(12), st.integers(0, 12))
def test_a_rewound_cache_goes_on_as_if_it_had_never_read_further(pieces, length):
    cache = MODEL.new_cache(2, 12)
    mask = torch.arange(12) >= torch.tensor([[0], [5]])
    read(cache, text(12, 2, seed=1), pieces, mask)
    cache.rewind(length)
    assert cache.length == length
    new = text(12, 2)
    new[:, :length] = text(12, 2, seed=1)[:, :length]
    if length < 12:
        rest = MODEL(new[:, length:], cache=cache, mask=mask[:, length:])
        assert same(rest[0], MODEL(new[:1])[0, length:])
        assert same(rest[1, max(0, 5 - length) :], MODEL(new[1:, 5:])[0, max(0, length - 5) :])


@torch.no_grad()
@pytest.mark.parametrize("dtype", [None, torch.int8])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_prompt_is_read_once_and_shared_by_any_number_of_texts(n, dtype):
    cache = MODEL.new_cache(1, 9, dtype)
    MODEL(text(5), cache=cache)
    cache.reorder(torch.zeros(n, dtype=torch.long))
    answers = text(4, n, seed=1)
    logits = MODEL(answers, cache=cache)
    for row, answer in zip(logits, answers, strict=True):
        alone = MODEL.new_cache(1, 9, dtype)
        MODEL(text(5), cache=alone)
        assert same(row, MODEL(answer[None], cache=alone)[0])
    assert cache.nbytes == MODEL.new_cache(n, 9, dtype).nbytes


@torch.no_grad()
def test_rows_take_their_padding_with_them():
    ids, mask = text(6, 2), torch.arange(6) >= torch.tensor([[0], [3]])
    cache = MODEL.new_cache(2, 9)
    MODEL(ids, cache=cache, mask=mask)
    cache.reorder(torch.tensor([1, 0, 1]))
    new = text(3, 3, seed=1)
    logits = MODEL(new, cache=cache)
    for row, (source, pad) in enumerate(((1, 3), (0, 0), (1, 3))):
        alone = torch.cat([ids[source, pad:], new[row]])[None]
        assert same(logits[row], MODEL(alone)[0, -3:])


def banded(ids, window):
    """Logits of texts whose tokens look at the last `window` ones only, themselves included, without any cache."""
    length = ids.shape[1]
    distance = torch.arange(length)[:, None] - torch.arange(length)
    mask = ((distance >= 0) & (distance < window))[None, None]
    x, cos_sin = MODEL.embedding(ids), rotation(torch.arange(length), CONFIG.head_dim, CONFIG.rope_theta)
    for block in MODEL.layers:
        x = block(x, cos_sin, mask, False, None)
    return MODEL.final_norm(x) @ MODEL.embedding.weight.T


@torch.no_grad()
@settings(max_examples=60)
@given(splits(40), st.integers(1, 12))
def test_a_sliding_cache_looks_back_over_its_window_and_reads_on_beyond_the_context(pieces, window):
    ids = text(40, 2)
    cache = MODEL.new_cache(2, window, sliding=True)
    assert same(read(cache, ids, pieces), banded(ids, window))
    assert cache.length == 40
    cache.reset()
    assert same(read(cache, ids[:, :9], [9]), banded(ids[:, :9], window))


@torch.no_grad()
@given(splits(30), st.integers(0, 20))
def test_a_sliding_cache_knows_which_of_its_tokens_are_padding(pieces, pad):
    ids = torch.cat([text(30), torch.cat([text(pad, seed=9), text(30 - pad, seed=1)], dim=1)])
    mask = torch.arange(30) >= torch.tensor([[0], [pad]])
    logits = read(MODEL.new_cache(2, 7, sliding=True), ids, pieces, mask)
    assert same(logits[0], banded(ids[:1], 7)[0])
    assert same(logits[1, pad:], banded(ids[1:, pad:], 7)[0])


@torch.no_grad()
@given(st.integers(0, 2**31))
def test_numbers_of_eight_bits_are_off_by_one_254th_of_the_largest_of_their_vector(seed):
    x = torch.randn(1, 2, 5, 4, generator=torch.Generator().manual_seed(seed))
    x[0, 0, 0] = 0
    cache = KVCache(CONFIG, 1, 5, dtype=torch.int8)
    k, v = cache.append(0, x, -x)
    for stored, exact in ((k, x), (v, -x)):
        assert ((stored - exact).abs() <= exact.abs().amax(-1, keepdim=True) / 254 * 1.001).all()


@torch.no_grad()
def test_eight_bits_move_the_logits_of_a_real_model_by_little(smollm2):
    model, tokenizer = smollm2
    ids = torch.tensor([tokenizer.encode("The first lesson counts words. The second lesson predicts the next one.")])
    exact, rounded = (
        torch.cat([model(part, cache=cache) for part in ids.split(5, dim=1)], dim=1).log_softmax(-1)
        for cache in (model.new_cache(1, 32), model.new_cache(1, 32, torch.int8))
    )
    divergence = (exact.exp() * (exact - rounded)).sum(-1)  # (1, T) nats
    assert 0 < divergence.mean() < 0.01


@given(st.integers(1, 20), st.integers(1, 4))
def test_eight_bits_take_the_bytes_that_the_formula_says(length, batch):
    cache = KVCache(CONFIG, batch, length, dtype=torch.int8)
    assert cache.nbytes == memory.kv_cache_bytes(CONFIG, length, batch, torch.int8)
    assert cache.nbytes == 2 * 2 * 2 * (4 + 4) * length * batch  # K and V, layers, heads, (head + scale), length, batch


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda cache: cache.rewind(6), "length must be at most 5, got 6"),
        (lambda cache: cache.rewind(-1), "length must be at least 0"),
        (lambda cache: MODEL.new_cache(1, 13, sliding=True), "max_length=13 would let tokens look further back"),
        (lambda cache: MODEL(text(8), cache=cache), "8 more don't fit"),
    ],
)
def test_what_a_cache_cannot_do_is_said(act, message):
    cache = MODEL.new_cache(1, 12)
    MODEL(text(5), cache=cache)
    with pytest.raises(ValueError, match=message):
        act(cache)
    assert cache.length == 5


def test_a_cache_that_has_slid_cannot_go_back_but_to_the_beginning():
    cache = MODEL.new_cache(1, 4, sliding=True)
    with torch.no_grad():
        MODEL(text(5), cache=cache)
    with pytest.raises(ValueError, match="of 5 tokens it holds the last 4, and can't go back to the first 3"):
        cache.rewind(3)
    assert cache.length == 5
    cache.reset()
    assert cache.length == 0
