"""What programs are answered: the models of which the document's schemas are made. Times are in the station's zone."""

from __future__ import annotations

from pydantic import BaseModel, Field

from alerts.model.alert import Severity, Status
from alerts.model.incident import AlertState
from alerts.model.person import Act, Origin, Role
from alerts.model.post import PostKind, PostState


class PostAccount(BaseModel):
    """What one channel was asked to do for an alert, and what came of it."""

    id: str
    channel: str
    kind: PostKind
    state: PostState
    text: str = Field(description="What a reader sees.")
    remote_id: str | None
    url: str | None = Field(description="Where it is.")
    attempts: int
    sent_at: str | None
    reason: str | None = Field(description="In the station's language.")
    reason_code: str | None = Field(description="The same as a code, which stays (docs/reasons.md).")


class AlertHead(BaseModel):
    """What an alert's account begins with."""

    alert: str = Field(description="Its id: it names these exact texts, which never change.")
    incident: str = Field(description="What it shares with its updates and its end.")
    identifier: str | None = Field(description="CAP's identifier; null for an entry of a feed that could not be read.")
    follows: str | None = Field(
        description="CAP's identifier of the message that this one goes on from; null: it begins its incident."
    )
    status: Status | None
    state: AlertState
    reason: str | None = Field(description="In the station's language.")
    reason_code: str | None = Field(description="The same as a code, which stays (docs/reasons.md).")
    severity: Severity
    headline: str | None
    expires: str | None
    author: str | None
    fingerprint: str = Field(description="What a validation is bound to: the message, each post's words and picture.")


class SaidWord(BaseModel):
    """An element of the CAP message, by its name."""

    name: str
    words: str


class SaidWords(BaseModel):
    """What the message says in one language; null: in none of its own."""

    language: str | None
    said: list[SaidWord]


class ToldSubscribers(BaseModel):
    """What those who subscribed to a channel are told in one language."""

    channel: str
    language: str
    text: str
    link: str | None


class ShownPicture(BaseModel):
    """A picture of a post, in words."""

    channel: str
    alt: str


class ShownLink(BaseModel):
    """The address that a post leads to."""

    channel: str
    link: str


class SameEvent(BaseModel):
    """A message by which the public knows of the same event."""

    alert: str
    source: str


class LetsOut(BaseModel):
    """All that a validation lets out beside the texts of the posts."""

    words: list[SaidWords]
    subscribers: list[ToldSubscribers]
    pictures: list[ShownPicture]
    links: list[ShownLink]
    same_event: list[SameEvent] = Field(description="What is out already: then `approve` takes `again`.")


class AlertAccount(AlertHead):
    """An alert with its posts."""

    posts: list[PostAccount]
    lets_out: LetsOut | None = Field(None, description="Where it waits: all that a validation lets out beside.")


class RehearsedPost(PostAccount):
    """A post that is only shown: `cut` are the parts that found no room, `warnings` what to look at."""

    count: int
    limit: int
    cut: list[str]
    warnings: list[str]


class Rehearsal(AlertHead):
    """What would become of an alert; nothing was stored."""

    posts: list[RehearsedPost]
    notes: list[str]


class AlertPage(BaseModel):
    """A part of the list of alerts, newest first; `next` is the `before` of the part that follows."""

    alerts: list[AlertAccount]
    next: str | None


class HistoryEvent(BaseModel):
    """One decision or attempt."""

    at: str
    alert: str
    channel: str | None
    post: str | None
    what: str
    reason: str | None = Field(description="In the station's language.")
    reason_code: str | None = Field(description="The same as a code, which stays (docs/reasons.md).")


class History(BaseModel):
    """Every decision and attempt of an alert's incident, in the order of time."""

    incident: str
    events: list[HistoryEvent]


class SourceAccount(BaseModel):
    """How a source is doing, and how old that knowledge is."""

    source: str
    state: str = Field(description="`ok`, `failing` or `quiet`")
    last_ok: str | None
    reason: str | None = Field(description="In the station's language.")
    reason_code: str | None = Field(description="The same as a code, which stays (docs/reasons.md).")


class ChannelAccount(BaseModel):
    """How a channel is doing; `left` is what is left of each window of its limits."""

    channel: str
    state: str = Field(description="`ok`, `blocked` or `failing`")
    left: dict[str, int]
    reserve: int
    queued: int
    reason: str | None = Field(description="In the station's language.")
    reason_code: str | None = Field(description="The same as a code, which stays (docs/reasons.md).")
    followers: int | None


class Sources(BaseModel):
    """Every source."""

    sources: list[SourceAccount]


class Channels(BaseModel):
    """Every channel."""

    channels: list[ChannelAccount]


class Overview(BaseModel):
    """What is on, waiting, failed or in doubt, oldest first; then each source and each channel."""

    alerts: list[AlertAccount]
    sources: list[SourceAccount]
    channels: list[ChannelAccount]


class AuditLine(BaseModel):
    """One line of the record of who did what; `digest` covers `previous` and every field."""

    seq: int
    at: str
    actor: str
    role: str
    origin: str
    address: str
    act: str
    subject: str
    detail: str
    previous: str
    digest: str


class AuditPage(BaseModel):
    """A part of the record, newest first; `next` is the `before` of the part that follows."""

    entries: list[AuditLine]
    next: int | None


class Me(BaseModel):
    """Who asks, and what they may do."""

    name: str
    role: Role
    origin: Origin
    may: list[Act]


class Document(BaseModel):
    """An OpenAPI 3.1 document."""

    openapi: str
    info: dict[str, object]
    paths: dict[str, object]
    components: dict[str, object]


class FaultAccount(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="The key or parameter; empty: the whole of it.")
    what: str
    allowed: str | None


class ProblemAccount(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="`urn:problem-type:tocsin:` and the kind of problem.")
    title: str
    status: int
    detail: str = Field(description="The cause, then the fix.")
    errors: list[FaultAccount] | None = Field(None, description="Everything that is wrong with the request.")
