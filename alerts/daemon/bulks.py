"""Bulk sending in the house: each channel with subscriptions has a sender, each bot one pace for all it says."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from alerts.channels.settings import TelegramSettings
from alerts.config import Config
from alerts.daemon.bots import bot_settings
from alerts.delivery.bot_pace import BotPace
from alerts.delivery.bulk import LONGEST_IDLE, BulkSender, BulkSettings, ahead_of
from alerts.delivery.lease import LeaseKeeper
from alerts.model.bulk import Bulk
from alerts.model.delivery import SendOutcome, SendResult
from alerts.model.ports import Clock, Resources, Tells
from alerts.store.bulk import Address, Bulks
from alerts.store.database import Database
from alerts.store.unit import Unit
from alerts.web.ops import Cycle

TOLD_EVERY = 1.0
"""Seconds between two words to those who watch, while a bulk goes out."""
_LATE = 60.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class BulkPlant:
    """What the senders are built of. `changed` tells those who watch an incident; `paces` are those of the channels."""

    database: Database
    keeper: LeaseKeeper
    clock: Clock
    resources: Callable[[str], Resources]
    tells: Callable[[str, TelegramSettings, Resources], Tells]
    registry: CollectorRegistry
    changed: Callable[[str], None]
    paces: Mapping[str, BotPace]


def bulk_leases(config: Config) -> list[str]:
    """The leases under which bulks are sent."""
    return [f"bulk {name}" for name in bot_settings(config)]


class HouseBulks:
    """The senders and paces of this house."""

    def __init__(self, config: Config, plant: BulkPlant) -> None:
        self._plant = plant
        self._told_at: dict[str, float] = {}
        self._sent = Counter(
            "tocsin_bulk_messages",
            "Messages to subscribers by their fate",
            ["channel", "fate"],
            registry=plant.registry,
        )
        self._over = Counter(
            "tocsin_bulks", "Alerts to subscribers that are over", ["channel", "state"], registry=plant.registry
        )
        self._halted = Gauge(
            "tocsin_bot_halted_seconds", "Until a bot may say anything again", ["channel"], registry=plant.registry
        )
        self._subscribers = Gauge(
            "tocsin_subscribers", "Chats that are told by a channel's bot", ["channel"], registry=plant.registry
        )
        channels = bot_settings(config)
        self._fates = {(name, fate): self._sent.labels(name, fate) for name in channels for fate in SendOutcome}
        self._paces = plant.paces
        self.senders = {name: self._sender(config, name, settings) for name, settings in channels.items()}

    def work(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """What is to run, with its name."""
        bots = [(f"pace {name}", pace.run()) for name, pace in _firsts(self._paces)]
        return [*bots, *((f"bulk {name}", sender.run()) for name, sender in self.senders.items())]

    def wake(self, channels: Sequence[str] | None = None) -> None:
        """Something was stored."""
        for name, sender in self.senders.items():
            if channels is None or name in channels:
                sender.wake()

    async def stop(self, within: float) -> None:
        """Begin nothing more, and keep what landed within so many seconds."""
        for sender in self.senders.values():
            await sender.stop(within)

    def cycles(self) -> list[Cycle]:
        """When each sender last went round."""
        now = self._plant.clock.monotonic()
        late = LONGEST_IDLE.total_seconds() + _LATE
        ages = {name: now - sender.cycled_at for name, sender in self.senders.items()}
        return [Cycle(f"bulk {name}", age, age > late) for name, age in ages.items()]

    async def measure(self) -> None:
        """Bring the gauges up to date."""
        for name, pace in self._paces.items():
            self._halted.labels(name).set(pace.halted_for)
        if self.senders:
            for name, people in (await self._plant.database.ask(self._count)).items():
                self._subscribers.labels(name).set(people)

    def _count(self, unit: Unit) -> dict[str, int]:
        return {name: unit.subscribers.count(name) for name in self.senders}

    def _sender(self, config: Config, name: str, settings: TelegramSettings) -> BulkSender:
        plant = self._plant
        bulks = Bulks(plant.database, Address(name, settings.exercise, settings.gather))
        return BulkSender(
            BulkSettings(name, settings.in_flight, config.zone, ahead_of(settings.rate, settings.in_flight)),
            plant.tells(name, settings, plant.resources(name)),
            bulks=bulks,
            keeper=plant.keeper,
            pace=self._paces[name],
            clock=plant.clock,
            landed=lambda result: self._landed(name, result),
            ended=self._ended,
        )

    def _landed(self, channel: str, result: SendResult) -> None:
        self._fates[channel, result.outcome].inc()
        for bulk in result.target.bulks:
            now = self._plant.clock.monotonic()
            if now - self._told_at.get(bulk.id, -TOLD_EVERY) >= TOLD_EVERY:
                self._told_at[bulk.id] = now
                self._plant.changed(bulk.incident)

    def _ended(self, bulk: Bulk) -> None:
        self._told_at.pop(bulk.id, None)
        self._over.labels(bulk.channel, bulk.state).inc()
        event = f"bulk.{bulk.state}"
        log.info(
            event,
            channel=bulk.channel,
            bulk=bulk.id,
            alert=bulk.alert_id,
            sent=bulk.sent,
            failed=bulk.failed,
            skipped=bulk.skipped,
            reason=str(bulk.reason) if bulk.reason else None,
        )
        self._plant.changed(bulk.incident)


def bot_paces(config: Config, clock: Clock) -> Mapping[str, BotPace]:
    """The pace of each channel whose bot people may subscribe with: all that one bot says has one.

    A bot is known by where its token stands; its rate is the slowest that its channels name.
    """
    bots: dict[tuple[str, str], list[int]] = {}
    for settings in bot_settings(config).values():
        bots.setdefault(_bot(settings), []).append(settings.rate)
    paces = {bot: BotPace(min((rate for rate in rates if rate), default=0), clock) for bot, rates in bots.items()}
    ours = {name: each for name, each in config.channels.items() if isinstance(each, TelegramSettings)}
    return {name: paces[_bot(settings)] for name, settings in ours.items() if _bot(settings) in paces}


def _bot(settings: TelegramSettings) -> tuple[str, str]:
    return settings.api_url, settings.token.model_dump_json()


def _firsts(paces: Mapping[str, BotPace]) -> list[tuple[str, BotPace]]:
    """Each pace once, under the first of its channels."""
    return list({id(pace): (name, pace) for name, pace in reversed(list(paces.items()))}.values())
