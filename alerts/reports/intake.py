"""A daemon's intake of citizens' reports: a few in each transaction, one transaction at a time.

After each there is a rest, so that a crowd never delays a post. The acceptance of a report, and its effects in the
transaction, are in `alerts.reports.taking`.

Proof of work (`Proofs`) slows down a crowd of one, and distinguishes nobody from a machine: a reporter on the page has
had a machine compute for it. The page requests a challenge when somebody first touches its form. Its script computes
key after key until one begins with the requested byte, while the person writes; the solution comes with the form, and
is checked by one key. It is made and checked by the `altcha` package, in its second format: the challenge carries its
own terms, signed, so nothing of it is stored here until it is solved. Its own data has its expiry, by the daemon's
clock. A solution counts once: spent ones are kept in memory until their time is over. Several daemons of a town accept
each other's challenges, since they share the secret, and each of them accepts a solution once. A missing or invalid
proof refuses nothing: the report waits for an officer.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.errors import DatabaseRefused, Misuse
from alerts.model.events import IncidentChanged, PostsStored, ReportsChanged
from alerts.model.ports import Clock
from alerts.model.rate_limit import SlidingWindow
from alerts.model.reason import Reason, because
from alerts.model.town import Town
from alerts.reports.addresses import places_of
from alerts.reports.drafting import AlertsNow, Came
from alerts.reports.photos import Photo, reencoded
from alerts.reports.places import Places
from alerts.reports.spam_checks import RECENTLY
from alerts.reports.taking import ReportDraft, TakenReport, agree, check, kind_of, placed, secrets_of, take
from alerts.store.batches import in_batches

LIFETIME = timedelta(minutes=30)
"""How long a challenge holds: longer than people take to describe what they saw."""
LEAST_COST, MOST_COST = 5_000, 50_000
"""Rounds of each key. The first takes a telephone a second or two in all, the other one ten times as long."""
CALM, FLOOD = 20, 60
"""Reports in ten minutes up to which the least is asked, and from which the most."""
LONGEST = 2_000
"""Characters of a proof: ours have some six hundred."""
MOST_SPENT = 50_000
"""Spent challenges that are remembered. Each of them was solved first: nobody fills this by asking."""
_ALGORITHM = "PBKDF2/SHA-256"


def cost_of(recent: int) -> int:
    """The rounds of a key while so many reports came in the last ten minutes."""
    share = min(1.0, max(0.0, (recent - CALM) / (FLOOD - CALM)))
    return LEAST_COST + round(share * (MOST_COST - LEAST_COST))


class Proofs:
    """Gives out challenges and checks their solutions. `secret` is the town's: its daemons take each other's."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._spent: dict[str, int] = {}
        self._spending = threading.Lock()

    def challenge(self, now: datetime, recent: int = 0) -> str:
        """A challenge as JSON, for the page's script; `recent` are the reports of the last ten minutes."""
        from altcha import create_challenge  # noqa: PLC0415 only a town that takes reports pays for it

        until = int((now + LIFETIME).timestamp())
        made = create_challenge(_ALGORITHM, cost_of(recent), data={"until": until}, hmac_secret=self._secret)
        return json.dumps(made.to_dict())

    def doubt(self, proof: str, now: datetime) -> Reason | None:
        """Why a proof doesn't count; None: it does, and this time alone.

        Computes up to 25 ms where the cost is high: to be called in a thread.
        """
        if not proof:
            return because("proof_missing")
        parts = _read(proof)
        if parts is None:
            return because("proof_wrong")
        signature, until = parts
        moment = now.timestamp()
        if until <= moment:
            return because("proof_late")
        if signature in self._spent:
            return because("proof_spent")
        return self._checked(proof, signature, until, moment)

    def _checked(self, proof: str, signature: str, until: int, moment: float) -> Reason | None:
        from altcha import verify_solution  # noqa: PLC0415

        if not verify_solution(proof, self._secret).verified:
            return because("proof_wrong")
        return None if self._spend(signature, until, moment) else because("proof_spent")

    def _spend(self, signature: str, until: int, moment: float) -> bool:
        """Spend a solution; returns False if it was spent. Of two threads with the same one, the first succeeds."""
        with self._spending:
            if len(self._spent) >= MOST_SPENT:
                self._spent = {known: ends for known, ends in self._spent.items() if ends > moment}
            # Full of what still holds: nothing more can be told apart, so nothing more counts.
            if signature in self._spent or len(self._spent) >= MOST_SPENT:
                return False
            self._spent[signature] = until
            return True


def _read(proof: str) -> tuple[str, int] | None:
    """The signature of a proof's challenge, and until when it holds, as it says itself; None: it is none of ours."""
    from altcha import Payload  # noqa: PLC0415

    if len(proof) > LONGEST:
        return None
    try:
        challenge = Payload.from_base64(proof).challenge
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    data: Mapping[str, Any] = challenge.parameters.data if isinstance(challenge.parameters.data, dict) else {}
    until = data.get("until")
    if not isinstance(challenge.signature, str) or not isinstance(until, int):
        return None
    return challenge.signature, until


MOST_WAITING = 500
"""Reports that may wait for their transaction; more are asked to come again."""


LEAST_FREE = 1_000_000_000
"""Bytes that photos leave free on the disk: what is urgent is written there too."""
MOST_UNPROVEN = 10
"""Photos without a good proof that may wait to be drawn: half a kilobyte can take half a second of computing."""
_FINDER = ThreadPoolExecutor(1, "places")


_Ready = tuple[ReportDraft, Photo | None]
_Waiting = tuple[_Ready, "asyncio.Future[TakenReport]"]


class ReportIntake:
    """Takes reports for a daemon, a few in each transaction, and publishes them on the bus.

    It also serves a form's needs before anything is sent: the town's places, the proofs of work, the present number of
    reporters. `free` returns the bytes left on the disk of the reports.
    """

    def __init__(self, town: Town, service: DeskService, clock: Clock, free: Callable[[], int] | None = None) -> None:
        self.town = town
        self._service = service
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._work: asyncio.Task[None] | None = None
        self._free = free or partial(_free_beside, town.beside)
        self._proofs: Proofs | None = None
        self._beginning = asyncio.Lock()
        self._came: SlidingWindow[str] = SlidingWindow(RECENTLY.total_seconds())
        self._unproven = 0

    async def proofs(self) -> Proofs:
        """Return the maker and checker of proofs of work; a town's daemons share one secret for them."""
        if self._proofs is None:
            async with self._beginning:
                if self._proofs is None:  # not by who was faster meanwhile: what is spent is remembered in one place
                    secret = await self._service.keep(lambda unit: secrets_of(unit, ["proof"], unit.now)["proof"].hex())
                    self._proofs = Proofs(secret)
        return self._proofs

    async def places(self) -> Places:
        """The town's places, read anew where their file changed."""
        return await places_of(self.town)

    async def placed(self, draft: ReportDraft) -> ReportDraft:
        """Return the draft with its place (`alerts.reports.taking.placed`). Raises Misuse for an unknown address.

        It runs in one thread of its own: the outlines of a hundred districts take a second on first use, and
        nonexistent addresses are no work for the threads that reach the platforms.
        """
        places = await places_of(self.town)
        return await asyncio.get_running_loop().run_in_executor(_FINDER, placed, draft, places)

    def recent(self, now: datetime) -> int:
        """How many reports this daemon took in the last ten minutes, without those that cost their sender nothing."""
        return len(self._came.taken("", now.timestamp()))

    async def take(self, draft: ReportDraft) -> TakenReport:
        """Take a report, or know it again by its key.

        Raises Misuse for what can't be taken, with what to say about it, and DatabaseRefused; then nothing was stored.
        """
        kind_of(self.town, draft.kind)
        draft = await self.placed(draft)
        check(self.town, draft, self._service.now())
        if len(self._waiting) >= MOST_WAITING:
            raise Misuse(because("reports_too_many"))
        photo = await self._drawn(draft, draft.photo) if draft.photo is not None else None
        future: asyncio.Future[TakenReport] = asyncio.get_running_loop().create_future()
        self._waiting.append(((draft, photo), future))
        if self._work is None:
            self._work = asyncio.create_task(self._take_what_waits(), name="reports")
        # Whoever gives up waiting doesn't take the report back.
        return await asyncio.shield(future)

    async def _drawn(self, draft: ReportDraft, photo: bytes) -> Photo:
        """The draft's photo, drawn anew. Raises Misuse where it can't be taken, or not now.

        Those that cost their sender nothing have turns of their own, few of which are given out: nobody's photo with a
        proof waits for them, and no feed waits for more than one of either kind.
        """
        if await asyncio.to_thread(self._free) < LEAST_FREE:
            raise Misuse(because("photo_no_room"))
        if draft.doubt is None:
            return await reencoded.read(turns_of_photos(self.town, proven=True), photo)
        if self._unproven >= MOST_UNPROVEN:
            raise Misuse(because("report_photos_many"))
        self._unproven += 1
        try:
            return await reencoded.read(turns_of_photos(self.town, proven=False), photo)
        finally:
            self._unproven -= 1

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
            # What comes meanwhile is put behind the rest.
            async for _ in in_batches(
                self._waiting, self._take_few, blame=_refuse, clock=self._clock, event="reports.failed"
            ):
                pass
        finally:
            self._work = None

    async def _take_few(self, few: Sequence[_Waiting]) -> None:
        drafts = [ready for ready, _ in few]
        try:
            outcomes = await self._service.keep(lambda unit: _take_each(unit, drafts))
        except (DatabaseRefused, asyncio.CancelledError) as error:  # handed to each who waits
            outcomes = [error] * len(few)
        fresh = [each for each in outcomes if isinstance(each, TakenReport) and each.fresh]
        # What costs its sender nothing makes nobody's telephone compute for longer.
        for each in fresh:
            if not each.report.is_unproven:
                self._came.take("", each.report.received_at.timestamp())
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


async def _refuse(waiting: _Waiting, error: Exception) -> None:
    if not waiting[1].done():
        waiting[1].set_exception(error)


def turns_of_photos(town: Town, *, proven: bool) -> str:
    """Return the queue for redrawing a photo: that of all with a proof of work, or of all without."""
    return f"photos of {town.name}" if proven else f"photos of {town.name} without a proof"


def _free_beside(file: Path) -> int:
    """Return the free space of the disk; for a store on a server, of the disk of its local files."""
    try:
        return shutil.disk_usage(file.parent).free
    except OSError:
        return LEAST_FREE


def _take_each(unit: DeskUnit, drafts: Sequence[_Ready]) -> list[TakenReport | BaseException]:
    """Take each by itself: faults are raised before any write, so one undoes no other."""
    outcomes: list[TakenReport | BaseException] = []
    alerts = AlertsNow(unit)
    for draft, photo in drafts:
        try:
            outcomes.append(take(unit, draft, photo, alerts))
        except Misuse as error:
            outcomes.append(error)
    return outcomes
