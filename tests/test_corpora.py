"""Corpora by name."""

import datasets
import pytest

from course_utils import corpora


def test_pydocs_is_real_prose_in_two_splits_without_overlap():
    corpus = corpora.load("pydocs")
    assert sorted(corpus) == ["train", "validation"]
    topics = [set(corpus[split]["topic"]) for split in corpus]
    assert not topics[0] & topics[1]
    assert 400_000 < sum(len(text) for split in corpus for text in corpus[split]["text"]) < 600_000
    assert isinstance(corpora.load("pydocs", "train"), datasets.Dataset)


@pytest.mark.parametrize("name", corpora.LOCAL)
@pytest.mark.parametrize("n_shards", [1, 3])
def test_a_stream_begins_with_what_is_loaded(name, n_shards):
    streams, loaded = corpora.stream(name, n_shards), corpora.load(name)
    assert sorted(streams) == sorted(loaded)
    for split, stream in streams.items():
        assert stream.num_shards == n_shards
        if n_shards == 1:
            assert [row["text"] for row in stream.take(40)] == loaded[split]["text"][:40]


def test_the_stream_of_tinyworld_has_no_end_and_is_not_drawn_before_it_is_read():
    assert next(iter(corpora.stream("tinyworld")["train"].skip(10_050)))["text"] not in set(
        corpora.load("tinyworld", "train")["text"]
    )


@pytest.mark.parametrize("ask", [corpora.load, corpora.stream, corpora.characters, corpora.is_local])
def test_an_unknown_corpus_is_unknown_to_all(ask):
    with pytest.raises(ValueError, match="unknown corpus 'tinyworlds': choose one of"):
        ask("tinyworlds")


def test_nobody_knows_the_characters_of_a_data_set_on_the_hub():
    assert not corpora.is_local("owner/stories")
    assert corpora.characters("owner/stories") is None


def test_a_document_without_a_text_is_left_out():
    assert list(corpora.texts([{"text": "one", "id": 1}, {"text": None, "id": 2}, {"text": "", "id": 3}])) == [
        "one",
        "",
    ]


@pytest.mark.parametrize(
    ("name", "split", "word"),
    [("pydoc", None, "pydocs"), ("pydocs", "test", "validation"), ("a/b/c", None, "owner/name")],
)
def test_an_unknown_name_or_split_lists_the_known(name, split, word):
    with pytest.raises(ValueError, match=word):
        corpora.load(name, split)


@pytest.mark.parametrize("ask", [corpora.load, corpora.stream])
def test_without_a_network_the_hub_says_what_to_run(monkeypatch, tmp_path, ask):
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    with pytest.raises(ConnectionError, match="hf download --repo-type dataset owner/stories"):
        ask("owner/stories")


def test_a_downloaded_data_set_is_read_without_a_network(monkeypatch, tmp_path):
    """What `hf download --repo-type dataset owner/stories` leaves behind, written by hand."""
    snapshot = tmp_path / "datasets--owner--stories" / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "train.jsonl").write_text('{"text": "once"}\n{"text": "twice"}\n')
    refs = tmp_path / "datasets--owner--stories" / "refs"
    refs.mkdir()
    (refs / "main").write_text("0" * 40)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "prepared"))
    assert corpora.load("owner/stories", "train")["text"] == ["once", "twice"]
    assert [row["text"] for row in corpora.stream("owner/stories")["train"]] == ["once", "twice"]
