"""What comes in for a bot: each update handled once and answered, then let go of; by asking for it, or brought here."""

from __future__ import annotations

import asyncio
import hmac
import json
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from alerts.bot import officers
from alerts.bot.conversation import reply
from alerts.bot.crowd import Crowd
from alerts.bot.events import Command, Event, Left, Moved, Press, read_update
from alerts.bot.reply import Kept, Reply, Say, safe
from alerts.bot.town import Town
from alerts.bot.words import SPOKEN, words_of
from alerts.desk.sitting import Office, Sitting
from alerts.model.errors import BadCredential, ChatMoved, DeliveryError, Occupied, ReaderGone, Retry, TocsinError
from alerts.model.ports import BotLine, Clock

POLL = 25.0
"""Seconds that Telegram keeps a question for updates open."""
AT_ONCE = 16
"""Chats that are answered at the same time."""
TRIES = 4
LONGEST_BACKOFF = 60.0
SET_AGAIN = 600.0
"""Seconds after which a webhook is set anew, should somebody have taken it away."""
HELD_BY_ANOTHER = 1.0
"""Seconds of waiting for the lease that tell that somebody else has listened until now."""
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 a header's name

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
        self._turns = asyncio.Semaphore(AT_ONCE)
        self.username = ""

    async def introduce(self) -> None:
        """Learn the bot's own name, and show everybody its commands. Raises DeliveryError."""
        self.username = await self._bot.line.me()
        await self._bot.remember("bot", f"@{self.username}")
        for language in (None, *SPOKEN):
            _ = words_of(language or "en").gettext
            await self._bot.line.list_commands(_commands(_), language)

    async def handle(self, updates: Sequence[Mapping[str, Any]]) -> None:
        """Handle them, those of one chat in their order. Raises what the database does: then they are to come again."""
        if not self.username:
            self.username = await self._bot.line.me()
        chats: dict[int, list[Event]] = {}
        for update in updates:
            if (event := read_update(update, self.username)) is not None and self._crowd.lets_in(event):
                chats.setdefault(event.chat, []).append(event)
        results = await asyncio.gather(*(self._one_chat(events) for events in chats.values()), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _one_chat(self, events: Sequence[Event]) -> None:
        async with self._turns:
            for event in events:
                try:
                    await self._one(event)
                except sqlite3.Error:
                    raise
                except DeliveryError as error:
                    log.warning("bot.not_answered", channel=self._bot.channel, reason=error.reason)
                except Exception:
                    log.exception("bot.stumbled", channel=self._bot.channel)

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
        return isinstance(event.what, Command | Press) and await self._bot.line.is_admin(event.chat, event.asker)

    async def _decide(self, event: Event, town: Town) -> Reply:
        """Read first: most of what people ask changes nothing, and then nothing is written."""
        channel, office = self._bot.channel, self._bot.office
        if officers.is_theirs(event):
            try:
                return await office.act(lambda sitting: officers.answer(sitting, channel, event, town))
            except TocsinError as error:
                return Reply((Say(safe(str(error))),))
        answer = await office.ask(lambda sitting: _answer(sitting, channel, event, town))
        if answer.keeps is None and not answer.forgets:
            return answer
        return await office.act(lambda sitting: _answer_and_keep(sitting, channel, event, town))

    async def _answer_press(self, press: Press, answer: Reply) -> None:
        try:
            await self._bot.line.answer_press(press.id, answer.toast)
        except DeliveryError as error:
            log.debug("bot.press_not_answered", channel=self._bot.channel, reason=error.reason)

    async def _say(self, chat: int, says: Sequence[Say]) -> None:
        left = list(says)
        try:
            while left:
                await say_surely(self._bot, chat, left[0])
                del left[0]
        except ReaderGone:
            await self._bot.office.act(lambda sitting: sitting.subscribers.forget(self._bot.channel, chat))
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
        self.reason: str | None = None

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
                await self._bot.clock.sleep(min(2.0 ** min(failures, 6), LONGEST_BACKOFF))

    async def _begin(self) -> None:
        await self._bot.line.listen_by_asking()

    async def _round(self) -> None:
        channel, office = self._bot.channel, self._bot.office
        offset = await office.ask(lambda sitting: sitting.subscribers.offset(channel))
        updates = await self._bot.line.updates(offset, POLL)
        if not updates:
            return
        await self._reception.handle(updates)
        behind = 1 + max(number for each in updates if isinstance(number := each.get("update_id"), int))
        await office.act(lambda sitting: sitting.subscribers.handled(channel, behind))

    def _tell(self, error: Exception) -> None:
        """One line each time; the cycle that stands, with this reason, is what the watch tells those on duty."""
        if isinstance(error, DeliveryError):
            self.reason = error.reason
            log.warning("bot.not_listening", channel=self._bot.channel, reason=error.reason)
        elif isinstance(error, sqlite3.Error):
            self.reason = "the database refuses"
            log.error("bot.refused", channel=self._bot.channel, error=str(error))
        else:
            self.reason = type(error).__name__
            log.error("bot.stumbled", channel=self._bot.channel, exc_info=error)


class Listening(Asking):
    """A webhook: Telegram brings the updates; who holds the lease sees to it that it does."""

    def __init__(
        self, bot: Bot, reception: Reception, wait_for_lease: Callable[[], Awaitable[object]], url: str, secret: str
    ) -> None:
        super().__init__(bot, reception, wait_for_lease)
        self._url = url
        self._secret = secret

    async def _begin(self) -> None:
        await self._bot.line.listen_at(self._url, self._secret)

    async def _round(self) -> None:
        await self._bot.clock.sleep(SET_AGAIN)
        await self._begin()

    async def take(self, request: web.Request) -> web.Response:
        """One update that was brought. Whoever doesn't know the secret learns nothing."""
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), self._secret.encode()):
            return web.Response(status=HTTPStatus.FORBIDDEN)
        try:
            update = json.loads(await request.read())
        except ValueError:
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
    )
    return reply(kept, event, town, sitting.now)


def _answer_and_keep(sitting: Sitting, channel: str, event: Event, town: Town) -> Reply:
    answer = _answer(sitting, channel, event, town)
    if answer.forgets:
        sitting.subscribers.forget(channel, event.chat)
    elif answer.keeps is not None:
        sitting.subscribers.put(channel, answer.keeps)
    return answer


def _commands(_: Callable[[str], str]) -> Mapping[str, str]:
    return {
        "start": _("Subscribe"),
        "now": _("What is on"),
        "settings": _("Your choices"),
        "language": _("The language"),
        "test": _("A test message"),
        "stop": _("No more alerts"),
        "mydata": _("What is kept"),
        "forget": _("Remove everything"),
    }
