"""Folders, live models and the Hub: which weights count, what contradicts itself, and where a name leads."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from random_weights import randomised
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from course_utils import corpora, pretrained
from course_utils.pretrained import loading
from course_utils.transformer.rotary import frequencies

SHAPE = {"vocab_size": 50, "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2}
HEADS = {"num_attention_heads": 6, "num_key_value_heads": 2, "max_position_embeddings": 32}
IDS = torch.arange(20)[None]


def llama(**settings):
    torch.manual_seed(0)
    return randomised(LlamaForCausalLM(LlamaConfig(**SHAPE, **HEADS, **settings))).eval()


@pytest.fixture
def folder(tiny_model, smollm2, tmp_path):
    """A model in Hugging Face's form."""
    pretrained.to_huggingface(tiny_model, smollm2[1], tmp_path / "model")
    return tmp_path / "model"


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_weights(folder, name="model.safetensors", left_out=(), **added):
    weights = load_file(folder / "model.safetensors") | added
    kept = {key: weight for key, weight in weights.items() if key not in left_out}
    save_file(kept, folder / name, metadata={"format": "pt"})


def logits(model):
    with torch.no_grad():
        output = model(IDS)
    return getattr(output, "logits", output)


def test_a_folder_is_read_as_transformers_reads_it(folder):
    torch.testing.assert_close(
        logits(pretrained.load(folder, "cpu")[0]), logits(AutoModelForCausalLM.from_pretrained(folder))
    )


# which weights count


HEAD = torch.randn(50, 24, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("left_out", [(), ("model.embed_tokens.weight",)])
def test_a_head_that_differs_from_the_embedding_counts_whatever_the_config_says(folder, left_out):
    change_weights(folder, left_out=left_out, **{"lm_head.weight": HEAD})
    model, _ = pretrained.load(folder, "cpu")
    assert model.config.tie_embeddings == bool(left_out)
    torch.testing.assert_close(logits(model), logits(AutoModelForCausalLM.from_pretrained(folder)))


def test_a_head_that_is_the_embedding_is_tied(folder, tiny_model):
    change_weights(folder, **{"lm_head.weight": tiny_model.embedding.weight.detach().clone()})
    model, _ = pretrained.load(folder, "cpu")
    assert model.head is None
    assert torch.equal(logits(model), logits(tiny_model))


def test_a_live_models_head_counts_whatever_its_config_says():
    theirs = llama(tie_word_embeddings=True)
    theirs.lm_head.weight = torch.nn.Parameter(HEAD)
    ours = pretrained.from_huggingface(theirs)
    torch.testing.assert_close(logits(ours), logits(theirs), atol=1e-5, rtol=1e-5)
    assert ours.head.weight.data_ptr() == HEAD.data_ptr()


def test_an_untied_model_without_a_head_is_refused(folder):
    change_config(folder, tie_word_embeddings=False)
    with pytest.raises(ValueError, match=r"missing \['lm_head\.weight'\]"):
        pretrained.load(folder)


def test_only_the_file_of_the_weights_is_read(folder, tiny_model):
    change_weights(folder, "model_old.safetensors", **{"model.norm.weight": torch.full((24,), 9.0)})
    save_file({"lora": HEAD}, folder / "adapter_model.safetensors")
    shutil.copy(folder / "model_old.safetensors", folder / "consolidated.safetensors")
    assert torch.equal(logits(pretrained.load(folder, "cpu")[0]), logits(tiny_model))


def cut(folder, files=("first.safetensors", "second.safetensors")):
    """Cut the weights into two files with an index."""
    weights = load_file(folder / "model.safetensors")
    index = {name: files[i % 2] for i, name in enumerate(weights)}
    for file in files:
        save_file({name: weights[name] for name in weights if index[name] == file}, folder / file)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))


def test_the_files_that_an_index_names_are_read_and_no_other(folder, tiny_model):
    change_weights(folder, "third.safetensors", **{"model.norm.weight": torch.full((24,), 9.0)})
    cut(folder)
    assert torch.equal(logits(pretrained.load(folder, "cpu")[0]), logits(tiny_model))


def test_a_file_by_another_name_is_named(folder):
    (folder / "model.safetensors").rename(folder / "weights.safetensors")
    with pytest.raises(
        FileNotFoundError, match=r"neither model\.safetensors .*\['weights\.safetensors'\].* name model"
    ):
        pretrained.load(folder)
    (folder / "weights.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"neither model\.safetensors nor model\.safetensors\.index\.json"):
        pretrained.load(folder)


def test_a_file_that_the_index_names_is_missing(folder):
    cut(folder)
    (folder / "second.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"no second\.safetensors, which model\.safetensors\.index\.json names"):
        pretrained.load(folder)


def test_an_index_and_its_files_that_disagree_are_refused(folder):
    cut(folder)
    extra = load_file(folder / "first.safetensors") | {"lm_head.weight": HEAD}
    save_file(extra, folder / "first.safetensors")
    with pytest.raises(ValueError, match=r"first\.safetensors disagree on whether 'lm_head\.weight'"):
        pretrained.load(folder)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"weight_map": {"a": 1}}', '{"weight_map": {"a": "../b"}}'])
def test_a_damaged_index_is_named(folder, content):
    cut(folder)
    (folder / "model.safetensors.index.json").write_text(content)
    with pytest.raises(ValueError, match=r"index\.json is damaged"):
        pretrained.load(folder)


def test_quantised_weights_are_refused(folder):
    change_weights(folder, **{"model.norm.weight": torch.ones(24, dtype=torch.int8)})
    with pytest.raises(ValueError, match=r"final_norm\.weight holds torch\.int8"):
        pretrained.load(folder)


# rotary frequencies that old checkpoints store


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_stored_frequencies_that_agree_with_the_config_are_ignored(folder, tiny_model, dtype):
    stored = frequencies(4, 10_000.0).to(dtype)
    change_weights(folder, **{f"model.layers.{i}.self_attn.rotary_emb.inv_freq": stored.clone() for i in range(2)})
    assert torch.equal(logits(pretrained.load(folder, "cpu")[0]), logits(tiny_model))


@pytest.mark.parametrize("stored", [frequencies(4, 10_000.0) / 4, frequencies(4, 5_000.0), torch.ones(3)])
def test_stored_frequencies_that_contradict_the_config_are_refused(folder, stored):
    change_weights(folder, **{"model.layers.1.self_attn.rotary_emb.inv_freq": stored})
    with pytest.raises(ValueError, match=r"layers\.1\.self_attn\.rotary_emb\.inv_freq contradicts .*rope_theta=10000"):
        pretrained.load(folder)


def test_a_live_models_frequencies_must_be_those_of_its_config():
    theirs = llama()
    theirs.model.rotary_emb.inv_freq /= 4
    with pytest.raises(ValueError, match=r"rotary_emb\.inv_freq contradicts the config"):
        pretrained.from_huggingface(theirs)
    pretrained.from_huggingface(llama().bfloat16())  # rounded frequencies are the same ones


# keys of a config that contradict each other, and keys that would change the result


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rope_theta": 5.0}, r"'rope_theta': 5\.0, 'rope_parameters\.rope_theta': 10000\.0"),
        (
            {"rope_parameters": None, "rope_scaling": {"rope_type": "default", "rope_theta": 7.0}},
            r"'rope_theta': 10000\.0, 'rope_scaling\.rope_theta': 7\.0",
        ),
        ({"rope_scaling": {"rope_type": "linear", "factor": 2.0}}, "rope_parameters and rope_scaling contradict"),
        ({"rope_parameters": None, "rope_scaling": {"type": "linear", "factor": 2.0}}, "'type': 'linear'"),
        ({"rope_parameters": {"type": "default", "rope_type": "dynamic", "factor": 2.0}}, "'rope_type': 'dynamic'"),
        ({"rope_parameters": {"rope_type": "default", "factor": 2.0}}, "'factor': 2.0"),
        ({"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}}, "'partial_rotary_factor': 0.5"),
        ({"partial_rotary_factor": 0.5}, "'partial_rotary_factor': 0.5"),
        ({"rope_parameters": None, "rope_theta": 0}, "rope_theta must be above 0"),
        ({"head_dim": 8}, "head_dim=8 contradicts hidden_size / num_attention_heads = 24 / 6"),
        ({"num_key_value_heads": 0}, "n_kv_heads must be at least 1"),
        ({"num_key_value_heads": 3}, "don't have the shape that the config says"),
        ({"vocab_size": 49}, "don't have the shape that the config says"),
        ({"num_hidden_layers": 1}, "unexpected"),
        ({"num_hidden_layers": 3}, "missing"),
        ({"attention_bias": True}, "'attention_bias': True"),
        ({"is_causal": False}, "'is_causal': False"),
        ({"quantization_config": {"bits": 4}}, "'quantization_config'"),
        ({"model_type": "mistral"}, "'model_type': 'mistral'"),
        ({"model_type": None}, "'model_type': None"),
    ],
)
def test_a_config_that_contradicts_itself_or_says_more_is_refused(folder, changes, words):
    change_config(folder, **changes)
    with pytest.raises(ValueError, match=words):
        pretrained.load(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"rope_theta": 10_000, "rope_scaling": None},
        {"rope_parameters": None},
        {"rope_parameters": None, "rope_theta": None},
        {"rope_scaling": {"rope_type": "default", "rope_theta": 10_000.0}},
        {"rope_parameters": {"type": "default", "rope_type": "default", "partial_rotary_factor": 1.0}},
        {"pretraining_tp": 2, "use_cache": False, "attention_dropout": 0.1, "initializer_range": 0.5},
        {"head_dim": None, "attention_bias": None, "architectures": None},
    ],
)
def test_a_config_that_says_the_same_in_other_words_changes_nothing(folder, tiny_model, changes):
    change_config(folder, **changes)
    assert torch.equal(logits(pretrained.load(folder, "cpu")[0]), logits(tiny_model))


# the Hub, and what the environment says of a proxy


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of the Hub, and an HTTP client that isn't made yet."""
    from huggingface_hub.utils import close_session

    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "datasets"))
    close_session()
    yield tmp_path / "hub"
    close_session()


def downloaded(hub, kind):
    """Return the folder where a download of owner/name lies."""
    revision = "a" * 40
    repository = hub / f"{kind}s--owner--name"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision)
    (repository / "snapshots" / revision).mkdir(parents=True)
    return repository / "snapshots" / revision


PROXIES = ["socks5://127.0.0.1:9", "ftp://x", "http://[::1", "http://a:b", ":::"]


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("variable", ["ALL_PROXY", "https_proxy"])
def test_a_downloaded_model_needs_no_http_client(hub, folder, tiny_model, monkeypatch, proxy, variable):
    shutil.copytree(folder, downloaded(hub, "model"), dirs_exist_ok=True)
    monkeypatch.setenv(variable, proxy)
    assert torch.equal(logits(pretrained.load("owner/name", "cpu")[0]), logits(tiny_model))


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_proxy_that_no_client_can_read_is_no_connection(hub, monkeypatch, proxy):
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(ConnectionError, match=r"hf download owner/name"):
        pretrained.load("owner/name")
    with pytest.raises(ConnectionError, match=r"hf download --repo-type dataset owner/name"):
        corpora.load("owner/name")


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_downloaded_corpus_needs_no_http_client(hub, monkeypatch, proxy):
    (downloaded(hub, "dataset") / "train.jsonl").write_text('{"text": "hello"}\n')
    monkeypatch.setenv("ALL_PROXY", proxy)
    assert corpora.load("owner/name", "train")["text"] == ["hello"]
    with pytest.raises(ValueError, match="Unknown split"):
        corpora.load("owner/name", "nowhere")


def test_only_the_files_that_are_read_are_downloaded(hub, folder, tiny_model, monkeypatch):
    cut(folder)
    there, asked = downloaded(hub, "model"), []

    def snapshot(repo_id, allow_patterns, revision=None):
        asked.append(revision)
        for name in allow_patterns:
            if (folder / name).is_file():
                shutil.copy(folder / name, there / name)
        return str(there)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    (folder / "consolidated.safetensors").write_bytes(b"large")
    assert torch.equal(logits(pretrained.load("owner/name", "cpu")[0]), logits(tiny_model))
    assert sorted(file.name for file in there.iterdir()) == sorted(
        ["config.json", "tokenizer.json", "model.safetensors.index.json", "first.safetensors", "second.safetensors"]
    )
    assert asked == [None, there.name]  # of one revision, even if the Hub gets a new one in between


# a user without a home


@pytest.mark.skipif(sys.platform == "win32", reason="a user without an entry is a POSIX thing")
@pytest.mark.parametrize("cache", [None, "~/models", "~nobody-of-this-name/models"])
def test_without_a_home_the_model_comes_all_the_same(cache, tiny_model, smollm2, monkeypatch, tmp_path):
    for name in ("HOME", "XDG_CACHE_HOME", "COURSE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    if cache:
        monkeypatch.setenv("COURSE_CACHE", cache)
    monkeypatch.setattr("pwd.getpwuid", lambda id: {}[f"getpwuid(): uid not found: {id}"])
    monkeypatch.setattr(loading, "_checked_file", lambda: None)
    monkeypatch.setattr(loading, "read_gguf", lambda path: (tiny_model, smollm2[1]))
    monkeypatch.chdir(tmp_path)
    with pytest.warns(UserWarning, match="can't keep the unpacked model: .*COURSE_CACHE"):
        model, _ = pretrained.load(device="cpu")
    assert model is tiny_model
    assert not list(tmp_path.iterdir())  # no folder called ~


# where a name leads


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with build/mine in it, which is also the home."""
    (tmp_path / "build" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr(loading, "download", lambda name: pytest.fail(f"{name} was looked for on the Hub"))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("./mine", r"no such folder: mine$"),
        ("./biuld/mine", r"no such folder: biuld.mine \(did you mean '.*build.mine'\?\)"),
        ("build/mien", r"no such folder: build.mien \(did you mean '.*build.mine'\?\)"),
        ("~/mine", r"no such folder: .*mine$"),
        ("~/biuld", r"no such folder: .*biuld \(did you mean '.*build'\?\)"),
        ("~nobody-of-this-name/mine", r"no such folder: ~nobody"),
        ("/nowhere", r"no such folder: .*nowhere"),
        ("../mine/x/y/z", r"no such folder: .*z"),
        (Path("nope"), r"no such folder: nope$"),
        (Path("owner/name"), r"no such folder: owner.name$"),
    ],
)
def test_what_is_written_as_a_path_is_looked_for_on_this_machine(here, name, words):
    with pytest.raises(FileNotFoundError, match=words):
        pretrained.load(name)


def test_a_home_is_a_place_for_models(here, folder, tiny_model):
    shutil.copytree(folder, here / "build" / "mine", dirs_exist_ok=True)
    for name in (
        "~/build/mine",
        "build/mine",
        "./build/mine",
        Path("build") / "mine",
        str(here / "build" / "mine") + "/",
    ):
        assert torch.equal(logits(pretrained.load(name, "cpu")[0]), logits(tiny_model))


def test_a_file_is_no_folder(here):
    (here / "model.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match=r"model\.safetensors is a file: name the folder"):
        pretrained.load("./model.safetensors")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("tinywrold", "tinyworld"), ("smollm2-135m-instrcut", "smollm2-135m-instruct"), ("biuld", "build")],
)
def test_a_name_that_is_almost_one_is_told_which(here, name, nearest):
    with pytest.raises(ValueError, match=rf"unknown model '{name}': .* \(did you mean '{nearest}'\?\)"):
        pretrained.load(name)


@pytest.mark.parametrize("name", [None, 3, b"model"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match=f"name must be a string or a Path, got {name!r}"):
        pretrained.load(name)


def test_a_folder_of_a_packaged_name_is_asked_for_as_a_path(here, folder, tiny_model):
    shutil.copytree(folder, here / "tinyworld")
    for name in ("./tinyworld", Path("tinyworld")):
        assert torch.equal(logits(pretrained.load(name, "cpu")[0]), logits(tiny_model))
    assert pretrained.load("tinyworld", "cpu")[0].config != tiny_model.config


def test_owner_and_name_are_looked_for_on_the_hub(here, monkeypatch, folder):
    monkeypatch.setattr(loading, "download", {"owner/name": folder}.__getitem__)
    assert pretrained.load("owner/name", "cpu")[0] is not None
