"""An adapter as a folder in the format of the library PEFT: adapter_config.json and adapter_model.safetensors.

PEFT's matrices are those of PyTorch's linear layers: lora_A.weight (r, d_in) is A transposed, lora_B.weight (d_out, r)
is B transposed.
"""

import json
import math
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from course_utils.checks import number, whole_number
from course_utils.files import save_tensors, write_json
from course_utils.finetuning.lora_layer import PARTS, LowRank, attach, decoder, lora_layers, matrix_shapes, pairs_of
from course_utils.pretrained.huggingface import LAYER_NAMES
from course_utils.transformer import DecoderLM

CONFIG, WEIGHTS, PICKLE = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"

MODULES = {target: LAYER_NAMES[f"{part}.{target}.weight"].removesuffix(".weight") for target, part in PARTS.items()}
TARGETS = {module.rpartition(".")[2]: target for target, module in MODULES.items()}  # PEFT's q_proj -> our q

# What a config says beside the shape: these keys have one value here; those may say what they like, for an answer
# doesn't depend on them; all others ask for what isn't done here, unless they are empty.
PLAIN: dict[str, tuple] = {
    "peft_type": ("LORA",),
    "bias": ("none",),
    "init_lora_weights": (True, False, None, "gaussian", "orthogonal", "eva"),  # others change the base's weights, too
}
READ = {"r", "lora_alpha", "target_modules", "use_rslora"}
FREE = {
    *("auto_mapping", "base_model_name_or_path", "inference_mode", "lora_dropout", "megatron_core", "peft_version"),
    *("qalora_group_size", "revision", "task_type"),
}


def save_adapter(
    model: DecoderLM, directory: str | Path, name: str | None = None, base_model: str | None = None
) -> None:
    """Write an adapter, without the base, into a folder that `peft.PeftModel.from_pretrained` and `load_adapter` read.

    Each file is written atomically; the config is removed first and written last: a folder that has it is whole.

    Args:
        model: has the adapter.
        directory: where to write; made if missing.
        name: of the adapter; None is the active one.
        base_model: name of the model that it was trained beside, which the config tells.

    Raises:
        ValueError: no such adapter, or none is active.
        OSError: the folder can't be written, or the disk is full.
    """
    layers = lora_layers(decoder(model)).values()
    if name is None:
        name = next((layer.active for layer in layers if layer.active is not None), None)
    held = pairs_of(model, name)
    if not held:
        known = sorted({each for layer in layers for each in layer.adapters})
        if not known:
            raise ValueError("the model has no adapter to save: call add_lora first")
        raise ValueError(f"name must be that of an adapter of the model, {', '.join(known)}, got {name!r}")
    tensors: dict[str, Tensor] = {}
    for place, pair in held.items():  # layers.0.attention.q
        _, number_of_layer, _, target = place.split(".")
        tensors |= zip(_names(int(number_of_layer), target), (pair.a.T, pair.b.T), strict=True)
    pair = next(iter(held.values()))
    alpha = pair.scale * pair.rank  # rounded twice: back to the whole number that it mostly is
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_model,
        "r": pair.rank,
        "lora_alpha": round(alpha) if round(alpha) / pair.rank == pair.scale else alpha,
        "target_modules": sorted({MODULES[place.rpartition(".")[2]].rpartition(".")[2] for place in held}),
        "bias": "none",
        "lora_dropout": 0.0,
        "use_rslora": False,
        "use_dora": False,
        "fan_in_fan_out": False,
        "init_lora_weights": True,
        "inference_mode": True,
    }
    directory = Path(directory)
    (directory / CONFIG).unlink(missing_ok=True)
    save_tensors(directory / WEIGHTS, tensors)
    write_json(directory / CONFIG, config)


def load_adapter(model: DecoderLM, directory: str | Path, name: str = "default") -> DecoderLM:
    """Put an adapter that `save_adapter` or PEFT wrote beside a model's matrices, in float32, as the active one.

    Args:
        model: the one that the adapter was trained beside, quantised or not; all of its weights are frozen.
        directory: holds adapter_config.json and adapter_model.safetensors.
        name: of the adapter in this model.

    Raises:
        FileNotFoundError: a file is missing, named; pickled weights are never loaded.
        ValueError: a file is damaged, belongs to a model of another shape, or asks for what isn't done here, named; the
            name is taken.
    """
    directory, shapes = Path(directory), matrix_shapes(decoder(model).config)
    for needed in (CONFIG, WEIGHTS):
        if not (directory / needed).is_file():
            pickled = f"; its {PICKLE} is a pickle, which may run any code: save it as safetensors by PEFT"
            raise FileNotFoundError(f"{directory} has no {needed}{pickled if (directory / PICKLE).is_file() else ''}")
    rank, scale, targets = _read_config(directory / CONFIG)
    try:
        tensors = safetensors.torch.load_file(directory / WEIGHTS)
    except SafetensorError as error:
        raise ValueError(f"{directory / WEIGHTS} is damaged or cut short: {error}") from error
    places = {(layer, target): _names(layer, target) for layer in range(model.config.n_layers) for target in targets}
    if wrong := sorted(tensors.keys() ^ {each for names in places.values() for each in names}):
        state = "unexpected" if wrong[0] in tensors else "missing"
        raise ValueError(f"{directory / WEIGHTS} isn't an adapter of this model: {wrong[0]} is {state}")
    pairs = {}
    for (layer, target), names in places.items():
        d_in, d_out = shapes[target]
        a, b = (
            _matrix(directory / WEIGHTS, each, tensors[each], shape)
            for each, shape in zip(names, [(rank, d_in), (d_out, rank)], strict=True)
        )
        device = model.embedding.weight.device
        pairs[layer, target] = LowRank(a.T.contiguous().to(device), b.T.contiguous().to(device), scale)
    return attach(model, pairs, name)


def _names(layer: int, target: str) -> tuple[str, str]:
    """Return PEFT's names of A and B."""
    module = f"base_model.model.model.layers.{layer}.{MODULES[target]}"
    return f"{module}.lora_A.weight", f"{module}.lora_B.weight"


def _matrix(path: Path, name: str, tensor: Tensor, shape: tuple[int, int]) -> Tensor:
    if tensor.shape != shape:
        raise ValueError(f"{path} isn't an adapter of this model: {name} is {tuple(tensor.shape)}, expected {shape}")
    wide = tensor.float()
    if not tensor.is_floating_point() or not wide.isfinite().all():
        raise ValueError(f"{path} is damaged: {name} holds what is no number, in {tensor.dtype}")
    return wide


def _read_config(path: Path) -> tuple[int, float, list[str]]:
    """Return rank, scale and targets that a config says."""
    try:
        config: dict[str, Any] = json.loads(path.read_bytes())
        asked = {"peft_type": config.get("peft_type")} | config
        modules = config["target_modules"]
        rank, alpha = whole_number("r", config["r"], least=1), number("lora_alpha", config["lora_alpha"])
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:  # no JSON is a ValueError
        raise ValueError(f"{path} is damaged or no config of an adapter by LoRA: {error!r}") from error
    for key, value in asked.items():
        if key not in READ | FREE and (value not in PLAIN[key] if key in PLAIN else value):
            raise ValueError(f"{path} asks for {key} = {value!r:.60}, which isn't done here: plain LoRA alone is")
    if not isinstance(modules, list) or not modules:
        raise ValueError(f"{path} says target_modules = {modules!r:.60}: only a list of names is read")
    unknown = [module for module in modules if str(module).rpartition(".")[2] not in TARGETS]
    if unknown:
        raise ValueError(f"{path} has a target {unknown[0]!r}; known are {', '.join(TARGETS)}")
    if not 0 < alpha < math.inf:
        raise ValueError(f"{path} says lora_alpha = {alpha}, which must be a finite number above 0")
    named = {TARGETS[module.rpartition(".")[2]] for module in modules}
    return (
        rank,
        alpha / (math.sqrt(rank) if config.get("use_rslora") else rank),
        [each for each in PARTS if each in named],
    )
