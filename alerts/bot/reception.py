"""How each update is answered, and answered only once.

An update is read into an event (`chat`). A chat that writes too often in a minute is ignored, so that nobody keeps the
bot busy for everybody (`ChatRateLimit`). Officers go ahead of all others, with turns of their own and answers that
leave first; who wants to leave has turns of their own too. An update that was handled is not answered again, however
often Telegram delivers it (`Handled`, and the offset that a `Batch` allows to store). The answer is made by reading
alone, since most questions change nothing. Where something has to be stored, it is made once more in a transaction that
writes; `/start`, which always stores, is answered there at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from alerts.bot import officers, polls
from alerts.bot.chat import (
    SPOKEN,
    BotReply,
    ChatEvent,
    Command,
    Kept,
    Left,
    Moved,
    Press,
    Say,
    SentPhoto,
    TownNow,
    commands,
    help_first,
    is_written_freely,
    read_update,
    safe,
)
from alerts.bot.conversation import reply
from alerts.bot.reporting import ChatReports
from alerts.delivery.worker import Guarded
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.listening.ears import Intake
from alerts.model.backoff import backoff
from alerts.model.errors import ChatMoved, DatabaseRefused, DeliveryError, ReaderGone, Retry, TocsinError
from alerts.model.events import ReportsChanged
from alerts.model.ports import BotClient, Clock
from alerts.model.rate_limit import SlidingWindow, take_each
from alerts.model.remembered import Newest
from alerts.rendering.i18n import sentence

AT_ONCE, AHEAD_AT_ONCE = 16, 4
"""Chats that are answered at the same time, and in addition those of officers and of unsubscribers."""
TRIES = 4
LONGEST_BACKOFF = 60.0

MOST = 40
"""A chat's messages in a minute: somebody who taps through forty districts is no nuisance."""
MOST_IN_A_GROUP = 15
"""A group's messages in a minute.

Telegram takes 20 messages a minute to a group (https://core.telegram.org/bots/faq), and too many there halt the whole
bot, alerts to everybody else included.
"""
MOST_WHILE_BUSY = 5
"""A chat's messages in a minute while many answers wait: else a crowd's whole minute would precede later chats."""
SPAN = 60.0
AT_A_STRETCH = 3
"""Answers that one chat gets in so many seconds, at once or not: Telegram takes one a second and short bursts."""
_CHATS_REMEMBERED = 20_000
LATER = 2000
"""Answers that wait for their chat's turn apart from all else; with more of them, whoever comes next waits."""

OnHandled = Callable[[Mapping[str, Any]], Awaitable[None]]
log = structlog.get_logger()


class ChatRateLimit:
    """Counts, in memory alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: SlidingWindow[int] = SlidingWindow(SPAN, _CHATS_REMEMBERED)
        self._answered: SlidingWindow[int] = SlidingWindow(AT_A_STRETCH, _CHATS_REMEMBERED)

    def lets_in(self, event: ChatEvent, *, is_busy: bool = False) -> bool:
        """True if the event is to be answered. A chat that left or moved always counts."""
        if isinstance(event.what, Left | Moved):
            return True
        now, most = self._clock.monotonic(), MOST if event.private else MOST_IN_A_GROUP
        return take_each([(self._said, event.chat, min(most, MOST_WHILE_BUSY) if is_busy else most)], now)

    def is_ahead(self, chat: int) -> bool:
        """True if that chat was answered so often lately that its next answer has to wait."""
        return bool(self._answered.wait(chat, AT_A_STRETCH, self._clock.monotonic()))

    def wait_to_answer(self, chat: int) -> float:
        """Seconds until it is that chat's turn, which is taken by this; 0: now."""
        now = self._clock.monotonic()
        wait = self._answered.wait(chat, AT_A_STRETCH, now)
        # The turn is taken at once: two answers that wait at the same time must not get the same one.
        self._answered.take(chat, now + wait)
        return wait


def leaves(event: ChatEvent) -> bool:
    """True if somebody unsubscribes."""
    return isinstance(event.what, Command) and event.what.name == "stop"


# Which updates were handled: Telegram brings again what it thinks nobody took, and nobody is to be answered twice.

_UPDATES_REMEMBERED = 2000


class Handled:
    """Remembers handled updates, in memory alone; for those before a start there is the stored offset."""

    def __init__(self) -> None:
        self._numbers: Newest[int, None] = Newest(_UPDATES_REMEMBERED)

    def holds(self, update: Mapping[str, Any]) -> bool:
        """True if it was handled, or is at the moment."""
        return _number(update) in self._numbers

    def add(self, update: Mapping[str, Any]) -> None:
        """It is being handled from now on."""
        if (number := _number(update)) is not None:
            self._numbers.keep(number, None)

    def undo(self, updates: Iterable[Mapping[str, Any]]) -> None:
        """They are to come again: nothing of them was done."""
        for update in updates:
            if (number := _number(update)) is not None:
                self._numbers.pop(number, None)


class Batch:
    """Updates that came together, and up to where all of them are done with. `end` is the first behind them."""

    def __init__(self, updates: Sequence[Mapping[str, Any]], every: int) -> None:
        self._every = every
        self._open = sorted(number for each in updates if (number := _number(each)) is not None)
        self._done: set[int] = set()
        self._saved = 0
        self._passed = 0
        self.end = self._open[-1] + 1

    def land(self, update: Mapping[str, Any]) -> int | None:
        """Mark it as done.

        Returns the first open number once `every` more were passed since the last time, else None.
        """
        if (number := _number(update)) is not None:
            self._done.add(number)
        while self._passed < len(self._open) and self._open[self._passed] in self._done:
            self._passed += 1
        if self._passed - self._saved < self._every or self._passed == len(self._open):
            return None
        self._saved = self._passed
        return self._open[self._passed]


def _number(update: Mapping[str, Any]) -> int | None:
    number = update.get("update_id")
    return number if isinstance(number, int) else None


# From an update to its answer.


@dataclass(frozen=True, slots=True)
class Bot:
    """The bot of one channel: its client, the service of its acts, and the present state of the town.

    `remember` stores a fact of the channel: under `bot` the name by which people find it. `intake` stores people's
    remarks, if the channel hears; else there is none. `subscribes`: people may subscribe with it. `exercise`: its
    channel is for exercises. `reports` takes people's reports, if they may report to it. `ahead` is the client that
    answers officers ahead of others.
    """

    channel: str
    client: BotClient
    service: DeskService
    town: Callable[[], Awaitable[TownNow]]
    clock: Clock
    remember: Callable[[str, str], Awaitable[None]]
    intake: Intake | None = None
    subscribes: bool = True
    exercise: bool = False
    reports: ChatReports | None = None
    ahead: BotClient | None = None

    @property
    def first(self) -> Bot:
        """The same bot for those who go ahead."""
        return self if self.ahead is None else replace(self, client=self.ahead, ahead=None)


class Reception:
    """Handles updates. What goes wrong with one is logged without a word of whose it was, and stops no other."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._crowd = ChatRateLimit(bot.clock)
        self._handled = Handled()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._first = bot.first
        self._turns_of_officers = asyncio.Semaphore(AHEAD_AT_ONCE)
        self._turns_to_leave = asyncio.Semaphore(AHEAD_AT_ONCE)
        self._later: set[asyncio.Task[None]] = set()
        self.username = ""

    async def introduce(self) -> None:
        """Learn the bot's own name, and show everybody its commands. Raises DeliveryError."""
        self.username = await self._bot.client.me()
        await self._bot.remember("bot", f"@{self.username}")
        # None is shown to whoever speaks a language that the bot doesn't.
        for language in (None, *SPOKEN):
            bot, spoken = self._bot, language or "en"
            hears, reports = bot.intake is not None, bot.reports is not None
            offered = commands(spoken, subscribes=bot.subscribes, hears=hears, reports=reports)
            await bot.client.list_commands(offered, language)

    async def handle(self, updates: Sequence[Mapping[str, Any]], on_handled: OnHandled | None = None) -> None:
        """Handle updates, those of one chat in their order, each once, however often it is delivered.

        `on_handled` is called for each that is done. Raises the database's errors: then they are to come again.
        """
        if not self.username:
            self.username = await self._bot.client.me()
        chats: dict[int, list[tuple[Mapping[str, Any], ChatEvent]]] = {}
        officers_there = await self._officers(updates)
        is_busy = len(self._later) >= LATER // 4
        for update in updates:
            event = None if self._handled.holds(update) else self._read(update)
            # Marked before it is handled: Telegram may bring it a second time meanwhile, by the webhook.
            is_delayed = is_busy and event is not None and event.chat not in officers_there
            if event is not None and self._crowd.lets_in(event, is_busy=is_delayed):
                self._handled.add(update)
                chats.setdefault(event.chat, []).append((update, event))
            elif on_handled is not None:
                await on_handled(update)
        handling = (
            self._one_chat(events, on_handled, is_officer=chat in officers_there) for chat, events in chats.items()
        )
        results = await asyncio.gather(*handling, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    @property
    def _is_crowded(self) -> bool:
        return bool(self._later) or self._turns.locked()

    async def _officers(self, updates: Sequence[Mapping[str, Any]]) -> frozenset[int]:
        """The chats of officers, where anybody has to wait for others: alone nobody needs to go ahead."""
        if len(updates) < 2 and not self._is_crowded:
            return frozenset()
        linked = await self._bot.service.ask(lambda unit: unit.officer_chats.all(self._bot.channel))
        return frozenset(each.chat for each in linked)

    def _read(self, update: Mapping[str, Any]) -> ChatEvent | None:
        """Read it. An unreadable one is dropped, or it would come again for ever, ahead of all others."""
        try:
            return read_update(update, self.username)
        except Exception as error:  # noqa: BLE001 whatever it is; its words might be somebody's
            log.error("bot.unreadable", channel=self._bot.channel, error=type(error).__name__)  # noqa: TRY400
            return None

    async def _one_chat(
        self, events: Sequence[tuple[Mapping[str, Any], ChatEvent]], on_handled: OnHandled | None, *, is_officer: bool
    ) -> None:
        is_leaving = any(leaves(event) for _, event in events)
        others = self._turns_to_leave if is_leaving else self._turns
        async with self._turns_of_officers if is_officer else others:
            for place, (each, event) in enumerate(events):
                try:
                    # A fault in one chat must not silence the bot in the others.
                    with Guarded("bot.failed", but=(DatabaseRefused, DeliveryError), channel=self._bot.channel):
                        await self._one(event, is_officer=is_officer)
                except DatabaseRefused:
                    # Nothing of these was kept, so they are to come again; those before are done with.
                    self._handled.undo(update for update, _ in events[place:])
                    raise
                except DeliveryError as error:
                    log.warning("bot.not_answered", channel=self._bot.channel, reason=str(error.reason))
                if on_handled is not None:
                    await on_handled(each)

    async def _one(self, event: ChatEvent, *, is_officer: bool) -> None:
        bot = self._first if is_officer else self._bot
        if not await self._may(event):
            if isinstance(event.what, Press):
                await self._bot.client.answer_press(
                    event.what.id, "Administrators only. / Réservé aux administrateurs."
                )
            return
        if isinstance(event.what, Moved):
            await self._move(event.chat, event.what.to)
            return
        town = await self._bot.town()
        answer = await self._answer(event, town)
        if isinstance(event.what, Press):
            await self._answer_press(bot, event.what, answer)
        waits_alone = self._crowd.is_ahead(event.chat) or (self._is_crowded and not is_officer)
        if not waits_alone or len(self._later) >= LATER:
            await self._say(bot, event.chat, answer.says)
            return
        # Whoever writes faster than Telegram takes answers waits alone, and so does a crowd: what they asked for is
        # done, and is let go of, so that what comes after it is read.
        later = asyncio.create_task(self._say_later(bot, event.chat, answer.says))
        self._later.add(later)
        later.add_done_callback(self._later.discard)

    async def _say_later(self, bot: Bot, chat: int, says: Sequence[Say]) -> None:
        try:
            with Guarded("bot.failed", but=(DeliveryError,), channel=self._bot.channel):
                await self._say(bot, chat, says)
        except DeliveryError as error:
            log.warning("bot.not_answered", channel=self._bot.channel, reason=str(error.reason))

    async def _may(self, event: ChatEvent) -> bool:
        """In a group its administrators alone speak for it; who it was is forgotten at once."""
        if event.private or event.asker is None or isinstance(event.what, Left | Moved):
            return True
        if isinstance(event.what, Command) and event.what.name == "link":  # it links nothing there, and burns the code
            return True
        return isinstance(event.what, Command | Press) and await self._bot.client.is_admin(event.chat, event.asker)

    async def _answer(self, event: ChatEvent, town: TownNow) -> BotReply:
        """Return the answer to an event; free text is always answered first with where to get help."""
        answer = await self._decide(event, town)
        # The other pictures of an album are answered with its first.
        is_rest = isinstance(event.what, SentPhoto) and event.what.album is not None and not answer.says
        if is_rest or not is_written_freely(event):
            return answer
        channel = self._bot.channel
        language = await self._bot.service.ask(lambda unit: officers.language_here(unit, channel, event, town))
        return help_first(answer, town, language)

    async def _decide(self, event: ChatEvent, town: TownNow) -> BotReply:
        """Read first: most of what people ask changes nothing, and then nothing is written."""
        channel, service = self._bot.channel, self._bot.service
        if polls.is_about(event):
            return await polls.answer(service, channel, event, town, exercise=self._bot.exercise)
        if officers.is_theirs(event) or await officers.is_reason(service, channel, event):
            try:
                return await service.act(lambda unit: officers.answer(unit, channel, event, town))
            except TocsinError as error:
                if not isinstance(event.what, Press):
                    # The refusal undid that too: else whatever is typed next is a reason, and refused again.
                    await service.keep(lambda unit: unit.officer_chats.unask(channel, event.chat))
                language = await service.ask(lambda unit: officers.language_of_chat(unit, channel, event, town))
                return BotReply((Say(safe(sentence(error.reason, language, town.zone))),))
        if self._bot.reports is not None and (said := await self._bot.reports.answer(event, town)) is not None:
            return said
        return await self._converse(event, town)

    async def _converse(self, event: ChatEvent, town: TownNow) -> BotReply:
        channel, service = self._bot.channel, self._bot.service
        if not (town.subscribes and isinstance(event.what, Command) and event.what.name == "start"):
            # Reading doesn't wait for the one writer, so "/now" is answered while an alert is sent to thousands.
            answer = await service.ask(lambda unit: _answer(unit, channel, event, town))
            if answer.remark is not None and self._bot.intake is not None:
                await self._bot.intake.keep(channel, [answer.remark])
            if answer.keeps is None and not answer.forgets:
                return answer
        # A chat's choices are no post: for them no lane looks for work.
        answer, numbers = await service.act(lambda unit: _answer_and_keep(unit, channel, event, town), posts=False)
        if numbers:
            service.tell(ReportsChanged(numbers))
        return answer

    async def _answer_press(self, bot: Bot, press: Press, answer: BotReply) -> None:
        try:
            await bot.client.answer_press(press.id, answer.toast)
        except DeliveryError as error:
            log.debug("bot.press_not_answered", channel=self._bot.channel, reason=str(error.reason))

    async def _say(self, bot: Bot, chat: int, says: Sequence[Say]) -> None:
        left = list(says)
        try:
            while left:
                await self._bot.clock.sleep(self._crowd.wait_to_answer(chat))
                await send_with_retry(bot, chat, left[0])
                del left[0]
        except ReaderGone:
            await self._bot.service.act(lambda unit: officers.forget(unit, self._bot.channel, chat))
            log.info("bot.reader_left", channel=self._bot.channel)
        except ChatMoved as error:
            # What was said before the move stands in the new chat too: only the rest is left to say.
            await self._move(chat, error.to)
            await self._say(bot, error.to, left)

    async def _move(self, old: int, new: int) -> None:
        await self._bot.service.act(lambda unit: unit.subscribers.moved(self._bot.channel, old, new))
        log.info("bot.chat_moved", channel=self._bot.channel)


async def send_with_retry(bot: Bot, chat: int, say: Say) -> int:
    """Say it, again while it is certain that it isn't there yet. Raises DeliveryError."""
    for tries in range(1, TRIES):
        try:
            return await say_once(bot, chat, say)
        except Retry as error:
            # Retry means that it is certain not to be there, so saying it once more makes no second message.
            named = (error.after - bot.clock.now()).total_seconds() if error.after else None
            wait = backoff(tries, 2.0, LONGEST_BACKOFF) if named is None else named
            await bot.clock.sleep(min(max(wait, 0.1), LONGEST_BACKOFF))
    return await say_once(bot, chat, say)


async def say_once(bot: Bot, chat: int, say: Say) -> int:
    """Make one attempt to say it; returns the number of the message. Raises DeliveryError."""
    if say.picture is not None:
        return await bot.client.show(chat, say.picture, say.text)
    return await bot.client.say(chat, say.text, say.keyboard, say.edit, say.reply)


def _answer(unit: DeskUnit, channel: str, event: ChatEvent, town: TownNow) -> BotReply:
    return reply(_kept(unit, channel, event.chat, town), event, town, unit.now)


def _kept(unit: DeskUnit, channel: str, chat: int, town: TownNow) -> Kept:
    return Kept(
        unit.subscribers.get(channel, chat),
        unit.subscribers.received(channel, chat),
        unit.officer_chats.linked(channel, chat),
        unit.subscribers.deferred(channel, chat),
        unit.officer_chats.notified(channel, chat),
        unit.officer_chats.asked(channel, chat),
        unit.listening.said_to_bot(channel, chat) if town.hears else (),
        unit.reports.of_chat(channel, chat, officers.MOST_REPORTS) if town.reports else (),
        unit.report_chats.begun(channel, chat) if town.reports else None,
    )


def _answer_and_keep(unit: DeskUnit, channel: str, event: ChatEvent, town: TownNow) -> tuple[BotReply, tuple[str, ...]]:
    """The answer, and the numbers of the reports that were erased by it."""
    kept = _kept(unit, channel, event.chat, town)
    answer = reply(kept, event, town, unit.now)
    if answer.forgets:
        # Who blocks the bot asks for nothing; who taps "remove it" means what they reported, too.
        officers.forget(unit, channel, event.chat, asked=not isinstance(event.what, Left))
        return answer, tuple(each.number for each in kept.reports)
    if answer.keeps is not None:
        unit.subscribers.put(channel, answer.keeps)
    return answer, ()
