"""What a channel may spend a day and a month, where each post costs money.

A cost is written down before the request that may cause it, and put right by its answer; so what nobody knows to be
unpaid counts as paid. What was spent is one of the channel's facts (`alerts.model.spending`), which `status`, an
incident's report and the metrics read.
"""

from __future__ import annotations

import contextlib
from datetime import date

from alerts.model.errors import DatabaseRefused, Retry
from alerts.model.ports import Resources
from alerts.model.reason import Reason, because
from alerts.model.spending import LIFTED, SPENT, Spending


class Budget:
    """The ceilings of a channel, in euros; days and months are those of the town."""

    def __init__(self, resources: Resources, daily: float, monthly: float) -> None:
        self._resources = resources
        self._daily = daily
        self._monthly = monthly

    async def afford(self, euros: float) -> None:
        """Raise Retry if so much more would be over a ceiling: the post waits, and goes out once it no longer is.

        It may be spent on the day for which an administrator lifted the ceilings (`LIFTED`), in whichever process.
        """
        if (over := self._over(euros)) is None:
            return
        lifted = None
        with contextlib.suppress(DatabaseRefused):
            lifted = await self._resources.look_up(LIFTED)
        if lifted != self._today().isoformat():
            raise Retry(over, sent=False)

    def _over(self, euros: float) -> Reason | None:
        today, spending = self._today(), Spending.read(self._resources.recall(SPENT))
        ceilings = (
            ("daily_budget", self._daily, spending.on(today)),
            ("monthly_budget", self._monthly, spending.in_month(today)),
        )
        for key, most, spent in ceilings:
            if spent + euros > most:
                so_far, cost = f"{spent:.2f}", f"{euros:.2f}"
                return because("budget_reached", key=key, spent=so_far, cost=cost, most=f"{most:.2f}")
        return None

    async def book(self, post: str, euros: float, *, before: bool = False) -> None:
        """Add to what a post cost; `before` its request, raise Retry where that can't be written down."""
        # Nothing is awaited between reading and writing: several posts may be under way.
        spending = Spending.read(self._resources.recall(SPENT)).plus(post, euros, self._today())
        try:
            await self._resources.remember(SPENT, spending.written())
        except DatabaseRefused:
            # It is known here all the same, and kept with the next change.
            if before:
                await self.book(post, -euros)
                raise Retry(because("cost_not_kept"), sent=False) from None

    def _today(self) -> date:
        return self._resources.clock.now().astimezone(self._resources.zone).date()
