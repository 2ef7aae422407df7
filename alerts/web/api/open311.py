"""Open311 GeoReport v2, the standard for programs through which people report: below `/open311/v2`, in XML and JSON.

    services, services/CODE     the kinds of reports
    requests, requests/ID       the reports in their public form; with an `api_key` a little more
    POST requests               a report, with an `api_key`: a token from the role `reporter` on
    tokens/ID, discovery        for programs that ask

Every answer has the form that its address ends in. Errors are lists of a code and a sentence: by the standard, 404 for
an unknown object, 403 for the key, 400 for any other fault of a request. In addition 429, 413 and 503 have their usual
meaning. No address from a request is ever fetched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from alerts.model.errors import Misuse
from alerts.model.reason import because
from alerts.rendering.i18n import sentence
from alerts.reports.intake import ReportIntake
from alerts.web.api.app import body_within
from alerts.web.api.guard import ALLOWANCE
from alerts.web.api.open311_requests import TYPES, written
from alerts.web.api.open311_server import GeoReport, Listed, language_of, parameters_of
from alerts.web.api.operation import Api
from alerts.web.api.problems import Problem, ProblemType, problem_of

# Bytes of a report; photos aren't taken here.
LARGEST_FORM = 64 * 1024
LONGEST_QUERY = 4096
_FORM_TYPE = "application/x-www-form-urlencoded"
_LONGEST_ID = 64
# Problems whose own status the standard leaves open.
_AS_IT_IS = (
    ProblemType.UNKNOWN,
    ProblemType.TOO_MANY,
    ProblemType.TOO_LARGE,
    ProblemType.UNAVAILABLE,
    ProblemType.INTERNAL,
)
Answering = Callable[[web.Request], Awaitable[Listed]]
log = structlog.get_logger()


def open311_app(api: Api, intake: ReportIntake) -> web.Application:
    """Every address, each in both forms."""
    server = GeoReport(api, intake)
    app = web.Application(middlewares=[_in_its_form(server)])
    identity = f"{{id:[^/]{{1,{_LONGEST_ID}}}}}"
    for path, answering in (
        ("services", server.services),
        (f"services/{identity}", server.service),
        ("requests", server.requests),
        (f"requests/{identity}", server.request),
        (f"tokens/{identity}", server.token),
        ("discovery", server.discovery),
    ):
        app.router.add_get(f"/{path}.{{form:json|xml}}", partial(_read, server, answering))
    app.router.add_post("/requests.{form:json|xml}", partial(_post, server))
    return app


async def _read(server: GeoReport, answering: Answering, request: web.Request) -> web.Response:
    if len(request.rel_url.raw_query_string) > LONGEST_QUERY:
        raise Problem(ProblemType.MALFORMED, because("open311_long", most=LONGEST_QUERY))
    server.must_be_here(parameters_of(request), request)
    return await _response(request, 200, *await answering(request))


async def _post(server: GeoReport, request: web.Request) -> web.Response:
    if request.content_type.lower() != _FORM_TYPE or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise Problem(ProblemType.MALFORMED, because("request_form", allowed=[_FORM_TYPE]))
    return await _response(request, 201, *await server.post(request, await body_within(request, LARGEST_FORM)))


async def _response(request: web.Request, status: int, name: str, value: Any) -> web.Response:
    form = form_of(request)
    # A thousand requests take a moment to be written.
    body = await asyncio.to_thread(written, name, value, form)
    return web.Response(status=status, body=body, content_type=TYPES[form], charset="utf-8")


def form_of(request: web.Request) -> str:
    """The form that an address ends in; the standard's own where it ends in none."""
    return "json" if request.path.endswith(".json") else "xml"


def _in_its_form(server: GeoReport) -> Middleware:
    """Return the middleware that answers every error in the standard's form."""

    @web.middleware
    async def answer(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            response = await handler(request)
        except Exception as error:  # noqa: BLE001 the edge: an unexpected one is logged, and told as the program's fault
            response = await _trouble(server, request, error)
        # An answer with a key is one program's; what everybody may see may be shown on any page.
        response.headers.update({"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"})
        response.headers["Vary"] = "Accept-Language, Authorization"
        if request.method in ("GET", "HEAD"):
            response.headers["Access-Control-Allow-Origin"] = "*"
        if ALLOWANCE in request:
            response.headers.update(request[ALLOWANCE].headers())
        return response

    return answer


async def _trouble(server: GeoReport, request: web.Request, error: Exception) -> web.Response:
    language = language_of(request, server.town)
    if isinstance(error, web.HTTPMethodNotAllowed):
        problem = Problem(
            ProblemType.MALFORMED, because("open311_no_method", method=request.method, name="requests.json")
        )
    elif isinstance(error, web.HTTPNotFound):
        problem = Problem(ProblemType.UNKNOWN, because("open311_no_address", name="discovery.xml"))
    elif isinstance(error, Problem) and error.kind is ProblemType.NO_TOKEN:
        problem = Problem(ProblemType.FORBIDDEN, because("open311_key", name="api_key"))
    else:
        known = problem_of(error)
        if known is None or known.kind is ProblemType.UNAVAILABLE:
            log.error("open311.failed", path=request.path, method=request.method, exc_info=error)
        problem = known or Problem(ProblemType.INTERNAL, "the program failed at this; please report it")
    status = status_of(problem.kind)
    # What the desk says stands for itself: it isn't about a key of JSON here.
    said = sentence(error.reason, language) if isinstance(error, Misuse) else problem.document(language)["detail"]
    response = await _response(request, status, "errors", [{"code": status, "description": said}])
    response.headers.update({name: value for name, value in problem.headers.items() if name != "WWW-Authenticate"})
    return response


def status_of(kind: ProblemType) -> int:
    """Return the standard's status for that kind of problem."""
    if kind is ProblemType.FORBIDDEN:
        return 403
    return kind.status if kind in _AS_IT_IS else 400
