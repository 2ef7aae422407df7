"""Programs' requests and answers: the models that requests are read with, and that the document describes.

The first half are wishes, the bodies and queries of requests. They are strict: an unknown key is an error, and so is a
control character. The second half are accounts, the bodies of answers; times in them are in the town's zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from alerts.desk.act import Line, Lines, Moment, Name
from alerts.desk.out import AlertOut, HistoryEvent, Out
from alerts.desk.status_out import ChannelOut, SourceOut
from alerts.model.alert import Category, Certainty, Severity, Urgency
from alerts.model.incident import AlertState
from alerts.model.person import Act, Origin, Role
from alerts.model.post import PostState

# The address goes into posts as it is, so a blank would end it there.
Address = Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[^\s/\x00-\x1f]+[^\s\x00-\x1f]*$")]
Tag = Annotated[str, StringConstraints(max_length=35, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]

# The desk's largest picture (`alerts.desk.draft.LARGEST_PICTURE`) in base64.
_BASE64_OF_5_MIB = 6_990_508
Base64 = Annotated[
    str,
    StringConstraints(min_length=4, max_length=_BASE64_OF_5_MIB, pattern=r"^[A-Za-z0-9+/]+={0,2}$"),
    Field(json_schema_extra={"contentEncoding": "base64"}),
]


# The greatest number that SQLite gives a line.
_LAST_LINE = 2**63 - 1


class RequestBody(BaseModel):
    """A request's body."""

    # Strict: what isn't quite what is meant ("yes" for true, a number for a text) is a program's mistake, and is told.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Picture(RequestBody):
    """A picture beside the alert, and what it shows in words."""

    type: Literal["image/jpeg", "image/png"]
    data: Base64 = Field(description="The file in base64, on one line; up to 5 MiB before.")
    alt: Line = Field(description="What the picture shows, for those who don't see it.")


class AlertWords(RequestBody):
    """An alert's words and times, under CAP's names. Times: `6h`, `18:30`, or `2026-11-25T18:00` (the station's)."""

    description: Lines | None = Field(None, description="More of it.")
    instruction: Lines | None = Field(None, description="What to do: it is never cut.")
    event: Line | None = Field(None, description="The kind of event, in a word or two.")
    category: Category | None = None
    severity: Severity | None = Field(None, description="Moderate unless told.")
    urgency: Urgency | None = Field(None, description="Expected unless told.")
    certainty: Certainty | None = Field(None, description="Likely unless told.")
    onset: Moment | None = Field(None, description="When it starts.")
    expires: Moment | None = Field(None, description="When it is over: in 12 hours unless told.")
    areas: Annotated[tuple[Name, ...], Field(max_length=100)] = Field(
        (), description="Names or codes of districts, or `all`; untold, it goes to everybody and names no place."
    )
    web: Address | None = Field(None, description="The town's page about it.")
    lang: Tag | None = Field(None, description="The text's language, if not the station's.")
    picture: Picture | None = None
    channels: Annotated[tuple[Name, ...], Field(max_length=50)] = Field(
        (), description="Only these channels; else those that the routing names, or for an update those of its alert."
    )
    again: bool = Field(False, description="Post it though the same words went out within the last 10 minutes.")
    dry_run: bool = Field(False, description="Show each channel's text; store nothing.")


class PostWish(AlertWords):
    """A new alert."""

    headline: Line = Field(description="What happens, in one line.")
    exercise: bool = Field(False, description="An exercise: for exercise channels alone.")


class UpdateWish(AlertWords):
    """The next version of an alert: what isn't said stays as it was."""

    headline: Line | None = Field(None, description="What happens, in one line.")


class NoWish(RequestBody):
    """Nothing to say: an empty body will do."""


class Paging(BaseModel):
    """Which part of a list: query parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=200)] = Field(50, description="At most so many.")


class Filters(Paging):
    """Which alerts a list shows."""

    before: Annotated[str, StringConstraints(min_length=1, max_length=26)] | None = Field(
        None, description="The id of an alert: those from before it."
    )
    state: AlertState | None = None
    post_state: PostState | None = Field(None, description="Those that have a post in this state.")
    source: Name | None = Field(None, description="The name of a source; `manual` is what officers wrote.")
    q: Name | None = Field(None, description="Words of the headline, or a part of the id or identifier.")


class AuditFilters(Paging):
    """Which lines of the audit log a list shows."""

    before: Annotated[int, Field(ge=1, le=_LAST_LINE)] | None = Field(
        None, description="The number of a line: those from before it."
    )
    subject: Name | None = Field(None, description="An alert's id, a post's or a name.")


class NoQuery(BaseModel):
    """No query parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class AlertPage(Out):
    """A part of the list of alerts, newest first; `next` is the `before` of the part that follows."""

    alerts: Sequence[AlertOut]
    next: str | None


@dataclass(frozen=True)
class History(Out):
    """Every decision and attempt of an alert's incident, in the order of time."""

    incident: str
    events: Sequence[HistoryEvent]


@dataclass(frozen=True)
class Sources(Out):
    """Every source."""

    sources: Sequence[SourceOut]


@dataclass(frozen=True)
class Channels(Out):
    """Every channel."""

    channels: Sequence[ChannelOut]


class AuditLine(BaseModel):
    """One line of the audit log: who did what; `digest` covers `previous` and every field."""

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
    """A part of the audit log, newest first; `next` is the `before` of the part that follows."""

    entries: list[AuditLine]
    next: int | None


class Me(BaseModel):
    """The caller, with role and permissions."""

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
    """A problem (RFC 9457)."""

    type: str = Field(description="`urn:problem-type:tocsin:` and the kind of problem.")
    title: str
    status: int
    detail: str = Field(description="The cause, then the fix.")
    errors: list[FaultAccount] | None = Field(None, description="Everything that is wrong with the request.")
