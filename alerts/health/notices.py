"""Tocsin's own warnings as messages like any other: stored with their posts in one transaction, sent by their lanes.

The earlier notices are read from the store, so that a restart, or a second daemon, repeats none. Such a message is a
CAP alert of status System and scope Private: no routing takes it, and it goes to the channels of `[notify]` alone.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.health.monitor import HealthNotice, Phase, ReportedTrouble, Trouble, What
from alerts.health.words import NoticeWords, word
from alerts.model.alert import (
    Alert,
    Area,
    Category,
    Certainty,
    Info,
    MsgType,
    Reference,
    Scope,
    Severity,
    Status,
    Urgency,
)
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.post import Means, Message, Post, PostKind, PostState, priority_of
from alerts.model.reason import Reason, because
from alerts.model.town import ChannelConfig, Town
from alerts.rendering.counting import count
from alerts.rendering.fit import at_words
from alerts.rendering.text import clean_line
from alerts.store.alerts import AlertRepository
from alerts.store.monitor import OWN_WARNINGS

LASTS = timedelta(hours=24)
"""How long a warning is worth reading: a notify channel that is down for longer misses it."""
LONGEST = 600
"""Characters of a warning at the most, where the platform takes more: it is read on a telephone."""
_SEVERITY = Severity.MODERATE
# The kind of post, its means and its CAP type, by phase.
_KINDS = {
    Phase.FIRING: (PostKind.PUBLISH, Means.NEW, MsgType.ALERT),
    Phase.REPEATED: (PostKind.UPDATE, Means.REPLY, MsgType.UPDATE),
    Phase.RESOLVED: (PostKind.END, Means.REPLY, MsgType.CANCEL),
}
# States of posts that the recipients may have read.
_REACHED = (PostState.SENT, PostState.SENDING, PostState.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class OnCallNotice:
    """One message to those on call: its subject (`key`), its phase, its words by language, its severity.

    `reason` is stored with it: the end of a trouble names what was wrong.
    """

    key: str
    say: Phase
    words: Callable[[str], NoticeWords]
    severity: Severity = _SEVERITY
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class OnCallNotices:
    """Files news for those on call. `channels` are the channels of `[notify]`."""

    station: Town
    channels: tuple[ChannelConfig, ...]
    new_id: Callable[[], str]

    def reported(self, alerts: AlertRepository, keys: Iterable[str], now: datetime) -> dict[str, ReportedTrouble]:
        """Which of these troubles those on call know of."""
        return {key: trouble for key in keys if (trouble := _reported(key, alerts.by_topic(topic_of(key), now)))}

    def file(self, alerts: AlertRepository, news: Sequence[HealthNotice], now: datetime) -> list[str]:
        """Store each as a message with its posts; returns the channels that have something to do."""
        return self.file_notices(alerts, [self._notice(each) for each in news], now)

    def file_notices(self, alerts: AlertRepository, notices: Sequence[OnCallNotice], now: datetime) -> list[str]:
        """As `file`, for what is no trouble."""
        return sorted({channel for each in notices for channel in self._file(alerts, each, now)})

    def _notice(self, news: HealthNotice) -> OnCallNotice:
        return OnCallNotice(
            news.trouble.key,
            news.say,
            lambda language: word(news, language, self.station.zone, self.station.desk_url),
            reason=news.trouble.reason,
        )

    def _file(self, alerts: AlertRepository, news: OnCallNotice, now: datetime) -> list[str]:
        earlier = alerts.by_topic(topic_of(news.key), now)
        incident = earlier[0].incident_id if earlier else self.new_id()
        thread = alerts.thread(incident)
        _withdraw(alerts, thread, now)
        # Who never heard of the trouble needs no word that it is over.
        reached = {post.channel for post in thread if post.state in _REACHED}
        stored = self._record(news, earlier, incident, now)
        alerts.add(stored)
        alerts.note(now, stored.id, None, stored.state, because("notice", say=news.say, key=news.key))
        alerts.close(stored.id, now)
        if news.say is Phase.RESOLVED:
            for each in earlier:
                alerts.set_alert_state(each.id, AlertState.LEFT_OUT, because("notice_over"))
        channels = [channel for channel in self.channels if news.say is not Phase.RESOLVED or channel.name in reached]
        for channel in channels:
            alerts.add_post(self._post(news, stored, channel, now))
        return [channel.name for channel in channels]

    def _record(self, news: OnCallNotice, earlier: Sequence[StoredAlert], incident: str, now: datetime) -> StoredAlert:
        """A trouble that is over has no topic: what comes next is another."""
        alert = self._alert(news, earlier, now)
        # The topic is how the next look finds what was told; without one it finds nothing, and may begin anew.
        topic = None if news.say is Phase.RESOLVED else topic_of(news.key)
        accepted = AlertState.ACCEPTED
        return StoredAlert(self.new_id(), incident, OWN_WARNINGS, alert, accepted, now, news.reason, topic=topic)

    def _alert(self, news: OnCallNotice, earlier: Sequence[StoredAlert], now: datetime) -> Alert:
        # CAP's form of a time has whole seconds (3.2.1, `sent`).
        station, sent = self.station, now.replace(microsecond=0).astimezone(self.station.zone)
        words = tidied(news.words(station.language))
        info = Info(
            event="Tocsin",
            categories=(Category.INFRA,),
            severity=news.severity,
            urgency=Urgency.IMMEDIATE,
            certainty=Certainty.OBSERVED,
            language=station.language,
            expires=sent + (timedelta(hours=1) if news.say is Phase.RESOLVED else LASTS),
            sender_name=station.name,
            headline=words.headline,
            description=words.detail,
            instruction=words.fix,
            areas=(Area(station.name),),
        )
        alerts = [stored.alert for stored in earlier if stored.alert]
        return Alert(
            identifier=f"tocsin-{self.new_id()}",
            sender=station.sender,
            sent=sent,
            status=Status.SYSTEM,
            msg_type=_KINDS[news.say][2],
            scope=Scope.PRIVATE,
            # CAP 3.2.1 asks whom it is for where the scope is Private.
            addresses=tuple(channel.name for channel in self.channels),
            references=tuple(Reference(alert.sender, alert.identifier, alert.sent) for alert in alerts),
            infos=(info,),
        )

    def _post(self, news: OnCallNotice, stored: StoredAlert, channel: ChannelConfig, now: datetime) -> Post:
        language = channel.language or self.station.language
        kind, means, _ = _KINDS[news.say]
        return Post(
            id=self.new_id(),
            alert_id=stored.id,
            incident_id=stored.incident_id,
            channel=channel.name,
            kind=kind,
            means=means,
            state=PostState.QUEUED,
            priority=priority_of(news.severity, Urgency.IMMEDIATE),
            message=compose(news.words(language), self.station.name, channel, language),
            severity=news.severity,
            stored_at=now,
            exercise=channel.exercise,
            expires=now + LASTS,
        )


def build_notices(town: Town, new_id: Callable[[], str]) -> OnCallNotices:
    """The warnings of this station, for the channels of `[notify]`."""
    channels = tuple(channel for channel in town.channels.values() if channel.name in town.notify.channels)
    return OnCallNotices(town, channels, new_id)


def topic_of(key: str) -> str:
    """Return the topic that the messages about one trouble share; no feed's topic equals it."""
    return hashlib.sha256(f"{OWN_WARNINGS}: {key}".encode()).hexdigest()


def compose(words: NoticeWords, station: str, channel: ChannelConfig, language: str) -> Message:
    """The message for one channel: what is reported is cut first, the headline never."""
    fmt, words = channel.text, tidied(words)

    def fits(text: str) -> bool:
        return count(html.escape(text, quote=False) if fmt.markup == "html" else text, fmt) <= min(fmt.limit, LONGEST)

    plain = f"Tocsin, {station}\n{words.headline}"
    if words.fix and fits(f"{plain}\n{words.fix}"):
        plain = f"{plain}\n{words.fix}"
    if words.detail:
        before = plain
        whole = f"{before}\n({words.detail})"
        cut = (
            words.detail
            if fits(whole)
            else at_words(words.detail, lambda text: fits(f"{before}\n({text})"), markup=False)
        )
        plain = f"{before}\n({cut})" if cut else before
    return Message(html.escape(plain, quote=False) if fmt.markup == "html" else plain, plain, language=language)


def tidied(words: NoticeWords) -> NoticeWords:
    """The words as posts have them: what officers and feeds wrote in them can't turn the rest of a message around."""
    detail = " ".join(clean_line(words.detail).split()) if words.detail else words.detail
    return replace(words, headline=clean_line(words.headline), detail=detail)


def _reported(key: str, stored_alerts: Sequence[StoredAlert]) -> ReportedTrouble | None:
    if not stored_alerts:
        return None
    what, name = key.split(" ", 1)
    newest = stored_alerts[0]
    return ReportedTrouble(Trouble(What(what), name, newest.reason), stored_alerts[-1].received_at, newest.received_at)


def _withdraw(alerts: AlertRepository, thread: Sequence[Post], now: datetime) -> None:
    """Withdraw unsent posts, whose words no longer hold."""
    for post in thread:
        if post.state is PostState.QUEUED:
            alerts.move_post(post, PostState.SUPERSEDED, because("newer_notice"), not_before=None)
            alerts.note(now, post.alert_id, post.id, PostState.SUPERSEDED, because("newer_notice"))
