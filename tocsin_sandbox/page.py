"""The page that shows the timelines side by side, as readers would see them, and the conversations with the bot.

It can be read without its script; talking takes it, or a `curl`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tocsin_sandbox.cards import lay_out
from tocsin_sandbox.conversations import lay_out_conversations
from tocsin_sandbox.house import House
from tocsin_sandbox.page_words import FAULTS, WORDS, language_of
from tocsin_sandbox.state import PLATFORMS

STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KINDS = {"page.css": "text/css", "page.js": "text/javascript"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Page:
    """The page, the part of it that is fetched again, its style, its script and the pictures."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._templates = Environment(
            loader=FileSystemLoader(STATIC),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def add_routes(self, app: web.Application) -> None:
        """Put them under `/` and `/sandbox`."""
        routes: tuple[tuple[str, Handler], ...] = (
            ("/", self._show),
            ("/sandbox", self._show),
            ("/sandbox/timelines.html", self._show_timelines),
            ("/sandbox/{name:page\\.(?:css|js)}", self._show_static),
            ("/sandbox/media/{id}", self._show_medium),
        )
        for path, handler in routes:
            app.router.add_get(path, handler)

    async def _show(self, request: web.Request) -> web.Response:
        return self._render(request, "page.html.j2")

    async def _show_timelines(self, request: web.Request) -> web.Response:
        """Only what changes; 304 as long as nothing did."""
        tag = f'"{self._house.state.version}-{_language(request)}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Language"}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        response = self._render(request, "timelines.html.j2")
        response.headers.update(headers)
        return response

    def _render(self, request: web.Request, template: str) -> web.Response:
        language = _language(request)
        state = self._house.state
        laid_out = [lay_out(state, platform) for platform in PLATFORMS]
        values = {
            "columns": [column for column in laid_out if column.cards or column.platform != "webhook"],
            "talks": lay_out_conversations(state, self._house.platforms.telegram.messages),
            "words": WORDS[language],
            "language": language,
            "faults": FAULTS,
            "here": f"{request.scheme}://{request.host}",
        }
        text = self._templates.get_template(template).render(**values)
        headers = {
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def _show_static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body = (STATIC / name).read_bytes()
        headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=body, content_type=_KINDS[name], charset="utf-8", headers=headers)

    async def _show_medium(self, request: web.Request) -> web.Response:
        id_ = request.match_info["id"]
        medium, content = self._house.state.media().get(id_), self._house.state.content_of(id_)
        if medium is None or content is None:
            raise web.HTTPNotFound(text="The sandbox has no such picture.")
        headers = {"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=content, content_type=medium.kind, headers=headers)


def _language(request: web.Request) -> str:
    asked = request.query.get("lang", "")
    return asked if asked in WORDS else language_of(request.headers.get("Accept-Language", ""))
