"""Reports forwarded to another server of the kind, such as FixMyStreet: journalled as posts are.

An accepted report is noted for each `[reports.forward.NAME]` that takes its kind (`note_forwards`), in the same
transaction. Each is a job (`alerts.delivery.jobs`): after a crash, and without an answer, it is in doubt, and searched
for there by our number, which its words contain. One that isn't found is not sent again automatically, for the standard
has no key by which a server could recognise it: an officer decides (`forward_again`). Afterwards the server is asked
for its progress (`ForwardStatuses`), until it is closed there.

Only the kind, the words, the place and our number are sent: no name, no contact, no photo.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from alerts.delivery.jobs import JobKind
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.retry import JobRules
from alerts.delivery.worker import Work
from alerts.desk.officer import Officer
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit, under
from alerts.model.errors import DeliveryError, Misuse, Rejected
from alerts.model.events import PostsStored, ReportsChanged
from alerts.model.job import Job, WantedJob
from alerts.model.lease import Lease
from alerts.model.person import Act
from alerts.model.post import PostState
from alerts.model.reason import because
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

HANDOVER = "handover"
LONGEST_WAIT = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=7)
LOOKS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10))
"""The delays of searches for a report in doubt: a server may show it late."""
LOOKED_BACK = timedelta(minutes=10)
"""How much earlier than our attempt a server's clock may date what came of it."""
ASKED_AFTER, ASKED_EVERY, ASKED_FOR = timedelta(minutes=5), timedelta(hours=6), timedelta(days=90)
"""When a server is first asked how far a report is, how often then, and for how long."""
AT_ONCE = 50
LOOKED_EVERY = 15.0
"""Seconds between two checks for what a server is to be asked about."""

log = structlog.get_logger()


class Remote(Protocol):
    """The other server. Every method raises a `DeliveryError` when it fails.

    `channels/open311.py` is the only one. No room but the composition root knows a channel, so this names the methods
    that forwarding needs, for other kinds of servers too.
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


class HandoverJobs(JobKind[DeskUnit, Forwarding, "HandedOver | RemoteRequest"]):
    """The reports that one server is handed. What came of each is recorded in its row of `report_forward`."""

    kinds = (HANDOVER,)
    rules = JobRules(longest=LONGEST_WAIT, looks=LOOKS)
    wakes = (ReportsChanged, PostsStored)
    cut_off = because("forward_cut_off")

    def __init__(self, forward: ReportForward, remote: Remote, town: Town, service: DeskService) -> None:
        self.channel = self.lease = forward_lease(forward.name)
        self.name = f"jobs {self.lease}"
        self._forward = forward
        self._remote = remote
        self._town = town
        self._service = service

    def wanted(self, unit: DeskUnit) -> Iterator[WantedJob[Forwarding]]:
        """Return what isn't there yet; what was begun without a job was begun by an earlier version."""
        for each in unit.reports.open_forwardings(self._forward.name):
            report = unit.reports.by_id(each.report)
            until = None if report is None else (report.accepted_at or report.received_at) + GIVEN_UP_AFTER
            begun_at = None if each.state is ForwardState.WAITING else each.at or unit.now
            yield WantedJob(HANDOVER, each.report, each, until=until, begun_at=begun_at)

    async def do(self, what: Forwarding) -> HandedOver:
        """Hand it over. Raises Rejected where nothing is left of the report."""
        if (handover := await self._handover(what)) is None:
            raise Rejected(because("forward_of_nothing"))
        receipt = await self._remote.hand_over(handover)
        log.info("report.forwarded", forward=self._forward.name, report=handover.number, remote=receipt.remote_id)
        return receipt

    async def look(self, what: Forwarding, job: Job) -> RemoteRequest | None:
        """Look for our number there. That it isn't found proves nothing: many servers show only what they have read."""
        if (handover := await self._handover(what)) is None or job.attempted_at is None:
            return None
        until = self._service.now() + LOOKED_BACK
        shown = await self._remote.look(handover.service, job.attempted_at - LOOKED_BACK, until)
        return next((each for each in shown if handover.number in each.words), None)

    def keep(self, unit: DeskUnit, what: Forwarding, job: Job, answer: HandedOver | RemoteRequest | None) -> None:
        """Record it for officers, in the words of `ForwardState`."""
        tried = replace(what, tries=job.tries, next_try=job.next_try, reason=job.reason, at=job.attempted_at)
        match job.state:
            case PostState.SENT if answer is not None:
                tried = _handed_over(tried, answer, unit.now + ASKED_AFTER)
            case PostState.SENDING:
                tried = replace(tried, state=ForwardState.SENDING, next_try=job.attempted_at)
            case PostState.IN_DOUBT:
                reason = because("forward_not_found") if job.next_try is None else job.reason or self.cut_off
                tried = replace(tried, state=ForwardState.IN_DOUBT, reason=reason)
            case PostState.FAILED:
                given_up = because("forward_given_up", days=GIVEN_UP_AFTER.days, why=job.reason or "")
                why = job.reason if job.next_try is None else given_up
                tried = replace(tried, state=ForwardState.FAILED, next_try=None, reason=why)
            case _:
                tried = replace(tried, state=ForwardState.WAITING, next_try=job.next_try or unit.now)
        _put(unit, tried)

    async def _handover(self, what: Forwarding) -> Handover | None:
        report = await self._service.ask(lambda unit: unit.reports.by_id(what.report))
        return handover_of(report, self._forward, self._town) if report is not None else None


def _handed_over(tried: Forwarding, answer: HandedOver | RemoteRequest, asked_at: datetime) -> Forwarding:
    sent = replace(tried, state=ForwardState.SENT, remote_id=answer.remote_id, reason=None, next_try=asked_at)
    if isinstance(answer, RemoteRequest):
        return _as_shown(sent, answer)
    return replace(sent, token=answer.token, next_try=asked_at if answer.remote_id or answer.token else None)


class ForwardStatuses:
    """Asks a server for the progress of what it was handed, until it is closed there."""

    def __init__(self, forward: ReportForward, remote: Remote, service: DeskService, keeper: LeaseKeeper) -> None:
        self._name = forward.name
        self._remote = remote
        self._service = service
        self._hold = keeper.join(forward_lease(forward.name), lambda: None)

    @property
    def work(self) -> Work:
        """Asks after what is due."""
        return Work(self._hold.name, self.ask_after, LOOKED_EVERY, self._hold)

    async def ask_after(self, lease: Lease) -> None:
        """Ask once. Raises LeaseLost where that is another daemon's by now."""
        now = self._service.now()
        due = await self._service.ask(
            lambda unit: unit.reports.due_forwardings(self._name, ForwardState.SENT, now, AT_ONCE)
        )
        if not due:
            return
        try:
            resolved = [await self._resolved(each) for each in due]
            ids = [each.remote_id for each in resolved if each.remote_id is not None]
            shown = {each.remote_id: each for each in await self._remote.statuses(ids)} if ids else {}
            updated = [_as_shown(each, shown.get(each.remote_id or "")) for each in resolved]
            outcomes = [replace(each, next_try=_asked_next(each, now)) for each in updated]
        except DeliveryError as error:
            log.warning("report.not_asked_after", forward=self._name, reason=str(error.reason))
            outcomes = [replace(each, next_try=now + LONGEST_WAIT) for each in due]

        def keep(unit: DeskUnit) -> None:
            for each in outcomes:
                _put(unit, each)

        await self._service.keep(under(lease, keep))

    async def _resolved(self, each: Forwarding) -> Forwarding:
        if each.remote_id is not None or each.token is None:
            return each
        return replace(each, remote_id=await self._remote.id_of_token(each.token))


def _put(unit: DeskUnit, each: Forwarding) -> None:
    """Store it; of a report that was erased while the server was asked, nothing that leads to it there."""
    report = unit.reports.by_id(each.report)
    if report is None or report.lat is None or report.rounded:
        each = replace(each, remote_id=None, token=None, said=None, reason=None)
    unit.reports.put_forwarding(each)


def _as_shown(each: Forwarding, shown: RemoteRequest | None) -> Forwarding:
    if shown is None:
        return each
    return replace(each, remote_state="closed" if shown.is_closed else "open", said=shown.said)


def _asked_next(each: Forwarding, now: datetime) -> datetime | None:
    is_over = each.remote_state == "closed" or (each.at is not None and now - each.at > ASKED_FOR)
    return None if is_over else now + ASKED_EVERY
