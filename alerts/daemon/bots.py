"""The bots of the channels that say `subscriptions = true`: from settings to what listens, answers, tells officers."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from alerts.bot.reception import Bot, Reception
from alerts.bot.town import Fresh, On, Town
from alerts.bot.updates import POLL, SET_AGAIN, Asking, Listening
from alerts.channels.settings import TelegramSettings, read_credential
from alerts.channels.telegram.client import TelegramClient
from alerts.config import Config
from alerts.delivery.lease import LeaseKeeper
from alerts.desk.service import DeskService
from alerts.health.officer_notices import OfficerNotices
from alerts.model.errors import BadCredential
from alerts.model.events import Events, IncidentChanged
from alerts.model.ports import Clock, Pace, Resources
from alerts.web.ops import Cycle
from alerts.web.public.publisher import Publisher
from alerts.web.public.setting import Setting
from alerts.web.public.site import Edition

_LATE = 120.0


def bot_settings(config: Config) -> Mapping[str, TelegramSettings]:
    """The channels whose bot people may subscribe with."""
    return config.bots


def bot_lease(channel: str) -> str:
    """The lease of who listens for a channel's bot; no channel's name holds a blank."""
    return f"bot {channel}"


@dataclass(frozen=True, slots=True)
class Furnishing:
    """What the house gives to its bots."""

    config: Config
    service: DeskService
    publisher: Publisher
    setting: Setting
    clock: Clock
    keeper: LeaseKeeper
    resources: Callable[[str], Resources]
    pace: Callable[[str], Pace]
    events: Events


class Bots:
    """All bots of a house."""

    def __init__(self, given: Furnishing) -> None:
        self._given = given
        self._asking: dict[str, Asking] = {}
        self._rounds: dict[str, OfficerNotices] = {}
        for name, settings in bot_settings(given.config).items():
            self._add(name, settings)

    def routes(self) -> list[web.RouteDef]:
        """Where updates are brought, for the bots that have them brought."""
        return [
            web.post(f"/telegram/{name}", each.take)
            for name, each in self._asking.items()
            if isinstance(each, Listening)
        ]

    def work(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs as long as the house does, by name."""
        listening = [(bot_lease(name), each.run()) for name, each in self._asking.items()]
        return listening + [(f"officers {name}", each.run()) for name, each in self._rounds.items()]

    def cycles(self) -> list[Cycle]:
        """How long ago each bot that is ours to listen for last heard from Telegram."""
        now, keeper = self._given.clock.monotonic(), self._given.keeper
        ours = [(name, each) for name, each in self._asking.items() if keeper.lease_of(bot_lease(name)) is not None]
        return [_cycle(bot_lease(name), each, now) for name, each in ours]

    def _add(self, name: str, settings: TelegramSettings) -> None:
        given, lease = self._given, bot_lease(name)
        client = TelegramClient(settings, given.resources(name), given.pace(name))

        async def remember(key: str, value: str) -> None:
            await given.resources(name).remember(key, value)
            given.events.publish(IncidentChanged())

        bot = Bot(name, client, given.service, self._town, given.clock, remember)
        reception = Reception(bot)

        async def wait_for_lease() -> object:
            return await given.keeper.wait_for(lease)

        if settings.updates == "webhook":
            url = f"{given.config.station.public_url}/telegram/{name}"
            secret = partial(webhook_secret, settings, given.resources(name))
            self._asking[name] = Listening(bot, reception, wait_for_lease, url, secret)
        else:
            self._asking[name] = Asking(bot, reception, wait_for_lease)
        self._rounds[name] = OfficerNotices(bot, given.config, wait_for_lease)

    async def _town(self) -> Town:
        return town_of(self._given.config, self._given.setting, await self._given.publisher.edition())


def webhook_secret(settings: TelegramSettings, resources: Resources) -> str:
    """What proves that an update is Telegram's: made of the token as it is now, so that every daemon knows it.

    Where there is no token it is nothing that anybody could know.
    """
    try:
        token = read_credential(settings.token, resources.folder).reveal()
    except BadCredential:
        return secrets.token_hex(32)
    return hashlib.sha256(f"tocsin webhook {token}".encode()).hexdigest()


def town_of(config: Config, setting: Setting, edition: Edition) -> Town:
    """The town as its page shows it now."""
    on = {
        language: tuple(
            On(told.title, told.summary, setting.address(told.path) if setting.public_url else None)
            for each in edition.outlook.situation.on
            if (lasting := edition.incidents.get(each.id)) is not None
            for told in [lasting.told[language]]
        )
        for language in setting.languages
    }
    return Town(
        name=config.station.name,
        language=config.station.language,
        zone=config.zone,
        districts=config.districts,
        on=on,
        sources=tuple(Fresh(each.title, each.last_ok, each.stale) for each in edition.outlook.sources),
        page=setting.address("/") if setting.public_url else None,
    )


def _cycle(name: str, asking: Asking, now: float) -> Cycle:
    longest = SET_AGAIN if isinstance(asking, Listening) else POLL
    age = now - asking.cycled_at
    return Cycle(name, age, age > longest + _LATE, asking.reason)
