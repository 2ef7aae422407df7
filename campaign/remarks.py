"""Compares what people said, and what they were answered, with what a town kept and says. All of it is pure functions.

Each answer that an officer gives bears a number of its own in its words, by which it is found on any timeline.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from campaign.audit import RECEIPT, Breach

UNHEARD, HEARD_TWICE, OUTDATED = "unheard", "heard twice", "outdated"
UNANSWERED, ANSWERED_TWICE, NOT_RIGHT = "unanswered", "answered twice", "not put right"
KINDS = (UNHEARD, HEARD_TWICE, OUTDATED, UNANSWERED, ANSWERED_TWICE, NOT_RIGHT)
REPLIES = 10
"""How many of those who ask on a page are each answered beside the one comment."""
OWN_THREAD_ALONE = frozenset({"x"})
"""Channels on which nobody is answered, but below our own post."""
TELLS_REMOVALS = frozenset({"page"})
"""Channels that tell at once when somebody took back what they said."""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said under our post `under`, as the platform serves it now; `text` None: they took it back."""

    channel: str
    remote_id: str
    under: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What a town keeps of a remark, in the order in which it heard them. `question` is what it was taken to ask."""

    channel: str
    remote_id: str
    under: str | None
    text: str | None
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that was accepted: its number, its question, and how many had asked on each channel by then."""

    number: int
    question: str
    askers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnsweredPost:
    """One post of ours on a timeline that answers at `place`, with the numbers of what it said, oldest first."""

    channel: str
    ids: tuple[str, ...]
    place: str
    said: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the database says of the last post by which one place is answered. `excused` as in `audit.Entry`."""

    channel: str
    question: str
    place: str
    state: str
    reason: str | None = None
    remote_id: str | None = None
    excused: bool = False


def hearing(said: Sequence[Said], kept: Sequence[Kept]) -> list[Breach]:
    """Every remark is kept once, under its post, in the words that the platform serves now; and nothing else is."""
    breaches: list[Breach] = []
    rows: dict[tuple[str, str], list[Kept]] = {}
    for row in kept:
        rows.setdefault((row.channel, row.remote_id), []).append(row)
    for each in said:
        found = rows.pop((each.channel, each.remote_id), [])
        breaches += [Breach(kind, each.channel, each.remote_id, what) for kind, what in _heard(each, found)]
    # What nobody said: our own words, or a remark under another name.
    strays = [(row.channel, row.remote_id, row.text) for found in rows.values() for row in found]
    return breaches + [Breach(HEARD_TWICE, channel, id_, f"nobody said {text!r}") for channel, id_, text in strays]


def _heard(said: Said, found: Sequence[Kept]) -> Iterator[tuple[str, str]]:
    if not found and said.text is not None:
        yield UNHEARD, f"{said.text!r} isn't kept"
    if len(found) > 1:
        yield HEARD_TWICE, f"{said.text!r} is kept {len(found)} times"
    for row in found:
        if row.under != said.under:
            yield UNHEARD, f"it stands under {said.under}, and is kept as under {row.under}"
        if row.text != said.text and (said.text is not None or said.channel in TELLS_REMOVALS):
            yield OUTDATED, f"{row.text!r} is kept, and {said.text!r} is there"


def answering(
    answers: Sequence[Answered],
    said: Sequence[Said],
    kept: Sequence[Kept],
    posts: Sequence[AnsweredPost],
    replies: Sequence[Reply],
) -> list[Breach]:
    """Every question that was answered has its newest answer wherever the rules want it, once, and nowhere else."""
    questions: dict[str, list[Answered]] = {}
    for each in answers:
        questions.setdefault(each.question, []).append(each)
    gone = {(each.channel, each.remote_id) for each in said if each.text is None}
    breaches: list[Breach] = []
    for question, versions in questions.items():
        asked = [row for row in kept if row.question == question]
        numbers = {each.number for each in versions}
        there = [each for each in posts if numbers & set(each.said)]
        ours = [each for each in replies if each.question == question]
        for channel in dict.fromkeys([*versions[-1].askers, *(each.channel for each in there)]):
            case = Case(
                channel,
                question,
                versions,
                [row for row in asked if row.channel == channel],
                frozenset(id_ for name, id_ in gone if name == channel),
                [each for each in there if each.channel == channel],
                [each for each in ours if each.channel == channel],
            )
            breaches += case.breaches()
    known = {each.number for each in answers}
    strays = [each for each in posts if not known & set(each.said)]
    return breaches + [Breach(ANSWERED_TWICE, each.channel, each.place, "nobody answered this") for each in strays]


@dataclass(frozen=True, slots=True)
class Case:
    """One question on one channel: its answers, who asked there, what is there, and what the database says of it."""

    channel: str
    question: str
    versions: Sequence[Answered]
    asked: Sequence[Kept]
    gone: frozenset[str]
    there: Sequence[AnsweredPost]
    replies: Sequence[Reply]

    def breaches(self) -> list[Breach]:
        """Everything that isn't as it was promised."""
        found = [
            *((UNANSWERED, what) for what in self._unanswered()),
            *((ANSWERED_TWICE, what) for what in self._twice()),
            *((NOT_RIGHT, what) for what in self._wrong()),
            *((RECEIPT, what) for what in self._receipts()),
        ]
        return [Breach(kind, self.channel, self.question, what) for kind, what in found]

    def _asked_before(self) -> Sequence[Kept]:
        """Who had asked when it was answered last, and still does."""
        count = self.versions[-1].askers.get(self.channel, 0)
        return [row for row in self.asked[:count] if row.remote_id not in self.gone]

    def _wanted(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Each answer that there must be, by what it is called, with the places that it may have."""
        asked = self._asked_before()
        if not asked:
            return
        below = frozenset(row.under for row in self.asked if row.under is not None)
        if self.channel == "telegram":
            yield "the answer in the group", frozenset(row.remote_id for row in self.asked)
            return
        yield "the answer below our post", below
        if self.channel not in OWN_THREAD_ALONE:
            for row in asked[:REPLIES]:
                yield f"the answer to {row.remote_id}", frozenset({row.remote_id})

    def _unanswered(self) -> Iterator[str]:
        excused = {each.place for each in self.replies if each.excused}
        for name, places in self._wanted():
            if not any(each.place in places for each in self.there) and not excused & places:
                yield f"{name} isn't there"
        for each in self.replies:
            if each.state != "sent" and not each.excused and each.place not in self.gone:
                yield f"the answer at {each.place} is {each.state}: {each.reason}"

    def _twice(self) -> Iterator[str]:
        excused = {each.place for each in self.replies if each.excused}
        for place, count in Counter(each.place for each in self.there).items():
            if count > 1 and place not in excused:
                yield f"{place} is answered {count} times"
        roots = {row.under for row in self.asked}
        own = roots | ({row.remote_id for row in self.asked} if self.channel not in OWN_THREAD_ALONE else set())
        for each in self.there:
            if each.place not in own:
                yield f"{each.place}, where nobody asked, is answered"
        alone = [each for each in self.there if self.channel == "telegram" or each.place in roots]
        if len(alone) > 1 and not excused:
            yield f"it stands there as {[each.ids[-1] for each in alone]}"

    def _wrong(self) -> Iterator[str]:
        newest = self.versions[-1].number
        stuck = {each.place for each in self.replies if each.excused or each.state != "sent"}
        for each in self.there:
            if each.said[-1] != newest and each.place not in stuck:
                yield f"{each.ids[-1]} says answer {each.said[-1]}, and {newest} stands"

    def _receipts(self) -> Iterator[str]:
        for each in self.replies:
            ids = [post.ids for post in self.there if post.place == each.place]
            if each.state == "sent" and not each.excused and ids and not any(each.remote_id in some for some in ids):
                yield f"{each.place} has the receipt {each.remote_id}, and is {ids[0][-1]}"
