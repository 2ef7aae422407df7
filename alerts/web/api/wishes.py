"""What programs may ask: the bodies of their requests, strict: an unknown key is an error, no control characters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from alerts.model.alert import Category, Certainty, Severity, Urgency

_LINE = r"^[^\x00-\x1f\x7f-\x9f]+$"
_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]+$"

Line = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_LINE)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_LINE)]
Lines = Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=_LINES)]
Moment = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=_LINE)]
Address = Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[^\s/\x00-\x1f]+[^\s\x00-\x1f]*$")]
Tag = Annotated[str, StringConstraints(max_length=35, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


_BASE64_OF_5_MIB = 6_990_508
Base64 = Annotated[
    str,
    StringConstraints(min_length=4, max_length=_BASE64_OF_5_MIB, pattern=r"^[A-Za-z0-9+/]+={0,2}$"),
    Field(json_schema_extra={"contentEncoding": "base64"}),
]


class Wish(BaseModel):
    """A request's body."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Picture(Wish):
    """A picture beside the alert, and what it shows in words."""

    type: Literal["image/jpeg", "image/png"]
    data: Base64 = Field(description="The file in base64, on one line; up to 5 MiB before.")
    alt: Line = Field(description="What the picture shows, for those who don't see it.")


class Words(Wish):
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


class PostWish(Words):
    """A new alert."""

    headline: Line = Field(description="What happens, in one line.")
    exercise: bool = Field(False, description="An exercise: for exercise channels alone.")


class UpdateWish(Words):
    """The next version of an alert: what isn't said stays as it was."""

    headline: Line | None = Field(None, description="What happens, in one line.")


class EndWish(Wish):
    """Why an alert no longer holds."""

    reason: Lines | None = Field(None, description="Told to the readers.")
    over: bool = Field(False, description="What it told of is over (all clear), rather than it no longer holds.")
    dry_run: bool = Field(False, description="Show each channel's text; store nothing.")


class CorrectWish(Wish):
    """What was wrong with an alert."""

    reason: Lines | None = Field(None, description="What is right; told to the readers.")
    dry_run: bool = Field(False, description="Show each channel's text; store nothing.")


class ApproveWish(Wish):
    """What was looked at before it was validated."""

    seen: Fingerprint | None = Field(None, description="The `fingerprint` of the alert as it was shown.")
    again: bool = Field(False, description="Publish it though the same event is out already.")


class RejectWish(Wish):
    """Why it shall not go out."""

    reason: Lines | None = Field(None, description="Told to its author.")


class NoWish(Wish):
    """Nothing to say: an empty body will do."""


class Paging(BaseModel):
    """Which part of a list: query parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=200)] = Field(50, description="At most so many.")


class NoQuery(BaseModel):
    """No query parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)
