"""The page that shows the timelines side by side, as readers would see them, and the conversations with the bot.

On it one can answer and vote like anybody, also without its script; talking with the bot takes the script, or a `curl`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import ValidationError

from tocsin_sandbox.cards import Card, anchor_of, card_of, lay_out
from tocsin_sandbox.courier import Courier
from tocsin_sandbox.crowd import MOST_PEOPLE, ReportingCrowd
from tocsin_sandbox.page_words import FAULTS, WORDS, language_of
from tocsin_sandbox.people import Crowd, Impossible, Say, Vote
from tocsin_sandbox.sandbox import Sandbox
from tocsin_sandbox.state import ALWAYS, PLATFORMS, State
from tocsin_sandbox.telegram import rows_of
from tocsin_sandbox.telegram.messages import Messages

# The private chats with the bot, ready for the page's template: few of them, each with its newest messages.

MOST = 9
"""Conversations on the page, however many subscribers the town has."""
MOST_MESSAGES = 12


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message: `mine` is what the person said, `rows` the buttons that the bot put under its own."""

    card: Card
    mine: bool
    rows: Sequence[Sequence[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One chat, oldest message first; `earlier` is how many more there are."""

    chat: str
    spoken: Sequence[Spoken]
    earlier: int


@dataclass(frozen=True, slots=True)
class Conversations:
    """Those that are shown, and how many others there are."""

    shown: Sequence[Conversation]
    others: int


def lay_out_conversations(state: State, messages: Messages, now: float) -> Conversations:
    """First those in which a person spoke, the latest first; then those that the bot wrote to last."""
    names, total = messages.conversations(MOST)
    return Conversations([_conversation(state, messages, name, now) for name in names], total - len(names))


def _conversation(state: State, messages: Messages, name: str, now: float) -> Conversation:
    newest = messages.newest(name, MOST_MESSAGES)
    spoken = [Spoken(card_of(state, post, now), post.foreign, rows_of(post)) for post in reversed(newest)]
    return Conversation(name, spoken, messages.count(name) - len(newest))


STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_KINDS = {"page.css": "text/css", "page.js": "text/javascript"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Page:
    """The page, the part of it that is fetched again, its style, its script and the pictures."""

    def __init__(self, sandbox: Sandbox, courier: Courier) -> None:
        self._sandbox = sandbox
        self._courier = courier
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
        app.router.add_post("/sandbox/page/say", self._say)
        app.router.add_post("/sandbox/page/vote", self._vote)
        app.router.add_post("/sandbox/page/reports", self._report)

    async def _show(self, request: web.Request) -> web.Response:
        return self._render(request, "page.html.j2")

    async def _show_timelines(self, request: web.Request) -> web.Response:
        """Only what changes; 304 as long as nothing did."""
        tag = f'"{self._sandbox.state.version}-{_language(request)}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Language"}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        response = self._render(request, "timelines.html.j2")
        response.headers.update(headers)
        return response

    def _render(self, request: web.Request, template: str) -> web.Response:
        language = _language(request)
        state, now = self._sandbox.state, self._sandbox.clock()
        laid_out = [lay_out(state, platform, now) for platform in PLATFORMS]
        values = {
            "columns": [column for column in laid_out if column.cards or column.platform in ALWAYS],
            "talks": lay_out_conversations(state, self._sandbox.platforms.telegram.messages, now),
            "still": "still" in request.query,
            "still_url": f"/sandbox?{urlencode({'lang': language, 'still': '1'})}",
            "words": WORDS[language],
            "language": language,
            "faults": FAULTS,
            "faulty": (*PLATFORMS, "open311"),
            "answered": self._sandbox.platforms.crowds,
            "town": self._sandbox.town_hall,
            "most_people": MOST_PEOPLE,
            "here": f"{request.scheme}://{request.host}",
        }
        text = self._templates.get_template(template).render(**values)
        headers = {
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            # A form of this page has to say where it stands: from elsewhere it is refused.
            "Referrer-Policy": "same-origin",
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
        medium, content = self._sandbox.state.media().get(id_), self._sandbox.state.content_of(id_)
        if medium is None or content is None:
            raise web.HTTPNotFound(text="The sandbox has no such picture.")
        headers = {"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=content, content_type=medium.kind, headers=headers)

    async def _say(self, request: web.Request) -> web.Response:
        """Somebody answers by the form beneath a post. Without a name they are nameless."""
        form = await _read_form(request)
        platform, under = form.get("platform", ""), form.get("under", "")
        try:
            say = Say(text=form.get("text", "").strip(), under=under, name=form.get("name", "").strip() or None)
            if platform == "telegram":
                self._sandbox.platforms.telegram.groups.open(under, self._sandbox.clock())
            said = self._crowd(platform).say(say, self._sandbox.clock())
        except (Impossible, ValidationError) as error:
            raise _untaken(error) from error
        await self._courier.bring(platform)
        key = f"{said['chat']}/{said['ids'][0]}" if platform == "telegram" else said["ids"][0]
        return self._back(request, platform, key)

    async def _vote(self, request: web.Request) -> web.Response:
        """Somebody votes by the buttons of a poll."""
        form = await _read_form(request)
        platform, key = form.get("platform", ""), form.get("post", "")
        try:
            vote = Vote(post=key, option=form.get("option", ""))
            self._crowd(platform).vote(vote, self._sandbox.clock())
        except (Impossible, ValidationError) as error:
            raise _untaken(error) from error
        await self._courier.bring(platform)
        return self._back(request, platform, key)

    async def _report(self, request: web.Request) -> web.Response:
        """Many people report to the town; what became of it stands beneath the form."""
        form = {name: value.strip() for name, value in (await _read_form(request)).items() if value.strip()}
        try:
            await self._sandbox.town_hall.report(ReportingCrowd.model_validate(form))
        except (Impossible, ValidationError) as error:
            raise _untaken(error) from error
        return web.Response(status=303, headers={"Location": f"/sandbox?{_query_of(request)}#crowd"})

    def _crowd(self, platform: str) -> Crowd:
        crowd = self._sandbox.platforms.crowds.get(platform)
        if crowd is None:
            raise Impossible(f"there is no platform {platform}", 404)
        return crowd

    def _back(self, request: web.Request, platform: str, key: str) -> web.Response:
        """To the page as it was asked for, at the post."""
        query = _query_of(request)
        post = self._sandbox.state.find(platform, key)
        anchor = f"#{anchor_of(post)}" if post else ""
        return web.Response(status=303, headers={"Location": f"/sandbox?{query}{anchor}"})


def _query_of(request: web.Request) -> str:
    """How the page was asked for on which a form stood."""
    return urlsplit(request.headers.get("Referer", "")).query


async def _read_form(request: web.Request) -> Mapping[str, str]:
    """The fields of a form of this very page; no page of another site may send one."""
    if request.headers.get("Origin") != f"{request.scheme}://{request.host}":
        raise web.HTTPForbidden(text="This form is not one of the sandbox's page.")
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _untaken(error: Impossible | ValidationError) -> web.HTTPException:
    if isinstance(error, Impossible):
        message, status = str(error), error.status
    else:
        message, status = "; ".join(each["msg"] for each in error.errors()), 400
    refused = web.HTTPBadRequest(text=message)
    refused.set_status(status)
    return refused


def _language(request: web.Request) -> str:
    asked = request.query.get("lang", "")
    return asked if asked in WORDS else language_of(request.headers.get("Accept-Language", ""))
