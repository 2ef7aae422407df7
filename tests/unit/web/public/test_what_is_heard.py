"""What a town that listens says of it in public: what is read, and the questions that were answered."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import html

from alerts.desk.officer import Officer
from alerts.listening.hearing import take
from alerts.listening.question_acts import AnswerQuestion, AttributeQuestion, MergeQuestion, WithdrawAnswer
from alerts.model.listening import Kind, Remark, Understood
from alerts.model.person import Actor, Origin, Role
from alerts.model.town import ListeningSection
from alerts.web.public.page import Pages
from alerts.web.public.site import answers_of
from tests.unit.acting import by
from tests.unit.desk.conftest import NOW, PAGE, SENDER, a_town, an_alert
from tests.unit.french import visible, wrong_in
from tests.unit.web.public.conftest import a_setting
from tests.unit.web.public.house import a_house

LISTENS = {
    "channels": {**a_town().channels, "page": replace(PAGE, hears=True)},
    "listening": ListeningSection(keep=timedelta(days=30), hours="08:00-19:00"),
}


def test_a_town_that_listens_says_what_is_read_where_and_how_long(town, make_paper):
    paper = make_paper(**LISTENS)
    paper.print()
    for path, told in (("/privacy", "effacé 30 jours"), ("/en/privacy", "erased 30 days")):
        page = paper.text(path)
        assert told in page
        assert "<strong>Facebook</strong>" in page
        assert "<strong>Telegram</strong>" not in page, "nobody listens there"
        assert "112" in page
        assert "114" in page
        assert "19\u00a0h" in page or "7pm" in page
        assert SENDER in page
    assert 'href="/privacy"' in paper.text("/")
    assert wrong_in(visible(paper.text("/privacy"))) == []


def test_a_town_that_listens_to_nothing_has_no_page_about_it(town, paper):
    paper.print()
    assert "/privacy" not in answers_of(paper.edition)
    assert "privacy" not in paper.text("/")


@pytest.fixture
async def house(tmp_path):
    async with a_house(tmp_path, channel="hears = true", **LISTENS) as house:
        yield house


ANNE = Actor("Anne", Role.AUTHOR, Origin.CONSOLE)


async def asked(house, stored, times=1, text="L’eau est-elle potable ?"):
    """A question about what is out; its id."""
    remarks = [
        (Remark(f"-1:{n}", text, house.clock.now(), author=f"person {n}"), Understood(Kind.QUESTION, asks=True))
        for n in range(times)
    ]

    def work(unit):
        first, *more = take(unit, "telegram", remarks).utterances
        AttributeQuestion(first.question, stored.incident_id).done_by(Officer(unit, ANNE))
        for each in more:
            MergeQuestion(each.question, first.question).done_by(Officer(unit, ANNE))
        return first.question

    return await house.service.act(work)


async def answer(house, question, text, words="L’eau est-elle potable ?"):
    """Answer it; the pages hear of it by what the bus tells of its incident."""
    with house.service.watch() as told:
        await house.service.act(by(ANNE, AnswerQuestion, question, text, words=words))
        await asyncio.wait_for(anext(told), 60)
    await house.publisher.make()


async def test_an_answer_is_on_the_page_of_the_alert_at_once_and_a_correction_is_marked(house):
    stored = await house.post(an_alert(headline="Coupure d’eau"))
    path = f"/alerts/{stored.incident_id}"
    question = await asked(house, stored, times=11)
    assert "Questions fréquentes" not in (await house.get(path))[1]

    await answer(house, question, "Oui, après ébullition </script> <b>.")
    page = (await house.get(path))[1]
    assert "Questions fréquentes" in page
    assert "Oui, après ébullition &lt;/script&gt; &lt;b&gt;." in page
    assert "une dizaine de personnes" in page
    assert ">Corrigé<" not in page
    [faq] = [
        found
        for each in html.document_fromstring(page).xpath("//script[@type='application/ld+json']/text()")
        if (found := json.loads(each))["@type"] == "FAQPage"
    ]
    assert faq["mainEntity"][0]["name"] == "L’eau est-elle potable ?"
    assert faq["mainEntity"][0]["acceptedAnswer"]["text"] == "Oui, après ébullition </script> <b>."
    assert wrong_in(visible(page)) == []

    await answer(house, question, "Non, pas encore.")
    page = (await house.get(path))[1]
    assert "Non, pas encore." in page
    assert "après ébullition" not in page
    assert ">Corrigé<" in page
    english = (await house.get(f"/en{path}"))[1]
    assert "Frequently asked questions" in english
    assert '<p lang="fr-FR">Non, pas encore.</p>' in english

    await house.service.act(by(ANNE, WithdrawAnswer, question))
    await house.publisher.make()
    assert "Questions fréquentes" not in (await house.get(path))[1]


async def test_a_page_of_long_ago_has_its_answers_and_their_corrections(house):
    stored = await house.post(an_alert(headline="Coupure d’eau"))
    path = f"/alerts/{stored.incident_id}"
    question = await asked(house, stored)
    await answer(house, question, "Oui, bouillie.")
    house.clock.set(NOW.replace(month=12))
    await house.publisher.make()
    assert "Oui, bouillie." in (await house.get(path))[1]

    await answer(house, question, "Non, pas encore.")
    assert "Non, pas encore." in (await house.get(path))[1]


@pytest.mark.parametrize(
    ("count", "told"),
    [(1, ""), (3, "a few"), (11, "about ten"), (23, "about twenty"), (50, "about fifty"), (900, "hundreds")],
)
def test_how_many_asked_is_rounded(count, told):
    said = Pages(a_setting(), "en").askers(count)
    assert told in said
    assert str(count) not in said
