"""Hiding or deleting what others said under the town's posts, and keeping out who says it: with a clause, and a record.

Each act names a clause of the town's charter and is written down before it is done. To block somebody takes a second
person. The record is the journal: what is `wanted` is done by whoever has the channel's lease, and tried again until
the platform did it or refuses. Between doing and noting a process may die; then it is done twice, which harms nothing:
what is hidden, gone or blocked already stays so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from alerts.delivery.lane import Lane
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.worker import Work
from alerts.desk.handing_in import only_named
from alerts.desk.officer import Officer
from alerts.desk.service import DeskService, DeskUnit
from alerts.listening.acts import find_utterance
from alerts.model.errors import Conflict, DeliveryError, Forbidden, Gone, Misuse, Rejected
from alerts.model.events import Events, PostsStored
from alerts.model.lease import Lease
from alerts.model.listening import Moderation, Utterance, UtteranceState
from alerts.model.person import Act, fold_name
from alerts.model.ports import Clock
from alerts.model.reason import Reason, because
from alerts.model.town import Town
from alerts.store.listening import forget_words

HIDE, DELETE, BLOCK = "hide", "delete", "block"
WAITING, WANTED, DONE, FAILED, REFUSED = "waiting", "wanted", "done", "failed", "refused"
LOOKED_EVERY = 30.0
LONGEST_CLAUSE = 300
GIVEN_UP_AFTER = timedelta(hours=24)
_KINDS = {"facebook": (HIDE, DELETE, BLOCK), "telegram": (DELETE, BLOCK), "twitter": (HIDE,)}

log = structlog.get_logger()


def may(town: Town, channel: str) -> frozenset[str]:
    """Return the possible actions on a channel's remarks: some of `hide`, `delete`, `block`."""
    found = town.hearing.get(channel)
    return frozenset(_KINDS.get(found.kind, ())) if found is not None else frozenset()


def moderate(officer: Officer, utterance: str, act: str, clause: str) -> Moderation:
    """Have an utterance hidden or deleted, or its author blocked, by that clause of the charter.

    The same again is what was asked before. Raises Misuse without a clause, and for what can't be done there.
    """
    officer.must(Act.MODERATE)
    unit = officer.unit
    said, by = find_utterance(unit, utterance), " ".join(clause.split())[:LONGEST_CLAUSE]
    if not by:
        raise Misuse(because("clause_missing"))
    if act not in may(unit.desk.station, said.channel):
        raise Misuse(because("not_moderated_so", act=act, channel=said.channel))
    if act == BLOCK and said.sealed is None:
        raise Misuse(because("nobody_to_block", utterance=said.id))
    for known in unit.listening.moderations_of(said.id):
        if known.act == act and known.state in (WAITING, WANTED, DONE):
            return known
    record = Moderation(
        id=unit.new_id(),
        utterance=said.id,
        channel=said.channel,
        act=act,
        clause=by,
        author=officer.actor.name,
        at=unit.now,
        state=WAITING if act == BLOCK else WANTED,
    )
    unit.listening.moderate(record)
    officer.write(Act.MODERATE, said.id, f"{act}: {by}")
    return record


def agree(officer: Officer, name: str) -> Moderation:
    """Let somebody be blocked whom another officer wants blocked. Raises Forbidden for that officer themselves."""
    officer.must(Act.VALIDATE_ANSWER)
    unit = officer.unit
    waiting = _waiting(unit, name)
    is_own = fold_name(waiting.author) == fold_name(officer.actor.name)
    if is_own and not unit.desk.station.desk.alone:
        raise Forbidden(because("moderates_own", moderation=waiting.id, author=waiting.author))
    return _decided(officer, replace(waiting, state=WANTED, second=officer.actor.name), "agreed")


def refuse(officer: Officer, name: str) -> Moderation:
    """Let nobody be blocked; who wanted it may."""
    waiting = _waiting(officer.unit, name)
    is_own = fold_name(waiting.author) == fold_name(officer.actor.name)
    officer.must(Act.MODERATE if is_own else Act.VALIDATE_ANSWER)
    return _decided(officer, replace(waiting, state=REFUSED, second=officer.actor.name), "refused")


def _waiting(unit: DeskUnit, name: str) -> Moderation:
    found = unit.listening.moderation(only_named(unit, "moderation", name))
    assert found is not None  # noqa: S101 its id was just read
    if found.state != WAITING:
        raise Conflict(because("moderation_settled", moderation=found.id, state=found.state))
    return found


def _decided(officer: Officer, decided: Moderation, how: str) -> Moderation:
    if not officer.unit.listening.decide_moderation(decided, WAITING):
        raise Conflict(because("moderation_settled", moderation=decided.id, state=decided.state))
    officer.write(Act.MODERATE, decided.utterance, f"{decided.act} {how}: {decided.clause}")
    return decided


class Moderator:
    """Does what is wanted on the channels whose lanes are ours, as soon as it is stored."""

    def __init__(
        self, service: DeskService, lanes: Mapping[str, Lane], keeper: LeaseKeeper, clock: Clock, events: Events
    ) -> None:
        self._service = service
        self._lanes = lanes
        self._keeper = keeper
        self._clock = clock
        self._woken = asyncio.Event()
        events.subscribe(PostsStored, lambda _: self._woken.set())

    @property
    def work(self) -> Work:
        """Looks; what met a platform that doesn't answer is tried again with the next look."""
        # In a storm of alerts it is woken all the time: it looks no more than once a second.
        return Work("moderation", self.look, LOOKED_EVERY, woken=self._woken, rest=1.0)

    async def look(self) -> int:
        """Try all that is wanted once; returns how many of it are settled."""
        wanted = await self._service.ask(lambda unit: unit.listening.moderations_in(WANTED))
        settled = 0
        for record in wanted:
            lane, lease = self._lanes.get(record.channel), self._keeper.lease_of(record.channel)
            if lane is not None and lease is not None:
                settled += await self._carry_out(record, lane, lease)
        return settled

    async def _carry_out(self, record: Moderation, lane: Lane, lease: Lease) -> bool:
        said = await self._service.ask(lambda unit: unit.listening.utterance(record.utterance))
        state, reason = DONE, None
        try:
            await _ask(record, said, lane)
        except Gone:
            pass
        except Rejected as error:
            state, reason = FAILED, error.reason
        except DeliveryError as error:
            if self._clock.now() - record.at < GIVEN_UP_AFTER:
                log.warning("moderation.waits", moderation=record.id, reason=str(error.reason))
                return False
            state, reason = FAILED, error.reason
        log.info("moderation.settled", moderation=record.id, act=record.act, state=state)
        work = partial(_settle, record=record, state=state, reason=reason, lease=lease)
        await self._service.act(work, posts=False)
        return True


async def _ask(record: Moderation, said: Utterance | None, lane: Lane) -> None:
    if said is None or said.state is UtteranceState.FORGOTTEN:
        raise Rejected(because("moderation_nothing_left"))
    if record.act == BLOCK and said.sealed is None:
        raise Rejected(because("nobody_to_block", utterance=said.id))
    await lane.moderate(record.act, said.remote_id, said.sealed)


def _settle(unit: DeskUnit, *, record: Moderation, state: str, reason: Reason | None, lease: Lease) -> None:
    unit.leases.check(lease, unit.now)
    unit.listening.decide_moderation(replace(record, state=state, reason=reason), WANTED)
    said = unit.listening.utterance(record.utterance)
    if state != DONE or said is None or said.state in (UtteranceState.GONE, UtteranceState.FORGOTTEN):
        return
    if record.act == HIDE:
        unit.listening.put(replace(said, hidden=True, hidden_at=unit.now))
    elif record.act == DELETE:
        unit.listening.put(forget_words(said, UtteranceState.GONE))
