"""What rendering is told of the moment, and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerts.model.alert import Alert
from alerts.model.post import EndReason, Message
from alerts.model.reason import Reason


@dataclass(frozen=True, slots=True)
class Context:
    """The moment: what is known beside the alert.

    `incident` is the id its lasting page has. `now` is the time of rendering, aware. `reason` is why it ends (an `end`
    without one reads as expired). `previous` is what was said before: an update tells what changed against it, and an
    end that brings no words of its own (a CAP Cancel without info) is named after it. `area_names` are the station's
    names for the matched areas; they stand before the feed's. `first` is whether this is the first post of the incident
    on the channel, for the link policy `first` (None: a `publish` is). `strange` is whether a feed's words are among
    it: they call nobody, and link only where the post does.
    """

    incident: str
    now: datetime
    reason: EndReason | None = None
    previous: Alert | None = None
    exercise: bool = False
    area_names: tuple[str, ...] = ()
    first: bool | None = None
    strange: bool = False


@dataclass(frozen=True, slots=True)
class Rendered:
    """A post's words, fitted.

    `count` and `limit` are in the platform's own units. `cut` names the parts that were shortened or dropped, least
    important first; `warnings` is what the officer should look at before it goes out.
    """

    message: Message
    count: int
    limit: int
    cut: tuple[str, ...] = ()
    warnings: tuple[Reason, ...] = ()
