"""A form as a browser posts it, for every page that takes one: what is no form is refused, and fails nowhere."""

from __future__ import annotations

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_request import FileField
from multidict import MultiDictProxy

_UTF_8 = ("utf-8", "utf8")

PostedFields = MultiDictProxy[str | bytes | bytearray | FileField]


def must_be_from_here(request: web.Request) -> None:
    """Raise HTTPForbidden for what another site's page has a browser send."""
    # `none` is an address that was typed in. A browser that sends no such header is an old one, and is let in.
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise web.HTTPForbidden


async def read_posted(request: web.Request, most: int | None = None) -> PostedFields:
    """The fields of a form of up to `most` bytes, or as many as the application takes.

    Raises HTTPBadRequest for parts whose heads are none, and for a coding that no browser sends a form of ours in.
    """
    if request.content_type != "multipart/form-data" and (request.charset or "utf-8").lower() not in _UTF_8:
        raise web.HTTPBadRequest
    try:
        return await (request.clone(client_max_size=most) if most is not None else request).post()
    except (HttpProcessingError, LookupError, RuntimeError, ValueError) as error:
        raise web.HTTPBadRequest from error
