"""The program of a story: three people, two places, one or two things, and facts that persist to the last line.

Facts: hero, friend, third and their pronouns; start and goal, the two places; thing_1, quality_1, thing_2, quality_2;
at_hero, at_friend, at_third: "start" or "goal"; holder_1, holder_2: who has the thing, or the place where it lies
("" if there is no second thing); subject: who acted in the last sentence; last: the kind of the last event; moved:
the things that changed hands in it; feels: whose mood was told.
"""

from collections.abc import Sequence

from course_utils.corpora.tinyworld.events import PEOPLE, Scene, things, whereabouts
from course_utils.corpora.tinyworld.grammar import Option, Step
from course_utils.corpora.tinyworld.wording import Wording, ranked, words_for

END = 6  # weight of ending against that of each kind of event


def story(words: Wording, fewest_events: int = 3, most_events: int = 6) -> list[Step]:
    """Return the steps of a story, from the opening to the closing mood; no question or summary."""
    return [*_opening(words), *_happenings(words, fewest_events, most_events), *_closing(words)]


def _opening(words: Wording) -> list[Step]:
    def person(role: str, without: Sequence[str]) -> list[Option]:
        pronouns = dict(words.people)
        return [
            Option(weight, f"{{{role}}}", {role: name, f"{role}_pronoun": pronouns[name]})
            for weight, name in ranked([name for name, _ in words.people])
            if name not in without
        ]

    def time() -> list[Option]:
        return [Option(weight, f"{text} ") for weight, text in ranked(words.times)]

    def hero() -> list[Option]:
        return person("hero", without=())

    def meeting() -> list[Option]:
        return [Option(1, between, {"meeting": str(i)}) for i, (between, _) in enumerate(words.meetings)]

    def friend(hero: str) -> list[Option]:
        return person("friend", without=(hero,))

    def meeting_place(meeting: str) -> list[Option]:
        return [Option(1, words.meetings[int(meeting)][1])]

    def start() -> list[Option]:
        return words_for("start", words.places, after=". ")

    def third(hero: str, friend: str) -> list[Option]:
        return person("third", without=(hero, friend))

    def elsewhere() -> list[Option]:
        return [Option(1, words.elsewhere)]

    def goal(start: str) -> list[Option]:
        facts = {"at_hero": "start", "at_friend": "start", "at_third": "goal"}
        options = words_for("goal", words.places, without=(start,), after=".")
        return [option._replace(facts={**option.facts, **facts}) for option in options]

    def owner() -> list[Option]:
        names = {"hero": "{hero}", "friend": "{friend}", "third": "{third_pronoun}"}  # the third was just named
        return [Option(1, words.owns.format(x=names[x]), {"holder_1": x, "subject": x}) for x in PEOPLE]

    def quality_1() -> list[Option]:
        return words_for("quality_1", words.qualities, after=" ")

    def thing_1() -> list[Option]:
        return words_for("thing_1", words.things, after=".")

    def second_owner(holder_1: str) -> list[Option]:
        others = [x for x in PEOPLE if x != holder_1]
        owns = [Option(1, words.owns.format(x=f"{{{x}}}"), {"holder_2": x, "subject": x}) for x in others]
        return [Option(2), *owns]

    def quality_2(holder_2: str) -> list[Option]:
        return words_for("quality_2", words.qualities, after=" ") if holder_2 else [Option(1)]

    def thing_2(holder_2: str, thing_1: str) -> list[Option]:
        return words_for("thing_2", words.things, without=(thing_1,), after=".") if holder_2 else [Option(1)]

    return [
        *(time, hero, meeting, friend, meeting_place, start, third, elsewhere, goal),
        *(owner, quality_1, thing_1, second_owner, quality_2, thing_2),
    ]


def _happenings(words: Wording, fewest: int, most: int) -> list[Step]:
    def event(
        last: str, moved: str, subject: str, at_hero: str, at_friend: str, at_third: str, holder_1: str, holder_2: str
    ) -> list[Option]:
        scene = Scene(words, subject, moved, whereabouts(at_hero, at_friend, at_third), things(holder_1, holder_2))
        return scene.events(without=last)

    def event_or_end(
        over: str,
        last: str,
        moved: str,
        subject: str,
        at_hero: str,
        at_friend: str,
        at_third: str,
        holder_1: str,
        holder_2: str,
    ) -> list[Option]:
        if over:
            return [Option(1)]
        events = event(last, moved, subject, at_hero, at_friend, at_third, holder_1, holder_2)
        return [*events, Option(END, facts={"over": "yes", "last": ""})]

    def topic(last: str) -> list[Option]:
        return words_for("topic", words.topics, after=".") if last == "talk" else [Option(1)]

    return [step for number in range(most) for step in (event if number < fewest else event_or_end, topic)]


def _closing(words: Wording) -> list[Step]:
    def feeling() -> list[Option]:
        return [Option(2), *(Option(1, " " + words.feel.format(x=f"{{{x}}}"), {"feels": x}) for x in PEOPLE)]

    def mood(feels: str) -> list[Option]:
        return words_for("mood", words.moods, after=".") if feels else [Option(1)]

    return [feeling, mood]
