"""Adapters as files: PEFT reads ours, we read PEFT's, and the answers are the same."""

import json
import shutil

import peft
import pytest
import safetensors.torch
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from random_weights import randomised

from course_utils import pretrained
from course_utils.finetuning.lora import (
    add_lora,
    load_adapter,
    lora_layers,
    lora_parameter_count,
    lora_parameters,
    save_adapter,
    use_adapter,
)
from course_utils.pretrained.llama_config import config_to
from course_utils.transformer import DecoderLM, TransformerConfig

ALL = ("q", "k", "v", "o", "gate", "up", "down")
PROJECTIONS = [f"{target}_proj" for target in ALL]
CONFIG = TransformerConfig(vocab_size=64, d_model=24, n_layers=2, n_heads=6, n_kv_heads=2, d_ff=40, context_length=32)
IDS = torch.randint(64, (2, 9), generator=torch.Generator().manual_seed(0))


def plain():
    torch.manual_seed(0)
    return randomised(DecoderLM(CONFIG))


def learned(model, seed=0, std=0.3):
    """Give all A and B numbers, as a training does."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if "adapters." in name or "lora_" in name:
            parameter.data.normal_(std=std, generator=generator)
    return model


def llama():
    """The same model as `plain`, in transformers."""
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig.from_dict(config_to(plain())))
    ours = pretrained.from_huggingface(theirs)  # shares the memory
    ours.load_state_dict(plain().state_dict())
    return theirs.eval()


def logits(theirs, ids=IDS):
    with torch.no_grad():
        return theirs(ids).logits


def ours_for_peft(folder, targets=ALL, rank=3, alpha=5.0):
    model = learned(add_lora(plain(), rank, alpha, targets))
    save_adapter(model, folder, base_model="a/model")
    return model


def peft_folder(folder, **changes):
    theirs = peft.get_peft_model(llama(), peft.LoraConfig(**{"r": 4, "target_modules": PROJECTIONS} | changes))
    learned(theirs).save_pretrained(folder)
    return theirs.eval()


@pytest.mark.parametrize("targets", [ALL, *[(target,) for target in ALL]])
def test_peft_reads_ours(tmp_path, targets):
    ours = ours_for_peft(tmp_path, targets)
    theirs = peft.PeftModel.from_pretrained(llama(), tmp_path)
    torch.testing.assert_close(logits(theirs), ours(IDS), atol=1e-4, rtol=1e-4)
    assert (logits(theirs) - plain()(IDS)).abs().max() > 0.1
    assert theirs.peft_config["default"].base_model_name_or_path == "a/model"


@pytest.mark.parametrize("rslora", [False, True])
@pytest.mark.parametrize("projections", [PROJECTIONS, *[[projection] for projection in PROJECTIONS], "all-linear"])
def test_we_read_pefts(tmp_path, projections, rslora):
    theirs = peft_folder(tmp_path, target_modules=projections, lora_alpha=6, use_rslora=rslora)
    ours = load_adapter(plain(), tmp_path)
    torch.testing.assert_close(ours(IDS), logits(theirs), atol=1e-4, rtol=1e-4)
    assert (ours(IDS) - plain()(IDS)).abs().max() > 0.1


def test_the_folder_is_as_pefts(tmp_path):
    ours_for_peft(tmp_path / "ours")
    peft_folder(tmp_path / "theirs", r=3, lora_alpha=5, task_type="CAUSAL_LM")
    ours, theirs = (
        {
            name: tensor.shape
            for name, tensor in safetensors.torch.load_file(folder / "adapter_model.safetensors").items()
        }
        for folder in (tmp_path / "ours", tmp_path / "theirs")
    )
    assert ours == theirs
    ours, theirs = (json.loads((tmp_path / name / "adapter_config.json").read_bytes()) for name in ("ours", "theirs"))
    ours["target_modules"].sort(), theirs["target_modules"].sort()
    assert ours == {key: theirs[key] for key in ours} | {"base_model_name_or_path": "a/model"}
    with safetensors.safe_open(tmp_path / "ours/adapter_model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}


@settings(max_examples=25)
@given(
    rank=st.integers(1, 40),
    alpha=st.one_of(st.integers(1, 200), st.floats(0.01, 100)),
    targets=st.lists(st.sampled_from(ALL), min_size=1, unique=True),
)
def test_what_is_saved_comes_back_bit_by_bit(tmp_path_factory, rank, alpha, targets):
    folder = tmp_path_factory.mktemp("adapter")
    ours = ours_for_peft(folder, targets, rank, alpha)
    again = load_adapter(plain(), folder, name="again")
    torch.testing.assert_close(again(IDS), ours(IDS))
    assert all(map(torch.equal, lora_parameters(again), lora_parameters(ours)))
    stored = safetensors.torch.load_file(folder / "adapter_model.safetensors")
    assert sum(tensor.numel() for tensor in stored.values()) == lora_parameter_count(CONFIG, rank, targets)
    assert json.loads((folder / "adapter_config.json").read_bytes())["lora_alpha"] == pytest.approx(alpha, rel=1e-12)


def test_each_of_several_adapters_has_its_folder(tmp_path):
    model = add_lora(plain(), 2, 4, name="town")
    add_lora(model, 3, 3, ("down",), name="sea", seed=1)
    learned(model)
    save_adapter(model, tmp_path / "active")
    save_adapter(model, tmp_path / "town", "town")
    for folder, name, own_rank in (("active", "sea", 3), ("town", "town", 2)):
        use_adapter(model, name)
        again = load_adapter(plain(), tmp_path / folder)
        assert torch.equal(again(IDS), model(IDS))
        assert {layer.adapters["default"].rank for layer in lora_layers(again).values()} == {own_rank}
    load_adapter(model, tmp_path / "town", "again")
    use_adapter(model, "town")
    town = model(IDS)
    use_adapter(model, "again")
    assert torch.equal(model(IDS), town)
    use_adapter(model, None)
    with pytest.raises(ValueError, match=r"of the model, again, sea, town, got None"):
        save_adapter(model, tmp_path / "none")
    with pytest.raises(ValueError, match="got 'mountain'"):
        save_adapter(model, tmp_path / "none", "mountain")
    with pytest.raises(ValueError, match="has an adapter 'town' already"):
        load_adapter(model, tmp_path / "town", "town")
    assert not (tmp_path / "none").exists()


def test_narrow_numbers_are_widened(tmp_path):
    theirs = peft_folder(tmp_path)
    tensors = safetensors.torch.load_file(tmp_path / "adapter_model.safetensors")
    narrow = {name: tensor.bfloat16() for name, tensor in tensors.items()}
    safetensors.torch.save_file(narrow, tmp_path / "adapter_model.safetensors")
    ours = load_adapter(plain().bfloat16(), tmp_path)
    assert {parameter.dtype for parameter in lora_parameters(ours)} == {torch.float32}
    assert (ours(IDS).float() - logits(theirs)).abs().max() < 0.1 * logits(theirs).abs().max()


def config_says(**changes):
    def change(folder):
        config = json.loads((folder / "adapter_config.json").read_bytes())
        (folder / "adapter_config.json").write_text(json.dumps(config | changes))

    return change


def tensors_become(change_tensors):
    def change(folder):
        tensors = safetensors.torch.load_file(folder / "adapter_model.safetensors")
        safetensors.torch.save_file(change_tensors(tensors), folder / "adapter_model.safetensors")

    return change


def cut(folder):
    whole = (folder / "adapter_model.safetensors").read_bytes()
    (folder / "adapter_model.safetensors").write_bytes(whole[: len(whole) // 2])


def pickled(folder):
    (folder / "adapter_model.safetensors").unlink()
    (folder / "adapter_model.bin").write_bytes(b"cposix\nsystem\n")


FIRST = "base_model.model.model.layers.0.mlp.down_proj.lora_A.weight"


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (config_says(use_dora=True), ValueError, "use_dora = True, which isn't done here"),
        (config_says(bias="all"), ValueError, "bias = 'all'"),
        (config_says(lora_bias=True), ValueError, "lora_bias = True"),
        (config_says(modules_to_save=["lm_head"]), ValueError, r"modules_to_save = \['lm_head'\]"),
        (config_says(rank_pattern={"q_proj": 8}), ValueError, "rank_pattern"),
        (config_says(alpha_pattern={"q_proj": 8}), ValueError, "alpha_pattern"),
        (config_says(peft_type="IA3"), ValueError, "peft_type = 'IA3'"),
        (config_says(peft_type=None), ValueError, "peft_type = None"),
        (config_says(init_lora_weights="pissa"), ValueError, "init_lora_weights = 'pissa'"),
        (config_says(layers_to_transform=[0]), ValueError, "layers_to_transform"),
        (config_says(fan_in_fan_out=True), ValueError, "fan_in_fan_out"),
        (config_says(of_the_future=1), ValueError, "of_the_future = 1"),
        (config_says(target_modules=".*_proj"), ValueError, "only a list of names is read"),
        (config_says(target_modules=["lm_head"]), ValueError, "target 'lm_head'; known are q_proj"),
        (config_says(target_modules=PROJECTIONS[:6]), ValueError, f"{FIRST} is unexpected"),
        (config_says(r=0), ValueError, "damaged or no config.*r must be at least 1"),
        (config_says(r="4"), ValueError, "damaged or no config.*r must be a whole number"),
        (config_says(r=5), ValueError, r"isn't an adapter of this model: .*lora_A.weight is \(4, 24\), expected \(5"),
        (config_says(lora_alpha=0), ValueError, "lora_alpha = 0"),
        (config_says(lora_alpha=float("nan")), ValueError, "lora_alpha = nan"),
        (lambda folder: (folder / "adapter_config.json").write_text("{"), ValueError, "damaged or no config"),
        (lambda folder: (folder / "adapter_config.json").write_text("[]"), ValueError, "damaged or no config"),
        (lambda folder: (folder / "adapter_config.json").unlink(), FileNotFoundError, "has no adapter_config.json$"),
        (cut, ValueError, "damaged or cut short"),
        (pickled, FileNotFoundError, "has no adapter_model.safetensors; its adapter_model.bin is a pickle"),
        (tensors_become(lambda tensors: tensors | {"more": torch.zeros(1)}), ValueError, "more is unexpected"),
        (
            tensors_become(lambda tensors: {name: each for name, each in tensors.items() if name != FIRST}),
            ValueError,
            f"{FIRST} is missing",
        ),
        (tensors_become(lambda tensors: tensors | {FIRST: tensors[FIRST] * torch.nan}), ValueError, "is no number"),
        (tensors_become(lambda tensors: tensors | {FIRST: tensors[FIRST].int()}), ValueError, "in torch.int32"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_model_stays_as_it_was(tmp_path, damage, error, message):
    peft_folder(tmp_path)
    damage(tmp_path)
    model = plain()
    with pytest.raises(error, match=message):
        load_adapter(model, tmp_path)
    assert not lora_layers(model)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_another_models_adapter_is_refused(tmp_path):
    peft_folder(tmp_path)
    torch.manual_seed(0)
    wider = DecoderLM(TransformerConfig(64, d_model=48, n_layers=2, n_heads=6, n_kv_heads=2, d_ff=40, context_length=8))
    with pytest.raises(ValueError, match=r"isn't an adapter of this model: .* is \(4, 24\), expected \(4, 48\)"):
        load_adapter(wider, tmp_path)
    deeper = DecoderLM(
        TransformerConfig(64, d_model=24, n_layers=3, n_heads=6, n_kv_heads=2, d_ff=40, context_length=8)
    )
    with pytest.raises(ValueError, match=r"layers\.2\..* is missing"):
        load_adapter(deeper, tmp_path)


def test_a_folder_that_is_half_written_has_no_config(tmp_path, monkeypatch):
    ours_for_peft(tmp_path)

    def full_disk(*_):
        raise OSError("no space left")

    monkeypatch.setattr("course_utils.finetuning.adapter_files.save_tensors", full_disk)
    with pytest.raises(OSError, match="no space left"):
        ours_for_peft(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"has no adapter_config\.json"):
        load_adapter(plain(), tmp_path)


@pytest.mark.slow
def test_peft_and_we_agree_on_smollm2(smollm2, tmp_path):
    model, tokenizer = smollm2
    pretrained.to_huggingface(model, tokenizer, tmp_path / "base")
    ours, _ = pretrained.load(device="cpu")
    ids = torch.tensor([tokenizer.encode("The mill stands by the river, and the wheel turns day and night.")])
    before = ours(ids)
    learned(add_lora(ours, 4, 8, ALL), std=0.02)
    save_adapter(ours, tmp_path / "ours")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base", dtype=torch.float32)
    shutil.rmtree(tmp_path / "base")
    theirs = peft.PeftModel.from_pretrained(theirs, tmp_path / "ours").eval()
    with torch.no_grad():
        answer = ours(ids)
        assert (answer - before).abs().max() > 0.1
        torch.testing.assert_close(logits(theirs, ids), answer, atol=1e-4, rtol=1e-4)
        learned(theirs, seed=1, std=0.02).save_pretrained(tmp_path / "theirs")
        load_adapter(ours, tmp_path / "theirs", "theirs")
        torch.testing.assert_close(ours(ids), logits(theirs, ids), atol=1e-4, rtol=1e-4)
        assert (ours(ids) - answer).abs().max() > 0.1
