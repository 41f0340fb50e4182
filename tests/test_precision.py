"""Who speaks of narrow dtypes: all of the package's places, so that none computes in one that is only emulated."""

import ast
from collections import Counter
from pathlib import Path

import pytest

import course_utils

ROOT = Path(course_utils.__file__).parent
NARROW = {"bfloat16", "float16", "half", "autocast", "bf16"}
DECIDING = {"multiplies", "multiplies_bfloat16", "compute_dtype", "pick_dtype", "settle"}

# Every file that mentions a narrow dtype or asks for the decision: what it mentions, how often, and why that is right.
PLACES = {
    "decoding/knobs.py": ({"bfloat16": 1, "float16": 1}, "widens narrow logits to float32"),
    "device.py": (
        {"bfloat16": 5, "float16": 1, "autocast": 1, "multiplies": 4},
        "decides; its measurement alone multiplies in what may be emulated, for milliseconds",
    ),
    "exercises/cache/_readers.py": (
        {"bfloat16": 2},
        "rounds to it, as the bug does that it shows; computes in float32",
    ),
    "finetuning/instruct.py": (
        {"autocast": 1, "bfloat16": 1, "bf16": 1, "multiplies_bfloat16": 3},
        "multiplies in bfloat16 where it is native, and reports which it was",
    ),
    "ladder/settings.py": (
        {"autocast": 1, "bfloat16": 1, "multiplies_bfloat16": 2},
        "asks the trainer for bfloat16 where it is native",
    ),
    "ladder/young.py": ({"half": 1}, "how the weights lie in their file; they are read as float32"),
    "memory/cache.py": ({"float16": 1}, "counts bytes, computes nothing"),
    "memory/inference.py": ({"float16": 1}, "counts bytes, computes nothing"),
    "memory/training.py": ({"bfloat16": 1}, "counts bytes, computes nothing"),
    "pretrained/loading.py": ({"pick_dtype": 2}, "the weights' dtype if none is asked for; the decoder computes"),
    "speed.py": ({"compute_dtype": 2}, "measures the peak of what is computed in"),
    "training/config.py": ({"autocast": 5, "bfloat16": 1}, "what is asked for; the trainer heeds the decision"),
    "training/distributed.py": ({"bfloat16": 2, "multiplies": 2, "settle": 2}, "makes all processes decide alike"),
    "training/muon.py": ({"bfloat16": 2, "compute_dtype": 3}, "multiplies in bfloat16 where that is native"),
    "training/pretrain.py": (
        {"bf16": 6, "bfloat16": 2, "autocast": 7, "multiplies_bfloat16": 2},
        "asks the trainer for bf16 as a resumed run did, else where it is native, and reports what came of it",
    ),
    "training/trainer.py": ({"autocast": 7, "multiplies": 2}, "turns autocast off where it would be emulated"),
    "transformer/attention.py": ({"bfloat16": 1}, "another kernel where queries are bfloat16 already"),
    "transformer/linear.py": (
        {"bfloat16": 2},
        "a single vector meets a large matrix: reading takes the time, whatever the processor calculates in",
    ),
    "transformer/quantized.py": (
        {"bfloat16": 5, "float16": 2},
        "torch's kernels for whole numbers take bfloat16, and compute in float32 where that isn't native; float16 is "
        "only how a matrix is kept",
    ),
    "transformer/onednn.py": ({"autocast": 1}, "measures in float32, whatever autocast is on"),
    "transformer/decoder.py": ({"compute_dtype": 3}, "widens the embedding's output and the cache; all follows"),
    "widgets/budget_explorer.py": ({"float16": 1}, "counts bytes, computes nothing"),
}


def mentions(source):
    """Count the names, attributes, arguments, imports and whole strings in Python source that need a reason."""
    found = Counter()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=name) | ast.alias(name=name):
                found[name] += 1
            case ast.Constant(value=str(name)):
                found[name] += 1
    return {name: count for name, count in found.items() if name in NARROW | DECIDING}


def test_every_place_that_could_compute_in_a_narrow_dtype_is_known():
    found = {path.relative_to(ROOT).as_posix(): mentions(path.read_text("utf-8")) for path in ROOT.rglob("*.py")}
    assert {place: names for place, names in found.items() if names} == {
        place: names for place, (names, _) in PLACES.items()
    }


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x = x.bfloat16()", {"bfloat16": 1}),
        ("x.to(dtype=torch.float16)", {"float16": 1}),
        ("x = x.half()", {"half": 1}),
        ("x.to(getattr(torch, 'bfloat16'))", {"bfloat16": 1}),
        ("with torch.autocast('cpu'): pass", {"autocast": 1}),
        ("from course_utils.device import compute_dtype as ask", {"compute_dtype": 1}),
        ("Config(autocast=dtype)", {"autocast": 1}),
        ("'''Text about bfloat16 and half of it.'''\nx = x.float()", {}),
    ],
)
def test_a_mention_is_found_however_it_is_written(source, found):
    assert mentions(source) == found
