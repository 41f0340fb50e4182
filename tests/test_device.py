"""What the machine can do; and that importing the package stays silent and light."""

import os
import platform
import subprocess
import sys
import time

import pytest
import torch
from settings import SETTINGS
from torch.utils._python_dispatch import TorchDispatchMode

from course_utils import device, speed


@pytest.mark.parametrize(
    ("cuda", "mps", "picked"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_cuda_comes_before_mps_before_the_cpu(monkeypatch, cuda, mps, picked):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert device.pick_device() == torch.device(picked)


@pytest.mark.parametrize(
    ("place", "native", "dtype"),
    [
        ("cuda", True, torch.bfloat16),
        ("cuda:1", True, torch.bfloat16),
        (torch.device("cuda"), True, torch.bfloat16),
        ("cuda", False, torch.float32),  # bfloat16 would be emulated
        ("mps", True, torch.float32),
        ("cpu", True, torch.float32),
    ],
)
def test_bfloat16_only_where_cuda_computes_in_it_natively(monkeypatch, place, native, dtype):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: native or including_emulation)
    assert device.pick_dtype(place) == dtype


# ---- who made the processor

WINDOWS, MAC = "AMD64 Family 25 Model 33 Stepping 0, {}", "arm"


@pytest.mark.parametrize(
    ("description", "cpuinfo", "amd"),
    [
        ("", "vendor_id\t: AuthenticAMD\n", True),
        ("x86_64", "vendor_id\t: GenuineIntel\n", False),
        (WINDOWS.format("AuthenticAMD"), None, True),
        (WINDOWS.format("GenuineIntel"), None, False),  # AMD64 is the name of the instructions, whoever made it
        (MAC, None, False),
    ],
)
def test_who_made_the_processor_is_asked_of_each_system_in_its_own_way(
    monkeypatch, tmp_path, description, cpuinfo, amd
):
    file = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        file.write_text(cpuinfo)
    monkeypatch.setattr(platform, "processor", lambda: description)
    monkeypatch.setattr(device, "Path", lambda path: file if path == "/proc/cpuinfo" else None)
    assert device.processor_is_from_amd.__wrapped__() == amd


# ---- what a processor multiplies in


def product_of(times, seen=None):
    """A stand-in for `seconds_of_product`: the times of each dtype in turn, whatever the size."""
    times = {dtype: iter(seconds) for dtype, seconds in times.items()}

    def seconds_of_product(n, dtype):
        if seen is not None:
            seen.append((n, dtype, torch.get_num_threads()))
        return next(times[dtype])

    return seconds_of_product


TWICE = 2 * device.ROUNDS  # two sizes


@pytest.mark.parametrize(
    ("wide", "narrow", "native"),
    [
        ([1.0] * TWICE, [0.45] * TWICE, True),
        ([1.0] * TWICE, [0.9] * TWICE, False),  # no clear gain
        ([1.0] * TWICE, [1.0] * TWICE, False),
        ([1.0] * TWICE, [2.0] * TWICE, False),
        ([1.0] * TWICE, [50.0] * TWICE, False),
        ([1.0, 900, 900, 900, 900] * 2, [50.0] * TWICE, False),  # one undisturbed product of a size is enough
        ([900, 900, 900, 900, 1.0] * 2, [900, 900, 50.0, 900, 900] * 2, False),
        ([900, 1.0, 900, 900, 900] * 2, [900, 900, 900, 0.45, 900] * 2, True),
        ([1.0] * TWICE, [4.0] * device.ROUNDS + [0.45] * device.ROUNDS, True),  # starting a product takes a while
    ],
)
def test_the_best_times_of_products_tell_whether_the_processor_has_bfloat16(monkeypatch, wide, narrow, native):
    product = product_of({torch.float32: wide, torch.bfloat16: narrow})
    monkeypatch.setattr(device, "seconds_of_product", product)
    assert device.outruns_float32(torch.bfloat16) == native


def test_products_that_take_far_too_long_are_tried_at_the_smaller_size_only(monkeypatch):
    seen = []
    times = {torch.float32: [1.0] * device.ROUNDS, torch.float16: [9.0] * device.ROUNDS}
    monkeypatch.setattr(device, "seconds_of_product", product_of(times, seen))
    assert not device.outruns_float32(torch.float16)
    assert {n for n, _, _ in seen} == {device.SIZES[0]}


def test_one_thread_is_measured_and_the_others_come_back(monkeypatch):
    """Two threads of a busy machine wait for each other: float32 in two of them then takes longer than bfloat16."""
    seen, before = [], torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        times = {torch.float32: [1.0] * TWICE, torch.bfloat16: [0.5] * TWICE}
        monkeypatch.setattr(device, "seconds_of_product", product_of(times, seen))
        device.outruns_float32(torch.bfloat16)
        assert {threads for _, _, threads in seen} == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_product_is_in_the_dtype_asked_for_whatever_autocast_says():
    class Recorded(TorchDispatchMode):
        dtypes = ()

        def __torch_dispatch__(self, function, types, arguments=(), options=None):
            if "mm" in str(function):
                self.dtypes += tuple(argument.dtype for argument in arguments)
            return function(*arguments, **(options or {}))

    with torch.autocast("cpu", torch.bfloat16), Recorded() as recorded:
        assert device.seconds_of_product(8, torch.float32) > 0
    assert recorded.dtypes == (torch.float32, torch.float32)


def test_a_processor_is_measured_once(monkeypatch):
    asked = []
    monkeypatch.setattr(device, "_native", {})
    monkeypatch.setattr(device, "outruns_float32", lambda dtype: asked.append(dtype) or dtype == torch.bfloat16)
    for _ in range(3):
        assert device.multiplies(torch.bfloat16, "cpu")
        assert device.multiplies_bfloat16("cpu")
        assert not device.multiplies(torch.float16, torch.device("cpu"))
        assert device.multiplies(torch.float32, "cpu")
    assert asked == [torch.bfloat16, torch.float16]


@pytest.mark.parametrize(
    ("dtype", "place", "native", "computes_in"),
    [
        (torch.bfloat16, "cpu", True, torch.bfloat16),
        (torch.bfloat16, "cpu", False, torch.float32),
        (torch.float16, "cpu", True, torch.float16),
        (torch.float16, "cpu", False, torch.float32),
        (torch.float32, "cpu", False, torch.float32),
        (torch.float64, "cpu", False, torch.float64),
        (torch.bfloat16, "cuda", True, torch.bfloat16),
        (torch.bfloat16, "cuda", False, torch.float32),
        (torch.float16, "cuda", False, torch.float16),
        (torch.bfloat16, "mps", False, torch.bfloat16),
        (torch.bfloat16, "meta", False, torch.bfloat16),
    ],
)
def test_a_dtype_that_is_only_emulated_gives_way_to_float32(monkeypatch, dtype, place, native, computes_in):
    monkeypatch.setattr(device, "_native", dict.fromkeys(device.NARROW, native))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: native or including_emulation)
    assert device.compute_dtype(dtype, place) == computes_in


def test_several_processes_can_settle_what_each_has_measured(monkeypatch):
    monkeypatch.setattr(device, "_native", {torch.bfloat16: True})
    device.settle(torch.bfloat16, False)
    assert not device.multiplies_bfloat16("cpu")


def test_the_mark_that_keeps_the_compiler_off_the_measurement_is_torchs_own():
    marks = vars(torch.compiler.assume_constant_result(lambda: None))
    assert marks
    assert marks.items() <= vars(device.multiplies).items()


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="the settings are for x86 processors")
@pytest.mark.parametrize("setting", ["avx2", "old"])
def test_settings_that_keep_the_libraries_off_bfloat16_are_heeded(setting):
    code = "from course_utils.device import multiplies_bfloat16; print(multiplies_bfloat16('cpu'))"
    environment = os.environ | SETTINGS[setting]
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_importing_prints_nothing_and_leaves_the_heavy_libraries_alone():
    code = (
        "import sys; from course_utils import decoding, device, evaluation, ngram, pretrained;"
        "from course_utils import tokenization, training, transformer;"
        "assert not {'transformers', 'datasets', 'matplotlib', 'ipywidgets'} & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_device_without_float64_is_widened_on_the_cpu():
    class Apple:
        """What `widened` needs of a tensor on Apple's MPS."""

        device = torch.device("mps")

        def cpu(self):
            return torch.ones(2)

        def double(self):
            raise TypeError("Cannot convert a MPS Tensor to float64")

    assert device.widened(Apple()).dtype == torch.float64
    assert device.widened(torch.ones(2)).dtype == torch.float64


# ---- how fast it multiplies, and whether it compiles


@pytest.fixture
def products(monkeypatch):
    """Products of matrices under a clock of their own: what was multiplied, and the seconds that each takes in turn."""
    done, seconds, multiply, clock = [], [], torch.Tensor.__matmul__, [100.0]

    def timed(a, b):
        done.append((tuple(a.shape), tuple(b.shape), a.dtype))
        clock[0] += seconds.pop(0)
        return multiply(a, b)

    monkeypatch.setitem(speed.PEAK_SIZE, "cpu", 64)
    monkeypatch.setattr(torch.Tensor, "__matmul__", timed)
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    return done, seconds


@pytest.mark.parametrize("fastest", range(1 + speed.ROUNDS))
def test_the_peak_is_the_fastest_of_several_products(products, fastest):
    done, seconds = products
    seconds += [3.0] * (1 + speed.ROUNDS)
    seconds[fastest] = 0.5
    assert speed.matmul_peak("cpu", torch.float64) == 2 * 64**3 / 0.5
    assert set(done) == {((64, 64), (64, 64), torch.float64)}


def test_the_peak_is_of_what_is_computed_in(products, bfloat16_native):
    done, seconds = products
    seconds += [1.0] * (1 + speed.ROUNDS)
    speed.matmul_peak("cpu", torch.bfloat16)
    assert {dtype for _, _, dtype in done} == {torch.bfloat16 if bfloat16_native else torch.float32}


def test_bandwidth_is_bytes_over_the_least_seconds(monkeypatch):
    seconds, clock = [2.0, 0.25, 1.0, 1.0, 1.0, 1.0], [0.0]

    def added_up(numbers):
        assert numbers.nbytes == 2**20
        clock[0] += seconds.pop(0)

    monkeypatch.setitem(speed.READ_SIZE, "cpu", 2**20)
    monkeypatch.setattr(torch.Tensor, "sum", added_up)
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    assert speed.read_bandwidth() == 2**20 / 0.25
    assert not seconds


def test_the_peak_in_float64_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match=r"dtype=torch\.float64: Apple's MPS has no float64"):
        speed.matmul_peak("mps", torch.float64)


@pytest.mark.parametrize("works", [True, False])
def test_a_machine_without_a_compiler_is_told_by_trying(monkeypatch, works):
    def compile(function):
        def compiled(x):
            if not works:
                raise RuntimeError("no C++ compiler")
            return function(x)

        return compiled

    monkeypatch.setattr(torch, "compile", compile)
    assert speed.can_compile("cpu") == works
