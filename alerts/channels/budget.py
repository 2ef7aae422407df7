"""The ceilings of a channel whose posts cost money: what it may spend a day and a month.

A cost is written down before the request that may cause it, and put right by its answer; so what nobody knows to be
unpaid counts as paid. What was spent is one of the channel's facts (`alerts.model.spending`), which `status`, an
incident's report and the metrics read. The ceiling is compared in the transaction that writes the cost down: several
posts may be under way, and a process that lost the channel meanwhile may still be told what its post cost.
"""

from __future__ import annotations

import contextlib
from datetime import date

from alerts.model.errors import DatabaseRefused, Retry
from alerts.model.ports import Resources
from alerts.model.reason import Reason, because
from alerts.model.spending import LIFTED, SPENT, Spending


class Budget:
    """The ceilings of a channel, in euros; days and months are those of the town.

    More may be spent on the day for which an administrator lifted them (`LIFTED`), in whichever process.
    """

    def __init__(self, resources: Resources, daily: float, monthly: float) -> None:
        self._resources = resources
        self._daily = daily
        self._monthly = monthly

    async def afford(self, euros: float) -> None:
        """Raise Retry if so much more would be over a ceiling, by what is known here; nothing is written down."""
        today = self._today()
        over = self._over(Spending.read(self._resources.recall(SPENT)), euros, today)
        if over is not None and not await self._is_lifted(today):
            raise Retry(over, sent=False)

    async def book(self, post: str, euros: float) -> None:
        """Write down what a post may cost, before its request.

        Raises Retry if that would be over a ceiling (the post waits, and goes out once it no longer is), and if it
        can't be written down.
        """
        today = self._today()
        is_lifted = await self._is_lifted(today)

        def added(kept: str | None) -> str:
            spending = Spending.read(kept)
            if not is_lifted and (over := self._over(spending, euros, today)) is not None:
                raise Retry(over, sent=False)
            return spending.plus(post, euros, today).written()

        try:
            await self._resources.change(SPENT, added)
        except DatabaseRefused:
            raise Retry(because("cost_not_kept"), sent=False) from None

    async def correct(self, post: str, euros: float) -> None:
        """Add what a post cost more than was booked (less than nothing: less); if the database refuses, it stays."""
        today = self._today()
        with contextlib.suppress(DatabaseRefused):
            await self._resources.change(SPENT, lambda kept: Spending.read(kept).plus(post, euros, today).written())

    async def _is_lifted(self, today: date) -> bool:
        lifted = None
        with contextlib.suppress(DatabaseRefused):
            lifted = await self._resources.look_up(LIFTED)
        return lifted == today.isoformat()

    def _over(self, spending: Spending, euros: float, today: date) -> Reason | None:
        ceilings = (
            ("daily_budget", self._daily, spending.on(today)),
            ("monthly_budget", self._monthly, spending.in_month(today)),
        )
        for key, most, spent in ceilings:
            if spent + euros > most:
                so_far, cost = f"{spent:.2f}", f"{euros:.2f}"
                return because("budget_reached", key=key, spent=so_far, cost=cost, most=f"{most:.2f}")
        return None

    def _today(self) -> date:
        return self._resources.clock.now().astimezone(self._resources.zone).date()
