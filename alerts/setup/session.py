"""`tocsin setup`: the pages of setting up alone, for whoever sits at this machine, until Ctrl-C.

There is no account yet, so a code that the terminal shows opens the page: once, to one browser, which is known by a
cookie until the process ends. The page answers under this machine's own names alone (another one is a page elsewhere
that had its own name lead here), and takes forms of its own alone.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from alerts.access.sessions import Visit, Visitor
from alerts.config import load_config
from alerts.daemon.serving import serve
from alerts.model.bounds import same
from alerts.model.errors import ConfigurationError, Forbidden
from alerts.model.person import Account, Role, Session, Stage
from alerts.model.ports import SystemClock
from alerts.model.reason import because
from alerts.model.town import Town, WebSection
from alerts.rendering.i18n import sentence
from alerts.setup.pages import Setup
from alerts.setup.workshop import Workshop
from alerts.web.console.error_pages import error_page
from alerts.web.console.frame import BASE, VISITOR, Frame, static_file
from alerts.web.listener import Listener
from alerts.web.posted import must_exist, read_posted

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
    # The address that opens the page holds the code, which no other site is to see.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def new_code() -> str:
    """A code that nobody guesses."""
    return secrets.token_urlsafe(16)


@dataclass
class SetupSession:
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
        if not same(code, self.code):
            self.tries += 1
            return None
        self.session = secrets.token_urlsafe(32)
        return self.session

    def knows(self, cookie: str) -> bool:
        """True if a cookie is the session's."""
        return self.session is not None and same(cookie, self.session)

    def visitor(self) -> Visitor:
        """Return the visitor: somebody at this machine."""
        now = datetime.now(UTC)
        account = Account("setup", Role.ADMINISTRATOR, "", must_change=False, created_at=now)
        return Visitor(account, Session("", "setup", self.csrf, Stage.FULL, now, now, now), Visit("terminal"))


def first_app(frame: Frame, workshop: Workshop, session: SetupSession) -> web.Application:
    """The pages of setting up, behind the door, at the same addresses as later."""
    desk = web.Application(middlewares=[_guard(frame, session)])
    desk.add_routes([web.get("/static/{name:.+}", _static), web.get("/", _lead_in)])
    desk.add_routes(Setup(frame, workshop).routes())
    app = web.Application()
    app.add_routes([web.get("/", _lead_in), web.get(BASE, _lead_in)])
    app.add_subapp(BASE, desk)
    return app


def _guard(frame: Frame, session: SetupSession) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await _pass(session, request, handler)
        except Forbidden as error:
            response = web.Response(status=403, text=sentence(error.reason, frame.words(request).language))
        except web.HTTPException as error:
            if error.status < HTTPStatus.BAD_REQUEST:
                raise
            response = error_page(frame, request, error.status)
        if not request.path.startswith(f"{BASE}/static/"):
            response.headers.update(_HEADERS)
        return response

    return guard


async def _pass(session: SetupSession, request: web.Request, handler: Handler) -> web.StreamResponse:
    # Before anything else: a page elsewhere that had its own name lead here (DNS rebinding) gets nothing at all.
    if request.host not in session.hosts:
        raise Forbidden(because("setup_elsewhere"))
    if request.path.startswith(f"{BASE}/static/"):
        return await handler(request)
    if (code := request.query.get("code")) is not None and request.method == "GET":
        return _let_in(session, code)
    if not session.knows(request.cookies.get(COOKIE, "")):
        raise Forbidden(because("setup_unopened"))
    await _check_form(session, request)
    request[VISITOR] = session.visitor()
    return await handler(request)


def _let_in(session: SetupSession, code: str) -> web.Response:
    cookie = session.open(code)
    if cookie is None:
        raise Forbidden(because("setup_code_wrong"))
    # Led to an address without the code, so that it stays in no history or bookmark, and a reload doesn't try it again.
    response = web.Response(status=303, headers={"Location": f"{BASE}/setup"})
    # Not `Secure`, since this page is plain http on the machine itself.
    response.set_cookie(COOKIE, cookie, path=BASE, httponly=True, samesite="Strict")
    return response


async def _check_form(session: SetupSession, request: web.Request) -> None:
    if request.method in ("GET", "HEAD"):
        return
    token = (await read_posted(request)).get("csrf", "")
    if not isinstance(token, str) or not same(token, session.csrf):
        raise Forbidden(because("setup_form_foreign"))


async def _static(request: web.Request) -> web.FileResponse:
    file = must_exist(static_file(request.match_info["name"]))
    return web.FileResponse(file, headers={"X-Content-Type-Options": "nosniff"})


async def _lead_in(_: web.Request) -> web.Response:
    return web.Response(status=303, headers={"Location": f"{BASE}/setup"})


# The setup pages have no accounts yet, so they are for this machine alone.
_LOOPBACK = frozenset({"127.0.0.1", "[::1]", "::1", "localhost"})


async def open_setup(file: Path, listen: WebSection, code: str) -> tuple[Listener, str]:
    """Serve the pages; returns what to clean up, and the address that opens them once. Raises TocsinError."""
    clock = SystemClock()
    # There may be no station yet, so the pages have a stand-in for one.
    frame = Frame(Town("Tocsin"), clock.now, is_app=False)
    hosts: set[str] = set()
    session = SetupSession(code, hosts)
    app = first_app(frame, Workshop(file, clock), session)
    listener, url = await serve(app, listen, clock)
    port = url.rpartition(":")[2]
    # Only now, since the system chooses the port where none was named.
    hosts |= {f"{host}:{port}" for host in ("127.0.0.1", "[::1]", "localhost", listen.host) if host}
    return listener, f"{url}{BASE}/setup?code={code}"


async def run_setup(file: Path, listen: WebSection, say: Callable[[str], None]) -> int:
    """Serve until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    listener, url = await open_setup(file, listen, new_code())
    try:
        language = _language_of(file)
        say(f"{sentence(because('setup_address'), language)}\n\n    {url}\n")
        if listen.host not in _LOOPBACK:
            say(sentence(because("setup_from_outside"), language))
        say(sentence(because("setup_writes_nothing"), language))
        await stopped.wait()
    finally:
        await listener.close()
    return 0


def _language_of(file: Path) -> str:
    """The station's language where there is one already, right or wrong; else English."""
    try:
        return load_config(file).language
    except ConfigurationError as error:
        return error.language
