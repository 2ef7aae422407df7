"""A town's life, written in advance by the seed: storms and works, what is said of them, and what goes wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from alerts.model.alert import Alert, Severity, Status, Urgency
from simulation.agenda import Agenda, Trace
from simulation.disk import Disk
from simulation.feed import Feed
from simulation.messages import SENDER, Subject, alert_on, cancel_of, forged_end_of, reissue, update_on
from simulation.officer import Officer
from simulation.platform import Platform

_SEVERITIES = {
    Severity.MINOR: 3,
    Severity.MODERATE: 6,
    Severity.SEVERE: 3,
    Severity.EXTREME: 2,
    Severity.UNKNOWN: 1,
}


@dataclass(frozen=True, slots=True)
class World:
    """What the town is made of."""

    agenda: Agenda
    trace: Trace
    feeds: Mapping[str, Feed]
    platforms: Mapping[str, Platform]
    disk: Disk
    officer: Officer


@dataclass(frozen=True, slots=True)
class Power:
    """What the town may do to the daemon: cut it, stop it in order, wake it, and set how perilous it lives."""

    cut: Callable[[str, int], None]
    stop: Callable[[], None]
    wake: Callable[[], None]
    imperil: Callable[[float], None]


class Town:
    """Fills the agenda. Everything is drawn from one stream of chance, before or while it happens.

    `tempo` shortens what an alert lasts: a storm of minutes is one of hours at another pace.
    """

    def __init__(self, world: World, power: Power, dice: Random, tempo: float) -> None:
        self._agenda = world.agenda
        self._trace = world.trace
        self._dice = dice
        self._feeds = world.feeds
        self._platforms = world.platforms
        self._disk = world.disk
        self._officer = world.officer
        self._power = power
        self._tempo = tempo
        self._number = 0
        self._busy: list[tuple[float, float]] = []

    def storm(self, start: float, length: float, gap: float) -> None:
        """Incidents every `gap` seconds or so, and trouble everywhere, for so long."""
        time = start
        self._busy.append((start, start + length + 900))
        while time < start + length:
            self._agenda.at(time, self._begin_incident)
            if self._dice.random() < 0.15:  # several at once
                self._agenda.at(time, self._begin_incident)
            time += self._dice.expovariate(1 / gap)
        time = start
        while time < start + length:
            self._agenda.at(time, self._something_goes_wrong)
            time += self._dice.expovariate(1 / (gap * 1.5))
        time = start + 120
        while time < start + length:
            self._agenda.at(time, self._officer_looks)
            time += self._dice.uniform(120, 900)
        self._agenda.at(start + length, self.calm_down)

    def quiet_until(self, time: float) -> float:
        """When the next storm or works begin; now, in the midst of one; infinity: never."""
        return min((max(start, time) for start, end in self._busy if end > time), default=math.inf)

    def works(self, time: float) -> None:
        """An announcement of road works: routine, and for hours."""
        self._busy.append((time, time + 300))
        self._agenda.at(time, lambda: self._begin(Severity.MINOR, Urgency.FUTURE, Status.ACTUAL, by_hand=True))

    def calm_down(self) -> None:
        """Everything is well again."""
        self._trace("calm")
        for platform in self._platforms.values():
            platform.weather.trouble, platform.weather.lag = 0.0, 0.5
            platform.weather.down = platform.weather.revoked = False
        for feed in self._feeds.values():
            feed.down, feed.trouble = False, 0.0
        self._disk.full, self._disk.slow = False, 0.0
        self._power.imperil(0.0)

    # --- what is said ---------------------------------------------------------------------------------------------

    def _begin_incident(self) -> None:
        severity = self._dice.choices(list(_SEVERITIES), list(_SEVERITIES.values()))[0]
        urgency = self._dice.choice((Urgency.IMMEDIATE, Urgency.IMMEDIATE, Urgency.EXPECTED, Urgency.FUTURE))
        status = Status.EXERCISE if self._dice.random() < 0.08 else Status.ACTUAL
        self._begin(severity, urgency, status, by_hand=self._dice.random() < 0.4)

    def _begin(self, severity: Severity, urgency: Urgency, status: Status, *, by_hand: bool) -> None:
        self._number += 1
        sender = "alertes@saint-martin.example" if by_hand else SENDER
        subject = Subject(self._number, severity, urgency, status, sender)
        lasts = timedelta(seconds=min(self._dice.lognormvariate(7.5, 1.0), 6 * 3600) * self._tempo + 60)
        alert = alert_on(subject, self._agenda.now, lasts)
        say = self._officer_says if by_hand else self._sayer()
        say(alert)
        if not by_hand and self._dice.random() < 0.1:
            self._agenda.after(self._dice.uniform(1, 600), lambda: say(reissue(alert, self._agenda.now)))
        if self._dice.random() < 0.1:
            feed = self._dice.choice(list(self._feeds.values()))
            self._agenda.after(self._dice.uniform(1, 300), lambda: feed.show(forged_end_of(alert, self._agenda.now)))
        self._go_on(alert, say, 1)

    def _go_on(self, alert: Alert, say: Callable[[Alert], None], place: int) -> None:
        lasts = (alert.ends - self._agenda.now).total_seconds()
        chance = self._dice.random()
        soon = self._dice.choice((self._dice.uniform(0.2, 15), self._dice.uniform(10, 300), lasts * 0.7))
        if chance < 0.4 and place < 4:
            self._agenda.after(min(soon, max(lasts - 1, 0.1)), lambda: self._update(alert, say, place))
        elif chance < 0.75:
            self._agenda.after(min(soon, max(lasts - 1, 0.1)), lambda: say(cancel_of(alert, self._agenda.now)))

    def _update(self, alert: Alert, say: Callable[[Alert], None], place: int) -> None:
        lasts = timedelta(seconds=self._dice.uniform(60, 60 + 7200 * self._tempo))
        severity = self._dice.choice((alert.severity, alert.severity, Severity.EXTREME, Severity.MINOR))
        following = update_on(alert, place, self._agenda.now, lasts, severity)
        say(following)
        self._go_on(following, say, place + 1)

    def _sayer(self) -> Callable[[Alert], None]:
        feed = self._dice.choice(list(self._feeds.values()))
        both = self._dice.random() < 0.1

        def say(alert: Alert) -> None:
            for each in self._feeds.values() if both else (feed,):
                self._trace("shown", feed=each.name, identifier=alert.identifier)
                each.show(alert)
            ends = (alert.ends - self._agenda.now).total_seconds()
            stays = ends + 60 if self._dice.random() < 0.85 else self._dice.uniform(30, ends + 60)
            self._agenda.after(stays, lambda: feed.forget(alert.identifier))

        return say

    def _officer_says(self, alert: Alert) -> None:
        self._officer.post(alert)
        self._power.wake()

    def _officer_looks(self) -> None:
        self._officer.look_round()
        self._power.wake()

    # --- what goes wrong ------------------------------------------------------------------------------------------

    def _something_goes_wrong(self) -> None:
        wrong = self._dice.choice(
            (
                self._platform_trouble,
                self._platform_trouble,
                self._platform_down,
                self._token_revoked,
                self._feed_trouble,
                self._disk_trouble,
                self._power_cut,
                self._power_cut,
                self._perilous_time,
                self._restart,
            )
        )
        self._trace("wrong", what=wrong.__name__)
        wrong()

    def _some_platform(self) -> Platform:
        return self._dice.choice(list(self._platforms.values()))

    def _for_a_while(self, longest: float, undo: Callable[[], None]) -> None:
        self._agenda.after(self._dice.uniform(1, longest), undo)

    def _platform_trouble(self) -> None:
        weather = self._some_platform().weather
        weather.trouble, weather.lag = self._dice.uniform(0.2, 0.9), self._dice.uniform(0.5, 7.0)

        def undo() -> None:
            weather.trouble, weather.lag = 0.0, 0.5

        self._for_a_while(900, undo)

    def _platform_down(self) -> None:
        weather = self._some_platform().weather
        weather.down = True
        self._for_a_while(1200, lambda: setattr(weather, "down", False))

    def _token_revoked(self) -> None:
        weather = self._some_platform().weather
        weather.revoked = True
        self._for_a_while(900, lambda: setattr(weather, "revoked", False))

    def _feed_trouble(self) -> None:
        feed = self._dice.choice(list(self._feeds.values()))
        feed.trouble = 0.7
        if self._dice.random() < 0.2:
            feed.spoil(f"nonsense {self._agenda.seconds}")
        self._for_a_while(900, lambda: setattr(feed, "trouble", 0.0))

    def _disk_trouble(self) -> None:
        self._disk.slow = 0.2
        if self._dice.random() < 0.4:
            self._disk.full = True
            self._agenda.after(self._dice.uniform(1, 60), lambda: setattr(self._disk, "full", False))
        self._for_a_while(300, lambda: setattr(self._disk, "slow", 0.0))

    def _power_cut(self) -> None:
        self._power.cut("chance", self._dice.choice((0, self._dice.randint(1, 40))))

    def _perilous_time(self) -> None:
        self._power.imperil(self._dice.choice((0.002, 0.01, 0.03)))
        self._for_a_while(120, lambda: self._power.imperil(0.0))

    def _restart(self) -> None:
        self._power.stop()
