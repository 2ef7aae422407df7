"""What comes in for a bot: each update handled once and answered, then let go of; by asking for it, or brought here."""

from __future__ import annotations

import asyncio
import hmac
import json
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from alerts.bot import deciding, officers
from alerts.bot.conversation import reply
from alerts.bot.crowd import Crowd
from alerts.bot.events import Command, Event, Left, Moved, Press, read_update
from alerts.bot.handled import Batch, Handled
from alerts.bot.reply import Kept, Reply, Say, safe
from alerts.bot.town import Town
from alerts.bot.words import SPOKEN, commands
from alerts.desk.sitting import Office, Sitting
from alerts.model.errors import BadCredential, ChatMoved, DeliveryError, Occupied, ReaderGone, Retry, TocsinError
from alerts.model.ports import BotLine, Clock
from alerts.model.reason import Reason, because
from alerts.rendering.words import word

POLL = 25.0
"""Seconds that Telegram keeps a question for updates open."""
AT_ONCE = 16
"""Chats that are answered at the same time."""
KEPT_EVERY = 8
"""Updates after which it is kept that they were handled."""
TRIES = 4
LONGEST_BACKOFF = 60.0
SET_AGAIN = 600.0
"""Seconds after which a webhook is set anew, should somebody have taken it away."""
LOOKED_AT_EVERY = 30.0
"""Seconds between two looks at whether the secret of a webhook is another one by now."""
HELD_BY_ANOTHER = 1.0
"""Seconds of waiting for the lease that tell that somebody else has listened until now."""
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 a header's name

Landed = Callable[[Mapping[str, Any]], Awaitable[None]]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Bot:
    """The bot of one channel: its line, the office that it acts through, and the town as it is at the moment.

    `remember` keeps a fact of the channel: under `bot` stands by which name people find it.
    """

    channel: str
    line: BotLine
    office: Office
    town: Callable[[], Awaitable[Town]]
    clock: Clock
    remember: Callable[[str, str], Awaitable[None]]


class Reception:
    """Handles updates. What goes wrong with one is logged without a word of whose it was, and stops no other."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._crowd = Crowd(bot.clock)
        self._handled = Handled()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self.username = ""

    async def introduce(self) -> None:
        """Learn the bot's own name, and show everybody its commands. Raises DeliveryError."""
        self.username = await self._bot.line.me()
        await self._bot.remember("bot", f"@{self.username}")
        for language in (None, *SPOKEN):
            await self._bot.line.list_commands(commands(language or "en"), language)

    async def handle(self, updates: Sequence[Mapping[str, Any]], landed: Landed | None = None) -> None:
        """Handle them, those of one chat in their order, each once, however often it is brought.

        `landed` hears of each that is done with. Raises what the database does: then they are to come again.
        """
        if not self.username:
            self.username = await self._bot.line.me()
        chats: dict[int, list[tuple[Mapping[str, Any], Event]]] = {}
        for update in updates:
            event = None if self._handled.holds(update) else self._read(update)
            if event is not None and self._crowd.lets_in(event):
                self._handled.add(update)
                chats.setdefault(event.chat, []).append((update, event))
            elif landed is not None:
                await landed(update)
        handling = (self._one_chat(events, landed) for events in chats.values())
        results = await asyncio.gather(*handling, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def _read(self, update: Mapping[str, Any]) -> Event | None:
        """What it tells. One that can't be read is let go of, or it would come again for ever, ahead of all others."""
        try:
            return read_update(update, self.username)
        except Exception as error:  # noqa: BLE001 whatever it is; its words might be somebody's
            log.error("bot.unreadable", channel=self._bot.channel, error=type(error).__name__)  # noqa: TRY400
            return None

    async def _one_chat(self, events: Sequence[tuple[Mapping[str, Any], Event]], landed: Landed | None) -> None:
        async with self._turns:
            for place, (each, event) in enumerate(events):
                try:
                    await self._one(event)
                except sqlite3.Error:
                    self._handled.undo(update for update, _ in events[place:])
                    raise
                except DeliveryError as error:
                    log.warning("bot.not_answered", channel=self._bot.channel, reason=str(error.reason))
                except Exception:
                    log.exception("bot.stumbled", channel=self._bot.channel)
                if landed is not None:
                    await landed(each)

    async def _one(self, event: Event) -> None:
        if not await self._may(event):
            if isinstance(event.what, Press):
                await self._bot.line.answer_press(event.what.id, "Administrators only. / Réservé aux administrateurs.")
            return
        if isinstance(event.what, Moved):
            await self._move(event.chat, event.what.to)
            return
        town = await self._bot.town()
        answer = await self._decide(event, town)
        if isinstance(event.what, Press):
            await self._answer_press(event.what, answer)
        await self._say(event.chat, answer.says)

    async def _may(self, event: Event) -> bool:
        """In a group its administrators alone speak for it; who it was is forgotten at once."""
        if event.private or event.asker is None or isinstance(event.what, Left | Moved):
            return True
        if isinstance(event.what, Command) and event.what.name == "link":  # it links nothing there, and burns the code
            return True
        return isinstance(event.what, Command | Press) and await self._bot.line.is_admin(event.chat, event.asker)

    async def _decide(self, event: Event, town: Town) -> Reply:
        """Read first: most of what people ask changes nothing, and then nothing is written."""
        channel, office = self._bot.channel, self._bot.office
        if officers.is_theirs(event) or await deciding.is_reason(office, channel, event):
            act = officers.answer if isinstance(event.what, Command) else deciding.answer
            try:
                return await office.act(lambda sitting: act(sitting, channel, event, town))
            except TocsinError as error:
                return Reply((Say(safe(word(error.reason, town.language, town.zone))),))
        answer = await office.ask(lambda sitting: _answer(sitting, channel, event, town))
        if answer.keeps is None and not answer.forgets:
            return answer
        return await office.act(lambda sitting: _answer_and_keep(sitting, channel, event, town))

    async def _answer_press(self, press: Press, answer: Reply) -> None:
        try:
            await self._bot.line.answer_press(press.id, answer.toast)
        except DeliveryError as error:
            log.debug("bot.press_not_answered", channel=self._bot.channel, reason=str(error.reason))

    async def _say(self, chat: int, says: Sequence[Say]) -> None:
        left = list(says)
        try:
            while left:
                await self._bot.clock.sleep(self._crowd.wait_to_answer(chat))
                await say_surely(self._bot, chat, left[0])
                del left[0]
        except ReaderGone:
            await self._bot.office.act(lambda sitting: officers.forget(sitting, self._bot.channel, chat))
            log.info("bot.reader_left", channel=self._bot.channel)
        except ChatMoved as error:
            await self._move(chat, error.to)
            await self._say(error.to, left)

    async def _move(self, old: int, new: int) -> None:
        await self._bot.office.act(lambda sitting: sitting.subscribers.moved(self._bot.channel, old, new))
        log.info("bot.chat_moved", channel=self._bot.channel)


async def say_surely(bot: Bot, chat: int, say: Say) -> int:
    """Say it, again while it is certain that it isn't there yet. Raises DeliveryError."""
    for tries in range(1, TRIES):
        try:
            return await _say_once(bot, chat, say)
        except Retry as error:
            wait = (error.after - bot.clock.now()).total_seconds() if error.after else 2.0**tries
            await bot.clock.sleep(min(max(wait, 0.1), LONGEST_BACKOFF))
    return await _say_once(bot, chat, say)


async def _say_once(bot: Bot, chat: int, say: Say) -> int:
    if say.picture is not None:
        return await bot.line.show(chat, say.picture, say.text)
    return await bot.line.say(chat, say.text, say.keyboard, say.edit)


class Asking:
    """Long polling: only who holds the lease asks, and says up to where everything was handled."""

    def __init__(self, bot: Bot, reception: Reception, wait_for_lease: Callable[[], Awaitable[object]]) -> None:
        self._bot = bot
        self._reception = reception
        self._wait_for_lease = wait_for_lease
        self.cycled_at = bot.clock.monotonic()
        self.reason: Reason | None = None

    async def run(self) -> None:
        """Ask until cancelled; what fails is tried again, less and less often."""
        failures, introduced = 0, False
        while True:
            asked_at = self._bot.clock.monotonic()
            await self._wait_for_lease()
            if self._bot.clock.monotonic() - asked_at > HELD_BY_ANOTHER:
                self.cycled_at = self._bot.clock.monotonic()
            try:
                if not introduced:
                    await self._reception.introduce()
                    await self._begin()
                    introduced = True
                await self._round()
                self.cycled_at, self.reason, failures = self._bot.clock.monotonic(), None, 0
            except Exception as error:  # noqa: BLE001 the bot's loop goes on whatever happens
                failures += 1
                introduced = introduced and not isinstance(error, BadCredential | Occupied)
                self._tell(error)
                await self._bot.clock.sleep(self._pause(error, failures))

    async def _begin(self) -> None:
        await self._bot.line.listen_by_asking()

    async def _round(self) -> None:
        channel, office = self._bot.channel, self._bot.office
        offset = await office.ask(lambda sitting: sitting.subscribers.offset(channel))
        updates = await self._bot.line.updates(offset, POLL)
        if not updates:
            return
        batch = Batch(updates, KEPT_EVERY)
        await self._reception.handle(updates, partial(self._landed, batch))
        await self._let_go_of(batch.end)

    async def _landed(self, batch: Batch, update: Mapping[str, Any]) -> None:
        """Keep now and then how far it is, so that a kill repeats little; what can't be kept now, is at the end."""
        if (behind := batch.land(update)) is not None:
            with suppress(sqlite3.Error):
                await self._let_go_of(behind)

    async def _let_go_of(self, behind: int) -> None:
        channel = self._bot.channel
        await self._bot.office.act(lambda sitting: sitting.subscribers.handled(channel, behind))

    def _pause(self, error: Exception, failures: int) -> float:
        """Longer each time, and no less than Telegram asks for."""
        wait = min(2.0 ** min(failures, 6), LONGEST_BACKOFF)
        asked = error.after if isinstance(error, Retry) else None
        return max(wait, (asked - self._bot.clock.now()).total_seconds()) if asked else wait

    def _tell(self, error: Exception) -> None:
        """One line each time; the cycle that stands, with this reason, is what the watch tells those on duty."""
        if isinstance(error, DeliveryError):
            self.reason = error.reason
            log.warning("bot.not_listening", channel=self._bot.channel, reason=str(error.reason))
        elif isinstance(error, sqlite3.Error):
            self.reason = because("database_refuses")
            log.error("bot.refused", channel=self._bot.channel, error=str(error))
        else:
            self.reason = because("stumbled", error=type(error).__name__)
            log.error("bot.stumbled", channel=self._bot.channel, exc_info=error)


class Listening(Asking):
    """A webhook: Telegram brings the updates; who holds the lease sees to it that it does.

    `secret` tells what holds now, for it is made of the token: with a new token the old one opens nothing any more.
    What Telegram brings with the old one meanwhile is refused, and comes again.
    """

    def __init__(
        self,
        bot: Bot,
        reception: Reception,
        wait_for_lease: Callable[[], Awaitable[object]],
        url: str,
        secret: Callable[[], str],
    ) -> None:
        super().__init__(bot, reception, wait_for_lease)
        self._url = url
        self._secret = secret
        self._told = ""

    async def _begin(self) -> None:
        self._told = self._secret()
        await self._bot.line.listen_at(self._url, self._told)

    async def _round(self) -> None:
        """Set it anew after a while; as who it is by now, where the token is another one."""
        began_at = self._bot.clock.monotonic()
        while self._bot.clock.monotonic() - began_at < SET_AGAIN:
            await self._bot.clock.sleep(LOOKED_AT_EVERY)
            if self._secret() != self._told:
                await self._reception.introduce()
                break
        await self._begin()

    async def take(self, request: web.Request) -> web.Response:
        """One update that was brought. Whoever doesn't know the secret learns nothing."""
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(errors="surrogateescape"), self._secret().encode()):
            return web.Response(status=HTTPStatus.FORBIDDEN)
        try:
            update = json.loads(await request.read())
        except (ValueError, RecursionError):
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        if isinstance(update, dict):
            try:
                await self._reception.handle([update])
            except (sqlite3.Error, DeliveryError) as error:
                self._tell(error)
                return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        return web.Response()


def _answer(sitting: Sitting, channel: str, event: Event, town: Town) -> Reply:
    chat = event.chat
    kept = Kept(
        sitting.subscribers.get(channel, chat),
        sitting.subscribers.received(channel, chat),
        sitting.officer_chats.linked(channel, chat),
        sitting.subscribers.held(channel, chat),
        sitting.officer_chats.told(channel, chat),
        sitting.officer_chats.asked(channel, chat),
    )
    return reply(kept, event, town, sitting.now)


def _answer_and_keep(sitting: Sitting, channel: str, event: Event, town: Town) -> Reply:
    answer = _answer(sitting, channel, event, town)
    if answer.forgets:
        officers.forget(sitting, channel, event.chat)
    elif answer.keeps is not None:
        sitting.subscribers.put(channel, answer.keeps)
    return answer
