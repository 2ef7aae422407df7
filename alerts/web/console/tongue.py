"""Switching the language: by a form, kept in a cookie, for whoever looks, signed in or not."""

from __future__ import annotations

from aiohttp import web

from alerts.web.console.arrival import Arrival
from alerts.web.console.carried import HOME, safe_next
from alerts.web.console.entering import fields_of, see_other
from alerts.web.console.frame import Console
from alerts.web.console.guard import ARRIVAL, SIGN_IN
from alerts.web.console.words import languages

COOKIE = "language"
_YEAR = 365 * 86400


def routes(_: Console) -> list[web.RouteDef]:
    """The form's address."""

    async def choose(request: web.Request) -> web.StreamResponse:
        form = await fields_of(request)
        response = see_other(_back(form.get("next", HOME)))
        choose_language(request[ARRIVAL], response, form.get("language"))
        return response

    return [web.post("/language", choose)]


def choose_language(arrival: Arrival, response: web.StreamResponse, language: str | None) -> None:
    """Keep it in the browser; None: what the browser asks for."""
    if language in languages():
        arrival.set_cookie(response, COOKIE, language or "", _YEAR)
    elif language is None:
        arrival.set_cookie(response, COOKIE, "", 0)


def _back(wanted: str) -> str:
    """To the page one was on; also to one of the way in, that nobody is led to from elsewhere."""
    path, _, query = wanted.partition("?")
    if path in (SIGN_IN, f"{SIGN_IN}/code", f"{SIGN_IN}/password", f"{SIGN_IN}/second-factor"):
        onward = query.removeprefix("next=") if query.startswith("next=") else ""
        clean = all(c.isalnum() or c in "%._~-/" for c in onward)
        return f"{path}?next={onward}" if onward and clean else path
    return safe_next(wanted)
