"""What may happen next in a story, given who is where and who holds what."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from course_utils.corpora.tinyworld.grammar import Option
from course_utils.corpora.tinyworld.wording import Wording, ranked

PEOPLE = ("hero", "friend", "third")
OTHER_PLACE = {"start": "goal", "goal": "start"}
# Weights of the kinds; each is divided among all who could do it.
WEIGHTS = {"give": 5, "ask": 4, "show": 2, "swap": 2, "put_down": 1, "pick_up": 6, "go": 4, "talk": 2}
REFUSALS = 0.6  # for each request that is granted


def whereabouts(at_hero: str, at_friend: str, at_third: str) -> dict[str, str]:
    """Return person -> place, and place -> itself: where a thing is, by who or what holds it."""
    return {"hero": at_hero, "friend": at_friend, "third": at_third, "start": "start", "goal": "goal"}


def things(holder_1: str, holder_2: str) -> dict[str, str]:
    """Return number of a thing -> who holds it or where it lies; a story has one thing or two."""
    return {"1": holder_1, "2": holder_2} if holder_2 else {"1": holder_1}


@dataclass(frozen=True)
class Scene:
    """The facts between two events.

    Args:
        words: what to say.
        subject: who acted in the last sentence, and is a pronoun if they act again.
        moved: numbers of the things that changed hands, or were refused, in the last event. They rest in the next one,
            or a story would undo itself.
        at: person or place -> place.
        holders: number of a thing -> who holds it or where it lies.
    """

    words: Wording
    subject: str
    moved: str
    at: Mapping[str, str]
    holders: Mapping[str, str]

    def events(self, without: str) -> list[Option]:
        """Return every event that the facts allow, but for one kind: none happens twice in a row."""
        found = []
        for kind, weight in WEIGHTS.items():
            options = list(getattr(self, kind)()) if kind != without else []
            total = sum(option.weight for option in options)
            for option in options:
                facts = {"last": kind, "moved": "", **option.facts}
                found.append(Option(weight * option.weight / total, option.text, facts))
        return found

    def give(self) -> Iterator[Option]:
        """Somebody gives a thing to somebody near."""
        for i, x, y in self._handings():
            yield from self._say(self.words.give, self._change(i, y), x, y=y, thing=f"thing_{i}")

    def ask(self) -> Iterator[Option]:
        """Somebody asks for a thing that somebody near holds, and gets it or not."""
        for i, x, y in self._handings():
            granted, refused = (f"{self.words.ask} {reply}" for reply in (self.words.granted, self.words.refused))
            yield from self._say([granted], self._change(i, y), x, y=y, thing=f"thing_{i}")
            yield from self._say([refused], {"moved": i}, x, REFUSALS, y=y, thing=f"thing_{i}")

    def show(self) -> Iterator[Option]:
        """Somebody shows a thing to somebody near."""
        for i, x, y in self._handings():
            yield from self._say(self.words.show, {}, x, y=y, thing=f"thing_{i}")

    def swap(self) -> Iterator[Option]:
        """Two who are together swap their things."""
        held = dict(self._held())
        if len(held) == 2 and held["1"] != held["2"] and self.at[held["1"]] == self.at[held["2"]]:
            facts = {"holder_1": held["2"], "holder_2": held["1"], "moved": "12"}
            yield from self._say([self.words.swap], facts, held["1"], y=held["2"], thing="thing_1", other="thing_2")

    def put_down(self) -> Iterator[Option]:
        """Somebody puts a thing down where they are."""
        for i, x in self._held():
            yield from self._say(self.words.put_down, self._change(i, self.at[x]), x, thing=f"thing_{i}")

    def pick_up(self) -> Iterator[Option]:
        """Somebody takes a thing that lies where they are."""
        for i, place in self.holders.items():
            if place not in PEOPLE and i not in self.moved:
                for x in self._people_at(place):
                    yield from self._say(self.words.pick_up, self._change(i, x), x, thing=f"thing_{i}")

    def go(self) -> Iterator[Option]:
        """Somebody goes to the other place, with all they hold, and meets who is there."""
        for x in PEOPLE:
            place = OTHER_PLACE[self.at[x]]
            there = self._people_at(place)
            company = (self.words.alone, self.words.one_there, self.words.two_there)[len(there)]
            sentences = [going + company for going in self.words.go]
            yield from self._say(sentences, {f"at_{x}": place}, x, place=place, **dict(zip("yz", there, strict=False)))

    def talk(self) -> Iterator[Option]:
        """Two who are together talk; a topic follows."""
        for i, x in enumerate(PEOPLE):
            for y in PEOPLE[i + 1 :]:
                if self.at[x] == self.at[y]:
                    yield from self._say([self.words.talk], {"subject": ""}, x, y=y)

    def _people_at(self, place: str) -> list[str]:
        return [x for x in PEOPLE if self.at[x] == place]

    def _held(self) -> list[tuple[str, str]]:
        """Things in somebody's hands that may change hands: (number, person)."""
        return [(i, x) for i, x in self.holders.items() if x in PEOPLE and i not in self.moved]

    def _handings(self) -> Iterable[tuple[str, str, str]]:
        """Who could hand what to whom: (number, holder, somebody near)."""
        return [(i, x, y) for i, x in self._held() for y in self._people_at(self.at[x]) if y != x]

    @staticmethod
    def _change(i: str, holder: str) -> dict[str, str]:
        return {f"holder_{i}": holder, "moved": i}

    def _say(
        self, sentences: Sequence[str], facts: Mapping[str, str], x: str, weight: float = 1.0, /, **gaps: str
    ) -> Iterator[Option]:
        """One event in each of its wordings, which divide its weight among them; gaps are facts to write."""
        filled = {gap: f"{{{fact}}}" for gap, fact in gaps.items()}
        filled |= {"x": f"{{{x}}}", "X": f"{{{x}_pronoun}}" if x == self.subject else f"{{{x}}}"}
        weighed = ranked(sentences)
        total = sum(by_rank for by_rank, _ in weighed)
        for by_rank, sentence in weighed:
            yield Option(weight * by_rank / total, " " + sentence.format(**filled), {"subject": x, **facts})
