"""The timelines as cards: each post with what was answered to it, how it counts, and what one may do beneath it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

from tocsin_sandbox import mastodon, sms
from tocsin_sandbox.people import handle_of, is_closed
from tocsin_sandbox.state import Medium, Post, State
from tocsin_sandbox.telegram.calls import is_private
from tocsin_sandbox.telegram.html import units
from tocsin_sandbox.twitter.text import find_links, weigh

MOST_CARDS = 40
"""Threads of a platform on the page; what is older is counted."""
MOST_ANSWERS = 20
"""Answers of a thread on the page, the newest."""
_LIMITS = {
    "twitter": 280,
    "facebook": 63_206,
    "instagram": 2200,
    "telegram": 4096,
    "mastodon": 500,
    "bluesky": 300,
    "matrix": 10_000,
    "ntfy": 4096,
    "sms": 8,
    "webhook": 20_000,
}
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
    """One post as a reader sees it, with the answers to it (`unseen`: how many older ones aren't shown).

    `who` wrote it: a name, "bot" or "nameless", which the page has words for, as `named` says. `open` says whether its
    poll takes votes.
    """

    anchor: str
    post: Post
    who: str
    named: bool
    text: Markup
    time: str
    clock: str
    count: int
    limit: int
    media: tuple[Medium, ...] = ()
    open: bool = False
    replies: list[Card] = field(default_factory=list)
    unseen: int = 0


@dataclass(frozen=True, slots=True)
class Column:
    """What the page shows of a platform, and how many earlier threads it doesn't."""

    platform: str
    cards: list[Card]
    earlier: int


def lay_out(state: State, platform: str, now: float) -> Column:
    """The newest threads of a platform, newest first; every answer stands under its thread's first post, oldest first.

    An answer to an answer stands beside it, not below: a long thread would else run out of the screen. What is said
    under Telegram's copy of a post stands under the post. What the bot says to one person stands in their conversation.
    """
    threads = _threads(state, platform)
    shown = list(threads.values())[-MOST_CARDS:]
    cards = [_thread_card(state, head, answers, now) for head, *answers in reversed(shown)]
    return Column(platform, cards, len(threads) - len(cards))


def _threads(state: State, platform: str) -> dict[str, list[Post]]:
    """Every thread by its first post's key, in the order of these: that post, then what answers it."""
    posts = [post for post in state.posts(platform).values() if platform != "telegram" or not is_private(post.channel)]
    heads: dict[str, str] = {}
    for post in posts:
        _find_head(state, post, heads)
    threads = {post.key: [post] for post in posts if heads[post.key] == post.key}
    for post in posts:
        if heads[post.key] != post.key and post.kind != "forward":
            threads[heads[post.key]].append(post)
    return threads


def _find_head(state: State, post: Post, heads: dict[str, str]) -> str:
    """The key of the post that began the thread; an edit may have put that behind what answers it."""
    if post.key not in heads:
        above = post.origin or post.parent
        known = state.find(post.platform, above, deleted=True) if above else None
        heads[post.key] = _find_head(state, known, heads) if known else post.key
    return heads[post.key]


def _thread_card(state: State, head: Post, answers: list[Post], now: float) -> Card:
    newest = answers[-MOST_ANSWERS:]
    replies = [card_of(state, post, now) for post in newest]
    return replace(card_of(state, head, now), replies=replies, unseen=len(answers) - len(newest))


def card_of(state: State, post: Post, now: float) -> Card:
    """The card of one post."""
    at = datetime.fromtimestamp(post.created_at, UTC)
    media = tuple(medium for id_ in post.media if (medium := state.medium(post.platform, id_)))
    count = {
        "twitter": weigh,
        "telegram": units,
        "mastodon": mastodon.count,
        "bluesky": mastodon.clusters,
        "sms": sms.parts_of,
    }.get(post.platform, len)(post.text)
    limit = _CAPTION_LIMIT if post.platform == "telegram" and post.media else _LIMITS[post.platform]
    words = _mark_up(post.text, post.entities) if post.entities and post.platform == "telegram" else _link_up(post.text)
    who, named = _who(state, post)
    return Card(
        anchor_of(post),
        post,
        who,
        named,
        words,
        at.isoformat(),
        at.strftime("%H:%M:%S"),
        count,
        limit,
        media,
        open=post.poll is not None and not is_closed(post.poll, now),
    )


def anchor_of(post: Post) -> str:
    """What the card of a post is called within the page."""
    return f"{post.platform}-{post.key}".replace("/", "-").replace("@", "")


def _who(state: State, post: Post) -> tuple[str, bool]:
    if post.platform == "telegram" and not post.foreign and post.channel in state.linked.values():
        return "bot", False
    if not post.author_id:
        return post.channel, True
    if post.platform in ("twitter", "mastodon", "bluesky"):
        return handle_of(post.author, post.author_id), True
    return (post.author, True) if post.author else ("nameless", False)


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
