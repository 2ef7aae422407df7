"""What others said is hidden or deleted by a clause, once, with a record; nobody is blocked by one officer alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from alerts.delivery.jobs import JobLane
from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.delivery.share import LeaseGroup
from alerts.listening.hearing import take
from alerts.listening.moderating import ModerationJobs, may
from alerts.listening.remark_acts import AgreeBlock, BlockAuthor, DeleteRemark, HideRemark, RefuseBlock
from alerts.model.errors import Conflict, DatabaseRefused, Forbidden, Gone, InDoubt, Misuse, Rejected, Retry
from alerts.model.lease import LeaseLost
from alerts.model.listening import Understood, UtteranceState
from alerts.model.reason import because
from tests.unit.acting import by
from tests.unit.listening.test_answering import ANNE, PAUL

CLAUSE = "Article 3 : pas d’insultes"


class Platform:
    """A lane whose platform answers as a test says: nothing, or errors to raise; and the lane of its jobs."""

    settings = SimpleNamespace(name="page")

    def __init__(self, listening, keeper) -> None:
        self.listening, self.keeper = listening, keeper
        self.asked, self.answers = [], []
        self.start()

    def start(self):
        house = self.listening
        kind = ModerationJobs(self, house.service)
        self.jobs = JobLane(kind, house.service, self.keeper, house.clock, house.events)

    async def moderate(self, act, remark, author):
        self.asked.append((act, remark, author))
        if self.answers and (error := self.answers.pop(0)):
            raise error

    async def look(self, later=0):
        """How often the platform was asked in a round, after so many seconds."""
        before = len(self.asked)
        await self.listening.clock.advance(later)
        await self.keeper._renew()
        await self.jobs.go_round(self.keeper.lease_of("page"))
        return len(self.asked) - before


@pytest.fixture
async def platform(listening):
    leases = Leases(listening.database)
    keeper = LeaseKeeper(leases, listening.clock, "us", [LeaseGroup("channel", ("page",))], timedelta(days=3))
    listening.database.lease_lost = keeper.lost
    await keeper._renew()
    return Platform(listening, keeper)


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

    assert await platform.look() == 1
    assert await platform.look() == 0

    assert platform.asked == [("hide", "c1", "42")]
    kept = await record(listening, heard)
    assert (kept.state, kept.clause, kept.author) == ("done", CLAUSE, "Anne")
    assert (await listening.service.ask(lambda unit: unit.listening.utterance(heard.id))).hidden
    lines = await listening.rows("SELECT detail FROM audit WHERE act = 'moderate'")
    assert lines == [(f"hide: {CLAUSE}",)]


async def test_what_was_deleted_loses_its_words_here_too(listening, platform):
    heard = await said(listening)
    await listening.service.act(by(ANNE, DeleteRemark, heard.id, CLAUSE))
    await platform.look()

    kept = await listening.service.ask(lambda unit: unit.listening.utterance(heard.id))
    assert (kept.state, kept.text, kept.sealed) == (UtteranceState.GONE, None, None)


async def test_a_platform_that_does_not_answer_is_asked_again_and_one_that_refuses_is_not(listening, platform):
    heard = await said(listening)
    await listening.service.act(by(ANNE, HideRemark, heard.id, CLAUSE))
    platform.answers = [Retry(because("channel_stumbled", error="x")), Rejected(because("facebook_cannot_hide"))]

    assert await platform.look() == 1
    assert (await record(listening, heard)).state == "wanted"
    assert await platform.look() == 0, "it pauses"
    assert await platform.look(later=2) == 1
    kept = await record(listening, heard)
    assert (kept.state, kept.reason.code) == ("failed", "facebook_cannot_hide")
    assert await platform.look() == 0


async def test_what_is_gone_is_done_and_what_fails_for_a_day_is_given_up(listening, platform):
    heard = await said(listening)
    await listening.service.act(by(ANNE, HideRemark, heard.id, CLAUSE))
    platform.answers = [Gone(because("channel_stumbled", error="x"))]
    await platform.look()
    assert (await record(listening, heard)).state == "done"

    await listening.service.act(by(ANNE, DeleteRemark, heard.id, CLAUSE))
    platform.answers = [Retry(because("channel_stumbled", error="x"))] * 2
    await platform.look()
    await platform.look(later=25 * 3600)
    assert (await record(listening, heard, "delete")).state == "failed"


async def test_nobody_is_blocked_by_one_officer_alone(listening, platform):
    heard = await said(listening)
    await listening.service.act(by(PAUL, BlockAuthor, heard.id, CLAUSE))
    wanted = await record(listening, heard, "block")
    assert wanted.state == "waiting"
    assert await platform.look() == 0
    for actor in (PAUL, ANNE):
        with pytest.raises(Forbidden):
            await listening.service.act(by(actor, AgreeBlock, wanted.id))

    await listening.service.act(by(replace(PAUL, name="Zoé"), AgreeBlock, wanted.id))
    await platform.look()

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
    assert await platform.look() == 0


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


async def journal(listening):
    return await listening.rows("SELECT kind, state, tries FROM job")


async def test_it_is_journalled_before_it_is_asked_and_asked_once_more_after_a_kill(listening, platform):
    """Done twice it is as done once, so nothing is in doubt."""
    heard = await said(listening)
    await listening.service.act(by(ANNE, HideRemark, heard.id, CLAUSE))
    asked = asyncio.Event()

    async def never(*_):
        asked.set()
        await asyncio.Event().wait()

    moderate_at_once, platform.moderate = platform.moderate, never
    killed = asyncio.create_task(platform.look())
    await asked.wait()
    assert await journal(listening) == [("hide", "sending", 1)]
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)

    platform.moderate = moderate_at_once
    platform.start()
    assert await platform.look() == 1
    assert (await record(listening, heard)).state == "done"
    assert await journal(listening) == []


async def test_what_is_wanted_no_more_leaves_the_journal(listening, platform):
    heard = await said(listening)
    await listening.service.act(by(ANNE, HideRemark, heard.id, CLAUSE))
    platform.answers = [InDoubt(because("channel_stumbled", error="x"))]
    await platform.look()
    assert await journal(listening) == [("hide", "queued", 1)]
    done = await record(listening, heard)
    await listening.service.act(lambda unit: unit.listening.decide_moderation(replace(done, state="done"), "wanted"))
    assert await platform.look(later=60) == 0
    assert await journal(listening) == []


async def test_an_outcome_is_kept_however_long_the_database_refuses(listening, platform, monkeypatch):
    heard = await said(listening)
    await listening.service.act(by(ANNE, HideRemark, heard.id, CLAUSE))
    act, refused = listening.service.act, []

    async def refusing(action, **more):
        if platform.asked and len(refused) < 3:
            refused.append(action)
            raise DatabaseRefused("full")
        return await act(action, **more)

    monkeypatch.setattr(listening.service, "act", refusing)
    looking = asyncio.create_task(platform.look())
    while not looking.done():
        await asyncio.wait({looking}, timeout=0.02)
        await listening.clock.advance(1)
    assert len(platform.asked) == 1
    assert (await record(listening, heard)).state == "done"


async def test_a_round_in_which_nothing_is_due_lists_once_what_is_wanted(listening, platform, monkeypatch):
    heard = await said(listening)
    await listening.service.act(by(ANNE, HideRemark, heard.id, CLAUSE))
    platform.answers = [Retry(because("channel_stumbled", error="x"))]
    await platform.look()
    listed, wanted = [], ModerationJobs.wanted
    monkeypatch.setattr(ModerationJobs, "wanted", lambda kind, unit: listed.append(kind) or wanted(kind, unit))

    assert await platform.look() == 0
    assert len(listed) == 1


async def test_under_a_lease_that_only_memory_still_has_nothing_is_asked(listening, platform):
    heard = await said(listening)
    await listening.service.act(by(ANNE, HideRemark, heard.id, CLAUSE))
    lease = platform.keeper.lease_of("page")
    await listening.service.act(lambda unit: unit.execute("UPDATE lease SET owner = 'them', number = number + 1"))
    with pytest.raises(LeaseLost):
        await platform.jobs.go_round(lease)
    assert platform.asked == []


async def test_a_lane_that_stops_finishes_what_it_has_begun_and_begins_nothing_more(listening, platform):
    for remark in ("c1", "c2"):
        heard = await listening.service.act(
            lambda unit, remark=remark: take(
                unit, "page", [(listening.remark("Nul", remote_id=remark, author="42"), Understood())]
            )
        )
        await listening.service.act(by(ANNE, HideRemark, heard.utterances[0].id, CLAUSE))
    asked, answer, moderate_at_once = asyncio.Event(), asyncio.Event(), platform.moderate

    async def slowly(*told):
        asked.set()
        await answer.wait()
        await moderate_at_once(*told)

    platform.moderate = slowly
    looking = asyncio.create_task(platform.look())
    await asked.wait()
    stopping = asyncio.create_task(platform.jobs.stop(10))
    await asyncio.sleep(0)
    answer.set()
    await stopping
    assert await looking == 1
    assert await journal(listening) == []
