"""How fast a training step is beside the same step of Hugging Face's Llama, and Muon beside torch's, in one run.

Only printed: `pytest -m benchmark -s tests/benchmarks`.
"""

import statistics
import time

import pytest
import torch
import torch.nn.functional as F
from timing import best_of_each
from transformers import LlamaConfig, LlamaForCausalLM

from course_utils import training
from course_utils.device import multiplies_bfloat16
from course_utils.training import next_token_loss
from course_utils.training.muon import StackedMuon
from course_utils.transformer import DecoderLM, TransformerConfig

pytestmark = pytest.mark.benchmark
ROUNDS = 7


def shape(d_model, n_layers, context_length):
    return TransformerConfig(
        vocab_size=512,
        d_model=d_model,
        n_layers=n_layers,
        n_heads=d_model // 32,
        n_kv_heads=d_model // 32,
        d_ff=32 * -(-d_model * 8 // 96),
        context_length=context_length,
    )


def the_same_llama(config):
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.d_model,
            intermediate_size=config.d_ff,
            num_hidden_layers=config.n_layers,
            num_attention_heads=config.n_heads,
            num_key_value_heads=config.n_kv_heads,
            max_position_embeddings=config.context_length,
            tie_word_embeddings=True,
            use_cache=False,
            attn_implementation="sdpa",
        )
    ).train()


def step_of(loss_of, model, autocast):
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)

    def step(inputs, targets):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = loss_of(inputs, targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


@pytest.mark.parametrize("autocast", [False, True], ids=["float32", "bf16"])
@pytest.mark.parametrize(
    ("d_model", "n_layers", "batch_size", "context_length"), [(128, 4, 16, 128), (256, 4, 16, 128), (512, 4, 8, 128)]
)
def test_training_step(d_model, n_layers, batch_size, context_length, autocast):
    if autocast and not multiplies_bfloat16("cpu"):
        pytest.skip("this processor only emulates bfloat16")
    config = shape(d_model, n_layers, context_length)
    ours, theirs = DecoderLM(config), the_same_llama(config)
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters())
    steps = {
        "ours": step_of(lambda x, y: next_token_loss(ours(x), y), ours, autocast),
        "transformers": step_of(
            lambda x, y: F.cross_entropy(theirs(x).logits.float().flatten(0, 1), y.flatten()), theirs, autocast
        ),
    }
    ids = torch.randint(config.vocab_size, (batch_size, context_length + 1))
    seconds = {name: [] for name in steps}
    for _ in range(1 + ROUNDS):
        for name, step in steps.items():
            start = time.perf_counter()
            step(ids[:, :-1], ids[:, 1:])
            seconds[name].append(time.perf_counter() - start)
    peak = training.matmul_peak("cpu", torch.bfloat16 if autocast else torch.float32)
    flops = training.flops_per_token(config, context_length)
    best = {name: min(times[1:]) for name, times in seconds.items()}
    print(f"\nd={d_model}, {n_layers} layers, {'bf16' if autocast else 'float32'}, peak {peak / 1e9:.0f} GFLOP/s")
    for name, least in best.items():
        speed = batch_size * context_length / least
        middle = statistics.median(seconds[name][1:])
        print(f"  {name:13} {speed:8.0f} tokens/s, MFU {speed * flops / peak:5.1%}, median {middle:.3f} s a step")
    print(f"  ratio of best times {best['ours'] / best['transformers']:.2f}")


@pytest.mark.parametrize(("d_model", "n_layers"), [(128, 4), (256, 4), (512, 8)])
def test_muon(d_model, n_layers):
    matrices = training.parameter_groups(DecoderLM(shape(d_model, n_layers, 128)))["hidden"]
    for matrix in matrices:
        matrix.grad = torch.randn_like(matrix)
    ours, theirs = StackedMuon(matrices), torch.optim.Muon(matrices, adjust_lr_fn="match_rms_adamw")
    best = best_of_each(ours=ours.step, torch=theirs.step)
    print(f"\nd={d_model}, {n_layers} layers: a step of Muon in stacks {1000 * best['ours']:.1f} ms")
    print(f"  torch's, one matrix at a time {1000 * best['torch']:.1f} ms, ratio {best['ours'] / best['torch']:.2f}")
