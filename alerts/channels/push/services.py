"""Which push services are spoken to, and what their answers mean: pure decisions, no request is made here.

Strangers give the addresses, so that without a list anybody could make the daemon ask whatever machine they like.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from urllib.parse import SplitResult, urlsplit

from alerts.channels.settings import PUSH_SERVICES, is_here

LONGEST = 1000
"""Characters of an address; those of today's services have 150 to 500."""
# Visible ASCII alone: anything else must be percent-encoded in an address.
_PLAIN = re.compile(r"[!-~]+")
# What may stand before a name's end: labels that lead somewhere. One that is spelt as an IDN and is none (`xn--a`) ends
# the libraries in an error, and the services that have names of many hosts spell none so.
_LABELS = re.compile(r"(?:(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+")
_PORTS = {"https": 443, "http": 80}
# The wait after a 429 without a time, and the longest one that a service may demand.
WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PushService:
    """Where an endpoint is: its origin, and whether the town itself named that host, not only a name's end.

    `pattern` is which of the named services it is: a host, or the end of a name that many hosts have (`*.`).
    """

    origin: str
    host: str
    named: bool
    pattern: str


def service_of(url: str, services: Sequence[str]) -> PushService | None:
    """The service of an endpoint's address; None: it is no such address, or none of `services`."""
    if len(url) > LONGEST or not _PLAIN.fullmatch(url) or "#" in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if not host or "@" in parts.netloc or not _is_safe(parts, host):
        return None
    usual = port in (None, _PORTS[parts.scheme])
    place = f"[{host}]" if ":" in host else host
    known = place if usual else f"{place}:{port}"
    pattern = next((each for each in services if _fits(each.lower(), known)), None)
    if pattern is None:
        return None
    return PushService(f"{parts.scheme}://{known}", host, known in services and known not in PUSH_SERVICES, pattern)


def _is_safe(parts: SplitResult, host: str) -> bool:
    return parts.scheme == "https" or (parts.scheme == "http" and is_here(host))


def _fits(pattern: str, known: str) -> bool:
    if not pattern.startswith("*."):
        return pattern == known
    end = pattern[2:]
    return known.endswith(end) and _LABELS.fullmatch(known.removesuffix(end)) is not None


class PushAnswer(Enum):
    """The meaning of an answer for the message."""

    TAKEN = "taken"
    GONE = "gone"
    TOO_LONG = "too long"
    WAIT = "wait"
    KEY = "key"
    REFUSED = "refused"
    TROUBLE = "trouble"


def meaning_of(status: int) -> PushAnswer:
    """Return the meaning of that status (RFC 8030, sections 5 and 7; RFC 8292, section 4.2)."""
    if 200 <= status < 300:
        return PushAnswer.TAKEN
    if status >= 500 or status == 408:
        return PushAnswer.TROUBLE
    return {
        401: PushAnswer.KEY,
        403: PushAnswer.KEY,
        404: PushAnswer.GONE,
        410: PushAnswer.GONE,
        413: PushAnswer.TOO_LONG,
        429: PushAnswer.WAIT,
    }.get(status, PushAnswer.REFUSED)
