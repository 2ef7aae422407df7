"""Subscribers: their choices, and nothing about who they are.

Of a person only the address for messages is stored, without which nothing could be sent: a chat's id, the address that
a push service gave to a browser, a mailbox, or a telephone's number. No such address appears in any log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

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
"""The topic that includes another: subscribers to safety from before schools had a topic still get those alerts."""

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
    """Quiet hours, in which routine messages wait: from `start` to `end` in the station's zone, even over midnight."""

    start: time
    end: time

    def covers(self, clock: time) -> bool:
        """True if this time of day is quiet."""
        if self.start <= self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end


@dataclass(frozen=True, slots=True)
class PushEndpoint:
    """The address that a push service gave to a browser, and the keys for messages that only this browser can read.

    Whoever knows the address can send to it, so it is protected like a chat's id.
    """

    url: str = field(repr=False)
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)

    @property
    def number(self) -> int:
        """Return the number in the place of a chat's id: equal for equal addresses, evenly spread for others."""
        # 62 bits: less than the greatest cursor; the chance that any two of a million browsers collide is one in nine
        # million.
        return int.from_bytes(hashlib.sha256(self.url.encode()).digest()[:8]) >> 2 or 1


MAILBOX = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{1,63}"
"""A regular expression for addresses that any relay accepts."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The address of an e-mail subscriber.

    `token` lets them change their choices and leave: every e-mail contains it.
    """

    address: str = field(repr=False)
    token: str = field(repr=False)

    @property
    def number(self) -> int:
        """Return the number in the place of a chat's id: equal for upper and lower case."""
        return int.from_bytes(hashlib.sha256(f"mailto:{self.address.lower()}".encode()).digest()[:8]) >> 2 or 1


@dataclass(frozen=True, slots=True)
class Telephone:
    """The number of an SMS subscriber, in the international form; `token` is a mailbox's, and shorter."""

    digits: str = field(repr=False)
    token: str = field(repr=False)

    @property
    def number(self) -> int:
        """Return the number in the place of a chat's id: not the telephone's own, which no row of a bulk names."""
        return int.from_bytes(hashlib.sha256(f"tel:{self.digits}".encode()).digest()[:8]) >> 2 or 1

    def own_page(self, pages: str) -> str:
        """Return the address of its choices on the town's pages, where its owner also leaves."""
        return f"{pages}/sms/{self.token}"


TELEPHONE_TOKEN = 9
"""Bytes of a telephone's token: each SMS has it in a link, and each character costs."""
MOST_ADDRESSES = 500_000
"""Browsers, mailboxes, or telephones, that a town may have: more than there are people.

No more than the walk was measured with.
"""
Endpoint: TypeAlias = PushEndpoint | Mailbox | Telephone
"""The address of a subscriber who isn't a chat."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscriber, by the number `chat` on their channel, and their choices.

    Telegram's number is the chat's id; any other is computed from its `endpoint`. `token` is the
    digest of the secret that allows its holder to change the choices. No districts means the whole town, no topics all
    topics; `severity` is the least one they want.

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
    endpoint: Endpoint | None = None
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """The parts of an alert that choices depend on. `districts`: the codes of those concerned; None: the whole town."""

    topic: Topic
    severity: Severity
    districts: frozenset[str] | None = field(default=None)

    @property
    def topics(self) -> frozenset[Topic]:
        """Return the topics of which one must be chosen: its own, and the one that includes it."""
        return frozenset({self.topic, PART_OF.get(self.topic, self.topic)})

    @property
    def urgent(self) -> bool:
        """True if it is Severe or Extreme: it is sent at once, in quiet hours too."""
        return self.severity.at_least(Severity.SEVERE)

    @property
    def vital(self) -> bool:
        """True if lives depend on it: it is Extreme of any topic, or Severe of safety."""
        return self.severity is Severity.EXTREME or (Topic.SAFETY in self.topics and self.urgent)


def wants(subscriber: Subscriber, notice: Notice) -> bool:
    """True if a subscriber is to get the alert, by their districts, topics and severity.

    An Unknown severity meets every choice of severity, since it is often grave. No choice of topics blocks a vital
    alert: topics are about interests, and a subscriber to works and weather never agreed to miss an evacuation of their
    street. The severity is another kind of choice, how grave an alert has to be: a subscriber to Extreme alone gets no
    Severe alert, not even of safety. An Extreme alert is blocked by districts alone.
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
    """The bot's question in a chat why something is to be rejected: in which `message`, and when.

    `alert` is the id of what is rejected: an alert, or another thing that officers decide on.
    """

    alert: str
    message: int
    at: datetime
