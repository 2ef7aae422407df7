"""Events reported to those on call once, although they wait for no decision.

A correction's words go out at once, unvalidated; of two messages with one identifier one may be wrong. A Severe or
Extreme alert that expires is the town's last word on a danger that may still be there: those on call extend it, end it,
or let it expire. Repeatedly failing sign-ins may be somebody who tries passwords. An account's credentials may have
been changed by somebody else. After a restore, posts may be out that this database doesn't know: nobody here can update
or end them any more, so those on call get their addresses.

Each finder reads the events since its last reading, and omits those that have a notice already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta, tzinfo
from functools import partial
from shlex import quote

import structlog

from alerts.access.audit import NEWS_FOR, OF_FACTORS, AuditEvent
from alerts.access.throttle import IN_A_ROW, REMEMBERED, Burst, bursts
from alerts.channels.sms.settings import SmsSettings, codes_on
from alerts.delivery.lane import Lane
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.worker import Work
from alerts.desk.dedupe import clash_of
from alerts.desk.routing import PRACTICE, channels_on
from alerts.desk.unit import DeskUnit, cost_of, spending_of
from alerts.health.monitor import Phase, Trouble, What
from alerts.health.notices import OnCallNotice, OnCallNotices, topic_of
from alerts.health.words import (
    Clashed,
    Corrected,
    EndingSoon,
    NoticeWords,
    word_calls,
    word_clashed,
    word_corrected,
    word_ending,
)
from alerts.model.alert import Severity
from alerts.model.errors import DeliveryError
from alerts.model.events import Events, PostsStored
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.lease import DUTIES, Lease
from alerts.model.listening import AnswerTo, GivenAnswer
from alerts.model.person import Act, AuditEntry, Chained
from alerts.model.poll import Poll, PollState
from alerts.model.ports import Clock
from alerts.model.post import PostState, Receipt
from alerts.model.reason import Reason, because, in_words
from alerts.model.town import Town
from alerts.rendering.i18n import words_in
from alerts.reports.spam_checks import RECENTLY, is_flood
from alerts.store.alerts import AlertRepository
from alerts.store.database import Database
from alerts.store.monitor import OWN_WARNINGS
from alerts.store.restoring import Gap
from alerts.store.unit import Unit
from alerts.web.console.words import words_of

MISSED_AT_MOST = timedelta(hours=1)
"""The age up to which an event is reported: as long as the daemon may have been down."""


def _new(unit: Unit, notices: Iterable[OnCallNotice], now: datetime) -> list[OnCallNotice]:
    """Return those that were not filed yet."""
    return [each for each in notices if not unit.alerts.by_topic(topic_of(each.key), now)]


def _headline(stored: StoredAlert, language: str) -> str:
    info = stored.alert.info_for(language) if stored.alert else None
    return (info.headline or info.event) if info else stored.id


def _link(town: Town, alert_id: str) -> str | None:
    return f"{town.desk_url}/alerts/{alert_id}" if town.desk_url else None


def _at_least_moderate(severity: Severity) -> Severity:
    return max(Severity.MODERATE, severity, key=lambda each: each.rank)


def corrections(unit: Unit, town: Town, after: int, now: datetime) -> list[OnCallNotice]:
    """Return a notice of each correction since the line `after` of the audit log; reported ones are omitted."""
    lines = unit.monitor.corrections(after, now - MISSED_AT_MOST)
    return _new(unit, (_correction(unit.alerts, line, town) for line in lines), now)


def _correction(alerts: AlertRepository, line: AuditEntry, town: Town) -> OnCallNotice:
    stored = next(iter(alerts.by_id(line.subject)), None)
    alert = stored.alert if stored else None
    severity = stored.severity if stored else Severity.UNKNOWN
    corrected = Corrected(
        headline=_headline(stored, town.language) if stored else line.subject,
        severity=severity,
        who=line.actor,
        said=alert.note if alert else None,
        exercise=alert is not None and alert.status in PRACTICE,
        link=_link(town, line.subject),
    )
    words = partial(word_corrected, corrected)
    return OnCallNotice(f"corrected {line.subject}", Phase.FIRING, words, _at_least_moderate(severity))


CALLS = "calls"
CALL_INTERVALS = (timedelta(seconds=5), timedelta(minutes=1))
"""How far two notices of calls for help are apart at least: at first, and once there were many."""
CALLS_MANY = 6
MOST_CALLS = 200


def calls_for_help(unit: Unit, town: Town, now: datetime) -> list[OnCallNotice]:
    """Return one notice of all new calls for help, or one that everything was seen to; mostly none.

    It gives place and time, but neither the words nor their author: it is kept for longer than they are.
    """
    calls = unit.listening.calls(MOST_CALLS)
    earlier = unit.alerts.by_topic(topic_of(CALLS), now)
    if calls:
        is_soon = bool(earlier) and now - earlier[0].received_at < CALL_INTERVALS[len(earlier) >= CALLS_MANY]
        due = not is_soon and any(each.told_at is None for each in calls)
    else:
        due = bool(earlier)
    if not due:
        return []
    say = Phase.FIRING if not earlier else Phase.REPEATED if calls else Phase.RESOLVED
    link = f"{town.desk_url}/heard" if town.desk_url else None
    return [OnCallNotice(CALLS, say, lambda language: word_calls(calls, link, language, town.zone), Severity.SEVERE)]


NEARS = timedelta(minutes=30)
"""How long before its end a grave alert is put before those on call."""


def endings(unit: Unit, town: Town, now: datetime) -> list[OnCallNotice]:
    """Return a notice of each grave alert near its end; a reported one is omitted, but its next version gets one."""
    near = [stored for stored in unit.alerts.over(now + NEARS) if _nears(unit.alerts, stored, now)]
    return _new(unit, (_ending(stored, town) for stored in near), now)


def _nears(alerts: AlertRepository, stored: StoredAlert, now: datetime) -> bool:
    """True if it is grave, out, and wasn't meant to be as short as that."""
    alert = stored.alert
    if alert is None or stored.source == OWN_WARNINGS or not stored.severity.at_least(Severity.SEVERE):
        return False
    started = max(stored.received_at, alert.starts)
    # One that was meant for twenty minutes isn't told of at its beginning.
    ahead = min(NEARS, (alert.ends - started) / 2)
    if alert.status in PRACTICE or not now < alert.ends <= now + ahead:
        return False
    return bool(channels_on(tuple(alerts.thread(stored.incident_id))))


def _ending(stored: StoredAlert, town: Town) -> OnCallNotice:
    alert = stored.alert
    assert alert is not None  # noqa: S101 one that nears its end has one
    ending = EndingSoon(
        id=stored.id,
        headline=_headline(stored, town.language),
        severity=stored.severity,
        areas=tuple(dict.fromkeys(area.description for area in alert.areas)),
        ends=alert.ends,
        link=_link(town, stored.id),
    )
    words = partial(word_ending, ending, zone=town.zone)
    return OnCallNotice(f"ending {stored.id}", Phase.FIRING, words, stored.severity)


class Clashes:
    """Finds unreported messages with the sender and identifier of another one."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._read_to: int | None = None

    def news(self, unit: Unit, now: datetime) -> list[OnCallNotice]:
        """Return a notice of each clash of the last hour; reported ones are omitted."""
        alerts, height, found = unit.alerts, unit.monitor.decisions_height(), []
        for alert_id in unit.monitor.clashes(self._read_to, now - MISSED_AT_MOST):
            stored = next((each for each in alerts.by_id(alert_id) if each.id == alert_id), None)
            if stored is not None and stored.alert is not None:
                clash = clash_of(alerts, stored.alert, stored.source, self._town)
                found += [self._notice(stored, clash.stored)] if clash else []
        notices = _new(unit, found, now)
        # Asked twice, by the look and by the transaction that tells: what the first finds, the second has to find.
        if not notices:
            self._read_to = height
        return notices

    def _notice(self, stored: StoredAlert, other: StoredAlert) -> OnCallNotice:
        clash = Clashed(
            headline=_headline(stored, self._town.language),
            source=stored.source,
            other=_headline(other, self._town.language),
            other_source=other.source,
            kept_back=stored.state is AlertState.LEFT_OUT,
            exercise=stored.alert is not None and stored.alert.status in PRACTICE,
            link=_link(self._town, stored.id) or f"tocsin explain {stored.id}",
        )
        words = partial(word_clashed, clash)
        return OnCallNotice(f"conflict {stored.id}", Phase.FIRING, words, _at_least_moderate(stored.severity))


# --- what happens to accounts: sign-ins that fail are a trouble, a change of what proves somebody is a notice

_LOOKED_AT = 200
MOST_COUNTED = 10_000
"""Reports that are counted for those on call."""
OVER_AFTER: timedelta = IN_A_ROW
"""A burst is over once nothing has failed for so long."""


def failing_sign_ins(unit: DeskUnit) -> list[Trouble]:
    """Return the failing sign-ins: accounts with number, time and single origin; and places that try many accounts.

    A place that tries a single account is reported once, with that account.
    """
    now = [each for each in bursts(unit, unit.now - REMEMBERED) if each.last > unit.now - OVER_AFTER]
    of_accounts = [each for each in now if unit.accounts.account(each.subject) is not None]
    # One place that tries one account is one story, and is told once, with the account.
    places = [each for each in now if each not in of_accounts]
    alone = {place.subject for place in places for each in of_accounts if _is_all_of(place, each)}
    troubles = [_trouble(each, next((p.subject for p in places if _is_all_of(p, each)), None)) for each in of_accounts]
    return troubles + [_trouble(place) for place in places if place.subject not in alone]


def _is_all_of(place: Burst, account: Burst) -> bool:
    return place.count <= account.count and place.last == account.last


def _trouble(burst: Burst, place: str | None = None) -> Trouble:
    return Trouble(What.SIGN_INS, burst.subject, in_words(place) if place else None, burst.first, burst.count)


def crowds(unit: Unit, town: Town, now: datetime) -> list[Trouble]:
    """Return a trouble while more people report than the town's `flood`."""
    section = town.reports
    if section is None or not is_flood(unit, section, now):
        return []
    count = unit.reports.received_since(now - RECENTLY, MOST_COUNTED)
    return [Trouble(What.CROWD, town.name, None, now - RECENTLY, count)]


def budgets(unit: Unit, town: Town, now: datetime) -> list[Trouble]:
    """Return a trouble for each channel whose money is nearly spent, or too little for one SMS to every subscriber.

    Those on call are to know before a ceiling holds something up.
    """
    found = ((name, _money_short(unit, town, name, now)) for name in town.channels)
    return [Trouble(What.BUDGET, name, why) for name, why in found if why is not None]


def _money_short(unit: Unit, town: Town, channel: str, now: datetime) -> Reason | None:
    settings, cost = town.channels[channel].settings, cost_of(unit.views, town, channel, now)
    if cost is None or cost["lifted"]:
        return None
    # Codes and lesser alerts stop before what is kept for urgent ones.
    lesser = town.channels[channel].subscriptions or not town.channels[channel].severity.at_least(Severity.SEVERE)
    share = 1.0 - (getattr(settings, "urgent_share", 0.0) if lesser else 0.0)
    spendings = (("daily_budget", cost["today"]), ("monthly_budget", cost["month"]))
    for key, spent in spendings:
        if spent >= NEARLY_SPENT * share * cost[key]:
            return because("budget_nearly_spent", key=key, spent=f"{spent:.2f}", most=f"{cost[key]:.2f}")
    if isinstance(settings, SmsSettings) and settings.subscriptions:
        left = min(cost[key] - spent for key, spent in spendings)
        people = unit.subscribers.count(channel)
        if people * settings.price > left:
            return because("budget_below_all", people=people, cost=f"{people * settings.price:.2f}", left=f"{left:.2f}")
        most, today = settings.codes * settings.price, now.astimezone(town.zone).date()
        if (spending_of(unit.views, channel).of(codes_on(today)) or 0.0) >= NEARLY_SPENT * most:
            return because("codes_nearly_spent", codes=settings.codes)
    return None


def lines_since(unit: Unit, after: int) -> list[Chained]:
    """The lines of the audit log behind that one, newest first; of very many the newest."""
    return [line for line in unit.audit.newest(most=_LOOKED_AT) if line.seq > after]


def waiting_polls(unit: Unit, lines: Sequence[Chained], now: datetime, desk_url: str | None) -> list[OnCallNotice]:
    """Return a notice of each poll in these lines that waits for a validation; reported ones are omitted."""
    asked = [line.entry.subject for line in reversed(lines) if line.entry.act == Act.CONSULT]
    polls = [poll for each in dict.fromkeys(asked) if (poll := unit.polls.poll(each)) is not None]
    waits = [poll for poll in polls if poll.state is PollState.WAITING and poll.approved_at is None]
    notices = (OnCallNotice(f"poll {each.id}", Phase.FIRING, partial(word_poll, each, desk_url)) for each in waits)
    return _new(unit, notices, now)


def word_poll(poll: Poll, desk_url: str | None, language: str) -> NoticeWords:
    """Word a waiting poll: its author, its question and its address."""
    _ = words_in(language).gettext
    said = _("a poll by {who} is waiting to be validated: “{question}”").format(who=poll.author, question=poll.question)
    link = f"{desk_url}/polls/{poll.id}" if desk_url else f"tocsin approve {poll.id}"
    return NoticeWords(said, _("Look at it, then publish it: {link}").format(link=link))


def waiting_words(unit: Unit, now: datetime, desk_url: str | None) -> list[OnCallNotice]:
    """Return a notice of each answer and outcome that waits for a validation; reported ones are omitted."""
    waits = unit.listening.waiting_answers()
    notices = (OnCallNotice(f"answer {each.id}", Phase.FIRING, partial(word_waiting, each, desk_url)) for each in waits)
    return _new(unit, notices, now)


def word_waiting(version: GivenAnswer, desk_url: str | None, language: str) -> NoticeWords:
    """Word an officer's waiting words: the author and the address. Those of a report are for the desk alone."""
    _ = words_in(language).gettext
    if version.to is AnswerTo.REPORT:
        said = _("an answer to a report, by {who}, is waiting to be validated").format(who=version.author)
    elif version.to is AnswerTo.POLL:
        what = _("what came of a poll, by {who}, is waiting to be validated: “{text}”")
        said = what.format(who=version.author, text=version.text)
    else:
        said = _("an answer by {who} is waiting to be validated: “{text}”").format(
            who=version.author, text=version.text
        )
    link = f"{desk_url}/waiting" if desk_url else f"tocsin approve {version.id}"
    return NoticeWords(said, _("Look at it, then publish it: {link}").format(link=link))


def factor_changes(unit: Unit, lines: Sequence[Chained], now: datetime, zone: tzinfo) -> list[OnCallNotice]:
    """Return a notice of each change of a second factor in these lines of the audit log; reported ones are omitted.

    A factor that a new account sets up at its first sign-in is no change.
    """
    # The line before a sign-in is what that sign-in set up.
    first = {line.seq - 1 for line in lines if line.entry.act == AuditEvent.SIGNED_IN}
    changes = [line for line in reversed(lines) if line.entry.act in OF_FACTORS and line.seq not in first]
    late = [line for line in changes if now - NEWS_FOR < line.entry.at]
    notices = (
        OnCallNotice(f"account {each.seq}", Phase.FIRING, partial(word_change, each, zone=zone)) for each in late
    )
    return _new(unit, notices, now)


def word_change(line: Chained, language: str, zone: tzinfo, *, own: bool = False) -> NoticeWords:
    """A change of what proves somebody: whose, what, when and from where; and what to do if it wasn't them.

    `own`: said to the owner themselves, not to those on call.
    """
    _, entry, reset = words_in(language).gettext, line.entry, f"tocsin user reset {quote(line.entry.subject)}"
    what = words_of(language.lower().split("-", 1)[0]).gettext(entry.act)  # the desk's audit log has the same word
    said = _("account {name}: {what}, {at:%Y-%m-%d %H:%M}").format(
        name=entry.subject, what=what, at=entry.at.astimezone(zone)
    )
    theirs = _("If that wasn’t them: “{reset}”.").format(reset=reset)
    yours = _("If that wasn’t you, change your password, remove passkeys that aren’t yours, and tell an administrator.")
    fix = yours if own else theirs
    address = _("from {address}").format(address=entry.address) if entry.address else None
    return NoticeWords(said, fix, address)


AFTER = timedelta(minutes=10)
"""How long after the gap: by then the feeds were read, and posts of their alerts were searched for."""
TRIES = 5
PAUSE = 60.0
_SHOWN = 5
REPORTED_FOR = timedelta(hours=1)
"""How long a restore is a trouble at least: by then every feed was read, and posts of its alerts were searched for."""

NEARLY_SPENT = 0.8
"""The share of a ceiling from which on those on call are warned of it."""

log = structlog.get_logger()


@dataclass(eq=False, repr=False)
class UnknownPosts:
    """Lists unknown posts once, some minutes after the daemon began to work on a restored database."""

    database: Database
    clock: Clock
    lanes: Mapping[str, Lane]
    notices: OnCallNotices
    events: Events
    _: KW_ONLY
    keeper: LeaseKeeper

    @property
    def work(self) -> Work:
        """Waits until it is time, lists the posts, stores and reports them; through at once if nothing was restored.

        Of several daemons the one that has the shared duties does it.
        """
        return Work("unknown posts", self._look, once=True)

    async def _look(self) -> None:
        """List the posts once. Raises LeaseLost and DatabaseRefused, after which they are listed once more."""
        if (gap := await self._unlisted()) is None:
            return
        await self.clock.sleep(max((gap.until + AFTER - self.clock.now()).total_seconds(), 0.0))
        lease = await self.keeper.hold(DUTIES).wait()
        if await self._unlisted() is not None:
            listed = {name: await self._listed(name, lane, gap) for name, lane in self.lanes.items()}
            self.events.publish(PostsStored(await self.database.write(partial(self._keep, listed, gap, lease))))

    async def _unlisted(self) -> Gap | None:
        """Return the gap since the restore. Returns None if the channels were listed for it already."""
        gap, known = await self.database.read(lambda unit: (unit.restored.gap(), unit.restored.unknown_posts()))
        return gap if known is None else None

    async def _listed(self, name: str, lane: Lane, gap: Gap) -> Sequence[Receipt] | None:
        after = await self.database.read(lambda unit: unit.restored.newest_known(name, gap.looked_from))
        for _ in range(TRIES):
            try:
                found = await lane.listed(gap.looked_from, after)
            except DeliveryError as error:
                log.info("unknown_posts.failed", channel=name, reason=str(error.reason))
                found = None
            if found is not None:
                return found
            await self.clock.sleep(PAUSE)
        return None

    def _keep(self, listed: Mapping[str, Sequence[Receipt] | None], gap: Gap, lease: Lease, unit: Unit) -> list[str]:
        unit.leases.check(lease, self.clock.now())
        unit.restored.keep_listed(listed)
        found = {channel: posts for channel, posts in (unit.restored.unknown_posts() or {}).items() if posts}
        log.info("unknown_posts.listed", **{channel: len(posts) for channel, posts in found.items()})
        if not found or not self.notices.channels:
            return []
        notice = OnCallNotice(f"strays {gap.until.isoformat()}", Phase.FIRING, partial(word_unknown_posts, found))
        return self.notices.file_notices(unit.alerts, [notice], self.clock.now())


def word_unknown_posts(found: Mapping[str, Sequence[Receipt]], language: str) -> NoticeWords:
    """Word the unknown posts on the channels, with their addresses."""
    _ = words_in(language).gettext
    where = _("; ").join(
        f"{channel}{_(': ')}{', '.join(post.url or post.remote_id for post in posts[:_SHOWN])}"
        + (" …" if len(posts) > _SHOWN else "")
        for channel, posts in found.items()
    )
    return NoticeWords(
        _("Warning: since the restore, {count} posts that are out are unknown to Tocsin.").format(
            count=sum(len(posts) for posts in found.values())
        ),
        _("Look at them: what is no longer so has to be corrected or taken down by hand."),
        where,
    )


def put_back(unit: Unit, now: datetime, zone: tzinfo) -> list[Trouble]:
    """Return a trouble after a restore, while any post may still have to be verified because of it."""
    gap = unit.restored.gap()
    if gap is None:
        return []
    in_doubt = sum(posts for (_, state), posts in unit.restored.looked_for(gap).items() if state is PostState.IN_DOUBT)
    if not in_doubt and not timedelta() <= now - gap.until < REPORTED_FOR:
        return []
    name = f"{gap.until.astimezone(zone):%Y-%m-%d %H:%M}"
    return [Trouble(What.RESTORED, name, None, gap.since or gap.looked_from, in_doubt)]
