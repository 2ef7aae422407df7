"""The edge of the API, below `/api/v1`: a request is authorised, read strictly, carried out, and answered.

In this order: the owner of its token (`guard.py`), the name in its address, its query, its conditions, its body in its
declared form. Every error on the way, and in the operation, is raised; one middleware turns it into a problem
(`problems.py`), so that no answer of this application has another form.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import BaseModel, ValidationError

from alerts.model.alert import Alert
from alerts.model.bounds import is_light, whole_number
from alerts.model.cap import violations
from alerts.model.catalogue import LOCALE
from alerts.model.person import Actor, Origin, Role
from alerts.model.reason import Reason, because
from alerts.web.api.document import EVERY_OPERATION
from alerts.web.api.guard import ALLOWANCE
from alerts.web.api.operation import (
    CAP,
    JSON,
    PROBLEM,
    Api,
    ApiCall,
    ApiResponse,
    Conditions,
    Operation,
    best_form,
    seen_in,
)
from alerts.web.api.problems import Fault, Problem, ProblemType, faults_of, invalid, problem_of
from alerts.web.api.queries import must_be_as_seen
from alerts.web.pages import best_of, languages_in
from alerts.web.posted import received
from alerts.web.room import NoRoom

# The actor of operations that need no token.
NOBODY = Actor("nobody", Role.VIEWER, Origin.API)
# Bytes of a body; one with a picture may have more.
LARGEST_JSON = 256 * 1024
LARGEST_CAP = 1024 * 1024
LARGEST_PICTURED = 8 * 1024 * 1024
"""JSON that may hold a picture."""
SPOKEN = languages_in(LOCALE)
"""The languages of problems."""
# An answer is one token's: a cache may keep it for its owner, and asks whether it still holds.
_EVERYWHERE = {
    "Cache-Control": "private, no-cache",
    "Vary": "Accept, Accept-Language, Authorization",
    "X-Content-Type-Options": "nosniff",
}
_LONGEST_NAME = 200
# Keys of a body that hold a picture.
_PICTURED = {"picture", "photo"}
# Of an `Idempotency-Key`, in visible ASCII.
_LONGEST_KEY = 255
# Keys of one object of a body: more than any has, and each that is unknown is told with its nearest.
_MOST_KEYS = 200
# A body that is read in a thread, so that nobody else waits for it.
_LONG = 16 * 1024
_KEY = re.compile(rf"[!-~]{{1,{_LONGEST_KEY}}}")
M = TypeVar("M", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = structlog.get_logger()


def api_app(api: Api, operations: Sequence[Operation] = EVERY_OPERATION) -> web.Application:
    """Return the application with every operation; every error becomes a problem."""
    app = web.Application(middlewares=[_as_problems(api.station.language)])
    for operation in operations:
        # A name may come percent-encoded, three characters for each of its bytes; `_name` looks at it decoded.
        path = operation.path.replace("{id}", f"{{id:[^/]{{1,{_LONGEST_NAME * 3}}}}}")
        handler = partial(_serve, api, operation)
        app.router.add_get(path, handler) if operation.method == "GET" else app.router.add_post(path, handler)
    return app


async def _serve(api: Api, operation: Operation, request: web.Request) -> web.StreamResponse:
    if operation.act is None:
        api.guard.pace_stranger(request)
        # The document is everybody's, and still costs: it is counted against an address.
        actor, token = NOBODY, ""
    else:
        # Before anything of the request is read: who isn't let in makes nobody read a large body.
        actor, token = await api.guard.let_in(request, operation.act)
    call = await _read(
        api, operation, request, ApiCall(actor, token, _name(request), query_of(request, operation.query))
    )
    if not operation.compares and operation.method == "POST":
        must_be_as_seen(call.conditions.if_match, lambda: (operation.path, None))
    answer = await operation.handler(api, call)
    if operation.method == "GET":
        tag = answer.headers.get("ETag", "")
        there = next(iter(seen_in(tag) or ()), None)
        must_be_as_seen(call.conditions.if_match, lambda: (call.name or operation.path, there))
    return _response(answer)


async def _read(api: Api, operation: Operation, request: web.Request, call: ApiCall) -> ApiCall:
    call, wish = replace(call, conditions=conditions_of(request, operation)), operation.wish
    if wish is None:
        return call
    body, form = await body_of(request, operation)

    def understood() -> ApiCall:
        if form == CAP:
            return replace(call, digest=digest_of(request, form, body.strip()), alert=cap_of(body, api))
        value, text = parse_json(body) if body.strip() else ({}, "{}")
        # In one spelling: a program may write the same object in another order.
        same = json.dumps(value, sort_keys=True).encode() if body.strip() else b""
        return replace(call, digest=digest_of(request, form, same), wish=wish_of(text, wish))

    return understood() if len(body) < _LONG else await asyncio.to_thread(understood)


def _name(request: web.Request) -> str:
    name: str = request.match_info.get("id", "")
    if len(name) > _LONGEST_NAME or any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise Problem(ProblemType.UNKNOWN, "nothing has such a name; allowed: an id, as it was told")
    return name


def _response(answer: ApiResponse) -> web.Response:
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return web.Response(status=answer.status, headers=answer.headers)
    # JSON is UTF-8 by its own definition and takes no charset (RFC 8259, 11); XML is what its header says.
    charset = "utf-8" if answer.form == CAP else None
    return web.Response(
        status=answer.status, body=answer.body, content_type=answer.form, charset=charset, headers=answer.headers
    )


def _as_problems(station: str) -> Middleware:
    """Answer, whatever goes wrong, in the same form: in a language that is asked for, else the station's."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except Exception as error:  # noqa: BLE001 the edge: an unexpected one is logged, and told as the program's fault
            language = best_of(SPOKEN, request.headers.get("Accept-Language"), station)
            response = _problem_response(_found(request, error), language)
        response.headers.update(_EVERYWHERE)
        if ALLOWANCE in request:
            response.headers.update(request[ALLOWANCE].headers())
        return response

    return answer


def _found(request: web.Request, error: Exception) -> Problem:
    if isinstance(error, web.HTTPException):
        return _routing(request, error)
    problem = problem_of(error)
    # A database that refuses is told to who asks and to who operates it: the first can't mend it.
    if problem is None or problem.kind is ProblemType.UNAVAILABLE:
        log.error("api.failed", path=request.path, method=request.method, exc_info=error)
    return problem or Problem(ProblemType.INTERNAL, "the program failed at this; please report it")


def _routing(request: web.Request, error: web.HTTPException) -> Problem:
    """Return the problem for aiohttp's own refusals."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = sorted(error.allowed_methods)
        why = because("request_no_method", method=request.method, allowed=allowed)
        return Problem(ProblemType.METHOD, why, (), {"Allow": ", ".join(allowed)})
    if isinstance(error, web.HTTPNotFound):
        return Problem(ProblemType.UNKNOWN, "there is no such address; /api/v1/openapi.json tells those that there are")
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Problem(ProblemType.TOO_LARGE, "the body is too large")
    return Problem(ProblemType.MALFORMED, because("request_unread", said=error.reason))


def _problem_response(problem: Problem, language: str) -> web.Response:
    text, headers = json.dumps(problem.document(language)), {"Content-Language": language, **problem.headers}
    return web.Response(status=problem.kind.status, text=text, content_type=PROBLEM, headers=headers)


def conditions_of(request: web.Request, operation: Operation) -> Conditions:
    """Return the conditions in the headers. Raises Problem for an unavailable form and an invalid key."""
    # A header that is a list may come in several lines (RFC 9110, 5.3).
    accept = ",".join(request.headers.getall("Accept", []))
    form = best_form(accept, operation.forms)
    if form is None:
        raise Problem(ProblemType.NOT_ACCEPTABLE, because("request_accept", allowed=operation.forms))
    key = request.headers.get("Idempotency-Key") if operation.method == "POST" else None
    if key is not None and not _KEY.fullmatch(key):
        raise Problem(ProblemType.MALFORMED, because("request_key", most=_LONGEST_KEY))
    return Conditions(form, key, _tags(request, "If-Match"), _tags(request, "If-None-Match"))


def _tags(request: web.Request, name: str) -> str | None:
    tags = ",".join(request.headers.getall(name, [])) or None
    if tags is not None and not tags.isascii():
        raise Problem(ProblemType.MALFORMED, because("request_tag", name=name))
    return tags


def query_of(request: web.Request, model: type[M]) -> M:
    """The query's parameters, each once. Raises Problem."""
    query = request.query
    # Of two values one would win, and who wrote the other wouldn't know.
    twice = sorted({name for name in query if len(query.getall(name)) > 1})
    if twice:
        raise invalid([Fault(name[:60], "is given twice", "once") for name in twice])
    if any("\x00" <= character < " " for text in query.values() for character in text):
        raise invalid([Fault("", "a parameter holds a control character", "plain text")])
    try:
        return model.model_validate(dict(query))
    except ValidationError as error:
        raise invalid(faults_of(error, model)) from None


async def body_of(request: web.Request, operation: Operation) -> tuple[bytes, str]:
    """The body, and the media type that it is said to be. Raises Problem where it is too large or in another form.

    No body has no form: what a client says of it doesn't matter.
    """
    # aiohttp takes a body without a type for bytes; whether one was given is asked below.
    form = request.content_type.lower()
    body = await body_within(request, _most(operation, form))
    if not body:
        return body, CAP if form == CAP and operation.takes_cap else JSON
    encoded = request.headers.get("Content-Encoding", "identity").strip().lower() != "identity"
    charset = (request.charset or "utf-8").lower()
    if (
        encoded
        or "Content-Type" not in request.headers
        or form not in operation.takes
        or charset not in ("utf-8", "utf8")
    ):
        why = because("request_form", allowed=operation.takes)
        takes = {"Accept": ", ".join(operation.takes)}
        raise Problem(ProblemType.MEDIA_TYPE, why, headers=takes)
    return body, form


def _most(operation: Operation, form: str) -> int:
    if form == CAP:
        return LARGEST_CAP
    may_be_pictured = operation.wish is not None and not _PICTURED.isdisjoint(operation.wish.model_fields)
    return LARGEST_PICTURED if may_be_pictured else LARGEST_JSON


async def body_within(request: web.Request, most: int) -> bytes:
    """The body. Raises Problem where it is too large, ends too soon or has to give way to others."""
    try:
        return await received(request, most)
    except web.HTTPRequestEntityTooLarge:
        why = because("request_body_large", most=most)
        raise Problem(ProblemType.TOO_LARGE, why, headers={"Connection": "close"}) from None
    except NoRoom:
        headers = {"Retry-After": "60", "Connection": "close"}
        raise Problem(ProblemType.TOO_MANY, because("request_too_many", seconds=60), headers=headers) from None
    except web.RequestPayloadError:
        raise Problem(ProblemType.MALFORMED, "the body ends before its end; send it again") from None


def wish_of(text: str, model: type[M]) -> M:
    """The body's JSON as its model. Raises Problem with everything that is wrong."""
    try:
        # From JSON, for a strict model takes an enum's name and a list for a tuple from JSON alone.
        return model.model_validate_json(text)
    except ValidationError as error:
        raise invalid(faults_of(error, model)) from None


def cap_of(body: bytes, api: Api) -> Alert:
    """The CAP message of the body, without fault. Raises Problem, and Unreadable for what is no CAP message.

    No resource may name a file: whoever has a token could publish any picture of this machine.
    """
    alert, _ = api.read_cap(body)
    faults: list[Fault | Reason] = [*violations(alert)]
    for place, info in enumerate(alert.infos):
        for number, resource in enumerate(info.resources):
            if resource.uri is not None and not re.match(r"https?://", resource.uri, re.IGNORECASE):
                where = f"info[{place}].resource[{number}].uri"
                faults.append(Fault(where, "is no address of the web", "http:// and https://"))
    if faults:
        raise invalid(faults)
    return alert


def digest_of(request: web.Request, form: str, words: bytes) -> str:
    """Return the identity of a request: its act, subject, words and condition."""
    # The same words on another condition (`If-Match`) are another request.
    parts = [request.method, request.rel_url.raw_path, form, request.headers.get("If-Match", "")]
    return hashlib.sha256("\n".join(parts).encode() + b"\n" + words).hexdigest()


def parse_json(body: bytes) -> tuple[Any, str]:
    """Parse a body, and write its value again; no key stands twice in an object, and no object has very many.

    Raises Problem.
    """
    if not is_light(body):
        raise Problem(ProblemType.MALFORMED, because("request_no_json", said="it has too many values or keys"))
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number, parse_int=whole_number)
        text = json.dumps(value, ensure_ascii=False)
        # JSON can spell half a surrogate pair, which no database takes.
        text.encode()
    except UnicodeError:
        raise Problem(
            ProblemType.MALFORMED, "the body is no UTF-8 text, or holds half a character; allowed: UTF-8"
        ) from None
    except (ValueError, RecursionError) as error:
        said = str(error) if isinstance(error, json.JSONDecodeError) else "it is nested too deeply or too long a number"
        raise Problem(ProblemType.MALFORMED, because("request_no_json", said=said)) from None
    return value, text


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > _MOST_KEYS:
        raise Problem(ProblemType.MALFORMED, because("request_many_keys", count=len(pairs), most=_MOST_KEYS))
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise Problem(ProblemType.MALFORMED, because("request_twice", name=repr(twice[:60])))
    return found


def _no_number(constant: str) -> NoReturn:
    raise Problem(ProblemType.MALFORMED, because("request_no_number", name=constant))
