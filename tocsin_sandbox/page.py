"""The page that shows the timelines side by side, as readers would see them, and the conversations with the bot.

It can be read without its script; talking takes it, or a `curl`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from tocsin_sandbox.page_words import FAULTS, WORDS, language_of
from tocsin_sandbox.sandbox import Sandbox
from tocsin_sandbox.state import PLATFORMS, Medium, Post, State
from tocsin_sandbox.telegram import rows_of
from tocsin_sandbox.telegram.calls import is_private
from tocsin_sandbox.telegram.html import units
from tocsin_sandbox.telegram.messages import Messages
from tocsin_sandbox.twitter.text import find_links, weigh

MOST_CARDS = 40
"""Posts of a platform on the page; what is older is counted."""
_LIMITS = {"twitter": 280, "facebook": 63_206, "telegram": 4096, "webhook": 20_000}
_CAPTION_LIMIT = 1024
_ELEMENTS = {
    "bold": Markup("<strong>{}</strong>"),
    "italic": Markup("<em>{}</em>"),
    "underline": Markup("<u>{}</u>"),
    "strikethrough": Markup("<s>{}</s>"),
    "code": Markup("<code>{}</code>"),
    "pre": Markup("<code>{}</code>"),
    "blockquote": Markup("<q>{}</q>"),
    "expandable_blockquote": Markup("<q>{}</q>"),
    "spoiler": Markup("<mark>{}</mark>"),
}


@dataclass(frozen=True, slots=True)
class Card:
    """One post as a reader sees it, with the answers to it."""

    anchor: str
    post: Post
    text: Markup
    time: str
    clock: str
    count: int
    limit: int
    media: tuple[Medium, ...] = ()
    replies: list[Card] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Column:
    """What the page shows of a platform, and how many earlier posts it doesn't."""

    platform: str
    cards: list[Card]
    earlier: int


def lay_out(state: State, platform: str) -> Column:
    """The newest threads of a platform, newest first; every answer stands under its thread's first post, oldest first.

    An answer to an answer stands beside it, not below: a long thread would else run out of the screen. What the bot
    says to one person stands in their conversation.
    """
    kept = state.posts(platform).values()
    posts = [post for post in kept if platform != "telegram" or not is_private(post.channel)]
    current = {earlier: post.key for post in posts for earlier in post.earlier_ids}
    cards: dict[str, Card] = {}
    heads: dict[str, Card] = {}
    for post in islice(posts, max(0, len(posts) - MOST_CARDS), None):
        card = cards[post.key] = card_of(state, post)
        head = heads.get(_parent_key(post, current))
        if head:
            head.replies.append(card)
        heads[post.key] = head or card
    threads = [card for key, card in cards.items() if heads[key] is card][::-1]
    return Column(platform, threads, len(posts) - len(cards))


def _parent_key(post: Post, current: Mapping[str, str]) -> str:
    parent = post.reply_to or ""
    return f"{post.channel}/{parent}" if post.platform == "telegram" else current.get(parent, parent)


def card_of(state: State, post: Post) -> Card:
    """The card of one post."""
    at = datetime.fromtimestamp(post.created_at, UTC)
    media = tuple(medium for id_ in post.media if (medium := state.medium(post.platform, id_)))
    count = {"twitter": weigh, "telegram": units}.get(post.platform, len)(post.text)
    limit = _CAPTION_LIMIT if post.platform == "telegram" and post.media else _LIMITS[post.platform]
    anchor = f"{post.platform}-{post.key}".replace("/", "-").replace("@", "")
    words = _mark_up(post.text, post.entities) if post.entities else _link_up(post.text)
    return Card(anchor, post, words, at.isoformat(), at.strftime("%H:%M:%S"), count, limit, media)


def _link_up(text: str) -> Markup:
    """The text with its links made to be followed, all else escaped."""
    parts: list[Markup] = []
    at = 0
    for link in find_links(text):
        parts += [escape(text[at : link.start]), _anchor(link.address, escape(text[link.start : link.end]))]
        at = link.end
    return Markup().join([*parts, escape(text[at:])])


def _mark_up(text: str, entities: Iterable[Mapping[str, Any]]) -> Markup:
    """Telegram's entities as elements. They nest, for they came as tags."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    waiting = deque(sorted(entities, key=lambda entity: (entity["offset"], -entity["length"])))
    marked = Markup().join(_within(encoded, 0, len(encoded) // 2, waiting))
    # A quotation is a block of its own: the line break after it would be a second one.
    return marked.replace(Markup("</q>\n"), Markup("</q>"))


def _within(encoded: bytes, start: int, end: int, waiting: deque[Mapping[str, Any]]) -> Iterator[Markup]:
    """The stretch from `start` to `end` (UTF-16 units), with those of the `waiting` entities that begin in it."""
    at = start
    while waiting and waiting[0]["offset"] < end:
        entity = waiting.popleft()
        inner_start, inner_end = max(at, entity["offset"]), min(end, entity["offset"] + entity["length"])
        yield _cut(encoded, at, inner_start)
        yield _wrap(entity, Markup().join(_within(encoded, inner_start, inner_end, waiting)))
        at = max(at, inner_end)
    yield _cut(encoded, at, end)


def _cut(encoded: bytes, start: int, end: int) -> Markup:
    return escape(encoded[2 * start : 2 * end].decode("utf-16-le", "replace"))


def _wrap(entity: Mapping[str, Any], inner: Markup) -> Markup:
    if entity["type"] == "text_link":
        return _anchor(str(entity.get("url", "")), inner)
    element = _ELEMENTS.get(entity["type"])
    return element.format(inner) if element else inner


def _anchor(address: str, inner: Markup) -> Markup:
    if not address.lower().startswith(("http://", "https://")):
        return inner
    return Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>').format(address, inner)


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


def lay_out_conversations(state: State, messages: Messages) -> Conversations:
    """First those in which a person spoke, the latest first; then those that the bot wrote to last."""
    names, total = messages.conversations(MOST)
    return Conversations([_conversation(state, messages, name) for name in names], total - len(names))


def _conversation(state: State, messages: Messages, name: str) -> Conversation:
    newest = messages.newest(name, MOST_MESSAGES)
    spoken = [Spoken(card_of(state, post), post.foreign, rows_of(post)) for post in reversed(newest)]
    return Conversation(name, spoken, messages.count(name) - len(newest))


STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KINDS = {"page.css": "text/css", "page.js": "text/javascript"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Page:
    """The page, the part of it that is fetched again, its style, its script and the pictures."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
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
        tag = f'"{self._sandbox.state.version}-{_language(request)}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Language"}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        response = self._render(request, "timelines.html.j2")
        response.headers.update(headers)
        return response

    def _render(self, request: web.Request, template: str) -> web.Response:
        language = _language(request)
        state = self._sandbox.state
        laid_out = [lay_out(state, platform) for platform in PLATFORMS]
        values = {
            "columns": [column for column in laid_out if column.cards or column.platform != "webhook"],
            "talks": lay_out_conversations(state, self._sandbox.platforms.telegram.messages),
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
        medium, content = self._sandbox.state.media().get(id_), self._sandbox.state.content_of(id_)
        if medium is None or content is None:
            raise web.HTTPNotFound(text="The sandbox has no such picture.")
        headers = {"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=content, content_type=medium.kind, headers=headers)


def _language(request: web.Request) -> str:
    asked = request.query.get("lang", "")
    return asked if asked in WORDS else language_of(request.headers.get("Accept-Language", ""))
