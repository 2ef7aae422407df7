"""An answer as bytes, made once: its entity tag, its compressed forms, how long it may be kept."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import brotli
from aiohttp import web
from multidict import CIMultiDict

FRESH_FOR = 1
"""Seconds for which a cache may answer without asking: what has changed is seen a second later at the latest."""
STALE_FOR = 24 * 3600
"""Seconds for which a cache may go on answering while the daemon can't (RFC 5861): dated words beat none."""
_SMALL = 256
_NO_WORSE = "Accept-Encoding"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one address answers with, whoever asks."""

    body: bytes
    kind: str
    etag: str
    gzipped: bytes | None = None
    brotlied: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def to(self, request: web.Request, *, status: int = 200) -> web.Response:
        """The response to a request: 304 where the client has it, the form it can read best otherwise."""
        asked = request.headers
        headers = CIMultiDict(self.headers)
        if status == 200 and (known := asked.get("If-None-Match")) and _knows(known, self.etag):
            return web.Response(status=304, headers=headers)
        body, accepted = self.body, asked.get(_NO_WORSE, "")
        if self.brotlied is not None and "br" in accepted and "br;q=0" not in accepted:
            body, headers["Content-Encoding"] = self.brotlied, "br"
        elif self.gzipped is not None and "gzip" in accepted and "gzip;q=0" not in accepted:
            body, headers["Content-Encoding"] = self.gzipped, "gzip"
        headers["Content-Type"] = self.kind
        return web.Response(body=body, status=status, headers=headers)


def answer(
    body: str | bytes, kind: str, *, extra: Mapping[str, str] | None = None, fresh_for: int = FRESH_FOR
) -> Answer:
    """An answer of this body and media type; `extra` headers go with it."""
    content = body.encode() if isinstance(body, str) else body
    # Weak: the compressed forms say the same in other bytes (RFC 9110, 8.8.1).
    etag = f'W/"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {
        "ETag": etag,
        "Cache-Control": f"public, max-age={fresh_for}, stale-if-error={STALE_FOR}",
        "Vary": _NO_WORSE,
        "X-Content-Type-Options": "nosniff",
        **(extra or {}),
    }
    pays = len(content) >= _SMALL and not kind.startswith("image/png")
    return Answer(
        content,
        kind,
        etag,
        gzip.compress(content, 6, mtime=0) if pays else None,
        brotli.compress(content, quality=5) if pays else None,
        headers,
    )


def _knows(header: str, etag: str) -> bool:
    """Whether `If-None-Match` names the tag, weakly compared (RFC 9110, 13.1.2)."""
    return header.strip() == "*" or any(
        tag.strip().removeprefix("W/") == etag.removeprefix("W/") for tag in header.split(",")
    )
