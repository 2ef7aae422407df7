"""The look of each channel's post: the previews of the form and of validation.

A `ChannelPreview` is one channel: its length, the parts that were cut, remarks, its audience, and its screens. A screen
is the readers' view in one place, laid out as that kind of place is: a post in a feed, a message in a chat, a
notification on a locked telephone, an e-mail in a list and opened, a panel, or the bare words for a machine. Its words,
link card and picture are the real ones; only the frame around them is drawn, without any platform's own signs.

`screens_of` makes them of a post, or of a rehearsed one (`Shot`): if people subscribe to the channel, the subscribers'
message has a screen for each language. `reach_words` words a reach so that it reveals no individual.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from babel.numbers import format_decimal

from alerts.desk.audience import SubscriberReach, displayed_count
from alerts.model.gsm import size_of
from alerts.model.post import Means, Message, Post, PostKind, subject_of
from alerts.model.reason import Reason
from alerts.model.town import MAIL, PUSH, ChannelConfig, Town
from alerts.rendering.card import LinkCard
from alerts.rendering.i18n import primary
from alerts.rendering.onscreen import (
    FACEBOOK,
    INBOX_SUBJECT,
    INBOX_WORDS,
    INSTAGRAM,
    LOCK_BODY,
    LOCK_TITLE,
    StyledText,
    folded,
    pieces,
    short_link,
)

Layout = Literal["feed", "chat", "lock", "letter", "panel", "plain"]
_LAYOUTS: Mapping[str, Layout] = {
    "twitter": "feed",
    "facebook": "feed",
    "instagram": "feed",
    "telegram": "chat",
    "mastodon": "feed",
    "bluesky": "feed",
    "matrix": "chat",
    "ntfy": "lock",
    "sms": "chat",
    MAIL: "letter",
    PUSH: "lock",
}
_FOLDS = {"facebook": FACEBOOK, "instagram": INSTAGRAM}
# Platforms where anybody sees what is posted.
_SEEN_BY_ALL = frozenset({"twitter", "facebook", "instagram", "telegram", "mastodon", "bluesky"})
# The fields of a panel's JSON that its preview shows.
_SHOWN = ("severity", "event", "headline", "instruction", "area")


@dataclass(frozen=True, slots=True)
class PreviewPicture:
    """A picture of a preview: where it is (None: it can't be read any more), and what it shows in words."""

    address: str | None
    alt: str


@dataclass(frozen=True, slots=True)
class PreviewCard:
    """A platform's card of a link. Without a picture, the page is not ours, and its card is unknown."""

    host: str
    title: str = ""
    summary: str = ""
    picture: PreviewPicture | None = None


@dataclass(frozen=True, slots=True)
class PreviewPanel:
    """A panel's content from the message that a broker keeps for it, and its topics.

    The last level of a topic is the incident, which is unknown before it is stored.
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
    """The readers' view in one place: `seen` at first, and the `rest` after a tap.

    `title` is a notification's or an e-mail's, `brief` its words in a list of e-mails. `subscribers` is true for a
    message to each of them, false for a post on the channel. `panel` is the words' content for a panel.
    """

    layout: Layout
    kind: str
    name: str
    handle: str
    language: str
    seen: tuple[StyledText, ...]
    rest: tuple[StyledText, ...] = ()
    title: str = ""
    brief: str = ""
    card: PreviewCard | None = None
    picture: PreviewPicture | None = None
    subscribers: bool = False
    panel: PreviewPanel | None = None


@dataclass(frozen=True, slots=True)
class ReachWords:
    """A reach in words. None for `people`: they are few; "" for `later`: nobody, or too few to show."""

    people: str | None
    later: str = ""
    readers: bool = False


@dataclass(frozen=True, slots=True)
class Audience:
    """A channel's audience: its followers as far as the platform gives them, and its subscribers.

    `people` is the number of followers, for what depends on it.
    """

    followers: str = ""
    reach: ReachWords | None = None
    people: int | None = None


@dataclass(frozen=True, slots=True)
class ChannelPreview:
    """The preview of one channel's post, or the reason why there is none (`silence`).

    `means` is its relation to earlier posts, `to` the list that e-mails go to, `link` the whole address: a screen may
    show less of it. `parts` is how many SMS each telephone gets, and `euros` what they all cost (None: nobody knows how
    many there are).
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
    parts: int = 0
    euros: float | None = None

    @property
    def is_seen_by_all(self) -> bool:
        """True if anybody sees what is posted there."""
        return self.kind in _SEEN_BY_ALL

    @property
    def over(self) -> bool:
        """True if it is longer than the platform accepts."""
        return self.limit is not None and self.count > self.limit


@dataclass(frozen=True, slots=True)
class Shot:
    """The input of a preview: a post, its subscribers' messages by language, its picture, and its link's card.

    `card` is that of the alert's own page, `drawn` the address of its picture.
    """

    station: Town
    channel: ChannelConfig
    post: Post
    subscribers: Mapping[str, Message]
    picture: PreviewPicture | None = None
    card: LinkCard | None = None
    drawn: str = ""


def look_of(shot: Shot, length: tuple[int, int | None], audience: Audience) -> ChannelPreview:
    """Return the preview of a channel with a post, of that length and limit by its platform's count."""
    channel, post = shot.channel, shot.post
    parts = size_of(post.message.text).parts if channel.price is not None else 0
    is_known = channel.price is not None and audience.people is not None
    return ChannelPreview(
        channel.name,
        channel.kind,
        screens_of(shot),
        post.kind,
        post.means,
        *length,
        warnings=post.warnings,
        link=shot.post.message.link or next((each.link for each in shot.subscribers.values() if each.link), ""),
        urgent=post.urgent,
        expires=post.expires,
        public=channel.public,
        to=channel.to or "",
        audience=audience,
        parts=parts,
        euros=parts * (audience.people or 0) * (channel.price or 0.0) if is_known else None,
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
    """Return the reach in publishable numbers, in the reader's number format."""

    def rounded(number: int) -> str | None:
        rounded = displayed_count(number)
        return None if rounded is None else format_decimal(rounded, locale=locale)

    return ReachWords(rounded(reach.people), rounded(reach.later) or "", reach.readers)


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
    """Return a panel's content in these words.

    Returns None if they are no alert's, or of a template with another form.
    """
    try:
        data = json.loads(words)
        until = datetime.fromisoformat(data["until"]) if data.get("until") else None
        severity, event, headline, instruction, area = (str(data.get(name) or "") for name in _SHOWN)
        levels = [] if data.get("over") else ["all", *map(str, data.get("districts") or ())]
    except (ValueError, TypeError, AttributeError):
        return None
    topics = tuple(f"{prefix}/{each}/…" for each in levels)
    return PreviewPanel(severity, event, headline, instruction, area, until, topics) if severity else None


def _called(shot: Shot, *, subscribers: bool) -> tuple[str, str]:
    """Return the sender's name and handle, as far as the configuration has them."""
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
) -> tuple[str, str, tuple[StyledText, ...], tuple[StyledText, ...]]:
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
        case "feed" if shot.channel.kind in _FOLDS:
            seen, rest = folded(_whole(shot, message), _FOLDS[shot.channel.kind])
            return "", "", pieces(seen, link=message.link), pieces(rest, link=message.link)
        case "feed" if shot.channel.kind == "bluesky":
            # The card is the link; with a picture there is none, and the first line leads there.
            first, end, others = message.plain.partition("\n")
            leads = message.link is not None and message.image is not None
            return "", "", (StyledText("link", first), *pieces(end + others)) if leads else pieces(message.plain), ()
        case "feed":
            return "", "", tuple(_as_x(piece) for piece in pieces(message.plain, link=message.link)), ()
        case "chat":
            return "", "", pieces(message.text, markup, message.link), ()
        case "panel":
            return (
                "",
                "",
                (StyledText("plain", json.dumps(json.loads(message.text), ensure_ascii=False, indent=2)),),
                (),
            )
        case "plain":
            return "", "", (StyledText("plain", message.text if markup == "json" else message.plain),), ()


def _locked(message: Message) -> tuple[str, tuple[str, str]]:
    """A notification's title and body, with what a locked screen has no room for behind the fold."""
    title, _, body = message.text.partition("\n")
    shown, left = folded(title, LOCK_TITLE)
    seen, rest = folded(body.strip(), LOCK_BODY)
    return f"{shown}…" if left else shown, (seen, "\n".join(filter(None, (f"…{left}" if left else "", rest))))


def _as_x(piece: StyledText) -> StyledText:
    """X and Mastodon show a link without its protocol, and only its beginning."""
    return StyledText("link", short_link(piece.text)) if piece.tone == "link" else piece


def _whole(shot: Shot, message: Message) -> str:
    """Return the words with the link: separate on a Page; below them in a comment, or with a picture."""
    if shot.channel.text.link == "text":
        return message.plain
    beside = shot.channel.text.link == "field" and shot.post.means is not Means.REPLY and message.image is None
    return message.plain if beside or not message.link else f"{message.plain}\n\n{message.link}"


def _card(shot: Shot, message: Message, layout: Layout) -> PreviewCard | None:
    """Return the platform's card of the link. None for an edit, which keeps its card, and where links have none."""
    has_cards = layout in ("feed", "chat") and shot.channel.kind != "sms"
    if message.link is None or not has_cards or shot.post.means is Means.EDIT:
        return None
    if shot.channel.card_alone:
        return None
    host = urlsplit(message.link).hostname or ""
    card = shot.card
    if card is None or not _is_ours(message.link, shot.station):
        return PreviewCard(host)
    return PreviewCard(host, card.title, card.summary, PreviewPicture(shot.drawn, card.summary))


def _is_ours(link: str, station: Town) -> bool:
    """True if it leads to the alert's own page, so that its card is known."""
    return station.public_url is not None and link.startswith(f"{station.public_url}/")
