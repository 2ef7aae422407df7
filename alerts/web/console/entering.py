"""The common parts of the sign-in's steps and of one's own account.

Reading forms (each field bounded), the next page (`next`), refusals in HTTP's terms, a seed as a QR code, and `prove`:
a change of credentials requires one's own password again, since a browser that was left open isn't enough for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import quote

import segno
from aiohttp import web
from markupsafe import Markup, escape

from alerts.access.sessions import Confirmed, Enrolment, Refusal, SignInRefused
from alerts.desk.draft import LARGEST_PICTURE
from alerts.model.bounds import bounded, read_json
from alerts.model.person import LONGEST_NAME, Stage
from alerts.web.console.arrival import ARRIVAL
from alerts.web.console.error_pages import HOME, MOST_BYTES, safe_next
from alerts.web.console.frame import BASE, Console
from alerts.web.posted import PostedFields, read_posted, received

_LONGEST_ANSWER = 20_000
LONGEST_LINES = 100_000
"""Characters of channels.toml that are taken in: many times what a town needs."""
_LONGEST = {
    "carried": 2 * MOST_BYTES, "answer": _LONGEST_ANSWER, "lines": LONGEST_LINES + 1, "name": LONGEST_NAME + 1,
}  # fmt: skip
# Characters of a field that are looked at; a name has one more than any may have, and so is nobody's.
_LONGEST_OTHER = 10_000


SIGN_IN = f"{BASE}/sign-in"
DUE = {
    Stage.PASSWORD: f"{SIGN_IN}/code",
    Stage.NEW_PASSWORD: f"{SIGN_IN}/password",
    Stage.ENROL: f"{SIGN_IN}/second-factor",
    Stage.FULL: f"{BASE}/",
}
"""The page that is due at each stage of a sign-in."""


@dataclass(frozen=True, slots=True)
class ShownSeed:
    """A seed as a page shows it: its picture for a camera, groups of letters for who types, a link for a telephone."""

    picture: Markup
    seed: str
    uri: Markup


async def fields_of(request: web.Request) -> dict[str, str]:
    """The text fields of a form, none longer than it may be; of several of one name the last."""
    form = await read_posted(request)
    return {
        name: bounded(value, _LONGEST.get(name, _LONGEST_OTHER))
        for name, value in form.items()
        if isinstance(value, str)
    }


def uploaded(form: PostedFields) -> bytes:
    """Return the uploaded file, cut if it is larger than allowed."""
    data = form.get("file", b"")
    return data[: LARGEST_PICTURE + 1] if isinstance(data, bytes) else b""


async def json_of(request: web.Request) -> dict[str, Any]:
    """Return a script's object. Raises HTTPBadRequest if it is none."""
    said = read_json(await received(request, request.client_max_size))
    if not isinstance(said, dict):
        raise web.HTTPBadRequest
    return said


def next_of(form: Mapping[str, str]) -> str:
    """Where it goes after the sign-in."""
    return safe_next(form.get("next", HOME))


def with_next(address: str, onward: str) -> str:
    """An address of the way in, with where it goes then."""
    return address if onward == HOME else f"{address}?next={quote(onward, safe='')}"


def see_other(address: str) -> web.Response:
    """Led on, so that loading the page again posts nothing again."""
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})


def read_answer(form: Mapping[str, str]) -> Mapping[str, Any]:
    """Return a passkey's answer from the script; empty, so refused, if it is none."""
    text = form.get("answer", "")
    answer = read_json(text) if len(text) <= _LONGEST_ANSWER else None
    return answer if isinstance(answer, dict) else {}


def options(asked: Mapping[str, Any] | SignInRefused) -> web.Response:
    """Return the script's options for the browser; or the refusal."""
    if isinstance(asked, SignInRefused):
        return web.json_response({"reason": asked.reason}, status=HTTPStatus.CONFLICT)
    return web.json_response(asked)


def status_of(refusal: SignInRefused | None) -> int:
    """As HTTP says why somebody isn't let on."""
    if refusal is None:
        return HTTPStatus.OK
    if refusal.reason is Refusal.WAIT:
        return HTTPStatus.TOO_MANY_REQUESTS
    if refusal.reason is Refusal.BUSY:
        return HTTPStatus.SERVICE_UNAVAILABLE
    over = refusal.reason in (Refusal.WRONG, Refusal.OVER, Refusal.CODE, Refusal.PASSKEY, Refusal.SECOND_ONLY)
    return HTTPStatus.UNAUTHORIZED if over else HTTPStatus.BAD_REQUEST


def tell_when(response: web.Response, refusal: SignInRefused | None, now: datetime) -> web.Response:
    """With the seconds to wait, where waiting helps."""
    if refusal is not None and refusal.retry_at is not None:
        # Never 0, which would say that it may be tried at once.
        response.headers["Retry-After"] = str(max(1, round((refusal.retry_at - now).total_seconds())))
    return response


def shown(enrolment: Enrolment) -> ShownSeed:
    """As the page shows it; black on white whatever the colour scheme, since cameras want that."""
    drawn = BytesIO()
    segno.make(enrolment.uri, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=True, scale=4, border=3, dark="#000", light="#fff", nl=False
    )
    seed = enrolment.seed.reveal()
    groups = " ".join(seed[start : start + 4] for start in range(0, len(seed), 4))
    # Both are made here: the picture of numbers, the address by pyotp, which quotes the names in it.
    return ShownSeed(Markup(drawn.getvalue().decode()), groups, Markup(escape(enrolment.uri)))  # noqa: S704


PROOF = "own_password"
"""The field that holds it."""


async def prove(console: Console, request: web.Request, form: Mapping[str, str]) -> Confirmed | web.Response:
    """Return the confirmation if the form has the visitor's own password; else the page that asks for it.

    That page sends the rest of the form again.

    A wrong one counts as a failed sign-in, and is slowed like one.
    """
    refusal: SignInRefused | None = None
    if PROOF in form:
        arrival = request[ARRIVAL]
        proved = await console.gate.prove_again(arrival.cookie_of(request), form[PROOF], arrival.visit(request))
        if isinstance(proved, Confirmed):
            return proved
        refusal = proved
    # `username` is there for password managers alone, and the page that asks has a token of its own.
    rest = [(name, value) for name, value in form.items() if name not in (PROOF, "csrf", "username")]
    values = {"held": refusal, "rest": rest, "to": request.path, "proof": PROOF}
    page = console.frame.page(request, "prove.html", status=status_of(refusal) if refusal else HTTPStatus.OK, **values)
    return tell_when(page, refusal, console.service.now())
