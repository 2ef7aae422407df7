"""What others said is hidden or deleted by a clause, once, with a record; nobody is blocked by one officer alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.listening.hearing import take
from alerts.listening.moderating import Moderator, may
from alerts.listening.remark_acts import AgreeBlock, BlockAuthor, DeleteRemark, HideRemark, RefuseBlock
from alerts.model.errors import Conflict, Forbidden, Gone, Misuse, Rejected, Retry
from alerts.model.listening import Understood, UtteranceState
from alerts.model.reason import because
from tests.unit.acting import by
from tests.unit.leases import take as take_leases
from tests.unit.listening.test_answering import ANNE, PAUL

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


async def record(listening, heard, act="hide"):
    """The only record of that act on what was said."""
    known = await listening.service.ask(lambda unit: unit.listening.moderations_of(heard.id))
    [found] = [each for each in known if each.act == act]
    return found


async def test_it_is_hidden_by_a_clause_and_once(listening, platform):
    heard = await said(listening)
    for _ in range(2):
        await listening.service.act(by(ANNE, HideRemark, heard.id, CLAUSE))

    assert await platform.moderator.look() == 1
    assert await platform.moderator.look() == 0

    assert platform.asked == [("hide", "c1", "42")]
    kept = await record(listening, heard)
    assert (kept.state, kept.clause, kept.author) == ("done", CLAUSE, "Anne")
    assert (await listening.service.ask(lambda unit: unit.listening.utterance(heard.id))).hidden
    lines = await listening.rows("SELECT detail FROM audit WHERE act = 'moderate'")
    assert lines == [(f"hide: {CLAUSE}",)]


async def test_what_was_deleted_loses_its_words_here_too(listening, platform):
    heard = await said(listening)
    await listening.service.act(by(ANNE, DeleteRemark, heard.id, CLAUSE))
    await platform.moderator.look()

    kept = await listening.service.ask(lambda unit: unit.listening.utterance(heard.id))
    assert (kept.state, kept.text, kept.sealed) == (UtteranceState.GONE, None, None)


async def test_a_platform_that_does_not_answer_is_asked_again_and_one_that_refuses_is_not(listening, platform):
    heard = await said(listening)
    await listening.service.act(by(ANNE, HideRemark, heard.id, CLAUSE))
    platform.answers = [Retry(because("channel_stumbled", error="x")), Rejected(because("facebook_cannot_hide"))]

    assert await platform.moderator.look() == 0
    assert (await record(listening, heard)).state == "wanted"
    assert await platform.moderator.look() == 1
    kept = await record(listening, heard)
    assert (kept.state, kept.reason.code) == ("failed", "facebook_cannot_hide")
    assert await platform.moderator.look() == 0


async def test_what_is_gone_is_done_and_what_fails_for_a_day_is_given_up(listening, platform):
    heard = await said(listening)
    await listening.service.act(by(ANNE, HideRemark, heard.id, CLAUSE))
    platform.answers = [Gone(because("channel_stumbled", error="x"))]
    await platform.moderator.look()
    assert (await record(listening, heard)).state == "done"

    await listening.service.act(by(ANNE, DeleteRemark, heard.id, CLAUSE))
    platform.answers = [Retry(because("channel_stumbled", error="x"))] * 2
    await platform.moderator.look()
    listening.clock.set(listening.clock.now() + timedelta(hours=25))
    await platform.holder.take()
    await platform.moderator.look()
    assert (await record(listening, heard, "delete")).state == "failed"


async def test_nobody_is_blocked_by_one_officer_alone(listening, platform):
    heard = await said(listening)
    await listening.service.act(by(PAUL, BlockAuthor, heard.id, CLAUSE))
    wanted = await record(listening, heard, "block")
    assert wanted.state == "waiting"
    assert await platform.moderator.look() == 0
    for actor in (PAUL, ANNE):
        with pytest.raises(Forbidden):
            await listening.service.act(by(actor, AgreeBlock, wanted.id))

    await listening.service.act(by(replace(PAUL, name="Zoé"), AgreeBlock, wanted.id))
    await platform.moderator.look()

    assert platform.asked == [("block", "c1", "42")]
    assert (await record(listening, heard, "block")).second == "Zoé"
    with pytest.raises(Conflict):
        await listening.service.act(by(PAUL, RefuseBlock, wanted.id))


async def test_who_wanted_it_may_take_it_back(listening, platform):
    heard = await said(listening)
    await listening.service.act(by(ANNE, BlockAuthor, heard.id, CLAUSE))
    wanted = await record(listening, heard, "block")
    await listening.service.act(by(ANNE, RefuseBlock, wanted.id))
    assert (await record(listening, heard, "block")).state == "refused"
    assert await platform.moderator.look() == 0


async def test_it_takes_a_clause_a_platform_that_can_and_somebody_to_block(listening):
    assert may(listening.town, "page") == {"hide", "delete", "block"}
    assert may(listening.town, "telegram") == {"delete", "block"}
    heard = await said(listening)
    nameless = await listening.service.act(
        lambda unit: take(unit, "page", [(listening.remark("Nul", remote_id="c9"), Understood())])
    )
    on_telegram = await listening.service.act(
        lambda unit: take(unit, "telegram", [(listening.remark("Nul", remote_id="c8"), Understood())])
    )
    for act, utterance, clause in (
        (HideRemark, heard.id, " "),
        (HideRemark, on_telegram.utterances[0].id, CLAUSE),
        (BlockAuthor, nameless.utterances[0].id, CLAUSE),
    ):
        with pytest.raises(Misuse):
            await listening.service.act(by(ANNE, act, utterance, clause))


async def test_without_the_lane_it_is_left_to_who_has_it(listening, platform):
    heard = await said(listening)
    await listening.service.act(by(ANNE, HideRemark, heard.id, CLAUSE))
    platform.holder.lease = None

    assert await platform.moderator.look() == 0
    assert platform.asked == []
