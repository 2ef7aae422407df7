"""What was typed when a session was over, given back: to its author as a draft, and to nobody else.

Another person may sign in on the same browser: then it is kept for the one who typed it, and they are told so.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web

from alerts.access.sessions import Failures, Visitor
from alerts.desk.service import DeskUnit
from alerts.model.incident import SavedDraft
from alerts.model.person import fold_name
from alerts.web.console.carried import Carried
from alerts.web.console.drafts import is_identity
from alerts.web.console.frame import BASE, Console

COMPOSE = f"{BASE}/compose"
# What the form of an alert sends beside what was typed.
_BESIDE = ("draft", "revision", "about", "do", "again")
# Forms about a draft that is kept already: they hold nothing that was typed.
_OF_DRAFT = (f"{COMPOSE}/confirm", f"{COMPOSE}/discard")
_DIGITS = 10


async def another_author(console: Console, visitor: Visitor, carried: Carried) -> str | None:
    """The name of whoever typed it, where that wasn't the visitor."""
    name = await console.gate.author(carried.by)
    return name if name and fold_name(name) != fold_name(visitor.account.name) else None


async def back_at(console: Console, carried: Carried, author: str) -> str | None:
    """The address where its author goes on, what was typed being kept as a draft; None for any other form."""
    path, fields = urlsplit(carried.to).path, dict(carried.fields)
    if path == COMPOSE:
        draft = await console.service.act(lambda unit: keep_as_draft(unit, author, carried))
        return f"{COMPOSE}?draft={draft}"
    if path in _OF_DRAFT:
        known = fields.get("draft", "")
        return f"{COMPOSE}?draft={known}" if is_identity(known) else COMPOSE
    return None


async def keep_for(
    console: Console,
    request: web.Request,
    carried: Carried,
    author: str,
    *,
    status: int = HTTPStatus.OK,
    failures: Failures | None = None,
) -> web.Response:
    """Keep it for its author, as far as it can be; the page tells whoever is there now."""
    kept = await back_at(console, carried, author) is not None
    shown = [] if kept else [(name, value) for name, value in carried.fields if value.strip()]
    values = {"author": author, "kept": kept, "shown": shown, "failures": failures}
    return console.frame.page(request, "kept_for.html", status=status, **values)


def keep_as_draft(unit: DeskUnit, account: str, carried: Carried) -> str:
    """Keep an alert as typed; returns the draft's id. One that was kept before is gone on with, unless it is newer."""
    typed = carried.typed()
    told = {name: str(typed.pop(name, "")) for name in _BESIDE}
    if "exercise=1" in urlsplit(carried.to).query.split("&"):
        typed["exercise"] = "1"
    known = unit.drafts.draft(told["draft"])
    revision = int(told["revision"]) if told["revision"].isdecimal() and len(told["revision"]) < _DIGITS else 0
    own = known is not None and fold_name(known.account) == fold_name(account)
    if known is None or not own or known.alert_id is not None or known.revision > revision:
        draft = SavedDraft(unit.new_id(), account, unit.now, told["about"] or None, typed)
    else:
        draft = replace(known, updated_at=unit.now, fields=typed, revision=revision + 1)
    unit.drafts.put_draft(draft)
    return draft.id
