"""The answer of one address, as bytes that are made once: entity tag, compressed forms, lifetime in caches.

A page is made and compressed on first request, and kept (`Cache`): a town that visits all at once costs no more than
its bytes, and an unvisited page costs nothing. Static files (style, scripts, Leaflet) are such answers too, under
addresses with the digest of their content: those may be cached for ever. Leaflet's are in a folder named by the digest
of all of them, for they refer to each other.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import math
import re
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import brotli
from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time

from alerts.web.pages import leaflet_files

HTML = "text/html; charset=utf-8"
ATOM = "application/atom+xml; charset=utf-8"
CAP = "application/cap+xml; charset=utf-8"
GEOJSON = "application/geo+json"
ICAL = "text/calendar; charset=utf-8"
XML = "application/xml; charset=utf-8"
JSON = "application/json"
UNKEPT: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
}
"""The headers of a private answer: nothing caches it, and no search engine lists it."""
PNG = "image/png"
SVG = "image/svg+xml"
CSS = "text/css; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
JPEG = "image/jpeg"
ANYWHERE: Mapping[str, str] = MappingProxyType({"Access-Control-Allow-Origin": "*"})
"""Data for programs may be read by a page of any site: there is nothing in it that isn't public."""

# Seconds for which a cache may answer without asking: what has changed is seen a second later at the latest.
_FRESH_FOR = 1
# Seconds for which a cache may go on answering while the daemon can't (RFC 5861): dated words beat none.
_STALE_FOR = 24 * 3600
_FOR_EVER = 365 * 24 * 3600
SLICE = 69_632
"""Bytes of a long answer that go out at once; the next follow once these have left, so that who reads slowly has us
hold little. Somewhat more than aiohttp writes without waiting (64 KiB)."""
# Bytes below which packing makes nothing smaller that matters.
_SMALL = 256
# Without a time in it (`mtime`), the same words are the same bytes.
_PACK: Mapping[str, Callable[[bytes], bytes]] = {
    "br": partial(brotli.compress, quality=5),
    "gzip": partial(gzip.compress, compresslevel=6, mtime=0),
}
_CODING = re.compile(r"\s*([\w.*-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?", re.IGNORECASE | re.ASCII)
_HERE = Path(__file__).with_name("static")
_KINDS = {".css": CSS, ".js": "text/javascript; charset=utf-8", ".png": PNG, ".svg": SVG}


T = TypeVar("T")


class Cache:
    """Values by name, each made in the thread that asks for it first, and kept until its inputs change (`made_of`).

    None: it can't be made; where it was made before, it stays what it was. At `most` so many are kept, the newest.
    """

    def __init__(self, most: float = math.inf) -> None:
        self._most = most
        self._kept: dict[str, tuple[object, Any]] = {}
        self._making: dict[str, threading.Lock] = {}

    def last(self, name: str) -> Any:
        """Return the value that was made last under that name, of whatever inputs."""
        return self._kept.get(name, (None, None))[1]

    def kept(self, name: str, made_of: object) -> Any:
        """Return the value if it was made of these inputs already."""
        before = self._kept.get(name)
        is_same = before is not None and (before[0] is made_of or before[0] == made_of)
        return before[1] if before is not None and is_same else None

    def get(self, name: str, made_of: object, make: Callable[[], T | None]) -> T | None:
        """Return the value, making it if necessary: once, however many ask at the same time."""
        with self._making.setdefault(name, threading.Lock()):
            before = self._kept.get(name)
            if before is None or before[0] != made_of:
                made = make()
                self._kept[name] = before = made_of, made if made is not None or before is None else before[1]
                while len(self._kept) > self._most:
                    oldest = next(iter(self._kept))
                    for each in (self._kept, self._making):
                        each.pop(oldest, None)
            found: T | None = before[1]
            return found

    async def made(self, name: str, made_of: object, make: Callable[[], T | None]) -> T | None:
        """The same, made in a thread: the event loop has lanes to serve."""
        found: T | None = self.kept(name, made_of)
        return found if found is not None else await asyncio.to_thread(self.get, name, made_of, make)


class CacheEntry(NamedTuple):
    """The answer of one address in a cache: what it is made of, and how."""

    cache: Cache
    path: str
    made_of: object
    make: Callable[[], CachedResponse | None]

    @property
    def kept(self) -> CachedResponse | None:
        """Return the answer if it was made already."""
        found: CachedResponse | None = self.cache.kept(self.path, self.made_of)
        return found

    def get(self) -> CachedResponse | None:
        """Return the answer, making it if necessary. None: it can't be made."""
        return self.cache.get(self.path, self.made_of, self.make)


@dataclass(frozen=True)
class CachedResponse:
    """The answer of one address, for every client. Each form is compressed on first request, and kept."""

    body: bytes
    kind: str
    etag: str
    headers: Mapping[str, str] = field(default_factory=dict)
    _forms: dict[str | None, Prebuilt] = field(default_factory=dict, init=False, repr=False, compare=False)

    def kept(self, coding: str | None) -> Prebuilt | None:
        """Return the form of that coding if it was made already."""
        return self._forms.get(coding)

    def form(self, coding: str | None) -> Prebuilt:
        """Return the form of that coding, or the body as it is where packing makes nothing smaller that matters."""
        if coding not in self._forms:
            packed = {"Content-Encoding": coding} if coding is not None and self.packs else {}
            body = _PACK[coding](self.body) if coding is not None and packed else self.body
            headers = {**self.headers, "Content-Type": self.kind, **packed, "Content-Length": str(len(body))}
            self._forms[coding] = Prebuilt("200 OK", headers, body)
        return self._forms[coding]

    @property
    def packs(self) -> bool:
        """True if compression, which takes milliseconds for a long page, makes it smaller: a picture is packed."""
        return len(self.body) >= _SMALL and self.kind not in (PNG, JPEG)

    @cached_property
    def unmodified(self) -> Prebuilt:
        """The response to a client that has it."""
        return Prebuilt("304 Not Modified", self.headers)

    def ready(self, request: web.BaseRequest) -> Prebuilt | None:
        """The response by kept bytes; None: they aren't made yet, or the request takes one that aiohttp builds."""
        if request.method != "GET" or request.version != HttpVersion11 or not request.keep_alive:
            return None
        if self.is_known_to(request):
            return self.unmodified
        return self._forms.get(_coding(request.headers.get("Accept-Encoding", "")))

    def is_known_to(self, request: web.BaseRequest) -> bool:
        """True if `If-None-Match` names its tag, weakly compared (RFC 9110, 13.1.2)."""
        known = request.headers.get("If-None-Match")
        return known is not None and (
            known.strip() == "*"
            or any(tag.strip().removeprefix("W/") == self.etag.removeprefix("W/") for tag in known.split(","))
        )


class Prebuilt(web.StreamResponse):
    """A response whose head and body are bytes already, for whoever asks; only the date is put in when it is written.

    aiohttp asks a response for `prepare` and `write_eof`, both of which any response may define. Building its headers
    anew costs a third of answering a page.
    """

    def __init__(self, status: str, headers: Mapping[str, str], body: bytes = b"") -> None:
        super().__init__(status=int(status[:3]), headers=headers)
        self.body = body
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items()), "Date: "]
        self._head, self._date, self._bytes = "\r\n".join(lines).encode(), "", b""

    @property
    def keep_alive(self) -> bool:
        """The connection stays: others get a response of aiohttp's."""
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Write it all. Raises ConnectionError where the client is gone."""
        writer, transport = request.writer, request.transport
        if transport is None:
            raise ConnectionResetError
        if (date := rfc822_formatted_time()) != self._date:  # the second that it says has passed
            self._date, self._bytes = date, b"%b%b\r\n\r\n%b" % (self._head, date.encode(), self.body[:SLICE])
        transport.write(self._bytes)
        await writer.drain()
        for at in range(SLICE, len(self.body), SLICE):  # each part as the one before has left
            await writer.write(self.body[at : at + SLICE])
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write."""
        assert not data, "the whole body was written"  # noqa: S101 nobody but aiohttp calls it


async def _slices(body: bytes) -> AsyncIterator[bytes]:
    """A body that everybody is given, each part as the one before has left: who reads slowly has no copy of it all."""
    for at in range(0, len(body), SLICE):
        yield body[at : at + SLICE]


def answer(
    body: str | bytes, kind: str, *, extra: Mapping[str, str] | None = None, fresh_for: int = _FRESH_FOR
) -> CachedResponse:
    """An answer of this body and media type; `extra` headers go with it."""
    content = body.encode() if isinstance(body, str) else body
    # Weak: the compressed forms say the same in other bytes (RFC 9110, 8.8.1).
    etag = f'W/"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {
        "ETag": etag,
        "Cache-Control": f"public, max-age={fresh_for}, stale-if-error={_STALE_FOR}",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        **(extra or {}),
    }
    return CachedResponse(content, kind, etag, headers)


async def served(found: CachedResponse, request: web.Request) -> web.StreamResponse:
    """Return the response to a request, by bytes that are kept where they do: nothing can be added to its headers."""
    if (ready := found.ready(request)) is not None:
        return ready
    response = await respond(found, request)
    return found.ready(request) or response  # its form is made now


async def respond(found: CachedResponse, request: web.Request, status: int = 200) -> web.Response:
    """The response to a request: 304 where the client has it, the form it can read best otherwise."""
    if status == 200 and found.is_known_to(request):
        return web.Response(status=304, headers=found.headers)
    coding = _coding(request.headers.get("Accept-Encoding", ""))
    # Packed in a thread: the event loop has lanes to serve.
    is_quick = coding is None or not found.packs or found.kept(coding) is not None
    form = found.form(coding) if is_quick else await asyncio.to_thread(found.form, coding)
    headers = dict(form.headers)
    if status != 200:
        headers["Cache-Control"] = f"public, max-age={_FRESH_FOR}"  # nothing there now: not for a day of ours
    body = form.body if len(form.body) <= SLICE else _slices(form.body)
    return web.Response(body=body, status=status, headers=headers)


@lru_cache(maxsize=256)  # the browsers of a whole town send a handful of spellings
def _coding(accepted: str) -> str | None:
    """The coding to answer with; `Accept-Encoding` may name one only to refuse it (RFC 9110, 12.5.3)."""
    named = map(_CODING.fullmatch, accepted.split(","))
    takes = {match[1].lower() for match in named if match is not None and float(match[2] or 1) > 0}
    return next((coding for coding in _PACK if coding in takes), None)


@cache
def static_files() -> Mapping[str, Path]:
    """Our own files and Leaflet's, by name."""
    own = {file.name: file for file in _HERE.iterdir() if file.suffix in _KINDS}
    return own | {name: file for name, file in leaflet_files().items() if file.suffix in _KINDS}


@cache
def answer_of(file: Path) -> CachedResponse:
    """Return a file as an answer that may be cached for ever: for an address that identifies its content."""
    return answer(file.read_bytes(), _KINDS[file.suffix], fresh_for=_FOR_EVER)


@cache
def static_path(name: str) -> str:
    """The path of a file, with the digest of what is in it; Leaflet's keep their names, in a folder that has it."""
    if name.startswith("leaflet/"):
        return f"/static/leaflet.{_digest_of(*leaflet_files().values())}/{name.removeprefix('leaflet/')}"
    stem, _, suffix = name.rpartition(".")
    return f"/static/{stem}.{_digest_of(static_files()[name])}.{suffix}"


@cache
def _digest_of(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


@cache
def static_answers() -> Mapping[str, CachedResponse]:
    """Every file as an answer, by path: the same ones for all towns of this process."""
    answers = {static_path(name): answer_of(file) for name, file in static_files().items()}
    for path, name in (("/favicon.svg", "favicon.svg"), ("/icon.png", "icon-192.png")):
        same = answers[static_path(name)]
        answers[path] = answer(same.body, same.kind, fresh_for=24 * 3600)
    return answers
