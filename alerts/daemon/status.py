"""The views of the whole: alerts with their posts, sources, channels, and one alert's history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from alerts.daemon.desk import Control
from alerts.desk.approve import find_alert
from alerts.desk.out import AlertOut, HistoryEvent, SaidWords, as_json, in_full, with_reports
from alerts.desk.status_out import ChannelOut, SourceOut, owners_of
from alerts.desk.unit import PENDING, DeskUnit, concerning
from alerts.listening.out import InSight, with_what_was_heard
from alerts.model.cap import write
from alerts.model.delivery import Progress
from alerts.model.errors import Refused
from alerts.model.incident import StoredAlert
from alerts.model.lease import ear_lease
from alerts.model.post import PostState
from alerts.model.reason import because
from alerts.model.town import Town
from alerts.rendering.i18n import reason_json, word
from alerts.store.connection import lack_of_room
from alerts.store.views import Views

BULKS_SHOWN = timedelta(days=1)
_ENDED_SHOWN = 5
PUT_BACK_SHOWN = timedelta(days=7)
"""How long `status` reports that the database was restored."""
_BULK_ORDER = {state: place for place, state in enumerate(("sending", "queued", "waiting", "held"))}


def alerts(control: Control, *, everything: bool) -> list[AlertOut]:
    """Return the current, waiting, failed and doubtful alerts; `everything`: all there ever were, left out ones too."""
    return control.ask(lambda unit: AlertOut.each(unit, unit.views.everything() if everything else concerning(unit)))


def one_alert(control: Control, name: str) -> tuple[AlertOut, tuple[SaidWords, ...]]:
    """One alert by itself, and every word of it, also what no post has room for. Raises Misuse."""

    def question(unit: DeskUnit) -> tuple[AlertOut, tuple[SaidWords, ...]]:
        stored = find_alert(unit.alerts, name)
        return AlertOut.alone(unit, stored), in_full(stored.alert) if stored.alert else ()

    return control.ask(question)


def cap_message(control: Control, name: str) -> str:
    """One alert as a CAP 1.2 message. Raises Misuse, or Refused for an entry that could not be read."""
    stored = control.ask(lambda unit: find_alert(unit.alerts, name))
    if stored.alert is None:
        raise Refused(because("unread_no_message", alert=stored.id, why=stored.reason or because("unreadable")))
    return write(stored.alert).decode()


def sources(control: Control) -> list[SourceOut]:
    """How each source is doing, as `status --json` has it."""
    return control.ask(SourceOut.each)


def heard(control: Control) -> list[InSight]:
    """Return the unhandled remarks in one row; none if the town listens to nothing."""
    return [control.ask(InSight.of)] if control.town.listens else []


def ears(control: Control) -> list[dict[str, Any]]:
    """How each ear is doing, as `status --json` has it; nothing where the town listens to nothing."""
    if not control.town.listens:
        return []
    from alerts.listening.ears import ear_statuses  # noqa: PLC0415 only who listens pays for it

    def question(unit: DeskUnit) -> list[dict[str, Any]]:
        owners = owners_of(unit.leases.ownership(unit.now), control.town)
        return [
            spoken(each, control.town)
            | {"gap": word(each["gap"], control.town.language, control.town.zone) if each["gap"] else None}
            | {"owner": as_json(owners.get(ear_lease(each["ear"])))}
            for each in ear_statuses(unit, control.town)
        ]

    return control.ask(question)


def store(control: Control) -> list[dict[str, Any]]:
    """Return a row if the database's disk lacks room, as `status --json` has it; else nothing."""
    lacks = lack_of_room(control.town.database)
    found = {"store": str(control.town.database), "state": lacks[0], "reason": lacks[1]} if lacks else None
    return [spoken(found, control.town)] if found else []


def daemons(control: Control) -> list[dict[str, Any]]:
    """The daemons that run, and what each of them works, as `status --json` has it."""

    def question(unit: DeskUnit) -> list[dict[str, Any]]:
        found = unit.leases.ownership(control.now())
        return [
            {
                "daemon": each.name,
                "host": each.host,
                "url": each.url,
                "version": each.version,
                "since": _iso(each.since, control.town.zone),
                "works": [name for name, lease in found.owned.items() if lease.owner == each.owner],
                "standing": list(each.stalled),
            }
            for each in found.daemons.values()
        ]

    return control.ask(question)


def channels(control: Control) -> list[ChannelOut]:
    """How each channel is doing, what is left of its windows, and who subscribed, as `status --json` has it."""
    return control.ask(ChannelOut.each)


def jobs(control: Control) -> list[dict[str, Any]]:
    """Return how many jobs beside the posts failed at least once and aren't through, by channel, kind and state."""
    counts = control.ask(lambda unit: unit.jobs.counts())
    return [
        {"jobs": kind, "channel": channel, "state": state, "count": count}
        for (channel, kind, state), count in sorted(counts.items())
        if state != PostState.SENDING
    ]


def bulks(control: Control) -> list[dict[str, Any]]:
    """Return the last day's bulks with their progress, as `status --json` has it."""
    found = control.ask(lambda unit: list(bulk_progress(unit.views, control.town, control.now())))
    return [spoken(each, control.town) for each in found]


def newest(rows: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """Return the bulks worth showing, and how many ended ones are left out.

    One without recipients is omitted. Of those that have ended the last few are shown; of those that continue, all.
    """
    some = [each for each in rows if each["total"] != 0]
    ended = [each["bulk"] for each in some if each["ended_at"] is not None]
    left_out = set(ended[:-_ENDED_SHOWN])
    return [each for each in some if each["bulk"] not in left_out], len(left_out)


def spoken(status: Mapping[str, Any], town: Town) -> dict[str, Any]:
    """The same with its reason in the station's language, and its code."""
    return {**status, **reason_json(status["reason"], town.language, town.zone)}


def _headline(stored: StoredAlert | None, language: str) -> str | None:
    info = stored.alert.info_for(language) if stored and stored.alert else None
    return (info.headline or info.event) if info else None


def bulk_progress(views: Views, town: Town, moment: datetime) -> Iterator[dict[str, Any]]:
    """How far each bulk is, those under way first; `ends_at` is when it will be through if it goes on as it went."""
    found = sorted(views.bulks(moment - BULKS_SHOWN), key=lambda each: _BULK_ORDER.get(each.state, len(_BULK_ORDER)))
    stored_alerts = views.stored_alerts([each.bulk.alert_id for each in found])
    for progress in found:
        bulk = progress.bulk
        yield {
            "bulk": bulk.id,
            "channel": bulk.channel,
            "alert": bulk.alert_id,
            "incident": bulk.incident,
            "headline": _headline(stored_alerts.get(bulk.alert_id), town.language),
            "kind": bulk.kind,
            **_reach(progress),
            "started_at": _iso(bulk.started_at, town.zone),
            "ends_at": _iso(progress.ends_at(moment), town.zone),
            "ended_at": _iso(bulk.ended_at, town.zone),
            "held_until": _iso(progress.deferred_until, town.zone),
            "reason": bulk.reason,
        }


def _reach(progress: Progress) -> dict[str, Any]:
    """Return the recipients (`of`), and the number of settled ones by result."""
    bulk = progress.bulk
    return {
        "state": progress.state,
        "of": "subscribers" if bulk.everyone else "readers",
        "total": bulk.total,
        "sent": bulk.sent,
        "failed": bulk.failed,
        "skipped": bulk.skipped,
        "held": progress.deferred,
        "rest": progress.rest,
    }


def _iso(time: datetime | None, zone: tzinfo) -> str | None:
    return time.astimezone(zone).isoformat(timespec="seconds") if time else None


def database(control: Control) -> list[dict[str, Any]]:
    """Of a database that was put back within the last week: what it doesn't know, and what came of it."""

    def question(unit: DeskUnit) -> list[dict[str, Any]]:
        gap, moment = unit.restored.gap(), control.now()
        if gap is None or moment - gap.until > PUT_BACK_SHOWN:
            return []
        posts = unit.restored.looked_for(gap)
        found = {
            "database": "restored",
            "since": _iso(gap.since, control.town.zone),
            "until": _iso(gap.until, control.town.zone),
            "found": sum(count for (_, state), count in posts.items() if state is PostState.SENT),
            "unknown": {
                channel: None if unknown is None else [post.url or post.remote_id for post in unknown]
                for channel, unknown in (unit.restored.unknown_posts() or {}).items()
            },
            "looked_for": sum(count for (_, state), count in posts.items() if state in PENDING),
        }
        return [found]

    return control.ask(question)


def history(control: Control, name: str) -> list[HistoryEvent]:
    """Every decision and attempt of an alert and its whole incident, in order. Raises Misuse."""

    def question(unit: DeskUnit) -> list[HistoryEvent]:
        incident = find_alert(unit.alerts, name).incident_id
        events = with_reports(unit, incident, with_what_was_heard(unit, incident, unit.views.history(incident)))
        return [HistoryEvent.of(control.town, event) for event in events]

    return control.ask(question)
