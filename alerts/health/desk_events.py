"""What those on duty hear of though it waits for nobody.

A correction's words go out at once, and nobody validated them; of two messages that go by one name one may be wrong.
What is Severe or Extreme and runs out by time is the town's last word on a danger that may still be there: those on
duty extend it, end it, or let it run out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from alerts.desk.dedupe import clash_of
from alerts.desk.routing import PRACTICE
from alerts.desk.station import Station
from alerts.desk.thread import channels_on
from alerts.health.awaited_words import Clashed, Corrected, Ending, word_clashed, word_corrected, word_ending
from alerts.health.monitor import Phase
from alerts.health.notices import Notice, topic_of
from alerts.model.alert import Severity
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.person import Entry
from alerts.store.alerts import AlertRepository
from alerts.store.monitor import OWN_WARNINGS
from alerts.store.unit import Unit

NEWS_FOR = timedelta(hours=1)
"""How long ago it may have been said for those on duty to be told: as long as the daemon may have been down."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """Finds the corrections that weren't told yet. `desk_url` is where the desk is, `language` the station's."""

    desk_url: str | None
    language: str

    def news(self, unit: Unit, after: int, now: datetime) -> Sequence[Notice]:
        """A notice for each since the line `after` of the record of who did what; one that was told makes none."""
        alerts = unit.alerts
        lines = unit.monitor.corrections(after, now - NEWS_FOR)
        untold = [line for line in lines if not alerts.by_topic(topic_of(_key(line.subject)), now)]
        return [self._notice(alerts, line) for line in untold]

    def _notice(self, alerts: AlertRepository, line: Entry) -> Notice:
        record = next(iter(alerts.by_id(line.subject)), None)
        alert = record.alert if record else None
        info = alert.info_for(self.language) if alert else None
        severity = record.severity if record else Severity.UNKNOWN
        corrected = Corrected(
            headline=(info.headline or info.event) if info else line.subject,
            severity=severity,
            who=line.actor,
            said=alert.note if alert else None,
            exercise=alert is not None and alert.status in PRACTICE,
            link=f"{self.desk_url}/alerts/{line.subject}" if self.desk_url else None,
        )
        grave = max(Severity.MODERATE, severity, key=lambda each: each.rank)
        return Notice(_key(line.subject), Phase.FIRING, lambda language: word_corrected(corrected, language), grave)


NEARS = timedelta(minutes=30)
"""How long before its end a grave alert is put before those on duty."""


@dataclass(frozen=True, slots=True)
class Endings:
    """Finds the grave alerts that near their end and weren't told yet. `desk_url` is where the desk is."""

    desk_url: str | None
    language: str
    zone: tzinfo

    def news(self, unit: Unit, now: datetime) -> Sequence[Notice]:
        """A notice for each; an alert that was told of makes none, its next version another one."""
        alerts = unit.alerts
        near = [record for record in alerts.over(now + NEARS) if self._nears(alerts, record, now)]
        return [self._notice(record) for record in near if not alerts.by_topic(topic_of(f"ending {record.id}"), now)]

    @staticmethod
    def _nears(alerts: AlertRepository, record: StoredAlert, now: datetime) -> bool:
        """Whether it is grave, out, and wasn't meant to be as short as that."""
        alert = record.alert
        if alert is None or record.source == OWN_WARNINGS or not record.severity.at_least(Severity.SEVERE):
            return False
        started = max(record.received_at, alert.starts)
        ahead = min(NEARS, (alert.ends - started) / 2)
        if alert.status in PRACTICE or not now < alert.ends <= now + ahead:
            return False
        return bool(channels_on(tuple(alerts.thread(record.incident_id))))

    def _notice(self, record: StoredAlert) -> Notice:
        alert = record.alert
        assert alert is not None  # noqa: S101 one that nears its end has one
        info = alert.info_for(self.language)
        ending = Ending(
            id=record.id,
            headline=(info.headline or info.event) if info else record.id,
            severity=record.severity,
            areas=tuple(dict.fromkeys(area.description for area in alert.areas)),
            ends=alert.ends,
            link=f"{self.desk_url}/alerts/{record.id}" if self.desk_url else None,
        )
        return Notice(
            f"ending {record.id}",
            Phase.FIRING,
            lambda language: word_ending(ending, language, self.zone),
            record.severity,
        )


def _key(alert_id: str) -> str:
    return f"corrected {alert_id}"


class Clashes:
    """Finds the messages that go by another one's sender and identifier, and weren't told of yet."""

    def __init__(self, desk_url: str | None, station: Station) -> None:
        self._desk_url = desk_url
        self._station = station
        self._read_to: int | None = None

    def news(self, unit: Unit, now: datetime) -> Sequence[Notice]:
        """A notice for each of the last hour; one that was told makes none."""
        alerts, height = unit.alerts, unit.monitor.decisions_height()
        notices = []
        for alert_id in unit.monitor.clashes(self._read_to, now - NEWS_FOR):
            record = next((each for each in alerts.by_id(alert_id) if each.id == alert_id), None)
            is_told = bool(alerts.by_topic(topic_of(_named(alert_id)), now))
            if record is not None and record.alert is not None and not is_told:
                clash = clash_of(alerts, record.alert, record.source, self._station)
                notices += [self._notice(record, clash.record)] if clash else []
        if not notices:
            self._read_to = height
        return notices

    def _notice(self, record: StoredAlert, other: StoredAlert) -> Notice:
        clash = Clashed(
            headline=self._headline(record),
            source=record.source,
            other=self._headline(other),
            other_source=other.source,
            kept_back=record.state is AlertState.LEFT_OUT,
            exercise=record.alert is not None and record.alert.status in PRACTICE,
            link=f"{self._desk_url}/alerts/{record.id}" if self._desk_url else f"tocsin explain {record.id}",
        )
        grave = max(Severity.MODERATE, record.severity, key=lambda each: each.rank)
        return Notice(_named(record.id), Phase.FIRING, lambda language: word_clashed(clash, language), grave)

    def _headline(self, record: StoredAlert) -> str:
        info = record.alert.info_for(self._station.language) if record.alert else None
        return (info.headline or info.event) if info else record.id


def _named(alert_id: str) -> str:
    return f"conflict {alert_id}"
