import math
import random

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode
from verdicts import right, wrong

from course_utils.exercises import cache as exercises
from course_utils.exercises.cache import readers
from course_utils.transformer import DecoderLM, TransformerConfig

RIGHT = [readers.Joining, readers.Buffered, readers.Growing, readers.InDouble, readers.Rereading]
FAULTY = [readers.WithEmptySlots, readers.FromZero, readers.UpperLeft, readers.WrongAxis, readers.CountedTwice]
FAULTY += [readers.Unmasked, readers.Unforgetting, readers.Scrambled, readers.Rounded]


@right(exercises.cached_step)
def test_torchs_attention(q, k, v, keys, values):
    keys, values = torch.vstack([keys, k]), torch.vstack([values, v])
    return F.scaled_dot_product_attention(q[None], keys, values)[0], keys, values


@right(exercises.cached_step)
def test_a_buffer_filled_by_hand(q, k, v, keys, values):
    n, d = keys.shape
    kept = torch.zeros(2, n + 1, d)
    kept[0, :n], kept[1, :n] = keys, values
    kept[0, n], kept[1, n] = k, v
    scores = [float(q @ key) / d**0.5 for key in kept[0]]
    exponentials = [math.exp(score - max(scores)) for score in scores]
    output = sum(e / sum(exponentials) * value for e, value in zip(exponentials, kept[1], strict=True))
    return output, kept[0], kept[1]


@wrong(exercises.cached_step, "changed its input q in place")
def test_a_query_scaled_in_place(q, k, v, keys, values):
    keys, values = torch.cat([keys, k[None]]), torch.cat([values, v[None]])
    q /= math.sqrt(len(q))
    return (keys @ q).softmax(0) @ values, keys, values


@wrong(exercises.cached_step, "element 0 is a float tensor of shape (1, 2), not a float tensor of shape (2,)")
def test_an_output_with_one_axis_too_many(q, k, v, keys, values):
    output, keys, values = exercises.cached_step.reference(q, k, v, keys, values)
    return output[None], keys, values


@wrong(exercises.cached_step, "element 1 is a list, not a float tensor of shape (1, 2)")
def test_a_cache_that_is_a_list(q, k, v, keys, values):
    output, *_ = exercises.cached_step.reference(q, k, v, keys, values)
    return output, [*keys, k], [*values, v]


test_a_wrong_axis_crashes = wrong(exercises.cached_step, "your function raised RuntimeError")(
    lambda q, k, v, keys, values: (q, torch.cat([keys, k[None]], dim=1), values)
)


@right(exercises.answer_flops)
def test_operations_by_a_formula(parameters, prompt, new, cached):
    read = prompt + max(new, 1) - 1 if cached else new * prompt + new * (new - 1) // 2
    return 2 * parameters * read * (new > 0)


@right(exercises.answer_flops)
def test_operations_by_a_loop(parameters, prompt, new, cached):
    total, held = 0, 0
    for step in range(new):
        total += 2 * parameters * (prompt + step - held)
        held = prompt + step if cached else 0
    return total


test_a_float_is_told_its_kind = wrong(exercises.answer_flops, "returned a float, not an int")(
    lambda N, T, n, cached: 2.0 * N * (T * n + n * (n - 1) / 2)
)


@pytest.mark.parametrize("cached", [True, False])
def test_operations_are_those_that_torch_counts(cached):
    config = TransformerConfig(
        vocab_size=11, d_model=8, n_layers=2, n_heads=2, n_kv_heads=1, d_ff=12, context_length=16
    )
    model = DecoderLM(config).eval()
    matrices = sum(weight.numel() for weight in {*model.parameters()} if weight.dim() == 2)
    matrices += 0 if config.tie_embeddings else -model.embedding.weight.numel()  # it is looked up
    ids, total = torch.randint(11, (1, 9), generator=torch.Generator().manual_seed(0)), 0
    with torch.inference_mode():
        cache = model.new_cache(1, 16) if cached else None
        for end in range(5, 9):
            with FlopCounterMode(display=False) as counter:
                model(ids[:, cache.length if cached else 0 : end], cache)
            counts = counter.get_flop_counts()["Global"]
            total += sum(flops for op, flops in counts.items() if "attention" not in str(op))
    assert total == exercises.answer_flops.reference(matrices, 5, 4, cached)


@right(exercises.batch_that_doubles)
def test_a_batch_by_divmod(weight_bytes, cache_bytes_per_token, tokens):
    texts, rest = divmod(weight_bytes, cache_bytes_per_token * tokens)
    return texts + (rest > 0)


test_a_batch_as_a_float = wrong(exercises.batch_that_doubles, "a whole number of texts, an int")(
    lambda w, c, t: float(exercises.batch_that_doubles.reference(w, c, t))
)


def test_the_batch_is_the_smallest():
    draw = random.Random(0)
    for _ in range(200):
        weights, cache, tokens = draw.randint(1, 9999), draw.randint(1, 50), draw.randint(1, 50)
        texts = exercises.batch_that_doubles.reference(weights, cache, tokens)
        assert texts * cache * tokens >= weights > (texts - 1) * cache * tokens


# tests of readers


@right(exercises.is_exact)
def test_readers_by_random_pieces(new_reader, whole):
    reader, draw = new_reader(), random.Random(0)
    for _ in range(3):
        reader.reset()
        text, outputs, place = torch.randn(32, 4, dtype=torch.float64), [], 0
        while place < len(text):
            piece = text[place : place + draw.randint(1, 9)]
            outputs.append(reader.read(piece))
            place += len(piece)
        if (torch.cat(outputs) - whole(text)).abs().max() > 1e-6:
            return False
    return True


@right(exercises.is_exact)
def test_readers_prefix_by_prefix(new_reader, whole):
    reader = new_reader()
    reader.read(torch.ones(3, 6))
    reader.reset()
    text, place, exact = torch.arange(192.0).cos().view(32, 6), 0, True
    for length in (1, 2, 3, 4, 1, 21):
        output = reader.read(text[place : place + length])
        place += length
        exact &= bool(torch.isclose(output, whole(text[:place])[-length:], atol=1e-4).all())
    return exact


@wrong(exercises.is_exact, "Instead of == or torch.equal, or torch.allclose with its own atol")
def test_readers_with_a_tolerance_below_rounding(new_reader, whole):
    text = torch.randn(32, 8, generator=torch.Generator().manual_seed(0))
    reader = new_reader()
    outputs = torch.cat([reader.read(piece) for piece in text.split([5, 1, 1, 6, 3, 16])])
    return torch.allclose(outputs, whole(text), atol=1e-9, rtol=0)


@wrong(exercises.is_exact, "your function raised")
def test_readers_given_a_vector(new_reader, whole):
    text, reader = torch.randn(32, 8), new_reader()
    return torch.allclose(torch.stack([reader.read(vector) for vector in text]), whole(text), atol=1e-5)


@wrong(exercises.is_exact, "your function is right on every input shown and wrong on one that isn't")
def test_readers_known_by_name(new_reader, whole):
    return new_reader.__name__ in ("Joining", "Rereading", "Buffered", "Growing")


@pytest.mark.parametrize("reader", [*RIGHT, *FAULTY])
def test_a_reader_is_right_or_has_its_bug(reader):
    assert exercises.is_exact.reference(reader, readers.whole) == (reader in RIGHT)
    text = torch.randn(12, 8, generator=torch.Generator().manual_seed(1))
    exact = torch.allclose(reader().read(text), readers.whole(text), atol=1e-5)
    assert exact == (reader not in (readers.WithEmptySlots, readers.Rounded))  # the others are right in one piece


def test_a_whole_text_is_causal():
    text = torch.randn(9, 4, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(readers.whole(text)[:5], readers.whole(text[:5]))
    torch.testing.assert_close(readers.whole(text)[0], text[0])


# the loop


@right(exercises.generate)
def test_a_loop_with_an_index(model, prompt, new):
    cache, ids, held = [], list(prompt), 0
    while len(ids) < len(prompt) + new:
        id = model.read(ids[held:], cache)
        held = len(ids)
        ids += [id]
    return ids[len(prompt) :]


@right(exercises.generate)
def test_all_that_the_cache_does_not_hold_is_read(model, prompt, new):
    cache, ids = model.new_cache(), list(prompt)
    for _ in range(new):
        ids.append(model.read(ids[len(cache) :], cache))
    return ids[len(prompt) :]


@right(exercises.generate)
def test_a_prompt_read_token_by_token(model, prompt, new):
    cache, answer = model.new_cache(), []
    for id in prompt:
        following = model.read([id], cache)
    for _ in range(new):
        answer.append(following)
        following = model.read([following], cache) if len(answer) < new else None
    return answer


@wrong(exercises.generate, "changed its input prompt in place")
def test_a_loop_that_writes_into_the_prompt(model, prompt, new):
    start, cache = len(prompt), model.new_cache()
    for step in range(new):
        prompt.append(model.read(prompt[-1:] if step else list(prompt), cache))
    return prompt[start:]


test_ids_in_place_of_a_list = wrong(exercises.generate, "your function raised TypeError")(
    lambda model, prompt, new: [model.read(prompt[-1], model.new_cache()) for _ in range(new)]
)
