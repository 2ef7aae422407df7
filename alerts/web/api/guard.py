"""Access to the API: a bearer token (RFC 6750), within its rate limit, with a role that may do the operation.

Each token has a bucket that fills again (`TokenRateLimit`), and so has each address without a token, or with a wrong
one: a stranger who floods the API empties their own. The rest of the bucket is in the answer's `RateLimit` fields,
refused or not. Cookies are ignored, so no other site can make a browser act here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from alerts.access.gate import Gate
from alerts.access.sessions import Visit, digest
from alerts.model.person import MAY, Act, Actor, Origin
from alerts.model.rate_limit import SlidingWindow
from alerts.model.reason import because
from alerts.web.api.problems import Problem, ProblemType
from alerts.web.console.arrival import Network, address_of, neighbourhood
from alerts.web.room import vouch


@dataclass(frozen=True, slots=True)
class TokenPace:
    """`burst` requests at once, then `each_second` of them. `name` is used in the answer's `RateLimit` fields."""

    name: str
    burst: int
    each_second: float

    @property
    def window(self) -> int:
        """Seconds in which an empty bucket is full again."""
        return math.ceil(self.burst / self.each_second)


PROGRAM = TokenPace("token", burst=120, each_second=10)
"""The pace of a program: a display that polls each second, and a hundred alerts at once."""
STRANGER = TokenPace("address", burst=20, each_second=0.2)
"""The pace of an address without a token, or with a wrong one."""
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,512}=*")
_BEARER = re.compile(rf"bearer +({_TOKEN.pattern}) *", re.IGNORECASE)
_REALM = 'Bearer realm="tocsin"'


@dataclass(frozen=True, slots=True)
class Allowance:
    """The rate limit's decision on one request: if it may pass, how many are left, and the seconds to one more."""

    pace: TokenPace
    granted: bool
    left: int
    wait: float

    def headers(self) -> dict[str, str]:
        """The RateLimit fields (draft-ietf-httpapi-ratelimit-headers, 3 and 4), and Retry-After when refused."""
        # Never 0 seconds: who is told to come again at once does, and is refused once more.
        name, seconds = self.pace.name, max(math.ceil(self.wait), 1)
        headers = {
            "RateLimit-Policy": f'"{name}";q={self.pace.burst};w={self.pace.window}',
            "RateLimit": f'"{name}";r={self.left};t={seconds}',
        }
        return headers if self.granted else {**headers, "Retry-After": str(seconds)}


ALLOWANCE: web.RequestKey[Allowance] = web.RequestKey("allowance", Allowance)
"""The rest of this request's bucket."""


class Guard:
    """Lets requests in. `now` is a clock's seconds that nobody sets; `proxies` are believed of an address."""

    def __init__(
        self,
        gate: Gate,
        now: Callable[[], float],
        proxies: Sequence[Network] = (),
        paces: tuple[TokenPace, TokenPace] = (PROGRAM, STRANGER),
    ) -> None:
        self._gate = gate
        self._proxies = proxies
        self._programs, self._strangers = (TokenRateLimit(pace, now) for pace in paces)

    async def let_in(self, request: web.Request, act: Act) -> tuple[Actor, str]:
        """Return the token's owner and its hash. Raises Problem."""
        return await self.admit(request, bearer_of(request), act)

    async def admit(self, request: web.Request, bearer: str | None, act: Act) -> tuple[Actor, str]:
        """Do the same for a token outside of the header. Raises Problem."""
        address, agent = self.address_of(request), request.headers.get("User-Agent", "")[:200]
        visit = Visit(address, agent.encode("ascii", "replace").decode())
        found = await self._gate.program(bearer, visit) if bearer else None
        if found is None or bearer is None:
            # Only now is it a stranger's: a program behind an address that was used up still comes in by its token.
            self.pace_stranger(request)
            raise _no_token(is_given=bearer is not None)
        token = digest(bearer)
        _pass(request, self._programs.ask(token))
        vouch(request)
        actor = replace(found, origin=Origin.API, address=address)
        if not actor.may(act):
            needed = because("role_too_low", name=actor.name, role=actor.role, act=act, needed=MAY[act])
            header = {"WWW-Authenticate": f'{_REALM}, error="insufficient_scope"'}
            raise Problem(ProblemType.FORBIDDEN, needed, headers=header)
        return actor, token

    def pace_stranger(self, request: web.Request) -> None:
        """Count a request without a good token against its address. Raises Problem where there were too many."""
        _pass(request, self._strangers.ask(neighbourhood(self.address_of(request))))

    def address_of(self, request: web.Request) -> str:
        """From where it was asked, as far as that can be known."""
        return address_of(request, self._proxies)


def bearer_of(request: web.Request) -> str | None:
    """The token in the request's header, if there is one of a token's form."""
    given = request.headers.getall("Authorization", [])
    match = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
    return match[1] if match else None


def token_in(text: str | None) -> str | None:
    """Return a text if it has a token's form, else None."""
    return text if text is not None and _TOKEN.fullmatch(text) else None


def _pass(request: web.Request, allowance: Allowance) -> None:
    request[ALLOWANCE] = allowance
    if not allowance.granted:
        seconds = allowance.headers()["Retry-After"]
        raise Problem(ProblemType.TOO_MANY, because("request_too_many", seconds=seconds))


def _no_token(*, is_given: bool) -> Problem:
    # RFC 6750, 3.1: no error code where the request shows no credentials at all.
    error = ', error="invalid_token"' if is_given else ""
    what = "the token is unknown or was withdrawn" if is_given else "there is no token"
    detail = because("request_no_token", what=what)
    return Problem(ProblemType.NO_TOKEN, detail, headers={"WWW-Authenticate": _REALM + error})


class TokenRateLimit:
    """The buckets of one pace, each of which fills again evenly. `now` is in seconds, by a clock that nobody sets."""

    def __init__(self, pace: TokenPace, now: Callable[[], float]) -> None:
        self._pace = pace
        self._now = now
        self._window: SlidingWindow[str] = SlidingWindow(1 / pace.each_second, in_turn=True)

    def ask(self, who: str) -> Allowance:
        """Take one from the bucket of `who`, if there is one."""
        now, most = self._now(), self._pace.burst
        granted = not self._window.wait(who, most, now)
        if granted:
            self._window.take(who, now)
        taken = self._window.taken(who, now)
        return Allowance(self._pace, granted, most - len(taken), taken[0] - now)
