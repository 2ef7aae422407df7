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
from alerts.desk.service import DeskService, DeskUnit
from alerts.model.errors import DeliveryError, Gone, Rejected
from alerts.model.events import Events, PostsStored
from alerts.model.lease import Lease
from alerts.model.listening import Moderation, Utterance, UtteranceState
from alerts.model.ports import Clock
from alerts.model.reason import Reason, because
from alerts.model.town import Town
from alerts.store.listening import forget_words

HIDE, DELETE, BLOCK = "hide", "delete", "block"
WAITING, WANTED, DONE, FAILED, REFUSED = "waiting", "wanted", "done", "failed", "refused"
LOOKED_EVERY = 30.0
LONGEST_CLAUSE = 300
GIVEN_UP_AFTER = timedelta(hours=24)
_KINDS = {"facebook": (HIDE, DELETE, BLOCK), "telegram": (DELETE, BLOCK), "twitter": (HIDE,), "mastodon": (BLOCK,)}

log = structlog.get_logger()


def may(town: Town, channel: str) -> frozenset[str]:
    """Return the possible actions on a channel's remarks: some of `hide`, `delete`, `block`."""
    found = town.hearing.get(channel)
    return frozenset(_KINDS.get(found.kind, ())) if found is not None else frozenset()


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
