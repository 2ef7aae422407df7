"""What goes wrong at the desk, as a page that says the cause and what to do; and the pages that lose nothing typed."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from alerts.access.answers import Failures
from alerts.model.errors import Conflict, Forbidden, Misuse, TocsinError
from alerts.web.console.carried import Carried, safe_next
from alerts.web.console.frame import Frame


def wants_page(request: web.Request) -> bool:
    """Whether a browser is to show the answer as a page: not what a script fetches, nor a part of a page."""
    whole = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate" and "/fragments/" not in request.path
    return whole and "text/html" in request.headers.get("Accept", "text/html")


def mishap(frame: Frame, request: web.Request, what: TocsinError | int) -> web.Response:
    """The page, or the line where no page is wanted. An error of the family says itself what to do."""
    status = status_of(what) if isinstance(what, TocsinError) else int(what)
    told = str(what) if isinstance(what, TocsinError) else ""
    if not wants_page(request):
        return web.Response(status=status, text=told or HTTPStatus(status).phrase)
    return frame.page(request, "mishap.html", status=status, code=status, told=told)


def status_of(error: TocsinError) -> int:
    """As HTTP says it."""
    match error:
        case Misuse():
            return HTTPStatus.BAD_REQUEST
        case Forbidden():
            return HTTPStatus.FORBIDDEN
        case Conflict():
            return HTTPStatus.CONFLICT
        case _:
            return HTTPStatus.CONFLICT


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


def sign_in_again(frame: Frame, request: web.Request, carried: Carried | None) -> web.Response:
    """The sign-in in place of what was asked, holding what was typed."""
    to = safe_next(request.path)
    packed = carried.packed() if carried else ""
    return frame.page(
        request, "sign_in.html", status=HTTPStatus.UNAUTHORIZED, next=to, carried=packed, ended=True, held=None, name=""
    )
