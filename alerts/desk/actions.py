"""The one door of the desk: command line, feeds and whatever comes later act through it.

Each action runs within one transaction (`books`): what it decides on is what it stores, or nothing is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.desk.dedupe import content_key, end_reason, predecessor, said_before, seen_before
from alerts.desk.posting import Occasion, Pen, Penned, pen_posts
from alerts.desk.routing import choose_outlets, fit_for_people, grave_enough, how_to_publish
from alerts.desk.station import Intake, Outlet, Station
from alerts.model.alert import Alert
from alerts.model.errors import Misuse, Refused
from alerts.model.incident import AlertState, LeftOut, Record
from alerts.model.ports import Books, Heard
from alerts.model.post import Post, PostState

MANUAL = "manual"
DOUBLE_TAP = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a message: its record, the posts it led to, and whether it is new (`fresh`)."""

    record: Record
    penned: tuple[Penned, ...] = ()
    fresh: bool = True

    @property
    def channels(self) -> frozenset[str]:
        """The channels whose lanes have something to do now."""
        return frozenset(made.post.channel for made in self.penned)


class Desk:
    """Decides what becomes of each message; `now` comes from the composition root's clock."""

    def __init__(self, station: Station, pen: Pen, new_id: Callable[[], str], now: Callable[[], datetime]) -> None:
        self.station = station
        self._pen = pen
        self._new_id = new_id
        self._now = now

    def warm(self, alert: Alert) -> None:
        """Get ready to file this alert: what takes long is done before the transaction, not in it."""
        self._pen.warm(alert, self._now())

    def hear(self, books: Books, heard: Heard, source: str) -> Filed:
        """File one entry of a feed; never raises for what a feed may say."""
        if heard.alert is None:
            return self._leave_out(books, None, source, LeftOut(heard.problem or "it could not be read"), heard.notes)
        if heard.leave_out:
            return self._leave_out(books, heard.alert, source, LeftOut(heard.leave_out), heard.notes)
        return self.file(books, heard.alert, source, notes=heard.notes)

    def post(self, books: Books, alert: Alert, channels: Sequence[str] = (), *, again: bool = False) -> Filed:
        """File a duty officer's alert. Raises Refused where nobody would get it; nothing is stored then."""
        for name in channels:
            self._known_channel(name)
        twin = None if again else self._double_tap(books, alert)
        if twin is not None:
            return Filed(twin, fresh=False)
        filed = self.file(books, alert, MANUAL, named=channels, again=again)
        if filed.record.state is AlertState.LEFT_OUT:
            raise Refused(filed.record.reason or "nobody would get it")
        return filed

    def file(
        self,
        books: Books,
        alert: Alert,
        source: str,
        *,
        named: Sequence[str] = (),
        again: bool = False,
        notes: tuple[str, ...] = (),
    ) -> Filed:
        """Dedupe, place, route, render and store: one message, from any source."""
        seen = seen_before(books, alert)
        if seen is not None:
            return Filed(seen, fresh=False)
        decision = self._decide(books, alert, source, named, again=again)
        if isinstance(decision, LeftOut):
            return self._leave_out(books, alert, source, decision, notes)
        return self._accept(books, alert, source, decision, notes)

    def _decide(
        self, books: Books, alert: Alert, source: str, named: Sequence[str], *, again: bool
    ) -> _Accepted | LeftOut:
        now, intake = self._now(), self.station.intake(source)
        previous = predecessor(books, alert)
        ending = end_reason(alert)
        if left_out := fit_for_people(alert, now):
            return left_out
        twin = None if again else said_before(books, alert, source, now)
        if twin is not None:
            return twin[1]
        if ending is not None and (previous is None or previous.state is AlertState.LEFT_OUT):
            return LeftOut("it ends what was never published here")
        place = self._place(alert, previous, intake)
        if isinstance(place, LeftOut):
            return place
        if ending is None and (left_out := grave_enough(alert, intake.severity)):
            return left_out
        outlets = self._outlets(alert, previous, named, ends=ending is not None)
        return outlets if isinstance(outlets, LeftOut) else _Accepted(outlets, place, previous)

    def _place(self, alert: Alert, previous: Record | None, intake: Intake) -> tuple[str, ...] | LeftOut:
        """Where it is; a message without an area of its own is where the one before it was."""
        placed = alert if alert.areas or previous is None or previous.alert is None else previous.alert
        return self.station.territory.locate(placed, any_area=intake.any_area)

    def _outlets(
        self, alert: Alert, previous: Record | None, named: Sequence[str], *, ends: bool
    ) -> tuple[Outlet, ...] | LeftOut:
        """An end goes wherever the incident is; anything else where it is taken."""
        if not ends or previous is None or previous.alert is None:
            return choose_outlets(alert, self.station, named)
        return choose_outlets(replace(previous.alert, status=alert.status), self.station, named)

    def _accept(self, books: Books, alert: Alert, source: str, accepted: _Accepted, notes: tuple[str, ...]) -> Filed:
        now, intake = self._now(), self.station.intake(source)
        publish = how_to_publish(alert, intake)
        goes_at_once = publish == "auto"
        previous = accepted.previous
        identity = self._new_id()
        record = Record(
            id=identity,
            incident_id=previous.incident_id if previous else identity,
            source=source,
            alert=alert,
            state=AlertState.ACCEPTED if goes_at_once else AlertState.WAITING,
            received_at=now,
            reason=None if goes_at_once else _why_it_waits(publish, intake),
            content_key=content_key(alert),
            notes=notes,
        )
        occasion = Occasion(
            record=record,
            alert=alert,
            previous=previous,
            ending=end_reason(alert),
            area_names=accepted.area_names,
            now=now,
            state=PostState.QUEUED if goes_at_once else PostState.WAITING,
            not_before=now + intake.veto if publish == "veto" else None,
        )
        books.add(record)
        books.note(now, record.id, None, record.state, record.reason or f"from {source}, publish = {publish}")
        penned = pen_posts(books, accepted.outlets, occasion, self._pen.write)
        if isinstance(penned, LeftOut):
            books.set_alert_state(record.id, AlertState.LEFT_OUT, penned.reason)
            return Filed(replace(record, state=AlertState.LEFT_OUT, reason=penned.reason))
        return Filed(record, tuple(penned))

    def _leave_out(
        self, books: Books, alert: Alert | None, source: str, left_out: LeftOut, notes: tuple[str, ...]
    ) -> Filed:
        now, identity = self._now(), self._new_id()
        previous = predecessor(books, alert) if alert else None
        record = Record(
            id=identity,
            incident_id=previous.incident_id if previous else identity,
            source=source,
            alert=alert,
            state=AlertState.LEFT_OUT,
            received_at=now,
            reason=left_out.reason,
            content_key=content_key(alert) if alert else None,
            notes=notes,
        )
        books.add(record)
        books.note(now, record.id, None, record.state, left_out.reason)
        return Filed(record)

    def _double_tap(self, books: Books, alert: Alert) -> Record | None:
        """The same words within ten minutes, whatever their exact times: somebody pressed twice."""
        for record in books.by_headline(alert.infos[0].headline or "", MANUAL, self._now() - DOUBLE_TAP):
            if record.alert is not None and _words(record.alert) == _words(alert):
                return record
        return None

    def _known_channel(self, name: str) -> None:
        if self.station.outlet(name) is None:
            known = ", ".join(outlet.name for outlet in self.station.outlets)
            raise Misuse(f"--channel {name!r}: no such channel; known: {known}")


@dataclass(frozen=True, slots=True)
class _Accepted:
    outlets: tuple[Outlet, ...]
    area_names: tuple[str, ...]
    previous: Record | None


def _why_it_waits(publish: str, intake: Intake) -> str:
    if publish == "veto":
        minutes = round(intake.veto.total_seconds() / 60)
        return f"it goes out in {minutes} min unless somebody rejects it"
    return "it waits for a validation"


def _words(alert: Alert) -> tuple[object, ...]:
    info = alert.infos[0]
    areas = tuple(area.description for area in info.areas)
    return (alert.status, info.headline, info.description, info.instruction, info.severity, info.event, areas)


def posts_of(filed: Filed) -> list[Post]:
    """The posts a message led to."""
    return [made.post for made in filed.penned]
