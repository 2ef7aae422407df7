"""Three platforms as they really answer: what each can do, what it refuses, and what goes wrong on the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from alerts.model.errors import BadCredential, DeliveryError, Duplicate, Gone, InDoubt, Rejected, Retry
from simulation.audit import Act, Seen
from simulation.timeline import Shown, Timeline

TIMEOUT = 10.0
"""Seconds after which a channel gives an answer up (`timeout` of channels.toml)."""
_X_REMEMBERS = timedelta(hours=24)
_TELEGRAM_DELETES = timedelta(hours=48)


class Fate(StrEnum):
    """What becomes of one request. The answer may be lost before the platform took it or after."""

    ANSWERED = "answered"
    NOT_CONNECTED = "not connected"
    LOST_BEFORE = "lost before"
    LOST_AFTER = "lost after"
    ERROR_BEFORE = "5xx, not taken"
    ERROR_AFTER = "5xx, and taken"
    TOO_MANY = "429"
    TOO_MANY_UNTIL = "429 with a time"
    SLOW = "slow"


_TROUBLES = {
    Fate.NOT_CONNECTED: 3,
    Fate.LOST_BEFORE: 3,
    Fate.LOST_AFTER: 4,
    Fate.ERROR_BEFORE: 2,
    Fate.ERROR_AFTER: 3,
    Fate.TOO_MANY: 1,
    Fate.TOO_MANY_UNTIL: 2,
    Fate.SLOW: 6,
}


@dataclass(frozen=True, slots=True)
class Request:
    """What a platform is asked: to do what, with which words, to which post, and what will become of it."""

    act: Act
    text: str
    target: str | None
    fate: Fate
    left_at: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked for: which words, from when on, behind which id, none of the known ones, answering which post."""

    text: str
    since: datetime
    after: str | None
    known: frozenset[str]
    parent: str | None


@dataclass(slots=True)
class Weather:
    """How a platform does just now: the share of requests that meet trouble, its lag, and what is wrong for all."""

    trouble: float = 0.0
    lag: float = 0.5
    down: bool = False
    revoked: bool = False


class Platform:
    """One account: its timeline, and how it answers. Whoever asks decides when the request arrives."""

    def __init__(self, channel: str, kind: str, dice: Random) -> None:
        self.kind = kind
        self.weather = Weather()
        self.timeline = Timeline(channel)
        self._dice = dice

    def fate(self) -> Fate:
        """What will become of the next request."""
        if self.weather.down:
            return Fate.NOT_CONNECTED
        if self._dice.random() >= self.weather.trouble:
            return Fate.ANSWERED
        return self._dice.choices(list(_TROUBLES), list(_TROUBLES.values()))[0]

    def travel(self, fate: Fate) -> tuple[float, float]:
        """Seconds until the request arrives, and from there until its answer does."""
        there = self._dice.uniform(0.02, 0.2)
        if fate is Fate.SLOW:
            return there, self._dice.uniform(1.0, TIMEOUT - 1.0)
        if fate in (Fate.LOST_BEFORE, Fate.LOST_AFTER):
            return there, TIMEOUT - there if self._dice.random() < 0.5 else 0.1
        return there, self._dice.uniform(0.02, 0.3)

    def write(self, request: Request, now: datetime) -> Shown:
        """Do what is asked, or raise what a channel makes of the answer."""
        try:
            self._admit(request.fate, now)
            shown = self._carry_out(request.act, request.text, request.target, now)
        except DeliveryError as error:
            if not isinstance(error, BadCredential):
                self._note(request, now, None)
            raise
        self._note(request, now, shown.remote_id)
        if request.fate in (Fate.LOST_AFTER, Fate.ERROR_AFTER):
            raise InDoubt(f"no usable answer ({request.fate})")
        return shown

    def _note(self, request: Request, now: datetime, remote_id: str | None) -> None:
        line = self.timeline
        line.seen.append(Seen(line.channel, request.act, request.text, request.left_at, now, remote_id))

    def _admit(self, fate: Fate, now: datetime) -> None:
        if self.weather.revoked:
            raise BadCredential("the token was revoked")
        match fate:
            case Fate.LOST_BEFORE | Fate.ERROR_BEFORE:
                raise InDoubt(f"no usable answer ({fate})")
            case Fate.TOO_MANY:
                raise Retry("too many requests", whole_channel=True)
            case Fate.TOO_MANY_UNTIL:
                after = now + timedelta(seconds=self._dice.randint(1, 90))
                raise Retry("too many requests", after, whole_channel=True)
            case _:
                return

    def _carry_out(self, act: Act, text: str, target: str | None, now: datetime) -> Shown:
        line = self.timeline
        if act is Act.PUBLISH:
            is_comment = self.kind == "facebook" and target is not None
            if not is_comment:
                self._refuse_doubles(text, now)
            if target is not None and not line.has(target) and self.kind != "telegram":
                raise Gone("the post to answer is not there")
            return line.add(text, now, self._comment_on(target) if is_comment and target else None)
        if target is None or not line.has(target):
            raise Gone("the post is not there")
        shown = line.posts[target]
        if act is Act.EDIT and self.kind == "twitter":
            line.take_back(target, now)  # the newer version stands in its place, under its own id
            return line.add(text, now)
        if act is Act.EDIT:
            return line.change(target, text)
        if self.kind == "telegram" and now - shown.at > _TELEGRAM_DELETES:
            raise Rejected("message can't be deleted for everyone")
        line.take_back(target, now)
        return shown

    def _comment_on(self, target: str) -> str:
        """Two levels: what answers an answer hangs beside it, on the same comment."""
        above = self.timeline.posts[target].parent
        is_answer = above is not None and self.timeline.posts[above].parent is not None
        return above if above is not None and is_answer else target

    def _refuse_doubles(self, text: str, now: datetime) -> None:
        newest = self.timeline.newest()
        doubles = {
            "twitter": self.timeline.says(text, now - _X_REMEMBERS),
            "facebook": newest is not None and newest.text == text,
        }
        if doubles.get(self.kind, False):
            raise Duplicate("the platform has this post already")

    def find(self, look: Look, now: datetime) -> Shown | None:
        """Look as this platform lets one look. Raises what a channel makes of the answer.

        A comment is on no timeline: it is found under what it answers, and below.
        """
        if self.weather.revoked:
            raise BadCredential("the token was revoked")
        if self.kind == "telegram":
            return self._probe_ids(look.text, look.after, look.known)
        until = now - timedelta(seconds=self._dice.uniform(0, self.weather.lag))
        line = self.timeline
        shown = [
            each
            for each in line.visible(until, look.since - timedelta(seconds=60))
            if each.parent is None or (look.parent is not None and line.hangs_on(each, look.parent))
        ]
        return next((each for each in shown if each.text == look.text and each.remote_id not in look.known), None)

    def _probe_ids(self, text: str, after: str | None, known: frozenset[str]) -> Shown | None:
        """No history: the ids after the last known one are touched, which tells the words of what is there."""
        if after is None:
            raise InDoubt("there is no earlier post to begin at")
        for number in range(int(after) + 1, int(after) + 21):
            remote_id = str(number)
            if remote_id not in known and self.timeline.has(remote_id) and self.timeline.posts[remote_id].text == text:
                return self.timeline.posts[remote_id]
        return None
