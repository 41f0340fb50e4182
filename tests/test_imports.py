"""What stands on the ground needs no torch: n-gram models and tokenizers, corpora and figures."""

import subprocess
import sys

import pytest

WITHOUT_TORCH = """
import pathlib, sys
from importlib.machinery import PathFinder

class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, *arguments):
        return None if name == "torch" else super().find_spec(name, *arguments)

sys.meta_path[:] = [Finder if finder is PathFinder else finder for finder in sys.meta_path]
folder = pathlib.Path(sys.argv[1])
"""
NGRAM = """
from course_utils.ngram import NGramLM

model = NGramLM(2).fit([["a", "b"], ["a", "c"]])
model.save_arpa(folder / "model.arpa")
again = NGramLM.load_arpa(folder / "model.arpa")
assert again.sample(5, seed=0) == model.sample(5, seed=0)
assert abs(again.perplexity([["a", "b"]]) - model.perplexity([["a", "b"]])) < 1e-9
"""
TOKENIZATION = """
from course_utils.tokenization import BPETokenizer, CharTokenizer, PretrainedTokenizer

tokenizer = BPETokenizer.train(["low lower lowest"], 260, ["<|end|>"])
tokenizer.save(folder / "tokenizer.json")
ids = tokenizer.encode("lower<|end|>")
assert BPETokenizer.load(folder / "tokenizer.json").decode(ids) == "lower<|end|>"
assert PretrainedTokenizer.load(folder / "tokenizer.json").encode("lower<|end|>") == ids
assert CharTokenizer.train(["ab"]).encode("ba") == [1, 0]
"""
CORPORA = """
from course_utils import corpora

assert next(iter(corpora.stream("tinyworld")["train"]))["text"] == corpora.load("tinyworld", "train")[0]["text"]
"""
PLOTS = """
from course_utils import plots

figure = plots.next_token_bars(["a", "b"], after=[0.75, 0.25])
assert plots.png(figure).startswith(b"\\x89PNG")
"""
CHECKS = """
from course_utils.checks import whole_number
from course_utils.files import write_atomically

write_atomically(folder / "number.txt", str(whole_number("n", 3)).encode())
"""


@pytest.mark.parametrize("work", [NGRAM, TOKENIZATION, CORPORA, PLOTS, CHECKS])
def test_it_works_where_torch_is_not_installed(work, tmp_path):
    command = [sys.executable, "-c", WITHOUT_TORCH + work, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
