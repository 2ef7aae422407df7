"""The API's application, below `/api/v1`."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from alerts.model.person import Actor, Origin, Role
from alerts.model.reason import because
from alerts.rendering.i18n import LOCALE
from alerts.web.api.document import EVERY_OPERATION
from alerts.web.api.guard import ALLOWANCE, let_in, pace_stranger
from alerts.web.api.negotiation import CAP, PROBLEM
from alerts.web.api.operation import Answer, Api, Call, Operation
from alerts.web.api.problems import Kind, Problem, problem_of
from alerts.web.api.reading import body_of, cap_of, conditions_of, digest_of, query_of, wish_of
from alerts.web.words import best_of, languages_in

NOBODY = Actor("nobody", Role.VIEWER, Origin.API)
_EVERYWHERE = {
    "Cache-Control": "private, no-cache",
    "Vary": "Accept, Accept-Language, Authorization",
    "X-Content-Type-Options": "nosniff",
}
_LONGEST_NAME = 200
# A body that is read in a thread, so that nobody else waits for it.
_LONG = 16 * 1024

SPOKEN = languages_in(LOCALE)
"""What a problem can be told in."""
log = structlog.get_logger()
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def api_app(api: Api, operations: Sequence[Operation] = EVERY_OPERATION) -> web.Application:
    """Every operation; whatever goes wrong is told as a problem."""
    app = web.Application(middlewares=[_as_problems(api.station.language)])
    for operation in operations:
        path = operation.path.replace("{id}", f"{{id:[^/]{{1,{_LONGEST_NAME * 3}}}}}")
        handler = partial(_serve, api, operation)
        app.router.add_get(path, handler) if operation.method == "GET" else app.router.add_post(path, handler)
    return app


async def _serve(api: Api, operation: Operation, request: web.Request) -> web.StreamResponse:
    if operation.act is None:
        pace_stranger(api, request)
        actor, token = NOBODY, ""
    else:
        actor, token = await let_in(api, request, operation.act)
    call = await _read(api, operation, request, Call(actor, token, _name(request), query_of(request, operation.query)))
    return _response(await operation.handler(api, call))


async def _read(api: Api, operation: Operation, request: web.Request, call: Call) -> Call:
    call, wish = replace(call, conditions=conditions_of(request, operation)), operation.wish
    if wish is None:
        return call
    body, form = await body_of(request, operation)

    def understood() -> Call:
        known = replace(call, digest=digest_of(request, form, body))
        if form == CAP:
            return replace(known, alert=cap_of(body, api))
        return replace(known, wish=wish_of(body, wish))

    return understood() if len(body) < _LONG else await asyncio.to_thread(understood)


def _name(request: web.Request) -> str:
    name: str = request.match_info.get("id", "")
    if len(name) > _LONGEST_NAME or any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise Problem(Kind.UNKNOWN, "nothing has such a name; allowed: an id, as it was told")
    return name


def _response(answer: Answer) -> web.Response:
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return web.Response(status=answer.status, headers=answer.headers)
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
    if problem is None or problem.kind is Kind.UNAVAILABLE:
        log.error("api.stumbled", path=request.path, method=request.method, exc_info=error)
    return problem or Problem(Kind.INTERNAL, "the program stumbled over this; please report it")


def _routing(request: web.Request, error: web.HTTPException) -> Problem:
    """What aiohttp itself refuses."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = sorted(error.allowed_methods)
        why = because("request_no_method", method=request.method, allowed=allowed)
        return Problem(Kind.METHOD, why, (), {"Allow": ", ".join(allowed)})
    if isinstance(error, web.HTTPNotFound):
        return Problem(Kind.UNKNOWN, "there is no such address; /api/v1/openapi.json tells those that there are")
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Problem(Kind.TOO_LARGE, "the body is too large")
    return Problem(Kind.MALFORMED, because("request_unread", said=error.reason))


def _problem_response(problem: Problem, language: str) -> web.Response:
    text, headers = json.dumps(problem.document(language)), {"Content-Language": language, **problem.headers}
    return web.Response(status=problem.kind.status, text=text, content_type=PROBLEM, headers=headers)
