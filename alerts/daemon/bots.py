"""The parts of channels with subscribers: a sender to all of them, and, on Telegram, a bot that listens and answers.

One bot may serve several channels; it is identified by the place of its token, and all its messages share one pace. The
listener and the sender of a bot are each chosen by a lease of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeAlias

import structlog
from aiohttp import web

from alerts.bot.chat import Fresh, On, TownNow
from alerts.bot.ear import GroupEar, recorded_within
from alerts.bot.reception import Bot, Reception
from alerts.bot.report_news import NewsJobs
from alerts.bot.reporting import ChatReports
from alerts.bot.texting import Texting
from alerts.bot.updates import POLL, SET_AGAIN, Asking, WebhookListening
from alerts.channels.settings import MailSettings, PushSettings, TelegramSettings, read_credential
from alerts.channels.sms.bulk import SmsBulk
from alerts.channels.sms.settings import SmsSettings
from alerts.channels.telegram.client import TelegramClient
from alerts.daemon.telemetry import Metrics
from alerts.delivery.bot_pace import BotPace, PaceAs, Precedence
from alerts.delivery.bulk import BulkSender, BulkSettings, ahead_of
from alerts.delivery.jobs import JobKind
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.share import LeaseGroup
from alerts.delivery.worker import Work
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.health.approvals import bot_notices
from alerts.listening.ears import Intake
from alerts.model.errors import BadCredential
from alerts.model.events import BulkEnded, Events, IncidentChanged, SubscriberReached
from alerts.model.lease import DUTIES, source_lease
from alerts.model.ports import Clock, Resources, Tells
from alerts.model.town import Town
from alerts.rendering.i18n import sentence
from alerts.reports.intake import ReportIntake
from alerts.store.bulk import Bulks, BulkScope
from alerts.store.database import Database
from alerts.store.unit import Unit
from alerts.web.posted import received
from alerts.web.public.publisher import Publisher
from alerts.web.public.site import Edition
from alerts.web.public.snapshot import Setting
from alerts.web.room import vouch

log = structlog.get_logger()


Reaching: TypeAlias = TelegramSettings | PushSettings | MailSettings | SmsSettings
"""The settings of a channel that reaches subscribers."""


def bot_settings(town: Town) -> Mapping[str, TelegramSettings]:
    """The channels whose bot people may subscribe with."""
    return {name: each.settings for name, each in town.bots.items() if isinstance(each.settings, TelegramSettings)}


def reaching(town: Town) -> Mapping[str, Reaching]:
    """The channels that reach subscribers, with what their senders need to know."""
    reached = {name: each.settings for name, each in town.reaching.items()}
    others = {
        name: each for name, each in reached.items() if isinstance(each, PushSettings | MailSettings | SmsSettings)
    }
    return {**bot_settings(town), **others}


def conversing(town: Town) -> Mapping[str, TelegramSettings]:
    """The channels whose bot is spoken to: people may subscribe with it, or the town hears what they say."""
    spoken_to = town.conversing
    return {name: each.settings for name, each in spoken_to.items() if isinstance(each.settings, TelegramSettings)}


def texted(town: Town) -> Mapping[str, SmsSettings]:
    """The channels with subscribers by SMS and a number that people write to."""
    ours = {name: each.settings for name, each in town.reaching.items()}
    return {name: each for name, each in ours.items() if isinstance(each, SmsSettings) and each.number is not None}


def bot_lease(channel: str) -> str:
    """The lease of who listens for a channel's bot; no channel's name holds a blank."""
    return f"bot {channel}"


async def received_of_known(request: web.Request) -> bytes:
    """Receive the body of who proved by a header who they are: it gives way to no stranger's. Raises as `received`."""
    vouch(request)
    return await received(request, request.client_max_size)


@dataclass(eq=False, repr=False)
class Bots:
    """All bots of the daemon."""

    town: Town
    _: KW_ONLY
    service: DeskService
    publisher: Publisher
    setting: Setting
    clock: Clock
    keeper: LeaseKeeper
    resources: Callable[[str], Resources]
    pace: Callable[[str], BotPace]
    events: Events
    intake: Intake | None = None
    reports: ReportIntake | None = None

    def __post_init__(self) -> None:
        self._asking: dict[str, Asking] = {}
        self.jobs: list[JobKind[DeskUnit, Any, Any]] = []
        for name, settings in conversing(self.town).items():
            self._add(name, settings)
        self._texting = [self._heard_by_text(name, settings) for name, settings in texted(self.town).items()]

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of updates, for the bots with a webhook."""
        return [
            web.post(f"/telegram/{name}", each.take)
            for name, each in self._asking.items()
            if isinstance(each, WebhookListening)
        ]

    def work(self) -> list[Work]:
        """Return the loops that run as long as the daemon, by name."""
        return [*(each.work for each in self._asking.values()), *(each.work for each in self._texting)]

    def _heard_by_text(self, name: str, settings: SmsSettings) -> Texting:
        texts = SmsBulk(name, settings, self.resources(name), sentence)
        return Texting(
            name,
            self.town,
            self.service,
            provider=texts,
            join=partial(self.keeper.join, bot_lease(name)),
            write=texts.write_to,
            prefixes=settings.prefixes,
        )

    def _add(self, name: str, settings: TelegramSettings) -> None:
        lease = bot_lease(name)
        client = TelegramClient(settings, self.resources(name), self.pace(name))

        async def remember(key: str, value: str) -> None:
            await self.resources(name).remember(key, value)
            self.events.publish(IncidentChanged())

        intake = self.intake if settings.hears else None
        # What is practised is no report of anything.
        taken = self.reports if not settings.exercise else None
        reports = ChatReports(name, self.service, taken, client) if taken is not None else None
        town_now = partial(self._town_now, settings)
        bot = Bot(
            name,
            client,
            self.service,
            town_now,
            self.clock,
            remember,
            intake,
            settings.subscriptions,
            settings.exercise,
            reports,
            TelegramClient(settings, self.resources(name), PaceAs(self.pace(name), Precedence.AHEAD)),
        )
        reception = Reception(bot)
        polled_every = SET_AGAIN if settings.updates == "webhook" else POLL
        ear = None if intake is None else GroupEar(name, settings.chat, client, intake, recorded_within(polled_every))

        join = partial(self.keeper.join, lease)
        if settings.updates == "webhook":
            url = f"{self.town.public_url}/telegram/{name}"
            secret = partial(webhook_secret, settings, self.resources(name))
            self._asking[name] = WebhookListening(bot, reception, join, url, secret, receive=received_of_known, ear=ear)
        else:
            self._asking[name] = Asking(bot, reception, join, ear=ear)
        if settings.subscriptions:
            self.jobs.append(bot_notices(bot, self.town, lease))
        if reports is not None:
            self._tell_news(bot, settings)

    def _tell_news(self, bot: Bot, settings: TelegramSettings) -> None:
        """Notify reporters of the progress, behind everything urgent and at the pace of bulk messages."""
        name = bot.channel
        unhurried = TelegramClient(settings, self.resources(name), PaceAs(self.pace(name), Precedence.ROUTINE))
        self.jobs.append(NewsJobs(replace(bot, client=unhurried), self.town, bot_lease(name)))

    async def _town_now(self, settings: TelegramSettings) -> TownNow:
        # In a thread: an incident is put into words when it is first asked for.
        now = await asyncio.to_thread(town_now, self.town, self.setting, await self.publisher.edition())
        hours, takes = self.town.listening.hours, self.reports is not None and not settings.exercise
        return replace(now, subscribes=settings.subscriptions, hears=settings.hears, hours=hours, reports=takes)


def webhook_secret(settings: TelegramSettings, resources: Resources) -> str:
    """Return the secret that proves that an update is Telegram's: made of the present token, so every daemon knows it.

    Without a token it is a random one that nobody can know.
    """
    try:
        token = read_credential(settings.token, resources.folder).reveal()
    except BadCredential:
        return secrets.token_hex(32)
    return hashlib.sha256(f"tocsin webhook {token}".encode()).hexdigest()


def town_now(town: Town, setting: Setting, edition: Edition) -> TownNow:
    """The town as its page shows it now."""
    on = {
        language: tuple(
            On(text.title, text.summary, setting.address(text.path) if setting.town.public_url else None, each.id)
            for each in edition.snapshot.situation.on
            if (rendered := edition.incidents.get(each.id)) is not None
            if (text := rendered.text(language)) is not None
        )
        for language in setting.languages
    }
    return TownNow(
        name=town.name,
        language=town.language,
        zone=town.zone,
        districts=town.districts,
        on=on,
        sources=tuple(Fresh(each.title, each.last_ok, each.stale) for each in edition.snapshot.sources),
        page=setting.address("/") if setting.town.public_url else None,
    )


# --- what is sent to all who subscribed: each channel has a sender, and each bot one pace for all that it says

PROGRESS_EVERY = 1.0
"""Seconds between two words to those who watch, while a bulk goes out."""


def holdings(town: Town, paces: Mapping[str, BotPace]) -> list[LeaseGroup]:
    """Return the holdings: each source, each lane, and the shared duties.

    All messages of a bot have one pace, which one process keeps: its listener, its bulks and its lanes stay together.
    """
    bots: dict[int, list[str]] = {}
    for name in paces:
        bots.setdefault(id(paces[name]), []).append(name)
    # The lanes last: a hung bulk keeps no alert from leaving while the bot is handed over.
    together = [(*(each for name in names for each in _voices(town, name)), *names) for names in bots.values()]
    channels = [*together, *((name,) for name in town.channels if name not in paces)]
    polled = [name for name, rules in town.sources.items() if rules.every is not None]
    return [
        *(LeaseGroup("channel", leases) for leases in channels),
        *(LeaseGroup("source", (source_lease(name),)) for name in polled),
        LeaseGroup("duties", (DUTIES,)),
    ]


def _voices(town: Town, name: str) -> list[str]:
    """The leases of who listens for a channel's bot, if it has one, and of who sends to its subscribers."""
    bulk = [f"bulk {name}"] if name in reaching(town) else []
    return [bot_lease(name), *bulk] if name in conversing(town) or name in texted(town) else bulk


class BulkSenders:
    """The senders of all channels with subscriptions. `paces` are those of the channels' bots."""

    def __init__(
        self,
        town: Town,
        *,
        database: Database,
        keeper: LeaseKeeper,
        clock: Clock,
        resources: Callable[[str], Resources],
        open_bulk: Callable[[str, Reaching, Resources], Tells],
        events: Events,
        paces: Mapping[str, BotPace],
    ) -> None:
        self._database = database
        self._keeper = keeper
        self._clock = clock
        self._events = events
        self._paces = paces
        self._shown_at: dict[str, float] = {}
        self._counted: dict[str, tuple[int, int]] = {}
        self._listening = [bot_lease(name) for name in (*conversing(town), *texted(town))]
        self.senders = {
            name: BulkSender(
                BulkSettings(name, settings.in_flight, town.zone, ahead_of(_rate(settings), settings.in_flight)),
                open_bulk(name, settings, resources(name)),
                bulks=Bulks(database, _address(name, settings)),
                keeper=keeper,
                pace=paces[name],
                clock=clock,
                events=events,
            )
            for name, settings in reaching(town).items()
        }
        events.subscribe(SubscriberReached, self._show_progress)
        events.subscribe(BulkEnded, self._ended)

    def work(self) -> list[Work]:
        """Return the loops to run, by name."""
        bots = [Work(f"pace {name}", pace.go_on) for name, pace in _firsts(self._paces)]
        return [*bots, *(sender.work for sender in self.senders.values())]

    async def stop(self, within: float) -> None:
        """Begin nothing more, and keep what landed within so many seconds."""
        # Together: one after the other the last would go on handing messages over while the first ones hang.
        ends = await asyncio.gather(*(each.stop(within) for each in self.senders.values()), return_exceptions=True)
        for name, error in zip(self.senders, ends, strict=True):
            if error is not None:
                log.error("bulk.not_stopped", channel=name, exc_info=error)

    def names(self) -> list[str]:
        """The names of all cycles that there may be, here or elsewhere."""
        return [*(f"bulk {name}" for name in self.senders), *self._listening]

    async def measure(self, metrics: Metrics) -> None:
        """Update the gauges."""
        halted = {name: pace.halted_for for name, pace in self._paces.items()}
        metrics.measure_bots(halted, await self._database.ask(self._count) if self.senders else {})

    def _count(self, unit: Unit) -> dict[str, int]:
        """How many subscribe to each; counted anew only where that changed, for it reads them all."""
        for name in self.senders:
            changes = unit.subscribers.changes(name)
            if self._counted.get(name, (None, 0))[0] != changes:
                self._counted[name] = (changes, unit.subscribers.count(name))
        return {name: count for name, (_, count) in self._counted.items()}

    def _show_progress(self, event: SubscriberReached) -> None:
        """Open pages hear of a bulk's progress once a second, not of each of its thousands of messages."""
        now = self._clock.monotonic()
        for bulk in event.result.target.bulks:
            if now - self._shown_at.get(bulk.id, -PROGRESS_EVERY) >= PROGRESS_EVERY:
                self._shown_at[bulk.id] = now
                self._events.publish(IncidentChanged(bulk.incident))

    def _ended(self, event: BulkEnded) -> None:
        self._shown_at.pop(event.bulk.id, None)
        self._events.publish(IncidentChanged(event.bulk.incident))


def _rate(settings: Reaching) -> int:
    """Return the messages a second; push services say themselves when it is too fast."""
    return 0 if isinstance(settings, PushSettings) else settings.rate


def _address(name: str, settings: Reaching) -> BulkScope:
    # Each alert is a message of its own in a browser, which a later one takes the place of: nothing is gathered.
    if isinstance(settings, PushSettings):
        return BulkScope(name, gather=timedelta(), separate=True)
    # And a letter of its own, for its thread has its updates and its end.
    if isinstance(settings, MailSettings):
        return BulkScope(name, settings.exercise, timedelta(), separate=True)
    # An SMS is paid for, and frightens whom it comes to twice.
    if isinstance(settings, SmsSettings):
        return BulkScope(name, settings.exercise, timedelta(), separate=True, once=True)
    return BulkScope(name, settings.exercise, settings.gather)


def bot_paces(town: Town, clock: Clock) -> Mapping[str, BotPace]:
    """Return the pace of each channel that reaches people: all messages of one bot share one.

    Push has one without a rate, e-mails and SMS one of their own. A bot is identified by the place of its token; its
    rate is the slowest that its channels name.
    """
    # Two channels may share a bot; Telegram counts what the bot says, not what a channel says.
    bots: dict[tuple[str, str], list[int]] = {}
    for settings in conversing(town).values():
        bots.setdefault(_bot(settings), []).append(settings.rate)
    paces = {bot: BotPace(min((rate for rate in rates if rate), default=0), clock) for bot, rates in bots.items()}
    settings_of = {name: each.settings for name, each in town.channels.items()}
    ours = {name: each for name, each in settings_of.items() if isinstance(each, TelegramSettings)}
    others = {name: BotPace(_rate(each), clock) for name, each in reaching(town).items() if name not in ours}
    return {name: paces[_bot(settings)] for name, settings in ours.items() if _bot(settings) in paces} | others


def _bot(settings: TelegramSettings) -> tuple[str, str]:
    # The token itself isn't read here: it may still be missing, which blocks its channel and not the daemon.
    # `tocsin check` reads it, and tells of one token under two names.
    return settings.api_url, settings.token.model_dump_json()


def _firsts(paces: Mapping[str, BotPace]) -> list[tuple[str, BotPace]]:
    """Each pace once, under the first of its channels."""
    return list({id(pace): (name, pace) for name, pace in reversed(list(paces.items()))}.values())
