"""How a daemon takes in what citizens report: a few reports in each transaction, one transaction at a time.

After each there is a rest, so that a crowd never holds up a post. What a report is taken by, and what becomes of it in
the transaction, is `alerts.reports.taking`'s.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime

from alerts.desk.service import DeskService, DeskUnit
from alerts.model.errors import Misuse
from alerts.model.events import IncidentChanged, PostsStored, ReportsChanged
from alerts.model.ports import Clock
from alerts.model.reason import because
from alerts.model.town import Town
from alerts.reports.addresses import places_of
from alerts.reports.drafting import AlertsNow, Came
from alerts.reports.photos import Photo, reencoded
from alerts.reports.places import Places
from alerts.reports.proof import Proofs
from alerts.reports.sieves import RECENTLY
from alerts.reports.taking import ReportDraft, TakenReport, agree, check, kind_of, placed, secrets_of, take

AT_ONCE = 20
"""Reports taken in one transaction: more would hold up an urgent post's journal."""
RESTS = 0.02
"""Seconds between two transactions of what is reported, in which an urgent post is stored or journalled."""
MOST_WAITING = 500
"""Reports that may wait for their transaction; more are asked to come again."""


_Ready = tuple[ReportDraft, Photo | None]
_Waiting = tuple[_Ready, "asyncio.Future[TakenReport]"]


class ReportIntake:
    """Takes reports for a daemon, a few in each transaction. What it took it tells on the bus.

    It is also asked for what a form needs before anything is sent: the town's places, the proofs of work, how many
    report at this moment.
    """

    def __init__(self, town: Town, service: DeskService, clock: Clock) -> None:
        self.town = town
        self._service = service
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._work: asyncio.Task[None] | None = None
        self._drawing = asyncio.Semaphore(1)
        self._proofs: Proofs | None = None
        self._beginning = asyncio.Lock()
        self._came_at: deque[datetime] = deque()

    async def proofs(self) -> Proofs:
        """What gives out proofs of work and checks them; the daemons of a town have one secret for them."""
        if self._proofs is None:
            async with self._beginning:
                if self._proofs is None:  # not by who was faster meanwhile: what is spent is remembered in one place
                    secret = await self._service.keep(lambda unit: secrets_of(unit, ["proof"], unit.now)["proof"].hex())
                    self._proofs = Proofs(secret)
        return self._proofs

    async def places(self) -> Places:
        """The town's places, read anew where their file changed."""
        return await places_of(self.town)

    def recent(self, now: datetime) -> int:
        """How many reports this daemon took in the last ten minutes."""
        while self._came_at and self._came_at[0] <= now - RECENTLY:
            self._came_at.popleft()
        return len(self._came_at)

    async def take(self, draft: ReportDraft) -> TakenReport:
        """Take a report, or know it again by its key.

        Raises Misuse for what can't be taken, with what to say about it, and DatabaseRefused; then nothing was stored.
        """
        kind_of(self.town, draft.kind)
        # In a thread: the outlines of a hundred districts take a second when they are first looked at.
        draft = await asyncio.to_thread(placed, draft, await places_of(self.town))
        check(self.town, draft, self._service.now())
        if len(self._waiting) >= MOST_WAITING:
            raise Misuse(because("reports_too_many"))
        photo = None
        if draft.photo is not None:
            # One at a time: a large one takes a core for most of a second, and memory.
            async with self._drawing:
                photo = await asyncio.to_thread(reencoded, draft.photo)
        future: asyncio.Future[TakenReport] = asyncio.get_running_loop().create_future()
        self._waiting.append(((draft, photo), future))
        if self._work is None:
            self._work = asyncio.create_task(self._take_what_waits(), name="reports")
        # Whoever gives up waiting doesn't take the report back.
        return await asyncio.shield(future)

    async def agree(self, report_id: str, source: str) -> bool:
        """Keep that somebody says "me too"; False where they said so before, or the town has done with it."""
        report = await self._service.ask(lambda unit: unit.reports.by_id(report_id))
        came = await self._service.keep(lambda unit: agree(unit, report_id, source)) if report is not None else None
        if report is None or came is None:
            return False
        self._tell([report.number], [came])
        return True

    async def _take_what_waits(self) -> None:
        try:
            while self._waiting:
                few, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                await self._take_few(few)
                if self._waiting:
                    await self._clock.sleep(RESTS)
        finally:
            self._work = None

    async def _take_few(self, few: Sequence[_Waiting]) -> None:
        drafts = [ready for ready, _ in few]
        try:
            outcomes = await self._service.keep(lambda unit: _take_each(unit, drafts))
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 handed to each who waits
            outcomes = [error] * len(few)
        fresh = [each for each in outcomes if isinstance(each, TakenReport) and each.fresh]
        self._came_at.extend(each.report.received_at for each in fresh)
        self._tell([each.report.number for each in fresh], [each.came for each in fresh])
        for (_, future), outcome in zip(few, outcomes, strict=True):
            # Who gave up waiting hears nothing, and the report is taken all the same.
            if future.done():
                continue
            if isinstance(outcome, TakenReport):
                future.set_result(outcome)
            else:
                future.set_exception(outcome)

    def _tell(self, numbers: Sequence[str], came: Sequence[Came]) -> None:
        if any(each.posts for each in came):
            self._service.tell(PostsStored())
        for incident in {each.changed for each in came if each.changed is not None}:
            self._service.tell(IncidentChanged(incident))
        if numbers:
            self._service.tell(ReportsChanged(tuple(numbers)))


def _take_each(unit: DeskUnit, drafts: Sequence[_Ready]) -> list[TakenReport | BaseException]:
    """Each by itself: what one of them lacks is told before anything of it is written, so it undoes nothing."""
    outcomes: list[TakenReport | BaseException] = []
    alerts = AlertsNow(unit)
    for draft, photo in drafts:
        try:
            outcomes.append(take(unit, draft, photo, alerts))
        except Misuse as error:
            outcomes.append(error)
    return outcomes
