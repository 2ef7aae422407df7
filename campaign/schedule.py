"""The plan of a campaign, made from one seed: which alerts are told, what breaks, which process is killed when."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from alerts.model.alert import Severity

WayIn = Literal["control", "command", "feed"]
Kind = Literal["alert", "update", "cancel"]
End = Literal["kill", "kill_held", "pause"]

PLATFORMS = ("twitter", "facebook", "telegram")
WRITES = (
    "POST .*(tweets|feed|sendMessage|editMessageText|deleteMessage|_|statuses|Record|jobs|list/send|sms/v1)"
    "|POST /(ntfy-|webhook)"
    "|(PUT|DELETE) .*(statuses|_matrix)"
)
"""The requests by which a post comes, changes or goes."""
DELAYS = {"drip": 3.0, "hang": None, "latency": 1.5}
"""How the sandbox holds an answer, and for how many seconds.

`drip` has taken the post, `hang` never takes it, `latency` takes it when its client may be dead.
"""
LONGEST_DELAY = 1.5
"""Seconds by which a request may be taken later than it was sent."""
_BROKEN: dict[str, dict[str, object]] = {
    "cut_before": {},
    "cut_after": {},
    "half": {},
    "error_html": {"status": 502},
    "error_after": {"status": 500},
    "rate_limit": {"retry_after": 1},
    "revoked": {},
}
_VALID_FOR = 6 * 3600.0
_STOPS, _OUTAGES = 0.1, 0.15
"""In how many of the lives another daemon is stopped in order, and the server of the database killed."""
_BRIEF = 0.15
"""How many of the alerts are over within seconds, so that some of them can't be told in time."""


@dataclass(frozen=True, slots=True)
class Version:
    """One message: version `place` (from 1) of an incident, told `after` seconds, valid for `lasts` seconds."""

    incident: int
    place: int
    kind: Kind
    way_in: WayIn
    severity: Severity
    lasts: float
    after: float


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault of the sandbox, and its settings as the control call takes them."""

    platform: str
    kind: str
    settings: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outage:
    """The server is killed so many seconds `after` its life began, and started again when it was `down` so long."""

    after: float
    down: float


@dataclass(frozen=True, slots=True)
class Life:
    """From one kill to the next: what is told meanwhile, what breaks, and how the daemon at work ends.

    The first `backlog` messages are told while nobody is at work yet; `delay` seconds after the last message (or after
    the sandbox began to hold an answer, `trouble`) the signal is sent, to the one of those at work that `victim` names.
    Meanwhile another daemon may be stopped in order (`stops`), and the database's server be down (`outage`).
    """

    versions: tuple[Version, ...]
    backlog: int
    troubles: tuple[Trouble, ...]
    end: End
    delay: float
    trouble: Trouble | None = None
    victim: int = 0
    stops: bool = False
    outage: Outage | None = None

    @property
    def crossed(self) -> bool:
        """Whether the signal is sent while the last message is being handed over, `delay` after that began."""
        return self.end == "kill" and bool(self.versions[self.backlog :]) and self.versions[-1].way_in == "command"


def plan(
    seed: str, kills: int, alerts: int, *, server: bool = False, platforms: Sequence[str] = PLATFORMS
) -> list[Life]:
    """The lives of one town: as many as kills, with the alerts spread over them. The same seed, the same plan.

    Where the store is on a `server`, that has outages.
    """
    chance = random.Random(seed)
    talk = _Talk(chance)
    lives = [_life(chance, talk, _share(alerts, kills, number), platforms) for number in range(kills)]
    return [replace(life, outage=_outage(chance)) for life in lives] if server else lives


def _share(total: int, parts: int, number: int) -> int:
    return total * (number + 1) // parts - total * number // parts


class _Talk:
    """What is told, message by message: new incidents, and what became of earlier ones."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._open: list[Version] = []
        self._incidents = 0

    def next(self, after: float) -> Version:
        chance, roll = self._chance, self._chance.random()
        if self._open and roll < 0.4:
            # Most of them follow at once, while the first is perhaps not out yet.
            last = self._open.pop(-1 if chance.random() < 0.7 else chance.randrange(len(self._open)))
            kind: Kind = "update" if roll < 0.25 else "cancel"
            version = Version(last.incident, last.place + 1, kind, last.way_in, last.severity, last.lasts, after)
            if kind == "update":
                self._open.append(version)
            return version
        return self._begin(after)

    def _begin(self, after: float) -> Version:
        chance = self._chance
        self._incidents += 1
        severity = chance.choices((Severity.EXTREME, Severity.SEVERE, Severity.MODERATE, Severity.MINOR), (1, 2, 5, 2))[
            0
        ]
        brief = chance.random() < _BRIEF
        lasts = round(chance.uniform(2, 9), 1) if brief else _VALID_FOR
        way_in: WayIn = chance.choices(("feed", "command", "control"), (30, 35, 35))[0]
        version = Version(self._incidents, 1, "alert", way_in, severity, lasts, after)
        if not brief:
            self._open.append(version)
        return version


def _life(chance: random.Random, talk: _Talk, count: int, platforms: Sequence[str]) -> Life:
    times = sorted(round(chance.uniform(0, 0.8), 3) for _ in range(count))
    versions = tuple(talk.next(after) for after in times)
    end: End = chance.choices(("kill", "kill_held", "pause"), (50, 47, 3))[0]
    troubles = [trouble for platform in platforms if (trouble := _trouble(chance, platform))]
    suspended = None
    if end == "kill_held":
        kind = chance.choice(tuple(DELAYS))
        settings: dict[str, object] = {"route": WRITES, "times": 1}
        seconds = DELAYS[kind]
        suspended = Trouble(
            chance.choice(platforms), kind, settings if seconds is None else settings | {"seconds": seconds}
        )
    delay = chance.uniform(0, 0.2 if suspended else 1.0)
    backlog, victim, stops = chance.randint(0, count // 2), chance.randrange(6), chance.random() < _STOPS
    return Life(versions, backlog, tuple(troubles), end, round(delay, 3), suspended, victim, stops)


def _outage(chance: random.Random) -> Outage | None:
    if chance.random() > _OUTAGES:
        return None
    return Outage(round(chance.uniform(0, 1.5), 3), round(chance.uniform(0.1, 7), 3))


def _trouble(chance: random.Random, platform: str) -> Trouble | None:
    roll = chance.random()
    if roll < 0.15:
        return Trouble(platform, "read_lag", {"route": "GET ", "seconds": 2})
    if roll < 0.5:
        kind = chance.choice(tuple(_BROKEN))
        return Trouble(platform, kind, {"route": WRITES, "times": chance.randint(1, 2), **_BROKEN[kind]})
    return None
