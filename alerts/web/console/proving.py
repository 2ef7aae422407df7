"""What changes who may come in asks for one's own password again: a browser that was left open isn't enough for it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from alerts.access.sessions import Confirmed, Held
from alerts.web.console.entering import status_of, tell_when
from alerts.web.console.frame import Console
from alerts.web.console.guard import ARRIVAL

PROOF = "own_password"
"""The field that holds it."""


async def prove(console: Console, request: web.Request, form: Mapping[str, str]) -> Confirmed | web.Response:
    """What was confirmed, where the form holds the visitor's own password; else the page that asks for it.

    That page sends the rest of the form again.

    A wrong one counts as a sign-in that failed, and is slowed like one.
    """
    held: Held | None = None
    if PROOF in form:
        arrival = request[ARRIVAL]
        proved = await console.gate.prove_again(arrival.cookie_of(request), form[PROOF], arrival.visit(request))
        if isinstance(proved, Confirmed):
            return proved
        held = proved
    rest = [(name, value) for name, value in form.items() if name not in (PROOF, "csrf", "username")]
    values = {"held": held, "rest": rest, "to": request.path, "proof": PROOF}
    page = console.frame.page(request, "prove.html", status=status_of(held) if held else HTTPStatus.OK, **values)
    return tell_when(page, held, console.service.now())
