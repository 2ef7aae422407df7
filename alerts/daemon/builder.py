"""Builds the parts of a daemon: lanes, pollers, ears, reports and bulks, all on the same store, clock and bus.

alerts/app.py starts and stops them in order.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Final

from alerts import version
from alerts.daemon.bots import BulkSenders, bot_paces, holdings
from alerts.daemon.ears import Ears, ear_holdings
from alerts.daemon.environment import DaemonEnvironment, HttpSession
from alerts.daemon.intake import MessageIntake
from alerts.daemon.reports import ReportDuties, forward_holdings, open_remotes
from alerts.delivery.lane import Lane
from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.desk.service import DeskService
from alerts.model.events import Events
from alerts.model.lease import Lease
from alerts.model.ports import Resources, Surroundings
from alerts.model.town import Town
from alerts.sources.poll import Poller
from alerts.sources.shared import SharedReader
from alerts.store.channel_statuses import ChannelStatuses
from alerts.store.database import Database

LONGEST_HOST: Final = 24
"""Characters of the host's name that a lease's owner begins with."""


@dataclass(eq=False, repr=False)
class Builder:
    """Holds the dependencies of all parts, and builds each. `stalled` returns the stalled cycles of this daemon."""

    town: Town
    database: Database
    session: HttpSession
    outside: DaemonEnvironment
    _: KW_ONLY
    events: Events
    stalled: Callable[[], list[str]]

    def __post_init__(self) -> None:
        self.clock = self.outside.clock
        self.feeds = self.outside.feeds or SharedReader(self.session, self.outside.clock)
        self.statuses = ChannelStatuses(self.database)
        self.leases = Leases(self.database)
        self.paces = bot_paces(self.town, self.clock)
        self.keeper = self._build_keeper(self.stalled)
        self.database.lease_lost = self.keeper.lost
        self.desk = self.outside.build_desk(self.town, self.clock.now, self.outside.new_id)
        self.service = self.build_service()
        self._around = Surroundings(self.session, self.clock, self.town, self.feeds)

    def _build_keeper(self, stalled: Callable[[], list[str]]) -> LeaseKeeper:
        outside, host = self.outside, socket.gethostname()
        # A lease belongs to one process: the same machine may run this daemon twice.
        short = host[: LONGEST_HOST - len(outside.owners)]
        owner = f"{outside.owners}{short}-{os.getpid()}-{outside.new_id()}"
        return LeaseKeeper(
            self.leases,
            self.clock,
            owner,
            [*holdings(self.town, self.paces), *ear_holdings(self.town), *forward_holdings(self.town)],
            outside.lease_term,
            renewed=outside.lease_renewed,
            host=host,
            version=version(),
            taken=self._taken,
            stalled=stalled,
        )

    def _taken(self, lease: str, before: Lease | None) -> None:
        """Pause a bot's pace when its lane, bulk or listener is taken: the last owner may have just sent."""
        pace = self.paces.get(lease.rpartition(" ")[2])
        if pace is not None and before is not None and not before.owner:
            pace.rest(self.clock.now() - before.until)

    def build_service(self, *, for_pages: bool = False) -> DeskService:
        """Return the service of people's acts: `for_pages`, on the connections of the public pages."""
        return DeskService(
            town=self.town,
            database=self.database,
            desk=self.desk,
            clock=self.clock,
            new_id=self.outside.new_id,
            events=self.events,
            for_pages=for_pages,
        )

    def resources(self, channel: str) -> Resources:
        """Return a channel's dependencies."""
        statuses = self.statuses
        return Resources(
            session=self.session,
            clock=self.clock,
            folder=self.town.folder,
            recall=lambda key: statuses.recall(channel, key),
            remember=lambda key, value: statuses.remember(channel, key, value),
            pace=self.paces.get(channel),
            listens_every=self.town.listening.every,
            pages=self.town.public_url,
            zone=self.town.zone,
            look_up=lambda key: statuses.look_up(channel, key),
            change=lambda key, change: statuses.change(channel, key, change),
        )

    def build_lanes(self) -> dict[str, Lane]:
        """Return a lane for each channel."""
        outbox = self.outside.outbox(self.database)
        return {
            name: Lane(
                channel,
                self.outside.open_channel(name, channel.settings, self.resources(name)),
                outbox=outbox,
                statuses=self.statuses,
                keeper=self.keeper,
                clock=self.clock,
                chance=self.outside.chance,
                events=self.events,
                longest_idle=self.outside.looks.lanes,
            )
            for name, channel in self.town.channels.items()
        }

    def build_pollers(self, intake: MessageIntake) -> dict[str, Poller]:
        """Return a poller for each polled source; its entries go to `intake`."""
        asked = {name: rules for name, rules in self.town.sources.items() if rules.every is not None}
        opened = {name: self.outside.open_source(name, each.settings, self._around) for name, each in asked.items()}
        return {
            name: Poller(
                name,
                source,
                every,
                database=self.database,
                clock=self.clock,
                chance=self.outside.chance,
                deliver=intake.deliver,
                keeper=self.keeper,
            )
            for name, source in opened.items()
            if source is not None and (every := asked[name].every) is not None
        }

    def build_bulks(self) -> BulkSenders:
        """Return the senders to subscribers."""
        return BulkSenders(
            self.town,
            database=self.database,
            keeper=self.keeper,
            clock=self.clock,
            resources=self.resources,
            open_bulk=self.outside.open_bulk,
            events=self.events,
            paces=self.paces,
        )

    def build_ears(self) -> Ears | None:
        """Return the ears. Returns None if the town listens to nothing."""
        if not self.town.listens:
            return None
        return Ears(
            self.town,
            service=self.service,
            clock=self.clock,
            keeper=self.keeper,
            chance=self.outside.chance,
            events=self.events,
            resources=self.resources,
            open_ear=self.outside.open_ear,
            around=self._around,
            understanding=self.outside.understanding,
        )

    def build_reports(self) -> ReportDuties | None:
        """Return the intake of citizens' reports. Returns None if the town takes none."""
        if self.town.reports is None:
            return None
        remotes = open_remotes(self.town, self.clock, self.session)
        return ReportDuties(
            self.town,
            service=self.service,
            clock=self.clock,
            keeper=self.keeper,
            events=self.events,
            remotes=remotes,
        )
