"""Notices about an alert that waits for validation: to those on call, and to officers in their chats.

Both get one at once, another every `[desk] remind` while it waits, and a last one with the decision. `ApprovalNotices`
files its notices, for `[notify]`'s channels, like any other message; `NoticeJobs` are sent to the chats that
officers have linked to their accounts, each in its officer's language. There an officer is also notified, once, when
somebody else's words replaced theirs, and when the credentials of the account changed: the chat is the owner's, whoever
made the change. The sent notices are stored, so that a restart repeats none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from alerts.access.audit import NEWS_FOR, changes_of
from alerts.bot.acts import answer_review, poll_review
from alerts.bot.chat import Say, safe
from alerts.bot.officers import CHANGE, change_key, forget, headline, language_of
from alerts.bot.reception import Bot, send_with_retry
from alerts.bot.review_messages import Waiting, sheets
from alerts.delivery.jobs import JobKind
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.retry import JobRules
from alerts.delivery.worker import Work
from alerts.desk.approve import TakenOver, kind_of, superseded_by, taken_over, taken_over_by, why_not_theirs
from alerts.desk.dedupe import already_published
from alerts.desk.following import words_about
from alerts.desk.routing import PRACTICE
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.health.desk_events import (
    CALLS,
    MOST_CALLS,
    Clashes,
    calls_for_help,
    corrections,
    endings,
    factor_changes,
    lines_since,
    waiting_polls,
    waiting_words,
    word_change,
    word_poll,
    word_waiting,
)
from alerts.health.monitor import Phase, notices_due
from alerts.health.notices import OnCallNotice, OnCallNotices, topic_of
from alerts.health.words import NoticeWords, PendingApproval, word_pending
from alerts.model.alert import Severity
from alerts.model.errors import ReaderGone, Rejected, Retry
from alerts.model.events import Events, IncidentChanged, MessageFiled, PostsStored, RemarkHeard
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.job import Job, WantedJob
from alerts.model.lease import DUTIES, Lease
from alerts.model.listening import GivenAnswer, Utterance
from alerts.model.person import MAY, Account, Act, Actor, Origin, fold_name
from alerts.model.poll import Poll
from alerts.model.ports import Clock
from alerts.model.post import PostState
from alerts.model.subscriber import Linked
from alerts.model.town import Town
from alerts.rendering.i18n import words_in
from alerts.store.alerts import AlertRepository
from alerts.store.audit import AuditLog
from alerts.store.database import Database
from alerts.store.monitor import OWN_WARNINGS
from alerts.store.unit import Unit

APPROVALS_LOOKED_AT_EVERY = timedelta(seconds=2)
"""The interval of checks: a waiting alert is reported at most this long after its storing."""
_DECISIONS = (Act.APPROVE, Act.REJECT, Act.SEND_BACK)

log = structlog.get_logger()


@dataclass(eq=False, repr=False)
class ApprovalNotices:
    """Reports waiting alerts on the channels of `[notify]`."""

    town: Town
    database: Database
    clock: Clock
    notices: OnCallNotices
    events: Events
    _: KW_ONLY
    keeper: LeaseKeeper
    every: timedelta = APPROVALS_LOOKED_AT_EVERY

    def __post_init__(self) -> None:
        self._changed = asyncio.Event()
        for kind in (MessageFiled, IncidentChanged, RemarkHeard):
            self.events.subscribe(kind, lambda _: self._changed.set())
        self._remind = self.town.desk.remind
        self._clashes = Clashes(self.town)
        self._read_to = 0
        self._open: set[str] | None = None
        self._term = 0

    @property
    def work(self) -> Work:
        """Checks while this daemon has the shared duties: at a change, at the latest after a while, with a rest."""
        every, rest = self.every.total_seconds(), APPROVALS_LOOKED_AT_EVERY.total_seconds()
        return Work("approvals", self._look, every, self.keeper.hold(DUTIES), self._changed, rest=rest)

    async def _look(self, lease: Lease) -> None:
        if (term := self.keeper.term_of(DUTIES)) != self._term:
            self._term, self._open = term, None  # another daemon may have told of some meanwhile
        await self.look(lease)

    async def look(self, lease: Lease | None = None) -> None:
        """Check once; writes only if a notice is due. Raises LeaseLost."""
        # Read first: a transaction that writes each two seconds would wake every other process at the file.
        has_news, height = await self.database.read(self._news)
        if has_news:
            said = await self.database.write(partial(self._tell, lease))
            if said:
                self.events.publish(PostsStored(said))
        # Only now: where the write fails, the next look reads the same lines again.
        self._read_to = height

    def _news(self, unit: Unit) -> tuple[bool, int]:
        """Return True if a notice is due, and the line of the audit log up to which it was read."""
        now, height = self.clock.now(), unit.audit.height()
        return bool(self._due(unit) or self._said(unit, now, height)), height

    def _said(self, unit: Unit, now: datetime, height: int) -> list[OnCallNotice]:
        """Return the notices that need no decision: of the audit log, of the desk's decisions, and of time."""
        unasked = [*self._clashes.news(unit, now), *endings(unit, self.town, now)]
        if self.town.listens:
            unasked += calls_for_help(unit, self.town, now)
        if height <= self._read_to:
            return unasked
        lines = lines_since(unit, self._read_to)
        changes = factor_changes(unit, lines, now, self.notices.station.zone)
        url = self.town.desk_url
        waits = [*waiting_polls(unit, lines, now, url), *waiting_words(unit, now, url)]
        return [*unasked, *corrections(unit, self.town, self._read_to, now), *changes, *waits]

    def _tell(self, lease: Lease | None, unit: Unit) -> list[str]:
        now = self.clock.now()
        unit.leases.check(lease, now)
        due = self._due(unit)
        notices = [self._notice(unit, say, stored) for say, stored in due]
        notices += self._said(unit, now, unit.audit.height())
        for say, stored in due:
            log.info("approval.told", say=say, alert=stored.id)
        if any(each.key == CALLS for each in notices):
            unit.listening.mark_calls(now)
        return self.notices.file_notices(unit.alerts, notices, now)

    def _due(self, unit: Unit) -> list[tuple[Phase, StoredAlert]]:
        """Return the notices that are due; their alerts may still wait, or be decided."""
        now, alerts = self.clock.now(), unit.alerts
        there = {stored.id: stored for stored in unit.monitor.waiting()}
        # After a start, what was told before it and isn't settled: its outcome is still owed.
        if self._open is None:
            self._open = set(unit.monitor.reported(now))
        notified = self._notified(alerts, {*self._open, *there}, now)
        self._open = {*notified, *there}
        due = notices_due(there, notified, now, self._remind)
        return [(say, there.get(each) or next(iter(alerts.by_id(each)))) for say, each in due]

    @staticmethod
    def _notified(alerts: AlertRepository, waiting: set[str], now: datetime) -> Mapping[str, datetime]:
        """Return when those on call were last notified of each alert, unless it is settled."""
        earlier = {each: alerts.by_topic(topic_of(_key(each)), now) for each in sorted(waiting)}
        return {each: stored_alerts[0].received_at for each, stored_alerts in earlier.items() if stored_alerts}

    def _notice(self, unit: Unit, say: Phase, stored: StoredAlert) -> OnCallNotice:
        pending = pending_of(self.town, unit, stored, say)
        severity = max(Severity.MODERATE, pending.severity, key=lambda each: each.rank)
        return OnCallNotice(_key(stored.id), say, partial(word_pending, pending, say, zone=self.town.zone), severity)


def pending_of(town: Town, unit: Unit, stored: StoredAlert, say: Phase) -> PendingApproval:
    """Return the facts of a waiting or, at the end, decided alert for those on call."""
    alerts, alert, desk_url = unit.alerts, stored.alert, town.desk_url
    info = words_about(alerts, stored, town.language)
    posts = alerts.posts_of(stored.id)
    vetoes = [post.not_before for post in posts if post.state is PostState.WAITING]
    pending = PendingApproval(
        id=stored.id,
        headline=(info.headline or info.event) if info else stored.id,
        severity=stored.severity if alert is None or alert.infos else info.severity if info else stored.severity,
        areas=tuple(dict.fromkeys(area.description for area in alert.areas)) if alert else (),
        since=stored.received_at,
        until=alert.expires if alert else None,
        brought_by=stored.author or stored.source,
        kind=kind_of(stored, posts),
        exercise=alert is not None and alert.status in PRACTICE,
        goes_out_at=min((time for time in vetoes if time), default=None),
        link=f"{desk_url}/waiting/{stored.id}" if desk_url else None,
    )
    return settled_of(unit.audit, alerts, pending, stored) if say is Phase.RESOLVED else pending


def _key(alert_id: str) -> str:
    return f"waiting {alert_id}"


def settled_of(
    audit: AuditLog, alerts: AlertRepository, pending: PendingApproval, stored: StoredAlert
) -> PendingApproval:
    """How it was decided, by whom and why: as the audit log has it, else as its state says."""
    for line in audit.newest(subject=stored.id, most=5):
        entry = line.entry
        if entry.act in _DECISIONS:
            reason = entry.detail if entry.act != Act.APPROVE else ""
            return replace(pending, settled=entry.act, who=entry.actor, reason=reason or None)
    if stored.state is AlertState.ACCEPTED:
        return replace(pending, settled="released")
    newer = next(iter(alerts.by_id(superseded_by(stored))), None)
    if taken_over_by(stored, newer) is not None and newer is not None:
        return replace(pending, settled="taken over", who=newer.author or newer.source)
    is_expired = any(post.state is PostState.EXPIRED for post in alerts.posts_of(stored.id))
    return replace(pending, settled="expired" if is_expired else "replaced")


NOTICE = "notice"
WORDS = "words "
"""Prefix of the key of a waiting answer, outcome or poll among a chat's notices."""
TAKEN = "taken "
"""Prefix of the key of an officer's own words that somebody else's replaced."""
CALL = "call "
"""Prefix of the key of a call for help among a chat's notices."""
MOST_CALLS_SHOWN = 20
"""Calls for help that one chat is notified of individually; the desk shows all."""
MOST = 200
"""Maximum waiting alerts that officers are notified of."""


@dataclass(frozen=True, slots=True)
class _OfficerMessage:
    """The message to one chat about one alert; `account` is who it was written for."""

    chat: int = field(repr=False)
    alert: str
    phase: Phase
    says: Sequence[Say]
    account: Account | None = None


@dataclass(frozen=True, slots=True)
class _Now:
    """The events to report at one moment, for all recipients."""

    waiting: Mapping[str, StoredAlert]
    calls: Sequence[Utterance]
    taken: Sequence[TakenOver]


class NoticeJobs(JobKind[DeskUnit, _OfficerMessage, None]):
    """The notices to all officers whom one channel reaches; `say` says one thing there. It raises DeliveryError.

    What an alert that is decided was to be told of as waiting is wanted no more; its decision is.
    """

    kinds = (NOTICE,)
    # Said twice is better than never.
    rules = JobRules(repeatable=True)
    wakes = (MessageFiled, IncidentChanged, RemarkHeard, PostsStored)
    every = APPROVALS_LOOKED_AT_EVERY.total_seconds()

    def __init__(
        self,
        channel: str,
        town: Town,
        lease: str,
        service: DeskService,
        say: Callable[[int, str, Say], Awaitable[None]],
    ) -> None:
        self.channel, self.lease = channel, lease
        self.name = f"jobs officers {channel}"
        self._service = service
        self._say = say
        self._town = town
        self._blind: set[str] = set()

    def wanted(self, unit: DeskUnit) -> Iterator[WantedJob[_OfficerMessage]]:
        """Return what each chat doesn't know yet."""
        for each in self._due(unit):
            is_over = each.phase is Phase.RESOLVED
            yield WantedJob(NOTICE, f"{each.alert} over" if is_over else each.alert, each, each.chat)

    def still(self, unit: DeskUnit, wanted: WantedJob[_OfficerMessage]) -> bool:
        """False if the chat isn't that officer's any more, or they have a lesser role than it was written for."""
        written, name = wanted.what.account, unit.officer_chats.linked(self.channel, wanted.chat)
        account = _active(unit, name) if name is not None else None
        if account is None or written is None or fold_name(account.name) != fold_name(written.name):
            return False
        return account.role.at_least(written.role)

    async def do(self, what: _OfficerMessage) -> None:
        """Say it. A chat that nobody reads any more is forgotten."""
        for say in what.says:
            try:
                await self._say(what.chat, what.alert, say)
            except ReaderGone:
                await self._service.act(lambda unit: forget(unit, self.channel, what.chat))
                return
            except Rejected as error:
                if say.picture is not None:
                    self._blind.add(what.alert)  # told without it when this is tried again
                raise Retry(error.reason) from None

    def keep(self, unit: DeskUnit, what: _OfficerMessage, job: Job, _: None) -> None:
        """Record that it was said. A chat that was unlinked meanwhile leaves nothing behind."""
        if job.state is not PostState.SENT:
            return
        if what.phase is Phase.RESOLVED:
            unit.officer_chats.settle(self.channel, what.chat, what.alert)
        elif unit.officer_chats.linked(self.channel, what.chat) is not None:
            unit.officer_chats.tell(self.channel, what.chat, what.alert, unit.now)

    def _due(self, unit: DeskUnit) -> list[_OfficerMessage]:
        linked = unit.officer_chats.all(self.channel)
        if not linked:
            return []
        there = {stored.id: stored for stored in waiting_alerts(unit)}
        calls = unit.listening.calls(MOST_CALLS) if self._town.listens else ()
        now = _Now(there, calls, taken_over(unit.views, unit.now))
        messages: list[_OfficerMessage] = []
        for each in linked:
            if (account := _active(unit, each.account)) is not None:
                found = self._due_for(unit, each, account, now)
                messages += [replace(message, account=account) for message in found]
        return messages

    def _due_for(self, unit: DeskUnit, linked: Linked, account: Account, now: _Now) -> list[_OfficerMessage]:
        """Return the notices for one chat. An account without the right to decide gets none of what waits."""
        known = unit.officer_chats.notified(self.channel, linked.chat)
        changes = self._changes(unit, account, linked.chat, known)
        own = {f"{TAKEN}{each.stored.id}": each.stored for each in now.taken if each.is_of(account.name)}
        changes += self._taken(unit, account, linked.chat, known, own)
        if account.role.at_least(MAY[Act.POST]):
            changes += self._calls(account, linked.chat, known, now.calls)
        if not account.role.at_least(MAY[Act.APPROVE]):
            return changes
        changes += self._words(unit, account, linked.chat, known)
        notified = {alert: at for alert, at in known.items() if not alert.startswith((CHANGE, CALL, WORDS, TAKEN))}
        due = notices_due(now.waiting, notified, unit.now, self._town.desk.remind)
        messages = changes
        for say, alert in due:
            stored = now.waiting.get(alert) or next(iter(unit.alerts.by_id(alert)), None)
            if say is Phase.RESOLVED and stored is not None and stored.state is AlertState.WAITING:
                continue  # it is one of more than are looked at
            # What somebody else took the place of, its author is told by itself.
            is_notified = say is Phase.RESOLVED and f"{TAKEN}{alert}" in own
            says = self._says(unit, account, stored, say) if stored and not is_notified else []
            messages.append(_OfficerMessage(linked.chat, alert, say, says))
        return messages

    def _changes(
        self, unit: DeskUnit, account: Account, chat: int, known: Mapping[str, datetime]
    ) -> list[_OfficerMessage]:
        """Return the changes of the owner's credentials that this chat, which is theirs, wasn't notified of yet."""
        language, zone = language_of(account, unit.desk.station.language), unit.desk.station.zone
        changes = {change_key(line.seq): line for line in changes_of(unit, account.name, unit.now - NEWS_FOR)}
        return [
            _OfficerMessage(chat, key, Phase.FIRING, [Say(safe(_lead(word_change(line, language, zone, own=True))))])
            for key, line in changes.items()
            if key not in known
        ]

    def _taken(
        self, unit: DeskUnit, account: Account, chat: int, known: Mapping[str, datetime], own: Mapping[str, StoredAlert]
    ) -> list[_OfficerMessage]:
        """Their own words that waited until somebody else's took their place, each once."""
        return [
            *(
                _OfficerMessage(chat, key, Phase.FIRING, self._says(unit, account, stored, Phase.RESOLVED))
                for key, stored in own.items()
                if key not in known
            ),
            *_over(chat, known, TAKEN, own),
        ]

    def _calls(
        self, account: Account, chat: int, known: Mapping[str, datetime], calls: Sequence[Utterance]
    ) -> list[_OfficerMessage]:
        """Return possible calls for help, each once and in its own words; handled ones end."""
        _ = words_in(language_of(account, self._town.language)).gettext
        link = f"{self._town.desk_url}/heard" if self._town.desk_url else ""
        messages = []
        for each in reversed(calls[:MOST_CALLS_SHOWN]):
            if (key := f"{CALL}{each.id}") not in known:
                at = each.said_at.astimezone(self._town.zone)
                where = _("on {channel} at {at:%H:%M}").format(channel=each.channel, at=at)
                text = "\n".join(filter(None, (_("May be a call for help"), each.text, where, each.url, link)))
                messages.append(_OfficerMessage(chat, key, Phase.FIRING, [Say(safe(text))]))
        return messages + _over(chat, known, CALL, {f"{CALL}{each.id}" for each in calls})

    def _words(
        self, unit: DeskUnit, account: Account, chat: int, known: Mapping[str, datetime]
    ) -> list[_OfficerMessage]:
        """Return other waiting words: answers, outcomes and polls, each once, except to their author."""
        language, url = language_of(account, self._town.language), self._town.desk_url
        waits: list[GivenAnswer | Poll] = [*unit.listening.waiting_answers(), *unit.polls.waiting()]
        messages = []
        for each in waits[:MOST]:
            is_own = fold_name(each.author) == fold_name(account.name) and not self._town.desk.alone
            if (key := f"{WORDS}{each.id}") not in known and not is_own:
                words = word_poll(each, url, language) if isinstance(each, Poll) else word_waiting(each, url, language)
                say = self._decidable(unit, each, _lead(words), language)
                messages.append(_OfficerMessage(chat, key, Phase.FIRING, [say]))
        return messages + _over(chat, known, WORDS, {f"{WORDS}{each.id}" for each in waits})

    def _decidable(self, unit: DeskUnit, waits: GivenAnswer | Poll, lead: str, language: str) -> Say:
        """Return what waits in full, with the buttons that decide it."""
        if isinstance(waits, Poll):
            return poll_review(lead, waits, language, self._town.zone)
        alerts = unit.alerts.incident(waits.incident) if waits.incident is not None else ()
        return answer_review(lead, waits, headline(alerts[-1]) if alerts else "", language)

    def _says(self, unit: DeskUnit, account: Account, stored: StoredAlert, say: Phase) -> Sequence[Say]:
        station = unit.desk.station
        language = language_of(account, station.language)
        words = word_pending(pending_of(self._town, unit, stored, say), say, language, station.zone)
        below = "\n".join(filter(None, (words.fix, words.detail)))
        if say is Phase.RESOLVED:
            return [Say(safe("\n".join(filter(None, (words.headline, words.fix, words.detail)))))]
        posts = unit.alerts.posts_of(stored.id)
        actor = Actor(account.name, account.role, Origin.BOT)
        brought = unit.reports.brought_by([stored.id]).get(stored.id, ())
        own = why_not_theirs(actor, stored, station, brought) is not None
        waiting = Waiting(
            stored,
            posts,
            words.headline,
            below,
            may_approve=not own,
            twins=already_published(unit.alerts, stored, unit.now),
            desk_url=self._town.desk_url,
        )
        return sheets(waiting, language, blind=stored.id in self._blind)


def _lead(words: NoticeWords) -> str:
    """Return a notice as the text of a chat."""
    text = "\n".join(filter(None, (words.headline, words.detail, words.fix)))
    return text[:1].upper() + text[1:]


def _over(chat: int, known: Iterable[str], kind: str, still: Container[str]) -> list[_OfficerMessage]:
    """Return the ends of the known notices of that kind which are of nothing any more."""
    return [
        _OfficerMessage(chat, key, Phase.RESOLVED, ()) for key in known if key.startswith(kind) and key not in still
    ]


def _active(unit: DeskUnit, name: str) -> Account | None:
    account = unit.accounts.account(name)
    return account if account is not None and account.disabled_at is None else None


def bot_notices(bot: Bot, town: Town, lease: str) -> NoticeJobs:
    """Return the notices to the chats of one bot."""

    async def say_there(chat: int, _: str, say: Say) -> None:
        await send_with_retry(bot, chat, say)

    return NoticeJobs(bot.channel, town, lease, bot.service, say_there)


def waiting_alerts(unit: DeskUnit) -> list[StoredAlert]:
    """The messages that wait for somebody, oldest first."""
    ids = dict.fromkeys(post.alert_id for post in unit.views.posts_in(PostState.WAITING, most=MOST))
    found = [each for alert in ids for each in unit.alerts.by_id(alert) if each.id == alert]
    waits = [each for each in found if each.state is AlertState.WAITING and each.source != OWN_WARNINGS]
    return sorted(waits, key=lambda stored: stored.received_at)
