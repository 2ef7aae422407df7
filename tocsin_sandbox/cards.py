"""The posts as cards: threads, counts, badges and marked-up text, ready for the page's template."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from markupsafe import Markup, escape

from tocsin_sandbox.state import Medium, Post, State
from tocsin_sandbox.telegram.chats import is_private
from tocsin_sandbox.telegram.html import units
from tocsin_sandbox.twitter.links import find_links
from tocsin_sandbox.twitter.weighted import weigh

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
