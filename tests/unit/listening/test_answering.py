"""An answer goes where it was asked, once in each place; a new version edits it, and a withdrawal takes it back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.desk.versions import current_answer
from alerts.listening import questions
from alerts.listening.answering import faq, what_is_asked
from alerts.listening.hearing import take
from alerts.listening.question_acts import (
    AnswerQuestion,
    AttributeQuestion,
    DismissQuestion,
    MergeQuestion,
    SplitQuestion,
    WithdrawAnswer,
)
from alerts.listening.questions import add, close_over_questions
from alerts.listening.remark_acts import SeeToRemark, SetRemarkKind
from alerts.model.errors import Conflict, Forbidden, Misuse
from alerts.model.listening import AnswerState, Kind, QuestionState, Understood, UtteranceState
from alerts.model.person import Act, Actor, Origin, Role
from alerts.model.post import Means, PostKind, PostState
from alerts.reports.words_acts import ApproveAnswer, RejectAnswer
from tests.unit.acting import by
from tests.unit.listening.conftest import send_all

ASKS = Understood(Kind.QUESTION, asks=True)
ANNE = Actor("Anne", Role.AUTHOR, Origin.COMMAND)
PAUL = Actor("Paul", Role.APPROVER, Origin.COMMAND)


async def asked(listening, *places, text="L’eau est-elle potable ?"):
    """One question, asked at these places: a channel, and what is told of the remark beside. Returns its id."""
    question = None
    for channel, more in places:
        remark = listening.remark(text, **more)
        taken = await listening.service.act(lambda unit, c=channel, r=remark: take(unit, c, [(r, ASKS)]))
        [said] = taken.utterances
        if question is None:
            question = said.question
        else:
            await listening.service.act(by(ANNE, MergeQuestion, said.question, question))
    return question


def on_page(number=None, **more):
    return ("page", {"root": "page-1", "author": f"a{number}" if number else None, **more})


def in_group(number, **more):
    return ("telegram", {"remote_id": f"-100:{number}", "root": "telegram-1", "author": f"t{number}", **more})


def in_private(chat, number=1):
    return ("telegram", {"remote_id": f"{chat}:{number}", "root": None, "author": str(chat), "private": True})


def where(posts):
    return sorted((post.channel, post.in_reply_to, str(post.means)) for post in posts)


async def test_it_goes_where_it_was_asked_by_each_platforms_rules(listening):
    question = await asked(
        listening,
        on_page(1, remote_id="c1"),
        on_page(2, remote_id="c2"),
        in_group(7),
        in_group(8),
        in_private(55),
        in_private(55, 2),
    )
    await listening.service.act(by(ANNE, AttributeQuestion, question, listening.alert))

    done = await listening.service.act(
        by(ANNE, AnswerQuestion, question, "Oui, elle est potable.", words="L’eau du robinet est-elle potable ?")
    )

    assert where(done.posts) == [
        ("page", "c1", "reply"),
        ("page", "c2", "reply"),
        ("page", "page-1", "reply"),
        ("telegram", "-100:7", "reply"),
        ("telegram", "55:1", "reply"),
    ]
    assert {post.kind for post in done.posts} == {PostKind.ANSWER}
    assert done.question.state is QuestionState.ANSWERED
    [own] = [post for post in done.posts if post.in_reply_to == "page-1"]
    assert own.message.text.startswith(
        "Vous demandez\u00a0: L’eau du robinet est-elle potable\u00a0?\nOui, elle est potable."
    )
    assert f"/alerts/{listening.incident}" in own.message.text
    [reply] = [post for post in done.posts if post.in_reply_to == "c1"]
    assert "Vous demandez" not in reply.message.text


async def test_a_double_tap_answers_once(listening):
    question = await asked(listening, on_page(1))
    for _ in range(2):
        await listening.service.act(by(ANNE, AnswerQuestion, question, "Oui."))

    rows = await listening.rows("SELECT count(*) FROM post WHERE kind = 'answer'")
    lines = await listening.rows("SELECT count(*) FROM audit WHERE act = 'answer'")
    assert (rows, lines) == ([(2,)], [(1,)])


async def test_no_more_than_so_many_are_answered_each(listening):
    listening.town.channels["page"] = replace(listening.town.channels["page"], replies=2)
    question = await asked(listening, *(on_page(n) for n in (1, 2, 2, 3)))

    done = await listening.service.act(by(ANNE, AnswerQuestion, question, "Oui."))

    assert len(done.posts) == 3


async def test_a_new_version_edits_what_is_out_and_replaces_what_is_not(listening):
    question = await asked(listening, on_page(1, remote_id="c1"), in_group(7))
    await listening.service.act(by(ANNE, AnswerQuestion, question, "Oui."))
    first = await send_all(listening)

    await listening.service.act(by(ANNE, AnswerQuestion, question, "Non, faites-la bouillir."))
    await listening.service.act(by(ANNE, AnswerQuestion, question, "Non, faites-la bouillir 5 minutes."))
    sent = await send_all(listening)

    assert len(sent) == len(first) == 3
    assert {post.means for post in sent} == {Means.EDIT}
    assert all("5 minutes" in post.message.text for post in sent)
    states = await listening.rows("SELECT state, count(*) FROM post WHERE kind = 'answer' GROUP BY state ORDER BY 1")
    assert states == [("sent", 6), ("superseded", 3)]
    # The edits went to the very posts.
    ids = await listening.rows("SELECT count(DISTINCT remote_id) FROM post WHERE kind = 'answer' AND state = 'sent'")
    assert ids == [(3,)]
    [entry] = await listening.service.ask(lambda unit: faq(unit, listening.incident))
    assert (entry.question, entry.answer) == ("", "Non, faites-la bouillir 5 minutes.")


async def test_a_withdrawn_answer_is_taken_back_and_what_follows_is_said_anew(listening):
    question = await asked(listening, on_page(1, remote_id="c1"))
    await listening.service.act(by(ANNE, AnswerQuestion, question, "Oui."))
    await send_all(listening)

    done = await listening.service.act(by(ANNE, WithdrawAnswer, question, "faux"))
    assert {post.means for post in done.posts} == {Means.DELETE}
    assert await listening.service.ask(
        lambda unit: (faq(unit, listening.incident), current_answer(unit, question))
    ) == (
        [],
        None,
    )
    await send_all(listening)

    again = await listening.service.act(by(ANNE, AnswerQuestion, question, "Non."))
    assert where(again.posts) == [("page", "c1", "reply"), ("page", "page-1", "reply")]


async def test_what_had_not_left_when_it_was_withdrawn_never_does(listening):
    question = await asked(listening, on_page(1))
    await listening.service.act(by(ANNE, AnswerQuestion, question, "Oui."))

    done = await listening.service.act(by(ANNE, WithdrawAnswer, question))

    assert done.posts == ()
    assert await send_all(listening) == []


async def test_everywhere_tells_our_own_thread_where_nobody_asked(listening):
    question = await asked(listening, on_page(1, remote_id="c1"))

    done = await listening.service.act(by(ANNE, AnswerQuestion, question, "Oui.", everywhere=True, words="Et l’eau ?"))

    assert ("telegram", "telegram-1", "reply") in where(done.posts)
    [there] = [post for post in done.posts if post.channel == "telegram"]
    assert there.message.plain.startswith("Vous demandez\u00a0: Et l’eau\u00a0?")


async def test_who_asked_elsewhere_or_whose_words_are_gone_is_answered_nowhere(listening):
    question = await asked(listening, on_page(1, remote_id="c1"))
    gone = replace(listening.remark("", remote_id="c1"), gone=True)
    await listening.service.act(lambda unit: take(unit, "page", [(gone, Understood())]))
    said = await listening.service.act(by(ANNE, add, "Et l’eau ?", ASKS, incident=listening.alert, place="au guichet"))
    assert (said.channel, said.incident, said.place, said.by) == ("elsewhere", listening.incident, "au guichet", "Anne")
    await listening.service.act(by(ANNE, MergeQuestion, said.question, question))

    done = await listening.service.act(by(ANNE, AnswerQuestion, question, "Oui."))

    assert done.posts == ()
    assert done.answer.state is AnswerState.ACCEPTED


async def test_an_answer_needs_an_alert_to_stand_under(listening):
    said = await listening.service.act(by(ANNE, add, "Et l’eau ?", ASKS))

    with pytest.raises(Misuse) as refused:
        await listening.service.act(by(ANNE, AnswerQuestion, said.question, "Oui."))
    assert refused.value.reason.code == "question_without_incident"


async def test_a_second_person_validates_where_the_town_wants_it(listening):
    object.__setattr__(listening.town, "listening", replace(listening.town.listening, answers="approve"))
    question = await asked(listening, on_page(1))
    done = await listening.service.act(by(PAUL, AnswerQuestion, question, "Oui."))
    assert (done.answer.state, done.posts, done.question.state) == (AnswerState.WAITING, (), QuestionState.OPEN)

    with pytest.raises(Forbidden):
        await listening.service.act(by(PAUL, ApproveAnswer, done.answer.id))
    with pytest.raises(Forbidden):
        await listening.service.act(by(ANNE, ApproveAnswer, done.answer.id))
    other = replace(PAUL, name="Zoé")
    words, posts = await listening.service.act(by(other, ApproveAnswer, done.answer.id))
    assert (len(posts), words.validated_by) == (2, "Zoé")
    with pytest.raises(Conflict):
        await listening.service.act(by(other, RejectAnswer, done.answer.id))


async def test_who_may_only_look_does_nothing(listening):
    question = await asked(listening, on_page(1))
    viewer = Actor("Luc", Role.VIEWER, Origin.COMMAND)
    for act, values in (
        (AnswerQuestion, (question, "Oui.")),
        (DismissQuestion, (question, "hors sujet")),
        (SeeToRemark, (question,)),
        (WithdrawAnswer, (question,)),
    ):
        with pytest.raises(Forbidden):
            await listening.service.act(by(viewer, act, *values))
    assert not viewer.may(Act.ANSWER)


async def test_a_dismissed_question_is_seen_to_but_a_call_for_help_stays(listening):
    question = await asked(listening, on_page(1), on_page(2))
    [first, *_] = await listening.service.ask(lambda unit: unit.listening.asking(question))
    await listening.service.act(by(ANNE, SetRemarkKind, first.id, Kind.HELP))

    for _ in range(2):
        await listening.service.act(by(ANNE, DismissQuestion, question, "déjà dit"))

    said = await listening.service.ask(lambda unit: unit.listening.asking(question))
    assert [each.state for each in said] == [UtteranceState.UNREAD, UtteranceState.HANDLED]
    await listening.service.act(by(ANNE, SetRemarkKind, first.id, Kind.OTHER))
    await listening.service.act(by(ANNE, SeeToRemark, first.id))
    assert await listening.service.ask(lambda unit: unit.listening.unread_counts()) == {}


async def test_some_who_asked_become_a_question_of_their_own(listening):
    question = await asked(listening, on_page(1), on_page(2), on_page(3))
    said = await listening.service.ask(lambda unit: unit.listening.asking(question))

    own = await listening.service.act(by(ANNE, SplitQuestion, question, [said[0].id]))

    kept = await listening.service.ask(lambda unit: unit.listening.question(question))
    assert (own.asked, kept.asked, own.incident) == (1, 2, listening.incident)
    with pytest.raises(Misuse):
        await listening.service.act(by(ANNE, SplitQuestion, own.id, [said[0].id]))


@pytest.mark.parametrize(
    ("said", "asked_is"),
    [
        ("Bonjour, mon fils est malade. Est-ce que l’eau est potable ? Merci", "Est-ce que l’eau est potable ?"),
        ("@mairie bonjour, c’est fini quand ?", "C’est fini quand ?"),
        ("pas d’eau ici " * 20, "P" + ("pas d’eau ici " * 20)[1:120].strip()),
    ],
)
def test_of_somebodys_words_only_what_they_ask_is_kept(said, asked_is):
    assert what_is_asked(said).strip() == asked_is


async def test_posts_wait_behind_every_alert(listening):
    question = await asked(listening, on_page(1))
    done = await listening.service.act(by(ANNE, AnswerQuestion, question, "Oui."))

    assert all(post.priority < 0 and post.state is PostState.QUEUED for post in done.posts)


async def test_no_post_repeats_what_a_stranger_said_and_a_round_more_leads_to_nobody_either(listening):
    question = await asked(listening, in_private(5577, 1), text="Bonjour, fuite chez Mme Durand, que faire ?")
    await listening.service.act(by(ANNE, AttributeQuestion, question, listening.alert))
    for text in ("Fermez l’eau.", "Fermez l’eau et le gaz."):
        await listening.service.act(by(ANNE, AnswerQuestion, question, text))
        await send_all(listening)
        await listening.service.act(by(ANNE, WithdrawAnswer, question))
        await send_all(listening)
    await listening.service.act(by(ANNE, AnswerQuestion, question, "Fermez tout."))
    await send_all(listening)
    [entry] = await listening.service.ask(lambda unit: faq(unit, listening.incident))
    assert (entry.question, entry.answer) == ("", "Fermez tout."), "what a stranger said stands nowhere in public"

    [said] = await listening.service.ask(lambda unit: unit.listening.asking(question))
    await listening.service.act(lambda unit: unit.listening.forget(said, unit.now))

    for table in ("post", "decision", "question", "utterance", "attempt", "audit", "answer"):
        rows = await listening.rows(f"SELECT * FROM {table}")
        assert not [row for row in rows for value in row if "Durand" in str(value) or "5577:" in str(value)], table


async def test_an_incident_with_answers_is_pruned_whole_and_its_answers_are_not_kept(listening):
    question = await asked(listening, on_page(1, remote_id="c1"))
    await listening.service.act(by(ANNE, AnswerQuestion, question, "Oui."))
    await listening.service.act(by(ANNE, AnswerQuestion, question, "Non."))
    await send_all(listening)
    later = listening.clock.now() + timedelta(days=400)

    pruned = await listening.service.act(lambda unit: unit.archive.prune(later, later))

    assert pruned.gone == 1
    assert await listening.rows("SELECT count(*) FROM post") == [(0,)]
    kept = await listening.service.ask(lambda unit: unit.archive.find(listening.incident))
    assert {post.kind for post in kept.posts} == {PostKind.PUBLISH}


async def test_questions_that_are_over_are_closed_however_many_changed_since(listening, monkeypatch):
    monkeypatch.setattr(questions, "MOST_CLOSED", 2)
    old = [await asked(listening, on_page(number), text=f"C’est où, le point {number} ?") for number in range(3)]
    listening.clock.set(listening.clock.now() + timedelta(hours=7))
    for number in range(3, 6):
        await asked(listening, on_page(number), text=f"Fini depuis quand, en {number} ?")

    assert [await listening.service.act(close_over_questions) for _ in range(3)] == [2, 1, 0]
    closed = await listening.service.ask(lambda unit: [unit.listening.question(each).state for each in old])
    assert closed == [QuestionState.DISMISSED] * 3


async def test_the_end_of_an_incident_closes_its_questions_but_no_call_for_help(listening):
    question = await asked(listening, on_page(1))
    [said] = await listening.service.ask(lambda unit: unit.listening.asking(question))
    await listening.service.act(by(ANNE, SetRemarkKind, said.id, Kind.HELP))
    assert await listening.service.act(close_over_questions) == 0

    listening.clock.set(listening.clock.now() + timedelta(hours=7))
    late = await asked(listening, on_page(2), text="C’est vraiment fini ?")
    assert await listening.service.act(close_over_questions) == 1
    closed = await listening.service.ask(lambda unit: unit.listening.question(question))
    assert (closed.state, closed.reason.code) == (QuestionState.DISMISSED, "question_is_over")
    unread = await listening.service.ask(lambda unit: unit.listening.unread(10))
    assert unread[0].id == said.id

    listening.clock.set(listening.clock.now() + timedelta(hours=48))
    assert await listening.service.act(close_over_questions) == 1
    assert late != question
