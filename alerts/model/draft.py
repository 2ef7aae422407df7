"""What an officer has typed so far: kept as typed, right or wrong, until it is posted or thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

Typed = str | tuple[str, ...]


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
