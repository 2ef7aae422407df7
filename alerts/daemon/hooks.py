"""The webhook for comments under a Page's posts: `/hook/facebook/NAME`, for each Page that hears so.

A client that can't sign with the app's secret gets 403 and nothing else. A signed delivery gets 200 only once all of it
is stored: if the database refuses, it gets 503, and Facebook repeats it; parts stored before are recognised by their
ids. A delivery has as much room as a thousand comments take, and few are read at once, for a few seconds: the other
places are for the desk and the public. If all places are taken, the one that has sent only half of its body for longest
gives way, and before that the longest of the newcomer's own network: senders of halves keep nobody out.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from http import HTTPStatus

import structlog
from aiohttp import web

from alerts.channels.facebook.hearing import SIGNATURE_HEADER, brought, is_signed
from alerts.channels.settings import FacebookSettings, SecretSource, read_credential
from alerts.listening.ears import Intake
from alerts.listening.hearing import unkept
from alerts.model.bounds import IPV6_GIVEN_AWAY, network_of, read_body, same
from alerts.model.errors import BadCredential, DatabaseRefused, SourceFailed, Unreadable
from alerts.model.town import Town
from alerts.web.console.arrival import address_of
from alerts.web.room import arriving

LARGEST = 2 * 1024 * 1024
"""Bytes of one delivery: Facebook puts a thousand changes into one at the most."""
AT_ONCE, OF_A_NETWORK, WITHIN = 16, 8, 10.0
"""Limits of reading one Page's deliveries: at the same time in all, from one network, and seconds for one.

A delivery that gives way is asked to come again.
"""
UNDERSTOOD_AT_ONCE = 20
"""Remarks of one delivery that are understood while Facebook waits; of more, that comes once all are kept."""
# A header that can't be a signature is refused before anything is read.
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}", re.ASCII)
# It is echoed to the client, so it must not be able to hold markup.
_CHALLENGE = re.compile(r"[\w.-]{1,200}", re.ASCII)

log = structlog.get_logger()


def hook_routes(town: Town, intake: Intake) -> list[web.RouteDef]:
    """Return the route of each Page whose comments Facebook may deliver."""
    settings = {name: channel.settings for name, channel in town.hearing.items()}
    hooks = {
        name: FacebookHook(name, each, town, intake)
        for name, each in settings.items()
        if isinstance(each, FacebookSettings) and each.is_brought
    }
    return [
        route
        for name, hook in hooks.items()
        for route in (web.get(f"/hook/facebook/{name}", hook.verify), web.post(f"/hook/facebook/{name}", hook.take))
    ]


class FacebookHook:
    """Takes Facebook's deliveries for one Page.

    Both secrets are read again each time: they may be renewed meanwhile.
    """

    def __init__(self, name: str, settings: FacebookSettings, town: Town, intake: Intake) -> None:
        self._name = name
        self._settings = settings
        self._town = town
        self._intake = intake
        # Those whose bodies are on their way, the one that began first at the front.
        self._arriving: dict[asyncio.Timeout, str] = {}
        self._kept = 0
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
        """Store a delivery, once it is known to be Facebook's."""
        signature = request.headers.get(SIGNATURE_HEADER, "")
        # Before anything is read: what can be nobody's signature needs no place.
        if not _SIGNATURE.fullmatch(signature):
            return web.Response(status=HTTPStatus.FORBIDDEN)
        try:
            body = await self._receive(request)
        except SourceFailed:
            return web.Response(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except TimeoutError:
            return web.Response(status=HTTPStatus.REQUEST_TIMEOUT)
        secret = self._secret(self._settings.app_secret)
        if secret is None or not await asyncio.to_thread(is_signed, body, signature, secret):
            return web.Response(status=HTTPStatus.FORBIDDEN)
        # Of Facebook's own alone, for whoever can't sign doesn't come so far.
        if self._kept >= AT_ONCE:
            return _come_again()
        self._kept += 1
        try:
            # One after the other: many thousands at once are no more than one delivery's work to everybody else.
            async with self._keeping:
                return await self._keep(body)
        finally:
            self._kept -= 1

    async def _receive(self, request: web.Request) -> bytes:
        """The body.

        Raises SourceFailed where it is too large, TimeoutError where it takes too long or gives way to another one,
        NoRoom where it gives way to what others send to any page.
        """
        network = network_of(address_of(request, self._town.web.trusted), IPV6_GIVEN_AWAY)
        own = [each for each, whose in self._arriving.items() if whose == network]
        if len(own) >= OF_A_NETWORK:
            self._give_way(own[0])
        elif len(self._arriving) >= AT_ONCE:
            self._give_way(next(iter(self._arriving)))
        async with asyncio.timeout(WITHIN) as until:
            self._arriving[until] = network
            try:
                async with arriving(request):
                    return await read_body(request.content.iter_any(), "", LARGEST, request.content_length)
            finally:
                self._arriving.pop(until, None)

    def _give_way(self, oldest: asyncio.Timeout) -> None:
        del self._arriving[oldest]
        oldest.reschedule(asyncio.get_running_loop().time())

    async def _keep(self, body: bytes) -> web.Response:
        try:
            # A thousand changes are parsed in a while that an alert needn't wait for.
            remarks = await brought.read_in_turn(self._settings.api_url, body, self._settings.page_id)
        except Unreadable:
            return web.Response(status=HTTPStatus.BAD_REQUEST)
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

    def _secret(self, source: SecretSource | None) -> str | None:
        """The secret; None where it is missing, and then nothing is believed."""
        try:
            return read_credential(source, self._town.folder).reveal() if source is not None else None
        except BadCredential as error:
            log.error("hook.no_secret", channel=self._name, reason=str(error.reason))  # noqa: TRY400
            return None


def _come_again() -> web.Response:
    return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "30"})
