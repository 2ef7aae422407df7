"""How each channel's post will look where people read it: what the previews of the form and of validation show.

A `Look` is one channel: its length, what was cut, what to look at, whom it reaches, and its screens. A screen is what
people have before them in one place, laid out as that kind of place is: a post in a feed, a message in a chat, a
notification on a locked telephone, a letter in a list and opened, a panel, or the bare words that a machine gets. Its
words, link card and picture are the real ones; only the frame around them is drawn, and no platform's own signs are in
it.

`screens_of` makes them of a post, or of one that is only rehearsed (`Shot`): where people subscribe to the channel,
what subscribers get has a screen for each language. `reach_words` tells a reach as numbers that single nobody out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from babel.numbers import format_decimal

from alerts.desk.audience import SubscriberReach, told_people
from alerts.model.post import Means, Message, Post, PostKind, subject_of
from alerts.model.reason import Reason
from alerts.model.town import MAIL, PUSH, ChannelConfig, Town
from alerts.rendering.card import LinkCard
from alerts.rendering.i18n import primary
from alerts.rendering.onscreen import (
    FACEBOOK,
    INBOX_SUBJECT,
    INBOX_WORDS,
    LOCK_BODY,
    LOCK_TITLE,
    ToldPiece,
    folded,
    pieces,
    short_link,
)

Layout = Literal["feed", "chat", "lock", "letter", "panel", "plain"]
_LAYOUTS: Mapping[str, Layout] = {
    "twitter": "feed",
    "facebook": "feed",
    "telegram": "chat",
    MAIL: "letter",
    PUSH: "lock",
}
_SHOWN = ("severity", "event", "headline", "instruction", "area")


@dataclass(frozen=True, slots=True)
class PreviewPicture:
    """A picture of a preview: where it is (None: it can't be read any more), and what it shows in words."""

    address: str | None
    alt: str


@dataclass(frozen=True, slots=True)
class PreviewCard:
    """The card that a platform makes of a link. Without a picture, the page is not ours, and nobody can tell."""

    host: str
    title: str = ""
    summary: str = ""
    picture: PreviewPicture | None = None


@dataclass(frozen=True, slots=True)
class PreviewPanel:
    """What a panel can show of the message that a broker keeps for it, and the topics where it stands.

    The last level of a topic is the incident, which nobody knows before it is stored.
    """

    severity: str
    event: str
    headline: str
    instruction: str
    area: str
    until: datetime | None
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PreviewScreen:
    """What people have before them in one place: `seen` at first, and the `rest` after a tap.

    `title` is a notification's or a letter's, `brief` what a list of letters shows of its words. `subscribers` tells
    one that goes to each of them from one that stands on the channel. `panel` is what the words say to a panel.
    """

    layout: Layout
    kind: str
    name: str
    handle: str
    language: str
    seen: tuple[ToldPiece, ...]
    rest: tuple[ToldPiece, ...] = ()
    title: str = ""
    brief: str = ""
    card: PreviewCard | None = None
    picture: PreviewPicture | None = None
    subscribers: bool = False
    panel: PreviewPanel | None = None


@dataclass(frozen=True, slots=True)
class ReachWords:
    """A reach as it is told. None for `people`: they are few; "" for `later`: nobody, or so few that it isn't told."""

    people: str | None
    later: str = ""
    readers: bool = False


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a channel reaches: how many follow it there as far as the platform told, and its subscribers."""

    followers: str = ""
    reach: ReachWords | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One channel's post as it will look, or why there is none (`silence`).

    `means` says how it appears beside what is out, `to` is the list that letters go to, `link` the whole address: a
    screen may show less of it.
    """

    channel: str
    kind: str
    screens: tuple[PreviewScreen, ...] = ()
    post: PostKind = PostKind.PUBLISH
    means: Means = Means.NEW
    count: int = 0
    limit: int | None = None
    cut: tuple[str, ...] = ()
    warnings: tuple[Reason, ...] = ()
    link: str = ""
    urgent: bool = False
    expires: datetime | None = None
    public: bool = True
    to: str = ""
    audience: Audience = Audience()
    silence: Reason | None = None

    @property
    def over(self) -> bool:
        """Whether it is longer than the platform takes."""
        return self.limit is not None and self.count > self.limit


@dataclass(frozen=True, slots=True)
class Shot:
    """What a look is made of: a post, what its subscribers are told by language, its picture, and its link's card.

    `card` is what the alert's own page will say of itself, `drawn` where its picture is.
    """

    station: Town
    channel: ChannelConfig
    post: Post
    subscribers: Mapping[str, Message]
    picture: PreviewPicture | None = None
    card: LinkCard | None = None
    drawn: str = ""


def look_of(shot: Shot, length: tuple[int, int | None], audience: Audience) -> Look:
    """The look of a channel that has a post, of that length as its platform counts and allows."""
    channel, post = shot.channel, shot.post
    return Look(
        channel.name,
        channel.kind,
        screens_of(shot),
        post.kind,
        post.means,
        *length,
        warnings=post.warnings,
        link=_link_of(shot),
        urgent=post.urgent,
        expires=post.expires,
        public=channel.public,
        to=channel.to or "",
        audience=audience,
    )


def screens_of(shot: Shot) -> tuple[PreviewScreen, ...]:
    """The channel's own place, where it has one that anybody reads; then what subscribers get."""
    channel = shot.channel
    screens = []
    if channel.kind != PUSH and not (channel.kind == MAIL and channel.to is None):
        screens.append(_screen(shot, shot.post.message, shot.picture, subscribers=False))
    own = primary(channel.language or shot.station.language)
    # The town's own language first: it is the one that most of them read.
    languages = sorted(shot.subscribers, key=lambda each: (each != own, each))
    screens += [_screen(shot, shot.subscribers[each], None, subscribers=True) for each in languages]
    return tuple(screens)


def reach_words(reach: SubscriberReach, locale: str) -> ReachWords:
    """The reach in numbers as they may be told, written as the reader's language does."""

    def told(number: int) -> str | None:
        rounded = told_people(number)
        return None if rounded is None else format_decimal(rounded, locale=locale)

    return ReachWords(told(reach.people), told(reach.later) or "", reach.readers)


def _link_of(shot: Shot) -> str:
    return shot.post.message.link or next((each.link for each in shot.subscribers.values() if each.link), "")


def _screen(shot: Shot, message: Message, picture: PreviewPicture | None, *, subscribers: bool) -> PreviewScreen:
    channel = shot.channel
    prefix = getattr(channel.settings, "prefix", "")
    panel = panel_of(message.text, prefix) if channel.kind == "mqtt" else None
    layout: Layout = "panel" if panel else _LAYOUTS.get(channel.kind, "plain")
    name, handle = _called(shot, subscribers=subscribers)
    title, brief, seen, rest = _words(shot, message, layout)
    return PreviewScreen(
        layout,
        channel.kind,
        name,
        handle,
        message.language,
        seen,
        rest,
        title,
        brief,
        None if picture else _card(shot, message, layout),
        picture,
        subscribers,
        panel,
    )


def panel_of(words: str, prefix: str) -> PreviewPanel | None:
    """What these words tell a panel; None: they are no alert's, or a template of the town's says something else."""
    try:
        told = json.loads(words)
        until = datetime.fromisoformat(told["until"]) if told.get("until") else None
        severity, event, headline, instruction, area = (str(told.get(name) or "") for name in _SHOWN)
        levels = [] if told.get("over") else ["all", *map(str, told.get("districts") or ())]
    except (ValueError, TypeError, AttributeError):
        return None
    topics = tuple(f"{prefix}/{each}/…" for each in levels)
    return PreviewPanel(severity, event, headline, instruction, area, until, topics) if severity else None


def _called(shot: Shot, *, subscribers: bool) -> tuple[str, str]:
    """Who it comes from, as far as the configuration knows how the town is called there."""
    channel, town = shot.channel, shot.station.name
    if channel.kind == MAIL:
        name, _, address = channel.sender.rpartition("<")
        return name.strip() or channel.sender, address.removesuffix(">") if name else ""
    if channel.kind == PUSH:
        return town, urlsplit(shot.station.public_url or "").hostname or ""
    is_named = channel.chat.startswith("@") and not subscribers
    return town, channel.chat if is_named else ""


def _words(
    shot: Shot, message: Message, layout: Layout
) -> tuple[str, str, tuple[ToldPiece, ...], tuple[ToldPiece, ...]]:
    """Title, first words of a list, what is seen, and what is behind the fold."""
    markup = shot.channel.text.markup
    match layout:
        case "lock":
            title, body = _locked(message)
            return title, "", pieces(body[0]), pieces(body[1])
        case "letter":
            subject = subject_of(message.plain, exercise=shot.post.exercise)
            first, _ = folded(" ".join(message.plain.split()), INBOX_WORDS)
            return folded(subject, INBOX_SUBJECT)[0], first, pieces(message.text, markup, message.link), ()
        case "feed" if shot.channel.kind == "facebook":
            seen, rest = folded(_whole(shot, message), FACEBOOK)
            return "", "", pieces(seen, link=message.link), pieces(rest, link=message.link)
        case "feed":
            return "", "", tuple(_as_x(piece) for piece in pieces(message.plain, link=message.link)), ()
        case "chat":
            return "", "", pieces(message.text, markup, message.link), ()
        case "panel":
            return "", "", (ToldPiece("plain", json.dumps(json.loads(message.text), ensure_ascii=False, indent=2)),), ()
        case "plain":
            return "", "", (ToldPiece("plain", message.text if markup == "json" else message.plain),), ()


def _locked(message: Message) -> tuple[str, tuple[str, str]]:
    """A notification's title and body, with what a locked screen has no room for behind the fold."""
    title, _, body = message.text.partition("\n")
    shown, left = folded(title, LOCK_TITLE)
    seen, rest = folded(body.strip(), LOCK_BODY)
    return f"{shown}…" if left else shown, (seen, "\n".join(filter(None, (f"…{left}" if left else "", rest))))


def _as_x(piece: ToldPiece) -> ToldPiece:
    """X shows a link without its protocol, and only its beginning."""
    return ToldPiece("link", short_link(piece.text)) if piece.tone == "link" else piece


def _whole(shot: Shot, message: Message) -> str:
    """On a Page the link stands beside the words; with a picture, and in a comment, it stands below them."""
    beside = shot.channel.text.link == "field" and shot.post.means is not Means.REPLY and message.image is None
    return message.plain if beside or not message.link else f"{message.plain}\n\n{message.link}"


def _card(shot: Shot, message: Message, layout: Layout) -> PreviewCard | None:
    """What the platform makes of the link. An edit leaves the card that is there, and letters and screens make none."""
    if message.link is None or layout not in ("feed", "chat") or shot.post.means is Means.EDIT:
        return None
    host = urlsplit(message.link).hostname or ""
    card = shot.card
    if card is None or not _is_ours(message.link, shot.station):
        return PreviewCard(host)
    return PreviewCard(host, card.title, card.summary, PreviewPicture(shot.drawn, card.summary))


def _is_ours(link: str, station: Town) -> bool:
    """Whether it leads to the alert's own page, so that its card is known."""
    return station.public_url is not None and link.startswith(f"{station.public_url}/")
