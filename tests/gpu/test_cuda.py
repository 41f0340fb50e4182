"""What must hold when a CUDA device is there: the same numbers as on the CPU, the same text for the same seed."""

import pytest
import torch

from course_utils import decoding, pretrained
from course_utils.device import pick_device, pick_dtype

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device: torch.cuda.is_available() is False"),
]

PROMPT = "I love watching movies."


@pytest.fixture(scope="module")
def on_gpu():
    return pretrained.load(device="cuda", dtype=torch.float32)[0]


def test_the_gpu_is_picked():
    assert pick_device().type == "cuda"
    assert pick_dtype("cuda") in (torch.bfloat16, torch.float32)


def test_logits_equal_those_of_the_cpu(smollm2, on_gpu):
    model, tokenizer = smollm2
    ids = torch.tensor([tokenizer.encode(PROMPT)])
    with torch.no_grad():
        difference = (model(ids) - on_gpu(ids.cuda()).cpu()).abs().max().item()
    assert difference < 1e-2  # float32 in another order of summation


@pytest.mark.parametrize("settings", [{"temperature": 0}, {"seed": 1, "top_p": 0.9}, {"seed": 2, "top_k": 8}])
def test_the_same_seed_gives_the_same_text_as_on_the_cpu(smollm2, on_gpu, settings):
    model, tokenizer = smollm2
    ids = torch.tensor([tokenizer.encode(PROMPT)])
    on_cpu = decoding.generate(model, ids, 20, **settings)
    assert torch.equal(decoding.generate(on_gpu, ids.cuda(), 20, **settings).cpu(), on_cpu)


def test_bfloat16_agrees_on_the_next_token(smollm2):
    model, tokenizer = smollm2
    narrow = pretrained.load(device="cuda", dtype=torch.bfloat16)[0]
    ids = torch.tensor([tokenizer.encode(PROMPT)])
    with torch.no_grad():
        wide = model(ids)[0, -1].softmax(-1)
        difference = (narrow(ids.cuda())[0, -1].float().cpu().softmax(-1) - wide).abs().max().item()
    assert difference < 0.05


@pytest.mark.parametrize("shape", [(49_152,), (4, 49_152)])
def test_ties_are_settled_as_on_the_cpu(shape):
    logits = torch.randint(0, 40, shape, generator=torch.Generator().manual_seed(0)).float()
    for settings in (
        {"temperature": 0},
        {"top_k": 100},
        {"top_p": 0.7},
        {"temperature": 0.5, "top_k": 500, "top_p": 0.9},
    ):
        on_gpu = decoding.next_token_probs(logits.cuda(), **settings).cpu()
        torch.testing.assert_close(on_gpu, decoding.next_token_probs(logits, **settings))
        assert torch.equal(on_gpu > 0, decoding.next_token_probs(logits, **settings) > 0)
