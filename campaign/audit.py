"""Compares what the timelines hold with what was promised. All of it is pure functions."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promised:
    """One message that was answered for: version `place` of its incident. Times are seconds since the epoch.

    Nothing of it may appear after `ends`. `cancels` says that it ends the incident rather than telling of it.
    """

    incident: str
    place: int
    published_at: float
    ends: float
    cancels: bool = False


@dataclass(frozen=True, slots=True)
class Wording:
    """What one text on a timeline says: which version of which incident, or (`is_end`) that it is over."""

    incident: str
    place: int
    is_end: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """One post of a timeline: what it said, oldest first (more than one where it was edited), and when it appeared.

    `ids` are all that it ever had, the present one last.
    """

    ids: tuple[str, ...]
    said: tuple[Wording, ...]
    created_at: float
    edited_at: float | None = None
    reply_to: str | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """What the database says of one post: its state, why, and the receipt. `is_end` as in `Wording`.

    A message that led to no post has the state that it was filed under. `excused` says that the post may be out twice
    or not at all, and that this was told, because no look could help; `deletes` that it takes the thread back.
    """

    incident: str
    place: int
    is_end: bool
    state: str
    reason: str | None = None
    remote_id: str | None = None
    excused: bool = False
    deletes: bool = False


@dataclass(frozen=True, slots=True)
class Breach:
    """One promise that wasn't kept: `kind` is a column of the table."""

    kind: str
    channel: str
    incident: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.incident} on {self.channel}: {self.what}"


LOST, TWICE, LATE, DISORDER, RECEIPT, RUSHED = "lost", "twice", "late", "out of order", "receipt", "rushed"
KINDS = (LOST, TWICE, LATE, DISORDER, RECEIPT, RUSHED)
ENDED_WITHIN = 100.0
"""Seconds after its end within which an alert's readers are told: a minute of grace, and a daemon that comes back."""
_GIVEN_WAY = frozenset({"superseded", "left_out", "dropped"})


@dataclass(frozen=True, slots=True)
class Case:
    """One incident on one channel: what was promised, what is there, what the database says, when that was looked at.

    `slack` is how many seconds later than it was sent a platform may date a post. `repeats`: what was in doubt may be
    sent once more; where it isn't, nothing is out twice, not even that.
    """

    channel: str
    incident: str
    promised: Sequence[Promised]
    seen: Sequence[Seen]
    entries: Sequence[Entry]
    looked_at: float
    slack: float = 0.0
    repeats: bool = True

    def breaches(self) -> list[Breach]:
        """Everything that isn't as it was promised."""
        found = [
            *((LOST, what) for what in self._lost()),
            *((TWICE, what) for what in self._twice()),
            *((LATE, what) for what in self._late()),
            *((DISORDER, what) for what in self._disorder()),
            *((RECEIPT, what) for what in self._receipts()),
        ]
        return [Breach(kind, self.channel, self.incident, what) for kind, what in found]

    def _lost(self) -> Iterator[str]:
        filed = {entry.place for entry in self.entries}
        yield from (f"version {each.place} was never filed" for each in self.promised if each.place not in filed)
        yield from (why for entry in self.entries if (why := self._why_lost(entry)))
        cancelled = any(each.cancels for each in self.promised)
        if any(entry.excused for entry in self.entries) or self._is_over():
            return
        if cancelled:
            yield "it was cancelled, and its readers were not told"
        elif max(each.ends for each in self.promised) + ENDED_WITHIN < self.looked_at:
            yield "its time ran out, and its readers were not told"

    def _why_lost(self, entry: Entry) -> str | None:
        name = f"{'the end after ' if entry.is_end else ''}version {entry.place}"
        if entry.excused:
            return None
        match entry.state:
            case "sent":
                return None if self._is_there(entry) else f"{name} is said to be sent, and isn't there"
            case "queued" | "sending" if entry.is_end and self._ends(entry) + ENDED_WITHIN > self.looked_at:
                return None  # its time has only just run out
            case "expired":
                return None if self._ends(entry) <= self.looked_at else f"{name} expired before its end"
            case state if state in _GIVEN_WAY:
                return self._why_given_up(entry, name)
            case _:
                return f"{name} is {entry.state}: {entry.reason}"

    def _why_given_up(self, entry: Entry, name: str) -> str | None:
        """A message gives way to a later one of its incident, or is over; an end, where there is nothing to end."""
        cancels = entry.is_end or any(each.cancels for each in self.promised if each.place == entry.place)
        later = any(each.place > entry.place for each in self.promised)
        if later or self._ends(entry) <= self.looked_at or (cancels and self._is_over()):
            return None
        return f"{name} is {entry.state}, and nothing took its place: {entry.reason}"

    def _is_there(self, entry: Entry) -> bool:
        if entry.deletes:
            return all(post.deleted for post in self.seen)
        return any(self._says(entry, said) for post in self.seen for said in post.said)

    def _says(self, entry: Entry, said: Wording) -> bool:
        """An end names what its readers knew last, so any end of the incident will do."""
        return said.is_end if entry.is_end else (said.place == entry.place and not said.is_end)

    def _is_over(self) -> bool:
        """Whether nothing stands there that wasn't ended."""
        left = [post for post in self.seen if not post.deleted]
        return not left or any(said.is_end for post in left for said in post.said)

    def _ends(self, entry: Entry) -> float:
        return max((each.ends for each in self.promised if each.place == entry.place), default=0.0)

    def _twice(self) -> Iterator[str]:
        excused = {(entry.place, entry.is_end) for entry in self.entries if entry.excused and self.repeats}
        for wording in {said for post in self.seen for said in post.said}:
            posts = [post.ids[-1] for post in self.seen if wording in post.said]
            # An end names what its readers knew last, and not the version that ended it.
            known = wording.is_end and any(is_end and place >= wording.place for place, is_end in excused)
            if len(posts) > 1 and not known and (wording.place, wording.is_end) not in excused:
                yield f"{'the end after ' if wording.is_end else ''}version {wording.place} is there as {posts}"

    def _late(self) -> Iterator[str]:
        ends = {each.place: each.ends + self.slack for each in self.promised}
        for said, at in self._appearances():
            if not said.is_end and at > ends.get(said.place, at):
                yield f"version {said.place} appeared {at - ends[said.place]:.1f} s too late"

    def _disorder(self) -> Iterator[str]:
        order = [(said.place, said.is_end) for said, _ in sorted(self._appearances(), key=lambda each: each[1])]
        if any(is_end and place < later for (place, is_end), (later, _) in itertools.pairwise(order)):
            yield f"something followed its end: {order}"
        elif order != sorted(order):
            yield f"its versions appeared as {order}"
        ours = {identity for post in self.seen for identity in post.ids}
        for post in self.seen:
            if post.reply_to is not None and post.reply_to not in ours:
                yield f"{post.ids[-1]} answers {post.reply_to}, which is another's"

    def _appearances(self) -> Iterator[tuple[Wording, float]]:
        """What appeared when. Of a post that was edited several times, only the last edit's time is known."""
        for post in self.seen:
            yield post.said[0], post.created_at
            if len(post.said) > 1 and post.edited_at is not None:
                yield post.said[-1], post.edited_at

    def _receipts(self) -> Iterator[str]:
        for entry in self.entries:
            if entry.state != "sent" or entry.deletes or entry.excused:
                continue
            there = [post for post in self.seen if any(self._says(entry, said) for said in post.said)]
            if there and not any(entry.remote_id in post.ids for post in there):
                yield f"version {entry.place} has the receipt {entry.remote_id}, and is {there[0].ids[-1]}"


def audit(
    channel: str,
    promised: Iterable[Promised],
    seen: Sequence[Seen],
    entries: Sequence[Entry],
    *,
    looked_at: float,
    slack: float = 0.0,
    repeats: bool = True,
) -> list[Breach]:
    """Every breach on one channel, incident by incident."""
    incidents: dict[str, list[Promised]] = {}
    for each in promised:
        incidents.setdefault(each.incident, []).append(each)
    breaches: list[Breach] = []
    for incident, messages in incidents.items():
        posts = [post for post in seen if post.said[0].incident == incident]
        filed = [entry for entry in entries if entry.incident == incident]
        breaches += Case(channel, incident, messages, posts, filed, looked_at, slack, repeats).breaches()
    strays = [post for post in seen if post.said[0].incident not in incidents]
    return breaches + [Breach(TWICE, channel, post.said[0].incident, "nobody told this") for post in strays]


def rushed(channel: str, times: Iterable[float], count: int, span: float) -> list[Breach]:
    """Where more than `count` posts of a channel left, or arrived, within `span` seconds."""
    ordered = sorted(times)
    pairs = zip(ordered, ordered[count:], strict=False)
    return [
        Breach(RUSHED, channel, f"at {later:.3f}", f"{count + 1} within {later - earlier:.3f} s, and not {span:g}")
        for earlier, later in pairs
        if later - earlier < span
    ]
