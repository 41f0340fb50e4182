"""What oneDNN's products buy, beside torch's own choice: a training step, and the reading of a prompt.

Only printed: `pytest -m benchmark -s tests/benchmarks/test_onednn_speed.py`.
"""

import statistics
import time

import pytest
import torch

from course_utils import pretrained
from course_utils.evaluation import next_token_loss
from course_utils.transformer import onednn

pytestmark = pytest.mark.benchmark
ROUNDS = 7
# model -> texts and tokens of a batch
BATCHES = {"tinyworld": (8, 128), "smollm2-135m-instruct": (1, 512)}


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@pytest.mark.skipif(not onednn.is_quicker(), reason="on this processor torch's own products are as quick, or nearly so")
@pytest.mark.parametrize("name", BATCHES)
def test_onednn_beside_torchs_own_choice(name, monkeypatch):
    model, _ = pretrained.load(name, device="cpu", dtype=torch.float32)
    ids = torch.randint(700, BATCHES[name], generator=torch.Generator().manual_seed(0))

    def read():
        with torch.no_grad():
            model(ids)

    def train():
        next_token_loss(model(ids[:, :-1]), ids[:, 1:]).backward()
        model.zero_grad()

    print(f"\n{name}, {ids.shape[0]} x {ids.shape[1]} tokens, {torch.get_num_threads()} threads")
    for what, work in (("read", read), ("forward and backward", train)):
        times = {True: [], False: []}
        for _ in range(1 + ROUNDS):
            for quicker in times:
                monkeypatch.setattr(onednn, "is_quicker", lambda quicker=quicker: quicker)
                times[quicker].append(seconds(work))
        ours, plain = (statistics.median(times[quicker][1:]) for quicker in (True, False))
        print(f"  {what:21} {1e3 * ours:7.1f} ms, torch's own {1e3 * plain:7.1f} ms: {plain / ours:.2f} times as fast")
