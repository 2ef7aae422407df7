"""The daemon's environment: time, chance, names, the file, the network, and the service manager that watches it.

The simulation builds the same daemon in another `DaemonEnvironment`, and so in another world.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import aiohttp
from yarl import URL

from alerts.channels.mail.bulk import MailBulk
from alerts.channels.push.bulk import PushBulk
from alerts.channels.settings import ChannelSettings, MailSettings, PushSettings
from alerts.channels.sms.bulk import SmsBulk
from alerts.channels.sms.settings import SmsSettings
from alerts.channels.telegram.bulk import TelegramBulk
from alerts.config import channel_class, channel_kind, source_kind
from alerts.daemon.bots import Reaching
from alerts.daemon.desk import build_desk
from alerts.daemon.intake import ENDS_LOOKED_FOR_EVERY
from alerts.daemon.serving import Serve, serve
from alerts.delivery.lane import LONGEST_IDLE
from alerts.delivery.lease import RENEWED, TERM
from alerts.desk.actions import Desk
from alerts.health.approvals import APPROVALS_LOOKED_AT_EVERY
from alerts.health.checks import STORE_LOOKED_AT_EVERY
from alerts.listening.understanding import Understanding
from alerts.model.incident import new_id
from alerts.model.ports import Channel, Clock, Hears, Resources, Source, Surroundings, SystemClock, Tells
from alerts.model.town import PUSH, Town
from alerts.rendering.i18n import sentence
from alerts.sources.fetch import addresses_of
from alerts.sources.settings import AskedSettings
from alerts.sources.shared import SharedReader
from alerts.store.connection import Place, migrate
from alerts.store.database import Database
from alerts.store.outbox import Outbox
from alerts.web.public.signup import Signup
from alerts.web.public.sms_signup import SmsSignup


class HttpSession(Protocol):
    """The one HTTP session of the process. The daemon only closes it; channels and sources send by it."""

    async def close(self) -> None:
        """End every connection."""
        ...


async def open_session() -> HttpSession:
    """One pool of connections for everything. Nobody's cookies are kept: no platform needs them, and some send many."""
    connector = aiohttp.TCPConnector(limit=200, ttl_dns_cache=60)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


async def open_database(place: Place) -> Database:
    """Open the store at `place`, upgraded."""
    await asyncio.to_thread(migrate, place)
    return await Database.open(place)


def open_channel(name: str, settings: ChannelSettings | PushSettings, resources: Resources) -> Channel:
    """The platform's own channel, by its kind."""
    kind = PUSH if isinstance(settings, PushSettings) else settings.kind
    sends = channel_class(kind)
    assert sends is not None  # noqa: S101 the configuration was checked
    channel: Channel = sends(name, settings, resources)
    return channel


def open_bulk(name: str, settings: Reaching, resources: Resources) -> Tells:
    """Return the sender of messages to a channel's subscribers, one by one."""
    if isinstance(settings, PushSettings):
        return PushBulk(name, settings, resources, _push_addresses)
    if isinstance(settings, MailSettings):
        return MailBulk(name, settings, resources, sentence)
    if isinstance(settings, SmsSettings):
        return SmsBulk(name, settings, resources, sentence)
    return TelegramBulk(name, settings, resources)


async def _push_addresses(url: URL, named: bool) -> list[str] | None:
    return await addresses_of(url, None, anywhere=named)


def open_ear(name: str, settings: ChannelSettings, resources: Resources) -> Hears | None:
    """Return the ear of a channel, by its kind. Returns None if it can't be polled."""
    kind = channel_kind(settings.kind)
    ear = kind.load_ear() if kind is not None else None
    return ear(name, settings, resources) if ear is not None else None


def open_source(name: str, settings: AskedSettings, around: Surroundings) -> Source | None:
    """Return the source, by its kind. Returns None if there is nothing to read."""
    kind = source_kind(settings.kind)
    return kind.load()(name, settings, around) if kind is not None else None


@dataclass(frozen=True, slots=True)
class Looks:
    """How often a daemon checks by itself, whatever it is notified of: each is the longest time between two checks.

    `file` is for another process's writes without a ring, `lanes` for an idle lane's outbox, `ends` for expired alerts,
    `approvals` for waiting or decided ones, `store` for a database that can be written again.
    """

    file: timedelta = timedelta(seconds=1)
    lanes: timedelta = LONGEST_IDLE
    ends: timedelta = ENDS_LOOKED_FOR_EVERY
    approvals: timedelta = APPROVALS_LOOKED_AT_EVERY
    store: timedelta = STORE_LOOKED_AT_EVERY


@dataclass(frozen=True, slots=True)
class DaemonEnvironment:
    """The world of one daemon. Whatever is decided outside of it comes in here; the defaults are the real one.

    `lease_term` is how long a lease lasts, a minute at most, and `lease_renewed` after how much of it each is renewed:
    what is renewed more seldom costs less, and a daemon that died is replaced later. `doors` says whether it answers
    over HTTP and hears the ring of other processes. `serve` is where it is asked; `lends_session` says that the session
    is somebody else's, who closes it, `feeds` what reads addresses and `understanding` what reads utterances, for all
    who share them. `owners` is what the names
    begin with under which this process alone holds leases: whoever held one before is dead, and its leases are ended.
    """

    clock: Clock = field(default_factory=SystemClock)
    chance: Callable[[], float] = random.random
    new_id: Callable[[], str] = new_id
    open_session: Callable[[], Awaitable[HttpSession]] = open_session
    open_database: Callable[[Place], Awaitable[Database]] = open_database
    open_channel: Callable[[str, Any, Resources], Channel] = open_channel
    open_ear: Callable[[str, Any, Resources], Hears | None] = open_ear
    open_bulk: Callable[[str, Any, Resources], Tells] = open_bulk
    open_source: Callable[[str, Any, Surroundings], Source | None] = open_source
    build_desk: Callable[[Town, Callable[[], datetime], Callable[[], str]], Desk] = build_desk
    outbox: Callable[[Database], Outbox] = Outbox
    looks: Looks = Looks()
    lease_term: timedelta = TERM
    lease_renewed: float = RENEWED
    doors: bool = True
    serve: Serve = serve
    lends_session: bool = False
    feeds: SharedReader | None = None
    understanding: Understanding | None = None
    owners: str = ""


HANDED_OVER_AFTER = 0.001
"""Seconds after which a thread that computes (pages, a feed's message) hands the interpreter over when another asks.

A post crosses threads six times from stored to called, and Python's own five milliseconds each would add up.
"""
COLLECTED_AFTER = (10_000, 20, 20)
"""Objects after which the youngest are gone through, how many times until the next older ones are, and the oldest."""


def leave_alone_what_stays() -> None:
    """Have the garbage collector ignore permanent objects from now on.

    A running daemon keeps some 200,000 objects (modules, templates, statements) until it ends. A full collection would
    scan them each time, and delay every post by a tenth of a second.
    """
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)
    gc.enable()


# --- what systemd wants to hear of a service of `Type=notify` (sd_notify(3)): a datagram to the socket it names


def tell_systemd(state: str) -> bool:
    """Send `READY=1`, `WATCHDOG=1`, `STOPPING=1` or the like; False where no systemd listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    # `@` stands for the null byte with which an abstract socket's name begins (sd_notify(3)).
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        line.sendto(state.encode(), address)
        return True
    return False


def watchdog_interval() -> float | None:
    """Half of the time after which systemd takes a silent service for dead, in seconds; None: it doesn't watch."""
    # Half of the time is what sd_watchdog_enabled(3) recommends.
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 2_000_000 if microseconds.isdigit() and int(microseconds) else None


def email_signup(town: Town, resources: Callable[[str], Resources]) -> Signup | None:
    """The door to subscriptions; None where nobody can subscribe to letters."""
    name = town.letters
    settings = town.channels[name].settings if name is not None else None
    if name is None or not isinstance(settings, MailSettings):
        return None
    return Signup(name, MailBulk(name, settings, resources(name), sentence).write_to)


def sms_signup(town: Town, resources: Callable[[str], Resources]) -> SmsSignup | None:
    """The same of SMS."""
    name = town.texts
    settings = town.channels[name].settings if name is not None else None
    if name is None or not isinstance(settings, SmsSettings):
        return None
    return SmsSignup(name, SmsBulk(name, settings, resources(name), sentence).write_to, settings.prefixes)
