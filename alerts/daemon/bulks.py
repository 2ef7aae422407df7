"""Bulk sending in the house: each channel with subscriptions has a sender, each bot one pace for all it says."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from alerts.channels.settings import TelegramSettings
from alerts.config import Config
from alerts.daemon.bots import bot_settings
from alerts.daemon.metrics import Metrics
from alerts.delivery.bot_pace import BotPace
from alerts.delivery.bulk import LONGEST_IDLE, BulkSender, BulkSettings, ahead_of
from alerts.delivery.lease import LeaseKeeper
from alerts.model.events import BulkEnded, Events, IncidentChanged, SubscriberTold
from alerts.model.ports import Clock, Resources, Tells
from alerts.store.bulk import Address, Bulks
from alerts.store.database import Database
from alerts.store.unit import Unit
from alerts.web.ops import Cycle

TOLD_EVERY = 1.0
"""Seconds between two words to those who watch, while a bulk goes out."""
_LATE = 60.0


def bulk_leases(config: Config) -> list[str]:
    """The leases under which bulks are sent."""
    return [f"bulk {name}" for name in bot_settings(config)]


class BulkSenders:
    """The senders of all channels with subscriptions. `paces` are those of the channels' bots."""

    def __init__(
        self,
        config: Config,
        *,
        database: Database,
        keeper: LeaseKeeper,
        clock: Clock,
        resources: Callable[[str], Resources],
        open_bulk: Callable[[str, TelegramSettings, Resources], Tells],
        events: Events,
        paces: Mapping[str, BotPace],
    ) -> None:
        self._database = database
        self._clock = clock
        self._events = events
        self._paces = paces
        self._told_at: dict[str, float] = {}
        self.senders = {
            name: BulkSender(
                BulkSettings(name, settings.in_flight, config.zone, ahead_of(settings.rate, settings.in_flight)),
                open_bulk(name, settings, resources(name)),
                bulks=Bulks(database, Address(name, settings.exercise, settings.gather)),
                keeper=keeper,
                pace=paces[name],
                clock=clock,
                events=events,
            )
            for name, settings in bot_settings(config).items()
        }
        events.subscribe(SubscriberTold, self._told)
        events.subscribe(BulkEnded, self._ended)

    def work(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """What is to run, with its name."""
        bots = [(f"pace {name}", pace.run()) for name, pace in _firsts(self._paces)]
        return [*bots, *((f"bulk {name}", sender.run()) for name, sender in self.senders.items())]

    async def stop(self, within: float) -> None:
        """Begin nothing more, and keep what landed within so many seconds."""
        for sender in self.senders.values():
            await sender.stop(within)

    def cycles(self) -> list[Cycle]:
        """When each sender last went round."""
        now = self._clock.monotonic()
        late = LONGEST_IDLE.total_seconds() + _LATE
        ages = {name: now - sender.cycled_at for name, sender in self.senders.items()}
        return [Cycle(f"bulk {name}", age, age > late) for name, age in ages.items()]

    async def measure(self, metrics: Metrics) -> None:
        """Bring the gauges up to date."""
        halted = {name: pace.halted_for for name, pace in self._paces.items()}
        metrics.measure_bots(halted, await self._database.ask(self._count) if self.senders else {})

    def _count(self, unit: Unit) -> dict[str, int]:
        return {name: unit.subscribers.count(name) for name in self.senders}

    def _told(self, event: SubscriberTold) -> None:
        """Open pages hear of a bulk's progress once a second, not of each of its thousands of messages."""
        now = self._clock.monotonic()
        for bulk in event.result.target.bulks:
            if now - self._told_at.get(bulk.id, -TOLD_EVERY) >= TOLD_EVERY:
                self._told_at[bulk.id] = now
                self._events.publish(IncidentChanged(bulk.incident))

    def _ended(self, event: BulkEnded) -> None:
        self._told_at.pop(event.bulk.id, None)
        self._events.publish(IncidentChanged(event.bulk.incident))


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
