"""Drafts as they are kept: a newer one is never written over by an older page, and each is posted once."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta

from alerts.desk.service import DeskUnit
from alerts.model.errors import Conflict, Forbidden
from alerts.model.incident import SavedDraft
from alerts.model.person import Actor, fold_name
from alerts.model.reason import because
from alerts.web.console.compose.fields import Fields, same

_IDENTITY = re.compile(r"[0-9A-Za-z]{8,26}")
MOST = 200
"""Drafts that one account has open: more are no officer's, and the oldest makes room for a new one."""
UNTOUCHED = timedelta(days=30)
"""How long a draft is kept that nobody goes on with."""


class Older(Conflict):
    """A newer version of the draft is kept than the page knows; `kept` is it."""

    def __init__(self, kept: SavedDraft) -> None:
        super().__init__("a newer version of this draft is kept, from another page; open that one, or keep a copy")
        self.kept = kept


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form as a page sends it: whose draft it is, how often it was changed, which alert it is about."""

    identity: str
    revision: int
    fields: Fields
    about: str | None = None


def is_identity(name: str) -> bool:
    """Whether a draft may be called so."""
    return bool(_IDENTITY.fullmatch(name))


def draft_of(unit: DeskUnit, actor: Actor, identity: str) -> SavedDraft | None:
    """One's own draft of that id. Raises Forbidden for somebody else's."""
    found = unit.drafts.draft(identity) if is_identity(identity) else None
    if found is not None and fold_name(found.account) != fold_name(actor.name):
        raise Forbidden(because("draft_of_another"))
    return found


def keep(unit: DeskUnit, actor: Actor, sheet: Sheet, *, by_script: bool = False) -> SavedDraft:
    """Keep what a page sent. A draft that was posted stays as it is. Raises Older, Forbidden.

    A page with a script counts its changes itself, so that what it sends again with the same number is the same. One
    without sends the number that it was given.
    """
    found = draft_of(unit, actor, sheet.identity)
    if found is None:
        _make_room(unit, actor)
        found = SavedDraft(sheet.identity, actor.name, unit.now, about=sheet.about, revision=0)
    elif found.alert_id is not None or (same(found.fields, sheet.fields) and sheet.revision <= found.revision):
        return found
    if sheet.revision < found.revision or (by_script and sheet.revision == found.revision):
        raise Older(found)
    revision = sheet.revision if sheet.revision > found.revision else found.revision + 1
    about = found.about or sheet.about
    kept = replace(found, about=about, fields=dict(sheet.fields), revision=revision, updated_at=unit.now)
    unit.drafts.put_draft(kept)
    return kept


def _make_room(unit: DeskUnit, actor: Actor) -> None:
    """Let go of what nobody goes on with, since nothing old may stand in the way of an emergency.

    What was sent back, which holds somebody else's words too, goes last.
    """
    unit.drafts.sweep_drafts(unit.now - UNTOUCHED)
    by_worth = sorted(unit.drafts.drafts(actor.name), key=lambda each: (each.note is not None, each.updated_at))
    for each in by_worth[: max(len(by_worth) - MOST + 1, 0)]:
        unit.drafts.drop_draft(each.id)
