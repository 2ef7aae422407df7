"""The JSON objects of alerts and posts: the API answers them, `--json` prints them, people's lines are made of them.

Each object is one frozen class (`Out`), whose annotations are its schema in the API's document, and whose constructor
`of` says where each value comes from. Times are in the station's zone, reasons in its language. Outs of what people
say and of what they report are in their rooms (`alerts.listening.out`, `alerts.reports.out`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Self, overload

from pydantic import Field

from alerts.desk.approve import fingerprint
from alerts.desk.dedupe import already_published, end_reason
from alerts.desk.posts import DraftPost
from alerts.desk.unit import DeskUnit, with_limits
from alerts.desk.versions import digest_of, waiting
from alerts.model.alert import Alert, Info, Severity, Status
from alerts.model.incident import AlertState, PastEvent, StoredAlert
from alerts.model.listening import AnswerTo, GivenAnswer
from alerts.model.post import Post, PostKind, PostState
from alerts.model.reason import Reason, because
from alerts.model.reports import REPORTS
from alerts.model.town import Town
from alerts.rendering.i18n import reason_json, word
from alerts.store.unit import Unit

ReasonWords = Annotated[str | None, Field(description="In the station's language.")]
ReasonCode = Annotated[str | None, Field(description="The same as a code, which stays (docs/reasons.md).")]
_TEXTS = ("headline", "event", "description", "instruction", "audience", "contact", "sender_name", "web")
_ABOVE = ("source", "restriction", "note")
_OURS = "tocsin:"


class Out:
    """A JSON object. A subclass is a frozen dataclass; its fields are the object's keys, in order."""

    left_out: ClassVar[frozenset[str]] = frozenset()
    """The keys that are missing, rather than null, where there is nothing to say."""

    def as_json(self) -> dict[str, Any]:
        """The object for `json.dumps`."""
        return {
            name: as_json(value) for name, value in vars(self).items() if value is not None or name not in self.left_out
        }


@dataclass(frozen=True, kw_only=True)
class Versioned(Out):
    """The object of an act that no validation is bound to: its `fingerprint` is a digest of all its other keys."""

    fingerprint: Annotated[str, Field(description="Of all the rest: give it as `If-Match`.")] = ""

    def as_json(self) -> dict[str, Any]:
        """The object for `json.dumps`, with its fingerprint last."""
        rest = {name: value for name, value in super().as_json().items() if name != "fingerprint"}
        return {**rest, "fingerprint": sha256(json.dumps(rest, sort_keys=True, default=str).encode()).hexdigest()}


def as_json(value: object) -> object:
    """A field's value, with all `Out`s within as dictionaries."""
    # Nearly all are one of these; the check for a mapping, an abstract class, costs more than all the rest.
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Out):
        return value.as_json()
    if isinstance(value, tuple | list):
        return [as_json(each) for each in value]
    return dict(value) if isinstance(value, Mapping) else value


@overload
def spelled(town: Town, time: datetime, precision: str = ...) -> str: ...
@overload
def spelled(town: Town, time: datetime | None, precision: str = ...) -> str | None: ...
def spelled(town: Town, time: datetime | None, precision: str = "seconds") -> str | None:
    """A time as every JSON object has it: ISO 8601, in the town's zone."""
    return time.astimezone(town.zone).isoformat(timespec=precision) if time else None


def worded(town: Town, reason: Reason | None) -> dict[str, Any]:
    """The fields `reason` and `reason_code` of every JSON object that has them."""
    return dict(reason_json(reason, town.language, town.zone))


@dataclass(frozen=True)
class PostOut(Out):
    """One channel's job for an alert, and its result."""

    id: str
    channel: str
    kind: PostKind
    state: PostState
    text: Annotated[str, Field(description="What a reader sees.")]
    remote_id: str | None
    url: Annotated[str | None, Field(description="Where it is.")]
    attempts: int
    sent_at: str | None
    reason: ReasonWords
    reason_code: ReasonCode

    @classmethod
    def of(cls, town: Town, post: Post, **more: Any) -> Self:
        """One post; `more` are the fields of a subclass."""
        return cls(
            id=post.id,
            channel=post.channel,
            kind=post.kind,
            state=post.state,
            text=post.message.plain,
            remote_id=post.receipt.remote_id if post.receipt else None,
            url=post.receipt.url if post.receipt else None,
            attempts=post.tries,
            sent_at=spelled(town, post.sent_at, "milliseconds"),
            **worded(town, post.reason),
            **more,
        )


@dataclass(frozen=True)
class SaidWord(Out):
    """An element of the CAP message, by its name."""

    name: str
    words: str


@dataclass(frozen=True)
class SaidWords(Out):
    """The message's words in one language; null: the message names none."""

    language: str | None
    said: tuple[SaidWord, ...]


@dataclass(frozen=True)
class ToldSubscribers(Out):
    """The message to a channel's subscribers in one language."""

    channel: str
    language: str
    text: str
    link: str | None


@dataclass(frozen=True)
class ShownPicture(Out):
    """A picture of a post, in words."""

    channel: str
    alt: str


@dataclass(frozen=True)
class ShownLink(Out):
    """The address that a post leads to."""

    channel: str
    link: str


@dataclass(frozen=True)
class SameEvent(Out):
    """A message by which the public knows of the same event."""

    alert: str
    source: str


@dataclass(frozen=True)
class LetsOut(Out):
    """All that a validation lets out beside the texts of the posts."""

    words: tuple[SaidWords, ...]
    subscribers: tuple[ToldSubscribers, ...]
    pictures: tuple[ShownPicture, ...]
    links: tuple[ShownLink, ...]
    same_event: Annotated[
        tuple[SameEvent, ...], Field(description="What is out already: then `approve` takes `again`.")
    ]

    @classmethod
    def of(cls, alert: Alert, posts: Sequence[Post], twins: Sequence[StoredAlert]) -> Self:
        """Collect the alert's words and its posts; `twins` have published the same event already."""
        return cls(
            in_full(alert),
            tuple(
                ToldSubscribers(post.channel, language, message.plain, message.link)
                for post in posts
                for language, message in post.subscribers.items()
            ),
            tuple(ShownPicture(post.channel, post.message.image.alt) for post in posts if post.message.image),
            tuple(ShownLink(post.channel, post.message.link) for post in posts if post.message.link),
            tuple(SameEvent(twin.id, twin.source) for twin in twins),
        )


def in_full(alert: Alert) -> tuple[SaidWords, ...]:
    """Return all that a validation of the alert publishes besides its posts, by language, in the order of reading."""
    above = tuple(SaidWord(name, words) for name in _ABOVE if (words := getattr(alert, name)))
    texts = [SaidWords(info.language, tuple(_said(info))) for info in alert.infos]
    return (*([SaidWords(None, above)] if above else []), *texts)


def _said(info: Info) -> Iterator[SaidWord]:
    for name in _TEXTS:
        if words := getattr(info, name):
            yield SaidWord(name, words)
    for each in info.resources:
        # Where a picture lies on this machine is nobody's business outside.
        address = "" if (each.uri or "").startswith("file:") else each.uri or ""
        yield SaidWord("picture", " ".join(filter(None, (each.description, address))))
    for pair in (*info.event_codes, *info.parameters):
        if not pair.name.startswith(_OURS):
            yield SaidWord("parameter", f"{pair.name}: {pair.value}")
    for area in dict.fromkeys(area.description for area in info.areas):
        yield SaidWord("area", area)


@dataclass(frozen=True)
class LaterOut(Out):
    """A later message of an alert's incident, and what it makes of the alert."""

    alert: str
    what: Annotated[
        str, Field(description="`update`, or how it ends: `all_clear`, `expired`, `cancelled` or `corrected`.")
    ]
    state: AlertState
    at: str
    reason: Annotated[str | None, Field(description="Why, in its author's words.")]


@dataclass(frozen=True)
class AlertHead(Out):
    """The beginning of every object that shows an alert."""

    alert: Annotated[str, Field(description="Its id: it names these exact texts, which never change.")]
    incident: Annotated[str, Field(description="What it shares with its updates and its end.")]
    identifier: Annotated[
        str | None, Field(description="CAP's identifier; null for an entry of a feed that could not be read.")
    ]
    follows: Annotated[
        str | None,
        Field(description="CAP's identifier of the message that this one goes on from; null: it begins its incident."),
    ]
    status: Status | None
    state: AlertState
    reason: ReasonWords
    reason_code: ReasonCode
    severity: Severity
    headline: str | None
    expires: str | None
    author: str | None
    fingerprint: Annotated[
        str, Field(description="What a validation is bound to: the message, each post's words and picture.")
    ]


def _head(town: Town, stored: StoredAlert, posts: Sequence[Post]) -> dict[str, Any]:
    """The fields of `AlertHead`."""
    alert = stored.alert
    info = alert.info_for(town.language) if alert else None
    return {
        "alert": stored.id,
        "incident": stored.incident_id,
        "identifier": alert.identifier if alert else None,
        "follows": alert.references[-1].identifier if alert and alert.references else None,
        "status": alert.status if alert else None,
        "state": stored.state,
        **worded(town, stored.reason),
        "severity": stored.severity,
        "headline": (info.headline or info.event) if info else None,
        "expires": spelled(town, alert.expires if alert else None),
        "author": stored.author,
        "fingerprint": fingerprint(stored, posts),
    }


@dataclass(frozen=True)
class AlertOut(AlertHead):
    """An alert with its posts."""

    left_out = frozenset({"lets_out", "drafted_from", "then"})

    posts: tuple[PostOut, ...]
    lets_out: Annotated[LetsOut | None, Field(description="Where it waits: all that a validation lets out beside.")] = (
        None
    )
    drafted_from: Annotated[
        tuple[str, ...] | None,
        Field(
            description="Where citizens' reports made it: their numbers, as a list or one alert by itself tells them."
        ),
    ] = None
    then: Annotated[
        tuple[LaterOut, ...] | None,
        Field(description="What was said since, oldest first, as one alert by itself tells it."),
    ] = None

    @classmethod
    def of(
        cls, unit: DeskUnit, stored: StoredAlert, posts: Sequence[Post] | None = None, twins: Sequence[StoredAlert] = ()
    ) -> Self:
        """Return an alert as it is stored, with `lets_out` if it waits.

        It may be made within the transaction that acts. `twins` have published the same event already.
        """
        town, alert = unit.desk.station, stored.alert
        posts = unit.alerts.posts_of(stored.id) if posts is None else posts
        waits = alert is not None and stored.state is AlertState.WAITING
        return cls(
            **_head(town, stored, posts),
            posts=tuple(PostOut.of(town, post) for post in posts),
            lets_out=LetsOut.of(alert, posts, twins) if alert and waits else None,
        )

    @classmethod
    def each(cls, unit: DeskUnit, stored_alerts: Sequence[StoredAlert]) -> list[Self]:
        """Of a list: also what holds back its posts in the queue, and the reports that it was drafted from."""
        # One question for all of them: `status --all` may show ten thousand.
        posts = with_limits(unit, unit.views.posts_by_alert([stored.id for stored in stored_alerts]))
        cited = _drafted_from(unit, stored_alerts)
        found = [cls.of(unit, stored, posts[stored.id]) for stored in stored_alerts]
        return [replace(each, drafted_from=cited[each.alert]) if each.alert in cited else each for each in found]

    @classmethod
    def alone(cls, unit: DeskUnit, stored: StoredAlert) -> Self:
        """Return one by itself: all of that, with other messages about the same event, and later acts."""
        [posts] = with_limits(unit, {stored.id: unit.alerts.posts_of(stored.id)}).values()
        # What validates an alert asks for them, and nothing else: they are looked for in all that is out.
        twins = already_published(unit.alerts, stored, unit.now) if stored.state is AlertState.WAITING else []
        cited = _drafted_from(unit, [stored]).get(stored.id)
        return replace(cls.of(unit, stored, posts, twins), drafted_from=cited, then=tuple(_later(unit, stored)))


def _drafted_from(unit: DeskUnit, stored_alerts: Sequence[StoredAlert]) -> dict[str, tuple[str, ...]]:
    """The numbers of the reports that made an alert, by its id."""
    made = [stored.id for stored in stored_alerts if stored.source == REPORTS]
    return {name: tuple(numbers) for name, numbers in unit.reports.drafted_from(made).items()} if made else {}


def _later(unit: DeskUnit, stored: StoredAlert) -> Iterator[LaterOut]:
    """The later messages of its incident that were let out or wait, oldest first."""
    incident = list(unit.alerts.incident(stored.incident_id))
    for each in incident[[one.id for one in incident].index(stored.id) + 1 :]:
        if each.alert is not None and each.state in (AlertState.ACCEPTED, AlertState.WAITING):
            what = str(end_reason(each.alert) or "update")
            at = spelled(unit.desk.station, each.received_at)
            yield LaterOut(each.id, what, each.state, at, each.alert.note)


@dataclass(frozen=True)
class RehearsedPost(PostOut):
    """A post that is only shown: `cut` are the parts that found no room, `warnings` what to look at."""

    count: int
    limit: int
    cut: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Rehearsal(AlertHead):
    """The decision that an alert would get; nothing was stored."""

    posts: tuple[RehearsedPost, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, town: Town, stored: StoredAlert, drafts: Sequence[DraftPost]) -> Self:
        """Return each post with its count, its cut parts, and its warnings."""
        return cls(
            **_head(town, stored, [made.post for made in drafts]),
            posts=tuple(
                RehearsedPost.of(
                    town,
                    made.post,
                    count=made.rendered.count,
                    limit=made.rendered.limit,
                    cut=made.rendered.cut,
                    warnings=tuple(word(each, town.language, town.zone) for each in made.rendered.warnings),
                )
                for made in drafts
            ),
            notes=tuple(word(note, town.language, town.zone) for note in stored.notes),
        )


@dataclass(frozen=True)
class HistoryEvent(Out):
    """One decision or attempt."""

    at: str
    alert: str
    channel: str | None
    post: str | None
    what: str
    reason: ReasonWords
    reason_code: ReasonCode

    @classmethod
    def of(cls, town: Town, event: PastEvent) -> Self:
        """One line of an alert's history."""
        at = spelled(town, event.at, "milliseconds")
        return cls(at, event.alert_id, event.channel, event.post_id, event.what, **worded(town, event.reason))


def with_reports(unit: DeskUnit, incident: str, events: Sequence[PastEvent]) -> list[PastEvent]:
    """An incident's history with the reports of citizens that each of its alerts was drafted from."""
    made = [stored for stored in unit.alerts.incident(incident) if stored.source == REPORTS]
    cited = unit.reports.drafted_from([stored.id for stored in made]) if made else {}
    reported = [
        PastEvent(
            each.received_at, each.id, None, None, "drafted", because("drafted_of_reports", reports=cited[each.id])
        )
        for each in made
        if each.id in cited
    ]
    return sorted([*reported, *events], key=lambda event: event.at) if reported else list(events)


@dataclass(frozen=True)
class VersionOut(Out):
    """An officer's own words that wait for a second person."""

    answer: str
    to: AnswerTo
    subject: Annotated[str, Field(description="The id of the question, poll or report.")]
    text: str
    author: str
    asked: Annotated[str | None, Field(description="The question as everybody reads it then.")]
    incident: Annotated[str | None, Field(description="On whose page it stands then.")]
    next: Annotated[bool, Field(description="Whoever asks it later is answered automatically then.")]
    everywhere: Annotated[bool, Field(description="It is also said on the alert's other channels then.")]
    fingerprint: Annotated[str, Field(description="What a validation is bound to: give it as `seen`.")]

    @classmethod
    def of(cls, version: GivenAnswer) -> Self:
        """A version with all that a validation lets out by it."""
        return cls(
            answer=version.id,
            to=version.to,
            subject=version.subject,
            text=version.text,
            author=version.author,
            asked=version.asked,
            incident=version.incident,
            next=version.next_ones,
            everywhere=version.everywhere,
            fingerprint=digest_of(version),
        )

    @classmethod
    def waiting(cls, unit: Unit, subject: str) -> Self | None:
        """The version of that question, poll or report that waits; None: none does."""
        waits = waiting(unit, subject)
        return cls.of(waits) if waits is not None else None
