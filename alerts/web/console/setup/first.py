"""The first start: the same pages alone, before there is any account, opened by a code that the terminal shows."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from alerts.access.sessions import Visit, Visitor
from alerts.desk.service import Workshop
from alerts.model.errors import Forbidden
from alerts.model.person import Account, Role, Session, Stage
from alerts.model.reason import because
from alerts.rendering.i18n import sentence
from alerts.web.console.frame import BASE, VISITOR, Frame, static_file
from alerts.web.console.mishaps import mishap
from alerts.web.console.setup.pages import Setup

COOKIE = "setup"
MOST_TRIES = 10
"""Wrong codes until nothing opens any more; the code has 128 bits, so this is about noise, not about luck."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def new_code() -> str:
    """A code that nobody guesses."""
    return secrets.token_urlsafe(16)


@dataclass
class Door:
    """Opens once by `code`; whoever came in by it is known by a cookie until the process ends.

    `hosts` are the names by which it may be asked for: another one is a page elsewhere that had its own name lead here.
    """

    code: str
    hosts: Collection[str]
    session: str | None = None
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    tries: int = 0

    def open(self, code: str) -> str | None:
        """The new session's cookie; None where the code is wrong, used, or was guessed at too often."""
        if self.session is not None or self.tries >= MOST_TRIES:
            return None
        if not hmac.compare_digest(code.encode(), self.code.encode()):
            self.tries += 1
            return None
        self.session = secrets.token_urlsafe(32)
        return self.session

    def knows(self, cookie: str) -> bool:
        """Whether a cookie is the session's."""
        return self.session is not None and hmac.compare_digest(cookie.encode(), self.session.encode())

    def visitor(self) -> Visitor:
        """Who came in: somebody who sits at this machine."""
        now = datetime.now(UTC)
        account = Account("setup", Role.ADMINISTRATOR, "", must_change=False, created_at=now)
        return Visitor(account, Session("", "setup", self.csrf, Stage.FULL, now, now, now), Visit("terminal"))


def first_app(frame: Frame, workshop: Workshop, door: Door) -> web.Application:
    """The pages of setting up, behind the door, at the same addresses as later."""
    desk = web.Application(middlewares=[_guard(frame, door)])
    desk.add_routes([web.get("/static/{name:.+}", _static), web.get("/", _lead_in)])
    desk.add_routes(Setup(frame, lambda: workshop, _anybody, _forget, None).routes())
    app = web.Application()
    app.add_routes([web.get("/", _lead_in), web.get(BASE, _lead_in)])
    app.add_subapp(BASE, desk)
    return app


def _guard(frame: Frame, door: Door) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await _pass(door, request, handler)
        except Forbidden as error:
            response = web.Response(status=403, text=sentence(error.reason, frame.words(request).language))
        except web.HTTPException as error:
            if error.status < HTTPStatus.BAD_REQUEST:
                raise
            response = mishap(frame, request, error.status)
        if not request.path.startswith(f"{BASE}/static/"):
            response.headers.update(_HEADERS)
        return response

    return guard


async def _pass(door: Door, request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.host not in door.hosts:
        raise Forbidden(because("setup_elsewhere"))
    if request.path.startswith(f"{BASE}/static/"):
        return await handler(request)
    if (code := request.query.get("code")) is not None and request.method == "GET":
        return _let_in(door, code)
    if not door.knows(request.cookies.get(COOKIE, "")):
        raise Forbidden(because("setup_unopened"))
    await _check_form(door, request)
    request[VISITOR] = door.visitor()
    return await handler(request)


def _let_in(door: Door, code: str) -> web.Response:
    cookie = door.open(code)
    if cookie is None:
        raise Forbidden(because("setup_code_wrong"))
    response = web.Response(status=303, headers={"Location": f"{BASE}/setup"})
    response.set_cookie(COOKIE, cookie, path=BASE, httponly=True, samesite="Strict")
    return response


async def _check_form(door: Door, request: web.Request) -> None:
    if request.method in ("GET", "HEAD"):
        return
    told = (await request.post()).get("csrf", "")
    if not isinstance(told, str) or not hmac.compare_digest(told.encode(), door.csrf.encode()):
        raise Forbidden(because("setup_form_foreign"))


async def _static(request: web.Request) -> web.FileResponse:
    file = static_file(request.match_info["name"])
    if file is None:
        raise web.HTTPNotFound
    return web.FileResponse(file, headers={"X-Content-Type-Options": "nosniff"})


async def _lead_in(_: web.Request) -> web.Response:
    return web.Response(status=303, headers={"Location": f"{BASE}/setup"})


def _anybody(_: web.Request) -> None:
    """Whoever passed the door may."""


async def _forget(_: web.Request, *_told: str) -> None:
    """There is no record yet."""
