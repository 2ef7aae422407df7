"""The identity of messages: duplicates, newer versions, and two feeds' messages about one event.

Two messages are compared by keys: by their words (`content_key`), by their event and place (`topic_key`), and by sender
and identifier (`seen_before`, `newer_than`, `clash_of`). An officer's same words twice within minutes are a double tap
(`tapped_before`), unless they are meant.

A published message suppresses its twin of another feed, and an unpublished one suppresses nothing: only messages out on
a channel, or on the way there, count (`is_out`). A message that only waits, was rejected or vetoed may never be
published, so another source's is handled independently. The waiting one then informs its validator
(`already_published`), and needs a confirmation to be published too (`must_be_meant`). Its veto's clock is stopped
(`stop_clocks`), so that it doesn't go out by itself, and restarted when its twin is gone (`release`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from alerts.desk.routing import PRACTICE, channels_on, how_to_publish, is_open
from alerts.model.alert import (
    CHANGE_PARAMETER,
    CORRECTED,
    ENDS_BY,
    EVENT_NAME,
    MOST_REMEMBERED,
    PLANNED,
    STEP_PARAMETER,
    Alert,
    Area,
    Info,
    MsgType,
    ResponseType,
    Urgency,
    size_of,
)
from alerts.model.errors import Conflict
from alerts.model.incident import MANUAL, AlertState, LeftOut, StoredAlert
from alerts.model.post import EndReason, Post, PostKind, PostState
from alerts.model.reason import Reason, because
from alerts.model.remembered import Remembered
from alerts.model.reports import REPORTS
from alerts.model.town import Publish, Town
from alerts.store.alerts import AlertRepository

_OWN = "tocsin:"
# Within this time the same words are taken for an accident.
DOUBLE_TAP = timedelta(minutes=10)
# Times are kept in whole seconds, each cut by itself.
_TOLERANCE = timedelta(seconds=2)


def _content_key(alert: Alert) -> str:
    """Return a key that is equal for messages of the same content, whatever their identifier and time of issue."""
    said = [_said(info) for info in alert.infos]
    ending = end_reason(alert)
    # Two ends in the same words are two where they end two alerts.
    references = sorted(reference.identifier for reference in alert.references) if ending else []
    # With the status: an exercise may have the same words, and must keep nothing real back.
    return _digest([str(alert.status), str(ending), references, said])


def _topic_key(alert: Alert) -> str | None:
    """Return a key that is equal for messages on the same event in the same areas. Returns None without any.

    If a message names its event (`EVENT_NAME`), the name counts, and no words are compared. Messages of sources of our
    own are linked by references: two works of one calendar in one street are two, whatever their names.
    """
    if not alert.infos or not alert.areas:
        return None
    if names := sorted(each for each in alert.incidents if each.startswith(EVENT_NAME)):
        return _digest([str(alert.status), names])
    if is_own(alert):
        return None
    events = sorted({_folded(info.event) for info in alert.infos})
    return _digest([str(alert.status), events, sorted({_where(area) for area in alert.areas})])


content_key = Remembered(_content_key, size_of, MOST_REMEMBERED)
topic_key = Remembered(_topic_key, size_of, MOST_REMEMBERED)


def is_own(alert: Alert) -> bool:
    """True if it is our own calendar's, or marked by an officer: such a message names the one it follows itself."""
    return any(pair.name.startswith(_OWN) for info in alert.infos[:1] for pair in info.parameters)


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def _said(info: Info) -> list[str]:
    # As instants: the same time may be written with another offset the next time.
    times = [time.timestamp().hex() if time else "" for time in (info.onset, info.expires)]
    words = [info.headline, info.description, info.instruction, info.web]
    folded = [" ".join((text or "").split()) for text in (info.event, *words)]
    areas = sorted(_where(area) for area in info.areas)
    return [info.language.lower(), info.severity, info.urgency, *folded, *times, *areas]


def _where(area: Area) -> str:
    return f"{_folded(area.description)}|{area.polygons}|{area.circles}|{sorted(map(str, area.geocodes))}"


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def end_reason(alert: Alert) -> EndReason | None:
    """Return the reason why the message ends its incident, or None if it doesn't.

    An end comes as a Cancel, or as an Update with AllClear or with the urgency Past (Environment Canada, Macao). An
    Alert with the urgency Past (GDACS, earthquakes) reports an event; it ends nothing. Our own calendar's ends only
    mean that the planned time has come: they expire, and give no all clear.
    """
    if alert.msg_type is MsgType.CANCEL:
        wrong = any(info.parameter(ENDS_BY) == CORRECTED for info in alert.infos)
        return EndReason.CORRECTED if wrong else EndReason.CANCELLED
    if not alert.infos or alert.msg_type is not MsgType.UPDATE:
        return None
    clear = all(ResponseType.ALL_CLEAR in info.response_types or info.urgency is Urgency.PAST for info in alert.infos)
    if clear and all(info.parameter(ENDS_BY) == PLANNED for info in alert.infos):
        return EndReason.EXPIRED
    return EndReason.ALL_CLEAR if clear else None


def is_practice(alert: Alert) -> bool:
    """True if it is an exercise or a test."""
    return alert.status in PRACTICE


def seen_before(alerts: AlertRepository, alert: Alert, source: str) -> StoredAlert | None:
    """This very message as it is stored, or a newer one under its identifier that says the same and was taken in.

    Another source's counts only where it was accepted: what waits, was rejected or left out there hides nothing
    here. The same sender and identifier with other content is another message (`clash_of`, `newer_than`).
    """
    for stored in alerts.by_identifier(alert.identifier, alert.sender):
        known = stored.alert
        if known is None or not _is_same(known, alert):
            continue
        if stored.source != source:
            is_known = stored.state is AlertState.ACCEPTED and known.sent >= alert.sent
        else:
            is_known = known.sent == alert.sent or (stored.state is not AlertState.LEFT_OUT and known.sent > alert.sent)
        if is_known:
            return stored
    return None


def _is_same(known: Alert, alert: Alert) -> bool:
    """True if both have the same content for the same people, for real or not."""
    about = (known.msg_type, known.scope) == (alert.msg_type, alert.scope)
    return about and content_key(known) == content_key(alert)


def newer_than(alerts: AlertRepository, alert: Alert, source: str, publish: Publish) -> StoredAlert | None:
    """Return a newer version that the same source sent before it; a waiting one blocks no urgent message."""
    for stored in alerts.by_identifier(alert.identifier, alert.sender):
        known = stored.alert
        if known is None or stored.source != source or is_practice(known) is not is_practice(alert):
            continue
        counts = stored.state is AlertState.ACCEPTED or (stored.state is not AlertState.LEFT_OUT and publish != "auto")
        if counts and known.sent > alert.sent:
            return stored
    return None


@dataclass(frozen=True, slots=True)
class Clash:
    """Another message under the same sender and identifier.

    `silences`: that one is out, so readers know the name by it, and the new one is left out until an officer says what
    is right. One that only waits, was rejected, is an exercise or is less grave keeps nothing back: a relay that alters
    a message doesn't hide its original.
    """

    stored: StoredAlert
    silences: bool

    @property
    def reason(self) -> Reason:
        """Return the fault, for those on call."""
        known, stored = self.stored.alert, self.stored
        is_drill = known is not None and is_practice(known)
        return because("conflict_exercise" if is_drill else "conflict_words", source=stored.source, alert=stored.id)


def clash_of(alerts: AlertRepository, alert: Alert, source: str, station: Town) -> Clash | None:
    """Return another message with this one's sender and identifier. Returns None if this is its next version.

    A source sends the next version of its own message, or of one whose source it speaks for, with a later `sent`.
    """
    found = None
    for stored in alerts.by_identifier(alert.identifier, alert.sender):
        known = stored.alert
        if known is None or stored.state is AlertState.LEFT_OUT or _is_same(known, alert):
            continue
        is_theirs = stored.source == source or stored.source in station.rules_for(source).speaks_for
        is_alike = is_practice(known) is is_practice(alert)
        if is_theirs and is_alike and known.sent != alert.sent:
            continue
        is_published = stored.state is AlertState.ACCEPTED and bool(
            channels_on(alerts.unsuperseded(stored.incident_id))
        )
        silences = is_published and (is_practice(alert) or (is_alike and stored.severity.at_least(alert.severity)))
        if silences:
            return Clash(stored, silences)
        # Looked on: another one may be out, and that one decides.
        found = found or Clash(stored, silences)
    return found


def tapped_before(
    alerts: AlertRepository, alert: Alert, source: str, named: Sequence[str], now: datetime
) -> StoredAlert | None:
    """The alert of the last ten minutes that this one only repeats: the same words, times and channels, still on."""
    if not alert.infos:
        return None
    info = alert.infos[0]
    for stored in alerts.by_headline(info.headline or info.event, source, now - DOUBLE_TAP):
        if stored.alert is not None and stored.state is not AlertState.REJECTED and _repeats(alert, stored.alert):
            posts = alerts.posts_of(stored.id)
            if is_open(alerts.unsuperseded(stored.incident_id)) and set(named) <= {post.channel for post in posts}:
                return stored
    return None


def _repeats(alert: Alert, earlier: Alert) -> bool:
    passed = alert.sent - earlier.sent
    times = zip(_times(alert), _times(earlier), strict=True)
    return _words(alert) == _words(earlier) and all(_is_same_time(new, old, passed) for new, old in times)


def _words(alert: Alert) -> tuple[object, ...]:
    info = alert.infos[0]
    areas = tuple(area.description for area in info.areas)
    references = tuple(reference.identifier for reference in alert.references)
    said = (info.event, info.headline, info.description, info.instruction, info.web)
    return (alert.status, alert.msg_type, references, info.language, info.severity, info.urgency, said, areas)


def _times(alert: Alert) -> tuple[datetime | None, datetime | None]:
    return alert.infos[0].onset, alert.infos[0].expires


def _is_same_time(new: datetime | None, old: datetime | None, passed: timedelta) -> bool:
    """True if both were typed alike: as the same time, or as the same span from now."""
    if new is None or old is None:
        return new is old
    return any(abs((new - old) - shift) <= _TOLERANCE for shift in (timedelta(), passed))


def is_out(alerts: AlertRepository, stored: StoredAlert) -> bool:
    """True if its incident is on a channel, or on its way there, by its released posts."""
    return stored.state is AlertState.ACCEPTED and bool(channels_on(alerts.unsuperseded(stored.incident_id)))


def said_before(alerts: AlertRepository, alert: Alert, source: str, publish: Publish, now: datetime) -> LeftOut | None:
    """Return the reason why the same words needn't be repeated. Returns None if nobody got them, or they are over.

    A waiting or rejected message of the same source is not submitted for decision again, unless these words may go out
    by themselves now and those couldn't. Our own calendar knows its own announcements: a second notice, or works moved
    there and back, are intended.
    """
    if source == MANUAL or is_own(alert):
        return None
    for stored in alerts.by_content(content_key(alert)):
        if stored.alert is None or stored.alert.ends <= now:
            continue
        if stored.source != source:
            if is_out(alerts, stored):
                return LeftOut(because("merged_same_words", into=stored.id, source=stored.source))
        elif _stands(alerts, stored, publish):
            return LeftOut(because("same_words", alert=stored.id, identifier=stored.alert.identifier))
    return None


def _stands(alerts: AlertRepository, stored: StoredAlert, publish: Publish) -> bool:
    match stored.state:
        case AlertState.REJECTED:
            return publish != "auto"
        case AlertState.WAITING:
            return decided_first(alerts, stored, publish)
        case _:
            return bool(channels_on(alerts.unsuperseded(stored.incident_id)))


def decided_first(alerts: AlertRepository, stored: StoredAlert, publish: Publish) -> bool:
    """True if a waiting one is decided before the new one goes out by itself, if that ever does.

    A waiting message without a clock may never be decided.
    """
    has_clock = any(post.not_before for post in _waiting(alerts, stored))
    return publish == "approve" or (publish == "veto" and has_clock)


def merged_before(alerts: AlertRepository, alert: Alert, source: str, now: datetime) -> LeftOut | None:
    """Why another feed's message on the same event, areas and time, which is out and at least as grave, will do.

    That holds for the first message, and for the calendar's word that its works are near or begin, if the calendar's
    own first message was merged: whoever announced them does that, too.
    """
    found = same_topic(alerts, alert, source, now)
    if source != MANUAL and _reminds(alert) and not _follows_own(alerts, alert, source):
        found = [each for each in _on_the_same(alerts, alert, source, now) if is_out(alerts, each)]
    for stored in found:
        if stored.source != source and stored.severity.at_least(alert.severity):
            return LeftOut(because("merged", into=stored.id, source=stored.source))
    return None


def _reminds(alert: Alert) -> bool:
    """True if it says nothing new of what was announced: its works are near, or begin as planned."""
    said = alert.infos[0] if alert.infos else None
    steps = ("before", "start")
    return said is not None and said.parameter(STEP_PARAMETER) in steps and said.parameter(CHANGE_PARAMETER) is None


def _follows_own(alerts: AlertRepository, alert: Alert, source: str) -> bool:
    named = (stored for reference in alert.references for stored in alerts.by_identifier(reference.identifier))
    return any(stored.source == source and stored.state is not AlertState.LEFT_OUT for stored in named)


def same_topic(alerts: AlertRepository, alert: Alert, source: str, now: datetime) -> list[StoredAlert]:
    """The feeds' messages that a new one without references goes on from, or is merged with: the source's own first.

    Another source's counts only where it is out.
    """
    if source == MANUAL or alert.references or alert.msg_type is not MsgType.ALERT:
        return []

    @cache
    def goes_on(incident_id: str) -> bool:
        """Return True if it is open: read once for all of its messages."""
        return is_open(alerts.unsuperseded(incident_id))

    found = [
        stored
        for stored in _on_the_same(alerts, alert, source, now)
        if stored.source != MANUAL
        and (goes_on(stored.incident_id) if stored.source == source else is_out(alerts, stored))
    ]
    return sorted(found, key=lambda stored: stored.source != source)


def _on_the_same(
    alerts: AlertRepository, alert: Alert, source: str, now: datetime, *, waiting: bool = False
) -> Iterator[StoredAlert]:
    topic, of_topic = topic_key(alert), alerts.waiting_on if waiting else alerts.by_topic
    for stored in of_topic(topic, now) if topic is not None else ():
        # A source of our own links its messages itself.
        if is_own(alert) and stored.source == source:
            continue
        if stored.alert is not None and _overlap(alert, stored.alert) and not _lie_elsewhere(alert, stored.alert):
            yield stored


def _overlap(one: Alert, other: Alert) -> bool:
    return max(one.starts, other.starts) < min(one.ends, other.ends)


def _lie_elsewhere(one: Alert, other: Alert) -> bool:
    """True if both name places of one kind, and none of them in common: sections of two rivers, say."""
    places, others = _places(one), _places(other)
    return any(places[scheme].isdisjoint(others[scheme]) for scheme in places.keys() & others.keys())


def _places(alert: Alert) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for area in alert.areas:
        for code in area.geocodes:
            found.setdefault(code.name.casefold(), set()).update(code.value.casefold().split())
    return found


# --- the twin that waits --------------------------------------------------------------------------------------------


def already_published(alerts: AlertRepository, stored: StoredAlert, now: datetime) -> list[StoredAlert]:
    """The messages by which the public knows already what a waiting one would say, newest first."""
    return [each for each in _twins(alerts, stored, now) if is_out(alerts, each) and _says_again(alerts, stored, each)]


def must_be_meant(alerts: AlertRepository, stored: StoredAlert, now: datetime) -> None:
    """Raise Conflict for a feed's message whose event is out already, at least as grave: it isn't published by habit.

    An officer's words are meant as they are written.
    """
    for twin in already_published(alerts, stored, now) if stored.source != MANUAL else ():
        if twin.severity.at_least(stored.severity):
            raise Conflict(because("event_is_out", twin=twin.id, source=twin.source, alert=stored.id))


def stop_clocks(alerts: AlertRepository, stored: StoredAlert, now: datetime) -> None:
    """Stop the clocks of messages that this published one replaces: else they would go out again, unattended."""
    for twin in _waiting_twins(alerts, stored, now):
        if stored.severity.at_least(twin.severity) and _says_again(alerts, twin, stored):
            _set_clock(alerts, twin, None, because("waits_event_is_out", alert=stored.id), now)


def stands_behind(alerts: AlertRepository, message: StoredAlert, now: datetime) -> StoredAlert | None:
    """The twin that goes out by itself unless somebody stops it, and will do: this one waits behind it."""
    for twin in _waiting_twins(alerts, message, now):
        has_clock = any(post.not_before for post in _waiting(alerts, twin))
        if has_clock and twin.severity.at_least(message.severity):
            return twin
    return None


def release(alerts: AlertRepository, gone: StoredAlert, station: Town, now: datetime) -> list[Post]:
    """Start the clock, from its beginning, of what waited behind a message that goes out no more; its posts."""
    # The oldest first: it has waited longest.
    for twin in reversed(_waiting_twins(alerts, gone, now)):
        posts = _waiting(alerts, twin) if twin.alert else []
        if not posts or any(post.not_before for post in posts) or already_published(alerts, twin, now):
            continue
        intake = station.rules_for(twin.source)
        if twin.alert and how_to_publish(twin.alert, intake) == "veto" and stands_behind(alerts, twin, now) is None:
            _set_clock(alerts, twin, now + intake.veto, because("no_longer_behind", alert=gone.id), now)
            return posts
    return []


def _waiting_twins(alerts: AlertRepository, stored: StoredAlert, now: datetime) -> list[StoredAlert]:
    """Those of `_twins` that wait; of all that are out on a stormy day, none is read."""
    found = _twins(alerts, stored, now, waiting=True)
    return [each for each in found if each.state is AlertState.WAITING]


def _twins(
    alerts: AlertRepository, stored: StoredAlert, now: datetime, *, waiting: bool = False
) -> Iterator[StoredAlert]:
    """The messages in the same words, or of other incidents on the same event in the same areas and time.

    Within one incident they are another feed's word for word: two that relay one message both go on about what they
    share.
    """
    if stored.source == REPORTS:
        # Places and words of its own: what it would say again is what its reports are about by now.
        yield from (each for each in alerts.of_reports(stored.id) if each.incident_id != stored.incident_id)
    if stored.alert is None:
        return
    same_words = []
    if not is_own(stored.alert):
        alike = alerts.by_content(stored.content_key or "")
        same_words = [each for each in alike if each.alert and each.alert.ends > now]
    seen = {stored.id}
    on_the_same = _on_the_same(alerts, stored.alert, stored.source, now, waiting=waiting)
    for each in (*same_words, *on_the_same):
        relayed = each.source != stored.source and each.content_key == stored.content_key
        if each.id not in seen and (relayed or each.incident_id != stored.incident_id):
            seen.add(each.id)
            yield each


def _says_again(alerts: AlertRepository, stored: StoredAlert, twin: StoredAlert) -> bool:
    """True if the waiting message repeats its twin.

    That is, it announces an event for the first time, or follows the incident that both share, as its twin does. An end
    repeats nothing: each feed ends its own.
    """
    if stored.alert is not None and end_reason(stored.alert) is not None:
        return False
    goes_on = stored.incident_id == twin.incident_id
    return goes_on or any(post.kind is PostKind.PUBLISH for post in _waiting(alerts, stored))


def _waiting(alerts: AlertRepository, stored: StoredAlert) -> list[Post]:
    return [post for post in alerts.posts_of(stored.id) if post.state is PostState.WAITING]


def _set_clock(
    alerts: AlertRepository, stored: StoredAlert, at: datetime | None, reason: Reason, now: datetime
) -> None:
    changed = [post for post in _waiting(alerts, stored) if post.not_before != at]
    for post in changed:
        alerts.set_clock(post, at)
    if changed:
        alerts.set_alert_state(stored.id, AlertState.WAITING, reason)
        alerts.note(now, stored.id, None, "held" if at is None else "released", reason)
