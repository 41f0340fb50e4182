"""How fast decoding is beside Hugging Face's, in one run.

Only printed: `pytest -m benchmark -s tests/benchmarks`.
"""

import pytest
import torch
from timing import best_of_each
from transformers import AutoModelForCausalLM
from transformers.generation import TopKLogitsWarper, TopPLogitsWarper

from course_utils import decoding, pretrained

pytestmark = pytest.mark.benchmark


def report(what, seconds):
    ours, theirs = seconds["ours"], seconds["theirs"]
    print(f"\n{what}: ours {ours:.4f} s, transformers {theirs:.4f} s, ratio {ours / theirs:.2f}")


@pytest.mark.parametrize("batch_size", [1, 8])
def test_generation(smollm2, tmp_path, batch_size):
    model, tokenizer = smollm2
    pretrained.to_huggingface(model, tokenizer, tmp_path)
    peer = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    ids = torch.tensor([tokenizer.encode("I love watching movies.")]).repeat(batch_size, 1)
    settings = {"do_sample": False, "max_new_tokens": 30, "min_new_tokens": 30, "pad_token_id": 0}
    seconds = best_of_each(
        ours=lambda: decoding.generate(model, ids, 30, temperature=0),
        theirs=lambda: peer.generate(ids, attention_mask=torch.ones_like(ids), **settings),
    )
    report(f"greedy, batch {batch_size}, 30 tokens ({30 * batch_size / seconds['ours']:.0f} tokens/s)", seconds)


def test_filters():
    logits = torch.randn(8, 49_152, generator=torch.Generator().manual_seed(0)) * 3
    for what, ours, theirs in (
        ("top-k 40", lambda: decoding.top_k_filter(logits, 40), TopKLogitsWarper(40)),
        ("top-p .9", lambda: decoding.top_p_filter(logits, 0.9), TopPLogitsWarper(0.9)),
    ):
        report(what, best_of_each(ours=ours, theirs=lambda theirs=theirs: theirs(None, logits)))
