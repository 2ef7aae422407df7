"""The one door of the desk: command line, feeds and whatever comes later act through it.

Each action runs within one unit of work, whose `alerts` it gets: what it decides on is what it stores, or nothing is
stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.desk.decide import NO_PLACE, Accepted, Candidate, decide, without_words
from alerts.desk.dedupe import (
    DOUBLE_TAP,
    clash_of,
    content_key,
    end_reason,
    release,
    seen_before,
    stands_behind,
    stop_clocks,
    tapped_before,
    topic_key,
)
from alerts.desk.draft import must_be_complete
from alerts.desk.ending import end_what_is_over
from alerts.desk.following import goes_on_elsewhere, predecessor
from alerts.desk.posts import DraftPost, PostContext, PostWriter, draft_posts, end_of_veto, withdraw
from alerts.desk.routing import channels_for, channels_meant, channels_on
from alerts.desk.territory import is_in_words, territory_of
from alerts.model.alert import Alert, Status
from alerts.model.errors import Misuse, Refused
from alerts.model.hazard import Hazard
from alerts.model.incident import CLASHES, MANUAL, AlertState, LeftOut, StoredAlert, id_of
from alerts.model.ports import Heard
from alerts.model.post import EndReason, Post, PostKind, PostState
from alerts.model.reason import Reason, because
from alerts.model.town import ChannelConfig, Town, spell_span
from alerts.rendering.card import Card, LinkCard
from alerts.rendering.matter import Context, Prepared
from alerts.rendering.templates import Renderer
from alerts.store.alerts import AlertRepository

__all__ = ["DOUBLE_TAP", "MANUAL", "Desk", "Filed"]


@dataclass(frozen=True, slots=True)
class Filed:
    """The result of filing a message: its stored form, its posts, and whether it is new (`fresh`).

    `withdrawn` are the unsent posts it withdrew, as they were before. `words` is the message with a correction's own
    words, if they wait.
    """

    stored: StoredAlert
    drafts: tuple[DraftPost, ...] = ()
    fresh: bool = True
    withdrawn: tuple[Post, ...] = ()
    words: StoredAlert | None = None

    @property
    def channels(self) -> frozenset[str]:
        """The channels whose lanes have something to do now, or at a time: not those where an officer decides first."""
        posts = [made.post for made in self.drafts]
        return frozenset(post.channel for post in posts if post.state is not PostState.WAITING or post.not_before)


@dataclass(eq=False, repr=False)
class Desk:
    """Decides what becomes of each message; `now` comes from the composition root's clock."""

    station: Town
    writer: PostWriter
    new_id: Callable[[], str]
    now: Callable[[], datetime]

    def warm(self, alert: Alert) -> None:
        """Get ready to file this alert: what takes long is done before the transaction, not in it."""
        self.writer.warm(alert, self.now())
        self._illustrate(alert, MANUAL, self.station.rules_for(MANUAL).any_area or is_in_words(alert))

    def for_preview(self) -> Desk:
        """Return a desk for previews, which draws no cards."""
        return replace(self, writer=self.writer.for_preview())

    @property
    def renderer(self) -> Renderer:
        """The renderer of posts and answers, with the prepared texts; also for pages that show the same alerts."""
        return self.writer.renderer

    def says_what_to_do(self, alert: Alert) -> bool:
        """True if the posts of an alert contain an instruction, be it the prepared one of its hazard."""
        return self.writer.says_what_to_do(alert, self.now())

    def would_end(self, alert: Alert, reason: EndReason) -> str:
        """Return the machine's own words if the alert were ended now: an officer may change them."""
        return self.writer.would_end(alert, reason, self.now())

    def where_and_when(self, alert: Alert) -> tuple[str, ...]:
        """Return the alert's place and end in words, without missing ones."""
        return self.writer.where_and_when(alert, self.now())

    def link_card(self, alert: Alert, language: str, previous: Alert | None = None) -> LinkCard:
        """Return a platform's preview of the link to the alert's page, once this message is out."""
        kind, context = self._to_show(alert, previous)
        return self.writer.link_card(alert, kind, language, context)

    def post_card(self, channel: ChannelConfig, alert: Alert, previous: Alert | None = None) -> Card:
        """The card that a channel's post of this message carries, where it carries one."""
        return self.writer.post_card(channel, alert, *self._to_show(alert, previous))

    def _to_show(self, alert: Alert, previous: Alert | None) -> tuple[PostKind, Context]:
        reason = end_reason(alert)
        kind = PostKind.END if reason else PostKind.UPDATE if previous else PostKind.PUBLISH
        exercise = alert.status is not Status.ACTUAL
        return kind, Context("", self.now(), reason=reason, previous=previous, exercise=exercise)

    def every_prepared(self, language: str) -> Mapping[Hazard, Prepared]:
        """Return the prepared texts of each hazard; the first call for a language reads a file for each."""
        return {hazard: self.renderer.prepared(hazard, language) for hazard in Hazard}

    def locate(self, entries: Sequence[Heard], source: str) -> None:
        """Find out where these are, which the territory remembers: comparing outlines is no work for a transaction."""
        any_area = self.station.rules_for(source).any_area
        for alert in (heard.alert for heard in entries):
            if alert is not None:
                self._illustrate(alert, source, any_area)

    def _illustrate(self, alert: Alert, source: str, any_area: bool) -> None:
        names = territory_of(self.station).locate(alert, any_area=any_area)
        if not isinstance(names, LeftOut):
            if any(channel.subscriptions for channel in self.station.channels.values()):
                territory_of(self.station).districts_of(alert)
            self.writer.draw(alert, source, names, self.now())

    def hear(self, alerts: AlertRepository, heard: Heard, source: str) -> Filed:
        """File one entry of a feed; never raises for what a feed may say."""
        if heard.alert is None:
            return self._leave_out(
                alerts,
                self._record(None, source, heard.notes),
                LeftOut(heard.problem or heard.leave_out or because("unreadable")),
            )
        if heard.leave_out:
            return self._leave_out(alerts, self._record(heard.alert, source, heard.notes), LeftOut(heard.leave_out))
        return self.file(alerts, heard.alert, source, notes=heard.notes, hold=heard.hold)

    def post(
        self,
        alerts: AlertRepository,
        alert: Alert,
        channels: Sequence[str] = (),
        *,
        again: bool = False,
        author: str | None = None,
        unfinished: bool = False,
    ) -> Filed:
        """File a duty officer's alert; `author` wrote it, and so may not validate it.

        With `unfinished`, it is only a preview, and may still be incomplete (`demands`).

        An update without named channels goes to those of its incident, and no other.

        Raises Misuse for an unknown channel and for an incomplete alert, and Refused if nobody would get it; the caller
        undoes the transaction, so that nothing is stored then.
        """
        for name in channels:
            self._known_channel(name)
        if not unfinished:
            must_be_complete(alert, self.station.name, self.says_what_to_do)
        twin = None if again else tapped_before(alerts, alert, MANUAL, channels, self.now())
        if twin is not None:
            return Filed(twin, fresh=False)
        named = channels or self._inherited(alerts, alert)
        filed = self.file(alerts, alert, MANUAL, named=named, again=again, author=author)
        # One that withdrew what hadn't left has done its work, though nobody is told anything.
        if filed.stored.state is AlertState.LEFT_OUT and not filed.withdrawn:
            raise Refused(filed.stored.reason or because("for_nobody"))
        return filed

    def follow_up(self, alerts: AlertRepository, alert: Alert, correction: StoredAlert, author: str | None) -> Filed:
        """File the words to a correction that went out without any: they wait as what their author posts does."""
        thread = tuple(alerts.thread(correction.incident_id))
        corrected = {post.channel for post in thread if post.alert_id == correction.id}
        accepted = Accepted(
            publish=self.station.rules_for(MANUAL).publish,
            channels=tuple(channel for channel in self.station.channels.values() if channel.name in corrected),
            area_names=tuple(dict.fromkeys(area.description for area in alert.areas)),
            previous=correction,
            ending=EndReason.CORRECTED,
            thread=thread,
            withdrawn=(),
            follows_up=True,
        )
        return self._accept(alerts, _joining(self._record(alert, MANUAL, (), author), correction), alert, accepted)

    def end_what_is_over(self, alerts: AlertRepository, only: Collection[str] | None = None) -> list[DraftPost]:
        """Tell of the incidents that nobody extended and nobody ended (`only` those of these alerts) that they end."""
        return end_what_is_over(alerts, self.station, self.writer.write, self.now(), only)

    def file(
        self,
        alerts: AlertRepository,
        alert: Alert,
        source: str,
        *,
        named: Sequence[str] = (),
        again: bool = False,
        notes: tuple[Reason, ...] = (),
        author: str | None = None,
        hold: Reason | None = None,
    ) -> Filed:
        """Dedupe, place, route, render and store: one message, from any source."""
        seen = seen_before(alerts, alert, source)
        if seen is not None and not goes_on_elsewhere(alerts, alert, source, seen, self.station):
            return Filed(seen, fresh=False)
        message = self._with_stable_incident(alerts, self._record(alert, source, notes, author))
        candidate = Candidate(alert, source, self.now(), tuple(named), again, hold)
        decision = decide(alerts, candidate, self.station)
        # Noted whatever was decided: those on call have to know of two messages under one name.
        clash = clash_of(alerts, alert, source, self.station)
        if isinstance(decision, LeftOut):
            filed = self._leave_out(alerts, message, decision)
        else:
            filed = self._accept(alerts, _joining(message, decision.previous), alert, decision, hold)
        if clash is not None:
            alerts.note(self.now(), filed.stored.id, None, CLASHES, clash.reason)
        return filed

    def file_late(self, alerts: AlertRepository, undrafted: StoredAlert) -> Filed | None:
        """Decide again on a message without a place among its source's drafts. Returns None if there is still none.

        It is stored once more, in addition to its first row, and waits for an officer whatever its source's rules are
        by now.
        """
        alert, source = undrafted.alert, undrafted.source
        if alert is None or undrafted.reason is None or undrafted.reason.code != NO_PLACE:
            return Filed(undrafted, fresh=False)
        hold = because("found_a_place")
        decision = decide(alerts, Candidate(alert, source, self.now(), hold=hold), self.station)
        if isinstance(decision, LeftOut):
            if decision.reason.code == NO_PLACE:
                return None
            self._put_out(alerts, undrafted, decision.reason)
            return Filed(replace(undrafted, reason=decision.reason))
        message = _joining(self._record(alert, source, undrafted.notes), decision.previous)
        filed = self._accept(alerts, message, alert, decision, hold)
        self._put_out(alerts, undrafted, because("drafted_later", by=filed.stored.id))
        return filed

    def _put_out(self, alerts: AlertRepository, stored: StoredAlert, reason: Reason) -> None:
        alerts.set_alert_state(stored.id, AlertState.LEFT_OUT, reason)
        alerts.note(self.now(), stored.id, None, AlertState.LEFT_OUT, reason)

    def _accept(
        self,
        alerts: AlertRepository,
        message: StoredAlert,
        alert: Alert,
        accepted: Accepted,
        hold: Reason | None = None,
    ) -> Filed:
        now, intake = self.now(), self.station.rules_for(message.source)
        at_once = accepted.publish == "auto"
        not_before = end_of_veto(alerts, message, accepted, now, intake.veto)
        # An end waits behind nobody: only what would be told twice does.
        front = stands_behind(alerts, message, now) if not_before and accepted.ending is None else None
        # Behind another one its clock stands still, or both would go out (docs/adr/0006).
        not_before = None if front else not_before
        waits = None if at_once else _why_it_waits(not_before, now, front, hold or accepted.hold)
        stored = replace(
            message,
            state=AlertState.ACCEPTED if at_once else AlertState.WAITING,
            reason=_reason_of(accepted, waits),
        )
        occasion = PostContext(
            stored=stored,
            alert=without_words(alert, accepted.retreat, self.station.language) if accepted.retreat else alert,
            accepted=accepted,
            now=now,
            state=PostState.QUEUED if at_once else PostState.WAITING,
            not_before=not_before,
        )
        alerts.add(stored)
        why = stored.reason or because("taken_in", source=stored.source, publish=accepted.publish)
        alerts.note(now, stored.id, None, stored.state, why)
        # Before the new posts are made: what waited behind a message that is gone has its veto's clock started anew.
        for gone in withdraw(alerts, occasion):
            release(alerts, gone, self.station, now)
        drafts = accepted.nowhere or draft_posts(alerts, occasion, self.writer.write)
        if isinstance(drafts, LeftOut):
            # It was stored as accepted, since its posts refer to it; as no channel has a post, it was for nobody.
            self._put_out(alerts, stored, drafts.reason)
            left_out = replace(stored, state=AlertState.LEFT_OUT, reason=drafts.reason)
            return Filed(left_out, withdrawn=accepted.withdrawn)
        # It is out now, so its twins must not go out by themselves any more.
        if at_once and accepted.ending is None:
            stop_clocks(alerts, stored, now)
        return Filed(stored, tuple(drafts), withdrawn=accepted.withdrawn)

    def _leave_out(self, alerts: AlertRepository, message: StoredAlert, left_out: LeftOut) -> Filed:
        now, alert = self.now(), message.alert
        # Left out, it stands in its incident all the same: the history there tells why nothing was said.
        previous = predecessor(alerts, alert, message.source, self.station, now) if alert else None
        stored = replace(_joining(message, previous), reason=left_out.reason)
        alerts.add(stored)
        alerts.note(now, stored.id, None, stored.state, left_out.reason)
        return Filed(stored)

    def _record(
        self, alert: Alert | None, source: str, notes: tuple[Reason, ...] = (), author: str | None = None
    ) -> StoredAlert:
        """A message as it is kept: left out as yet, and an incident of its own."""
        return StoredAlert(
            id=self.new_id(),
            incident_id=self.new_id(),
            source=source,
            alert=alert,
            state=AlertState.LEFT_OUT,
            received_at=self.now(),
            content_key=content_key(alert) if alert else None,
            topic=topic_key(alert) if alert else None,
            notes=notes,
            author=author,
        )

    def _with_stable_incident(self, alerts: AlertRepository, message: StoredAlert) -> StoredAlert:
        """Return the message with an incident id that depends only on the feed's first message.

        So its address lasts, and its words are the same, if the database was lost or restored.
        """
        alert = message.alert
        if alert is None or message.source == MANUAL:
            return message
        first = min(alert.references, key=lambda each: each.sent).identifier if alert.references else alert.identifier
        incident = id_of(message.source, alert.sender, first)
        # Where that incident is here and the message wasn't found to go on from it, they are two, and stay two.
        return message if alerts.incident(incident) else replace(message, incident_id=incident)

    def _inherited(self, alerts: AlertRepository, alert: Alert) -> tuple[str, ...]:
        """The channels of what an update goes on about, but for those that may not have it any more.

        None: routing decides, as where nothing of it is on, waits or failed.
        """
        previous = predecessor(alerts, alert, MANUAL, self.station, self.now())
        if previous is None or end_reason(alert) is not None:
            return ()
        thread = alerts.thread(previous.incident_id)
        fitting = channels_for(alert.status, self.station, channels_on(thread))
        meant = channels_meant(thread) or {post.channel for post in alerts.posts_of(previous.id)}
        return tuple(channel.name for channel in fitting if channel.name in meant)

    def _known_channel(self, name: str) -> None:
        if name not in self.station.channels:
            raise Misuse(because("no_such_channel", name=name, known=list(self.station.channels)))


def _joining(message: StoredAlert, previous: StoredAlert | None) -> StoredAlert:
    """The message in the incident of the one before it, if there is one."""
    return replace(message, incident_id=previous.incident_id) if previous else message


def _why_it_waits(
    not_before: datetime | None, now: datetime, front: StoredAlert | None = None, hold: Reason | None = None
) -> Reason:
    if front is not None:
        return because("waits_behind", alert=front.id)
    if not_before is None:
        return because("waits_held", why=hold) if hold else because("waits_for_validation")
    left = timedelta(seconds=max(round((not_before - now).total_seconds()), 1))
    return because("waits_for_veto", span=spell_span(left))


def _proposal(accepted: Accepted) -> Reason | None:
    of = accepted.of_others
    if of is None:
        return None
    return because("would_end_others" if accepted.ending else "would_update_others", alert=of.id, source=of.source)


def _reason_of(accepted: Accepted, waits: Reason | None) -> Reason | None:
    retreat = because("ends_here", why=accepted.retreat.reason) if accepted.retreat else None
    reasons = [each for each in (retreat, _proposal(accepted), waits) if each is not None]
    return because("several", each=reasons) if len(reasons) > 1 else next(iter(reasons), None)
