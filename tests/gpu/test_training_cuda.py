"""What must hold of a training when a CUDA device is there: the CPU's numbers, speed worth the name, bounded memory."""

import pytest
import torch

from course_utils import training
from course_utils.training import Trainer, TrainingConfig
from course_utils.transformer import DecoderLM, TransformerConfig

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device: torch.cuda.is_available() is False"),
]

SMALL = TransformerConfig(vocab_size=50, d_model=64, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=128, context_length=32)
LARGE = TransformerConfig(
    vocab_size=16_384, d_model=1024, n_layers=8, n_heads=16, n_kv_heads=16, d_ff=4096, context_length=1024
)


def trained(shape=SMALL, device="cuda", dtype=torch.float32, **settings):
    torch.manual_seed(0)
    ids = torch.randint(shape.vocab_size, (20_000,))
    model = DecoderLM(shape).to(device=device, dtype=dtype)
    config = TrainingConfig(**({"steps": 10, "batch_size": 8, "progress": False} | settings))
    return model, Trainer(model, ids, ids[:2000], config).run()


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_losses_equal_those_of_the_cpu(optimizer):
    on_cpu, on_gpu = (trained(device=device, optimizer=optimizer)[1] for device in ("cpu", "cuda"))
    assert on_gpu.losses == pytest.approx(on_cpu.losses, abs=5e-3)  # float32 in another order, bfloat16 inside Muon
    assert on_gpu.validations[-1].loss == pytest.approx(on_cpu.validations[-1].loss, abs=5e-3)


def test_losses_equal_those_of_the_cpu_in_float64():
    on_cpu, on_gpu = (
        trained(device=device, dtype=torch.float64, optimizer="adamw")[1].losses for device in ("cpu", "cuda")
    )
    assert on_gpu == pytest.approx(on_cpu, abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "tolerance"),
    [
        ({"autocast": torch.bfloat16}, 0.02),
        ({"compile": True}, 2e-3),
        ({"compile": True, "autocast": torch.bfloat16}, 0.02),
    ],
)
def test_bfloat16_and_compiled_learn_as_float32_does(settings, tolerance):
    plain, other = trained()[1], trained(**settings)[1]
    assert other.losses == pytest.approx(plain.losses, abs=tolerance)


def test_a_run_resumes_on_the_gpu(tmp_path):
    fixed = {"decay": "constant", "warmup": 0.0}
    trained(steps=4, directory=tmp_path, **fixed)
    whole = trained(steps=8, **fixed)[1].losses
    torch.manual_seed(0)
    ids = torch.randint(50, (20_000,))
    config = TrainingConfig(steps=8, batch_size=8, progress=False, **fixed)
    resumed = Trainer(DecoderLM(SMALL).cuda(), ids, None, config).resume(tmp_path)
    assert resumed.losses == pytest.approx(whole, abs=1e-5)


def test_accumulation_needs_less_memory():
    peaks = []
    for parts in (1, 8):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        trained(LARGE, steps=2, batch_size=8, accumulation=parts, autocast=torch.bfloat16)
        peaks.append(torch.cuda.max_memory_allocated())
    print(f"\npeak memory: {peaks[0] / 2**30:.2f} GiB in one piece, {peaks[1] / 2**30:.2f} GiB in eight")
    assert peaks[1] < 0.6 * peaks[0]


def test_model_flops_utilisation_of_a_compiled_bfloat16_step():
    _, history = trained(LARGE, steps=12, batch_size=16, autocast=torch.bfloat16, compile=True)
    last = history.steps[-1].seconds - history.steps[-6].seconds
    tokens_per_second = 5 * 16 * LARGE.context_length / last
    needed = tokens_per_second * training.flops_per_token(LARGE, LARGE.context_length)
    mfu = needed / training.matmul_peak("cuda", torch.bfloat16)
    print(f"\n{tokens_per_second:,.0f} tokens/s, MFU {mfu:.0%} of the measured peak")
    assert mfu > 0.15  # a share of the peak measured beside it, not a time: below it something is badly wrong
