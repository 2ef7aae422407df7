"""Reports forwarded to another server of the kind, such as FixMyStreet: journalled as posts are.

An accepted report is noted for each `[reports.forward.NAME]` that takes its kind (`note_forwards`), in the same
transaction. A `Forwarder` claims it before it sends it, and stores the result: after a crash, and without an answer, it
is in doubt, and searched for there by our number, which its words contain. One that isn't found is not sent again
automatically, for the standard has no key by which a server could recognise it: an officer decides (`forward_again`).
Afterwards the server is asked for its progress, until it is closed there.

Only the kind, the words, the place and our number are sent: no name, no contact, no photo.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

import structlog

from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.worker import Work
from alerts.desk.officer import Officer
from alerts.desk.service import DeskService, DeskUnit, under
from alerts.model.backoff import backoff
from alerts.model.errors import BadCredential, DeliveryError, InDoubt, Misuse, Rejected, Retry
from alerts.model.events import Events, PostsStored, ReportsChanged
from alerts.model.lease import Lease
from alerts.model.person import Act
from alerts.model.ports import Clock
from alerts.model.reason import Reason, because
from alerts.model.reports import (
    CitizenReport,
    Forwarding,
    ForwardState,
    HandedOver,
    Handover,
    RemoteRequest,
    ReportForward,
)
from alerts.model.town import Town
from alerts.store.unit import Unit

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=7)
KEY_TRIED_AGAIN = timedelta(minutes=15)
"""After how long a server that doesn't accept our key is asked again."""
LOOKS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10))
"""The delays of searches for a report in doubt: a server may show it late."""
LOOKED_BACK = timedelta(minutes=10)
"""How much earlier than our attempt a server's clock may date what came of it."""
ASKED_AFTER, ASKED_EVERY, ASKED_FOR = timedelta(minutes=5), timedelta(hours=6), timedelta(days=90)
"""When a server is first asked how far a report is, how often then, and for how long."""
AT_ONCE = 50
LOOKED_EVERY = 15.0
"""Seconds between two checks without a notification."""

T = TypeVar("T")
log = structlog.get_logger()


class Remote(Protocol):
    """The other server. Every method raises a `DeliveryError` when it fails.

    `channels/open311.py` is the only one. No room but the composition root knows a channel, so this names the methods
    that a `Forwarder` needs, for other kinds of servers too.
    """

    async def hand_over(self, report: Handover) -> HandedOver:
        """Give it a report. Raises InDoubt where it may have been taken."""
        ...

    async def look(self, service: str, since: datetime, until: datetime) -> Sequence[RemoteRequest]:
        """Return its requests of that service between these times."""
        ...

    async def statuses(self, ids: Sequence[str]) -> Sequence[RemoteRequest]:
        """How far these are; one that it doesn't show is left out."""
        ...

    async def id_of_token(self, token: str) -> str | None:
        """The id that a report has there by now; None: not yet."""
        ...


def forward_lease(name: str) -> str:
    """The lease of who hands reports on to that server."""
    return f"forward {name}"


def note_forwards(unit: Unit, town: Town, report: CitizenReport, now: datetime) -> int:
    """Note a report that was accepted, to be handed on wherever its kind is; returns to how many servers.

    What is noted already stays as it is, so nothing is handed on twice for being accepted twice.
    """
    forwards = town.reports.forward if town.reports is not None else {}
    wanted = [forward.name for forward in forwards.values() if report.kind in forward.kinds]
    known = {each.forward for each in unit.reports.forwardings(report.id)} if wanted else set()
    for name in wanted:
        if name not in known:
            unit.reports.put_forwarding(Forwarding(report.id, name, ForwardState.WAITING, next_try=now))
    return len(wanted)


def forward_again(officer: Officer, report: CitizenReport, name: str | None = None) -> list[Forwarding]:
    """Hand on again what failed or is in doubt, to that server or to all of them. Raises Misuse where nothing is."""
    officer.must(Act.TEND)
    unit = officer.unit
    stuck = (ForwardState.FAILED, ForwardState.IN_DOUBT)
    known = unit.reports.forwardings(report.id)
    found = [each for each in known if each.state in stuck and name in (None, each.forward)]
    if not found:
        raise Misuse(because("nothing_to_forward", name=report.number))
    again = [
        replace(each, state=ForwardState.WAITING, tries=0, next_try=unit.now, reason=None, at=None) for each in found
    ]
    for each in again:
        unit.reports.put_forwarding(each)
        officer.write(Act.TEND, report.number, f"handed on again: {each.forward}")
    return again


def handover_of(report: CitizenReport, forward: ReportForward, town: Town) -> Handover | None:
    """Return the data for the server.

    Returns None if nothing is left of the report, or its kind isn't forwarded now.
    """
    service = forward.kinds.get(report.kind)
    if service is None or report.lat is None or report.lon is None or report.rounded:
        return None
    kind = town.reports.kind(report.kind) if town.reports is not None else None
    words = report.text or (kind.name(town.language) if kind is not None else report.kind)
    # Our number is what it is found by there, where the answer is lost; and what people of both sides name it by.
    return Handover(
        report.number, service, report.lat, report.lon, f"{words}\n\n{town.name}, {report.number}", report.place
    )


def judged(before: Forwarding, error: DeliveryError, now: datetime) -> Forwarding:
    """Return the state of a forwarding after this failure."""
    tried = replace(before, reason=error.reason)
    if isinstance(error, InDoubt):
        return replace(tried, state=ForwardState.IN_DOUBT, tries=0, next_try=now + LOOKS[0])
    if isinstance(error, Rejected):
        return replace(tried, state=ForwardState.FAILED, next_try=None)
    wait = KEY_TRIED_AGAIN if isinstance(error, BadCredential) else backoff(before.tries, FIRST_WAIT, LONGEST_WAIT)
    after = error.after if isinstance(error, Retry) and error.after is not None else now
    return replace(tried, state=ForwardState.WAITING, next_try=max(after, now + wait))


class Forwarder:
    """Hands reports on to one server, while it has the lease for that. What it raises ends in it."""

    def __init__(
        self,
        forward: ReportForward,
        remote: Remote,
        *,
        town: Town,
        service: DeskService,
        keeper: LeaseKeeper,
        clock: Clock,
        events: Events,
    ) -> None:
        self.forward = forward
        self._remote = remote
        self._town = town
        self._service = service
        self._keeper = keeper
        self._clock = clock
        self._rung = asyncio.Event()
        self._hold = keeper.join(forward_lease(forward.name), self._rung.set)
        self._term: int | None = None
        self._rests_until: datetime | None = None
        self.reason: Reason | None = None
        """Why the last request came to nothing; None: it is well."""
        events.subscribe(ReportsChanged, lambda _: self._rung.set())
        events.subscribe(PostsStored, self._hear)

    def _hear(self, event: PostsStored) -> None:
        """A command or another daemon wrote something, which may be that a report was accepted."""
        if event.elsewhere:
            self._rung.set()

    @property
    def work(self) -> Work:
        """Hands on what waits."""
        return Work(self._hold.name, self.round, LOOKED_EVERY, self._hold, self._rung)

    async def round(self, lease: Lease) -> None:
        """Do all that is due now. Raises LeaseLost where that is another daemon's by now."""
        if (term := self._keeper.term_of(self._hold.name)) != self._term:
            await self._write(lease, self._doubt_what_was_begun)
            self._term = term
        for due in await self._due(ForwardState.IN_DOUBT):
            await self._look_for(due, lease)
        if self._rests_until is None or self._clock.now() >= self._rests_until:
            self._rests_until = None
            await self._send_what_waits(lease)
        await self._ask_after(lease)

    async def _send_what_waits(self, lease: Lease) -> None:
        for due in await self._due(ForwardState.WAITING):
            if self._hold.is_asked or self._rests_until is not None:
                return
            await self._send(due, lease)

    async def _send(self, due: Forwarding, lease: Lease) -> None:
        # Written down before it is made: after a crash it is in doubt, and looked for, not sent again.
        begun = await self._write(lease, partial(self._begin, due))
        if begun is None:
            return
        claimed, report = begun
        try:
            told = await self._remote.hand_over(report)
        except DeliveryError as error:
            outcome = self._failed(claimed, error)
        else:
            self.reason = None
            log.info("report.forwarded", forward=self.forward.name, report=report.number, remote=told.remote_id)
            known = told.remote_id is not None or told.token is not None
            outcome = replace(
                claimed,
                state=ForwardState.SENT,
                remote_id=told.remote_id,
                token=told.token,
                reason=None,
                next_try=self._clock.now() + ASKED_AFTER if known else None,
            )
        await self._keep(lease, outcome)

    def _failed(self, claimed: Forwarding, error: DeliveryError) -> Forwarding:
        now = self._clock.now()
        outcome = judged(claimed, error, now)
        if error.reason != self.reason:
            log.warning("report.not_forwarded", forward=self.forward.name, reason=str(error.reason))
        self.reason = error.reason
        # What is so of the key or of the pace is so of all others.
        if isinstance(error, BadCredential) or (isinstance(error, Retry) and (error.whole_channel or not error.sent)):
            self._rests_until = outcome.next_try
        return outcome

    def _begin(self, due: Forwarding, unit: DeskUnit) -> tuple[Forwarding, Handover] | None:
        report = unit.reports.by_id(due.report)
        handover = handover_of(report, self.forward, self._town) if report is not None else None
        if handover is None:
            unit.reports.put_forwarding(
                replace(due, state=ForwardState.FAILED, next_try=None, reason=because("forward_of_nothing"))
            )
            return None
        if report is not None and unit.now - (report.accepted_at or report.received_at) > GIVEN_UP_AFTER and due.tries:
            why = because("forward_given_up", days=GIVEN_UP_AFTER.days, why=due.reason or "")
            unit.reports.put_forwarding(replace(due, state=ForwardState.FAILED, next_try=None, reason=why))
            return None
        claimed = replace(due, state=ForwardState.SENDING, tries=due.tries + 1, at=unit.now, next_try=unit.now)
        unit.reports.put_forwarding(claimed)
        return claimed, handover

    def _doubt_what_was_begun(self, unit: DeskUnit) -> None:
        """Mark as in doubt the sends under way when the lease changed hands, or its daemon died."""
        begun = unit.reports.due_forwardings(self.forward.name, ForwardState.SENDING, unit.now, AT_ONCE)
        for each in begun:
            error = InDoubt(because("forward_cut_off"))
            unit.reports.put_forwarding(judged(each, error, unit.now))

    async def _look_for(self, due: Forwarding, lease: Lease) -> None:
        report = await self._service.ask(lambda unit: unit.reports.by_id(due.report))
        handover = handover_of(report, self.forward, self._town) if report is not None else None
        now = self._clock.now()
        if handover is None or due.at is None:
            await self._keep(lease, replace(due, next_try=None))
            return
        try:
            shown = await self._remote.look(handover.service, due.at - LOOKED_BACK, now + LOOKED_BACK)
        except DeliveryError as error:
            self.reason = error.reason
            await self._keep(
                lease,
                replace(due, next_try=now + backoff(due.tries + 1, FIRST_WAIT, LONGEST_WAIT), tries=due.tries + 1),
            )
            return
        found = next((each for each in shown if handover.number in each.words), None)
        if found is not None:
            log.info("report.found", forward=self.forward.name, report=handover.number, remote=found.remote_id)
            adopted = replace(due, state=ForwardState.SENT, remote_id=found.remote_id, reason=None)
            await self._keep(lease, replace(_as_shown(adopted, found), next_try=now + ASKED_AFTER))
            return
        looks = due.tries + 1
        if looks < len(LOOKS):
            await self._keep(lease, replace(due, tries=looks, next_try=now + LOOKS[looks]))
        else:
            # Found nowhere, which proves nothing: many servers show only what somebody there has looked at.
            await self._keep(lease, replace(due, tries=looks, next_try=None, reason=because("forward_not_found")))

    async def _ask_after(self, lease: Lease) -> None:
        due = await self._due(ForwardState.SENT)
        if not due:
            return
        now = self._clock.now()
        try:
            resolved = [await self._resolved(each) for each in due]
            ids = [each.remote_id for each in resolved if each.remote_id is not None]
            shown = {each.remote_id: each for each in await self._remote.statuses(ids)} if ids else {}
        except DeliveryError as error:
            self.reason = error.reason
            await self._keep(lease, *(replace(each, next_try=now + LONGEST_WAIT) for each in due))
            return
        self.reason = None
        told = [_as_shown(each, shown.get(each.remote_id or "")) for each in resolved]
        await self._keep(lease, *(replace(each, next_try=_asked_next(each, now)) for each in told))

    async def _resolved(self, each: Forwarding) -> Forwarding:
        if each.remote_id is not None or each.token is None:
            return each
        return replace(each, remote_id=await self._remote.id_of_token(each.token))

    async def _due(self, state: ForwardState) -> Sequence[Forwarding]:
        name, now = self.forward.name, self._clock.now()
        return await self._service.ask(lambda unit: unit.reports.due_forwardings(name, state, now, AT_ONCE))

    async def _keep(self, lease: Lease, *outcomes: Forwarding) -> None:
        def keep(unit: DeskUnit) -> None:
            for each in outcomes:
                unit.reports.put_forwarding(each)

        await self._write(lease, keep)

    async def _write(self, lease: Lease, action: Callable[[DeskUnit], T]) -> T:
        return await self._service.keep(under(lease, action))


def _as_shown(each: Forwarding, shown: RemoteRequest | None) -> Forwarding:
    if shown is None:
        return each
    return replace(each, remote_state="closed" if shown.is_closed else "open", said=shown.said)


def _asked_next(each: Forwarding, now: datetime) -> datetime | None:
    is_over = each.remote_state == "closed" or (each.at is not None and now - each.at > ASKED_FOR)
    return None if is_over else now + ASKED_EVERY
