"""The decision on a message: all its conditions, in order, each with its reason.

`decide` reads the store and writes nothing. Its order: is the time of issue possible; which message does it follow, and
may it (`following.py`); does it move an incident away from here (`retreats`); is it for people; is it known already
(`dedupe.py`); is it over; is it here and grave enough (`territory.py`, `routing.py`); which channels take it; is there
a place for one more draft of its source. The first no is the answer, as a `LeftOut`; else it is `Accepted`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.desk.dedupe import clash_of, end_reason, merged_before, newer_than, said_before
from alerts.desk.following import other_valid_message, own_proposals, predecessor, replaced_before, spoken_of
from alerts.desk.routing import (
    IN_WORDS_ONLY,
    channels_on,
    choose_channels,
    fit_for_people,
    grave_enough,
    how_to_publish,
    is_open,
    misfits,
    over,
    over_in_words,
    overtaken,
    premature,
)
from alerts.desk.territory import Elsewhere, is_in_words, territory_of
from alerts.model.alert import Alert, MsgType, Scope, Severity
from alerts.model.incident import MANUAL, AlertState, LeftOut, StoredAlert
from alerts.model.post import EndReason, Post
from alerts.model.reason import Reason, because
from alerts.model.reports import REPORTS
from alerts.model.town import ChannelConfig, Publish, SourceRules, Town
from alerts.store.alerts import AlertRepository

MOST_WAITING = 20
"""The number of one source's drafts that wait at a time, and as many again that are Severe or worse.

Each alarms those on duty. A faulty or hijacked source could make hundreds at each poll, which would hide the important
ones. Twenty are more than a bad day's, and with the grave ones no more than the desk's first page shows. The grave ones
have places of their own, so that no lesser one keeps them out.
"""
NO_PLACE = "no_place_to_wait"
NOT_HERE = {"fr": "Elle ne concerne plus notre commune.", "en": "It no longer concerns our area."}
"""The words for readers of an alert that moved away."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message before the desk: its source, the channels an officer named, and whether it is repeated on purpose.

    `hold` is the reason for an officer's review, unless its incident was released before (`let_out`). `reached` are the
    channels whose subscribers have its incident, `of_others` another's message that it would update or end; `proposed`
    are the waiting ones of the same source in that incident.
    """

    alert: Alert
    source: str
    now: datetime
    named: tuple[str, ...] = ()
    again: bool = False
    hold: Reason | None = None
    reached: frozenset[str] = frozenset()
    let_out: bool = False
    of_others: StoredAlert | None = None
    proposed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The message is for here: its channels, and the present state of its incident.

    `thread` are the incident's posts that stay, without those superseded unseen; `withdrawn` those that it replaces.
    Without channels, `nowhere` is the reason why it only withdraws. `retreat` is the reason why the incident moved
    away: it is ended then, without the message's words. `reached` are the channels whose subscribers have it, even if
    the channel's own post never got out. `of_others` is another's message that it concerns: it waits for an officer,
    and replaces nothing until then. `hold` is the reason for an officer's review, though its source may publish at
    once.
    """

    publish: Publish
    channels: tuple[ChannelConfig, ...]
    area_names: tuple[str, ...]
    previous: StoredAlert | None
    ending: EndReason | None
    thread: tuple[Post, ...]
    withdrawn: tuple[Post, ...]
    nowhere: LeftOut | None = None
    retreat: LeftOut | None = None
    reached: frozenset[str] = frozenset()
    of_others: StoredAlert | None = None
    hold: Reason | None = None
    follows_up: bool = False


def decide(alerts: AlertRepository, candidate: Candidate, station: Town) -> Accepted | LeftOut:
    """Accept a message or leave it out. Reads what is stored, writes nothing."""
    alert, source, now = candidate.alert, candidate.source, candidate.now
    # First, since what follows compares times of issue: one that lies in the future would be newer than everything.
    if left_out := premature(alert, now):
        return left_out
    previous = predecessor(alerts, alert, source, station, now)
    of_others = spoken_of(alerts, alert, source, station) if previous is None else None
    # Two feeds may have told of one incident: the end of one is a proposal while the other's holds (docs/adr/0006).
    if previous is not None and (end_reason(alert) is not None or _has_run_out(candidate)):
        of_others = other_valid_message(alerts, alert, source, previous.incident_id, station)
    about = of_others or previous
    thread = tuple(alerts.unsuperseded(about.incident_id)) if about else ()
    if about is not None:
        candidate = replace(
            candidate,
            reached=alerts.subscriber_channels(about.incident_id),
            let_out=alerts.is_accepted(about.incident_id),
            of_others=of_others,
            proposed=own_proposals(alerts, alert, source, about.incident_id) if of_others else frozenset(),
        )
    # Before it is asked whether it is for people here: what moves away has to be ended where it was told.
    if of_others is None and (
        left_out := retreats(alerts, alert, previous, station, source, any_area=station.rules_for(source).any_area)
    ):
        return _end_here(candidate, station, previous, thread, left_out)
    if left_out := fit_for_people(alert):
        return left_out
    ending = _ending(candidate, thread)
    if left_out := _known_already(alerts, candidate, station, ending):
        return left_out
    # An end is never too late: it is told as long as anything is on.
    if ending is None and (left_out := over(alert, now, station.zone)):
        return left_out
    if ending is not None and not is_open(thread) and not candidate.reached:
        return LeftOut(because("ends_what_is_over" if _had_posts(alerts, about, thread) else "ends_unpublished"))
    placed = _place(candidate, station, about, thread, ending)
    return _no_place_to_wait(alerts, candidate, placed) or placed if isinstance(placed, Accepted) else placed


def _had_posts(alerts: AlertRepository, about: StoredAlert | None, thread: Sequence[Post]) -> bool:
    """True if the incident has posts, be it that all were superseded."""
    return bool(thread) or (about is not None and alerts.first_superseded(about.incident_id) is not None)


def _no_place_to_wait(alerts: AlertRepository, candidate: Candidate, placed: Accepted) -> LeftOut | None:
    """Why a source gets no further draft. What goes on about something, ends it or goes out by itself needs no place.

    What citizens report has a bound of its own (`reports/drafting.py`).
    """
    goes_on = placed.withdrawn or placed.ending or placed.of_others or placed.nowhere
    if candidate.source in (MANUAL, REPORTS) or placed.publish != "approve" or goes_on:
        return None
    if _had_posts(alerts, placed.previous, placed.thread):
        return None
    if has_place(candidate.alert, alerts.waiting_of(candidate.source)):
        return None
    return LeftOut(because("no_place_to_wait", source=candidate.source, most=MOST_WAITING))


def has_place(alert: Alert, waiting: Sequence[Severity]) -> bool:
    """True if one more may wait among those of its source, of its gravity."""
    return sum(is_grave(each) is is_grave(alert.severity) for each in waiting) < MOST_WAITING


def is_grave(severity: Severity) -> bool:
    """Severe or worse."""
    return severity.at_least(Severity.SEVERE)


def _known_already(
    alerts: AlertRepository, candidate: Candidate, station: Town, ending: EndReason | None
) -> LeftOut | None:
    alert, source, now = candidate.alert, candidate.source, candidate.now
    publish = _how_to_publish(candidate, station, ending)
    if later := replaced_before(alerts, alert, source, station, publish):
        return LeftOut(because("replaced_before_read", by=later.id))
    if newer := newer_than(alerts, alert, source, publish):
        return LeftOut(because("newer_read_before", by=newer.id))
    if (clash := clash_of(alerts, alert, source, station)) and clash.silences:
        return LeftOut(clash.reason)
    # An officer may mean the same words twice; what a newer message has replaced, nobody brings back by that.
    if candidate.again:
        return None
    return said_before(alerts, alert, source, publish, now) or merged_before(alerts, alert, source, now)


def _how_to_publish(candidate: Candidate, station: Town, ending: EndReason | None) -> Publish:
    """Return the mode of its source's rules, except for messages that need a review, such as one about others'."""
    if (
        candidate.of_others is not None
        or (candidate.hold and not candidate.let_out)
        or _only_in_words(candidate, ending)
    ):
        return "approve"
    return how_to_publish(candidate.alert, station.rules_for(candidate.source), ending)


def _only_in_words(candidate: Candidate, ending: EndReason | None) -> Reason | None:
    """Why an officer has to say whether it is an all clear, though its incident was let out before."""
    is_meant = ending is not None or candidate.source == MANUAL
    return IN_WORDS_ONLY if not is_meant and over_in_words(candidate.alert) else None


def _ending(candidate: Candidate, thread: Sequence[Post]) -> EndReason | None:
    """Why the incident is over by this message; an update that has run out itself is how some senders say so.

    That an alert was wrong, which waits for nobody, is an officer's word: a feed that writes it only cancels.
    """
    reason = end_reason(candidate.alert)
    if reason is None and _has_run_out(candidate) and is_open(thread):
        return EndReason.EXPIRED
    return EndReason.CANCELLED if reason is EndReason.CORRECTED and candidate.source != MANUAL else reason


def _has_run_out(candidate: Candidate) -> bool:
    """True for an update whose own time is past: as an end, it speaks for nobody but its sender."""
    return candidate.alert.msg_type is MsgType.UPDATE and candidate.alert.ends <= candidate.now


def _place(
    candidate: Candidate,
    station: Town,
    previous: StoredAlert | None,
    thread: tuple[Post, ...],
    ending: EndReason | None,
) -> Accepted | LeftOut:
    """Where it is, whether it is grave enough, and which channels have it to do."""
    alert, intake = candidate.alert, station.rules_for(candidate.source)
    names = _locate(alert, previous, intake, station, own=candidate.source == MANUAL)
    if isinstance(names, LeftOut):
        return names
    # A threshold holds for the first message alone: whoever read the alert has to read that it is less grave now.
    if not is_open(thread) and (left_out := grave_enough(alert, intake.severity)):
        return left_out
    publish = _how_to_publish(candidate, station, ending)
    if candidate.hold and not candidate.let_out and previous is not None and previous.state is AlertState.REJECTED:
        # An officer said no to what it goes on about: the same question isn't asked again.
        return LeftOut(because("follows_rejected", alert=previous.id))
    withdrawn = tuple(overtaken(thread, by_one_that_waits=publish != "auto"))
    if candidate.of_others is not None:
        withdrawn = tuple(post for post in withdrawn if post.alert_id in candidate.proposed)
    # What may be out can be kept from being said again, but not taken back: its readers are told what comes next.
    staying = tuple(post for post in thread if post not in withdrawn or post.is_doubtful)
    ends = ending is not None
    channels = choose_channels(alert, station, candidate.named, on=channels_on(staying) | candidate.reached, ends=ends)
    accepted = Accepted(
        publish,
        (),
        names,
        previous,
        ending,
        staying,
        withdrawn,
        reached=candidate.reached,
        of_others=candidate.of_others,
        hold=_only_in_words(candidate, ending),
    )
    if not isinstance(channels, LeftOut):
        return replace(accepted, channels=channels)
    if not withdrawn or previous is None or misfits(alert, station, candidate.named, channels_on(staying)):
        return channels
    nowhere = LeftOut(because("took_back_unsent", alert=previous.id)) if ends else channels
    return replace(accepted, nowhere=nowhere)


def _end_here(
    candidate: Candidate, station: Town, previous: StoredAlert | None, thread: tuple[Post, ...], why: LeftOut
) -> Accepted | LeftOut:
    """Withdraw what hasn't left, and end what is out: the incident goes on without us."""
    # Bare before it is placed: with no area of its own, it is where the message before it was.
    bare = replace(candidate, alert=without_words(candidate.alert, why, station.language))
    placed = _place(bare, station, previous, thread, EndReason.CANCELLED)
    if isinstance(placed, LeftOut):
        return placed
    nowhere = placed.nowhere and LeftOut(because("left_us", why=why.reason, then=placed.nowhere.reason))
    return replace(placed, retreat=why, nowhere=nowhere)


def _locate(
    alert: Alert, previous: StoredAlert | None, intake: SourceRules, station: Town, *, own: bool
) -> tuple[str, ...] | LeftOut:
    """The areas that lie here; a message without an area of its own is where the one before it was."""
    placed = alert if alert.areas or previous is None or previous.alert is None else previous.alert
    # What an officer tells in words alone is here: who else would know the place?
    return territory_of(station).locate(placed, any_area=intake.any_area or (own and is_in_words(placed)))


def retreats(
    alerts: AlertRepository,
    alert: Alert,
    previous: StoredAlert | None,
    station: Town,
    source: str,
    *,
    any_area: bool,
) -> LeftOut | None:
    """Return the reason why the message moves an open incident away from here. Returns None if it doesn't.

    It has to be the next version of the current one: one of several messages that split an alert among districts
    doesn't end the one that is for here.
    """
    if previous is None or not is_open(alerts.unsuperseded(previous.incident_id)) or not _goes_on(alert, previous):
        return None
    why = _why(alert, station, any_area=any_area)
    return why if why and _follows_what_stands(alerts, alert, previous, source) else None


def without_words(alert: Alert, why: LeftOut, language: str) -> Alert:
    """Return the message as a bare end, since its words are for others.

    Readers learn, in `language`, that it moved away.
    """
    note = NOT_HERE["fr" if language.lower().startswith("fr") else "en"] if isinstance(why, Elsewhere) else None
    return replace(alert, msg_type=MsgType.CANCEL, scope=Scope.PUBLIC, note=note, infos=())


def _goes_on(alert: Alert, previous: StoredAlert) -> bool:
    own = previous.alert is not None and previous.alert.identifier == alert.identifier
    is_version = alert.msg_type is MsgType.UPDATE or (own and alert.msg_type is MsgType.ALERT)
    return is_version and bool(alert.infos) and end_reason(alert) is None


def _why(alert: Alert, station: Town, *, any_area: bool) -> LeftOut | None:
    if alert.scope is not Scope.PUBLIC:
        return fit_for_people(alert)
    if fit_for_people(alert) or not alert.areas:
        return None
    located = territory_of(station).locate(alert, any_area=any_area)
    return located if isinstance(located, Elsewhere) else None


def _follows_what_stands(alerts: AlertRepository, alert: Alert, previous: StoredAlert, source: str) -> bool:
    """True if it follows the newest message of the incident that was accepted.

    A waiting message of another feed is a proposal: nobody knows it yet.
    """
    # A sender may go on under the same identifier or refer to the one before: either names it.
    known = {alert.identifier, *(reference.identifier for reference in alert.references)}
    taken_in = [
        stored
        for stored in alerts.incident(previous.incident_id)
        if stored.state is AlertState.ACCEPTED
        or (stored.state is AlertState.WAITING and stored.source in (source, MANUAL))
    ]
    newest = taken_in[-1].alert if taken_in else None
    return newest is not None and newest.identifier in known
