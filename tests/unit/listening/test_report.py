"""A report tells how much was heard and asked, how soon it was answered, and what the alert says because of it."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from alerts.desk.report import report_named, report_to_json
from alerts.listening.question_acts import AnswerQuestion, BecomeSentence
from alerts.web.console.report import report_html, report_text
from tests.unit.listening.test_answering import ANNE, asked, by, in_group, on_page


async def made(listening):
    return await listening.service.ask(lambda unit: report_named(unit, listening.incident))


async def test_what_was_heard_asked_and_answered_is_told(listening):
    question = await asked(listening, on_page(1), on_page(2), in_group(7))
    other = await asked(listening, on_page(3), text="Quand rouvre l’école ?")
    listening.clock.set(listening.clock.now() + timedelta(minutes=5))
    await listening.service.act(by(ANNE, AnswerQuestion, question, "Oui, elle est potable."))
    listening.clock.set(listening.clock.now() + timedelta(minutes=5))
    await listening.service.act(by(ANNE, BecomeSentence, other, "L’école rouvre lundi."))

    heard = (await made(listening)).heard

    assert (heard.heard, heard.channels, heard.raised) == (4, {"page": 3, "telegram": 1}, 0)
    assert (heard.questions, heard.answered) == (2, 2)
    assert heard.first_answer == timedelta(minutes=5)
    assert [(each.asked, each.answer, each.took) for each in heard.top] == [
        (3, "Oui, elle est potable.", timedelta(minutes=5)),
        (1, "L’école rouvre lundi.", timedelta(minutes=10)),
    ]
    assert heard.became == ("L’école rouvre lundi.",)
    told = report_to_json(await made(listening), UTC, "fr-FR")["heard"]
    assert (told["first_answer"], told["channels"]["page"], told["top"][0]["took"]) == (300, 3, 300)


@pytest.mark.parametrize("face", [report_html, report_text])
async def test_each_face_of_the_report_has_it(listening, face):
    question = await asked(listening, on_page(1))
    await listening.service.act(by(ANNE, AnswerQuestion, question, "Oui, elle est potable."))

    told = face(await made(listening), "fr", UTC)

    assert "Ce qui s’est dit" in told or "CE QUI S’EST DIT" in told
    assert "Oui, elle est potable." in told


async def test_nothing_is_told_where_nothing_was_heard(listening):
    assert (await made(listening)).heard is None
