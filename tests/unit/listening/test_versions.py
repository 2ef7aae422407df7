"""What readers get with an answer is validated as one: whatever of it changes is another version, which waits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.desk.officer import Officer
from alerts.desk.versions import current_answer, digest_of, public_versions, waiting
from alerts.listening.answering import faq
from alerts.listening.hearing import take
from alerts.listening.question_acts import (
    AnswerQuestion,
    AttributeQuestion,
    DismissQuestion,
    MergeQuestion,
    RewordQuestion,
    WithdrawAnswer,
)
from alerts.listening.questions import add
from alerts.model.alert import Status
from alerts.model.errors import Conflict, Forbidden, Refused
from alerts.model.listening import AnswerState, Understood
from alerts.model.person import Role
from alerts.model.post import PostState
from alerts.reports.words_acts import ApproveAnswer
from tests.unit.desk.conftest import an_alert
from tests.unit.listening.conftest import TELEGRAM, send_all
from tests.unit.listening.test_answering import ANNE, ASKS, PAUL, asked, by, on_page

LUC = replace(ANNE, name="Luc")


@pytest.fixture
async def careful(listening):
    """A town that wants two people for answers."""
    object.__setattr__(listening.town, "listening", replace(listening.town.listening, answers="approve"))
    return listening


async def validated(careful, text="Non.", words="Peut-on boire l’eau ?", **more):
    """A question whose answer by Luc was validated by Paul."""
    question = await asked(careful, on_page(1))
    done = await careful.service.act(by(LUC, AnswerQuestion, question, text, words=words, **more))
    await careful.service.act(by(PAUL, ApproveAnswer, done.answer.id, seen=digest_of(done.answer)))
    await send_all(careful)
    return question


async def read(careful, incident=None):
    """What everybody reads about an incident."""
    entries = await careful.service.ask(lambda unit: faq(unit, incident or careful.incident))
    return [(each.question, each.answer) for each in entries]


async def lines(careful):
    return [line.entry.detail for line in await careful.service.ask(lambda unit: list(unit.audit.all()))]


AGAIN = {
    "other words with the same answer": lambda q: (AnswerQuestion, q, "Non.", {"words": "Y a-t-il encore un danger ?"}),
    "the question worded otherwise": lambda q: (RewordQuestion, q, "Faut-il évacuer le quartier ?", {}),
    "an answer to all who ask from now on": lambda q: (
        AnswerQuestion, q, "Non.", {"words": "Peut-on boire l’eau ?", "next_ones": True},
    ),
    "an answer where nobody asked": lambda q: (
        AnswerQuestion, q, "Non.", {"words": "Peut-on boire l’eau ?", "everywhere": True},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", AGAIN)
async def test_whatever_of_it_changes_waits_and_leaves_a_line_with_its_digest(careful, what):
    question = await validated(careful)
    before = await read(careful)
    act, name, value, more = AGAIN[what](question)

    await careful.service.act(by(LUC, act, name, value, **more))

    assert await read(careful) == before == [("Peut-on boire l’eau ?", "Non.")]
    waits = await careful.service.ask(lambda unit: waiting(unit, question))
    assert (await lines(careful))[-1].endswith(f"[{digest_of(waits)}]")
    kept = await careful.service.ask(lambda unit: unit.listening.question(question))
    assert not kept.next_ones
    assert await send_all(careful) == []
    with pytest.raises(Forbidden):
        await careful.service.act(by(replace(PAUL, name="luc"), ApproveAnswer, waits.id))
    await careful.service.act(by(PAUL, ApproveAnswer, waits.id, seen=digest_of(waits)))
    assert await read(careful) == [(waits.asked, "Non.")]


async def test_what_was_shown_is_what_is_validated(careful):
    question = await asked(careful, on_page(1))
    done = await careful.service.act(by(LUC, AnswerQuestion, question, "Oui.", words="Le pont est-il sûr ?"))
    seen = digest_of(done.answer)
    await careful.service.act(by(LUC, RewordQuestion, question, "Le barrage a-t-il cédé ?"))

    with pytest.raises(Conflict):
        await careful.service.act(by(PAUL, ApproveAnswer, done.answer.id, seen=seen))
    again = await careful.service.ask(lambda unit: waiting(unit, question))
    with pytest.raises(Conflict):
        await careful.service.act(by(PAUL, ApproveAnswer, again.id, seen=seen))
    assert await read(careful) == []
    assert any(f"{done.answer.id} replaced: {again.id}" in line for line in await lines(careful))


async def test_it_moves_to_another_alert_once_that_is_validated(careful):
    question = await validated(careful)
    filed = await careful.service.act(lambda unit: unit.desk.post(unit.alerts, an_alert(headline="Crue")))
    other = filed.stored.incident_id

    await careful.service.act(by(LUC, AttributeQuestion, question, filed.stored.id))

    assert (len(await read(careful)), await read(careful, other)) == (1, [])
    waits = await careful.service.ask(lambda unit: waiting(unit, question))
    await careful.service.act(by(PAUL, ApproveAnswer, waits.id, seen=digest_of(waits)))
    assert (await read(careful), len(await read(careful, other))) == ([], 1)


async def test_who_is_brought_in_by_a_merge_is_answered_once_that_is_validated(careful):
    question = await validated(careful)
    remark = careful.remark("Et l’eau du puits ?", author="a9", remote_id="c9")
    taken = await careful.service.act(lambda unit: take(unit, "page", [(remark, ASKS)]))

    await careful.service.act(by(LUC, MergeQuestion, taken.utterances[0].question, question))

    assert await send_all(careful) == []
    waits = await careful.service.ask(lambda unit: waiting(unit, question))
    await careful.service.act(by(PAUL, ApproveAnswer, waits.id, seen=digest_of(waits)))
    assert [post.in_reply_to for post in await send_all(careful)] == ["c9"]


async def another_asks_the_same(careful, question):
    remark = careful.remark("Et l’eau du puits ?", author="a9", remote_id="c9")
    taken = await careful.service.act(lambda unit: take(unit, "page", [(remark, ASKS)]))
    await careful.service.act(by(LUC, MergeQuestion, taken.utterances[0].question, question))


BROUGHT_ON = {
    "by a merge": another_asks_the_same,
    "by a wording": lambda careful, question: careful.service.act(by(LUC, RewordQuestion, question, "Où aller ?")),
}


@pytest.mark.parametrize("how", BROUGHT_ON)
async def test_words_that_somebody_else_brought_on_are_still_their_author_s(careful, how):
    question = await asked(careful, on_page(1))
    done = await careful.service.act(by(PAUL, AnswerQuestion, question, "Tous à la gare.", words="Que faire ?"))
    await BROUGHT_ON[how](careful, question)
    waits = await careful.service.ask(lambda unit: waiting(unit, question))
    assert (waits.author, waits.text) == ("Luc", done.answer.text)

    with pytest.raises(Forbidden, match="Paul"):
        await careful.service.act(by(PAUL, ApproveAnswer, waits.id, seen=digest_of(waits)))

    assert await read(careful) == []
    marie = replace(PAUL, name="Marie")
    await careful.service.act(by(marie, ApproveAnswer, waits.id, seen=digest_of(waits)))
    assert [answer for _, answer in await read(careful)] == ["Tous à la gare."]
    # These words had two people: whoever wrote them may validate what somebody else makes of them from now on.
    await careful.service.act(by(LUC, RewordQuestion, question, "Que faut-il faire ?"))
    anew = await careful.service.ask(lambda unit: waiting(unit, question))
    await careful.service.act(by(PAUL, ApproveAnswer, anew.id, seen=digest_of(anew)))
    assert await read(careful) == [("Que faut-il faire ?", "Tous à la gare.")]


async def test_what_isn_t_to_the_letter_what_was_validated_is_read_by_nobody(careful):
    question = await validated(careful)
    await careful.write("UPDATE answer SET asked = 'Faut-il évacuer ?' WHERE question = ?", question)

    assert await read(careful) == []
    assert await careful.service.ask(lambda unit: public_versions(unit, question)) == []


async def test_what_an_earlier_version_kept_stays_as_its_question_says(careful):
    question = await validated(careful)
    await careful.write(
        "UPDATE answer SET given_to = NULL, asked = NULL, incident = NULL, next_ones = NULL, digest = NULL"
    )

    assert await read(careful) == [("Peut-on boire l’eau ?", "Non.")]
    await careful.service.act(by(LUC, RewordQuestion, question, "Faut-il évacuer le quartier ?"))
    assert await read(careful) == [("Peut-on boire l’eau ?", "Non.")]


async def test_of_a_dismissed_question_no_answer_is_let_out(careful):
    question = await asked(careful, on_page(1))
    done = await careful.service.act(by(LUC, AnswerQuestion, question, "Oui."))

    await careful.service.act(by(ANNE, DismissQuestion, question, "déjà dit"))

    with pytest.raises(Conflict):
        await careful.service.act(by(PAUL, ApproveAnswer, done.answer.id))
    # Kept as waiting by an earlier version of the program.
    await careful.write("UPDATE answer SET state = 'waiting'")
    with pytest.raises(Conflict):
        await careful.service.act(by(PAUL, ApproveAnswer, done.answer.id))


async def test_what_was_withdrawn_is_not_sent_by_trying_it_again(careful):
    question = await validated(careful)
    [post, *_] = await careful.service.ask(lambda unit: unit.listening.answer_posts(question))
    await careful.write("UPDATE post SET state = 'failed', remote_id = NULL WHERE id = ?", post.id)

    await careful.service.act(by(LUC, WithdrawAnswer, question, "c’était faux"))

    [kept] = await careful.service.ask(lambda unit: unit.alerts.post_by_id(post.id))
    assert kept.state is PostState.DROPPED
    await careful.write("UPDATE post SET state = 'in_doubt' WHERE id = ?", post.id)
    with pytest.raises(Refused) as refused:
        await careful.service.act(lambda unit: Officer(unit, LUC).retry(post.id))
    assert "no longer stands" in str(refused.value)


async def test_an_answer_of_an_exercise_goes_to_no_real_alert(listening):
    listening.town.channels["drill"] = replace(TELEGRAM, name="drill", exercise=True, hears=False)
    drill = an_alert(headline="Exercice", status=Status.EXERCISE)
    filed = await listening.service.act(lambda unit: unit.desk.post(unit.alerts, drill))
    said = await listening.service.act(by(ANNE, add, "Où aller ?", ASKS, incident=filed.stored.id))
    await listening.service.act(by(ANNE, AnswerQuestion, said.question, "À la salle des fêtes."))

    with pytest.raises(Refused) as refused:
        await listening.service.act(by(ANNE, AttributeQuestion, said.question, listening.alert))

    assert refused.value.reason.code == "question_of_exercise"


async def test_a_town_that_wants_one_person_has_the_new_version_at_once(listening):
    question = await asked(listening, on_page(1))
    await listening.service.act(by(ANNE, AnswerQuestion, question, "Non.", words="Peut-on boire l’eau ?"))
    await listening.service.act(by(ANNE, RewordQuestion, question, "Peut-on boire l’eau du robinet ?"))

    assert await read(listening) == [("Peut-on boire l’eau du robinet ?", "Non.")]
    stands = await listening.service.ask(lambda unit: current_answer(unit, question))
    assert (stands.version, stands.state) == (2, AnswerState.ACCEPTED)


async def test_a_question_says_what_one_of_those_who_ask_it_says_now(listening):
    first = listening.remark("Le docteur est-il mort dans la maison du 12 ?", author="a1", remote_id="c1")
    taken = await listening.service.act(lambda unit: take(unit, "page", [(first, ASKS)]))
    question = taken.utterances[0].question
    edited = replace(first, text="Pardon, question retirée", edited_at=first.at.replace(second=59))

    await listening.service.act(lambda unit: take(unit, "page", [(edited, Understood())]))

    assert await listening.rows("SELECT words FROM question WHERE id = ?", question) == [("Pardon, question retirée",)]
    gone = replace(first, text=None, gone=True)
    await listening.service.act(lambda unit: take(unit, "page", [(gone, Understood())]))
    assert await listening.rows("SELECT words FROM question WHERE id = ?", question) == [("",)]


async def test_who_only_looks_hands_nothing_in(careful):
    question = await validated(careful)
    viewer = replace(LUC, role=Role.VIEWER)
    stands = await careful.service.ask(lambda unit: current_answer(unit, question))
    with pytest.raises(Forbidden):
        await careful.service.act(by(viewer, RewordQuestion, question, "Autre chose ?"))
    assert await careful.service.ask(lambda unit: (waiting(unit, question), current_answer(unit, question))) == (
        None,
        stands,
    )
