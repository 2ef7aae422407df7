"""The ceilings of a channel whose posts cost money: what it may spend a day and a month.

A cost is written down before the request that may cause it, and put right by its answer; so what nobody knows to be
unpaid counts as paid. What was spent is one of the channel's facts (`alerts.model.spending`), which `status`, an
incident's report and the metrics read. The ceiling is compared in the transaction that writes the cost down: several
posts may be under way, and a process that lost the channel meanwhile may still be told what its post cost.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import date

from alerts.model.errors import DatabaseRefused, Retry
from alerts.model.ports import Resources
from alerts.model.reason import Reason, because
from alerts.model.spending import LIFTED, SPENT, Spending

AHEAD = 50
"""For so many messages of a bulk the money is booked at once: a kill leaves what was booked for the rest counted."""
_ROUNDED = 1e-6


class Budget:
    """The ceilings of a channel, in euros; days and months are those of the town.

    More may be spent on the day for which an administrator lifted them (`LIFTED`), in whichever process. The share
    `urgent_share` of both is for what is urgent alone.
    """

    def __init__(self, resources: Resources, daily: float, monthly: float, urgent_share: float = 0.0) -> None:
        self._resources = resources
        self._daily = daily
        self._monthly = monthly
        self._urgent_share = urgent_share

    async def afford(self, euros: float, *, urgent: bool = True) -> None:
        """Raise Retry if so much more would be over a ceiling, by what is known here; nothing is written down."""
        today = self._today()
        over = self._over(Spending.read(self._resources.recall(SPENT)), euros, today, urgent=urgent)
        if over is not None and not await self._is_lifted(today):
            raise Retry(over, sent=False)

    async def book(self, post: str, euros: float, *, urgent: bool = True, most: float | None = None) -> None:
        """Write down what a post may cost, before its request; `most` is a ceiling of that post alone.

        Raises Retry if that would be over a ceiling (the post waits, and goes out once it no longer is), and if it
        can't be written down.
        """
        today = self._today()
        is_lifted = await self._is_lifted(today)

        def added(kept: str | None) -> str:
            spending = Spending.read(kept)
            if not is_lifted and (over := self._over(spending, euros, today, urgent=urgent)) is not None:
                raise Retry(over, sent=False)
            if most is not None and (spending.of(post) or 0.0) + euros > most + _ROUNDED:
                raise Retry(because("sms_codes_used_up", most=f"{most:.2f}"), sent=False)
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

    def _over(self, spending: Spending, euros: float, today: date, *, urgent: bool) -> Reason | None:
        share = 1.0 if urgent else 1.0 - self._urgent_share
        ceilings = (
            ("daily_budget", self._daily * share, spending.on(today)),
            ("monthly_budget", self._monthly * share, spending.in_month(today)),
        )
        for key, most, spent in ceilings:
            if spent + euros > most + _ROUNDED:
                so_far, cost = f"{spent:.2f}", f"{euros:.2f}"
                return because("budget_reached", key=key, spent=so_far, cost=cost, most=f"{most:.2f}")
        return None

    def _today(self) -> date:
        return self._resources.clock.now().astimezone(self._resources.zone).date()


class BookedAhead:
    """Money for the messages of bulks, booked for `AHEAD` of them at once, by the id of their post."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._left: dict[str, float] = {}
        self._one_at_a_time = asyncio.Lock()

    async def take(self, post: str, euros: float, *, urgent: bool) -> None:
        """Take the money for one message. Raises Retry if that would be over a ceiling."""
        async with self._one_at_a_time:
            if self._left.get(post, 0.0) < euros:
                await self._give_back_but(post)
                await self._book(post, euros, urgent=urgent)
            self.put_back(post, -euros)

    def put_back(self, post: str, euros: float) -> None:
        """So much of what was taken wasn't paid; the next messages of that post take it."""
        self._left[post] = self._left.get(post, 0.0) + euros

    async def close(self) -> None:
        """Give back what nobody took."""
        await self._give_back_but(None)

    async def _book(self, post: str, euros: float, *, urgent: bool) -> None:
        for count in (AHEAD, 1):  # near a ceiling one by one, so that it is reached and not missed
            try:
                await self._budget.book(post, count * euros, urgent=urgent)
            except Retry:
                if count == 1:
                    raise
            else:
                self.put_back(post, count * euros)
                return

    async def _give_back_but(self, post: str | None) -> None:
        for other in [each for each in self._left if each != post]:
            await self._budget.correct(other, -self._left.pop(other))
