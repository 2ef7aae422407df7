"""Subscribers: their choices, and nothing about who they are.

The address of their messages is all that is kept of a person, because without it nothing could be sent: a chat's id,
the address that a push service gave to a browser, or that of a mailbox. None appears in any log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from types import MappingProxyType

from alerts.model.alert import Severity
from alerts.model.hazard import Hazard


class Topic(StrEnum):
    """A subject to subscribe to; `TOPIC_OF` maps each hazard to one."""

    WEATHER = "weather"
    FLOOD = "flood"
    WATER = "water"
    WORKS = "works"
    HEALTH = "health"
    SCHOOL = "school"
    SAFETY = "safety"


PART_OF: Mapping[Topic, Topic] = MappingProxyType({Topic.SCHOOL: Topic.SAFETY})
"""The topic that takes in another: who chose safety before schools had a topic goes on hearing of schools."""

_H = Hazard
TOPIC_OF: Mapping[Hazard, Topic] = MappingProxyType(
    {
        _H.WIND: Topic.WEATHER,
        _H.STORM: Topic.WEATHER,
        _H.SNOW_ICE: Topic.WEATHER,
        _H.AVALANCHE: Topic.WEATHER,
        _H.RAIN_FLOOD: Topic.FLOOD,
        _H.FLOOD: Topic.FLOOD,
        _H.COASTAL: Topic.FLOOD,
        _H.TSUNAMI: Topic.SAFETY,
        _H.DAM: Topic.SAFETY,
        _H.WATER_CUT: Topic.WATER,
        _H.WATER_CUT_PLANNED: Topic.WATER,
        _H.WATER_QUALITY: Topic.WATER,
        _H.WORKS: Topic.WORKS,
        _H.ROAD: Topic.WORKS,
        _H.HEAT: Topic.HEALTH,
        _H.COLD: Topic.HEALTH,
        _H.AIR_QUALITY: Topic.HEALTH,
        _H.FOREST_FIRE: Topic.SAFETY,
        _H.EVACUATION: Topic.SAFETY,
        _H.SHELTER: Topic.SAFETY,
        _H.INDUSTRIAL: Topic.SAFETY,
        _H.SMOKE: Topic.SAFETY,
        _H.GAS: Topic.SAFETY,
        _H.QUAKE: Topic.SAFETY,
        _H.ATTACK: Topic.SAFETY,
        _H.POWER: Topic.SAFETY,
        _H.SCHOOL: Topic.SCHOOL,
        _H.MISSING: Topic.SAFETY,
        _H.GENERAL: Topic.SAFETY,
    }
)


@dataclass(frozen=True, slots=True)
class Quiet:
    """From when until when routine things wait, in the station's zone; it may go over midnight."""

    start: time
    end: time

    def covers(self, clock: time) -> bool:
        """True if this time of day is quiet."""
        if self.start <= self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end


@dataclass(frozen=True, slots=True)
class PushEndpoint:
    """Where a browser is reached: the address its push service gave it, and the keys that only it can read with.

    Whoever knows the address may send there, so it is kept as a chat's id is.
    """

    url: str = field(repr=False)
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)

    @property
    def number(self) -> int:
        """The number that replaces a chat's id: equal for equal addresses, and spread over all services."""
        # 62 bits: below what a cursor ends at, and two of a million browsers are the same by one chance in a million.
        return int.from_bytes(hashlib.sha256(self.url.encode()).digest()[:8]) >> 2 or 1


MAILBOX = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{1,63}"
"""An address that any relay takes."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The address of an e-mail subscriber.

    `token` lets them change their choices and leave: every e-mail contains it.
    """

    address: str = field(repr=False)
    token: str = field(repr=False)

    @property
    def number(self) -> int:
        """The number that replaces a chat's id: the same for upper and lower case."""
        return int.from_bytes(hashlib.sha256(f"mailto:{self.address.lower()}".encode()).digest()[:8]) >> 2 or 1


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscriber, by the number `chat` on their channel, and their choices.

    Telegram's number is the chat's id; a browser's or a mailbox's is computed from its `endpoint`. `token` is the
    digest of the secret that allows its holder to change the choices. No districts means the whole town, no topics
    everything.

    `step` is the state of the conversation (None: no particular one). Only subscribers who are `on` get messages.
    """

    chat: int
    language: str = "fr"
    districts: frozenset[str] = frozenset()
    topics: frozenset[Topic] = frozenset()
    severity: Severity = Severity.MINOR
    quiet: Quiet | None = None
    step: str | None = None
    on: bool = True
    endpoint: PushEndpoint | Mailbox | None = None
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """An alert as subscribers choose by. `districts` are the codes of those it touches; None: the whole town."""

    topic: Topic
    severity: Severity
    districts: frozenset[str] | None = field(default=None)

    @property
    def topics(self) -> frozenset[Topic]:
        """Those of which one has to be chosen: its own, and the one that takes it in."""
        return frozenset({self.topic, PART_OF.get(self.topic, self.topic)})

    @property
    def urgent(self) -> bool:
        """True if it is Severe or worse: sent at once, whatever the hour."""
        return self.severity.at_least(Severity.SEVERE)

    @property
    def vital(self) -> bool:
        """True if lives depend on it: Extreme of whatever topic, or Severe of safety."""
        return self.severity is Severity.EXTREME or (Topic.SAFETY in self.topics and self.urgent)


def wants(subscriber: Subscriber, notice: Notice) -> bool:
    """True if a subscriber is to get it. An Unknown severity is sent to everybody, for it is often grave.

    No choice of topics blocks a vital alert: topics are about interests, and a subscriber to works and weather never
    agreed to miss an evacuation of their street. The severity is another kind of choice, how grave it has to be: a
    subscriber to Extreme alone gets no Severe alert, not even of safety, and Extreme passes every choice.
    """
    grave = notice.severity is Severity.UNKNOWN or notice.severity.at_least(subscriber.severity)
    topical = notice.vital or not subscriber.topics or bool(subscriber.topics & notice.topics)
    near = notice.districts is None or not subscriber.districts or bool(subscriber.districts & notice.districts)
    return grave and topical and near


@dataclass(frozen=True, slots=True)
class Linked:
    """A chat in which an account is notified of waiting alerts. `chat` appears in no log."""

    channel: str
    chat: int = field(repr=False)
    account: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Why this alert is not to go out, was asked by this message of the chat, then."""

    alert: str
    message: int
    at: datetime
