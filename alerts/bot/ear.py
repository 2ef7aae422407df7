"""The ear of a Telegram channel: the remarks in its bot's updates, stored before anything is answered.

Telegram sends each update until it is confirmed, and keeps none for longer than a day. So remarks are stored first, and
only then the updates count as handled: after a kill in between they come again, and are recognised by their ids.
Remarks are lost if nobody polled for a day, or while the bot had no right to read them; the ear's status reports that
gap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from alerts.bot.chat import number_in, part_of, said_in
from alerts.bot.discussion import Spoken, concerns, read_group, remembered
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.listening.ears import Intake
from alerts.model.errors import BadCredential, ChatMoved, Rejected
from alerts.model.lease import Lease
from alerts.model.listening import EarStatus, Remark
from alerts.model.ports import BotClient, Clock, Discussion
from alerts.model.reason import Reason, because

KEPT_BY_TELEGRAM = timedelta(hours=24)
"""How long Telegram keeps an update that nobody fetches."""
RECORD_EVERY = timedelta(minutes=1)
"""Interval at which a healthy ear is recorded."""
LEARNT_EVERY = 900.0
"""Seconds between two requests for the group and the bot's rights there: somebody may have changed them."""
FORGOTTEN_AFTER = timedelta(days=7)
"""How long a gap is reported."""
_NOBODY = Discussion(0)

log = structlog.get_logger()


class GroupEar:
    """Reads remarks in the discussion group of `chat`, and changes of questions to the bot.

    `place` is the group by Telegram's last answer. `every` is the longest interval at which a healthy ear is recorded.
    """

    def __init__(
        self, channel: str, chat: str, client: BotClient, intake: Intake, every: timedelta = 2 * RECORD_EVERY
    ) -> None:
        self.place = _NOBODY
        self._every = every
        self._channel = channel
        self._chat = chat
        self._client = client
        self._intake = intake
        self._learnt_at: float | None = None
        self._recorded_at: datetime | None = None
        self._recorded: Reason | None = None

    @property
    def _service(self) -> DeskService:
        return self._intake.service

    @property
    def _clock(self) -> Clock:
        return self._intake.clock

    async def learn(self) -> None:
        """Ask for the group and the rights that the bot lacks there, unless asked lately. Raises DeliveryError.

        Without such a channel nothing is heard; private conversations go on as before.
        """
        now = self._clock.monotonic()
        if self._learnt_at is not None and now - self._learnt_at < LEARNT_EVERY:
            return
        try:
            place = await self._client.discussion(self._chat)
        except (Rejected, ChatMoved, BadCredential) as error:
            place = replace(_NOBODY, deaf=error.reason)
        if place.deaf is not None and place.deaf != self.place.deaf:
            log.warning("ear.deaf", ear=self._channel, reason=str(place.deaf))
        self.place, self._learnt_at = place, now

    async def hear(
        self, updates: Sequence[Mapping[str, Any]], lease: Lease | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """Store people's remarks; returns the other updates, which are for the conversation.

        Raises LeaseLost and DatabaseRefused; the caller then fetches all of them again.
        """
        if self._learnt_at is None:
            await self.learn()
        # The bot's rights decide which messages it gets.
        if any(self._changes_rights(each) for each in updates):
            self._learnt_at = None
            await self.learn()
        ours: list[Mapping[str, Any]] = []
        edited: list[Mapping[str, Any]] = []
        rest: list[Mapping[str, Any]] = []
        for each in updates:
            whose = ours if concerns(each, self.place) else edited if "edited_message" in each else rest
            whose.append(each)
        if not (ours or edited):
            return rest
        memory, private = await self._service.ask(partial(_before, channel=self._channel, edited=edited))
        spoken = read_group(ours, self.place, part_of(memory, "threads"), self._clock.now())
        await self._intake.keep(self._channel, [*spoken.remarks, *private], lease)
        if remembered(memory, spoken, self.place.group) != memory:
            await self._tell(lease, None, spoken)
        return rest

    def _changes_rights(self, update: Mapping[str, Any]) -> bool:
        """True if somebody made the bot an administrator of a place it reads, or removed it."""
        chat = number_in(part_of(part_of(update, "my_chat_member"), "chat").get("id"))
        if chat is None:
            return False
        return chat in (self.place.group, self.place.channel) or (self.place.group is None and chat < 0)

    async def record_reading(self, lease: Lease | None) -> None:
        """Record now and then that Telegram's updates were read completely. Raises LeaseLost."""
        now = self._clock.now()
        is_news = self.place.deaf != self._recorded
        if is_news or self._recorded_at is None or not timedelta() <= now - self._recorded_at < RECORD_EVERY:
            await self._tell(lease, self.place.deaf)

    async def failed(self, reason: Reason, lease: Lease | None) -> None:
        """Record that Telegram couldn't be reached. Raises LeaseLost."""
        await self._tell(lease, reason)

    async def _tell(self, lease: Lease | None, reason: Reason | None, spoken: Spoken | None = None) -> None:
        deaf = self.place.deaf or reason
        await self._service.act(
            partial(
                _tell,
                channel=self._channel,
                lease=lease,
                reason=deaf,
                heard=None if spoken is None else partial(remembered, spoken=spoken, group=self.place.group),
                every=self._every,
            ),
            posts=False,
        )
        self._recorded_at, self._recorded = self._clock.now(), deaf


def _before(
    unit: DeskUnit, channel: str, edited: Sequence[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], Sequence[Remark]]:
    """Return the ear's memory, and the edits of messages that their authors had passed on to the town, as remarks."""
    private = []
    for update in edited:
        message = part_of(update, "edited_message")
        said, chat = said_in(message), number_in(part_of(message, "chat").get("id"))
        known = unit.listening.utterance_of(channel, f"{chat}:{said.message}") if said is not None else None
        if said is not None and known is not None and known.private:
            at = said.changed_at or unit.now
            private.append(Remark(known.remote_id, said.text, known.said_at, edited_at=at, private=True))
    return unit.listening.ear(channel).memory, private


def _tell(
    unit: DeskUnit,
    *,
    channel: str,
    lease: Lease | None,
    reason: Reason | None,
    heard: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None,
    every: timedelta,
) -> None:
    unit.leases.check(lease, unit.now)
    status, now = unit.listening.ear(channel), unit.now
    unit.listening.put_ear(
        replace(
            status,
            memory=status.memory if heard is None else heard(status.memory),
            last_try=now,
            last_ok=now if reason is None else status.last_ok,
            failures=0 if reason is None else status.failures + 1,
            next_try=now + every,
            reason=reason,
            gap=status.gap if reason is not None else gap_of(status, now),
        )
    )


def gap_of(status: EarStatus, now: datetime) -> Reason | None:
    """Return the period whose remarks are lost, now that the ear is well again. An old one is dropped.

    Telegram keeps the last day, but nothing for a bot without the right to read.
    """
    if status.last_ok is None:
        return None
    was_deaf = status.reason is not None and status.reason.code in DEAF
    lost_until = now if was_deaf else now - KEPT_BY_TELEGRAM
    if lost_until > status.last_ok:
        return because("telegram_gap", since=status.last_ok, until=lost_until)
    until = status.gap["until"] if status.gap is not None else None
    is_recent = isinstance(until, str) and now - datetime.fromisoformat(until) < FORGOTTEN_AFTER
    return status.gap if is_recent else None


def recorded_within(looks: float) -> timedelta:
    """Return the longest time until the ear is recorded as well, if Telegram is polled at this interval."""
    return RECORD_EVERY + timedelta(seconds=looks)


DEAF = frozenset({"telegram_no_discussion", "telegram_not_in_discussion", "telegram_privacy_mode"})
"""Reasons of an ear that works, but hears nothing for lack of a right."""
