"""Receiving a request's body, and reading a form in it: one reader for every route.

    a place, a pace, room ──▶ `received`: so many bytes at most ──▶ `read_posted`: the fields, from complete bytes

Nothing is parsed while it arrives. A multipart form (RFC 7578) that doesn't begin with its boundary is refused at the
first byte that differs: no browser sends anything before it, and a reader that skips such a preamble line by line can
be kept busy for as long as somebody sends empty lines. The complete body is split by `bytes.index`, in linear time.
Text is UTF-8, as every page of ours requests: a part's own declaration is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeVar

from aiohttp import hdrs, web
from multidict import MultiDict, MultiDictProxy
from yarl import query_to_pairs

from alerts.web.room import arriving

T = TypeVar("T")
MOST_FIELDS = 1000
"""Fields of a form: more than any page of ours has."""
_URLENCODED, _PARTS = "application/x-www-form-urlencoded", "multipart/form-data"
FORMS = (_URLENCODED, _PARTS)
"""The media types that a browser sends a form in."""
_UTF_8 = ("utf-8", "utf8")
# RFC 2046, 5.1.1: up to 70 characters.
_BOUNDARY = re.compile(r""";[ \t]*boundary=(?:"([^"]{1,70})"|([\w'()+,./:=?-]{1,70}))""", re.ASCII | re.IGNORECASE)
# The two parts of a header that are used: the field's name, and if it is a file.
_NAME = re.compile(rb'(?im)^content-disposition:[ \t]*form-data;[^\r\n]*?\bname="([^"\r\n]{0,100})"')
_FILE = re.compile(rb"(?im)^content-disposition:[^\r\n]*?;[ \t]*filename\*?=")
# Bytes of a part's headers.
_LONGEST_HEAD = 2048
# Of a body that says beforehand that it is too large: the fields that a page puts before its file.
_BEGINNING = 64 * 1024
# In both languages: whoever reads a form knows of no page.
_UNREAD = (
    "Ce formulaire n’a pas pu être lu\u00a0: il ne commence pas comme un formulaire, ou il est incomplet. Rechargez la "
    "page, puis envoyez-le de nouveau.\nThis form could not be read: it doesn’t begin as a form does, or it is "
    "incomplete. Load the page again, then send it again.\n"
)

PostedFields = MultiDictProxy[str | bytes]
"""A form: text as str, a file's field as bytes (none chosen: empty)."""
_POSTED: web.RequestKey[PostedFields] = web.RequestKey("posted", MultiDictProxy)
_READ = (web.RequestPayloadError, LookupError, ValueError)


def must_be_from_here(request: web.Request) -> None:
    """Raise HTTPForbidden for what another site's page has a browser send."""
    # `none` is an address that was typed in. A browser that sends no such header is an old one, and is let in.
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise web.HTTPForbidden


def must_exist(found: T | None) -> T:
    """Return what an address names. Raises HTTPNotFound if that is nothing."""
    if found is None:
        raise web.HTTPNotFound
    return found


class BodyTooLarge(web.HTTPRequestEntityTooLarge):
    """More than `most` bytes; `beginning` is the part received, and `fields` its complete fields."""

    def __init__(self, most: int, beginning: bytes) -> None:
        super().__init__(max_size=most)
        self.beginning = beginning
        self.fields: PostedFields = MultiDictProxy(MultiDict())
        # What is left of it isn't wanted: the connection can't be used again.
        self.force_close()


async def received(request: web.Request, most: int, opening: bytes = b"") -> bytes:
    """The body, of up to `most` bytes, which begins with `opening`.

    Raises BodyTooLarge as soon as there is more, HTTPBadRequest as soon as it begins otherwise, RequestPayloadError
    for a body that ends before its end, and NoRoom where it has to give way to others.
    """
    body, announced = bytearray(), request.content_length or 0
    # A body in chunks says no length, so what has come is counted too.
    enough = min(most, _BEGINNING) if announced > most else most
    try:
        async with arriving(request):
            async for chunk in request.content.iter_any():
                body += chunk
                if not opening.startswith(body[: len(opening)]):
                    raise unread()
                if len(body) > enough:
                    raise BodyTooLarge(most, bytes(body))
        if len(body) < len(opening):
            raise unread()
        return bytes(body)
    finally:
        # An error remembers where it came from, and the request the error: megabytes, until the collector looks.
        body.clear()


async def read_posted(request: web.Request, most: int | None = None, fields: int = MOST_FIELDS) -> PostedFields:
    """The `fields` of a form of up to `most` bytes, or as many as the application takes; of what is no form, none.

    Read once, however often it is asked for. Raises HTTPBadRequest for what begins as a form and is none, and for a
    coding that no browser sends a form of ours in; BodyTooLarge, with the fields that came whole; NoRoom where it has
    to give way to others.
    """
    if _POSTED not in request:
        read = await _read(request, most or request.client_max_size, fields)
        request[_POSTED] = MultiDictProxy(MultiDict(read))
    return request[_POSTED]


async def _read(request: web.Request, most: int, fields: int) -> list[tuple[str, str | bytes]]:
    if request.content_type == _URLENCODED:
        return await _pairs(request, most, fields)
    if request.content_type != _PARTS:
        return []
    boundary = _BOUNDARY.search(request.headers.get(hdrs.CONTENT_TYPE, ""))
    if boundary is None:
        raise unread()
    opening = b"--" + (boundary[1] or boundary[2]).encode("utf-8", "replace")
    try:
        return _fields(await received(request, most, opening), opening, fields)
    except BodyTooLarge as large:
        # The complete fields are kept, for the form that is shown again.
        large.fields = MultiDictProxy(MultiDict(_whole(large.beginning, opening, fields)))
        raise
    except _READ as error:
        raise unread() from error


async def _pairs(request: web.Request, most: int, fields: int) -> list[tuple[str, str | bytes]]:
    if (request.charset or "utf-8").lower() not in _UTF_8:
        raise unread()
    try:
        body = (await received(request, most)).rstrip().decode()
        return [*query_to_pairs(body, max_fields=fields)] if body else []
    except _READ as error:
        raise unread() from error


def _fields(body: bytes, opening: bytes, most: int) -> list[tuple[str, str | bytes]]:
    """The fields of a whole body. Raises ValueError where it isn't one, or has more than `most`."""
    found: list[tuple[str, str | bytes]] = []
    for part in _parts(body, opening):
        if len(found) == most:
            raise ValueError(most)
        found.append(part)
    return found


def _whole(body: bytes, opening: bytes, most: int) -> list[tuple[str, str | bytes]]:
    """Return the complete fields in the beginning of a body."""
    found: list[tuple[str, str | bytes]] = []
    try:
        for part in _parts(body, opening):
            found.append(part)
            if len(found) == most:
                break
    except ValueError:
        pass
    return found


def _parts(body: bytes, opening: bytes) -> Iterator[tuple[str, str | bytes]]:
    """Name and content of each part. Raises ValueError where what follows is none, or lacks its end."""
    between, at = b"\r\n" + opening, len(opening)
    while body[at : at + 2] != b"--":
        # With its two line ends: a head ends where an empty line does.
        after = body.index(b"\r\n\r\n", at, at + _LONGEST_HEAD) + 4
        end = body.index(between, after)
        head = body[at:after]
        name = _NAME.search(head)
        if not head.startswith(b"\r\n") or name is None:
            raise ValueError(head)
        content = body[after:end]
        yield name[1].decode("utf-8", "replace"), content if _FILE.search(head) else content.decode("utf-8", "replace")
        at = end + len(between)


def unread() -> web.HTTPBadRequest:
    """Return the refusal of an unreadable form, which also closes its connection."""
    error = web.HTTPBadRequest(text=_UNREAD)
    error.force_close()
    return error
