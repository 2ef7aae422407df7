"""How a daemon is doing: its cycles, who works what where there are several daemons, and all that is counted.

What runs in it joins as it is built; nothing is measured before somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass

from prometheus_client import CollectorRegistry

from alerts.daemon.bots import BulkSenders
from alerts.daemon.telemetry import Metrics
from alerts.delivery.lane import Lane
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.worker import Cycle, Workers
from alerts.desk.status_out import OwnerOut, owners_of
from alerts.desk.unit import cost_of
from alerts.health.checks import STORE
from alerts.model.lease import source_lease
from alerts.model.ports import Clock
from alerts.model.reason import because
from alerts.model.town import Town
from alerts.sources.poll import Poller
from alerts.store.database import Database
from alerts.store.views import Views
from alerts.web.ops import Gauges


@dataclass(eq=False, repr=False)
class DaemonStatus:
    """The state of a daemon. `lanes` and `pollers` fill when it starts."""

    town: Town
    _: KW_ONLY
    database: Database
    keeper: LeaseKeeper
    metrics: Metrics
    bulks: BulkSenders
    workers: Workers
    clock: Clock

    def __post_init__(self) -> None:
        self.lanes: dict[str, Lane] = {}
        self.pollers: dict[str, Poller] = {}
        self.connections: Callable[[], int] = int
        """How many connections to our pages are open: none before there is a door."""

    def gauges(self) -> Gauges:
        """Return the source of `/readyz` and `/metrics`."""
        return Gauges(self.cycles, self.exposition, self.town.language, self.keeper.daemon.name, self.ownership)

    def cycles(self) -> list[Cycle]:
        """Every loop that is worked here: when it last went round, and whether it should have since."""
        refused = self.database.trouble
        store = Cycle(STORE, None, refused is not None, because("database_said", said=refused) if refused else None)
        return [store, *self.workers.cycles()]

    def all_cycles(self) -> list[Cycle]:
        """Those that are worked here, and each that another daemon works, as that one says."""
        here, there = self.cycles(), self.keeper.stalled_elsewhere()
        names = [f"lane {name}" for name in self.lanes] + [f"source {name}" for name in self.pollers]
        names = [*dict.fromkeys([*names, *self.bulks.names(), *there])]
        # What stands still here is told so, though another daemon may have it by now.
        known = {cycle.name for cycle in here if cycle.stands or cycle.name not in there}
        kept = [cycle for cycle in here if cycle.name in known]
        return kept + [Cycle(name, None, name in there) for name in names if name not in known]

    def stalled(self) -> list[str]:
        """Return the names of the cycles that are stalled here."""
        return [cycle.name for cycle in self.cycles() if cycle.stands]

    def ownership(self) -> Mapping[str, OwnerOut]:
        """Return the owners of leases, as of the last reading."""
        return owners_of(self.keeper.found, self.town) if self.keeper.found is not None else {}

    async def exposition(self) -> bytes:
        """Everything that is counted, as Prometheus reads it."""
        await self.measure()
        return self.metrics.exposition()

    async def measure(self) -> CollectorRegistry:
        """Update the gauges that are measured on request; returns all metrics."""
        # Asked where people ask: a scrape on the lanes' connection would hold up an alert (docs/adr/0009).
        posts, jobs, costs = await self.database.ask(
            lambda unit: (unit.views.post_counts(), unit.jobs.counts(), self._costs(unit.views))
        )
        well = {("source", name): poller.reason is None for name, poller in self._pollers_here().items()}
        well |= {("channel", name): lane.trouble is None for name, lane in self._lanes_here().items()}
        well["store", "database"] = self.database.trouble is None
        self.metrics.measure(posts, self.cycles(), well, self.connections())
        self.metrics.measure_jobs(jobs)
        self.metrics.measure_costs(costs)
        await self.bulks.measure(self.metrics)
        return self.metrics.registry

    def _costs(self, views: Views) -> Mapping[str, Mapping[str, float]]:
        found = {name: cost_of(views, self.town, name, self.clock.now()) for name in self.town.channels}
        return {name: cost for name, cost in found.items() if cost is not None}

    # Of what another daemon works, that one tells: a series must not say two things.

    def _lanes_here(self) -> dict[str, Lane]:
        return {name: each for name, each in self.lanes.items() if not self.keeper.is_elsewhere(name)}

    def _pollers_here(self) -> dict[str, Poller]:
        return {name: each for name, each in self.pollers.items() if not self.keeper.is_elsewhere(source_lease(name))}
