"""Energy and CO2: the formulas on figures of papers, and what is called an estimate."""

import math
import sys
from types import SimpleNamespace

import pytest

from course_utils.evaluation import Energy, energy_from_flops, energy_from_power, metered_energy
from course_utils.evaluation.energy import energy_of_parts


def test_a_kilowatt_for_an_hour_is_a_kilowatt_hour():
    assert energy_from_power(1000, 3600).kwh == pytest.approx(1)
    assert energy_from_flops(3.6e18, 1e-12).kwh == pytest.approx(1)


def test_both_ways_agree_where_a_joule_per_operation_is_what_the_machine_reaches():
    watts, reached, seconds = 700.0, 0.4 * 989e12, 5000.0
    by_power, by_flops = energy_from_power(watts, seconds), energy_from_flops(reached * seconds, watts / reached)
    assert by_flops.kwh == pytest.approx(by_power.kwh)
    assert energy_from_flops(reached * seconds, watts / 989e12).kwh == pytest.approx(0.4 * by_power.kwh)


def test_gpt_3_is_the_1287_megawatt_hours_of_its_estimate():
    """Patterson et al. (2021), table 4: 3.14e23 operations, 24.6 TFLOP/s and 330 W for each V100, PUE 1.10, 429 g."""
    energy = energy_from_flops(3.14e23, 1.10 * 330 / 24.6e12)
    assert energy.kwh == pytest.approx(1_287_000, rel=0.01)
    assert energy.grams_of_co2(429) / 1e6 == pytest.approx(552.1, rel=0.01)  # tonnes


def test_what_is_assumed_is_called_an_estimate_and_says_what():
    assert str(energy_from_power(65, 100)) == "0.00181 kWh, estimated: 100 s at an assumed 65 W"
    assert str(energy_from_flops(1e18, 2e-12)) == "0.556 kWh, estimated: 1e+18 operations at an assumed 2e-12 J each"
    assert str(Energy(2.0, 0.0, "a meter")) == "2 kWh, read: a meter"


FOUND = SimpleNamespace(
    cpu_model="AMD EPYC", cpu_power=8.0, ram_power=20.0, gpu_model="H200", cpu_energy=3.0, ram_energy=2.0,
    gpu_energy=5.0, energy_consumed=10.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("processor", "estimated"),
    [
        (["CPU(Cpu Load)"], 5.0),
        (["CPU(AMD EPYC > 170W)"], 5.0),
        (["CPU(AMD EPYC > 85W [generic])"], 5.0),
        ([], 5.0),
        (["CPU(Intel Rapl)"], 2.0),
        (["CPU(Windows Emi)"], 2.0),
        (["AppleSiliconChip (Apple M3 > CPU)"], 2.0),
    ],
)
def test_what_codecarbon_guesses_is_an_estimate(processor, estimated):
    energy = energy_of_parts(FOUND, ["RAM()", *processor])
    assert (energy.kwh, energy.estimated_kwh, energy.is_estimate) == (10.0, estimated, True)
    read = "guessed at 8.0 W" if estimated == 5 else "read"
    assert energy.basis == f"processor “AMD EPYC” {read}, memory guessed at 20.0 W, graphics cards “H200” read"


class FakeTracker:
    made = None

    def __init__(self, **settings):
        self.settings, self.calls, self._hardware = settings, [], ["RAM()", "CPU(Cpu Load)"]
        FakeTracker.made = self

    def start(self):
        self.calls.append("start")

    def stop(self):
        self.calls.append("stop")
        self.final_emissions_data = FOUND


def test_a_run_lies_between_start_and_stop_and_writes_no_file(monkeypatch):
    monkeypatch.setitem(sys.modules, "codecarbon", SimpleNamespace(OfflineEmissionsTracker=FakeTracker))
    assert metered_energy(lambda: FakeTracker.made.calls.append("run")).kwh == 10.0
    assert FakeTracker.made.calls == ["start", "run", "stop"]
    assert FakeTracker.made.settings["output_methods"] == []
    with pytest.raises(ZeroDivisionError):
        metered_energy(lambda: 1 / 0)
    assert FakeTracker.made.calls == ["start", "stop"]


def test_the_real_one_says_what_it_guesses(tmp_path, monkeypatch, capfd):
    pytest.importorskip("codecarbon", reason="codecarbon is optional: pip install codecarbon")
    monkeypatch.chdir(tmp_path)
    energy = metered_energy(lambda: sum(range(10**7)))
    assert 0 < energy.estimated_kwh <= energy.kwh
    assert "memory guessed at" in energy.basis
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_without_codecarbon_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    with pytest.raises(ModuleNotFoundError, match=r"^metered_energy needs codecarbon .*: run pip install codecarbon"):
        metered_energy(lambda: None)


@pytest.mark.parametrize("wrong", [-1, math.nan, math.inf, "2", None])
@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("flops", lambda value: energy_from_flops(value, 1e-12)),
        ("joules_per_flop", lambda value: energy_from_flops(1e18, value)),
        ("watts", lambda value: energy_from_power(value, 1)),
        ("seconds", lambda value: energy_from_power(1, value)),
        ("grams_per_kwh", lambda value: energy_from_power(1, 1).grams_of_co2(value)),
    ],
)
def test_bad_input_is_named(name, call, wrong):
    with pytest.raises(ValueError, match=f"^{name} must be a"):
        call(wrong)
