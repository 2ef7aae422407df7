"""Finds where a section of the configuration would send a credential unencrypted to another machine.

Both are found by their type anywhere in a section, so that no kind has to be listed, an installed package's neither: a
credential is a `SecretSource` or a part of an address, and what is unencrypted is an address of a scheme without TLS
(RFC 9110, 4.2.1, and those alike) or a `host` with `tls = "none"`. A section is what has the key `insecure`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel

from alerts.channels.settings import SecretAddress, SecretSource, is_here
from alerts.config.within import parts_of

_SCHEMES = re.compile(r"(?i)(http|ws|mqtt|amqp|smtp|imap|pop3|ftp|ldap|redis)://")
# Names of a query's parameters that hold a credential.
_KEYS = re.compile(r"(?i)key|token|secret|passw|auth|sig(nature)?\b|^sid$")


@dataclass(frozen=True, slots=True)
class Unencrypted:
    """A key whose value leads unencrypted to that host; `is_meant`: the section says so (`insecure = true`)."""

    key: str
    section: str
    host: str
    is_meant: bool


def unencrypted(section: object, key: str) -> Iterator[Unencrypted]:
    """Yield what a credential would go over unencrypted, in a section at the dotted `key` and in those within."""
    leaves: list[tuple[str, str]] = []
    inner: list[tuple[str, object]] = []
    has_secret = _gathered(section, key, leaves, inner)
    is_meant = bool(getattr(section, "insecure", False))
    for place, text in leaves:
        host = _host_of(text)
        if host is not None and (has_secret or _is_secret(text)):
            yield Unencrypted(place, key, host, is_meant)
    server = getattr(section, "host", None)
    if getattr(section, "tls", None) == "none" and isinstance(server, str) and not is_here(server):
        yield Unencrypted(f"{key}.tls", key, server, is_meant)
    for place, each in inner:
        yield from unencrypted(each, place)


def _gathered(value: object, key: str, leaves: list[tuple[str, str]], inner: list[tuple[str, object]]) -> bool:
    """Collect the section's own texts, and the sections within. Returns True if it has a secret of its own."""
    has_secret = False
    for part, each in parts_of(value):
        place = f"{key}.{part}"
        if isinstance(each, SecretSource):
            has_secret = True
        elif isinstance(each, str):
            leaves.append((place, each))
        elif isinstance(each, BaseModel) and "insecure" in type(each).model_fields:
            inner.append((place, each))
        else:
            has_secret |= _gathered(each, place, leaves, inner)
    return has_secret


def _host_of(text: str) -> str | None:
    """Return the host that an unencrypted address leads to; None for this machine, and for other texts."""
    if _SCHEMES.match(text) is None:
        return None
    try:
        host = urlsplit(text).hostname or ""
    except ValueError:
        return text.partition("://")[2][:40]
    return None if is_here(host) else host


def _is_secret(address: str) -> bool:
    """True if who reads the address knows a credential."""
    parts = urlsplit(address)
    names = dict(parse_qsl(parts.query))
    return isinstance(address, SecretAddress) or "@" in parts.netloc or any(map(_KEYS.search, names))
