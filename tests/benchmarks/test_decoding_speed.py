"""How fast decoding is beside Hugging Face's, in one run; what fewer bits, guesses and a long text do to it.

Only printed: `pytest -m benchmark -s tests/benchmarks`.
"""

import json
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from timing import best_of_each
from transformers import AutoModelForCausalLM
from transformers.generation import TopKLogitsWarper, TopPLogitsWarper

from course_utils import corpora, decoding, evaluation, pretrained
from course_utils.decoding.generation import drawer
from course_utils.pretrained.loading import packaged_file
from course_utils.speed import read_bandwidth
from course_utils.transformer.quantized import STACKS, has_fbgemm, quantized_layers

pytestmark = pytest.mark.benchmark

NEW = 60
PROMPT = "I love watching movies."
PROSE = "Once upon a time there was a little miller who lived by a river. Every morning he"
CODE = """def area(width, height):
    return width * height


def volume(width, height, depth):
    return area(width, height) * depth


def surface(width, height, depth):
"""


def report(what, seconds):
    ours, theirs = seconds["ours"], seconds["theirs"]
    print(f"\n{what}: ours {ours:.4f} s, transformers {theirs:.4f} s, ratio {ours / theirs:.2f}")


def peer_of(smollm2, folder, dtype):
    pretrained.to_huggingface(*smollm2, folder)
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()


def greedily(peer, ids):
    settings = {"do_sample": False, "max_new_tokens": NEW, "min_new_tokens": NEW, "pad_token_id": 0}
    return lambda: peer.generate(ids, attention_mask=torch.ones_like(ids), **settings)


@pytest.mark.parametrize("batch_size", [1, 8])
def test_generation(smollm2, tmp_path, batch_size):
    model, tokenizer = smollm2
    ids = torch.tensor([tokenizer.encode(PROMPT)]).repeat(batch_size, 1)
    seconds = best_of_each(
        ours=lambda: decoding.generate(model, ids, NEW, temperature=0),
        theirs=greedily(peer_of(smollm2, tmp_path, torch.float32), ids),
    )
    report(f"greedy, batch {batch_size}, {NEW} tokens ({NEW * batch_size / seconds['ours']:.0f} tokens/s)", seconds)


@contextmanager
def busy_processes(number):
    """Beside so many processes that do nothing but calculate."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


@pytest.mark.parametrize("busy", [0, 2])
def test_fewer_bits(smollm2, tmp_path, busy):
    model, tokenizer = smollm2
    ids = torch.tensor([tokenizer.encode(PROMPT)])
    text = torch.tensor(tokenizer.encode("\n".join(corpora.load("pydocs", "train")["text"][:40]))[:4096])
    models = {"float32": model, "bfloat16": pretrained.load(dtype=torch.bfloat16)[0]}
    models |= {kind: pretrained.load(quantization=kind)[0] for kind in STACKS if kind != "float16" or has_fbgemm()}
    calls = {name: lambda each=each: decoding.generate(each, ids, NEW, temperature=0) for name, each in models.items()}
    peers = {f"transformers, {dtype}": peer_of(smollm2, tmp_path, dtype) for dtype in (torch.float32, torch.bfloat16)}
    calls |= {name: greedily(peer, ids) for name, peer in peers.items()}
    rough = pretrained.load(quantization="int4")[0]  # its output layer in four bits too
    rough.head = quantized_layers([model.embedding.weight], "int4")[0]
    print(f"\nwith the output layer in four bits perplexity {evaluation.perplexity(rough, text, 512, 512):.3f}")
    with busy_processes(busy):
        seconds = best_of_each(**calls)
        bandwidth = read_bandwidth() / 1e9
    bytes_read = sum(weight.nbytes for weight in model.parameters()) / 1e9
    print(f"\nbeside {busy} busy processes; memory is read at {bandwidth:.0f} GB/s")
    for name, took in seconds.items():
        perplexity = f", perplexity {evaluation.perplexity(models[name], text, 512, 512):.3f}" if name in models else ""
        share = f", weights at {bytes_read * NEW / took:.0f} GB/s" if name == "float32" else ""
        print(f"{name:29} {NEW / took:6.1f} tokens/s{perplexity}{share}")


@pytest.mark.parametrize("threads", [1, 2])
def test_llama_cpp(threads):
    script = Path(__file__).with_name("llama_cpp.mjs")
    if not (script.parents[2] / "node_modules" / "node-llama-cpp").exists():
        pytest.skip("no llama.cpp: npm install --no-save --omit=optional node-llama-cpp @node-llama-cpp/linux-x64")
    command = ["node", script, packaged_file(), PROMPT, str(NEW), str(threads)]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"\nllama.cpp, Q4_1, {threads} threads: {NEW / answer['seconds']:.1f} tokens/s")


def test_a_first_token(smollm2, tmp_path):
    model, _ = smollm2
    ids = torch.randint(1000, (1, 512), generator=torch.Generator().manual_seed(0))
    peer = peer_of(smollm2, tmp_path, torch.float32)
    settings = {"do_sample": False, "max_new_tokens": 1, "pad_token_id": 0, "attention_mask": torch.ones_like(ids)}
    seconds = best_of_each(
        ours=lambda: decoding.generate(model, ids, 1, temperature=0), theirs=lambda: peer.generate(ids, **settings)
    )
    report("the first token after 512", seconds)


def test_a_long_text(smollm2):
    model, _ = smollm2
    ids, cache = torch.randint(1000, (1, 2048)), model.new_cache(1, 2112)
    steps = {}
    with torch.no_grad():
        for length in (64, 512, 1024, 2048):
            cache.reset()
            for part in ids[:, :length].split(512, dim=1):
                model.next_token_logits(part, cache=cache)
            took = []
            for _ in range(30):
                start = time.perf_counter()
                model.next_token_logits(ids[:, :1], cache=cache)
                took.append(time.perf_counter() - start)
            steps[length] = statistics.median(took)
        start = time.perf_counter()
        model.next_token_logits(ids[:, :1024])
        whole = time.perf_counter() - start
    print("\nms a token behind " + ", ".join(f"{length} tokens {1e3 * took:.1f}" for length, took in steps.items()))
    print(f"without a cache behind 1024 tokens {1e3 * whole:.0f}")


def test_what_a_step_costs_outside_the_model(smollm2):
    model, tokenizer = smollm2
    ids = torch.tensor([tokenizer.encode(PROMPT)])
    cache = model.new_cache(1, 200)
    with torch.no_grad():
        model.next_token_logits(ids, cache=cache)
        seconds = best_of_each(model=lambda: [model.next_token_logits(ids[:, :1], cache=cache) for _ in range(30)])
        logits = model(ids)[:, -1]
    print(f"\na step of the model {seconds['model'] / 30 * 1e3:.1f} ms; drawing a token, ms:")
    for temperature, top_k, top_p in ((0, None, None), (1, None, None), (1, 40, None), (1, None, 0.9), (0.8, 40, 0.9)):
        draw = drawer(temperature, top_k, top_p, seed=0)
        took = best_of_each(draw=lambda draw=draw: [draw(logits) for _ in range(30)])["draw"] / 30
        print(f"  temperature {temperature}, top_k {top_k}, top_p {top_p}: {took * 1e3:.2f}")


@pytest.mark.parametrize(("name", "prompt"), [("prose", PROSE), ("code", CODE)])
@pytest.mark.parametrize("temperature", [0, 1])
def test_guessing_ahead(smollm2, name, prompt, temperature):
    model, tokenizer = smollm2
    read = [tokenizer.encode(text) for text in corpora.load("pydocs", "train")["text"][:200]]
    ids, results = torch.tensor([tokenizer.encode(prompt)]), []

    def guess():  # a fresh draft each time: an old one has read the answer
        draft = decoding.NGramDraft(4, read)
        start = time.perf_counter()
        results.append(decoding.speculate(model, ids, NEW, draft, temperature=temperature, seed=0))
        return time.perf_counter() - start

    guess()
    took = min(guess() for _ in range(3))
    plain = best_of_each(plain=lambda: decoding.generate(model, ids, NEW, temperature=temperature, seed=0))["plain"]
    last = results[-1]
    print(
        f"\n{name}, temperature {temperature}: {plain:.2f} s, with guesses {took:.2f} s, ratio {plain / took:.2f}; "
        f"{last.accepted} of {last.guessed} guesses accepted, {last.passes} passes for {NEW} tokens"
    )


def test_filters():
    logits = torch.randn(8, 49_152, generator=torch.Generator().manual_seed(0)) * 3
    for what, ours, theirs in (
        ("top-k 40", lambda: decoding.top_k_filter(logits, 40), TopKLogitsWarper(40)),
        ("top-p .9", lambda: decoding.top_p_filter(logits, 0.9), TopPLogitsWarper(0.9)),
    ):
        report(what, best_of_each(ours=ours, theirs=lambda theirs=theirs: theirs(None, logits)))
