"""What many ask and the alert doesn't say becomes a sentence of it; a rumour gets a verdict, fact first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.listening.hearing import take
from alerts.listening.proposals import proposals, suggest
from alerts.listening.question_acts import BecomeSentence, JudgeRumour
from alerts.model.errors import Misuse
from alerts.model.listening import Kind, QuestionState, Understood
from alerts.model.post import PostKind
from tests.unit.listening.test_answering import ANNE, asked, by, on_page


async def ten_ask(listening, text="L’école est-elle ouverte ?", count=10):
    return await asked(listening, *(on_page(n) for n in range(count)), text=text)


async def proposed(listening):
    return await listening.service.ask(proposals)


async def description(listening):
    """Of the newest alert, whose headline is still its own."""
    stored = await listening.service.ask(
        lambda unit: unit.alerts.incident(unit.alerts.by_id(listening.alert)[0].incident_id)[-1]
    )
    assert stored.alert.infos[0].headline == "Coup de vent"
    return stored.alert.infos[0].description


async def test_what_ten_people_ask_is_proposed_as_a_sentence_of_the_alert(listening):
    question = await ten_ask(listening)

    [one] = await proposed(listening)

    assert (one.question.id, one.askers, one.alert) == (question, 10, listening.alert)


async def test_nothing_is_proposed_for_nine_or_for_what_came_long_ago_or_for_one_person(listening):
    await ten_ask(listening, count=9)
    assert await proposed(listening) == []
    question = await asked(listening, *(on_page(1) for _ in range(12)), text="Le marché ?")
    assert await proposed(listening) == []
    assert question

    await ten_ask(listening, text="La piscine est-elle fermée ?")
    assert len(await proposed(listening)) == 1
    listening.clock.set(listening.clock.now() + timedelta(minutes=16))
    assert await proposed(listening) == []


async def test_nothing_is_proposed_that_the_alert_says(listening):
    question = await ten_ask(listening, text="Faut-il rentrer le mobilier de jardin ?")

    assert await proposed(listening) == []
    found = await listening.service.ask(lambda unit: suggest(unit, unit.listening.question(question)))
    assert (found.text, found.source) == ("Rentrez le mobilier de jardin.", "alert")


async def test_two_taps_make_it_part_of_the_alert_and_answer_who_asked(listening):
    question = await ten_ask(listening)

    for _ in range(2):
        done = await listening.service.act(by(ANNE, BecomeSentence, question, "L’école reste ouverte."))
        assert done.state is QuestionState.BECAME

    assert (await description(listening)) == "Rafales à 110 km/h.\nL’école reste ouverte."
    [(count,)] = await listening.rows("SELECT count(*) FROM post WHERE kind = 'answer'")
    assert count == 11
    kinds = await listening.rows("SELECT kind, count(*) FROM post WHERE alert_id <> ? GROUP BY 1", listening.alert)
    assert dict(kinds)[PostKind.UPDATE] == 2
    assert await proposed(listening) == []


async def test_an_earlier_answer_is_offered_to_who_is_asked_the_same_again(listening):
    first = await ten_ask(listening, count=1)
    await listening.service.act(by(ANNE, BecomeSentence, first, "Elle reste ouverte."))
    taken = await listening.service.act(
        lambda unit: take(
            unit,
            "page",
            [(listening.remark("Les écoles sont ouvertes ?"), Understood(Kind.QUESTION, asks=True))],
        )
    )

    found = await listening.service.ask(
        lambda unit: suggest(unit, unit.listening.question(taken.utterances[0].question))
    )
    assert found.text in ("Elle reste ouverte.", "L’école reste ouverte.")


@pytest.mark.parametrize(
    ("found", "said"), [("false", "est faux"), ("true", "est exact"), ("unclear", "n’est pas confirmé")]
)
async def test_a_rumour_is_put_right_fact_first_without_its_words(listening, found, said):
    question = await ten_ask(listening, text="Il paraît que le barrage a cédé ??", count=2)

    done = await listening.service.act(by(ANNE, JudgeRumour, question, found, "le barrage est intact"))

    told = (await description(listening)).splitlines()[-1]
    assert told.startswith("Le barrage est intact.")
    assert said in told
    assert "cédé" not in told
    assert (done.verdict, done.kind) == (found, Kind.RUMOUR)
    [(count,)] = await listening.rows("SELECT count(*) FROM post WHERE kind = 'answer'")
    assert count == 3


async def test_only_three_verdicts_are_known(listening):
    question = await ten_ask(listening, count=1)
    for found, sentence in (("maybe", "x"), ("true", " ")):
        with pytest.raises(Misuse):
            await listening.service.act(by(ANNE, JudgeRumour, question, found, sentence))
