"""Who may come in: a bearer token (RFC 6750), at a bearable pace, of a role that may do what is asked.

No cookie is looked at, so no other site can make a browser act here.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

from aiohttp import web

from alerts.access.answers import Visit
from alerts.model.person import MAY, Act, Actor, Origin
from alerts.model.reason import because
from alerts.web.api.operation import Api
from alerts.web.api.pace import Allowance
from alerts.web.api.problems import Kind, Problem
from alerts.web.console.arrival import client_address, neighbourhood

ALLOWANCE: web.RequestKey[Allowance] = web.RequestKey("allowance", Allowance)
"""What the pace left of this request's bucket."""
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]{1,512}=*) *", re.IGNORECASE)
_REALM = 'Bearer realm="tocsin"'


async def let_in(api: Api, request: web.Request, act: Act) -> tuple[Actor, str]:
    """Who asks, and the hash of their token. Raises Problem."""
    address = _address(api, request)
    bearer = _bearer(request)
    found = await api.programs.program(bearer, Visit(address, _agent(request))) if bearer else None
    if found is None or bearer is None:
        pace_stranger(api, request)
        raise _no_token(bearer)
    token = hashlib.sha256(bearer.encode()).hexdigest()
    _pass(request, api.programs_pace.ask(token))
    actor = replace(found, origin=Origin.API, address=address)
    if not actor.may(act):
        needed = because("role_too_low", name=actor.name, role=actor.role, act=act, needed=MAY[act])
        header = {"WWW-Authenticate": f'{_REALM}, error="insufficient_scope"'}
        raise Problem(Kind.FORBIDDEN, needed, headers=header)
    return actor, token


def pace_stranger(api: Api, request: web.Request) -> None:
    """Count a request without a good token against its address. Raises Problem where there were too many."""
    _pass(request, api.strangers_pace.ask(neighbourhood(_address(api, request))))


def _pass(request: web.Request, allowance: Allowance) -> None:
    request[ALLOWANCE] = allowance
    if not allowance.granted:
        seconds = allowance.headers()["Retry-After"]
        raise Problem(Kind.TOO_MANY, because("request_too_many", seconds=seconds))


def _address(api: Api, request: web.Request) -> str:
    return client_address(request.remote or "", request.headers.getall("X-Forwarded-For", []), api.proxies)


def _agent(request: web.Request) -> str:
    return request.headers.get("User-Agent", "")[:200].encode("ascii", "replace").decode()


def _bearer(request: web.Request) -> str | None:
    given = request.headers.getall("Authorization", [])
    found = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
    return found[1] if found else None


def _no_token(bearer: str | None) -> Problem:
    error = ', error="invalid_token"' if bearer else ""
    what = "the token is unknown or was withdrawn" if bearer else "there is no token"
    detail = because("request_no_token", what=what)
    return Problem(Kind.NO_TOKEN, detail, headers={"WWW-Authenticate": _REALM + error})
