"""The records that the desk stores: each alert with its decision, its history, and officers' drafts.

The ids of alerts, posts and incidents are short enough to be read over a telephone, and long enough never to collide
(`new_id`, `id_of`).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from alerts.model.alert import Alert, Severity
from alerts.model.post import Post, PostState
from alerts.model.reason import Reason

MANUAL = "manual"
"""The source of what a duty officer enters: meant as it is entered, so never merged with anything by itself."""
CLASHES = "conflict"
"""The decision reported to those on call when two messages share one sender and identifier."""
OWN_NOTICES = "tocsin"
"""The source of Tocsin's own notices to those on call: kept and sent like alerts, and counted among none."""
EVERYTHING = ""
"""In place of an incident: so much changed that everything must be read again."""
MOST_CHANGES = 200
"""If more incidents than this change at once, they are reported as `EVERYTHING`."""
Typed = str | tuple[str, ...]
_ID_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
# Sixty bits: read out over a telephone, and unique among all alerts of a town's life.
ID_LENGTH = 12


class AlertState(StrEnum):
    """The desk's decision on a message."""

    ACCEPTED = "accepted"
    WAITING = "waiting"
    LEFT_OUT = "left_out"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A decision not to publish, with its reason: the same in console, `--json` and log."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """A stored message: the alert, its state and the reason for it.

    `alert` is None for an entry that could not be read; `incident_id` is shared by the alerts that update one another.
    `author` wrote it at the desk; None for an alert from a feed, and for rows older than authors. `content_key` is
    equal for the same words under another identifier, `topic` for the same event in the same areas.
    """

    id: str
    incident_id: str
    source: str
    alert: Alert | None
    state: AlertState
    received_at: datetime
    reason: Reason | None = None
    content_key: str | None = None
    notes: tuple[Reason, ...] = ()
    topic: str | None = None
    author: str | None = None

    @property
    def mailed_by(self) -> tuple[str, ...]:
        """Whoever wrote the mail that it is a draft of: by name, by address, and by that without its domain."""
        for each in self.notes:
            if each.code == "mailbox_from":
                address = str(each["address"])
                return str(each["writer"]), address, address.partition("@")[0]
        return ()

    @property
    def severity(self) -> Severity:
        """The alert's severity; Unknown where there is none."""
        return self.alert.severity if self.alert else Severity.UNKNOWN


@dataclass(frozen=True, slots=True)
class Undrafted:
    """A message of a source that found no place among its drafts; `is_grave`: it waits for one of the grave ones."""

    alert: str
    is_grave: bool
    until: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filter of a list of messages; a field that is None matches all.

    `words` are searched in the headline and id.
    """

    state: AlertState | None = None
    post_state: PostState | None = None
    source: str | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class PastEvent:
    """Something that was decided or done about an alert. `remote_id` is the platform's, of an attempt that got one."""

    at: datetime
    alert_id: str
    channel: str | None
    post_id: str | None
    what: str
    reason: Reason | None
    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """Health of a source at its last poll; `gone` is the number of entries that vanished at once, undecided."""

    name: str
    last_ok: datetime | None
    failures: int
    reason: Reason | None
    gone: int = 0


@dataclass(frozen=True, slots=True)
class Archived:
    """The archive of a pruned incident: its messages and posts in order, and all decisions and actions."""

    incident: str
    stored_alerts: Sequence[StoredAlert]
    posts: Sequence[Post]
    events: Sequence[PastEvent]


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """A form as typed. `fields` are the form's own names and values; `about` is the alert that it changes, if it does.

    `revision` grows with each saving, so that an older page doesn't write over a newer one. `note` is what an approver
    said who sent it back; `alert_id` what it became: a second press of the button shows that.
    """

    id: str
    account: str
    updated_at: datetime
    about: str | None = None
    fields: Mapping[str, Typed] = field(default_factory=dict)
    revision: int = 0
    note: str | None = None
    alert_id: str | None = None


def new_id() -> str:
    """Sixty random bits as twelve letters and digits."""
    return _spelled(secrets.randbits(5 * ID_LENGTH))


def id_of(*parts: str) -> str:
    """An id that is always the same for the same parts, and else as good as random."""
    # Between the parts stands a character that no feed's format allows, so that no two rows of parts are alike.
    return _spelled(int.from_bytes(sha256("\0".join(parts).encode()).digest()[:8]))


def _spelled(number: int) -> str:
    return "".join(_ID_LETTERS[(number >> 5 * place) & 31] for place in range(ID_LENGTH))
