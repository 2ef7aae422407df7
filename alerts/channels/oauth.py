"""OAuth 1.0a signatures (RFC 5849, HMAC-SHA1) for requests whose body isn't a form.

Written here since both tweepy and oauthlib write the credentials and the signature to their DEBUG logs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from alerts.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Signer:
    """The four keys of an app and its user."""

    consumer_key: Secret
    consumer_secret: Secret
    token: Secret
    token_secret: Secret

    def sign(self, method: str, url: str, query: Mapping[str, str], now: datetime, nonce: str | None = None) -> str:
        """The `Authorization` header for `method` on `url` (without its query), RFC 5849 section 3.5.1.

        `now` must be right to within minutes, or the platform refuses it. Each call has its own nonce.
        """
        words = {
            "oauth_consumer_key": self.consumer_key.reveal(),
            "oauth_nonce": nonce or secrets.token_hex(16),
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": str(int(now.timestamp())),
            "oauth_token": self.token.reveal(),
            "oauth_version": "1.0",
        }
        words["oauth_signature"] = self._signature(method, url, [*query.items(), *words.items()])
        return "OAuth " + ", ".join(f'{name}="{_escape(value)}"' for name, value in words.items())

    def _signature(self, method: str, url: str, parameters: Sequence[tuple[str, str]]) -> str:
        """RFC 5849 section 3.4: the base string of 3.4.1 under both secrets."""
        base = "&".join(_escape(part) for part in (method.upper(), url, encode(parameters)))
        key = f"{_escape(self.consumer_secret.reveal())}&{_escape(self.token_secret.reveal())}"
        digest = hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()
        return base64.b64encode(digest).decode()


def encode(parameters: Iterable[tuple[str, str]]) -> str:
    """A query in the order and escaping that is signed (RFC 5849 section 3.4.1.3.2): send it exactly so."""
    return "&".join(f"{name}={value}" for name, value in sorted((_escape(n), _escape(v)) for n, v in parameters))


def _escape(text: str) -> str:
    return quote(text, safe="")
