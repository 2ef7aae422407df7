"""People who chose push, and the push service of their browsers: who is told what, under virtual time.

The channel and what walks along its subscribers are the daemon's own; the service is a platform of the simulation, with
the same troubles. What is promised: whoever chose an alert is told of it, once, unless an attempt was in doubt (its
answer was lost, or its daemon died with it); nobody else is told; an end goes to everybody whom its alert may have
reached, and to nobody who surely had nothing; nothing is told after its end; no bulk stands still.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

from alerts.channels.push.encryption import new_key
from alerts.channels.settings import PUSH_TEXT, PushSettings
from alerts.model.alert import Severity
from alerts.model.delivery import Bulk, BulkState, SendOutcome, SendResult, Target
from alerts.model.post import PostKind
from alerts.model.subscriber import Subscriber, Topic, wants
from alerts.model.town import PUSH, ChannelConfig
from alerts.store.bulk_results import bulk_of
from alerts.store.subscribers import Subscribers
from alerts.store.unit import transaction
from simulation.audit import SLACK, Breach
from simulation.life import Life
from simulation.platform import TIMEOUT, Fate, Platform

PEOPLE, UNDER_WAY = 24, 5
AGAIN = timedelta(seconds=30)
"""After this, what got no answer is tried again."""
_TAKEN = frozenset({Fate.ANSWERED, Fate.SLOW, Fate.LOST_AFTER, Fate.ERROR_AFTER})
_HANDED = "SELECT bulk, chat FROM bulk_flight WHERE bulk IN (SELECT id FROM bulk WHERE channel = ?)"
_DEFERRED = "SELECT bulk, chat FROM held_back WHERE channel = ?"


@dataclass
class Attempt:
    """One message on its way to a browser: in which life, whether it left and came, and what the daemon heard of it."""

    bulk: str
    chat: int
    life: int
    left_at: datetime
    left: bool = False
    came: bool = False
    heard: SendOutcome | None = None
    heard_at: datetime | None = None

    @property
    def is_out(self) -> bool:
        """Whether the daemon knows that it came."""
        return self.came and self.heard is SendOutcome.SENT

    @property
    def is_unsure(self) -> bool:
        """Whether the daemon can't know whether it came."""
        return self.left and self.heard is not SendOutcome.SENT


@dataclass
class Audience:
    """Everybody who subscribed, every attempt to tell them, and which lives of the daemon ended badly.

    `handed` is whom they were written down to be on their way to (bulk and chat) as such a life ended.
    """

    people: Sequence[Subscriber]
    attempts: list[Attempt] = field(default_factory=list)
    ended_badly: set[int] = field(default_factory=set)
    handed: set[tuple[str, int]] = field(default_factory=set)

    def died(self, life: int, db: sqlite3.Connection) -> None:
        """A life ended badly: the power was cut, or it was stopped while the disk took nothing."""
        self.ended_badly.add(life)
        self.handed |= {(row[0], row[1]) for row in db.execute(_HANDED, (PUSH,))}


def subscribed(dice: Random) -> Audience:
    """People with choices of all kinds."""
    severities = list(Severity)
    topics = ((), (), (Topic.WEATHER,), (Topic.WEATHER, Topic.WATER), (Topic.WATER,))
    people = [
        Subscriber(number, severity=dice.choice(severities), topics=frozenset(dice.choice(topics)))
        for number in range(1, PEOPLE + 1)
    ]
    return Audience(people)


def push_of(folder: Path) -> ChannelConfig:
    """`[push]`, with a key of its own."""
    (folder / "push.pem").write_text(new_key())
    settings = {"key": {"file": "push.pem"}, "subject": "mailto:a@b.example", "in_flight": UNDER_WAY}
    return ChannelConfig(PUSH, PUSH, PUSH_TEXT, subscriptions=True, settings=PushSettings.model_validate(settings))


def keep(db: sqlite3.Connection, audience: Audience) -> None:
    """Write down who subscribed."""
    with transaction(db):
        for each in audience.people:
            Subscribers(db).put(PUSH, each)


class SimulatedPush:
    """`Tells` for one life: a message travels to the service, and what it answers may not come back."""

    def __init__(self, platform: Platform, audience: Audience, life: Life, number: int) -> None:
        self._platform = platform
        self._audience = audience
        self._life = life
        self._number = number

    async def tell(self, target: Target) -> SendResult:
        """One attempt. What got no answer is for later, and never in doubt: a repeat takes its own place."""
        life, platform = self._life, self._platform
        await life.passes("before a message")
        now, fate = life.agenda.now, platform.fate()
        attempt = Attempt(target.bulks[0].id, target.chat, self._number, now)
        self._audience.attempts.append(attempt)
        if platform.weather.revoked or fate is Fate.NOT_CONNECTED:
            attempt.heard = SendOutcome.LATER
            return SendResult(target, SendOutcome.LATER, until=now + AGAIN)
        attempt.left = True
        there, back = platform.travel(fate)
        life.trace("push.leaves", bulk=attempt.bulk, chat=attempt.chat, fate=fate)
        life.agenda.after(there, lambda: setattr(attempt, "came", fate in _TAKEN))
        await life.asks(min(there + back, TIMEOUT), lambda: None)
        await life.passes("after a message")
        is_sent = fate in (Fate.ANSWERED, Fate.SLOW)
        attempt.heard, attempt.heard_at = SendOutcome.SENT if is_sent else SendOutcome.LATER, life.agenda.now
        until = None if is_sent else life.agenda.now + AGAIN
        return SendResult(target, attempt.heard, until=until, unsure=not is_sent)


def audit_push(db: sqlite3.Connection, audience: Audience, now: datetime) -> Iterator[Breach]:
    """Every promise to those who subscribed."""
    bulks = [bulk_of(row) for row in db.execute("SELECT * FROM bulk WHERE channel = ? ORDER BY seq", (PUSH,))]
    deferred = {(row[0], row[1]) for row in db.execute(_DEFERRED, (PUSH,))}
    yield from nobody_missed(bulks, audience, deferred)
    yield from nobody_twice(bulks, audience)
    yield from nobody_else(bulks, audience)
    yield from everybody_hears_the_end(bulks, audience, deferred)
    yield from in_time(bulks, audience, now)


def nobody_missed(bulks: Sequence[Bulk], audience: Audience, deferred: set[tuple[str, int]]) -> Iterator[Breach]:
    """Who chose an alert was told of it: an attempt came, or each of them failed until something newer, or the end."""
    tried = {(each.bulk, each.chat) for each in audience.attempts if each.came or each.heard}
    for bulk in bulks:
        if bulk.state is not BulkState.DONE or not bulk.everyone or bulk.kind is PostKind.END:
            continue
        for each in audience.people:
            if wants(each, bulk.notice) and not {(bulk.id, each.chat)} & (tried | deferred):
                yield Breach("subscribers are told", f"{bulk.kind} {bulk.id} passed {each.chat} by, who chose it")


def nobody_twice(bulks: Sequence[Bulk], audience: Audience) -> Iterator[Breach]:
    """A message comes to the same browser again only where the attempt before was in doubt.

    An end does as well where its alert was still on its way when the end left, and nobody knows whether it came: it may
    have come after the end, and would stand there for good.
    """
    known = {each.id: each for each in bulks}
    of: dict[tuple[str, int], list[Attempt]] = defaultdict(list)
    for attempt in audience.attempts:
        if attempt.came:
            of[attempt.bulk, attempt.chat].append(attempt)
    repeats: dict[int, int] = defaultdict(int)
    for (bulk, chat), came in of.items():
        for first, again in pairwise(came):
            if known[bulk].kind is PostKind.END and _overtook(first, audience, known):
                continue
            if first.is_out and (first.life == again.life or first.life not in audience.ended_badly):
                yield Breach("subscribers are told once", f"{bulk} came to {chat} twice", again.left_at)
            repeats[first.life] += first.is_out
    for life, many in repeats.items():
        if many > UNDER_WAY:
            yield Breach("subscribers are told once", f"after the end of life {life} {many} were told again")


def _overtook(end: Attempt, audience: Audience, known: Mapping[str, Bulk]) -> bool:
    """Whether an end left while its alert was on its way to the same browser, of which nobody knows whether it came."""
    incident = known[end.bulk].incident
    return any(
        each.chat == end.chat
        and known[each.bulk].incident == incident
        and each.bulk != end.bulk
        and each.is_unsure
        # Who died with it never heard of it.
        and each.left_at <= end.left_at
        and (each.heard_at is None or each.heard_at > end.left_at)
        for each in audience.attempts
    )


def nobody_else(bulks: Sequence[Bulk], audience: Audience) -> Iterator[Breach]:
    """Nobody is told of what they didn't choose, and an end only who had its alert, or may have."""
    known, people = {bulk.id: bulk for bulk in bulks}, {each.chat: each for each in audience.people}
    reached = {(known[bulk].incident, chat) for bulk, chat in audience.handed if bulk in known}
    for attempt in audience.attempts:
        bulk, one = known[attempt.bulk], people[attempt.chat]
        # Whom an alert didn't reach in time gets its update in its place.
        so_far = [each for each in bulks if each.incident == bulk.incident and each.seq <= bulk.seq]
        chose = any(each.everyone and wants(one, each.notice) for each in so_far)
        if (bulk.incident, one.chat) not in reached and (bulk.kind is PostKind.END or not chose):
            yield Breach("nobody else is told", f"{bulk.kind} {bulk.id} was sent to {one.chat}", attempt.left_at)
        if attempt.came or attempt.is_unsure:
            reached.add((bulk.incident, one.chat))


def everybody_hears_the_end(
    bulks: Sequence[Bulk], audience: Audience, deferred: set[tuple[str, int]]
) -> Iterator[Breach]:
    """Whom an alert may have reached hears its end, also if nobody knew whether it had, or a daemon died with it.

    An incident may go on after an end. Whoever heard that one is concerned again only by something newer that came.
    """
    tried = {(each.bulk, each.chat) for each in audience.attempts}
    for end in bulks:
        if end.kind is not PostKind.END or end.state is not BulkState.DONE:
            continue
        of = {each.id: each for each in bulks if each.incident == end.incident and each.seq < end.seq}
        came = [(of[each.bulk].seq, each) for each in audience.attempts if each.bulk in of and each.came]
        newest = {each.chat: of[each.bulk] for _, each in sorted(came, key=lambda one: one[0])}
        for chat in sorted(chat for chat, bulk in newest.items() if bulk.kind is not PostKind.END):
            if (end.id, chat) not in tried | deferred:
                yield Breach("who may have it hears the end", f"end {end.id} passed {chat} by, whom it concerns")


def in_time(bulks: Sequence[Bulk], audience: Audience, now: datetime) -> Iterator[Breach]:
    """Nothing leaves after its alert's end, and nothing stands still."""
    ends = {bulk.id: bulk.expires for bulk in bulks}
    for attempt in audience.attempts:
        until = ends[attempt.bulk]
        if until is not None and attempt.left_at > until + SLACK:
            yield Breach("nothing late", f"{attempt.bulk} left for {attempt.chat} after its end", attempt.left_at)
    for bulk in bulks:
        over = bulk.expires is not None and bulk.expires + SLACK * 4 < now
        if bulk.state in (BulkState.QUEUED, BulkState.SENDING) and over:
            yield Breach("no bulk stands still", f"{bulk.kind} {bulk.id} is {bulk.state} after its end")


def messages_sent(audience: Audience) -> int:
    """How many messages came."""
    return sum(each.came for each in audience.attempts)
