"""What goes wrong at the desk, as a page that says the cause and what to do; and the pages that lose nothing typed."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from alerts.access.sessions import Failures
from alerts.model.errors import Conflict, Forbidden, Misuse, TocsinError
from alerts.model.reason import because
from alerts.rendering.i18n import word
from alerts.web.console.carried import Carried, Form, carry, safe_next
from alerts.web.console.frame import BASE, Frame
from alerts.web.pages import Words

# Seconds after which it is worth trying again: as long as the database waits for who holds it.
_AGAIN = 5


def wants_page(request: web.Request) -> bool:
    """Whether a browser is to show the answer as a page: not what a script fetches, nor a part of a page."""
    whole = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate" and "/fragments/" not in request.path
    return whole and "text/html" in request.headers.get("Accept", "text/html")


def mishap(frame: Frame, request: web.Request, what: TocsinError | int, *, status: int | None = None) -> web.Response:
    """The page, or the line where no page is wanted. An error of the family says itself what to do."""
    status = status or (status_of(what) if isinstance(what, TocsinError) else int(what))
    told = what.reason if isinstance(what, TocsinError) else None
    words = frame.words(request)
    title, cause = _said_of(status, words)
    if not wants_page(request):
        return web.Response(status=status, text=word(told, words.language, frame.station.zone) if told else title)
    return frame.page(request, "mishap.html", status=status, code=status, told=told, title=title, cause=cause)


def _said_of(status: int, words: Words) -> tuple[str, str]:
    """What happened and what to do about it, where nothing but HTTP's status is known."""
    _ = words.gettext
    said = {
        400: (
            _("That can’t be taken as it is"),
            _("Something in what was sent is missing or wrong. Go back, put it right and send it again."),
        ),
        403: (
            _("You may not do that"),
            _(
                "This takes another role, or the form was not one of this desk’s own pages. Load the page again, or "
                "ask an administrator."
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
            _("Somebody was faster, or it has changed meanwhile. Look again before you decide."),
        ),
        413: (
            _("That is too large"),
            _("What was sent is larger than allowed. Use a smaller picture or a shorter text."),
        ),
        429: (_("Too much at once"), _("Wait a moment, then try again.")),
        500: (
            _("Something went wrong here"),
            _(
                "It was written into the log. Try again; if it happens again, tell whoever operates this desk the "
                "time and the page."
            ),
        ),
    }
    return said.get(status) or said[400 if status < HTTPStatus.INTERNAL_SERVER_ERROR else 500]


def status_beside(error: TocsinError) -> int:
    """The status of a page that tells beside its form why an act was refused."""
    match error:
        case Misuse():
            return 400
        case Forbidden():
            return 403
        case Conflict():
            return 409
        case _:
            return 422


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
        "files": any(isinstance(value, web.FileField) and value.filename for value in form.values()),
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
    packed = carried.packed() if carried else ""
    return frame.page(
        request, "sign_in.html", status=HTTPStatus.UNAUTHORIZED, next=to, carried=packed, ended=True, held=None, name=""
    )
