"""The program of a story: three people, two places, one or two things, and facts that persist to the last line.

Facts: hero, friend, third and their pronouns; start and goal, the two places; thing_1, quality_1, thing_2, quality_2;
at_hero, at_friend, at_third: "start" or "goal"; holder_1, holder_2: who has the thing, or the place where it lies
("" if there is no second thing); subject: who acted in the last sentence; last: the kind of the last event; moved:
the thing that changed hands in it; feels: whose mood was told.
"""

from collections.abc import Sequence

from course_utils.corpora.tinyworld.grammar import Option, Step
from course_utils.corpora.tinyworld.wording import Wording, ranked, words_for

PEOPLE = ("hero", "friend", "third")
OTHER_PLACE = {"start": "goal", "goal": "start"}
# Weights of what may happen next; each kind is shared among all who could do it.
GIVE, ASK, SHOW, SWAP, PUT_DOWN, PICK_UP, GO, TALK, END = 5, 4, 2, 2, 1, 6, 4, 2, 6


def story(words: Wording, fewest_events: int = 3, most_events: int = 6) -> list[Step]:
    """Return the steps of a story, from the opening to the closing mood; no question or summary."""
    return [*_opening(words), *_events(words, fewest_events, most_events), *_closing(words)]


def whereabouts(at_hero: str, at_friend: str, at_third: str) -> dict[str, str]:
    """Return person -> place, and place -> itself: where a thing is, by who or what holds it."""
    return {"hero": at_hero, "friend": at_friend, "third": at_third, "start": "start", "goal": "goal"}


def _opening(words: Wording) -> list[Step]:
    def person(role: str, without: Sequence[str]) -> list[Option]:
        pronouns = dict(words.people)
        return [
            Option(weight, f"{{{role}}}", {role: name, f"{role}_pronoun": pronouns[name]})
            for weight, name in ranked([name for name, _ in words.people])
            if name not in without
        ]

    def time():
        return [Option(weight, f"{text} ") for weight, text in ranked(words.times)]

    def hero():
        return person("hero", without=())

    def meeting():
        return [Option(1, between, {"meeting": str(i)}) for i, (between, _) in enumerate(words.meetings)]

    def friend(hero):
        return person("friend", without=(hero,))

    def meeting_place(meeting):
        return [Option(1, words.meetings[int(meeting)][1])]

    def start():
        return words_for("start", words.places, after=". ")

    def third(hero, friend):
        return person("third", without=(hero, friend))

    def elsewhere():
        return [Option(1, words.elsewhere)]

    def goal(start):
        facts = {"at_hero": "start", "at_friend": "start", "at_third": "goal"}
        options = words_for("goal", words.places, without=(start,), after=".")
        return [option._replace(facts={**option.facts, **facts}) for option in options]

    def owner():
        names = {"hero": "{hero}", "friend": "{friend}", "third": "{third_pronoun}"}  # the third was just named
        return [Option(1, words.owns.format(x=names[x]), {"holder_1": x, "subject": x}) for x in PEOPLE]

    def quality_1():
        return words_for("quality_1", words.qualities, after=" ")

    def thing_1():
        return words_for("thing_1", words.things, after=".")

    def second_owner(holder_1):
        others = [x for x in PEOPLE if x != holder_1]
        owns = [Option(1, words.owns.format(x=f"{{{x}}}"), {"holder_2": x, "subject": x}) for x in others]
        return [Option(2), *owns]

    def quality_2(holder_2):
        return words_for("quality_2", words.qualities, after=" ") if holder_2 else [Option(1)]

    def thing_2(holder_2, thing_1):
        return words_for("thing_2", words.things, without=(thing_1,), after=".") if holder_2 else [Option(1)]

    return [
        *(time, hero, meeting, friend, meeting_place, start, third, elsewhere, goal),
        *(owner, quality_1, thing_1, second_owner, quality_2, thing_2),
    ]


def _events(words: Wording, fewest: int, most: int) -> list[Step]:
    def event(last, moved, subject, at_hero, at_friend, at_third, holder_1, holder_2):
        at = whereabouts(at_hero, at_friend, at_third)
        holders = {"1": holder_1, "2": holder_2} if holder_2 else {"1": holder_1}
        kinds = _possible(words, subject, moved, at, holders)
        return [
            option._replace(
                weight=weight * option.weight / sum(other.weight for other in options),
                facts={"moved": "", "last": kind, **option.facts},
            )
            for kind, (weight, options) in kinds.items()
            if kind != last
            for option in options
        ]

    def event_or_end(over, last, moved, subject, at_hero, at_friend, at_third, holder_1, holder_2):
        if over:
            return [Option(1)]
        options = event(last, moved, subject, at_hero, at_friend, at_third, holder_1, holder_2)
        return [*options, Option(END, facts={"over": "yes", "last": ""})]

    def topic(last):
        return words_for("topic", words.topics, after=".") if last == "talk" else [Option(1)]

    return [step for number in range(most) for step in (event if number < fewest else event_or_end, topic)]


def _possible(words: Wording, subject: str, moved: str, at: dict[str, str], holders: dict[str, str]):
    """Return kind of event -> (weight, every event of that kind that the facts allow).

    What changed hands in the last event stays where it is in the next, or a story would undo itself.
    """

    def near(x):
        return [y for y in PEOPLE if y != x and at[y] == at[x]]

    def options(templates, facts, x, weight=1.0, **gaps):
        """The sentence in each of its wordings; who acts is a pronoun if the last sentence was about them."""
        gaps = {name: f"{{{value}}}" for name, value in gaps.items()} | {"x": f"{{{x}}}"}
        gaps["X"] = f"{{{x}_pronoun}}" if x == subject else gaps["x"]
        templates = ranked(templates)
        total = sum(share for share, _ in templates)
        facts = {"subject": x, **facts}
        return [Option(weight * share / total, " " + text.format(**gaps), facts) for share, text in templates]

    def change(i, holder):
        return {f"holder_{i}": holder, "moved": i}

    held = [(i, x) for i, x in holders.items() if x in PEOPLE and i != moved]
    handing = [(i, y, {"x": x, "y": y, "thing": f"thing_{i}"}) for i, x in held for y in near(x)]
    lying = [(i, place) for i, place in holders.items() if place not in PEOPLE and i != moved]
    finders = [(i, x) for i, place in lying for x in PEOPLE if at[x] == place]
    granted, refused = (f"{words.ask} {words.granted}",), (f"{words.ask} {words.refused}",)
    give = [o for i, y, gaps in handing for o in options(words.give, change(i, y), **gaps)]
    ask = [o for i, y, gaps in handing for o in options(granted, change(i, y), **gaps)]
    ask += [o for _, _, gaps in handing for o in options(refused, {}, weight=0.6, **gaps)]
    show = [o for _, _, gaps in handing for o in options(words.show, {}, **gaps)]
    put_down = [o for i, x in held for o in options(words.put_down, change(i, at[x]), x, thing=f"thing_{i}")]
    pick_up = [o for i, x in finders for o in options(words.pick_up, change(i, x), x, thing=f"thing_{i}")]
    swap = []
    if len(held) == 2 and holders["1"] != holders["2"] and at[holders["1"]] == at[holders["2"]]:
        x, y = holders["1"], holders["2"]
        swap = options((words.swap,), {"holder_1": y, "holder_2": x}, x, y=y, thing="thing_1", other="thing_2")
    go = []
    for x in PEOPLE:
        place = OTHER_PLACE[at[x]]
        there = [y for y in PEOPLE if at[y] == place]
        company = (words.alone, words.one_there, words.two_there)[len(there)]
        gaps = dict(zip("yz", there, strict=False))
        go += options([text + company for text in words.go], {f"at_{x}": place}, x, place=place, **gaps)
    talk = [
        option
        for i, x in enumerate(PEOPLE)
        for y in PEOPLE[i + 1 :]
        if at[x] == at[y]
        for option in options((words.talk,), {"subject": ""}, x, y=y)
    ]
    return {
        "give": (GIVE, give),
        "ask": (ASK, ask),
        "show": (SHOW, show),
        "swap": (SWAP, swap),
        "put down": (PUT_DOWN, put_down),
        "pick up": (PICK_UP, pick_up),
        "go": (GO, go),
        "talk": (TALK, talk),
    }


def _closing(words: Wording) -> list[Step]:
    def feeling():
        return [Option(2), *(Option(1, " " + words.feel.format(x=f"{{{x}}}"), {"feels": x}) for x in PEOPLE)]

    def mood(feels):
        return words_for("mood", words.moods, after=".") if feels else [Option(1)]

    return [feeling, mood]
