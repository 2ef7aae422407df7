"""What citizens reported is forgotten: who told of it after a day, contact after the closing, the rest after a year."""

from __future__ import annotations

import io
from datetime import timedelta

from PIL import Image

from alerts.listening.forgetting import forget_author
from alerts.listening.hearing import take
from alerts.model.listening import Remark, Understood
from alerts.model.person import Actor, Origin, Role
from alerts.model.reports import Closing, Via
from alerts.reports.forgetting import forget_what_is_past, forget_with_reports
from alerts.reports.places import metres
from alerts.reports.report_acts import CloseReport
from tests.unit.acting import by
from tests.unit.reports.conftest import HERE

ANNE = Actor("Anne", Role.APPROVER, Origin.COMMAND)


def a_photo() -> bytes:
    Image.effect_noise((64, 48), 90).convert("RGB").save(held := io.BytesIO(), "JPEG")
    return held.getvalue()


async def forget(reports) -> None:
    while await reports.service.act(forget_what_is_past):
        pass


async def every_value(reports) -> str:
    tables = ("report", "report_source", "report_step", "report_photo", "report_forward", "report_secret")
    return str([await reports.rows(f"SELECT * FROM {table}") for table in tables])


async def test_after_a_day_nobody_can_tell_who_reported(reports):
    taken = await reports.report()
    [(source,)] = await reports.rows("SELECT source FROM report")
    reports.clock.set(reports.clock.now() + timedelta(hours=23))
    await forget(reports)
    assert source in await every_value(reports)
    reports.clock.set(reports.clock.now() + timedelta(hours=26))
    await forget(reports)
    assert source not in await every_value(reports)
    assert await reports.rows("SELECT * FROM report_source") == []
    assert not [name for (name,) in await reports.rows("SELECT name FROM report_secret") if name.startswith("day ")]
    assert (await reports.ask(lambda unit: unit.reports.by_id(taken.report.id))).lat == HERE[0]


async def test_a_month_after_the_closing_photo_and_chat_are_gone(reports):
    taken = await reports.report(text="De l’eau", photo=a_photo(), chat=("telegram", 4711))
    assert taken.report.has_photo
    assert await reports.ask(lambda unit: unit.reports.photo(taken.report.id)) is not None
    await reports.service.act(by(ANNE, CloseReport, taken.report.number, "C’est réparé.", Closing.DONE))
    reports.clock.set(reports.clock.now() + timedelta(days=29))
    await forget(reports)
    assert "4711" in await every_value(reports)
    reports.clock.set(reports.clock.now() + timedelta(days=2))
    await forget(reports)
    kept = await reports.ask(lambda unit: unit.reports.by_id(taken.report.id))
    assert (kept.has_photo, kept.chat, kept.token, kept.text) == (False, None, "", "De l’eau")
    assert await reports.ask(lambda unit: unit.reports.photo(taken.report.id)) is None
    assert "4711" not in await every_value(reports)


async def test_after_a_year_only_what_is_counted_is_left(reports):
    taken = await reports.report(text="De l’eau chez Luc", address="12 rue Pasteur", chat=("telegram", 4711))
    await reports.service.act(by(ANNE, CloseReport, taken.report.number, "Merci Luc.", Closing.DONE))
    reports.clock.set(reports.clock.now() + timedelta(days=366))
    await forget(reports)
    kept = await reports.ask(lambda unit: unit.reports.by_id(taken.report.id))
    assert (kept.kind, kept.state, kept.closing, kept.rounded) == ("flooding", "closed", Closing.DONE, True)
    assert 0 < metres(HERE, (kept.lat, kept.lon)) < 100 or (kept.lat, kept.lon) != HERE
    left = await every_value(reports)
    assert not [each for each in ("Luc", "Pasteur", "4711", str(HERE[0])) if each in left]
    assert await reports.service.act(forget_what_is_past) == 0


async def test_what_officers_made_of_somebodys_words_is_erased_with_them(reports):
    now = reports.clock.now()

    def say(unit):
        remarks = [
            Remark(f"-1:{number}", "De l’eau chez Luc", now, author=author) for number, author in enumerate("ab")
        ]
        return take(unit, "telegram", [(each, Understood()) for each in remarks]).utterances

    theirs, others = await reports.service.act(say)
    taken = [
        await reports.report(via=Via.OFFICER, by=ANNE, text="De l’eau chez Luc", utterance=each and each.id)
        for each in (theirs, others, None)
    ]
    done = await reports.service.act(
        lambda unit: forget_with_reports(unit, lambda unit: forget_author(unit, "telegram", "a"))
    )
    assert done == (1, 1)
    kept = await reports.ask(lambda unit: [unit.reports.by_id(each.report.id) for each in taken])
    assert [each.closing for each in kept] == [Closing.ERASED, None, None]
    assert [each.text for each in kept] == [None, "De l’eau chez Luc", "De l’eau chez Luc"]
