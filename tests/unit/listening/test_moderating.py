"""What others said is hidden or deleted by a clause, once, with a record; nobody is blocked by one officer alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.listening.hearing import take
from alerts.listening.moderating import Moderator, agree, may, moderate, refuse
from alerts.model.errors import Conflict, Forbidden, Gone, Misuse, Rejected, Retry
from alerts.model.listening import Understood, UtteranceState
from alerts.model.reason import because
from tests.unit.leases import take as take_leases
from tests.unit.listening.test_answering import ANNE, PAUL, by

CLAUSE = "Article 3 : pas d’insultes"


class Platform:
    """A lane whose platform answers as a test says: nothing, or errors to raise."""

    def __init__(self) -> None:
        self.asked, self.answers = [], []

    async def moderate(self, act, remark, author):
        self.asked.append((act, remark, author))
        if self.answers and (error := self.answers.pop(0)):
            raise error


class Holder:
    """Has the lane's lease, for as long as a test says."""

    def __init__(self, listening) -> None:
        self._listening = listening
        self.lease = None

    def lease_of(self, name):
        return self.lease if name == "page" else None

    async def take(self):
        now = self._listening.clock.now()
        [self.lease] = await take_leases(self._listening.database, ["page"], "us", now, now + timedelta(hours=1))


@pytest.fixture
async def platform(listening):
    found, holder = Platform(), Holder(listening)
    await holder.take()
    found.holder = holder
    found.moderator = Moderator(listening.service, {"page": found}, holder, listening.clock, listening.events)
    return found


async def said(listening, **more):
    remark = listening.remark("Bande de nuls", remote_id="c1", author="42", **more)
    taken = await listening.service.act(lambda unit: take(unit, "page", [(remark, Understood())]))
    return taken.utterances[0]


async def record(listening, done):
    return await listening.service.ask(lambda unit: unit.listening.moderation(done.id))


async def test_it_is_hidden_by_a_clause_and_once(listening, platform):
    heard = await said(listening)
    first = await listening.service.act(by(ANNE, moderate, heard.id, "hide", CLAUSE))
    again = await listening.service.act(by(ANNE, moderate, heard.id, "hide", CLAUSE))
    assert first == again

    assert await platform.moderator.look() == 1
    assert await platform.moderator.look() == 0

    assert platform.asked == [("hide", "c1", "42")]
    kept = await record(listening, first)
    assert (kept.state, kept.clause, kept.author) == ("done", CLAUSE, "Anne")
    assert (await listening.service.ask(lambda unit: unit.listening.utterance(heard.id))).hidden
    lines = await listening.rows("SELECT detail FROM audit WHERE act = 'moderate'")
    assert lines == [(f"hide: {CLAUSE}",)]


async def test_what_was_deleted_loses_its_words_here_too(listening, platform):
    heard = await said(listening)
    await listening.service.act(by(ANNE, moderate, heard.id, "delete", CLAUSE))
    await platform.moderator.look()

    kept = await listening.service.ask(lambda unit: unit.listening.utterance(heard.id))
    assert (kept.state, kept.text, kept.sealed) == (UtteranceState.GONE, None, None)


async def test_a_platform_that_does_not_answer_is_asked_again_and_one_that_refuses_is_not(listening, platform):
    heard = await said(listening)
    done = await listening.service.act(by(ANNE, moderate, heard.id, "hide", CLAUSE))
    platform.answers = [Retry(because("channel_stumbled", error="x")), Rejected(because("facebook_cannot_hide"))]

    assert await platform.moderator.look() == 0
    assert (await record(listening, done)).state == "wanted"
    assert await platform.moderator.look() == 1
    kept = await record(listening, done)
    assert (kept.state, kept.reason.code) == ("failed", "facebook_cannot_hide")
    assert await platform.moderator.look() == 0


async def test_what_is_gone_is_done_and_what_fails_for_a_day_is_given_up(listening, platform):
    heard = await said(listening)
    done = await listening.service.act(by(ANNE, moderate, heard.id, "hide", CLAUSE))
    platform.answers = [Gone(because("channel_stumbled", error="x"))]
    await platform.moderator.look()
    assert (await record(listening, done)).state == "done"

    other = await listening.service.act(by(ANNE, moderate, heard.id, "delete", CLAUSE))
    platform.answers = [Retry(because("channel_stumbled", error="x"))] * 2
    await platform.moderator.look()
    listening.clock.set(listening.clock.now() + timedelta(hours=25))
    await platform.holder.take()
    await platform.moderator.look()
    assert (await record(listening, other)).state == "failed"


async def test_nobody_is_blocked_by_one_officer_alone(listening, platform):
    heard = await said(listening)
    wanted = await listening.service.act(by(PAUL, moderate, heard.id, "block", CLAUSE))
    assert wanted.state == "waiting"
    assert await platform.moderator.look() == 0
    for actor in (PAUL, ANNE):
        with pytest.raises(Forbidden):
            await listening.service.act(by(actor, agree, wanted.id))

    agreed = await listening.service.act(by(replace(PAUL, name="Zoé"), agree, wanted.id))
    await platform.moderator.look()

    assert platform.asked == [("block", "c1", "42")]
    assert (await record(listening, agreed)).second == "Zoé"
    with pytest.raises(Conflict):
        await listening.service.act(by(PAUL, refuse, wanted.id))


async def test_who_wanted_it_may_take_it_back(listening, platform):
    heard = await said(listening)
    wanted = await listening.service.act(by(ANNE, moderate, heard.id, "block", CLAUSE))
    assert (await listening.service.act(by(ANNE, refuse, wanted.id))).state == "refused"
    assert await platform.moderator.look() == 0


async def test_it_takes_a_clause_a_platform_that_can_and_somebody_to_block(listening):
    assert may(listening.town, "page") == {"hide", "delete", "block"}
    assert may(listening.town, "telegram") == {"delete", "block"}
    heard = await said(listening)
    nameless = await listening.service.act(
        lambda unit: take(unit, "page", [(listening.remark("Nul", remote_id="c9"), Understood())])
    )
    for utterance, act, clause in (
        (heard.id, "hide", " "),
        (heard.id, "praise", CLAUSE),
        (nameless.utterances[0].id, "block", CLAUSE),
    ):
        with pytest.raises(Misuse):
            await listening.service.act(by(ANNE, moderate, utterance, act, clause))


async def test_without_the_lane_it_is_left_to_who_has_it(listening, platform):
    heard = await said(listening)
    await listening.service.act(by(ANNE, moderate, heard.id, "hide", CLAUSE))
    platform.holder.lease = None

    assert await platform.moderator.look() == 0
    assert platform.asked == []
