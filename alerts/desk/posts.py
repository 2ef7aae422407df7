"""The posts of an accepted message.

`draft_posts` asks each channel's thread for its next step (`routing.next_step`), has a `PostWriter` write it, and
stores it. Unsent posts that the new message replaces are superseded in the same transaction.

The writer has the channel's templates make the words (`rendering`), and decides the rest: the means of the post, its
priority in the lane, its picture or card, and how long it is worth sending. If readers can subscribe to the channel, it
also writes the subscribers' messages, in each of their languages (`bulk_of`).

`end_of_veto` returns until when a vetoed message can still be stopped, if newer words replace older ones. Ends by
expiry are in `alerts.desk.ending`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

from alerts.desk.decide import Accepted
from alerts.desk.dedupe import end_reason
from alerts.desk.routing import last_there, next_step
from alerts.desk.territory import Territory, territory_of
from alerts.model.alert import Alert, Severity, Status, Urgency
from alerts.model.delivery import BULK_LANGUAGES, Bulk, BulkState
from alerts.model.hazard import Hazard, hazard_of
from alerts.model.incident import MANUAL, AlertState, LeftOut, StoredAlert
from alerts.model.post import EndReason, Means, Message, Post, PostImage, PostKind, PostState, TextFormat, priority_of
from alerts.model.reason import Reason, because
from alerts.model.subscriber import TOPIC_OF, Notice
from alerts.model.town import MAIL, PUSH, ChannelConfig, Town
from alerts.rendering.card import Card, LinkCard, card_alt, card_of, link_card_of
from alerts.rendering.library import as_sentences, capital
from alerts.rendering.matter import Context
from alerts.rendering.templates import Needed, Rendered, Renderer
from alerts.store.alerts import AlertRepository

END_IS_WORTH_TELLING = timedelta(hours=6)
"""How long after an alert's end it is still announced, if a channel was down."""
AHEAD_OF_ALL = 1000
"""The priority of a correction: above any that severity and urgency make, since what is wrong is believed meanwhile."""
# As the alert's own page: more room than any alert needs, so that nothing of it is cut.
_PAGE = ChannelConfig("page", "page", TextFormat(100_000), "never")
PICTURE_KINDS = ("image/jpeg", "image/png")
"""The types that every channel accepts."""

SHORTEST = timedelta(minutes=2)
"""The minimum veto of words that nobody has seen yet, unless the whole veto is shorter."""
# States of posts that no reader has seen.
_UNSEEN = (PostState.WAITING, PostState.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class DraftPost:
    """A rendered post: the preview for the officer before anything is sent; the subscribers' messages."""

    post: Post
    rendered: Rendered
    bulk: Bulk | None = None


@dataclass(frozen=True, slots=True)
class PostContext:
    """Why posts are made now: the message, what was decided about it, and how its posts wait.

    `previous` is what the readers of one channel saw last of the incident.
    """

    stored: StoredAlert
    alert: Alert
    accepted: Accepted
    now: datetime
    state: PostState
    not_before: datetime | None
    previous: StoredAlert | None = None

    @property
    def severity(self) -> Severity:
        """The message's own severity, or that of the ended one if it has none."""
        before = self.previous or self.accepted.previous
        return before.severity if not self.alert.infos and before else self.alert.severity


def withdraw(alerts: AlertRepository, post_context: PostContext) -> list[StoredAlert]:
    """Supersede what hadn't gone out yet, and say so of the messages that only waited; these."""
    return supersede(alerts, post_context.accepted.withdrawn, post_context.stored, post_context.now)


def supersede(alerts: AlertRepository, posts: Sequence[Post], by: StoredAlert, now: datetime) -> list[StoredAlert]:
    """Keep these posts from going out, since a newer message says what holds; the messages that only waited."""
    reason = because("superseded", by=by.id)
    for post in posts:
        alerts.move_post(post, PostState.SUPERSEDED, reason, not_before=None)
        alerts.note(now, post.alert_id, post.id, PostState.SUPERSEDED, reason)
    waited = []
    for alert_id in dict.fromkeys(post.alert_id for post in posts):
        for stored in alerts.by_id(alert_id):
            # None of its posts will go out, so nobody has to validate it any more.
            if stored.state is AlertState.WAITING:
                alerts.set_alert_state(alert_id, AlertState.LEFT_OUT, reason)
                waited.append(stored)
    return waited


def draft_posts(
    alerts: AlertRepository,
    post_context: PostContext,
    write: Callable[[ChannelConfig, PostContext, PostKind], DraftPost],
) -> list[DraftPost] | LeftOut:
    """The posts for the channels, stored. LeftOut: there is none to make."""
    drafts: list[DraftPost] = []
    reasons: list[Reason] = []
    for channel in post_context.accepted.channels:
        thread = [post for post in post_context.accepted.thread if post.channel == channel.name]
        reached = channel.name in post_context.accepted.reached
        is_more = post_context.accepted.follows_up
        step = PostKind.UPDATE if is_more else next_step(channel, thread, post_context.accepted.ending, reached=reached)
        if isinstance(step, LeftOut):
            reasons.append(because("no_post_on", channel=channel.name, why=step.reason))
            # Written down for the report, so that nobody is left believing that it was said there.
            alerts.note(post_context.now, post_context.stored.id, None, "no_post", reasons[-1])
            continue
        seen = replace(post_context, previous=_seen_last(alerts, thread) or post_context.accepted.previous)
        made = write(channel, seen, step)
        alerts.add_post(made.post)
        if made.bulk is not None:
            alerts.add_bulk(made.bulk)
        drafts.append(made)
    return drafts or LeftOut(because("no_posts", each=reasons))


def _seen_last(alerts: AlertRepository, thread: Sequence[Post]) -> StoredAlert | None:
    """The message that a channel's readers know: a later one may never have got there."""
    last = last_there(thread)
    return next(iter(alerts.by_id(last.alert_id)), None) if last else None


@dataclass(eq=False, repr=False)
class PostWriter:
    """Writes one channel's post in that channel's words."""

    station: Town
    renderer: Renderer
    new_id: Callable[[], str]
    card_file: Callable[[Card], str] | None = None

    def __post_init__(self) -> None:
        self._warm: set[tuple[str, Needed]] = set()

    def for_preview(self) -> PostWriter:
        """Return a writer for previews, which draws no cards."""
        return replace(self, card_file=(lambda _: "") if self.card_file else None)

    def warm(self, alert: Alert, now: datetime) -> None:
        """Compile the templates that this alert will need, so that no transaction has to wait for them."""
        channels = self.station.channels.values()
        needs = self.renderer.needs(alert, PostKind.PUBLISH, channels, now)
        for channel, needed in zip(channels, needs, strict=True):
            # In a storm most alerts need what the first of them did.
            if (channel.name, needed) not in self._warm:
                self.renderer.render(alert, PostKind.PUBLISH, channel, context=Context(incident="", now=now))
                self._warm.add((channel.name, needed))

    def draw(self, alert: Alert, source: str, area_names: tuple[str, ...], now: datetime) -> None:
        """Draw the cards that this alert's posts will carry; drawing is no work for a transaction."""
        title, exercise = self.station.rules_for(source).title or "", alert.status is not Status.ACTUAL
        context = Context("", now, exercise=exercise, area_names=area_names, source=title)
        for channel in self.station.channels.values():
            # An exercise's card is drawn for exercises' channels alone.
            if alert.infos and (alert.status is Status.ACTUAL or channel.exercise):
                self._card(channel, alert, PostKind.PUBLISH, context)

    def says_what_to_do(self, alert: Alert, now: datetime) -> bool:
        """True if its posts contain an instruction."""
        channel = next(iter(self.station.channels.values()), None)
        if channel is None or not alert.infos:
            return False
        return bool(self.renderer.tell(alert, PostKind.PUBLISH, channel, context=Context("", now))["instruction"])

    def would_end(self, alert: Alert, reason: EndReason, now: datetime) -> str:
        """Return the words of an end without an officer's own, in whole sentences."""
        context = Context("", now, reason=reason, previous=alert)
        said = self.renderer.tell(replace(alert, note=None), PostKind.END, _PAGE, context=context)
        return as_sentences(str(said[name]) for name in ("lead", "instruction", "after"))

    def where_and_when(self, alert: Alert, now: datetime) -> tuple[str, ...]:
        """Return the alert's place and end in words, without missing ones."""
        said = self.renderer.tell(alert, PostKind.PUBLISH, _PAGE, context=Context("", now))
        return tuple(text for name in ("area", "when") if (text := str(said[name])))

    def link_card(self, alert: Alert, kind: PostKind, language: str, context: Context) -> LinkCard:
        """Return the card of the alert's own page for shared links."""
        return link_card_of(self.renderer.tell(alert, kind, replace(_PAGE, language=language), context=context), alert)

    def post_card(self, channel: ChannelConfig, alert: Alert, kind: PostKind, context: Context) -> Card:
        """The card that the channel's post carries, where it carries one."""
        return card_of(self.renderer.tell(alert, kind, channel, context=context), alert.severity)

    def write(self, channel: ChannelConfig, post_context: PostContext, kind: PostKind) -> DraftPost:
        """Render a post, and make its outbox row. The words that follow a correction are worded as the correction."""
        is_more = post_context.accepted.follows_up
        shown_kind = PostKind.END if is_more else kind
        context = _context_of(post_context, shown_kind, self.station)
        rendered = self.renderer.render(post_context.alert, shown_kind, channel, context=context)
        picture = None if channel.card_alone else self._picture(channel, post_context)
        if picture is None and (channel.card_alone or shown_kind is not PostKind.END):
            picture = self._card(channel, post_context.alert, shown_kind, context)
        rendered = replace(rendered, message=replace(rendered.message, image=picture))
        if channel.text.markup == "json":
            words = self._for_machines(channel, post_context, shown_kind, context)
            rendered = replace(rendered, message=replace(rendered.message, text=words))
        alert = post_context.alert
        # An end is worth sending for some hours more, or a channel that was down would leave its readers warned.
        ends = (
            alert.ends if shown_kind is not PostKind.END else max(alert.ends, post_context.now + END_IS_WORTH_TELLING)
        )
        post = Post(
            id=self.new_id(),
            alert_id=post_context.stored.id,
            incident_id=post_context.stored.incident_id,
            channel=channel.name,
            kind=kind,
            means=_means_of_more(channel) if is_more else _means(channel, kind),
            state=post_context.state,
            priority=_priority(post_context),
            message=rendered.message,
            severity=_haste(post_context),
            stored_at=post_context.now,
            exercise=alert.status is not Status.ACTUAL,
            warnings=rendered.warnings,
            expires=ends,
            not_before=post_context.not_before,
        )
        has_bulk = channel.subscriptions and not is_more
        return DraftPost(post, rendered, self._bulk(channel, post_context, post, context) if has_bulk else None)

    def _for_machines(self, channel: ChannelConfig, post_context: PostContext, kind: PostKind, context: Context) -> str:
        """Return the alert as JSON with named fields, or its end."""
        alert, territory = post_context.alert, territory_of(self.station)
        # An end without an area of its own is over where the alert was.
        placed = alert if alert.areas or context.previous is None else context.previous
        touched = territory.districts_of(placed)
        codes = [each.code for each in self.station.districts if touched is None or each.code in touched]
        said = self.renderer.tell(alert, kind, channel, context=context)
        values = named_for_machines(said, post_context.severity, alert.ends.astimezone(self.station.zone), codes)
        return json.dumps({**values, "over": kind is PostKind.END}, ensure_ascii=False)

    def _bulk(self, channel: ChannelConfig, post_context: PostContext, post: Post, context: Context) -> Bulk:
        """The same for the channel's subscribers, in each of their languages."""
        # In a subscriber's chat nothing beside the words names the town, so they do; a browser and a letter show
        # whose it is.
        signed = channel.kind in (PUSH, MAIL)
        faces = {language: replace(channel, language=language, signed=signed) for language in BULK_LANGUAGES}
        messages = {
            language: self.renderer.render(post_context.alert, post.kind, face, context=context).message
            for language, face in faces.items()
        }
        return bulk_of(
            channel,
            post,
            alert=post_context.alert,
            previous=context.previous,
            messages=messages,
            territory=territory_of(self.station),
        )

    def _picture(self, channel: ChannelConfig, post_context: PostContext) -> PostImage | None:
        """Return the picture that an officer attached to the alert.

        Only our own message may name a file of this machine: a feed's `file:///etc/passwd` must not be published.
        """
        alert = post_context.alert
        info = alert.info_for(channel.language or self.station.language)
        if info is None or post_context.stored.source != MANUAL or alert.sender != self.station.sender:
            return None
        for resource in info.resources:
            address = urlsplit(resource.uri or "")
            if address.scheme == "file" and not address.netloc and resource.mime_type in PICTURE_KINDS:
                return PostImage(unquote(address.path), resource.description)
        return None

    def _card(self, channel: ChannelConfig, alert: Alert, kind: PostKind, context: Context) -> PostImage | None:
        """The card, on a channel that is configured so; an end has none, unless a post there is a picture."""
        if self.card_file is None or not channel.card:
            return None
        said = self.renderer.tell(alert, kind, channel, context=context)
        return PostImage(self.card_file(card_of(said, alert.severity)), card_alt(said))


def named_for_machines(
    said: Mapping[str, object], severity: Severity, until: datetime, districts: Sequence[str]
) -> dict[str, object]:
    """Return an alert's content by the names of the screens' JSON; a missing one is an empty string."""
    return {
        "severity": severity.value,
        "event": str(said["event"] or capital(str(said["name"]))),
        "headline": str(said["title"]),
        "instruction": str(said["instruction"] or ""),
        "area": str(said["area"] or ""),
        "until": until.isoformat(timespec="seconds"),
        "districts": list(districts),
    }


def _means(channel: ChannelConfig, kind: PostKind) -> Means:
    """Return the means of a post; a correction is published even on a channel without ends."""
    if kind is PostKind.END:
        return Means.REPLY if channel.on_end is Means.NONE else channel.on_end
    return channel.on_update if kind is PostKind.UPDATE else Means.NEW


def _means_of_more(channel: ChannelConfig) -> Means:
    """How the words that follow a correction appear: in its place, or below it; what was deleted has no place."""
    match channel.on_end:
        case Means.EDIT:
            return Means.EDIT
        case Means.DELETE:
            return Means.NEW
        case _:
            return Means.REPLY


def _priority(post_context: PostContext) -> int:
    if post_context.accepted.ending is EndReason.CORRECTED:
        return AHEAD_OF_ALL
    # That time has run out is no news of the danger (docs/adr/0011), so it lets everything else go first.
    urgency = Urgency.PAST if post_context.accepted.ending is EndReason.EXPIRED else post_context.alert.urgency
    return priority_of(_haste(post_context), urgency)


def _haste(post_context: PostContext) -> Severity:
    """How grave the post is to its lane: what was wrong may use the reserve, that time has run out may not."""
    severity = post_context.severity
    if post_context.accepted.ending is EndReason.CORRECTED:
        return max(severity, Severity.SEVERE, key=lambda each: each.rank)
    if post_context.accepted.ending is EndReason.EXPIRED:
        return min(severity, Severity.MODERATE, key=lambda each: each.rank)
    return severity


def _context_of(post_context: PostContext, kind: PostKind, station: Town) -> Context:
    return Context(
        incident=post_context.stored.incident_id,
        now=post_context.now,
        reason=post_context.accepted.ending,
        previous=post_context.previous.alert if post_context.previous else None,
        exercise=post_context.alert.status is not Status.ACTUAL,
        area_names=post_context.accepted.area_names,
        first=kind is PostKind.PUBLISH,
        strange=any(each.source != MANUAL for each in (post_context.stored, post_context.previous) if each is not None),
        source=station.rules_for(post_context.stored.source).title or "",
    )


def bulk_of(
    channel: ChannelConfig,
    post: Post,
    *,
    alert: Alert,
    previous: Alert | None,
    messages: Mapping[str, Message],
    territory: Territory,
) -> Bulk:
    """Return the bulk that waits, starts and ends with `post`; `messages` are its words by language.

    An update that is graver than the updated alert, of another topic, or for other districts, is also sent to
    subscribers whom the first alert didn't concern.
    """
    said = alert if alert.infos or previous is None else previous
    # An end is told to those who got the incident, wherever they live.
    hazard = _hazard_of(said)
    notice = Notice(
        TOPIC_OF[hazard], post.severity, None if post.kind is PostKind.END else territory.districts_of(said)
    )
    return Bulk(
        id=post.id,
        channel=post.channel,
        incident=post.incident_id,
        alert_id=post.alert_id,
        kind=post.kind,
        state=BulkState.QUEUED,
        notice=notice,
        texts={language: message.text for language, message in messages.items()},
        links={language: message.link for language, message in messages.items() if message.link},
        stored_at=post.stored_at,
        everyone=post.kind is PostKind.PUBLISH
        or (post.kind is PostKind.UPDATE and _goes_further(notice, alert, previous, territory)),
        edits=(channel.on_end if post.kind is PostKind.END else channel.on_update) is Means.EDIT,
        expires=post.expires,
        exercise=post.exercise,
        hazard=hazard,
    )


def _goes_further(notice: Notice, alert: Alert, previous: Alert | None, territory: Territory) -> bool:
    if previous is None or alert.severity.rank > previous.severity.rank:
        return True
    if notice.topic is not TOPIC_OF[_hazard_of(previous)]:
        return True
    before = territory.districts_of(previous)
    return before is not None and (notice.districts is None or not notice.districts <= before)


def _hazard_of(alert: Alert) -> Hazard:
    return hazard_of(alert.infos[0]) if alert.infos else Hazard.GENERAL


def end_of_veto(
    alerts: AlertRepository, message: StoredAlert, accepted: Accepted, now: datetime, veto: timedelta
) -> datetime | None:
    """Return when the message goes out by itself. Returns None without a veto.

    An officer's words have all of `veto`: their author must not choose how long they can be stopped. A feed's have the
    remaining time of those they replace if they are the same, else half of `veto`; but a feed that changes its words
    again and again is published at the latest two vetoes after its first ones.
    """
    if accepted.publish != "veto":
        return None
    waiting = [post for post in accepted.withdrawn if post.state is PostState.WAITING and post.not_before]
    running = min((post.not_before for post in waiting if post.not_before), default=None)
    if running is None or message.source == MANUAL:
        return now + veto
    if _repeats(alerts, message, waiting):
        return min(running, now + veto)
    least = now + max(veto / 2, SHORTEST)
    return min(max(running, min(least, _waiting_since(alerts, message, accepted) + 2 * veto)), now + veto)


def _repeats(alerts: AlertRepository, message: StoredAlert, waiting: Sequence[Post]) -> bool:
    """True if the message repeats to the letter the source of each of these."""
    named = {post.alert_id for post in waiting}
    earlier = [stored for name in named for stored in alerts.by_id(name) if stored.id == name]
    return all(_content(stored) == _content(message) for stored in earlier)


def _content(stored: StoredAlert) -> object:
    alert = stored.alert
    return alert and (alert.status, end_reason(alert), alert.note, alert.infos)


def _waiting_since(alerts: AlertRepository, message: StoredAlert, accepted: Accepted) -> datetime:
    """When the oldest of the versions was stored that took each other's place without one of them going out."""
    seen = max((post.stored_at for post in accepted.thread if post.state not in _UNSEEN), default=None)
    unseen = [post.stored_at for post in accepted.withdrawn if seen is None or post.stored_at > seen]
    # Asked of the store: a feed that changes its words again and again leaves thousands of superseded posts.
    if first := alerts.first_superseded(message.incident_id, seen):
        unseen.append(first)
    return min(unseen, default=seen or message.received_at)
