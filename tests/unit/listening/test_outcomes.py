"""What came of a poll is said in versions, each validated where the poll was; nothing is asked once it is closed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.desk.officer import Officer
from alerts.desk.versions import digest_of
from alerts.listening.outcomes import outcomes
from alerts.listening.poll_acts import ClosePoll, TellPollOutcome
from alerts.model.errors import Forbidden, Refused
from alerts.model.listening import AnswerState
from alerts.model.person import Actor, Origin, Role
from alerts.model.post import PostState
from alerts.reports.words_acts import ApproveAnswer
from tests.unit.listening.poll_town import PAUL, PollTown

ZOE = Actor("Zoé", Role.APPROVER, Origin.CONSOLE)


@pytest.fixture
async def town(tmp_path):
    town = PollTown(tmp_path)
    await town.start()
    yield town
    await town.kill()


async def test_it_waits_where_the_poll_was_validated_and_each_version_is_kept(town):
    poll = await town.open()
    closed = await town.act(lambda officer: ClosePoll(poll.id).done_by(officer))
    await town.act(lambda officer: officer.unit.polls.put(replace(closed, approved_by="Zoé")))

    for words in ("La place ferme dès mai.", "La place ferme dès juin."):
        await town.act(lambda officer, w=words: TellPollOutcome(poll.id, w).done_by(officer), PAUL)
        [waits] = await town.ask(lambda unit: unit.listening.waiting_answers())
        assert waits.state is AnswerState.WAITING
        assert (await town.ask(lambda unit: unit.polls.poll(poll.id))).outcome != words
        with pytest.raises(Forbidden):
            await town.act(lambda officer, w=waits: ApproveAnswer(w.id).done_by(officer), replace(ZOE, name=PAUL.name))
        await town.act(lambda officer, w=waits: ApproveAnswer(w.id, digest_of(w)).done_by(officer), ZOE)

    shown = await town.ask(lambda unit: outcomes(unit, unit.polls.poll(poll.id)))
    assert [each.text for each in shown] == ["La place ferme dès juin.", "La place ferme dès mai."]


async def test_what_an_earlier_version_kept_stays_public(town):
    poll = await town.open()
    closed = await town.act(lambda officer: ClosePoll(poll.id).done_by(officer))
    await town.act(lambda officer: officer.unit.polls.put(replace(closed, outcome="Elle ferme.")))

    shown = await town.ask(lambda unit: outcomes(unit, unit.polls.poll(poll.id)))
    assert [(each.text, each.at) for each in shown] == [("Elle ferme.", None)]


async def test_a_question_that_failed_is_not_asked_once_the_poll_is_over(town):
    poll = await town.open()
    [post, *_] = await town.ask(lambda unit: list(unit.alerts.thread(poll.id)))
    failed = "UPDATE post SET state = 'failed', remote_id = NULL WHERE id = ?"
    await town.act(lambda officer: officer.unit.execute(failed, (post.id,)).rowcount)

    await town.act(lambda officer: ClosePoll(poll.id).done_by(officer))

    [kept] = await town.ask(lambda unit: list(unit.alerts.post_by_id(post.id)))
    assert kept.state is PostState.DROPPED
    await town.act(lambda officer: officer.unit.execute(failed, (post.id,)).rowcount)
    with pytest.raises(Refused, match="closed"):
        await town.act(lambda officer: Officer(officer.unit, officer.actor).retry(post.id))
