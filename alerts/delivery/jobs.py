"""A lane for jobs: what is sent or done for one recipient beside the posts, journalled before it leaves.

    the kind's own rows ──▶ wanted ──▶ journal (`sending`) ──▶ do ──▶ outcome, stored with the kind's own row

A `JobKind` knows what is wanted, does one thing, and records the outcome; `JobLane` does the rest, the same for all:
order, pauses, doubts, recovery. It works under a lease, which is checked in each transaction that journals an attempt.
Jobs take no place in the windows of a channel; those that go to a bot's chats keep the bot's pace (`bot_pace`), at the
precedence of their kind.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, Protocol, TypeAlias, TypeVar

import structlog

from alerts.delivery import retry
from alerts.delivery.attempt import write_surely
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.retry import JobRules
from alerts.delivery.worker import Guarded, Work, first_of
from alerts.model.errors import BadCredential, DeliveryError, InDoubt, Retry
from alerts.model.events import Events, PostsStored
from alerts.model.job import Job, WantedJob
from alerts.model.lease import Lease
from alerts.model.ports import Clock
from alerts.model.post import PostState
from alerts.model.reason import because
from alerts.store.unit import Unit

LOOKED_EVERY = 10.0
"""Seconds until a lane checks by itself: another process may have stored what it has to do."""
REST = 1.0
"""Seconds between two checks, however often it is woken."""
AT_ONCE = 50
"""Due jobs that are listed at a time, at most."""

_Key: TypeAlias = tuple[str, str, int]
T = TypeVar("T")
U = TypeVar("U", bound=Unit)
U_co = TypeVar("U_co", bound=Unit, covariant=True)
W = TypeVar("W")
A = TypeVar("A")
log = structlog.get_logger()


class JobService(Protocol[U_co]):
    """The transactions of a lane: `alerts.desk.service.DeskService`."""

    async def ask(self, question: Callable[[U_co], T]) -> T:
        """Answer a question; nothing can be written."""
        ...

    async def act(self, action: Callable[[U_co], T], *, posts: bool = True) -> T:
        """Carry an action out in one durable transaction, then publish its events; with `posts`, wake the lanes."""
        ...


class JobKind(ABC, Generic[U, W, A]):
    """Jobs of one kind on one channel: what is wanted (`W`), how it is done, and what becomes of it (`A`).

    `kinds` are the names in the journal, `lease` is the one to work under, and each of `wakes` an event after which
    there may be more to do. With `in_order` a recipient's job waits until those before it are done.
    """

    name: str
    channel: str
    lease: str
    kinds: tuple[str, ...]
    wakes: Sequence[type] = (PostsStored,)
    rules = JobRules()
    in_order = False
    every = LOOKED_EVERY
    cut_off = because("stopped_midway")
    """The reason of a doubt about a job whose daemon has gone since it began the job."""

    @abstractmethod
    def wanted(self, unit: U) -> Iterable[WantedJob[W]]:
        """Return all jobs to do, in the order to do them."""

    def still(self, unit: U, wanted: WantedJob[W]) -> bool:  # noqa: ARG002 for kinds whose recipients stay
        """False if its recipient must not get it any more; asked in the transaction that begins the attempt."""
        return True

    @abstractmethod
    async def do(self, what: W) -> A:
        """Make one attempt. Raises DeliveryError unless it succeeds."""

    @abstractmethod
    def keep(self, unit: U, what: W, job: Job, answer: A | None) -> None:
        """Record the job's new `state` in the kind's own row, in the transaction of the journal.

        `answer` is the result of `do` or `look`, if it was successful.
        """

    async def look(self, what: W, job: Job) -> A | None:
        """Search for a job in doubt. Returns None if it isn't found. Only for kinds whose `rules` have `looks`."""
        raise NotImplementedError


class JobLane(Generic[U, W, A]):
    """Does all jobs of a kind, one after the other, as long as this process holds their lease."""

    def __init__(
        self, kind: JobKind[U, W, A], service: JobService[U], keeper: LeaseKeeper, clock: Clock, events: Events
    ) -> None:
        self._kind = kind
        self._service = service
        self._clock = clock
        self._woken = asyncio.Event()
        self._hold = keeper.join(kind.lease, self._woken.set)
        for each in kind.wakes:
            events.subscribe(each, lambda _: self._woken.set())
        self._number: int | None = None
        self._paused_until: datetime | None = None
        self._stopped = False
        self._at_rest = asyncio.Event()
        self._at_rest.set()

    @property
    def work(self) -> Work:
        """The loop that repeats `go_round`, under the lease."""
        return Work(self._kind.name, self.go_round, self._kind.every, self._hold, self._woken, rest=REST)

    async def stop(self, within: float) -> None:
        """Begin nothing more, and wait `within` seconds for the answer to what is under way."""
        self._stopped = True
        await first_of(self._at_rest.wait(), self._clock.sleep(within))

    async def go_round(self, lease: Lease) -> None:
        """Do everything that is due. Raises LeaseLost, before anything leaves, if the lease has a new owner."""
        self._at_rest.clear()
        try:
            await self._take_over(lease)
            tried: set[_Key] = set()
            stale, due = await self._service.ask(self._listed)
            if stale:
                await self._write(lease, lambda unit: unit.jobs.end(stale))
            while due:
                for wanted, job in due:
                    if not self._may_begin():
                        return
                    tried.add(job.key)
                    await self._attempt(wanted, job, lease)
                due = await self._service.ask(partial(self._due, tried))
        finally:
            self._at_rest.set()

    def _may_begin(self) -> bool:
        is_ours = self._hold.lease is not None and not self._hold.is_asked and not self._stopped
        return is_ours and (self._paused_until is None or self._clock.now() >= self._paused_until)

    async def _take_over(self, lease: Lease) -> None:
        """Put in doubt the jobs that an earlier owner had begun."""
        if self._number != lease.number:
            await self._write(lease, self._interrupt)
            self._number = lease.number

    def _interrupt(self, unit: U) -> None:
        kind = self._kind
        at = self._clock.now() + next(iter(kind.rules.looks), timedelta())
        if doubted := unit.jobs.interrupt(kind.channel, kind.kinds, at, kind.cut_off):
            wanted = {each.on(kind.channel).key: each for each in kind.wanted(unit)}
            for job in doubted:
                if (each := wanted.get(job.key)) is not None:
                    kind.keep(unit, each.what, job, None)

    def _listed(self, unit: U) -> tuple[list[Job], list[tuple[WantedJob[W], Job]]]:
        """Return the jobs in the journal that nobody wants any more, and those that are due: listed once for both."""
        kind, known = self._kind, unit.jobs.of(self._kind.channel, self._kind.kinds)
        if not known:  # then a few of those that are wanted will do, however many there are
            return [], self._due_of(kind.wanted(unit), known, set())
        wanted = list(kind.wanted(unit))
        keys = {each.on(kind.channel).key for each in wanted}
        return [job for key, job in known.items() if key not in keys], self._due_of(wanted, known, set())

    def _due(self, tried: set[_Key], unit: U) -> list[tuple[WantedJob[W], Job]]:
        return self._due_of(self._kind.wanted(unit), unit.jobs.of(self._kind.channel, self._kind.kinds), tried)

    def _due_of(
        self,
        listed: Iterable[WantedJob[W]],
        known: Mapping[_Key, Job],
        tried: set[_Key],
    ) -> list[tuple[WantedJob[W], Job]]:
        kind, now = self._kind, self._clock.now()
        due: list[tuple[WantedJob[W], Job]] = []
        with_earlier: set[int] = set()
        for wanted in listed:
            fresh = wanted.on(kind.channel)
            job = known.get(fresh.key, fresh)
            if job.key not in tried and job.chat not in with_earlier and _is_due(job, now):
                due.append((wanted, job))
                if len(due) == AT_ONCE:
                    break
            if kind.in_order:
                with_earlier.add(job.chat)
        return due

    async def _attempt(self, wanted: WantedJob[W], job: Job, lease: Lease) -> None:
        kind, answer = self._kind, None
        begun = replace(job, owner=lease.owner)
        if retry.job_gives_up(job, kind.rules):
            await self._finish(wanted, job, replace(job, state=PostState.FAILED), None)
            return
        if looks := job.state is PostState.IN_DOUBT and bool(kind.rules.looks):
            await self._write(lease, lambda unit: unit.jobs.put(begun))
        else:
            begun = replace(
                begun, state=PostState.SENDING, tries=job.tries + 1, next_try=None, attempted_at=self._clock.now()
            )
            # Jobs are listed many at a time: a recipient who was forgotten meanwhile gets nothing, and no row.
            if not await self._write(lease, lambda unit: self._begin(unit, wanted, begun)):
                return
        after, answer = await (self._look(wanted, begun) if looks else self._do(wanted, begun))
        await self._finish(wanted, begun, after, answer)

    async def _do(self, wanted: WantedJob[W], begun: Job) -> tuple[Job, A | None]:
        # The process may have been suspended since the journal was written.
        if self._hold.lease is None:
            return replace(begun, state=PostState.QUEUED, tries=begun.tries - 1), None
        answer: A | None = None
        error: DeliveryError | None = None
        try:
            with self._guarded(begun) as part:
                answer = await self._kind.do(wanted.what)
        except DeliveryError as failure:
            error = failure
        if part.error is not None:
            error = InDoubt(because("channel_stumbled", error=type(part.error).__name__))
        if error is None:
            return replace(begun, state=PostState.SENT, reason=None), answer
        after = retry.job_failed(error, begun, self._kind.rules, wanted.until, self._clock.now())
        # A fault of the credential, the pace or the connection concerns all other jobs too.
        if isinstance(error, BadCredential) or (isinstance(error, Retry) and (error.whole_channel or not error.sent)):
            self._paused_until = after.next_try
        return after, None

    async def _look(self, wanted: WantedJob[W], begun: Job) -> tuple[Job, A | None]:
        now, rules, found = self._clock.now(), self._kind.rules, None
        try:
            with self._guarded(begun) as part:
                found = await self._kind.look(wanted.what, begun)
        except DeliveryError as error:
            return replace(begun, next_try=now + rules.looks[-1], reason=error.reason), None
        if part.error is not None:
            return replace(begun, next_try=now + rules.looks[-1]), None
        if found is None:
            return retry.job_not_found(begun, rules, now), None
        return replace(begun, state=PostState.SENT, reason=None), found

    @staticmethod
    def _guarded(job: Job) -> Guarded:
        """Return a guard for a platform's code: a DeliveryError goes through, any other error is logged."""
        return Guarded("job.failed", but=(DeliveryError,), channel=job.channel, kind=job.kind, about=job.about)

    async def _finish(self, wanted: WantedJob[W], begun: Job, after: Job, answer: A | None) -> None:
        """Store the outcome, however long the database refuses.

        A job that was sent is stored as sent in any case; another outcome only if nobody went on with the job since.
        """

        def store(unit: U) -> None:
            if after.state is PostState.SENT or unit.jobs.is_still(begun):
                self._put(unit, wanted, after, answer)

        fields = {"channel": after.channel, "kind": after.kind, "about": after.about}
        log.info("job.tried", **fields, state=after.state.value, reason=str(after.reason or ""))
        await write_surely(self._clock, lambda: self._service.act(store, posts=False), **fields)

    def _begin(self, unit: U, wanted: WantedJob[W], begun: Job) -> bool:
        if is_wanted := self._kind.still(unit, wanted):
            self._put(unit, wanted, begun, None)
        return is_wanted

    def _put(self, unit: U, wanted: WantedJob[W], job: Job, answer: A | None) -> None:
        unit.jobs.put(job)
        self._kind.keep(unit, wanted.what, job, answer)

    async def _write(self, lease: Lease, action: Callable[[U], T]) -> T:
        def checked(unit: U) -> T:
            unit.leases.check(lease, self._clock.now())
            return action(unit)

        return await self._service.act(checked, posts=False)


def _is_due(job: Job, now: datetime) -> bool:
    return job.state is PostState.QUEUED if job.next_try is None else job.next_try <= now
