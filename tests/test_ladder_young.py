"""The young transformers that the course ships: what they are, and that their training is repeatable."""

import math
from dataclasses import replace

import pytest
import torch

from course_utils import corpora, evaluation, pretrained
from course_utils.files import save_tensors
from course_utils.ladder import young
from course_utils.training import document_row, learning_rate_factor
from course_utils.transformer import DecoderLM


@pytest.fixture(scope="module")
def models():
    return young.load_young()


@pytest.fixture(scope="module")
def validation():
    _, tokenizer = pretrained.load("tinyworld", device="cpu")
    return [
        torch.tensor(document_row(text, tokenizer.encode))
        for text in corpora.load("tinyworld", "validation")["text"][:100]
    ]


def test_each_has_its_place_in_a_training(models):
    assert list(models) == [(0, 80), (0, 160), (0, 240), (0, 320), (0, 400), (0, 480), (1, 240)]
    assert all(model.config == young.SHAPE and not model.training for model in models.values())
    assert {weight.dtype for model in models.values() for weight in model.parameters()} == {torch.float32}


def test_later_ones_are_better_and_the_two_seeds_alike(models, validation):
    losses = {place: math.log(evaluation.perplexity(model, validation, 128)) for place, model in models.items()}
    of_seed_0 = [loss for (seed, _), loss in losses.items() if seed == 0]
    assert of_seed_0 == sorted(of_seed_0, reverse=True)
    assert losses[1, 240] == pytest.approx(losses[0, 240], rel=0.04)
    assert losses[1, 240] != losses[0, 240]


def test_sixteen_bits_change_no_weight_by_more_than_their_rounding(tmp_path):
    torch.manual_seed(0)
    model = DecoderLM(young.SHAPE)
    path = tmp_path / "young.safetensors"
    young.save_young({(seed, step): model for seed, steps in young.STEPS.items() for step in steps}, path)
    for read in young.load_young(path).values():
        for name, weight in model.state_dict().items():
            torch.testing.assert_close(read.state_dict()[name], weight, rtol=2**-11, atol=2**-25)


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"python -m course_utils\.ladder\.young"):
        young.load_young(tmp_path / "none.safetensors")


def test_a_damaged_file_is_named(tmp_path):
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(young.FILE.read_bytes()[:1000])
    other = tmp_path / "other.safetensors"
    save_tensors(other, {"0/80/embedding.weight": torch.zeros(3, 3)})
    for path in (cut, other):
        with pytest.raises(ValueError, match=path.name):
            young.load_young(path)


@pytest.mark.slow
def test_the_command_makes_them_again(models, validation):
    again = young.train(seed=1)[240]
    here, there = (evaluation.perplexity(model, validation, 128) for model in (again, models[1, 240]))
    assert here == pytest.approx(there, rel=0.03)  # each processor rounds in its own way
    same, other = (
        torch.cosine_similarity(again.embedding.weight.flatten(), model.embedding.weight.flatten(), dim=0)
        for model in (models[1, 240], models[0, 240])
    )
    assert same > 0.9 > other  # of the same seed


def test_the_first_steps_of_a_training_are_at_the_rates_of_the_whole():
    def rates(settings, steps):
        shape = settings.warmup, settings.decay, settings.final
        return [learning_rate_factor(step / settings.steps, *shape) for step in range(steps)]

    for steps in 80, 240, 480:
        part = replace(young.SETTINGS, **young.first_steps(steps))
        assert rates(part, steps) == pytest.approx(rates(young.SETTINGS, steps))
