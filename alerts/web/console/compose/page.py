"""The form as one visitor has it before them: what is typed, whose draft it is, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from alerts.model.errors import Refused, TocsinError
from alerts.model.incident import SavedDraft, StoredAlert, Typed
from alerts.web.console.compose.fields import Fields, text
from alerts.web.console.compose.reading import Reading
from alerts.web.console.compose.rehearsal import Rehearsal, Wish
from alerts.web.console.compose.view import is_grave


class Tapped(Refused):
    """The same words went out a moment ago, from another form; `alert_id` is that alert. Nothing was stored."""

    def __init__(self, alert_id: str) -> None:
        super().__init__(f"the same words went out just now as {alert_id}")
        self.alert_id = alert_id


@dataclass
class Page:
    """A page on its way. `before` is the form of the alert that it updates; `notice` a word for what has to be told.

    `newer` is what came while it was typed: what the form doesn't change stays as it is there.
    """

    identity: str
    revision: int = 0
    fields: dict[str, Typed] = field(default_factory=dict)
    about: StoredAlert | None = None
    before: Fields = field(default_factory=dict)
    newer: StoredAlert | None = None
    note: str | None = None
    kept_at: datetime | None = None
    alert_id: str | None = None
    problems: dict[str, str] = field(default_factory=dict)
    notice: str = ""
    saved: bool = False
    chosen: bool = False
    twin: str | None = None
    refusal: TocsinError | None = None
    reading: Reading | None = None
    rehearsal: Rehearsal = field(default_factory=Rehearsal)
    followers: int | None = None

    @property
    def exercise(self) -> bool:
        """Whether it is one."""
        return bool(text(self.fields, "exercise"))

    @property
    def is_grave(self) -> bool:
        """Whether it is read once more before it goes."""
        return is_grave(self.fields)

    @property
    def wish(self) -> Wish:
        """What its form wants filed."""
        return Wish(self.reading or Reading(None), self.fields, self.about, self.before)

    def take(self, kept: SavedDraft) -> None:
        """Go on from what is kept."""
        self.identity, self.revision = kept.id, kept.revision
        self.note, self.kept_at, self.alert_id = kept.note, kept.updated_at, kept.alert_id

    def refuse(self, error: TocsinError) -> None:
        """Show why it was not filed."""
        if isinstance(error, Tapped):
            self.twin = error.alert_id
        else:
            self.refusal = error
