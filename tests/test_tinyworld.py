"""tinyworld: exact probabilities, one derivation per document, domains apart, a shipped sample that stays true."""

import functools
import inspect
import itertools
import math
import random
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import datasets
import pytest

from course_utils import corpora
from course_utils.corpora.tinyworld import DOMAINS, Grammar, Option, TinyWorld, question, shipped
from course_utils.corpora.tinyworld.story import story
from course_utils.corpora.tinyworld.tasks import ending, review

every_domain = pytest.mark.parametrize("domain", DOMAINS)
SHARED = (
    "a an and answer at before dr he how in is it negative nobody on positive question review sentiment she the tl to "
    "where who"
)


def words_of(texts):
    return {word for text in texts for word in re.findall(r"[a-z]+", text.lower())}


def one_wording_each(words, people, places, things):
    """A domain with few words and one wording per event: small enough to enumerate."""
    one = {name: getattr(words, name)[:1] for name in ("give", "show", "put_down", "pick_up", "go", "times", "topics")}
    short = {"people": words.people[:people], "places": words.places[:places], "things": words.things[:things]}
    return replace(
        words, **one, **short, meetings=words.meetings[:1], qualities=words.qualities[:1], moods=words.moods[:1]
    )


def derivations_of(programs):
    """Yield text and probability of every derivation, as a grammar is defined: take each option of each step."""
    choose = functools.cache(lambda step, *values: step(*values))
    total = sum(weight for weight, _ in programs.values())
    open_ends = [("", weight / total, steps, {"kind": kind}) for kind, (weight, steps) in programs.items()]
    while open_ends:
        text, p, steps, facts = open_ends.pop()
        if not steps:
            yield text, p
            continue
        options = choose(steps[0], *(facts.get(name, "") for name in inspect.signature(steps[0]).parameters))
        total = sum(option.weight for option in options)
        for option in options:
            known = facts | option.facts
            open_ends.append((text + option.text.format(**known), p * option.weight / total, steps[1:], known))


def enumerated(programs):
    """Check probabilities and characters against every string, each of which comes once; return text -> probability."""
    derivations = list(derivations_of(programs))
    found = dict(derivations)
    assert len(found) == len(derivations)
    assert math.fsum(found.values()) == pytest.approx(1, abs=1e-12)
    assert Grammar(programs).characters == set().union(*found)
    return found


def entropy(probabilities):
    return -math.fsum(p * math.log2(p) for p in probabilities)


# the engine


def coin_and_echo(p=0.25):
    def coin():
        return [Option(p, "heads", {"side": "heads"}), Option(1 - p, "tails", {"side": "tails"})]

    def echo(side):
        return [Option(1, ", {side} again"), Option(3, ", enough")] if side == "heads" else [Option(1, ", {side}")]

    return [coin, echo]


def test_entropy_of_a_grammar_by_hand():
    programs = {"only": (1, coin_and_echo())}
    grammar = Grammar(programs)
    assert enumerated(programs) == pytest.approx(
        {"heads, heads again": 1 / 16, "heads, enough": 3 / 16, "tails, tails": 3 / 4}
    )
    assert grammar.entropy_bits == pytest.approx(entropy([1 / 16, 3 / 16, 3 / 4]))


def test_kinds_of_text_are_weighed():
    programs = {"coin": (3, coin_and_echo()), "dot": (1, [lambda: [Option(5, ".")]])}
    grammar = Grammar(programs)
    assert enumerated(programs)["."] == pytest.approx(1 / 4)
    assert grammar.entropy_bits == pytest.approx(entropy(enumerated(programs).values()))


def test_a_fact_from_long_ago_still_counts():
    """Drawn first, forgotten by the steps between, and read at the end: the entropy must not forget it."""

    def first():
        return [Option(1, "a", {"seen": "a"}), Option(2, "b", {"seen": "b"})]

    def between():
        return [Option(1, "-"), Option(1, "+")]

    def last(seen):
        return [Option(1, seen)] if seen == "a" else [Option(1, "x"), Option(1, "y")]

    programs = {"only": (1, [first, between, between, last])}
    grammar = Grammar(programs)
    assert grammar.entropy_bits == pytest.approx(entropy(enumerated(programs).values()))


def test_an_ambiguous_text_has_two_derivations():
    def step():
        return [Option(1, "ab"), Option(1, "a")]

    def more():
        return [Option(1, "c"), Option(1, "bc")]

    programs = {"only": (1, [step, more])}
    grammar = Grammar(programs)
    assert len(grammar.derivations("abc")) == 2
    with pytest.raises(AssertionError):
        enumerated(programs)


def test_what_can_begin_is_what_some_text_begins_with():
    programs = {"coin": (3, coin_and_echo()), "dot": (1, [lambda: [Option(5, ".")]])}
    grammar = Grammar(programs)
    begins = {text[:n] for text in enumerated(programs) for n in range(len(text) + 1)}
    altered = {text[:n] + c for text in begins for n in range(len(text)) for c in "h,.z"}
    assert {text for text in begins | altered if grammar.can_begin(text)} == begins
    with pytest.raises(ValueError, match="prefix must be a string, got None"):
        grammar.can_begin(None)


def test_the_probability_of_a_beginning_is_that_of_all_texts_that_begin_so():
    programs = {"coin": (3, coin_and_echo()), "dot": (1, [lambda: [Option(5, ".")]])}
    grammar, texts = Grammar(programs), enumerated(programs)
    for prefix in {text[:n] for text in texts for n in range(len(text) + 1)}:
        beginning = sum(p for text, p in texts.items() if text.startswith(prefix))
        assert grammar.prefix_log2_prob(prefix) == pytest.approx(math.log2(beginning))
    assert grammar.prefix_log2_prob("tails, h") == -math.inf
    with pytest.raises(ValueError, match="prefix must be a string, got None"):
        grammar.prefix_log2_prob(None)


@pytest.mark.parametrize("weight", [0, -1, math.nan, math.inf])
def test_a_bad_weight_is_named(weight):
    def step():
        return [Option(1, "x"), Option(weight, "y")]

    with pytest.raises(ValueError, match=r"step step gives .* for 'y'"):
        Grammar({"only": (1, [step])}).sample(random.Random(0))


def test_a_step_without_options_is_named():
    def step():
        return []

    with pytest.raises(ValueError, match="step step gives no option"):
        Grammar({"only": (1, [step])}).sample(random.Random(0))


# the world


@pytest.mark.slow
@every_domain
def test_every_story_of_a_small_world(domain):
    """Each string once, probabilities that sum to 1, the entropy of the steps = the entropy of the strings."""
    words = one_wording_each(DOMAINS[domain], people=3, places=2, things=2)
    programs = {"story": (1, [*story(words, fewest_events=1, most_events=2), *ending(words)])}
    grammar = Grammar(programs)
    texts = enumerated(programs)
    assert len(texts) > 100_000
    assert grammar.entropy_bits == pytest.approx(entropy(texts.values()), abs=1e-9)


@every_domain
def test_every_review_of_a_small_world(domain):
    words = one_wording_each(DOMAINS[domain], people=2, places=1, things=1)
    subjects = tuple(replace(s, aspects=dict(itertools.islice(s.aspects.items(), 3))) for s in words.subjects[:1])
    programs = {"review": (1, review(replace(words, subjects=subjects, degrees=words.degrees[:1])))}
    grammar = Grammar(programs)
    texts = enumerated(programs)
    assert grammar.entropy_bits == pytest.approx(entropy(texts.values()), abs=1e-9)


@pytest.mark.slow
@every_domain
def test_a_hundred_thousand_documents_agree_with_the_exact_entropy(domain):
    world = TinyWorld(7, domain)
    n = 100_000
    documents = [world._document(i) for i in range(n)]
    bits = [-log2_prob for _, log2_prob in documents]
    mean = math.fsum(bits) / n
    standard_error = math.sqrt(math.fsum((b - mean) ** 2 for b in bits) / n / n)
    assert abs(mean - world.entropy_bits()) < 3 * standard_error  # by chance 1 seed in 370 would fail
    assert len({text for text, _ in documents}) > 0.999 * n


@every_domain
def test_every_document_has_one_derivation(domain):
    world = TinyWorld(3, domain)
    for row in world.sample(300):
        assert world.log2_prob(row["text"]) == pytest.approx(row["log2_prob"])
        (steps,) = world._grammar.derivations(row["text"])
        assert "".join(step.text for step in steps) == row["text"]
        assert sum(step.log2_prob for step in steps) == pytest.approx(row["log2_prob"])


@every_domain
def test_every_beginning_of_a_document_can_begin_one_and_altered_ones_cannot(domain):
    world = TinyWorld(3, domain)
    other = TinyWorld(3, "clinic" if domain == "town" else "town")
    for text in world.sample(4)["text"]:
        assert all(world.can_begin(text[:n]) for n in range(len(text) + 1))
        assert not other.can_begin(text)
        assert not world.can_begin(text + " ")
        assert world.prefix_log2_prob("") == pytest.approx(0)
        assert world.prefix_log2_prob(text) == pytest.approx(world.log2_prob(text))  # no text continues another
        for n in range(len(text)):
            assert not world.can_begin(text[:n] + "%" + text[n + 1 :])


def test_a_beginning_that_breaks_a_fact_can_begin_nothing():
    """Each word is one that could stand there in another story."""
    world = TinyWorld(0)
    text = next(text for text in world.sample(50)["text"] if "Question: Who has the " in text)
    thing = re.search(r"Question: Who has the (\w+)", text)
    others = [other for other in DOMAINS["town"].things if other not in text]
    assert world.can_begin(text[: thing.end()])
    assert not any(world.can_begin(text[: thing.start(1)] + other) for other in others)


def test_a_text_of_another_world_has_probability_zero():
    town = TinyWorld(0)
    assert town.log2_prob("The cat sat on the mat.") == -math.inf
    assert town.log2_prob(TinyWorld(0, "clinic").sample(1)[0]["text"]) == -math.inf
    text = town.sample(1)[0]["text"]
    assert town.log2_prob(text[:-1]) == town.log2_prob(text + " ") == -math.inf
    for wrong in (None, 3, b"One day"):
        with pytest.raises(ValueError, match="text must be a string, got"):
            town.log2_prob(wrong)


def test_the_clinic_uses_words_of_its_own():
    town, clinic = (words_of(TinyWorld(0, domain).sample(5_000)["text"]) for domain in ("town", "clinic"))
    assert town & clinic == set(SHARED.split())
    assert len(clinic - town) > 150


def test_facts_persist():
    """A small reader that follows every event agrees with the grammar on who has what."""
    asked = 0
    for text in TinyWorld(5).sample(2_000)["text"]:
        found = re.search(r"Question: Who has the (\w+)\?\nAnswer: (\w+)$", text)
        if found:
            asked += 1
            assert holder_at_the_end(text, found[1]) == found[2], text
    assert asked > 100


def holder_at_the_end(text, thing):
    """Follow one thing through a story of the town by its sentences alone."""
    holder, subject = None, None
    for sentence in re.findall(r"[^.?]+[.?]\"?(?: asked \w+\.)?", text.partition("\nQuestion")[0]):
        sentence = sentence.strip()
        subject = subject if re.match(r"(He|She|\")", sentence) else sentence.split()[0]
        if asks := re.match(rf"\"May I have the {thing}\?\" asked (\w+)\.", sentence):
            asking = asks[1]
        elif re.match(r"\w+ said (yes|no)\.", sentence):
            holder = asking if sentence.endswith("yes.") and asking else holder
            asking = None
        elif re.match(rf"\w+ had a \w+ {thing}\.", sentence):
            holder = subject
        elif gives := re.match(
            rf"\w+ (?:gave the {thing} to|let|handed) (\w+)(?: have the {thing}| the {thing})?\.", sentence
        ):
            holder = gives[1] if thing in sentence else holder
        elif swaps := re.match(r"\w+ gave (\w+) the (\w+) and got the (\w+) for it", sentence):
            holder = swaps[1] if swaps[2] == thing else subject if swaps[3] == thing else holder
        elif re.match(rf"\w+ (put|left) the {thing}", sentence):
            holder = "nobody"
        elif re.match(rf"\w+ (picked up|found) the {thing}", sentence):
            holder = subject
        elif there := re.match(r"\w+ was at the", sentence):
            subject = there[0].split()[0]
        if not asks:
            asking = None
    return holder


@every_domain
def test_a_question_lists_what_the_story_names(domain):
    words = DOMAINS[domain]
    questions = [question(text, words) for text in TinyWorld(4, domain).sample(500)["text"]]
    asked = [q for q in questions if q]
    assert 50 < len(asked) < 250
    for q in asked:
        assert q.prompt.endswith("Answer:")
        assert q.answer in q.candidates
        assert 2 <= len(q.candidates) <= 4
        assert all(c in q.prompt or c == words.nobody for c in q.candidates)
    sizes = Counter(len(q.candidates) for q in asked)
    assert sizes[2] > 10
    assert sizes[4] > 10  # three persons or nobody


def test_a_text_without_a_question_has_none():
    assert question("Mia had a red kite.", DOMAINS["town"]) is None


# drawing


def test_same_seed_same_documents():
    rows = TinyWorld(11).sample(20)
    assert rows["text"][:] == TinyWorld(11).sample(20)["text"][:]
    assert rows["text"][:5] == TinyWorld(11).sample(5)["text"][:]
    assert rows["text"][:] != TinyWorld(12).sample(20)["text"][:]
    assert rows.column_names == ["text", "log2_prob"]


@pytest.mark.parametrize("n_shards", [1, 3])
def test_the_stream_holds_the_same_documents(n_shards):
    world = TinyWorld(1)
    stream = world.stream(10, n_shards)
    assert isinstance(stream, datasets.IterableDataset)
    assert stream.num_shards == n_shards
    sampled = [(row["text"], row["log2_prob"]) for row in world.sample(10)]
    assert sorted((row["text"], row["log2_prob"]) for row in stream) == sorted(sampled)


def test_a_stream_draws_nothing_before_it_is_asked():
    endless = TinyWorld(1).stream(10**12)
    assert [row["text"] for row in itertools.islice(endless, 3)] == TinyWorld(1).sample(3)["text"][:]


@every_domain
def test_one_kind_alone_has_its_own_exact_probabilities(domain):
    whole = TinyWorld(5, domain)
    for kind, weight in (("story", 0.75), ("review", 0.25)):
        world = TinyWorld(5, domain, kind)
        rows = world.sample(50)
        assert all(text.startswith("Review: ") == (kind == "review") for text in rows["text"])
        for text, log2_prob in zip(rows["text"], rows["log2_prob"], strict=True):
            assert whole.log2_prob(text) == pytest.approx(log2_prob + math.log2(weight))
            assert world.log2_prob(text) == pytest.approx(log2_prob)
        assert [row["text"] for row in world.stream(3)] == rows["text"][:3]
        other = TinyWorld(5, domain, "review" if kind == "story" else "story")
        assert not other.can_begin(rows["text"][0])
    parts = [0.75 * TinyWorld(0, domain, "story").entropy_bits(), 0.25 * TinyWorld(0, domain, "review").entropy_bits()]
    choice = -0.75 * math.log2(0.75) - 0.25 * math.log2(0.25)
    assert sum(parts) + choice == pytest.approx(whole.entropy_bits())  # the chain rule


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"unknown kind 'poem': choose one of \['review', 'story'\], or None for both"):
        TinyWorld(0, kind="poem")
    with pytest.raises(ValueError, match=r"unknown domain 'moon': choose one of \['clinic', 'town'\]"):
        TinyWorld(0, "moon")
    with pytest.raises(ValueError, match=r"seed must be a whole number, got 0\.5"):
        TinyWorld(0.5)
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        TinyWorld(0).sample(0)
    with pytest.raises(ValueError, match=r"n must be a whole number, got 2\.0"):
        TinyWorld(0).sample(2.0)
    with pytest.raises(ValueError, match="n_shards must be at least 1, got 0"):
        TinyWorld(0).stream(5, 0)


# the shipped sample


@every_domain
def test_the_shipped_sample_is_what_the_grammar_draws(domain):
    loaded = shipped.load(domain)
    for split, seed in shipped.SEEDS.items():
        assert len(loaded[split]) == shipped.SIZES[split]
        assert loaded[split][:100] == TinyWorld(seed, domain).sample(100)[:]


def test_no_test_document_is_in_train():
    loaded = corpora.load("tinyworld")
    assert not set(loaded["train"]["text"]) & set(loaded["test"]["text"])


@every_domain
def test_the_card_states_the_entropy_and_the_library_reads_the_folder(domain, tmp_path):
    card = (shipped.FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"{TinyWorld(0, domain).entropy_bits():.3f} bits" in card
    loaded = datasets.load_dataset(str(shipped.FOLDER), domain, cache_dir=tmp_path)
    assert loaded["validation"][:] == shipped.load(domain)["validation"][:]


def test_a_missing_file_names_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"run `python -m course_utils\.corpora\.tinyworld`"):
        shipped.load("town", Path(tmp_path))
