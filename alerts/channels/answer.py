"""One request to a platform, and what came of it: an answer, or whether the request can have arrived.

"Nothing twice, nothing lost" is decided here: a connection that was never made is `Retry(sent=False)`; silence after
the request was written is `InDoubt` where sending again would make a second post, and `Retry` where it would not.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import lru_cache
from typing import Any

import aiohttp
from yarl import URL

from alerts.model.errors import DeliveryError, InDoubt, Retry

QUOTED = 200
"""Characters of a platform's own words that a reason quotes."""

_NEVER_MADE = (
    aiohttp.ClientConnectorError,  # DNS, refused, unreachable, TLS
    aiohttp.ConnectionTimeoutError,  # no connection in time, or none free in the pool
    aiohttp.ClientHttpProxyError,  # the proxy refused to open a tunnel
    aiohttp.InvalidURL,
)


class Act(Enum):
    """What a request is for, as far as its failure is read differently."""

    PUBLISH = "publish"
    REPLY = "reply"
    REPLACE = "replace"
    EDIT = "edit"
    DELETE = "delete"
    READ = "read"

    @property
    def once(self) -> bool:
        """Whether doing it twice makes two posts, so that an unclear end must be looked into."""
        return self in (Act.PUBLISH, Act.REPLY, Act.REPLACE)

    @property
    def on_a_post(self) -> bool:
        """Whether it needs a post that was there before."""
        return self in (Act.REPLY, Act.REPLACE, Act.EDIT, Act.DELETE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform answered. `headers` are looked up in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status says that it was done."""
        return 200 <= self.status < 300

    def read(self) -> dict[str, Any] | None:
        """The body as a JSON object whatever its Content-Type; None where it is none (a gateway's page)."""
        try:
            told = json.loads(self.body)
        except ValueError:
            return None
        return told if isinstance(told, dict) else None


async def ask(
    session: aiohttp.ClientSession,
    method: str,
    url: str | URL,
    *,
    platform: str,
    act: Act,
    timeout: timedelta | aiohttp.ClientTimeout,  # noqa: ASYNC109 aiohttp keeps it: only it knows what was written by then
    data: bytes | aiohttp.FormData | aiohttp.BytesPayload | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The platform's answer to one request to `url` (percent-encoded already), within `timeout`.

    Half of `timeout` is for the connection, so that its end tells for sure that nothing was sent. Raises Retry or
    InDoubt as `act` demands; neither they nor their context hold the address, which may hold a token.
    """
    limits = timeout if isinstance(timeout, aiohttp.ClientTimeout) else _limits(timeout.total_seconds())
    failure: DeliveryError
    try:
        # No `async with`: reading it to the end gives the connection back, and so does an error in between.
        response = await session.request(
            method, _ready(url), data=data, headers=headers, timeout=limits, allow_redirects=False
        )
        return Answer(response.status, response.headers, await response.read())
    except _NEVER_MADE as error:
        failure = Retry(f"{platform} can't be reached: {_why_unmade(error, limits.connect or 0)}", sent=False)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        failure = unclear(_why_unanswered(platform, error, limits.total or 0), act)
    raise failure  # out here, so that the library's error, with the address in its text, is not its context


@lru_cache(maxsize=64)
def _limits(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, connect=seconds / 2)


def _ready(url: str | URL) -> URL:
    return url if isinstance(url, URL) else URL(url, encoded=True)


def unclear(reason: str, act: Act) -> DeliveryError:
    """What an end without a readable answer is: in doubt where doing it again would make a second post."""
    return InDoubt(f"{reason}; it may be out") if act.once else Retry(reason)


def unreadable(platform: str, answer: Answer, act: Act) -> DeliveryError:
    """What an answer is that isn't the platform's own: a gateway's page, half of a body, an unknown shape."""
    return unclear(f"{platform} answered {answer.status} with something that can't be read", act)


def quote(words: object) -> str:
    """The platform's own words in quotation marks, on one line and not too long."""
    line = " ".join(str(words).split())
    return f"“{line[:QUOTED]}…”" if len(line) > QUOTED else f"“{line}”"


def _why_unmade(error: aiohttp.ClientError, seconds: float) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name can't be resolved; check the network and api_url"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return f"no connection within {seconds:g} s; check the network"
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return "no secure connection (TLS); check this machine's clock and certificates"
    if isinstance(error, ConnectionRefusedError) or isinstance(error.__cause__, ConnectionRefusedError):
        return "the connection was refused; check api_url"
    return "no connection; check the network and api_url"


def _why_unanswered(platform: str, error: Exception, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"{platform} didn't answer within {seconds:g} s"
    if isinstance(error, aiohttp.ClientPayloadError):
        return f"{platform}'s answer broke off"
    return f"{platform} closed the connection without an answer"
