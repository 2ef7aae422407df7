"""Who asks later what was answered for "the next ones too" is answered by itself, and nobody else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from alerts.desk.versions import digest_of, waiting
from alerts.listening.ears import Intake
from alerts.listening.grouping import group_of
from alerts.listening.likeness import WordLikeness
from alerts.listening.question_acts import AnswerQuestion, MergeQuestion
from alerts.listening.remark_acts import AttributeRemark
from alerts.listening.understanding import Understanding
from alerts.model.events import PostsStored
from alerts.model.listening import UtteranceState
from alerts.reports.words_acts import ApproveAnswer, RejectAnswer
from tests.unit.listening.conftest import send_all
from tests.unit.listening.test_answering import ANNE, PAUL, by, in_group, in_private, on_page, where
from tests.walls import in_one_test

WATER = "L’eau du robinet est-elle potable ?"


@pytest.fixture
async def intake(listening):
    """As a daemon has it, without the model: what is compared is words."""
    async with Understanding(WordLikeness) as understanding:
        yield Intake(listening.service, listening.events, listening.clock, understanding.read, group_of(understanding))


async def say(listening, intake, place, text=WATER):
    channel, more = place
    [taken] = await intake.keep(channel, [listening.remark(text, **more)])
    return taken.utterances[0]


async def answered(listening, intake, *places, next_ones=True, text=WATER):
    """The question that these asked first, answered for the next ones too; what they are told is out."""
    said = [await say(listening, intake, place, text) for place in places]
    await listening.service.act(
        by(ANNE, AnswerQuestion, said[0].question, "Oui, elle est potable.", next_ones=next_ones)
    )
    await send_all(listening)
    return said[0].question


async def test_who_asks_the_same_later_is_told_that_it_is_automatic(listening, intake):
    await answered(listening, intake, on_page(1, remote_id="c1"))
    posted = []
    listening.events.subscribe(PostsStored, posted.append)
    said = await say(listening, intake, on_page(2, remote_id="c2"))

    [post] = await send_all(listening)
    assert where([post]) == [("page", "c2", "reply")]
    assert "Réponse automatique. En danger\u00a0? Appelez le 112." in post.message.text
    assert len(posted) == 1, "its lane was woken"
    # A person reads it all the same.
    assert said.state is UtteranceState.UNREAD


async def test_nobody_is_answered_twice_nor_beyond_the_limits(listening, intake):
    await answered(listening, intake, on_page(1, remote_id="c1"), in_group(7))

    for place in (on_page(1, remote_id="again"), in_group(8), *(on_page(n) for n in range(2, 20))):
        await say(listening, intake, place)

    sent = await send_all(listening)
    # The Page answers ten in all, the group has its one reply.
    assert [post.channel for post in sent] == ["page"] * 9


async def test_each_who_asks_the_bot_is_answered_in_their_chat(listening, intake):
    question = await answered(listening, intake, on_page(1))
    private = in_private(55)
    said = await say(listening, intake, private)
    await listening.service.act(by(ANNE, AttributeRemark, said.id, listening.alert))
    assert await send_all(listening) == [], "what belongs to no incident yet is a person's to answer"
    assert question != said.question


@in_one_test
@pytest.mark.parametrize(
    "text",
    [
        "Au secours, l’eau monte dans la cave, est-ce que quelqu’un peut venir ?",
        "C’est honteux, bande d’incapables ! L’eau du robinet est-elle potable ?",
        "Il paraît que l’eau du robinet est empoisonnée, est-elle potable ?",
        "Merci pour l’eau !",
        "Quand rouvre l’école ?",
    ],
)
async def test_no_call_for_help_no_anger_no_rumour_and_nothing_else_is_answered(listening, intake, text):
    await answered(listening, intake, on_page(1))

    await say(listening, intake, on_page(2), text)

    assert await send_all(listening) == []


async def test_not_without_being_told_to_and_not_once_it_is_over(listening, intake):
    question = await answered(listening, intake, on_page(1), next_ones=False)
    await say(listening, intake, on_page(2))
    assert await send_all(listening) == []

    await listening.service.act(by(ANNE, AnswerQuestion, question, "Oui, elle est potable.", next_ones=True))
    # A version of its own, so whoever asked in between is answered with it.
    assert [post.in_reply_to for post in await send_all(listening)] == ["c2"]
    listening.clock.set(listening.clock.now() + timedelta(hours=7))
    await say(listening, intake, on_page(3))
    assert await send_all(listening) == []


async def test_a_question_that_was_merged_still_takes_up_who_asks_it(listening, intake):
    first = await say(listening, intake, on_page(1))
    other = await say(listening, intake, on_page(2), "Quand rouvre l’école ?")
    await listening.service.act(by(ANNE, MergeQuestion, other.question, first.question))

    later = await say(listening, intake, on_page(3))

    assert later.question == first.question


async def test_who_changes_their_words_afterwards_has_nothing_else_answered_for_them(listening, intake):
    """Facebook dates no edit: what a comment says by now was never what the answer was given to."""
    first, at = "Le pont est-il ouvert ?", listening.clock.now()
    await answered(listening, intake, on_page(1, remote_id="c1", at=at), text=first)
    listening.clock.set(at + timedelta(minutes=2))
    await say(listening, intake, on_page(1, remote_id="c1", at=at))

    await say(listening, intake, on_page(2))

    assert await send_all(listening) == []


async def test_a_question_taken_up_later_is_answered_to_nobody_by_itself_until_that_is_validated(listening, intake):
    object.__setattr__(listening.town, "listening", replace(listening.town.listening, answers="approve"))
    luc, other = replace(ANNE, name="Luc"), await say(listening, intake, on_page(1))
    bridge = (await say(listening, intake, on_page(2), "Le pont est-il ouvert ?")).question
    given = partial(by, luc, AnswerQuestion, bridge, "Oui.", words="Le pont est-il ouvert ?", next_ones=True)

    async def validate_what_waits():
        waits = await listening.service.ask(lambda unit: waiting(unit, bridge))
        await listening.service.act(by(PAUL, ApproveAnswer, waits.id, seen=digest_of(waits)))
        await send_all(listening)

    await listening.service.act(given())
    await validate_what_waits()
    await listening.service.act(by(luc, MergeQuestion, other.question, bridge))
    waits = await listening.service.ask(lambda unit: waiting(unit, bridge))
    await say(listening, intake, on_page(3))
    assert await send_all(listening) == []

    await listening.service.act(by(luc, RejectAnswer, waits.id))
    await say(listening, intake, on_page(4))
    assert await send_all(listening) == [], "who takes their own version back has changed nothing either"

    await listening.service.act(given())
    await validate_what_waits()
    await say(listening, intake, on_page(5))
    assert len(await send_all(listening)) == 1
