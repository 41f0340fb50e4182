"""Beam search: equal to transformers', exhaustive where the beams are as many as tokens, and greedy with one."""

import itertools
import math

import pytest
import torch
from apples_gpu import MovedToMPS, OnMPS
from random_weights import randomised
from transformers import LlamaConfig, LlamaForCausalLM

from course_utils import decoding, pretrained
from course_utils.transformer import DecoderLM


def pair(seed, vocab_size=12):
    """A random Llama of transformers, and the same as the course's model."""
    torch.manual_seed(seed)
    shape = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64, "eos_token_id": None}
    theirs = randomised(LlamaForCausalLM(LlamaConfig(vocab_size=vocab_size, **shape, **heads)))
    return theirs, pretrained.from_huggingface(theirs)


def score(model, text, prompt_length, stops=()):
    """The log-probability of an answer per new token, up to its stop id."""
    answer = text[prompt_length:].tolist()
    length = next((i + 1 for i, token in enumerate(answer) if token in stops), len(answer))
    with torch.no_grad():
        log_probs = model(text[None, :-1])[0].double().log_softmax(-1)[prompt_length - 1 :]  # (new, V)
    return log_probs.gather(1, text[prompt_length:, None])[:length].sum().item() / length


# ---- equal to transformers


@pytest.mark.parametrize("stops", [(), (3,), (1, 2, 7)])
@pytest.mark.parametrize("num_beams", [1, 2, 5, 12])
def test_it_finds_what_transformers_finds(num_beams, stops):
    for seed in range(4):
        theirs, ours = pair(seed)
        ids = torch.randint(12, (3, 5))
        end = {"eos_token_id": list(stops), "pad_token_id": 0} if stops else {}
        expected = theirs.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=8, num_beams=num_beams, do_sample=False, **end
        )
        for row in expected:  # they fill with the pad, we with the stop id that was met
            met = [place for place in range(5, len(row)) if int(row[place]) in stops]
            row[met[0] if met else len(row) :] = row[met[0]] if met else 0
        assert torch.equal(decoding.beam_search(ours, ids, 8, num_beams, stops), expected)


def test_the_search_ends_early_as_transformers_does():
    """Reading goes on until no beam is better than the worst of the answers that have ended, and no longer."""
    fewest = 30
    for seed in range(6):
        theirs, ours = pair(seed)
        reads = []
        theirs.register_forward_pre_hook(lambda *_, reads=reads: reads.append(1))
        ids = torch.randint(12, (1, 5))
        end = {"eos_token_id": [1, 2, 7], "pad_token_id": 0, "do_sample": False}
        theirs.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=30, num_beams=2, **end)
        counting = CountingCache(ours)
        decoding.beam_search(counting, ids, 30, 2, (1, 2, 7))
        assert len(counting.lengths) == len(reads)
        fewest = min(fewest, len(reads))
    assert fewest < 30


class CountingCache:
    """A cached model that notes how many tokens of each row it is given at a time."""

    def __init__(self, model):
        self.model, self.config, self.lengths = model, model.config, []
        self.new_cache = model.new_cache

    def __call__(self, ids):
        return self.model(ids)

    def next_token_logits(self, ids, cache=None, mask=None):
        self.lengths.append(ids.shape[1])
        return self.model.next_token_logits(ids, cache=cache, mask=mask)


# ---- laws


@pytest.mark.parametrize("stops", [(), (3,), (1, 2, 7)])
def test_one_beam_is_greedy(stops):
    for seed in range(5):
        _, model = pair(seed)
        ids = torch.randint(12, (3, 4))
        greedy = decoding.generate(model, ids, 8, temperature=0, stop_ids=stops)
        assert torch.equal(decoding.beam_search(model, ids, 8, 1, stops), greedy)


def test_as_many_beams_as_tokens_find_the_best_of_all_pairs():
    for seed in range(5):
        _, model = pair(seed, vocab_size=7)
        ids = torch.randint(7, (1, 3))
        every = torch.tensor(list(itertools.product(range(7), repeat=2)))  # (49, 2)
        best = max((torch.cat([ids[0], two]) for two in every), key=lambda text: score(model, text, 3))
        assert torch.equal(decoding.beam_search(model, ids, 2, 7)[0], best)


@pytest.mark.parametrize("stops", [(), (3,)])
def test_an_exhaustive_search_is_never_worse_than_greedy(stops):
    """With as many beams as texts nothing is lost; with fewer, greedy's text may fall out on the way."""
    for seed in range(5):
        _, model = pair(seed, vocab_size=5)
        ids = torch.randint(5, (2, 3))
        greedy = decoding.generate(model, ids, 3, temperature=0, stop_ids=stops)
        found = decoding.beam_search(model, ids, 3, 25, stops)
        for row in range(2):
            assert score(model, found[row], 3, stops) >= score(model, greedy[row], 3, stops) - 1e-5


def two_roads(ids):
    """After 0: greedy takes 1 (.6), which leads nowhere much; 2 (.4) is always followed by 3."""
    after = torch.tensor([[0, 0.6, 0.4, 0, 0], [0.2] * 5, [0, 0, 0, 1, 0], [0.2] * 5, [0.2] * 5])
    return after.log()[ids]


def test_it_finds_what_greedy_misses():
    prompt = torch.tensor([[0]])
    assert decoding.generate(two_roads, prompt, 2, temperature=0).tolist() == [[0, 1, 0]]  # .6 * .2 = .12
    assert decoding.beam_search(two_roads, prompt, 2, 2).tolist() == [[0, 2, 3]]  # .4 * 1 = .4


def crowded_out(ids):
    """Greedy's road 1 3 3 has .55 * .3 * 1; after two steps 2 4 and 2 5 are both ahead of it, and lead nowhere."""
    fair = [1 / 6] * 6
    after = [[0, 0.55, 0.45, 0, 0, 0], [0.14, 0.14, 0.14, 0.3, 0.14, 0.14], [0, 0, 0, 0, 0.5, 0.5], [0, 0, 0, 1, 0, 0]]
    return torch.tensor([*after, fair, fair]).log()[ids]


def test_more_beams_may_find_worse():
    prompt = torch.tensor([[0]])
    assert decoding.beam_search(crowded_out, prompt, 3, 1).tolist() == [[0, 1, 3, 3]]  # .165
    assert decoding.beam_search(crowded_out, prompt, 3, 2).tolist() == [[0, 2, 4, 0]]  # .45 * .5 / 6 = .0375
    assert decoding.beam_search(crowded_out, prompt, 3, 3).tolist() == [[0, 1, 3, 3]]


def test_rows_do_not_mix():
    _, model = pair(0)
    ids = torch.randint(12, (4, 5), generator=torch.Generator().manual_seed(1))
    together = decoding.beam_search(model, ids, 8, 3, (3,))
    shuffle = torch.tensor([2, 0, 3, 1])
    assert torch.equal(decoding.beam_search(model, ids[shuffle], 8, 3, (3,)), together[shuffle])
    for row, text in zip(ids, together, strict=True):
        alone = decoding.beam_search(model, row[None], 8, 3, (3,))[0]
        assert torch.equal(alone, text[: len(alone)])
        assert set(text[len(alone) :].tolist()) <= {3}


def test_the_cache_is_reordered_and_changes_no_token(tiny_model):
    ids = torch.randint(50, (2, 4), generator=torch.Generator().manual_seed(0))
    read = CountingCache(tiny_model)
    cached = decoding.beam_search(read, ids, 12, 4, (7,))
    assert read.lengths == [4] + [1] * (len(read.lengths) - 1)
    assert torch.equal(cached, decoding.beam_search(lambda ids: tiny_model(ids), ids, 12, 4, (7,)))


def test_a_reordered_cache_holds_the_texts_of_its_new_rows(tiny_model):
    ids = torch.randint(50, (3, 5), generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[False, True], [True, True], [True, True]]).repeat_interleave(torch.tensor([2, 3]), dim=1)
    rows = torch.tensor([2, 0, 0])
    cache = tiny_model.new_cache(3, 6)
    with torch.no_grad():
        tiny_model(ids, cache=cache, mask=mask)
        cache.reorder(rows)
        after = tiny_model(torch.tensor([[1], [2], [3]]), cache=cache)[:, -1]
        whole = torch.cat([ids[rows], torch.tensor([[1], [2], [3]])], dim=1)
        real = torch.cat([mask[rows], torch.ones(3, 1, dtype=torch.bool)], dim=1)
        torch.testing.assert_close(after, tiny_model(whole, mask=real)[:, -1], atol=1e-5, rtol=1e-5)


# ---- ends, ties, extremes


class Even:
    """Every token is equally likely."""

    def __call__(self, ids):
        return torch.zeros(*ids.shape, 6)


def test_of_equals_the_earlier_beam_goes_first_then_the_lowest_id():
    assert decoding.beam_search(Even(), torch.tensor([[5]]), 3, 4).tolist() == [[5, 0, 0, 0]]


def test_a_shorter_answer_is_filled_with_its_stop_id():
    def counts(ids):  # the next token is the last one plus 1, at most 9
        return torch.nn.functional.one_hot((ids + 1).clamp(max=9), 10) * 50.0

    ids = decoding.beam_search(counts, torch.tensor([[1], [4]]), 6, 2, (5, 7))
    assert ids.tolist() == [[1, 2, 3, 4, 5], [4, 5, 5, 5, 5]]


def test_every_token_may_be_a_stop_id():
    assert decoding.beam_search(two_roads, torch.tensor([[0]]), 4, 3, range(5)).tolist() == [[0, 1]]


def test_more_beams_than_tokens():
    assert decoding.beam_search(two_roads, torch.tensor([[0]]), 2, 40).tolist() == [[0, 2, 3]]


def test_nothing_new_is_the_prompt():
    assert decoding.beam_search(Even(), torch.tensor([[1, 2]]), 0, 3).tolist() == [[1, 2]]


def test_an_answer_fills_the_context(tiny_model):
    assert decoding.beam_search(tiny_model, torch.zeros(1, 30, dtype=torch.long), 2, 3).shape == (1, 32)


def test_numbers_of_other_libraries_and_another_device():
    with MovedToMPS():
        prompt = torch.tensor([[0]]).as_subclass(OnMPS)
        assert decoding.beam_search(two_roads, prompt, torch.tensor(2), torch.tensor(2)).tolist() == [[0, 2, 3]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_beams": 0}, "num_beams must be at least 1, got 0"),
        ({"num_beams": 2.0}, "num_beams must be a whole number, got 2.0"),
        ({"max_new_tokens": -1}, "max_new_tokens must be at least 0"),
        ({"ids": [[1]]}, r"ids must be a tensor, got a list.*torch\.tensor"),
        ({"ids": torch.zeros(1, 0, dtype=torch.long)}, "ids must be"),
        ({"ids": torch.zeros(3, dtype=torch.long)}, "ids must be"),
        ({"ids": torch.zeros(1, 31, dtype=torch.long)}, "context of 32 tokens"),
        ({"stop_ids": "a"}, "stop_ids must be"),
        ({"stop_ids": [1.5]}, "stop_ids must be a whole number"),
    ],
)
def test_a_bad_argument_is_named(tiny_model, arguments, message):
    good = {"ids": torch.zeros(1, 2, dtype=torch.long), "max_new_tokens": 2, "num_beams": 2}
    with pytest.raises(ValueError, match=message):
        decoding.beam_search(tiny_model, **(good | arguments))


def test_broken_logits_are_refused():
    with pytest.raises(ValueError, match="logits hold NaN"):
        decoding.beam_search(lambda ids: torch.full((*ids.shape, 4), math.nan), torch.tensor([[1]]), 2, 2)


def test_a_model_without_a_cache_may_be_a_decoder_too(tiny_config):
    torch.manual_seed(0)
    model = randomised(DecoderLM(tiny_config)).double()
    assert decoding.beam_search(model, torch.tensor([[1, 2]]), 3, 2).shape == (1, 5)
