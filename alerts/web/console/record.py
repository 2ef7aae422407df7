"""The audit log, newest line first, and whether a line was changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from alerts.access.audit import Broken, Verified, verify
from alerts.desk.service import DeskUnit
from alerts.web.console.frame import BASE, Console
from alerts.web.console.people import must_administer

RECORD = f"{BASE}/record"
LINES = 50
VERIFIED_UNASKED = 5000
"""Up to so many lines the chain is followed at each look; beyond, when asked: it is the database's one thread."""


def routes(console: Console) -> list[web.RouteDef]:
    """The page."""

    async def show(request: web.Request) -> web.Response:
        must_administer(request, console)
        subject = request.query.get("subject", "").strip() or None
        before, asked = _number(request.query.get("before", "")), "verify" in request.query
        found = await console.service.ask(lambda unit: _found(unit, before, subject, asked=asked))
        return console.frame.page(request, "record.html", subject=subject or "", is_first=before is None, **found)

    return [web.get("/record", show)]


def _found(unit: DeskUnit, before: int | None, subject: str | None, *, asked: bool) -> Mapping[str, Any]:
    height = unit.audit.height()
    lines = list(unit.audit.newest(before=before, subject=subject, most=LINES + 1))
    verdict: Verified | Broken | None = None
    if asked or height <= VERIFIED_UNASKED:
        verdict = verify(unit.audit.all(), height)
    older = _address(lines[LINES - 1].seq, subject) if len(lines) > LINES else None
    whole = isinstance(verdict, Verified)
    return {"lines": lines[:LINES], "verdict": verdict, "whole": whole, "older": older, "height": height}


def _address(before: int, subject: str | None) -> str:
    return f"{RECORD}?{urlencode({'before': before} | ({'subject': subject} if subject else {}))}"


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
