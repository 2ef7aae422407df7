"""Where Facebook brings what people say under a Page's posts: `/hook/facebook/NAME`, for each Page that hears so.

Whoever can't sign with the app's secret is told 403 and nothing else. What is signed is answered 200 only once all of
it is kept: where the database refuses, it is 503, and Facebook brings it again; what was kept before is known by its
id. A delivery has as much room as a thousand comments take, and few are read at once, for a few seconds: the door's
other places are for the desk and the public.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from http import HTTPStatus
from pathlib import Path

import structlog
from aiohttp import web

from alerts.channels.facebook.hearing import SIGNATURE_HEADER, brought, is_signed
from alerts.channels.settings import FacebookSettings, SecretSource, read_credential
from alerts.listening.ears import Intake
from alerts.listening.hearing import unkept
from alerts.model.bounds import read_body, same
from alerts.model.errors import BadCredential, DatabaseRefused, SourceFailed
from alerts.model.listening import Remark
from alerts.model.town import Town

LARGEST = 2 * 1024 * 1024
"""Bytes of one delivery: Facebook puts a thousand changes into one at the most."""
AT_ONCE, WITHIN = 16, 10.0
"""Deliveries of one Page that are read at the same time, and the seconds that one may take; who comes when all places
are taken is told to come again."""
UNDERSTOOD_AT_ONCE = 20
"""Remarks of one delivery that are understood while Facebook waits; of more, that comes once all are kept."""
_CHALLENGE = re.compile(r"[\w.-]{1,200}", re.ASCII)

log = structlog.get_logger()


def hook_routes(town: Town, intake: Intake) -> list[web.RouteDef]:
    """The address of each Page whose comments Facebook may bring."""
    settings = {name: channel.settings for name, channel in town.hearing.items()}
    hooks = {
        name: FacebookHook(name, each, town.folder, intake)
        for name, each in settings.items()
        if isinstance(each, FacebookSettings) and each.is_brought
    }
    return [
        route
        for name, hook in hooks.items()
        for route in (web.get(f"/hook/facebook/{name}", hook.verify), web.post(f"/hook/facebook/{name}", hook.take))
    ]


class FacebookHook:
    """Takes what Facebook brings for one Page. Both secrets are read anew each time: they may be renewed meanwhile."""

    def __init__(self, name: str, settings: FacebookSettings, folder: Path, intake: Intake) -> None:
        self._name = name
        self._settings = settings
        self._folder = folder
        self._intake = intake
        self._reading = 0
        self._keeping = asyncio.Lock()

    async def verify(self, request: web.Request) -> web.Response:
        """Give back the challenge to who knows the word that was agreed on."""
        asked = request.query
        given, challenge = asked.get("hub.verify_token", ""), asked.get("hub.challenge", "")
        known = self._secret(self._settings.verify_token)
        is_known = known is not None and same(given, known)
        if not is_known or asked.get("hub.mode") != "subscribe" or not _CHALLENGE.fullmatch(challenge):
            return web.Response(status=HTTPStatus.FORBIDDEN)
        return web.Response(text=challenge, headers={"X-Content-Type-Options": "nosniff"})

    async def take(self, request: web.Request) -> web.Response:
        """Keep what is brought, once it is known to be Facebook's."""
        signature = request.headers.get(SIGNATURE_HEADER, "")
        if not signature:
            return web.Response(status=HTTPStatus.FORBIDDEN)
        if self._reading >= AT_ONCE:
            return _come_again()
        self._reading += 1
        try:
            return await self._take(request, signature)
        finally:
            self._reading -= 1

    async def _take(self, request: web.Request, signature: str) -> web.Response:
        try:
            async with asyncio.timeout(WITHIN):
                body = await read_body(request.content.iter_any(), "", LARGEST, request.content_length)
        except SourceFailed:
            return web.Response(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except TimeoutError:
            return web.Response(status=HTTPStatus.REQUEST_TIMEOUT)
        # One after the other: many thousands at once are no more than one delivery's work to everybody else.
        async with self._keeping:
            return await self._keep(body, signature)

    async def _keep(self, body: bytes, signature: str) -> web.Response:
        secret = self._secret(self._settings.app_secret)
        try:
            # In a thread: a thousand changes are parsed in a while that an alert needn't wait for.
            remarks = await asyncio.to_thread(self._read, body, signature, secret)
        except ValueError:
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        if remarks is None:
            return web.Response(status=HTTPStatus.FORBIDDEN)
        try:
            # A delivery that comes again is understood once.
            news = await self._intake.service.ask(partial(unkept, channel=self._name, remarks=remarks))
            if len(news) <= UNDERSTOOD_AT_ONCE:
                await self._intake.keep(self._name, news)
            else:
                await self._intake.keep_in_a_hurry(self._name, news)
        except DatabaseRefused as error:
            log.error("hook.refused", channel=self._name, error=str(error))  # noqa: TRY400 one line is enough
            return _come_again()
        return web.Response()

    def _read(self, body: bytes, signature: str, secret: str | None) -> list[Remark] | None:
        if secret is None or not is_signed(body, signature, secret):
            return None
        return brought(body, self._settings.page_id)

    def _secret(self, source: SecretSource | None) -> str | None:
        """The secret; None where it is missing, and then nothing is believed."""
        try:
            return read_credential(source, self._folder).reveal() if source is not None else None
        except BadCredential as error:
            log.error("hook.no_secret", channel=self._name, reason=str(error.reason))  # noqa: TRY400
            return None


def _come_again() -> web.Response:
    return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "30"})
