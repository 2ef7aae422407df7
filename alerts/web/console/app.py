"""The desk's application, below `/desk`, and its guard: every request passes here, and every answer.

arrival ──▶ who asks ──▶ does our own page post? ──▶ are they in? ──▶ the page; what it raises becomes one too

A request that came astray (another name, a web server that isn't ours) is refused before anything is read. A form is
taken from our own pages alone: the browser says where it comes from (Fetch Metadata, Origin), and it carries the
session's token. Who isn't in is led to the step that is due, and what they had typed is carried along (`mishaps`).
Whatever is answered carries the same headers (`seals`), streams and faults too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from multidict import MultiDict, MultiDictProxy

from alerts.access.sessions import Visitor
from alerts.desk.unit import DeskUnit
from alerts.model.bounds import same
from alerts.model.errors import Busy, DatabaseRefused, Forbidden, TocsinError
from alerts.model.incident import AlertState, Wanted
from alerts.model.listening import Kind
from alerts.model.person import Stage
from alerts.model.town import Town
from alerts.web.console import (
    compose,
    days,
    heard,
    home_screen,
    incident,
    own_account,
    people,
    polls,
    previews,
    report,
    reports,
    sign_in,
    stream,
    validate,
    versions,
    watch,
)
from alerts.web.console.arrival import ARRIVAL, WrongAddress, arrival_of
from alerts.web.console.entering import DUE, SIGN_IN, with_next
from alerts.web.console.error_pages import (
    Form,
    another_author,
    carry,
    error_page,
    keep_for,
    please_confirm,
    safe_next,
    sign_in_again,
    unwritten,
    wants_page,
)
from alerts.web.console.frame import BASE, CHANGED, HEARD, REPORTED, VISITOR, WAITING, Console, static_file
from alerts.web.posted import FORMS, must_exist, read_posted
from alerts.web.public.answers import answer_of, respond
from alerts.web.room import vouch

Part = Callable[[Console], Sequence[web.RouteDef]]
PARTS: Sequence[Part] = (
    compose.routes,
    sign_in.routes,
    own_account.routes,
    people.routes,
    report.routes,
    validate.routes,
    watch.routes,
    incident.routes,
    days.routes,
    heard.routes,
    reports.routes,
    polls.routes,
    versions.routes,
    previews.routes,
    stream.routes,
    home_screen.routes,
)
"""The parts of the desk; each gives its routes, with addresses below `/desk`."""
MOST_POSTED, MOST_BEFORE = 12 * 1024**2, 128 * 1024
"""Bytes of a body: from who is in (a picture may be among it), and from anybody else."""
_READS = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
# What pages fetch without anybody's hand: no sign that somebody is there.
_BY_ITSELF = tuple(f"{BASE}/{part}" for part in ("fragments/", "looks/", "events", "compose/preview", "compose/draft"))
_NOTHING: Form = MultiDictProxy(MultiDict())
# Bounds the menu's counts, and the refusals that are remembered.
_MOST_COUNTED = 100
_LONGEST_HOST = 100
# Browser features that the desk never uses, and those of passkeys, for its own pages alone.
_OFF = ("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "microphone", "payment", "usb")
_OWN = ("publickey-credentials-create", "publickey-credentials-get")
_HSTS_YEAR = 31536000
log = structlog.get_logger()


def console_app(console: Console, parts: Sequence[Part] = PARTS) -> web.Application:
    """Every page of the desk, or of one that has these parts."""
    app = guarded(console)
    app.add_routes([web.get("/static/{name:.+}", _static)])
    for part in parts:
        app.add_routes(part(console))
    return app


def guarded(console: Console) -> web.Application:
    """An application behind the guard; whatever it answers, streams and faults too, carries the headers."""
    app = web.Application(middlewares=[guard_of(console)])

    async def leave(request: web.Request, response: web.StreamResponse) -> None:
        secure = request[ARRIVAL].secure if ARRIVAL in request else request.secure
        seal(response, console.frame.station, secure=secure)
        response.headers.setdefault("Cache-Control", "no-store")
        # aiohttp writes its name and version there; no answer is to tell which program in which version gave it.
        response.headers.popall("Server", None)

    # Not in the middleware: a stream's headers have left long before its handler returns there.
    app.on_response_prepare.append(leave)
    return app


def guard_of(console: Console) -> Middleware:
    """The middleware of the desk's application."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[ARRIVAL] = arrival_of(request, console.frame.station)
        if (astray := request[ARRIVAL].astray) is not None:
            return _led_astray(console, request, astray)
        try:
            return await _pass(console, request, handler)
        except web.HTTPException as error:
            # aiohttp raises its redirects too: those are answers, not faults.
            if error.status < HTTPStatus.BAD_REQUEST:
                raise
            return error_page(console.frame, request, error.status)
        except TocsinError as error:
            return error_page(console.frame, request, error)
        except DatabaseRefused as error:
            return _unwritten(console, request, error)
        except Exception:
            # The edge: whatever a page's code fails with is logged and told as a page, and the desk goes on.
            log.exception("desk.failed", path=request.path, method=request.method)
            return error_page(console.frame, request, HTTPStatus.INTERNAL_SERVER_ERROR)

    return guard


def _led_astray(console: Console, request: web.Request, astray: WrongAddress) -> web.Response:
    """Refused before anything is read, with what whoever runs the station has to mend."""
    host, remote = request.host[:_LONGEST_HOST], request.remote or ""
    asked = (astray, host if astray is WrongAddress.HOST else remote)
    # A stranger may send any number of names: each is logged once, and only so many are kept in memory.
    if asked not in console.misdirected and len(console.misdirected) < _MOST_COUNTED:
        console.misdirected.add(asked)
        log.warning("desk.astray", why=astray, host=host, remote=remote)
    _ = console.frame.words(request).gettext
    message = {
        WrongAddress.HOST: _(
            "The desk doesn’t answer under this name, %(host)s. If it is its own, write it into channels.toml: "
            "[desk] url, or [station] public_url.",
            host=host,
        ),
        WrongAddress.UNLISTED: _(
            "This came over a web server (%(address)s) that isn’t among [web] proxies in channels.toml, so nobody is "
            "let in: cookies would be unprotected, and all visitors one address. Write there: "
            'proxies = ["%(address)s"], then start Tocsin anew. If you came without https, use the https address.',
            address=remote,
        ),
        WrongAddress.PLAIN: _(
            "The desk’s address is https, but the web server before it doesn’t say that it was asked that way. "
            "It has to send X-Forwarded-Proto (nginx: proxy_set_header X-Forwarded-Proto $scheme)."
        ),
    }[astray]
    # 421 says that this server doesn't answer for that name (RFC 9110, 15.5.20).
    status = HTTPStatus.MISDIRECTED_REQUEST if astray is WrongAddress.HOST else HTTPStatus.FORBIDDEN
    return error_page(console.frame, request, Forbidden(message), status=status)


async def _pass(console: Console, request: web.Request, handler: Handler) -> web.StreamResponse:
    # The pages of the sign-in need these files before anybody is in, and they hold nothing of the town.
    if request.path.startswith(f"{BASE}/static/"):
        return await handler(request)
    if request.path == BASE:
        raise web.HTTPSeeOther(f"{BASE}/")
    arrival = request[ARRIVAL]
    cookie = arrival.cookie_of(request)
    by_hand = not request.path.startswith(_BY_ITSELF)
    visitor = await console.gate.visitor(cookie, arrival.visit(request), by_hand=by_hand) if cookie else None
    if visitor is not None:
        request[VISITOR] = visitor
        vouch(request)
        # Only a whole page has the header that shows these: a fragment or a script costs no question.
        if visitor.session.stage is Stage.FULL and wants_page(request):
            request[WAITING], request[HEARD] = await _waiting(console), await _unread(console)
            request[REPORTED] = await _reported(console)
            request[CHANGED] = await console.gate.changes(visitor)
    if request.method not in _READS:
        # Only now is a body read: how large it may be depends on who sends it.
        request = request.clone(client_max_size=MOST_POSTED if visitor else MOST_BEFORE)
        # Also where nobody is in yet: else a page elsewhere could sign its visitor in here, to an account of its
        # choice.
        if (refused := await _refused(console, request, visitor)) is not None:
            return refused
    if not _is_open(request.path) and (visitor is None or visitor.session.stage is not Stage.FULL):
        return await _lead(console, request, visitor)
    try:
        return await handler(request)
    except DatabaseRefused as error:
        return _unwritten(console, request, error, await _form(request))


async def _waiting(console: Console) -> int:
    """How many alerts wait, for the header; a part of a page has none."""

    def count(unit: DeskUnit) -> int:
        return len(unit.views.page(Wanted(state=AlertState.WAITING), most=_MOST_COUNTED))

    return await console.service.ask(count)


async def _unread(console: Console) -> Mapping[tuple[Kind, bool], int]:
    """Return the counts of unhandled remarks; a town that listens to nothing makes no query."""
    if not console.frame.station.listens:
        return {}
    return await console.service.ask(lambda unit: unit.listening.unread_counts())


async def _reported(console: Console) -> int:
    """How many reports, and notices against some, wait; a town that takes none asks nothing."""
    if console.frame.station.reports is None:
        return 0
    return await console.service.ask(lambda unit: unit.report_lists.waiting(_MOST_COUNTED))


async def _refused(console: Console, request: web.Request, visitor: Visitor | None) -> web.StreamResponse | None:
    """Why a form isn't taken. Without a session there is no token, and being from our own page has to do."""
    own = _is_from_own_page(request)
    if own is False:
        log.warning("desk.foreign_form", path=request.path, origin=request.headers.get("Origin"))
        return error_page(console.frame, request, HTTPStatus.FORBIDDEN)
    # A visitor without a session has no token either: that the form came from our own page has to do.
    if visitor is None or await _has_token(request, visitor.session.csrf):
        return None
    # A form of our own page with another session's token was typed before a new sign-in: it is asked about, not lost.
    # Where the browser doesn't say whose page it was, it may be anybody's.
    form = await _form(request)
    kept = carry(request.path_qs, form) if own and "csrf" in form else None
    if kept is None or visitor.session.stage is not Stage.FULL:
        return error_page(console.frame, request, HTTPStatus.FORBIDDEN)
    if author := await another_author(console, visitor, kept):
        return await keep_for(console, request, kept, author, status=HTTPStatus.FORBIDDEN)
    return please_confirm(console.frame, request, kept, status=HTTPStatus.FORBIDDEN)


async def _static(request: web.Request) -> web.Response:
    file = must_exist(static_file(request.match_info["name"]))
    # Packed, as the public's are: pages are not, for they hold a token beside what somebody else may have written.
    response = await respond(answer_of(file), request)
    # The query is the digest of the content (`static_address`): such an address never shows anything else.
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if request.query_string else "no-cache"
    return response


def _unwritten(
    console: Console, request: web.Request, error: DatabaseRefused, form: Form = _NOTHING
) -> web.StreamResponse:
    """The database refused, or is asked too much: what was typed is given back with the page that says so."""
    if isinstance(error, Busy):
        log.warning("desk.busy", path=request.path, method=request.method, reason=str(error))
        return unwritten(console.frame, request, None, form)
    log.error("desk.unwritten", path=request.path, method=request.method, exc_info=error)
    return unwritten(console.frame, request, str(error), form)


def _is_open(path: str) -> bool:
    """True for pages before the sign-in: the sign-in itself, the language, and the files of the desk's app."""
    return path in (SIGN_IN, f"{BASE}/language", *home_screen.OPEN) or path.startswith(f"{SIGN_IN}/")


def _is_from_own_page(request: web.Request) -> bool | None:
    """True if the browser says so (Fetch Metadata, Origin). Returns None if it doesn't say."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    # "same-site" is refused too, since another host of the town's domain isn't the desk. "none" is the person's own
    # doing, such as a bookmark.
    if site is not None and site not in ("same-origin", "none"):
        return False
    if origin is not None:
        # A sandboxed frame sends `Origin: null`, which is none of ours.
        return origin.lower() in request[ARRIVAL].origins
    return True if site is not None else None


async def _has_token(request: web.Request, csrf: str) -> bool:
    # Scripts send the token as a header: what they post is JSON or a picture, and no form.
    said = request.headers.get("X-CSRF-Token") or (await _form(request)).get("csrf", "")
    return isinstance(said, str) and same(said, csrf)


async def _form(request: web.Request) -> Form:
    if request.content_type not in FORMS:
        return _NOTHING
    return await read_posted(request)


async def _lead(console: Console, request: web.Request, visitor: Visitor | None) -> web.StreamResponse:
    """To what is due; a form that came too late is carried along."""
    # By 401 a script knows that its page has to say so. Led on, it would get the page of the sign-in for its answer.
    if not wants_page(request):
        return web.Response(status=HTTPStatus.UNAUTHORIZED, text=console.frame.words(request).gettext("Sign in"))
    if request.method in _READS:
        due = DUE[visitor.session.stage] if visitor else SIGN_IN
        raise web.HTTPSeeOther(with_next(due, safe_next(request.path_qs)))
    kept = carry(request.path_qs, await _form(request))
    return sign_in_again(console.frame, request, kept)


def content_policy(town: Town) -> str:
    """Nothing but our own files; pictures also from the map's server. No inline script or style is ever run."""
    pictures = "'self' data: blob:"
    if town.web.tiles:
        parts = urlsplit(town.web.tiles)
        pictures += f" {parts.scheme}://{parts.netloc.replace('{s}', '*')}"
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {pictures}; connect-src 'self'; "
        "font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def seal(response: web.StreamResponse, town: Town, *, secure: bool) -> None:
    """Set the headers of an answer.

    A policy that it has already stays, such as the one of the crest, which may be an SVG.
    """
    for name, value in seals(town, secure=secure).items():
        response.headers.setdefault(name, value)


def seals(town: Town, *, secure: bool) -> Mapping[str, str]:
    """The headers; `secure` says that the browser speaks https, which it shall then go on doing."""
    policy = [*(f"{feature}=()" for feature in _OFF), *(f"{feature}=(self)" for feature in _OWN)]
    headers = {
        "Content-Security-Policy": content_policy(town),
        "X-Content-Type-Options": "nosniff",
        # For browsers that don't know `frame-ancestors`: in a frame of another page, buttons could be pressed unseen.
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": ", ".join(policy),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    # A host must not send it over plain http (RFC 6797, 7.2).
    return headers | ({"Strict-Transport-Security": f"max-age={_HSTS_YEAR}"} if secure else {})
