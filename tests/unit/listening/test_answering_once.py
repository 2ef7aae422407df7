"""Thirty people ask one thing in eight wordings on three platforms, and are answered once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from alerts.channels.settings import TWITTER_TEXT
from alerts.desk.officer import Officer
from alerts.listening.ears import Intake
from alerts.listening.grouping import group_of
from alerts.listening.likeness import WordLikeness
from alerts.listening.question_acts import AnswerQuestion, MergeQuestion
from alerts.listening.understanding import Understanding
from alerts.model.post import PostState
from alerts.model.town import ChannelConfig
from tests.unit.listening.conftest import send_all
from tests.unit.listening.test_answering import ANNE, by

WORDINGS = (
    "Est-ce que l’eau du robinet est potable ?",
    "L’eau est-elle potable ?",
    "On peut boire l’eau du robinet ?",
    "Peut-on boire l’eau ?",
    "eau potable ou pas ??",
    "L’eau du robinet, elle est buvable ?",
    "Bonjour, peut-on boire l’eau du robinet à l’école ?",
    "Is the tap water safe to drink?",
)
X = ChannelConfig("x", "twitter", TWITTER_TEXT, hears=True)


@pytest.fixture
async def intake(listening):
    async with Understanding(WordLikeness) as understanding:
        yield Intake(listening.service, listening.events, listening.clock, understanding.read, group_of(understanding))


async def test_thirty_askers_are_few_groups_and_none_is_answered_twice(listening, intake):
    listening.town.channels["x"] = X
    places = ("page", "telegram", "page")
    for number in range(30):
        channel = places[number % 3]
        remote_id = f"-100:{number}" if channel == "telegram" else f"c-{number}"
        remark = listening.remark(
            WORDINGS[number % 8], root=f"{channel}-1", remote_id=remote_id, author=f"{channel}{number}"
        )
        await intake.keep(channel, [remark])
    questions = await listening.service.ask(lambda unit: unit.listening.questions(100, listening.incident))
    assert len(questions) <= 4

    first, *others = sorted(questions, key=lambda each: -each.asked)
    for other in others:
        await listening.service.act(by(ANNE, MergeQuestion, other.id, first.id))
    for _ in range(2):
        await listening.service.act(by(ANNE, AnswerQuestion, first.id, "Oui, elle est potable."))
    sent = await send_all(listening)

    # One comment of the Page and ten replies; one in the group. On X nobody asked.
    assert Counter(post.channel for post in sent) == {"page": 11, "telegram": 1}
    assert len({(post.channel, post.in_reply_to) for post in sent}) == len(sent)


async def test_a_refused_answer_can_be_tried_again_or_given_up(listening, intake):
    remark = listening.remark(WORDINGS[0], remote_id="c1", author="1")
    [taken] = await intake.keep("page", [remark])
    done = await listening.service.act(by(ANNE, AnswerQuestion, taken.utterances[0].question, "Oui."))
    await listening.database.write(lambda unit: unit.execute("UPDATE post SET state = 'failed' WHERE kind = 'answer'"))

    again = await listening.service.act(lambda unit: Officer(unit, ANNE).retry(done.posts[0].id))
    dropped = await listening.service.act(lambda unit: Officer(unit, ANNE).drop(done.posts[1].id))
    assert [post.id for post in (*again, *dropped)] == [post.id for post in done.posts]

    # What was given up stays so with a new version; the other is said in its words.
    changed = await listening.service.act(by(ANNE, AnswerQuestion, done.question.id, "Non."))
    assert [post.in_reply_to for post in changed.posts] == [done.posts[0].in_reply_to]
    assert {post.state for post in changed.posts} == {PostState.QUEUED}
    assert replace(changed.posts[0], seq=0).message.text.count("Non.") == 1
