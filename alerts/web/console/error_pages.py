"""Errors at the desk, as a page with the cause and the remedy; no typed word is lost by them.

A refused form, because the session was over, its token was another's or the database refused, is included in the page
that answers (`Carried`): its address and its fields, without secrets and files. It comes back from the browser, so it
is checked as if it were new, and never acted on by itself: an alert becomes a draft of its author (`back_at`), and any
other form a page with a button that sends it again (`please_confirm`). If another person signed in meanwhile, it is
kept for its author, and they are informed (`keep_for`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from aiohttp import web
from multidict import MultiDict

from alerts.access.sessions import LONGEST_CLAIM, Failures, Visitor, claimed_in
from alerts.desk.unit import DeskUnit
from alerts.model.bounds import read_json
from alerts.model.errors import Conflict, Forbidden, Misuse, TocsinError
from alerts.model.incident import SavedDraft, Typed
from alerts.model.person import fold_name
from alerts.model.reason import Reason, because
from alerts.rendering.i18n import Words, word
from alerts.web.console.drafts import is_identity
from alerts.web.console.frame import BASE, Console, Frame
from alerts.web.posted import PostedFields

HOME = "/desk/"
MOST_BYTES = 40_000
"""Of what is carried: several times the longest alert, and spelt in a form still within what is read of strangers."""
# More than any form of ours has.
MOST_FIELDS = 300
COMPOSE = f"{BASE}/compose"
Form = PostedFields
"""A form as it was posted."""
# Seconds after which it is worth trying again: as long as the database waits for who holds it.
_AGAIN = 5
# A one-time code is worth nothing later, and neither it nor a secret stands in a page again.
_NEVER = ("csrf", "carried", "code", "secret")
# No pages to come back to: the way in and out, a switch, files, and what scripts alone ask for.
_OUTSIDE = ("/desk/sign-in", "/desk/sign-out", "/desk/language", "/desk/static", "/desk/events", "/desk/fragments")
# What the form of an alert sends beside what was typed.
_BESIDE = ("draft", "revision", "about", "do", "again")
# Forms about a draft that is kept already: they hold nothing that was typed.
_OF_DRAFT = (f"{COMPOSE}/confirm", f"{COMPOSE}/discard")
# A longer number can't be a revision, and would be slow to convert.
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Carried:
    """A form that wasn't taken: where it was to go, and its fields in order, without secrets and files.

    `by` is what it says of who typed it (`alerts.access.sessions`).
    """

    to: str
    fields: tuple[tuple[str, str], ...]
    by: str = ""

    def packed(self) -> str:
        """As one hidden field holds it."""
        kept = {"to": self.to, "fields": self.fields, "by": self.by}
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))

    def typed(self) -> dict[str, Typed]:
        """As a draft keeps it: a name that comes several times with all its values."""
        values = MultiDict(self.fields)
        return {name: found[0] if len(found := values.getall(name)) == 1 else tuple(found) for name in values}


def wants_page(request: web.Request) -> bool:
    """True if a browser will show the answer as a page: not for a script's request, nor a part of a page."""
    whole = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate" and "/fragments/" not in request.path
    return whole and "text/html" in request.headers.get("Accept", "text/html")


def error_page(
    frame: Frame, request: web.Request, what: TocsinError | int, *, status: int | None = None
) -> web.Response:
    """The page, or the line where no page is wanted. An error of the family says itself what to do."""
    status = status or (status_of(what) if isinstance(what, TocsinError) else int(what))
    reason = what.reason if isinstance(what, TocsinError) else None
    words = frame.words(request)
    title, cause = _said_of(status, words)
    if not wants_page(request):
        return web.Response(status=status, text=word(reason, words.language, frame.station.zone) if reason else title)
    return frame.page(request, "mishap.html", status=status, code=status, told=reason, title=title, cause=cause)


def _said_of(status: int, words: Words) -> tuple[str, str]:
    """Return the error and the remedy if only HTTP's status is known."""
    _ = words.gettext
    said = {
        400: (
            _("This can’t be accepted as it is"),
            _("Something in what was sent is missing or wrong. Go back, put it right and send it again."),
        ),
        403: (
            _("You may not do that"),
            _(
                "This needs another role, or the form didn’t come from one of this desk’s own pages. Reload the page, "
                "or ask an administrator."
            ),
        ),
        404: (
            _("There is no such page"),
            _("The address is wrong, or what was here is gone. Nothing was changed."),
        ),
        405: (
            _("That can’t be done here"),
            _("This address takes another kind of request. Go back and use the page’s own buttons."),
        ),
        409: (
            _("That can’t be done now"),
            _("Somebody was faster, or it has changed in the meantime. Look again before you decide."),
        ),
        413: (
            _("That is too large"),
            _("What was sent is larger than allowed. Use a smaller picture or a shorter text."),
        ),
        429: (_("Too much at once"), _("Wait a moment, then try again.")),
        500: (
            _("Something went wrong here"),
            _(
                "It was written to the log. Try again; if it happens again, tell the person who runs this desk the "
                "time and the page."
            ),
        ),
    }
    return said.get(status) or said[400 if status < HTTPStatus.INTERNAL_SERVER_ERROR else 500]


@dataclass(frozen=True, slots=True)
class RefusedForm:
    """A page's message about its refused form: the reason, and the input. Empty if nothing was refused."""

    error: Reason | None = None
    typed: Mapping[str, str] = field(default_factory=dict)
    status: int = HTTPStatus.OK

    @classmethod
    def by(cls, error: TocsinError, typed: Mapping[str, str]) -> RefusedForm:
        """The form as the error leaves it."""
        return cls(error.reason, typed, status_of(error, HTTPStatus.UNPROCESSABLE_ENTITY))

    @property
    def values(self) -> dict[str, Any]:
        """For the page."""
        return {"status": self.status, "error": self.error, "typed": self.typed}


NOT_REFUSED = RefusedForm()


def status_of(error: TocsinError, otherwise: HTTPStatus = HTTPStatus.CONFLICT) -> int:
    """As HTTP says it; `otherwise` is for an act that was refused for what it would have come to."""
    match error:
        case Misuse():
            return HTTPStatus.BAD_REQUEST
        case Forbidden():
            return HTTPStatus.FORBIDDEN
        case Conflict():
            return HTTPStatus.CONFLICT
        case _:
            return otherwise


def please_confirm(
    frame: Frame,
    request: web.Request,
    carried: Carried,
    *,
    status: int = HTTPStatus.OK,
    failures: Failures | None = None,
) -> web.Response:
    """Shows a form that was not taken, with a button that sends the same again: only a person presses it."""
    shown = [(name, value) for name, value in carried.fields if value.strip()]
    return frame.page(request, "confirm.html", status=status, carried=carried, shown=shown, failures=failures)


def unwritten(frame: Frame, request: web.Request, cause: str | None, form: Form) -> web.Response:
    """The database refused: the cause (None: it is asked too much), what was typed, and a button that sends it again.

    On the way in nothing but the name is given back, and what was carried along stays in the page.
    """
    status, again = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": str(_AGAIN)}
    if not wants_page(request):
        why = because("unwritten", said=cause) if cause else because("unwritten_busy")
        return web.Response(status=status, text=word(why, frame.words(request).language), headers=again)
    kept = carry(request.path_qs, form)
    shown = [(name, value) for name, value in kept.fields if value.strip()] if kept else []
    values = {
        "cause": cause,
        "carried": kept,
        "shown": shown,
        "files": any(isinstance(value, bytes) and value for value in form.values()),
        "onward": safe_next(request.path_qs) if request.method in ("GET", "HEAD") else f"{BASE}/",
        "held": {name: str(form.get(name, "")) for name in ("name", "next", "carried")},
        "entering": request.method == "POST" and request.path.startswith(f"{BASE}/sign-in"),
    }
    response = frame.page(request, "unwritten.html", status=status, **values)
    response.headers.update(again)
    return response


def sign_in_again(frame: Frame, request: web.Request, carried: Carried | None) -> web.Response:
    """The sign-in in place of what was asked, holding what was typed."""
    to = safe_next(request.path)
    # Not a redirect: what was typed stands in this page, and would be lost with it.
    packed = carried.packed() if carried else ""
    return frame.page(
        request, "sign_in.html", status=HTTPStatus.UNAUTHORIZED, next=to, carried=packed, ended=True, held=None, name=""
    )


def carry(to: str, form: Form) -> Carried | None:
    """Return the part of a posted form to keep. Returns None if it is empty, or larger than anybody types."""
    by = claimed_in(str(form.get("csrf", "")))
    return _bounded(to, [(name, value) for name, value in form.items() if isinstance(value, str)], by)


def unpacked(text: str) -> Carried | None:
    """Return the form from the hidden field, checked as if it were new. Returns None if there is none."""
    # JSON writes a quote and a line's end as two characters: packed, a form may be twice as long.
    if not text or len(text.encode("utf-8", "replace")) > 2 * MOST_BYTES:
        return None
    said = read_json(text)
    try:
        fields = [(str(name), str(value)) for name, value in said["fields"]]
        return _bounded(str(said["to"]), fields, str(said.get("by", ""))[:LONGEST_CLAIM])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def safe_next(wanted: str) -> str:
    """Where to go after the sign-in: a page of the desk, or its first. Never another site, however it is spelled."""
    plain = unquote(wanted)
    path = urlsplit(plain).path if plain.startswith(HOME) else ""
    # Browsers take a backslash for a slash, and leave out tabs and line ends (WHATWG URL): so could another site be
    # spelled.
    odd = any(c in plain for c in "\\\r\n\t\0") or any(ord(c) < 32 for c in plain) or "//" in path
    if not path or odd or any(part in (".", "..") for part in path.split("/")) or _is_no_page(path):
        return HOME
    return wanted if wanted.startswith(HOME) and wanted.isascii() else HOME


def _is_no_page(path: str) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in _OUTSIDE)


def _bounded(to: str, fields: Sequence[tuple[str, str]], by: str) -> Carried | None:
    if safe_next(to) != to or _is_no_page(urlsplit(to).path):
        return None
    kept = tuple(_unsecret(fields))
    size = sum(len(name.encode("utf-8", "replace")) + len(value.encode("utf-8", "replace")) for name, value in kept)
    return Carried(to, kept, by) if kept and len(kept) <= MOST_FIELDS and size <= MOST_BYTES else None


def _unsecret(fields: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    return ((name, value) for name, value in fields if name not in _NEVER and "password" not in name.lower())


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
    """Keep it for its author, as far as possible; the page informs the present visitor."""
    kept = await back_at(console, carried, author) is not None
    shown = [] if kept else [(name, value) for name, value in carried.fields if value.strip()]
    values = {"author": author, "kept": kept, "shown": shown, "failures": failures}
    return console.frame.page(request, "kept_for.html", status=status, **values)


def keep_as_draft(unit: DeskUnit, account: str, carried: Carried) -> str:
    """Keep an alert as typed; returns the draft's id. One that was kept before is gone on with, unless it is newer."""
    typed = carried.typed()
    hidden = {name: str(typed.pop(name, "")) for name in _BESIDE}
    # That it is an exercise may stand in the form's address alone: without it, the draft would be a real alert.
    if "exercise=1" in urlsplit(carried.to).query.split("&"):
        typed["exercise"] = "1"
    known = unit.drafts.draft(hidden["draft"])
    revision = int(hidden["revision"]) if hidden["revision"].isdecimal() and len(hidden["revision"]) < _DIGITS else 0
    own = known is not None and fold_name(known.account) == fold_name(account)
    if known is None or not own or known.alert_id is not None or known.revision > revision:
        draft = SavedDraft(unit.new_id(), account, unit.now, hidden["about"] or None, typed)
    else:
        draft = replace(known, updated_at=unit.now, fields=typed, revision=revision + 1)
    unit.drafts.put_draft(draft)
    return draft.id
