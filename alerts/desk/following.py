"""The right to follow an alert: the messages it updates, ends or replaces, and those it only concerns.

An update or an end affects messages of its own source, and there its own sender's alone: any feed can write any
sender's name. `speaks_for` in channels.toml adds another source's. A message about others' is a proposal to the
validating officer (`spoken_of`, `other_valid_message`). So that each finds its predecessor, the messages of one reading
are filed in the order of `in_order`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from alerts.desk.dedupe import decided_first, end_reason, is_practice, same_topic
from alerts.desk.routing import channels_on, fit_for_people, how_to_publish, is_open, premature
from alerts.model.alert import Alert, Info, MsgType
from alerts.model.incident import MANUAL, AlertState, StoredAlert
from alerts.model.ports import Heard
from alerts.model.town import Publish, Town
from alerts.store.alerts import AlertRepository

_GOES_ON = (MsgType.UPDATE, MsgType.CANCEL)
# Unreadable entries sort before all others.
_FIRST = datetime.min.replace(tzinfo=UTC)


def may_follow(alert: Alert, source: str, stored: StoredAlert, station: Town) -> bool:
    """True if a message may follow that one, end it or replace it.

    An exercise has no part in real ones, nor the other way round. An officer may follow everything, and nobody else may
    follow an officer's alert.
    """
    if stored.alert is None or is_practice(stored.alert) is not is_practice(alert):
        return False
    if source == MANUAL:
        return True
    is_own = stored.source == source and stored.alert.sender == alert.sender
    return is_own or stored.source in station.rules_for(source).speaks_for


def predecessor(alerts: AlertRepository, alert: Alert, source: str, station: Town, now: datetime) -> StoredAlert | None:
    """The newest message that this one updates or ends.

    By its references, else an older one of its own identifier, of those that it may follow; a feed that gives neither
    is taken to go on about the same event in the same areas, where their times overlap.
    """
    # CAP lets a message name several (3.2.1, `references`): it goes on from the newest of them.
    for reference in sorted(alert.references, key=lambda reference: reference.sent, reverse=True):
        for stored in alerts.by_identifier(reference.identifier):
            if may_follow(alert, source, stored, station):
                return stored
    for stored in alerts.by_identifier(alert.identifier, alert.sender):
        if stored.alert is not None and stored.alert.sent <= alert.sent and may_follow(alert, source, stored, station):
            return stored
    return next(iter(same_topic(alerts, alert, source, now)), None)


def goes_on_elsewhere(alerts: AlertRepository, alert: Alert, source: str, seen: StoredAlert, station: Town) -> bool:
    """True if this message, a known one of another source, also follows one of its own source's.

    Two feeds carry a sender's messages: the alert of the second waits separately, and its end has to find it.
    """
    if seen.source == source or alert.msg_type not in _GOES_ON:
        return False
    named = (stored for reference in alert.references for stored in alerts.by_identifier(reference.identifier))
    own = [stored for stored in named if stored.source == source and may_follow(alert, source, stored, station)]
    return any(
        stored.incident_id != seen.incident_id and is_open(alerts.unsuperseded(stored.incident_id)) for stored in own
    )


def replaced_before(
    alerts: AlertRepository, alert: Alert, source: str, station: Town, publish: Publish
) -> StoredAlert | None:
    """The update or cancellation of this message that was read before the message itself.

    One that was left out itself replaces nothing, but for an end, which found nothing to end yet. One that waits keeps
    back nothing that goes out by itself before it is decided.
    """
    # It isn't stored yet, and `may_follow` asks of what is.
    itself = StoredAlert("", "", source, alert, AlertState.LEFT_OUT, alert.sent)
    for stored in alerts.referring(alert.identifier):
        later = stored.alert
        if later is None or later.msg_type not in _GOES_ON:
            continue
        is_newer = later.sent >= alert.sent and later.identifier != alert.identifier
        if is_newer and _counts(alerts, stored, later, publish) and may_follow(later, stored.source, itself, station):
            return stored
    return None


def _counts(alerts: AlertRepository, stored: StoredAlert, later: Alert, publish: Publish) -> bool:
    match stored.state:
        case AlertState.LEFT_OUT:
            return (
                end_reason(later) is not None and not fit_for_people(later) and not premature(later, stored.received_at)
            )
        case AlertState.WAITING:
            return decided_first(alerts, stored, publish)
        case AlertState.REJECTED:
            return False
        case AlertState.ACCEPTED:
            return True


def spoken_of(alerts: AlertRepository, alert: Alert, source: str, station: Town) -> StoredAlert | None:
    """The newest message of others that an update or an end names, and that readers know."""
    if alert.msg_type not in _GOES_ON or source == MANUAL:
        return None
    for reference in sorted(alert.references, key=lambda reference: reference.sent, reverse=True):
        for stored in alerts.by_identifier(reference.identifier):
            known = stored.alert
            if known is None or is_practice(known) is not is_practice(alert):
                continue
            if _is_known(alerts, stored) and not may_follow(alert, source, stored, station):
                return stored
    return None


def _is_known(alerts: AlertRepository, stored: StoredAlert) -> bool:
    is_published = channels_on(alerts.unsuperseded(stored.incident_id)) or alerts.subscriber_channels(
        stored.incident_id
    )
    return stored.state is AlertState.ACCEPTED and bool(is_published)


def other_valid_message(
    alerts: AlertRepository, alert: Alert, source: str, incident_id: str, station: Town
) -> StoredAlert | None:
    """Return another feed's message in the same incident that is valid and not ended by its sender.

    Feeds about one event share an incident; it is over when each of them ends it. A message that waits by its own
    source's rules doesn't count yet.
    """
    incident = alerts.incident(incident_id)
    ended = {_voice(each) for each in incident if _says_end(each, station)}
    # An officer may end what anybody brought.
    for stored in incident if source != MANUAL else ():
        if stored.source == MANUAL or stored.state is not AlertState.ACCEPTED or stored.alert is None:
            continue
        holds = not _is_end(stored) and stored.alert.ends > alert.sent and _voice(stored) not in ended
        if holds and not may_follow(alert, source, stored, station):
            return stored
    return None


def is_proposal(alerts: AlertRepository, stored: StoredAlert, station: Town) -> bool:
    """True if a feed's message is about others' messages: authors may continue without it."""
    if stored.source == MANUAL or stored.alert is None:
        return False
    incident = alerts.incident(stored.incident_id)
    place = [each.id for each in incident].index(stored.id)
    earlier = [each for each in incident[:place] if each.state is AlertState.ACCEPTED]
    own = [each for each in earlier if may_follow(stored.alert, stored.source, each, station)]
    by_feeds = [each for each in earlier if each.source != MANUAL]
    return bool(earlier) and (not own or (_is_end(stored) and any(each not in own for each in by_feeds)))


def words_about(alerts: AlertRepository, stored: StoredAlert, language: str) -> Info | None:
    """Return the message's words; without any, as in most ends, those of the last message that had some."""
    incident = list(alerts.incident(stored.incident_id))
    place = [each.id for each in incident].index(stored.id)
    for each in (stored, *reversed(incident[:place])):
        if each.alert is not None and (info := each.alert.info_for(language)) is not None:
            return info
    return None


def _is_end(stored: StoredAlert) -> bool:
    return stored.alert is not None and end_reason(stored.alert) is not None


def _says_end(stored: StoredAlert, station: Town) -> bool:
    if stored.alert is None or (reason := end_reason(stored.alert)) is None:
        return False
    is_free = how_to_publish(stored.alert, station.rules_for(stored.source), reason) == "auto"
    return stored.state is AlertState.ACCEPTED or (stored.state is AlertState.WAITING and is_free)


def own_proposals(alerts: AlertRepository, alert: Alert, source: str, incident_id: str) -> frozenset[str]:
    """Return the waiting messages of the same source and sender in an incident: the next one replaces them."""
    waiting = [each for each in alerts.incident(incident_id) if each.state is AlertState.WAITING]
    return frozenset(stored.id for stored in waiting if _voice(stored) == (source, alert.sender))


def _voice(stored: StoredAlert) -> tuple[str, str]:
    return stored.source, stored.alert.sender if stored.alert else ""


def in_order(heard: Sequence[Heard]) -> list[Heard]:
    """Sort messages: after all that they refer to, whatever their times; else by `sent`, else in the feed's order.

    Messages that refer to one another in a circle are sorted by `sent`. Unreadable ones come first, in their order:
    nothing depends on them.
    """
    by_time = sorted(heard, key=lambda each: each.alert.sent if each.alert else _FIRST)
    named: dict[str, list[Heard]] = {}
    for each in by_time:
        if each.alert is not None:
            named.setdefault(each.alert.identifier, []).append(each)
    ordered: list[Heard] = []
    begun: set[int] = set()
    for each in by_time:
        _place(each, named, begun, ordered)
    return ordered


def _place(start: Heard, named: dict[str, list[Heard]], begun: set[int], ordered: list[Heard]) -> None:
    """Depth first without recursion: a chain of references is as long as its sender likes."""
    stack = [(start, False)]
    while stack:
        each, is_ready = stack.pop()
        if is_ready:
            ordered.append(each)
            continue
        if id(each) in begun:
            continue
        begun.add(id(each))
        stack.append((each, True))
        stack.extend((earlier, False) for earlier in reversed(_referred(each, named)) if id(earlier) not in begun)


def _referred(each: Heard, named: dict[str, list[Heard]]) -> list[Heard]:
    references = each.alert.references if each.alert else ()
    identifiers = dict.fromkeys(reference.identifier for reference in sorted(references, key=lambda r: r.sent))
    return [earlier for identifier in identifiers for earlier in named.get(identifier, ()) if earlier is not each]
