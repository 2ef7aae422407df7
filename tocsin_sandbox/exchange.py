"""A request and its answer, independent of HTTP, and the journal of both."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from heapq import merge
from typing import Any

from aiohttp import web

JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart body."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, fully read. `url` is without its query; `json` is None where the body isn't JSON (or is broken).

    `at` is when it is handled, in seconds since the epoch by the sandbox's clock; `lag` how many seconds the read
    side is behind. `body` is what came, byte by byte, where it was no form. `account` is whose credential it bears,
    once that was looked at.
    """

    method: str
    path: str
    url: str
    at: float
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)
    json: Any = None
    broken: bool = False
    lag: float = 0.0
    body: bytes = b""
    account: str = ""

    def arguments(self) -> dict[str, Any]:
        """Query, form and JSON fields together, the body's winning: how Facebook and Telegram read a call."""
        return {**dict(self.query), **self.form, **(self.json if isinstance(self.json, dict) else {})}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform says; `wait` seconds pass before it does (a long poll), unless `sooner` has another answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE
    wait: float = 0.0
    sooner: Callable[[], Answer | None] | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """What a platform brings to an address that asked for it; `about` is what it tells, should that be told again."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    about: tuple[Any, ...] = ()


def answer_json(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None, content_type: str = JSON_TYPE
) -> Answer:
    """An answer of compact JSON."""
    return Answer(status, json.dumps(value, separators=(",", ":")).encode(), headers or {}, content_type)


def error_page(status: int) -> Answer:
    """The HTML that a proxy in front of a platform serves when what is behind it fails."""
    title = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
    words = f"{status} {title.get(status, 'Error')}"
    body = f"<html><head><title>{words}</title></head><body><center><h1>{words}</h1></center></body></html>\r\n"
    return Answer(status, body.encode(), {}, HTML_TYPE)


async def read_request(request: web.Request, at: float) -> Asked:
    """The whole request. Raises HTTPRequestEntityTooLarge for a body that is too large."""
    url = f"{request.scheme}://{request.host.lower()}{request.rel_url.raw_path}"
    asked = Asked(request.method, request.path, url, at, tuple(request.query.items()), request.headers)
    if not request.can_read_body:
        return asked
    body = b""
    try:
        if request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
            form, files = await _read_form(request)
            return replace(asked, form=form, files=files)
        body = await request.read()
        return replace(asked, json=json.loads(body or b"null"), body=body)
    except ValueError:
        return replace(asked, broken=True, body=body)


async def _read_form(request: web.Request) -> tuple[dict[str, str], dict[str, Upload]]:
    form: dict[str, str] = {}
    files: dict[str, Upload] = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            files[name] = Upload(value.filename, value.content_type, value.file.read())
        else:
            form[name] = value if isinstance(value, str) else bytes(value).decode("utf-8", "replace")
    return form, files


# The journal of requests: what reached which platform, when, and what it was answered.

KEPT = 20_000


@dataclass(slots=True)
class Line:
    """One request. `at` is its arrival by the sandbox's clock; `status` is None while, or if, nothing is answered."""

    platform: str
    method: str
    path: str
    at: float
    status: int | None = None


class Journal:
    """The last requests to each platform, oldest first: one that is asked a lot pushes out nobody else's."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[tuple[int, Line]]] = {}
        self._number = 0

    def open(self, platform: str, method: str, path: str, at: float) -> Line:
        """Write a request down as it arrives; its status is filled in when it is answered."""
        line = Line(platform, method, path, at)
        self._number += 1
        self._lines.setdefault(platform, deque(maxlen=KEPT)).append((self._number, line))
        return line

    def as_json(self) -> list[dict[str, Any]]:
        """Every line kept."""
        return [
            {"platform": line.platform, "method": line.method, "path": line.path, "at": line.at, "status": line.status}
            for _, line in merge(*self._lines.values(), key=lambda line_of: line_of[0])
        ]

    def clear(self) -> None:
        """Forget them all."""
        self._lines.clear()
