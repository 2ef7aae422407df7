"""What one address answers with, as bytes that are made once: entity tag, compressed forms, how long it may be kept.

A page is compressed when it is made, not when it is asked for, so a town that looks all at once costs no more than its
bytes. Files beside the pages (style, scripts, Leaflet) are such answers too, under addresses that hold the digest of
what is in them: those may be kept for ever.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

import brotli
from aiohttp import web
from multidict import CIMultiDict

from alerts.web.pages import leaflet_files

# Seconds for which a cache may answer without asking: what has changed is seen a second later at the latest.
_FRESH_FOR = 1
# Seconds for which a cache may go on answering while the daemon can't (RFC 5861): dated words beat none.
_STALE_FOR = 24 * 3600
_FOR_EVER = 365 * 24 * 3600
# Bytes below which packing makes nothing smaller that matters.
_SMALL = 256
_CODING = re.compile(r"\s*([\w.*-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?", re.IGNORECASE | re.ASCII)
_HERE = Path(__file__).with_name("static")
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class KeptAnswer:
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
        if status != 200:
            headers["Cache-Control"] = f"public, max-age={_FRESH_FOR}"  # nothing there now: not for a day of ours
        body, takes = self.body, _codings(asked.get("Accept-Encoding", ""))
        if self.brotlied is not None and "br" in takes:
            body, headers["Content-Encoding"] = self.brotlied, "br"
        elif self.gzipped is not None and "gzip" in takes:
            body, headers["Content-Encoding"] = self.gzipped, "gzip"
        headers["Content-Type"] = self.kind
        return web.Response(body=body, status=status, headers=headers)


def answer(
    body: str | bytes,
    kind: str,
    *,
    extra: Mapping[str, str] | None = None,
    fresh_for: int = _FRESH_FOR,
    before: KeptAnswer | None = None,
) -> KeptAnswer:
    """An answer of this body and media type; `extra` headers go with it.

    One that says what `before` said at the same address is that: compressing costs more than all else.
    """
    content = body.encode() if isinstance(body, str) else body
    if before is not None and before.body == content:
        return before
    # Weak: the compressed forms say the same in other bytes (RFC 9110, 8.8.1).
    etag = f'W/"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {
        "ETag": etag,
        "Cache-Control": f"public, max-age={fresh_for}, stale-if-error={_STALE_FOR}",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        **(extra or {}),
    }
    # A PNG is packed already.
    if len(content) < _SMALL or kind.startswith("image/png"):
        return KeptAnswer(content, kind, etag, headers=headers)
    # Without a time in it (`mtime`), the same words are the same bytes.
    gzipped, brotlied = gzip.compress(content, 6, mtime=0), brotli.compress(content, quality=5)
    return KeptAnswer(content, kind, etag, gzipped, brotlied, headers)


@lru_cache(maxsize=256)
def _codings(header: str) -> frozenset[str]:
    """The codings that `Accept-Encoding` takes: those it names, but for what it refuses (RFC 9110, 12.5.3).

    The browsers of a whole town send a handful of spellings.
    """
    return frozenset(
        match[1].lower()
        for each in header.split(",")
        if (match := _CODING.fullmatch(each)) and float(match[2] or 1) > 0
    )


def _knows(header: str, etag: str) -> bool:
    """Whether `If-None-Match` names the tag, weakly compared (RFC 9110, 13.1.2)."""
    return header.strip() == "*" or any(
        tag.strip().removeprefix("W/") == etag.removeprefix("W/") for tag in header.split(",")
    )


@cache
def static_files() -> Mapping[str, Path]:
    """Our own files and Leaflet's, by name."""
    own = {file.name: file for file in _HERE.iterdir() if file.suffix in _KINDS}
    return own | {name: file for name, file in leaflet_files().items() if file.suffix in _KINDS}


@cache
def static_path(name: str) -> str:
    """The path of a file: what Leaflet's style names relatively keeps its name, all else has its digest."""
    if name.startswith("leaflet/"):
        return f"/static/{name}"
    digest = hashlib.sha256(static_files()[name].read_bytes()).hexdigest()[:12]
    stem, _, suffix = name.rpartition(".")
    return f"/static/{stem}.{digest}.{suffix}"


def static_answers() -> dict[str, KeptAnswer]:
    """Every file as an answer, by path."""
    answers = {
        # For ever where the address tells the content; an upgrade of Leaflet is seen within the hour.
        static_path(name): answer(
            file.read_bytes(), _KINDS[file.suffix], fresh_for=3600 if name.startswith("leaflet/") else _FOR_EVER
        )
        for name, file in static_files().items()
    }
    icon = answers[static_path("favicon.svg")]
    return answers | {"/favicon.svg": answer(icon.body, icon.kind, fresh_for=24 * 3600)}
