"""One alert to several towns: what would come of it in each, and the one task that files it, town after town.

    pages ──▶ Dispatch, stored with its towns ──▶ `foresee`: a look, nothing filed ──▶ sent ──▶ `run`: filed in each

Each town decides by its own rules, in a transaction of its own database (`file_in`), as about something that an author
of its own wrote. Some towns are worked on at a time, so that a thousand of them hold up nobody's lanes. What came of it
is written down after each; a process that was killed in between files the rest when it is back, and finds by its
identifier what is there already. A town that doesn't run is told as such, and can be tried again.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from alerts.delivery.worker import Guarded, Work
from alerts.desk.actions import Filed
from alerts.desk.draft import Draft, draft_alert, picture_kind
from alerts.desk.officer import Officer, all_clear_of, cancel_of, correction_of
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.fleet.fleet import Fleet
from alerts.model.alert import Severity
from alerts.model.dispatch import Dispatch, DispatchAct, Outcome, TownOutcome
from alerts.model.errors import DatabaseRefused, TocsinError
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.person import Act, Actor, operator_of
from alerts.model.reason import because
from alerts.model.remembered import Newest
from alerts.model.town import Town
from alerts.rendering.i18n import words_in
from alerts.web.console.form import FormContext, read_form

AT_ONCE = 4
"""Towns that are worked on at a time."""
AGAIN_AFTER = 5.0
"""Seconds until a town is tried again that was being started, or whose database was busy."""
PROGRESS_EVERY = 25
"""Towns after which open pages are told how far it is."""
LONGEST = 10.0
"""Seconds that a town may take before the others go on; what it did by then is found at the next try."""
WAITED_FOR = 1.0
"""Seconds that a page waits for the look, so that of a few towns it tells all at once."""
KEPT_FORESEEN = 20
"""Dispatches of which is kept what would come of them."""

log = structlog.get_logger()
_ENDS = {
    DispatchAct.OVER: (Act.CANCEL, all_clear_of),
    DispatchAct.CANCEL: (Act.CANCEL, cancel_of),
    DispatchAct.CORRECT: (Act.CORRECT, correction_of),
}


class Dispatcher:
    """Looks and files. `progressed` is called when an open page has something new to show."""

    def __init__(self, fleet: Fleet, town: Town, service: DeskService, progressed: Callable[[], None]) -> None:
        self._fleet = fleet
        self._town = town
        self._service = service
        self._progressed = progressed
        self._rung = asyncio.Event()
        self._foreseen: Newest[str, dict[str, TownOutcome]] = Newest(KEPT_FORESEEN)
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._is_left = False

    def ring(self) -> None:
        """Something was sent."""
        self._rung.set()

    async def foreseen(self, dispatch: Dispatch, towns: Sequence[TownOutcome]) -> Mapping[str, TownOutcome]:
        """Return the results known so far. Of many towns the rest comes later, and open pages are notified."""
        if dispatch.id not in self._foreseen:
            # The oldest go: who still has such a page open has it looked at anew.
            self._foreseen.keep(dispatch.id, {})
            task = asyncio.create_task(self._foresee(dispatch, towns), name=f"look {dispatch.id}")
            self._looking[dispatch.id] = task
            task.add_done_callback(lambda _: self._looking.pop(dispatch.id, None))
        if (looking := self._looking.get(dispatch.id)) is not None:
            # Not `wait_for`, which would end it: what isn't seen by then comes to the page when it is.
            await asyncio.wait([looking], timeout=WAITED_FOR)
        return self._foreseen[dispatch.id]

    async def close(self) -> None:
        """Look no more."""
        for task in (tasks := list(self._looking.values())):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def work(self) -> Work:
        """Files whatever was sent, the gravest first; what an earlier process left goes on."""
        again = lambda: AGAIN_AFTER if self._is_left else math.inf  # noqa: E731 as it is then
        return Work("dispatches", self._round, again, woken=self._rung, longest=AGAIN_AFTER)

    async def _round(self) -> bool:
        """Send what isn't out, each dispatch by itself; whether something is left. A new one ends the round early."""
        names = await self._service.ask(lambda unit: unit.dispatches.unfinished())
        unfinished = [each for name in names if (each := await self._read(name)) is not None]
        left = len(unfinished) < len(names)
        for dispatch in sorted(unfinished, key=_gravity, reverse=True):
            with Guarded("dispatch.failed", dispatch=dispatch.id) as part:
                left = not await self._send(dispatch, gives_way=True) or left
            left = left or part.error is not None
        self._is_left = left
        return left

    async def _read(self, name: str) -> Dispatch | None:
        """Return the dispatch of that id; None where its row can't be read, which holds up no other dispatch."""
        with Guarded("dispatch.failed", but=(DatabaseRefused,), dispatch=name):
            return await self._service.ask(lambda unit: unit.dispatches.dispatch(name))
        return None

    async def _foresee(self, dispatch: Dispatch, towns: Sequence[TownOutcome]) -> None:
        found = self._foreseen[dispatch.id]
        looked = replace(dispatch, sent_at=self._service.now())

        async def look(each: TownOutcome) -> None:
            found[each.town] = await self._outcome_in(looked, each.town, self._looked_at)

        await self._some_at_a_time(towns, look)

    async def _send(self, dispatch: Dispatch, *, gives_way: bool = False) -> bool:
        """File it where it isn't yet; whether nothing is left to do. It may give way to what is sent meanwhile."""
        towns = await self._service.ask(lambda unit: list(unit.dispatches.towns(dispatch.id)))
        pending = [each for each in towns if each.outcome is Outcome.PENDING]
        left: list[str] = []

        async def send(each: TownOutcome) -> None:
            if gives_way and self._rung.is_set():  # what was just sent may be graver, and goes first
                left.append(each.town)
                return
            outcome = await self._outcome_in(dispatch, each.town, self._filed_in)
            if outcome.outcome is Outcome.PENDING:
                left.append(each.town)
                if outcome != each:
                    await self._service.act(lambda unit: unit.dispatches.put_towns(dispatch.id, [outcome]))
                return
            log.info("dispatch.filed", dispatch=dispatch.id, town=each.town, outcome=outcome.outcome)
            # After each town: of a dispatch that a kill interrupted only the rest is asked again.
            await self._service.act(lambda unit: unit.dispatches.put_towns(dispatch.id, [outcome]))

        await self._some_at_a_time(pending, send)
        return not left

    async def _some_at_a_time(
        self, towns: Sequence[TownOutcome], work: Callable[[TownOutcome], Awaitable[None]]
    ) -> None:
        places, done = asyncio.Semaphore(AT_ONCE), 0

        async def in_its_place(each: TownOutcome) -> None:
            nonlocal done
            async with places:
                await work(each)
            done += 1
            if done % PROGRESS_EVERY == 0 or done == len(towns):
                self._progressed()

        await asyncio.gather(*map(in_its_place, towns))

    async def _outcome_in(
        self, dispatch: Dispatch, town: str, work: Callable[[DeskService, Dispatch, Actor], Awaitable[TownOutcome]]
    ) -> TownOutcome:
        member = self._fleet.members.get(town)
        if member is None or (member.daemon is None and member.wrong):
            return TownOutcome(town, Outcome.REFUSED, reason=because("town_down"))
        if member.daemon is None:  # it is being started
            return TownOutcome(town)
        actor = operator_of(self._town.name, dispatch.author)
        try:
            # A full disk, a busy database: one town's trouble holds up no other.
            with Guarded("dispatch.waits", but=(TocsinError,), dispatch=dispatch.id, town=town) as part:
                async with asyncio.timeout(LONGEST):
                    return replace(await work(member.daemon.service, dispatch, actor), town=town)
        except TocsinError as error:
            return TownOutcome(town, Outcome.REFUSED, reason=error.reason)
        said = getattr(part.error, "strerror", None) or str(part.error) or type(part.error).__name__
        return TownOutcome(town, reason=because("town_waits", said=said))

    async def _looked_at(self, service: DeskService, dispatch: Dispatch, actor: Actor) -> TownOutcome:
        if dispatch.act is not DispatchAct.POST:
            return TownOutcome("", Outcome.OUT)  # where it is out, it is ended; who has to validate that sees it there
        draft = self._draft_of(dispatch)
        return await asyncio.to_thread(
            service.sketch_blank, lambda unit: _outcome(_posted(unit, dispatch, actor, draft).stored)
        )

    async def _filed_in(self, service: DeskService, dispatch: Dispatch, actor: Actor) -> TownOutcome:
        draft, about = None, None
        if dispatch.act is DispatchAct.POST:
            draft = await _with_own_picture(self._draft_of(dispatch), service)
        else:
            about = await self._service.ask(lambda unit: list(unit.dispatches.towns(dispatch.about or "")))

        def action(unit: DeskUnit) -> TownOutcome:
            # In the transaction that files it: a town that filed it and was killed before it could say so has it once.
            known = unit.alerts.by_identifier(f"tocsin-{dispatch.id}", unit.desk.station.sender)
            if known:
                return _outcome(known[0])
            if draft is not None:
                return _outcome(_posted(unit, dispatch, actor, draft).stored)
            alerts = [each.alert for each in about or () if each.alert]
            stored = next((each for name in alerts for each in unit.alerts.by_id(name) if each.id == name), None)
            if stored is None:
                raise TocsinError(because("town_never_had_it"))
            return _outcome(_ended(unit, dispatch, actor, stored).stored)

        return await service.act(action)

    def _draft_of(self, dispatch: Dispatch) -> Draft:
        """The form as a draft. Raises TocsinError where it can't be read any more."""
        now = dispatch.sent_at or self._service.now()
        words = words_in(self._town.language)

        def gettext(sentence: str, /, **values: object) -> str:
            return words.gettext(sentence) % values if values else words.gettext(sentence)

        reading = read_form(dispatch.fields, FormContext(self._town, now, self._service.picture), gettext)
        if reading.draft is None:
            raise TocsinError("; ".join(reading.problems.values()))
        return replace(reading.draft, language=self._town.language)


async def _with_own_picture(draft: Draft, service: DeskService) -> Draft:
    """With a copy of the picture beside the town's own database: what is the fleet's may be gone one day."""
    if draft.image is None:
        return draft
    data = await asyncio.to_thread(draft.image.read_bytes)
    return replace(draft, image=service.picture(await service.keep_picture(data, picture_kind(data))))


def _posted(unit: DeskUnit, dispatch: Dispatch, actor: Actor, draft: Draft) -> Filed:
    at = dispatch.sent_at or unit.now
    return Officer(unit, actor).post(draft_alert(draft, unit.desk.station, at, dispatch.id))


def _ended(unit: DeskUnit, dispatch: Dispatch, actor: Actor, stored: StoredAlert) -> Filed:
    officer, (act, end) = Officer(unit, actor), _ENDS[dispatch.act]
    officer.must(act)
    at, reason = dispatch.sent_at or unit.now, str(dispatch.fields.get("reason", "")) or None
    alert = end(officer.current_version(stored.id, act), reason, unit.desk.station, at, dispatch.id)
    return officer.file(act, alert, (), again=True)


def _gravity(dispatch: Dispatch) -> int:
    """How grave the form says it is; an end is as urgent as the gravest, since it calls off what may be wrong."""
    severity = str(dispatch.fields.get("severity", Severity.EXTREME))
    return next((each.rank for each in Severity if each == severity), 0)


def _outcome(stored: StoredAlert) -> TownOutcome:
    outcome = {AlertState.ACCEPTED: Outcome.OUT, AlertState.WAITING: Outcome.WAITING}.get(stored.state, Outcome.REFUSED)
    reason = stored.reason if outcome is not Outcome.OUT else None
    return TownOutcome("", outcome, stored.id, stored.incident_id, reason)
