"""A bot's way of getting updates: polling Telegram (long polling), or Telegram's webhook.

The daemon that holds the bot's lease does it. If another one is to have it, the open request is cancelled, its received
updates are handled, and only then is the lease released.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from alerts.bot.ear import GroupEar
from alerts.bot.reception import Batch, Bot, Reception
from alerts.delivery.lease import LeasedWorker
from alerts.delivery.worker import Work, first_of
from alerts.desk.unit import DeskUnit
from alerts.model.bounds import read_json, same
from alerts.model.errors import BadCredential, DatabaseRefused, DeliveryError, Occupied
from alerts.model.lease import Lease, LeaseLost
from alerts.model.reason import Reason, because

POLL = 25.0
"""Seconds that Telegram keeps a question for updates open."""
KEPT_EVERY = 8
"""Updates after which it is kept that they were handled."""
SET_AGAIN = 600.0
"""Seconds after which a webhook is set anew, should somebody have taken it away."""
LOOKED_AT_EVERY = 30.0
"""Seconds between two checks for a changed secret of a webhook."""
_LATE = 120.0
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 a header's name

Join = Callable[[Callable[[], None]], LeasedWorker]
"""Makes the worker that is woken by this one of those that work under the bot's lease."""
Receive = Callable[[web.Request], Awaitable[bytes]]
"""Receives the body of a request whose sender proved who they are."""

log = structlog.get_logger()


class Asking:
    """Long polling: only who holds the lease asks, and says up to where everything was handled."""

    heard_within = POLL
    """Seconds within which Telegram is heard of, where all is well."""

    def __init__(self, bot: Bot, reception: Reception, join: Join, *, ear: GroupEar | None = None) -> None:
        self._bot = bot
        self._ear = ear
        self._reception = reception
        self._woken = asyncio.Event()
        self._hold = join(self._woken.set)
        self._introduced = False
        self.reason: Reason | None = None

    @property
    def work(self) -> Work:
        """Asks for ever; what fails is tried again, less and less often."""
        late = self.heard_within + _LATE
        trouble = lambda: self.reason  # noqa: E731 as it is then
        return Work(self._hold.name, self._ask, 0.0, self._hold, self._woken, late=late, trouble=trouble)

    async def _ask(self, lease: Lease) -> None:
        try:
            await self._listen(lease)
        except (DeliveryError, DatabaseRefused) as error:
            # With a new token it is another bot perhaps, with another name and no commands yet.
            self._introduced = self._introduced and not isinstance(error, BadCredential | Occupied)
            self._tell(error)
            await self._ear_failed(lease)
            raise
        self.reason = None

    async def _listen(self, lease: Lease) -> None:
        if not self._introduced:
            await self._reception.introduce()
            await self._begin()
            self._introduced = True
        if self._ear is not None:
            await self._ear.learn()
        await self._round(lease)
        if self._ear is not None:
            await self._ear.record_reading(lease)

    async def _begin(self) -> None:
        await self._bot.client.listen_by_asking()

    async def _ear_failed(self, lease: Lease) -> None:
        """Record that the ear hears nothing at the moment; if that fails, its age shows it."""
        if self._ear is not None and self.reason is not None:
            with suppress(DatabaseRefused, LeaseLost):
                await self._ear.failed(self.reason, lease)

    async def _round(self, lease: Lease) -> None:
        channel, service = self._bot.channel, self._bot.service
        offset = await service.ask(lambda unit: unit.subscribers.offset(channel))
        updates = await self._asked(offset)
        # Brought to one that stood still meanwhile, they are another daemon's to answer.
        if not updates or self._hold.lease is None:
            return
        batch = Batch(updates, KEPT_EVERY)
        handled = partial(self._save_place, batch, lease)
        others = updates if self._ear is None else await self._ear.hear(updates, lease)
        for each in updates:
            if each not in others:
                await handled(each)
        await self._reception.handle(others, handled)
        await self._let_go_of(batch.end, lease)

    async def _asked(self, offset: int) -> Sequence[Mapping[str, Any]]:
        """Return Telegram's updates; none if another daemon is to poll from now on."""
        asking = asyncio.ensure_future(self._bot.client.updates(offset, POLL))
        woken = asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait((asking, woken), return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else ()
        finally:
            woken.cancel()
            asking.cancel()
            # Ended before the lease is let go of: Telegram refuses whoever asks beside.
            await asyncio.gather(asking, return_exceptions=True)

    async def _save_place(self, batch: Batch, lease: Lease, update: Mapping[str, Any]) -> None:
        """Keep now and then how far it is, so that a kill repeats little; what can't be kept now, is at the end."""
        if (behind := batch.land(update)) is not None:
            with suppress(DatabaseRefused, LeaseLost):
                await self._let_go_of(behind, lease)

    async def _let_go_of(self, behind: int, lease: Lease) -> None:
        channel = self._bot.channel

        def handled(unit: DeskUnit) -> None:
            unit.leases.check(lease, unit.now)
            unit.subscribers.handled(channel, behind)

        await self._bot.service.act(handled, posts=False)

    def _tell(self, error: DeliveryError | DatabaseRefused) -> None:
        """Log it once for each cause. Those on call are notified of the stalled cycle, with this reason."""
        reason = error.reason if isinstance(error, DeliveryError) else because("database_refuses")
        if reason != self.reason:
            log.warning("bot.not_listening", channel=self._bot.channel, reason=str(reason))
        self.reason = reason


class WebhookListening(Asking):
    """A webhook: Telegram delivers the updates, and the owner of the lease keeps it registered.

    `secret` returns the current one, which is made of the token: with a new token the old one is worthless. Updates
    delivered with the old one meanwhile are refused, and come again.
    """

    heard_within = SET_AGAIN

    def __init__(
        self,
        bot: Bot,
        reception: Reception,
        join: Join,
        url: str,
        secret: Callable[[], str],
        *,
        receive: Receive,
        ear: GroupEar | None = None,
    ) -> None:
        super().__init__(bot, reception, join, ear=ear)
        self._url = url
        self._secret = secret
        self._receive = receive
        self._secret_sent = ""

    async def _begin(self) -> None:
        self._secret_sent = self._secret()
        await self._bot.client.listen_at(self._url, self._secret_sent)

    async def _round(self, lease: Lease) -> None:
        """Set it anew after a while; as who it is by now, where the token is another one."""
        # It was just set: that is all that can be known of whether Telegram tells us what it hears.
        if self._ear is not None:
            await self._ear.record_reading(lease)
        began_at = self._bot.clock.monotonic()
        while self._bot.clock.monotonic() - began_at < SET_AGAIN:
            await first_of(self._woken.wait(), self._bot.clock.sleep(LOOKED_AT_EVERY))
            if self._woken.is_set():
                return
            if self._secret() != self._secret_sent:
                await self._reception.introduce()
                break
        await self._begin()

    async def take(self, request: web.Request) -> web.Response:
        """Take one delivered update. A client without the secret learns nothing. Raises as `receive` does."""
        given = request.headers.get(SECRET_HEADER, "")
        if not same(given, self._secret()):
            return web.Response(status=HTTPStatus.FORBIDDEN)
        if (update := read_json(await self._receive(request))) is None:
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        if isinstance(update, dict):
            try:
                await self._reception.handle([update] if self._ear is None else await self._ear.hear([update]))
            except (DatabaseRefused, DeliveryError) as error:
                self._tell(error)
                return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        return web.Response()
