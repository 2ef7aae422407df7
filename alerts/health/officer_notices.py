"""Tells the chats of officers what waits for a validation: at once, again while it does, and how it was decided.

And what was changed of what proves the account's owner, once: the chat is theirs, whoever made the change.

The rhythm is that of `[notify]`'s channels (alerts/health/approvals.py); what each chat was told is kept beside it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog

from alerts.access.audit import NEWS_FOR, changes_of
from alerts.bot.chat import Say, safe
from alerts.bot.officers import CHANGE, Waiting, change_key, forget, language_of, sheets
from alerts.bot.reception import Bot, say_surely
from alerts.desk.approve import why_not_theirs
from alerts.desk.dedupe import told_already
from alerts.desk.service import DeskUnit
from alerts.health.approvals import LOOKS_EVERY, pending_of, settled_of
from alerts.health.desk_events import word_change
from alerts.health.monitor import Phase, notices_due
from alerts.health.words import word_pending
from alerts.model.errors import DatabaseRefused, DeliveryError, ReaderGone, Rejected
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.person import MAY, Account, Act, Actor, Origin
from alerts.model.post import PostState
from alerts.model.subscriber import Linked
from alerts.model.town import Town
from alerts.store.monitor import OWN_WARNINGS

RESTS = 60.0
"""Seconds until what couldn't be told is tried again."""
MOST = 200
"""Alerts that wait, of which officers are told."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Letter:
    """What one chat is to be told of one alert now."""

    chat: int = field(repr=False)
    alert: str
    told: Phase
    says: Sequence[Say]


class OfficerNotices:
    """The rounds for the chats of one bot."""

    def __init__(self, bot: Bot, config: Town, wait_for_lease: Callable[[], Awaitable[object]]) -> None:
        self._bot = bot
        self._config = config
        self._wait_for_lease = wait_for_lease
        self._rests: dict[tuple[int, str], float] = {}
        self._blind: set[str] = set()

    async def run(self) -> None:
        """Go round until cancelled. A round that fails is logged, and the next one comes."""
        while True:
            await self._wait_for_lease()
            try:
                await self.go_round()
            except DatabaseRefused as error:
                log.error("officers.refused", error=str(error))  # noqa: TRY400 one line a round is enough
            except Exception:
                log.exception("officers.stumbled")
            await self._bot.clock.sleep(LOOKS_EVERY)

    async def go_round(self) -> None:
        """Tell every chat what it doesn't know yet."""
        for letter in await self._bot.service.ask(self._due):
            key, was_blind = (letter.chat, letter.alert), letter.alert in self._blind
            if self._rests.get(key, 0.0) > self._bot.clock.monotonic():
                continue
            try:
                await self._tell(letter)
            except ReaderGone:
                await self._bot.service.act(partial(self._forget, letter))
                continue
            except DeliveryError as error:
                if was_blind is (letter.alert in self._blind):
                    self._rests[key] = self._bot.clock.monotonic() + RESTS
                log.warning("officers.not_told", alert=letter.alert, reason=str(error.reason))
                continue
            self._rests.pop(key, None)
            await self._bot.service.act(partial(self._keep, letter))
            log.info("officers.told", say=letter.told, alert=letter.alert)

    async def _tell(self, letter: _Letter) -> None:
        for say in letter.says:
            try:
                await say_surely(self._bot, letter.chat, say)
            except Rejected:
                if say.picture is not None:
                    self._blind.add(letter.alert)  # told without it when this is tried again
                raise

    def _forget(self, letter: _Letter, unit: DeskUnit) -> None:
        forget(unit, self._bot.channel, letter.chat)

    def _keep(self, letter: _Letter, unit: DeskUnit) -> None:
        """A chat that was unlinked meanwhile leaves nothing behind."""
        chats, channel = unit.officer_chats, self._bot.channel
        if letter.told is Phase.RESOLVED:
            chats.settle(channel, letter.chat, letter.alert)
        elif chats.linked(channel, letter.chat) is not None:
            chats.tell(channel, letter.chat, letter.alert, unit.now)

    def _due(self, unit: DeskUnit) -> list[_Letter]:
        linked = unit.officer_chats.all(self._bot.channel)
        if not linked:
            return []
        there = {record.id: record for record in waiting_records(unit)}
        return [letter for each in linked for letter in self._due_for(unit, each, there)]

    def _due_for(self, unit: DeskUnit, linked: Linked, there: dict[str, StoredAlert]) -> list[_Letter]:
        """An account that is shut out, or may decide nothing any more, is told nothing more."""
        account = unit.accounts.account(linked.account)
        if account is None or account.disabled_at is not None:
            return []
        known = unit.officer_chats.told(self._bot.channel, linked.chat)
        changes = self._changes(unit, account, linked.chat, known)
        if not account.role.at_least(MAY[Act.APPROVE]):
            return changes
        told = {alert: at for alert, at in known.items() if not alert.startswith(CHANGE)}
        due = notices_due(there, told, unit.now, self._config.desk.remind)
        letters = changes
        for say, alert in due:
            record = there.get(alert) or next(iter(unit.alerts.by_id(alert)), None)
            if say is Phase.RESOLVED and record is not None and record.state is AlertState.WAITING:
                continue  # it is one of more than are looked at
            says = self._says(unit, account, record, say) if record else []
            letters.append(_Letter(linked.chat, alert, say, says))
        return letters

    def _changes(self, unit: DeskUnit, account: Account, chat: int, known: Mapping[str, datetime]) -> list[_Letter]:
        """What was changed of what proves the account's owner and this chat, which is theirs, wasn't told yet."""
        language, zone = language_of(account, unit.desk.station.language), unit.desk.station.zone
        letters = []
        for line in changes_of(unit, account.name, unit.now - NEWS_FOR):
            if (key := change_key(line.seq)) not in known:
                words = word_change(line, language, zone, own=True)
                text = "\n".join(filter(None, (words.headline, words.detail, words.fix)))
                letters.append(_Letter(chat, key, Phase.FIRING, [Say(safe(text[:1].upper() + text[1:]))]))
        return letters

    def _says(self, unit: DeskUnit, account: Account, record: StoredAlert, say: Phase) -> Sequence[Say]:
        station = unit.desk.station
        language = language_of(account, station.language)
        pending = pending_of(self._config, unit.alerts, record)
        if say is Phase.RESOLVED:
            pending = settled_of(unit.audit, unit.alerts, pending, record)
        words = word_pending(pending, say, language, station.zone)
        below = "\n".join(filter(None, (words.fix, words.detail)))
        if say is Phase.RESOLVED:
            return [Say(safe("\n".join(filter(None, (words.headline, words.detail)))))]
        posts = unit.alerts.posts_of(record.id)
        actor = Actor(account.name, account.role, Origin.BOT)
        own = why_not_theirs(actor, record, station) is not None
        waiting = Waiting(
            record,
            posts,
            words.headline,
            below,
            may_approve=not own,
            twins=told_already(unit.alerts, record, unit.now),
            desk_url=self._config.desk_url,
        )
        return sheets(waiting, language, blind=record.id in self._blind)


def waiting_records(unit: DeskUnit) -> list[StoredAlert]:
    """The messages that wait for somebody, oldest first."""
    ids = dict.fromkeys(post.alert_id for post in unit.views.posts_in(PostState.WAITING, most=MOST))
    found = [each for alert in ids for each in unit.alerts.by_id(alert) if each.id == alert]
    waits = [each for each in found if each.state is AlertState.WAITING and each.source != OWN_WARNINGS]
    return sorted(waits, key=lambda record: record.received_at)
