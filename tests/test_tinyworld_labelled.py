"""Labelled tinyworld: what is right follows from the grammar, and the same seed gives the same rows."""

import re

import pytest

from course_utils.corpora.tinyworld import DOMAINS, TinyWorld, instructions, preferences, question, reviews
from course_utils.corpora.tinyworld.tasks import TONES

every_domain = pytest.mark.parametrize("domain", DOMAINS)
every_kind = pytest.mark.parametrize("kind", [reviews, instructions, preferences])


def content(messages):
    assert len(messages) == 1
    return messages[0]["content"]


@every_kind
@every_domain
def test_rows_are_drawn_by_the_seed_alone(kind, domain):
    few, many, other = kind(5, 3, domain), kind(20, 3, domain), kind(5, 4, domain)
    assert few.to_list() == many.to_list()[:5]
    assert few.to_list() != other.to_list()
    assert len(few) == 5


@every_domain
def test_a_review_and_its_class_are_a_document(domain):
    world = TinyWorld(0, domain)
    rows = reviews(40, 3, domain)
    assert {row["label"] for row in rows} == {0, 1}
    for row in rows:
        assert "entiment" not in row["text"]
        assert world.log2_prob(f"{row['text']}\nSentiment: {TONES[row['label']]}") > -float("inf")


@every_domain
def test_each_task_has_its_answer_in_a_sentence(domain):
    rows = instructions(300, 3, domain)
    assert set(rows["task"]) == {"question", "sentiment", "summary"}
    for row in rows:
        user, assistant = row["messages"]
        assert (user["role"], assistant["role"]) == ("user", "assistant")
        assert re.fullmatch(r"[A-Z][A-Za-z ]+\.", assistant["content"])
        assert not re.search("\n|Question|tl;dr|Sentiment", user["content"])


@every_domain
def test_an_answer_is_the_one_of_the_document(domain):
    texts = TinyWorld(3, domain).sample(400)["text"]
    asked = [text for text in texts if re.search("\n(Question|tl;dr|Sentiment): ", text)]
    for text, row in zip(asked, instructions(len(asked), 3, domain), strict=True):
        prompt, answer = (message["content"] for message in row["messages"])
        story = text.split("\n")[0]
        assert prompt.startswith(f"{story} ")
        last_words = text.rpartition(": ")[2]
        assert last_words.lower() in answer.lower()
        if row["task"] == "question":
            assert prompt == f"{story} {text.split('Question: ')[1].split(chr(10))[0]}"


@every_domain
def test_the_summary_asked_for_is_of_one_thing(domain):
    """A story with two things has two right summaries; the instruction names the thing."""
    for row in instructions(300, 3, domain).filter(lambda row: row["task"] == "summary"):
        prompt, answer = (message["content"] for message in row["messages"])
        thing = re.search(r"What became of the (\w+)\?$", prompt)[1]
        assert re.search(rf"\b{thing}\b", answer)


@every_domain
def test_of_a_pair_one_is_right_and_the_other_names_something_else_of_the_story(domain):
    texts = TinyWorld(3, domain).sample(600)["text"]
    asked = [found for text in texts if (found := question(text, DOMAINS[domain]))]
    for wanted, row in zip(asked, preferences(len(asked), 3, domain), strict=True):
        chosen, rejected = content(row["chosen"]), content(row["rejected"])
        told = {candidate for candidate in wanted.candidates if re.search(rf"\b{candidate}\b", rejected, re.IGNORECASE)}
        assert chosen != rejected
        assert re.search(rf"\b{wanted.answer}\b", chosen, re.IGNORECASE)
        assert told - {wanted.answer}
        assert content(row["prompt"]).startswith(wanted.prompt.split("\n")[0])


@every_kind
def test_bad_input_is_named(kind):
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        kind(0, 3)
    with pytest.raises(ValueError, match="unknown domain 'city'"):
        kind(1, 3, "city")
