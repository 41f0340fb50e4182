"""What each device holds when ZeRO cuts a training into shards."""

import math

from course_utils.exercises.core import Exercise, probes


def device_bytes(n_parameters: int, stage: int, n_devices: int) -> int:
    """Return the bytes of weights, gradients, master copy and optimizer states on the device that holds most.

    In mixed precision these are 2, 2, 4 and 8 bytes for each parameter. Stage 1 cuts master copy and states into equal
    shards, one for each device, stage 2 the gradients too, stage 3 the weights too; stage 0 cuts nothing.

    Args:
        n_parameters: N.
        stage: 0 to 3.
        n_devices: G.
    """
    share = math.ceil(n_parameters / n_devices)
    whole, cut = {0: (16, 0), 1: (4, 12), 2: (2, 14), 3: (0, 16)}[stage]
    return whole * n_parameters + cut * share


exercise = Exercise(
    device_bytes,
    minutes=15,
    difficulty=2,
    shown="each stage cuts more of the 16 bytes; what isn't cut, every device holds whole.",
    hints=(
        "Without cutting, how many bytes are there for each parameter?",
        "Stage 1: 2 + 2 bytes stay whole, 4 + 8 are cut. Go on with stages 2 and 3.",
        "The largest shard has math.ceil(n_parameters / n_devices) parameters.",
    ),
    probes=probes(
        ("stage 0", 100, 0, 4),
        "Nothing is cut, however many devices there are: 1,600.",
        ("stage 3", 100, 3, 4),
        "All 16 bytes are cut: 400.",
        ("stage 1", 100, 1, 4),
        "4 bytes whole, 12 cut: 400 + 300.",
        ("stage 2", 100, 2, 4),
        "2 bytes whole, 14 cut: 200 + 350.",
        ("shards that don't come out even", 10, 3, 4),
        "Ten parameters on four devices: one of them holds three.",
        ("one device", 100, 3, 1),
        "A single device holds everything.",
    ),
    hidden=probes(
        ("seven devices", 1_000_003, 2, 7),
        "2 bytes for each parameter, and 14 for each of the largest shard.",
    ),
)


def cut(whole, shard, divide):
    return lambda n, stage, devices: whole[stage] * n + shard[stage] * divide(n, devices)


WHOLE, SHARD = (16, 4, 2, 0), (0, 12, 14, 16)

exercise.add_mistakes(
    "this forgets the master copy, 4 bytes of float32 for each parameter.",
    cut((12, 4, 2, 0), (0, 8, 10, 12), lambda n, devices: math.ceil(n / devices)),
    "everything is cut, whatever the stage.",
    lambda n, stage, devices: 16 * math.ceil(n / devices),
    "nothing is cut.",
    lambda n, stage, devices: 16 * n,
    "stage 1 cuts the optimizer states and the master copy: 12 bytes, not 8.",
    cut((16, 8, 6, 4), (0, 8, 10, 12), lambda n, devices: math.ceil(n / devices)),
    "the gradients are cut from stage 2 on, not from stage 1.",
    cut((16, 2, 2, 0), (0, 14, 14, 16), lambda n, devices: math.ceil(n / devices)),
    "stages 2 and 3 are swapped.",
    cut((16, 4, 0, 2), (0, 12, 16, 14), lambda n, devices: math.ceil(n / devices)),
    "shards are rounded down: one device holds the rest.",
    cut(WHOLE, SHARD, lambda n, devices: n // devices),
    "this is the mean over the devices. Bytes are whole numbers, and the fullest device decides.",
    cut(WHOLE, SHARD, lambda n, devices: n / devices if n % devices else n // devices),
    "what isn't cut is divided too. Every device holds it whole.",
    lambda n, stage, devices: 16 * n if stage == 0 else (WHOLE[stage] + SHARD[stage]) * n // devices,
    "these are the bytes of all devices together.",
    lambda n, stage, devices: devices * device_bytes(n, stage, devices),
)
