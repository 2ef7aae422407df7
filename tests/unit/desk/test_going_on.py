"""What a word about an incident is built on, whichever of its messages is named."""

from __future__ import annotations

import pytest

from alerts.desk.officer import cancel_of, update_of
from alerts.model.alert import Area, NamedValue, Severity
from alerts.model.errors import Conflict
from alerts.model.person import Act
from tests.unit.desk.conftest import LATER, NOW, an_alert, following
from tests.unit.desk.test_officer import ANNE, APPROVE, PAUL, DutyDesk

ENDS = {
    "cancel": lambda name: lambda officer: officer.cancel(name, "non"),
    "all clear": lambda name: lambda officer: officer.cancel(name, over=True),
    "correct": lambda name: lambda officer: officer.correct(name, "faux"),
}
NEW = {"instruction": "Montez à l’étage.", "severity": Severity.SEVERE, "areas": ("Centre-Bourg",)}


@pytest.fixture
def desk(make_town):
    """Where nothing waits."""
    return DutyDesk(make_town())


@pytest.fixture
def careful(make_town):
    """Where what officers write waits for a validation."""
    return DutyDesk(make_town(sources={"manual": APPROVE}))


def update(desk, name, by=ANNE, **changes):
    return desk.act(by, lambda officer: officer.update(name, changes))


def out(desk, **fields):
    filed = desk.post(**fields)
    desk.town.deliver(filed)
    return filed


def validated(desk, filed):
    desk.approve(PAUL, filed)
    desk.town.deliver(filed)
    return filed


def said(filed):
    return filed.stored.alert.infos[0]


class TestAnUpdate:
    """What isn't given stays as readers have it now."""

    def test_by_an_older_id_takes_back_no_newer_words(self, desk):
        first = out(desk, instruction="Évitez les berges.")
        second = update(desk, first.stored.id, **NEW)
        desk.town.deliver(second)

        third = update(desk, first.stored.id, expires=LATER.isoformat())
        assert said(third).instruction == "Montez à l’étage."
        assert (said(third).severity, said(third).areas) == (said(second).severity, said(second).areas)
        assert third.stored.alert.references[-1].identifier == second.stored.alert.identifier

    @pytest.mark.parametrize("name", ["id", "identifier", "incident"])
    def test_is_built_on_the_same_by_every_name(self, desk, name):
        first = out(desk)
        second = update(desk, first.stored.id, **NEW)
        names = {
            "id": first.stored.id,
            "identifier": first.stored.alert.identifier,
            "incident": first.stored.incident_id,
        }

        third = update(desk, names[name], expires=LATER.isoformat())
        assert third.stored.alert.references[-1].identifier == second.stored.alert.identifier

    def test_builds_on_what_is_out_while_another_waits_and_takes_that_back(self, careful):
        first = validated(careful, careful.post(instruction="Évitez les berges."))
        waiting = update(careful, first.stored.id, **NEW)

        third = update(careful, first.stored.id, by=PAUL, expires=LATER.isoformat())
        assert said(third).instruction == "Évitez les berges."
        assert {post.alert_id for post in third.withdrawn} == {waiting.stored.id}

    def test_that_names_the_one_that_waits_takes_its_place_with_its_words(self, careful):
        first = validated(careful, careful.post())
        waiting = update(careful, first.stored.id, **NEW)

        third = update(careful, waiting.stored.id, expires=LATER.isoformat())
        assert said(third).instruction == "Montez à l’étage."
        assert set(careful.town.states(waiting).values()) == {"superseded"}

    @pytest.mark.parametrize("name", ["id", "incident"])
    def test_never_builds_on_what_was_rejected(self, careful, name):
        first = validated(careful, careful.post(instruction="Évitez les berges."))
        rejected = update(careful, first.stored.id, **NEW)
        careful.reject(PAUL, rejected, "non")
        named = rejected.stored.id if name == "id" else rejected.stored.incident_id

        third = update(careful, named, expires=LATER.isoformat())
        assert said(third).instruction == "Évitez les berges."
        assert third.stored.alert.references[-1].identifier == first.stored.alert.identifier

    def test_of_what_was_replaced_before_anything_was_out_builds_on_what_waits(self, careful):
        first = careful.post()
        waiting = update(careful, first.stored.id, **NEW)

        third = update(careful, first.stored.id, expires=LATER.isoformat())
        assert said(third).instruction == said(waiting).instruction

    def test_after_an_end_has_the_words_from_before_it(self, desk):
        first = out(desk, instruction="Évitez les berges.")
        second = update(desk, first.stored.id, headline="Crue : quais fermés")
        desk.town.deliver(second)
        end = desk.act(ANNE, lambda officer: officer.cancel(first.stored.id, over=True))
        desk.town.deliver(end)

        again = update(desk, end.stored.id, expires=LATER.isoformat())
        assert (said(again).headline, said(again).instruction) == ("Crue : quais fermés", "Évitez les berges.")
        assert {str(made.post.kind) for made in again.drafts} == {"publish"}

    def test_of_a_feed_s_alert_goes_on_from_the_feed_s_newest(self, desk):
        heard = desk.town.hear(an_alert())
        desk.town.deliver(heard)
        desk.town.hear(following(heard.stored.alert, instruction="Restez chez vous."))

        assert said(update(desk, heard.stored.id, headline="Tempête")).instruction == "Restez chez vous."

    def test_of_what_moved_away_has_the_words_that_were_for_here(self, desk):
        heard = desk.town.hear(an_alert())
        desk.town.deliver(heard)
        lyon = Area("Lyon", geocodes=(NamedValue("INSEE", "69123"),))
        away = desk.town.hear(following(heard.stored.alert, instruction="Restez à Lyon.", areas=(lyon,)))
        desk.town.deliver(away)

        assert said(update(desk, away.stored.id, headline="Tempête")).instruction == said(heard).instruction


class TestAnEnd:
    """It speaks of what readers know."""

    @pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
    def test_by_an_older_id_ends_the_newest_words(self, desk, end):
        first = out(desk)
        second = update(desk, first.stored.id, headline="Crue : quais fermés", **NEW)
        desk.town.deliver(second)

        ended = desk.act(ANNE, end(first.stored.id))
        assert (said(ended).headline, said(ended).areas) == ("Crue : quais fermés", said(second).areas)
        assert {reference.identifier for reference in ended.stored.alert.references} == {
            first.stored.alert.identifier,
            second.stored.alert.identifier,
        }

    @pytest.mark.parametrize("name", ["of what waits", "of the incident"])
    @pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
    def test_tells_no_words_that_were_never_let_out(self, careful, end, name):
        first = validated(careful, careful.post(headline="Crue de l’Isère"))
        waiting = update(careful, first.stored.id, headline="Barrage rompu", **NEW)
        named = waiting.stored.id if name == "of what waits" else first.stored.incident_id

        ended = careful.act(PAUL, end(named))
        assert said(ended).headline == "Crue de l’Isère"
        assert all("Barrage" not in made.post.message.plain for made in ended.drafts)

    @pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
    def test_of_what_only_waits_takes_it_back(self, careful, end):
        first = careful.post()
        careful.act(ANNE, end(first.stored.id))
        assert set(careful.town.states(first).values()) == {"superseded"}


class TestWhatCameMeanwhile:
    """Written of one message, filed after another: whoever wrote it looks again."""

    def test_an_update_that_was_made_of_older_words_is_not_filed(self, desk):
        first = out(desk)
        made = update_of(first.stored, {"expires": LATER.isoformat()}, desk.town.station, NOW, "late")
        second = update(desk, first.stored.id, **NEW)
        before = desk.town.count("alert")

        with pytest.raises(Conflict, match=f"{second.stored.id} came in meanwhile; look at it, then update again"):
            desk.act(PAUL, lambda officer: officer.file(Act.UPDATE, made))
        assert desk.town.count("alert") == before

    def test_nor_a_cancellation(self, desk):
        first = out(desk)
        made = cancel_of(first.stored, None, desk.town.station, NOW, "late")
        update(desk, first.stored.id, **NEW)

        with pytest.raises(Conflict, match="then cancel again"):
            desk.act(PAUL, lambda officer: officer.file(Act.CANCEL, made, again=True))
