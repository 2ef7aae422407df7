"""Hiding or deleting what others said under the town's posts, and keeping out who says it: with a clause, and a record.

Each act names a clause of the town's charter and is written down before it is done. To block somebody takes a second
person. What is `wanted` are jobs (`alerts.delivery.jobs`) of the channel's lane, tried again until the platform did it
or refuses. Between doing and noting a process may die; then it is done twice, which harms nothing: what is hidden, gone
or blocked already stays so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from alerts.delivery.jobs import JobKind
from alerts.delivery.lane import Lane
from alerts.delivery.retry import JobRules
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.errors import Gone, Rejected
from alerts.model.job import Job, WantedJob
from alerts.model.listening import Moderation, UtteranceState
from alerts.model.post import PostState
from alerts.model.reason import because
from alerts.model.town import Town
from alerts.store.listening import forget_words

HIDE, DELETE, BLOCK = "hide", "delete", "block"
WAITING, WANTED, DONE, FAILED, REFUSED = "waiting", "wanted", "done", "failed", "refused"
LONGEST_CLAUSE = 300
GIVEN_UP_AFTER = timedelta(hours=24)
_KINDS = {"facebook": (HIDE, DELETE, BLOCK), "telegram": (DELETE, BLOCK), "twitter": (HIDE,), "mastodon": (BLOCK,)}


def may(town: Town, channel: str) -> frozenset[str]:
    """Return the possible actions on a channel's remarks: some of `hide`, `delete`, `block`."""
    found = town.hearing.get(channel)
    return frozenset(_KINDS.get(found.kind, ())) if found is not None else frozenset()


class ModerationJobs(JobKind[DeskUnit, Moderation, None]):
    """Moderation wanted on one channel: its lane does it as soon as it is stored. A refusal by the platform ends it."""

    rules = JobRules(repeatable=True)
    kinds = (HIDE, DELETE, BLOCK)

    def __init__(self, lane: Lane, service: DeskService) -> None:
        self.channel = self.lease = lane.settings.name
        self.name = f"jobs moderation {self.channel}"
        self._lane = lane
        self._service = service

    def wanted(self, unit: DeskUnit) -> Iterator[WantedJob[Moderation]]:
        """Return what isn't done yet; after a day without an answer it is given up."""
        for each in unit.listening.moderations_in(WANTED):
            if each.channel == self.channel:
                yield WantedJob(each.act, each.id, each, until=each.at + GIVEN_UP_AFTER)

    async def do(self, what: Moderation) -> None:
        """Ask the platform; a remark that is gone already is done."""
        said = await self._service.ask(lambda unit: unit.listening.utterance(what.utterance))
        if said is None or said.state is UtteranceState.FORGOTTEN:
            raise Rejected(because("moderation_nothing_left"))
        if what.act == BLOCK and said.sealed is None:
            raise Rejected(because("nobody_to_block", utterance=said.id))
        with contextlib.suppress(Gone):
            await self._lane.moderate(what.act, said.remote_id, said.sealed)

    def keep(self, unit: DeskUnit, what: Moderation, job: Job, _: None) -> None:
        """Record it as done or failed, and what that changes about the remark."""
        if job.state not in (PostState.SENT, PostState.FAILED):
            return
        state = DONE if job.state is PostState.SENT else FAILED
        unit.listening.decide_moderation(replace(what, state=state, reason=job.reason), WANTED)
        said = unit.listening.utterance(what.utterance)
        if state != DONE or said is None or said.state in (UtteranceState.GONE, UtteranceState.FORGOTTEN):
            return
        if what.act == HIDE:
            unit.listening.put(replace(said, hidden=True, hidden_at=unit.now))
        elif what.act == DELETE:
            unit.listening.put(forget_words(said, UtteranceState.GONE))
