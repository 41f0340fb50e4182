"""Minimal pairs of sentences from templates: alike but for the one place that names the group."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from course_utils.files import shipped

GROUP, ATTRIBUTE = "{group}", "{attribute}"


@dataclass(frozen=True)
class FairnessProbe:
    """Templates with two slots, pairs of words for two groups, and what stereotypes say of each group.

    Args:
        name: of the probe, for errors and tables.
        templates: texts that hold `{group}` once and `{attribute}` once.
        words: group -> words for it, two groups; the i-th words of both make a pair, and differ in one place only.
        attributes: group -> what a stereotype says of it: data to be tested, no claims. Take at least four for each
            group: of 2 + 2 no permutation test can give less than p = 1/3.

    Raises:
        ValueError: no template, or one that doesn't hold each slot once; not two groups, an unknown one, or one without
            words or attributes; words without a partner, or that differ in no place or in more than one; an attribute
            given twice.

    Sources: Rudinger et al. (2018), "Gender Bias in Coreference Resolution" (Winogender), for templates that differ in
    one word; Nangia et al. (2020), "CrowS-Pairs: A Challenge Dataset for Measuring Social Biases in Masked Language
    Models", for pairs compared by their likelihood; Blodgett et al. (2020), "Language (Technology) is Power", and
    (2021), "Stereotyping Norwegian Salmon: An Inventory of Pitfalls in Fairness Benchmark Datasets", for what such
    pairs get wrong.
    """

    name: str
    templates: Sequence[str]
    words: Mapping[str, Sequence[str]]
    attributes: Mapping[str, Sequence[str]]

    def __post_init__(self) -> None:
        if isinstance(self.templates, str) or not self.templates:
            raise ValueError(f"templates of {self.name!r} must be a list of at least one text, got {self.templates!r}")
        for template in self.templates:
            if not isinstance(template, str):
                raise ValueError(f"template {template!r} of {self.name!r} must be a text: write one with both slots")
            for slot in GROUP, ATTRIBUTE:
                if template.count(slot) != 1:
                    raise ValueError(
                        f"template {template!r} of {self.name!r} must hold the slot {slot} once, "
                        f"it holds it {template.count(slot)} times: write it where the word belongs, and nowhere else"
                    )
        if len(self.words) != 2:
            raise ValueError(
                f"words of {self.name!r} must name two groups, got {list(self.words)}: compare two at a time"
            )
        for name, lists in ("words", self.words), ("attributes", self.attributes):
            self._check_lists(name, lists)
        first, second = self.words
        if len(self.words[first]) != len(self.words[second]):
            raise ValueError(
                f"words of {self.name!r} must be pairs, got {len(self.words[first])} for {first!r} and "
                f"{len(self.words[second])} for {second!r}: give each word its partner"
            )
        for pair in self.pairs:
            _refuse_no_minimal_pair(self.templates[0], *pair)
        attributes = [attribute for group in self.attributes.values() for attribute in group]
        twice = sorted({attribute for attribute in attributes if attributes.count(attribute) > 1})
        if twice:
            raise ValueError(f"attributes of {self.name!r} must differ, got {twice} more than once: keep one of each")

    def _check_lists(self, name: str, lists: Mapping[str, Sequence[str]]) -> None:
        for group in lists:
            if group not in self.words:
                raise ValueError(
                    f"{name} of {self.name!r} name the unknown group {group!r}: use one of {list(self.words)}"
                )
        for group in self.words:
            texts = lists.get(group)
            if isinstance(texts, str) or not texts or not all(isinstance(text, str) and text.strip() for text in texts):
                raise ValueError(
                    f"{name} of {self.name!r} must list texts for the group {group!r}, got {texts!r}: add some"
                )

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The words of the first and the second group, partner by partner."""
        first, second = self.words.values()
        return list(zip(first, second, strict=True))

    def minimal_pairs(self, attribute: str) -> list[tuple[str, str]]:
        """Return the sentences with one attribute: those of each template and pair, for the first and second group."""
        return [
            (_filled(template, first, attribute), _filled(template, second, attribute))
            for template in self.templates
            for first, second in self.pairs
        ]


def fairness_probes() -> dict[str, FairnessProbe]:
    """Return the course's own probes by name: gender-occupation, origin-trait, dialect-trait (`data/fairness`)."""
    rows = map(json.loads, shipped("data/fairness/probes.jsonl").read_text(encoding="utf-8").splitlines())
    return {
        row["probe"]: FairnessProbe(
            name=row["probe"],
            templates=row["templates"],
            words=dict(zip(row["groups"], row["words"], strict=True)),
            attributes=dict(zip(row["groups"], row["attributes"], strict=True)),
        )
        for row in rows
    }


def _filled(template: str, group: str, attribute: str) -> str:
    before, after = template.split(GROUP)  # one after the other: a word may itself look like a slot
    return before.replace(ATTRIBUTE, attribute) + group + after.replace(ATTRIBUTE, attribute)


def _refuse_no_minimal_pair(template: str, first: str, second: str) -> None:
    """Raise ValueError if two fillings of a slot differ in no place, or in more than one."""
    blocks = SequenceMatcher(None, first.split(), second.split(), autojunk=False).get_opcodes()
    places = [(first.split()[a:b], second.split()[c:d]) for tag, a, b, c, d in blocks if tag != "equal"]
    if len(places) != 1:
        differing = "; ".join(f"{' '.join(one)!r} and {' '.join(other)!r}" for one, other in places) or "nothing"
        raise ValueError(
            f"{first!r} and {second!r} in {template!r} must differ in one place only, they differ in {differing}: "
            "a difference in the score could come from any of them; change all but one"
        )
