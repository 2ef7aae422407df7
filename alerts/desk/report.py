"""An incident's report: who did what when, each channel's posts, the times, and everything left out.

It is made from the store, so it can be made again at any time. Its formats (text, HTML, JSON) add nothing to it.
`report_to_json` gives every field under its own name, as docs/report.md describes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from alerts.desk.approve import find_alert
from alerts.desk.heard_report import ReportHeard, heard_about
from alerts.desk.routing import PRACTICE
from alerts.desk.unit import DeskUnit, spending_of
from alerts.model.alert import Info, Severity
from alerts.model.incident import AlertState, Archived, PastEvent, StoredAlert
from alerts.model.post import Post, PostState
from alerts.model.reason import Reason, because, in_words
from alerts.model.town import ChannelConfig
from alerts.rendering.i18n import reason_json, word

# How many lines of the audit log are read for one alert or post: more than a day of one incident ever had.
_LINES = 500
_SEND = "send"
# The final states of posts that readers never got.
_UNSAID = (PostState.EXPIRED, PostState.SUPERSEDED, PostState.REJECTED, PostState.DROPPED, PostState.FAILED)


@dataclass(frozen=True, slots=True)
class ReportVersion:
    """One message of the incident, as it came in; `number` counts from 1 in the order of storing.

    The texts are those in the town's language, empty if the message has none. `sent` is the sender's own time,
    `received_at` ours and `validated_at` when somebody released it, or its veto ended. None means that the message
    lacks the field, or that it didn't happen.
    """

    number: int
    alert: str
    identifier: str | None
    source: str
    sender: str | None
    author: str | None
    state: AlertState
    reason: Reason | None
    status: str | None
    kind: str | None
    event: str
    severity: str
    urgency: str
    certainty: str
    headline: str
    description: str
    instruction: str
    web: str | None
    areas: tuple[str, ...]
    onset: datetime | None
    expires: datetime | None
    sent: datetime | None
    received_at: datetime
    validated_at: datetime | None
    notes: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Delays:
    """How long one post took. None: it never came to that, or nobody knows.

    `received` from the sender's own time to ours; `validated` from there to the validation; `left` from there (or from
    the taking in) to the first attempt; `answered` from the last attempt to the platform's answer; `whole` from the
    taking in to that answer.
    """

    received: timedelta | None = None
    validated: timedelta | None = None
    left: timedelta | None = None
    answered: timedelta | None = None
    whole: timedelta | None = None


@dataclass(frozen=True, slots=True)
class ReportPost:
    """One channel's post for one version, and its result; `picture` is its text alternative.

    `reactions` are people's signs, with their numbers, if the platform gives them to a listener. `cost` is in euros;
    None: it costs nothing, or that isn't known any more.
    """

    post: str
    version: int
    channel: str
    kind: str
    means: str
    state: PostState
    text: str
    link: str | None
    picture: str | None
    remote_id: str | None
    url: str | None
    reason: Reason | None
    attempts: int
    exercise: bool
    warnings: tuple[Reason, ...]
    stored_at: datetime
    left_at: datetime | None
    answered_at: datetime | None
    delays: Delays
    reactions: Mapping[str, int] = field(default_factory=dict)
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A line of the audit log about this incident: who, as what, by which way in, from where, did what."""

    at: datetime
    who: str
    role: str
    origin: str
    address: str
    what: str
    version: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """A decision of the desk or an attempt of a channel, with its reason."""

    at: datetime
    version: int
    channel: str | None
    what: str
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Unsaid:
    """An omission: a version, a post of it, or a channel without a post; and the reason."""

    version: int | None
    channel: str | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Report:
    """All of one incident, in the order of time; the times are aware. `heard` is None where nothing was heard."""

    incident: str
    station: str
    made_at: datetime
    headline: str
    exercise: bool
    versions: tuple[ReportVersion, ...]
    posts: tuple[ReportPost, ...]
    deeds: tuple[ReportLine, ...]
    steps: tuple[TimelineStep, ...]
    unsaid: tuple[Unsaid, ...]
    heard: ReportHeard | None = None


def report_of(unit: DeskUnit, incident: str) -> Report:
    """The report of an incident, which has at least one message."""
    alerts, views = unit.alerts, unit.views
    return _made(unit, Archived(incident, alerts.incident(incident), alerts.thread(incident), views.history(incident)))


def report_named(unit: DeskUnit, name: str) -> Report:
    """Return the report of the incident of that name, even if it was pruned. Raises Misuse."""
    kept = unit.archive.find(name)
    # A feed may have told it again after it was pruned, under the same id: then what is stored says more.
    if kept is not None and not unit.alerts.incident(kept.incident):
        return _made(unit, kept)
    return report_of(unit, find_alert(unit.alerts, name).incident_id)


def _made(unit: DeskUnit, kept: Archived) -> Report:
    station, incident = unit.desk.station, kept.incident
    messages, posts, events = kept.stored_alerts, kept.posts, kept.events
    versions = tuple(_versions(messages, events, station.language))
    numbers = {version.alert: version.number for version in versions}
    exercise = any(stored.alert and stored.alert.status in PRACTICE for stored in messages)
    return Report(
        incident=incident,
        station=station.name,
        made_at=unit.now,
        headline=next((version.headline for version in reversed(versions) if version.headline), ""),
        exercise=exercise,
        versions=versions,
        posts=tuple(_report_post(unit, post, versions[numbers[post.alert_id] - 1], events) for post in posts),
        deeds=tuple(_deeds(unit, numbers, posts)),
        steps=tuple(TimelineStep(e.at, numbers[e.alert_id], e.channel, e.what, e.reason) for e in events),
        unsaid=(
            *_left_out(versions),
            *_never_out(posts, versions, numbers),
            *_no_posts(events, numbers),
            *_passed_over([*station.channels.values()], posts, versions),
        ),
        heard=heard_about(unit, incident) if station.listens else None,
    )


def _versions(messages: Sequence[StoredAlert], events: Sequence[PastEvent], language: str) -> Iterator[ReportVersion]:
    for number, stored in enumerate(messages, start=1):
        alert = stored.alert
        info = (alert.info_for(language) if alert else None) or Info("")
        yield ReportVersion(
            number=number,
            alert=stored.id,
            identifier=alert.identifier if alert else None,
            source=stored.source,
            sender=alert.sender if alert else None,
            author=stored.author,
            state=stored.state,
            reason=stored.reason,
            status=alert.status if alert else None,
            kind=alert.msg_type if alert else None,
            event=info.event,
            severity=stored.severity,
            urgency=info.urgency,
            certainty=info.certainty,
            headline=info.headline or info.event,
            description=info.description or "",
            instruction=info.instruction or "",
            web=info.web,
            areas=tuple(area.description for area in alert.areas) if alert else (),
            onset=info.onset,
            expires=alert.expires if alert else None,
            sent=alert.sent if alert else None,
            received_at=stored.received_at,
            validated_at=_validated_at(stored, events),
            notes=stored.notes,
        )


def _validated_at(stored: StoredAlert, events: Sequence[PastEvent]) -> datetime | None:
    """When it was let go: by somebody, or by the time in which nobody stopped it."""
    let_go = ("approved", PostState.QUEUED)
    waited = any(e.alert_id == stored.id and e.post_id is None and e.what == AlertState.WAITING for e in events)
    return next((e.at for e in events if waited and e.alert_id == stored.id and e.what in let_go), None)


def _report_post(unit: DeskUnit, post: Post, version: ReportVersion, events: Sequence[PastEvent]) -> ReportPost:
    own = [event for event in events if event.post_id == post.id]
    left_at = next((event.at for event in own if event.what == _SEND), None)
    answered_at = _answered_at(post, own)
    channel, remote_id = unit.desk.station.channels.get(post.channel), post.receipt.remote_id if post.receipt else None
    is_heard = remote_id is not None and post.channel in unit.desk.station.hearing
    is_paid = channel is not None and channel.price is not None
    return ReportPost(
        post=post.id,
        version=version.number,
        channel=post.channel,
        kind=post.kind,
        means=post.means,
        state=post.state,
        text=post.message.plain,
        link=post.message.link,
        picture=post.message.image.alt if post.message.image else None,
        remote_id=remote_id,
        url=post.receipt.url if post.receipt else None,
        reason=post.reason,
        attempts=post.tries,
        exercise=post.exercise,
        warnings=post.warnings,
        stored_at=post.stored_at,
        left_at=left_at,
        answered_at=answered_at,
        delays=Delays(
            received=_between(version.sent, version.received_at),
            validated=_between(version.received_at, version.validated_at),
            left=_between(version.validated_at or version.received_at, left_at),
            answered=_between(post.sent_at, answered_at),
            whole=_between(version.received_at, answered_at),
        ),
        reactions=unit.listening.reactions(post.channel, remote_id or "") if is_heard else {},
        cost=spending_of(unit.views, post.channel).of(post.id) if is_paid else None,
    )


def _answered_at(post: Post, own: Sequence[PastEvent]) -> datetime | None:
    """When the platform's receipt came: the attempt that ended with the id that the post has there."""
    if post.state is not PostState.SENT or post.receipt is None:
        return None
    remote_id = post.receipt.remote_id
    return next((event.at for event in reversed(own) if event.remote_id == remote_id), None)


def _between(start: datetime | None, end: datetime | None) -> timedelta | None:
    """A span of time, never below nothing: a sender's clock may be ahead of ours."""
    return max(end - start, timedelta()) if start and end else None


def _deeds(unit: DeskUnit, numbers: Mapping[str, int], posts: Sequence[Post]) -> list[ReportLine]:
    of = {**numbers, **{post.id: numbers[post.alert_id] for post in posts}}
    # The audit log has lines by the alert and by its posts: both belong to the incident.
    lines = [line for subject in of for line in unit.audit.newest(subject=subject, most=_LINES)]
    return [
        ReportLine(e.at, e.actor, e.role, e.origin, e.address, e.act, of.get(e.subject), e.detail)
        for e in (line.entry for line in sorted(lines, key=lambda line: line.seq))
    ]


def _left_out(versions: Sequence[ReportVersion]) -> Iterator[Unsaid]:
    for version in versions:
        if version.state in (AlertState.LEFT_OUT, AlertState.REJECTED):
            yield Unsaid(version.number, None, version.reason or because("not_told"))


def _never_out(
    posts: Sequence[Post], versions: Sequence[ReportVersion], numbers: Mapping[str, int]
) -> Iterator[Unsaid]:
    """Yield the posts that never went out, of versions that did elsewhere: the others are listed already."""
    for post in posts:
        number = numbers[post.alert_id]
        if post.state in _UNSAID and versions[number - 1].state is AlertState.ACCEPTED:
            yield Unsaid(number, post.channel, post.reason or because("not_told"))


def _no_posts(events: Sequence[PastEvent], numbers: Mapping[str, int]) -> Iterator[Unsaid]:
    """Yield the desk's decisions against a post on one channel, recorded as `channel: why`."""
    for event in events:
        if event.what == "no_post":
            channel, why = no_post_of(event)
            yield Unsaid(numbers[event.alert_id], channel, why)


def no_post_of(event: PastEvent) -> tuple[str, Reason]:
    """The channel that got no post by a decision of that name, and why; a row of before says `channel: why`."""
    reason = event.reason or because("not_told")
    why = reason["why"]
    if isinstance(why, Reason):
        return str(reason["channel"]), why
    channel, _, said = str(reason).partition(": ")
    return channel, in_words(said)


def _passed_over(
    channels: Sequence[ChannelConfig], posts: Sequence[Post], versions: Sequence[ReportVersion]
) -> Iterator[Unsaid]:
    """The channels for the public that had no post at all, though alerts of this kind may go there."""
    asked, practice = {post.channel for post in posts}, any(post.exercise for post in posts)
    gravest = max((Severity(version.severity) for version in versions), key=lambda each: each.rank)
    for channel in channels:
        if posts and channel.public and channel.exercise is practice and channel.name not in asked:
            slight = not gravest.at_least(channel.severity)
            taken = because("channel_takes_worse", least=channel.severity, severity=gravest)
            why = taken if slight else because("not_chosen")
            yield Unsaid(None, channel.name, why)


def report_to_json(report: Report, zone: tzinfo, language: str) -> dict[str, Any]:
    """Every field under its own name; times in the station's zone, spans in seconds, reasons in its language too."""
    return _fields(report, zone, language)


def _fields(part: Any, zone: tzinfo, language: str) -> dict[str, Any]:
    """Return the fields of a dataclass; a reason in words is followed by its code."""
    spelled: dict[str, Any] = {}
    for name in (each.name for each in fields(part)):
        value = getattr(part, name)
        if name == "reason":
            spelled |= reason_json(value, language, zone)
        else:
            spelled[name] = _spelled(value, zone, language)
    return spelled


def _spelled(value: Any, zone: tzinfo, language: str) -> Any:
    if isinstance(value, Reason):
        return word(value, language, zone)
    if is_dataclass(value):
        return _fields(value, zone, language)
    match value:
        case tuple() | list():
            return [_spelled(each, zone, language) for each in value]
        case datetime():
            return value.astimezone(zone).isoformat(timespec="milliseconds")
        case timedelta():
            return round(value.total_seconds(), 3)
        case str():
            return str(value)
        case _:
            return value
