"""Who hands reports on in a daemon: one `Forwarder` for each `[reports.forward.NAME]`, over the session of all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yarl import URL

from alerts.channels.open311 import Addresses, Open311
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.share import Holding
from alerts.desk.service import DeskService
from alerts.model.errors import BadCredential, FailedForGood, Retry, SourceFailed
from alerts.model.events import Events
from alerts.model.ports import Clock
from alerts.model.reason import because
from alerts.model.reports import ReportForward
from alerts.model.town import Town
from alerts.reports.forwarding import Forwarder, forward_lease
from alerts.sources.fetch import addresses_of


def forwards_of(town: Town) -> Mapping[str, ReportForward]:
    """The servers that the town's reports are handed on to."""
    return town.reports.forward if town.reports is not None else {}


def forward_holdings(town: Town) -> list[Holding]:
    """What moves from one daemon to another: each server by itself."""
    return [Holding("forward", (forward_lease(name),)) for name in forwards_of(town)]


def build_forwarders(
    town: Town, *, service: DeskService, keeper: LeaseKeeper, clock: Clock, events: Events, session: Any
) -> list[Forwarder]:
    """One for each server."""
    made = []
    for forward in forwards_of(town).values():
        key, addresses = forward.settings.key, addresses_for(forward)
        remote = Open311(forward, key, session=session, clock=clock, folder=town.folder, addresses=addresses)
        made.append(Forwarder(forward, remote, town=town, service=service, keeper=keeper, clock=clock, events=events))
    return made


def addresses_for(forward: ReportForward) -> Addresses:
    """Looks a server's name up: it is asked for in public networks alone, unless the town allows more."""

    async def look_up(url: URL) -> list[str] | None:
        try:
            return await addresses_of(url, None, anywhere=forward.settings.allow_private)
        except FailedForGood:
            pass
        except SourceFailed as error:
            raise Retry(error.reason, sent=False) from None
        raise BadCredential(because("forward_private", host=url.host, name=forward.name))

    return look_up
