"""OAuth 1.0a as a server checks it (RFC 5849, sections 3.2 to 3.5), written apart from any client's library."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from tocsin_sandbox.settings import (
    TWITTER_ACCESS_TOKEN,
    TWITTER_ACCESS_TOKEN_SECRET,
    TWITTER_CONSUMER_KEY,
    TWITTER_CONSUMER_SECRET,
)

SKEW = 300.0
"""Seconds by which a client's clock may differ from ours."""

_FIELD = re.compile(r'\s*([\w.~%-]+)="([^"]*)"\s*')


def is_signed(authorization: str, method: str, url: str, parameters: Iterable[tuple[str, str]], now: float) -> bool:
    """Whether the header signs this request with the sandbox's credentials, within `SKEW` of `now`.

    `url` is without its query; `parameters` are the query's and those of an urlencoded body, no other body's
    (section 3.4.1.3.1).
    """
    fields = _read_header(authorization)
    signature = fields.pop("oauth_signature", "")
    return (
        fields.get("oauth_consumer_key") == TWITTER_CONSUMER_KEY
        and fields.get("oauth_token") == TWITTER_ACCESS_TOKEN
        and fields.get("oauth_signature_method") == "HMAC-SHA1"
        and bool(fields.get("oauth_nonce"))
        and _is_timely(fields.get("oauth_timestamp", ""), now)
        and hmac.compare_digest(_sign(method, url, [*parameters, *fields.items()]), signature)
    )


def _read_header(authorization: str) -> dict[str, str]:
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "oauth":
        return {}
    matches = (_FIELD.fullmatch(part) for part in rest.split(","))
    fields = {unquote(match[1]): unquote(match[2]) for match in matches if match}
    fields.pop("realm", None)
    return fields


def _is_timely(timestamp: str, now: float) -> bool:
    return timestamp.isdecimal() and abs(int(timestamp) - now) <= SKEW


def _sign(method: str, url: str, parameters: Iterable[tuple[str, str]]) -> str:
    encoded = sorted((_encode(name), _encode(value)) for name, value in parameters)
    joined = "&".join(f"{name}={value}" for name, value in encoded)
    base = "&".join((method.upper(), _encode(url), _encode(joined)))
    key = f"{_encode(TWITTER_CONSUMER_SECRET)}&{_encode(TWITTER_ACCESS_TOKEN_SECRET)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()


def _encode(text: str) -> str:
    return quote(text, safe="~")
