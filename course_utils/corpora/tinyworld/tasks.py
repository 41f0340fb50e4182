"""The three task formats of the lecture: a question with its answer, a summary, a review with its sentiment."""

from course_utils.corpora.tinyworld.events import PEOPLE, things, whereabouts
from course_utils.corpora.tinyworld.grammar import Option, Step
from course_utils.corpora.tinyworld.wording import Wording, ranked, words_for

AGREES = 0.85  # how often an aspect of a review has the tone of the whole
TONES = ("positive", "negative")
PLAIN, QUESTION, SUMMARY = 25, 30, 20  # how a story ends


def ending(words: Wording) -> list[Step]:
    """Return the step that ends a story: nothing more, a question with its answer, or a summary."""

    def end(at_hero: str, at_friend: str, at_third: str, holder_1: str, holder_2: str, feels: str) -> list[Option]:
        at, holders = whereabouts(at_hero, at_friend, at_third), things(holder_1, holder_2)
        tasks = [(QUESTION, _questions(words, at, holders, feels)), (SUMMARY, _summaries(words, at, holders))]
        return [
            Option(PLAIN),
            *(
                option._replace(weight=weight * option.weight / sum(other.weight for other in options))
                for weight, options in tasks
                for option in options
            ),
        ]

    return [end]


def _questions(words: Wording, at: dict[str, str], holders: dict[str, str], feels: str) -> list[Option]:
    """Every question that the facts answer, each with its one answer."""
    asked: list[tuple[float, str, str]] = [(1, words.where_person.format(y=f"{{{x}}}"), f"{{{at[x]}}}") for x in PEOPLE]
    for i, holder in holders.items():
        thing = f"{{thing_{i}}}"
        owner = f"{{{holder}}}" if holder in PEOPLE else words.nobody
        asked.append((4 / len(holders), words.who.format(thing=thing), owner))
        asked.append((4 / len(holders), words.where.format(thing=thing), f"{{{at[holder]}}}"))
        asked.append((1 / len(holders), words.which.format(thing=thing), f"{{quality_{i}}}"))
    if feels:
        asked.append((1, words.how.format(y=f"{{{feels}}}"), "{mood}"))
    return [Option(weight, f"\nQuestion: {asks}\nAnswer: {answer}") for weight, asks, answer in asked]


def _summaries(words: Wording, at: dict[str, str], holders: dict[str, str]) -> list[Option]:
    """What became of each thing."""
    options = []
    for i, holder in holders.items():
        gaps = {"quality": f"quality_{i}", "thing": f"thing_{i}", "y": holder, "place": at[holder]}
        text = words.held_by_person if holder in PEOPLE else words.left_at_place
        options.append(Option(1, "\ntl;dr: " + text.format(**{name: f"{{{fact}}}" for name, fact in gaps.items()})))
    return options


def review(words: Wording) -> list[Step]:
    """Return the steps of a review with its sentiment.

    The tone is drawn early and written last. Each aspect agrees with it only mostly, so a reader of a review without
    a closing verdict has to weigh the evidence.
    """
    names = [name for name, _ in words.people]

    def time() -> list[Option]:
        return [Option(weight, f"Review: {text} ") for weight, text in ranked(words.times)]

    def one() -> list[Option]:
        return words_for("one", names, after=" and ")

    def other(one: str) -> list[Option]:
        return words_for("other", names, without=(one,))

    def subject() -> list[Option]:
        did = ranked([s.did for s in words.subjects])
        return [Option(weight, text, {"about": str(i)}) for i, (weight, text) in enumerate(did)]

    def place() -> list[Option]:
        return words_for("place", words.places, after=".")

    def tone() -> list[Option]:
        return [Option(1, facts={"tone": tone}) for tone in TONES]

    def aspect(slot: str) -> Step:
        def choose(about: str, aspect_1: str, aspect_2: str) -> list[Option]:
            aspects = [a for a in words.subjects[int(about)].aspects if a not in (aspect_1, aspect_2)]
            return [Option(1, " " + words.aspect.format(aspect=a), {slot: a, "aspect": a}) for a in aspects]

        return choose

    def third_aspect(about: str, aspect_1: str, aspect_2: str) -> list[Option]:
        return [Option(4, facts={"aspect": ""}), *aspect("aspect_3")(about, aspect_1, aspect_2)]

    def degree(aspect: str) -> list[Option]:
        return [Option(weight, text) for weight, text in ranked(words.degrees)] if aspect else [Option(1)]

    def verdict(about: str, aspect: str, tone: str) -> list[Option]:
        if not aspect:
            return [Option(1)]
        verdicts = zip(TONES, words.subjects[int(about)].aspects[aspect], strict=True)
        return [
            Option((AGREES if said == tone else 1 - AGREES) / len(choices), f"{choice}.")
            for said, choices in verdicts
            for choice in choices
        ]

    def closing(tone: str) -> list[Option]:
        sentences = words.recommended if tone == "positive" else words.advised_against
        said = [(text, person) for text in sentences for person in ("one", "other")]
        return [Option(len(said)), *(Option(1, " " + text.format(x=f"{{{person}}}")) for text, person in said)]

    def sentiment() -> list[Option]:
        return [Option(1, "\nSentiment: {tone}")]

    return [
        *(time, one, other, subject, place, tone),
        *(aspect("aspect_1"), degree, verdict, aspect("aspect_2"), degree, verdict, third_aspect, degree, verdict),
        *(closing, sentiment),
    ]
