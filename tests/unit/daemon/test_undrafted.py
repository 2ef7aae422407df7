"""A source that brings more than anybody could look through: so many drafts wait, the rest waits for a place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.daemon.intake import MessageIntake
from alerts.desk.approve import reject
from alerts.desk.decide import MOST_WAITING
from alerts.health.monitor import SourceSeen, see
from alerts.model.alert import Alert, MsgType, Reference, Severity, Urgency
from alerts.model.ports import Heard
from alerts.model.post import PostKind
from alerts.model.town import SourceRules
from alerts.store.database import Database
from alerts.store.files import migrate
from tests.unit.daemon.test_intake import NOW, STATION, Daemon, Stumbles, entry, with_severity

LOOK = 200
RULES = SourceRules(publish="approve", urgent="auto", severity=Severity.MINOR)
STRICT = replace(STATION, sources={"meteo": RULES})


class Town(Daemon):
    """A town whose source brings hundreds at each look."""

    looks = 0

    @property
    def intake(self) -> MessageIntake:
        return self._takes_in

    async def look(self, severity=Severity.MODERATE, count=LOOK, **changes) -> list[Heard]:
        self.looks += 1
        first = self.looks * 1000
        brought = [with_severity(entry(number, **changes), severity) for number in range(first, first + count)]
        await self.take_in(brought)
        return brought

    async def states(self) -> dict[str, int]:
        return dict(await self.ask("SELECT state, count(*) FROM alert GROUP BY state"))

    async def waiting(self) -> list[str]:
        return [name for (name,) in await self.ask("SELECT id FROM alert WHERE state = 'waiting' ORDER BY seq")]

    async def undrafted(self) -> int:
        return len((await self.database.read(lambda unit: unit.sources.undrafted())).get("meteo", ()))

    async def reject(self, count: int) -> None:
        def act(unit) -> None:
            for name in names:
                reject(unit.alerts, name, "Anne", None, self.clock.now())

        names = (await self.waiting())[:count]
        await self.database.write(act)


@pytest.fixture
async def town(tmp_path):
    migrate(tmp_path / "tocsin.db")
    database = await Database.open(tmp_path / "tocsin.db")
    yield Town(database, STRICT)
    await database.close()


async def test_of_a_source_so_many_drafts_wait_and_the_rest_is_kept_with_its_reason(town):
    for _ in range(3):
        await town.look()
    assert await town.states() == {"waiting": MOST_WAITING, "left_out": 3 * LOOK - MOST_WAITING}
    [(code, count)] = await town.ask(
        "SELECT json_extract(reason, '$.code'), count(*) FROM alert WHERE state = 'left_out' GROUP BY 1"
    )
    assert (code, count) == ("no_place_to_wait", 3 * LOOK - MOST_WAITING)
    assert await town.undrafted() == 250, "no feed fills the memory"


async def test_what_is_grave_has_places_of_its_own_and_what_goes_out_by_itself_needs_none(town):
    await town.look()
    await town.look(Severity.SEVERE, count=30)
    assert await town.states() == {"waiting": 2 * MOST_WAITING, "left_out": LOOK + 30 - 2 * MOST_WAITING}

    alert = with_severity(entry(9000), Severity.EXTREME).alert
    urgent = replace(alert, infos=(replace(alert.infos[0], urgency=Urgency.IMMEDIATE),))
    await town.take_in([Heard("urgent", urgent)])
    assert await town.ask("SELECT state FROM alert WHERE identifier = 'urn-9000'") == [("accepted",)]


async def test_the_rest_is_drafted_as_the_others_are_decided(town):
    await town.look(count=30)
    assert await town.intake.draft_what_found_no_place() == 0
    await town.reject(4)
    assert await town.intake.draft_what_found_no_place() == 4
    assert len(await town.waiting()) == MOST_WAITING
    rows = await town.ask(
        "SELECT identifier, count(*), count(DISTINCT incident) FROM alert GROUP BY 1 HAVING count(*) > 1"
    )
    assert rows == [(f"urn-{number}", 2, 1) for number in range(1020, 1024)], "the oldest first, in its own incident"
    assert await town.undrafted() == 6
    kinds = await town.ask("SELECT DISTINCT kind FROM post")
    assert kinds == [(PostKind.PUBLISH.value,)]

    await town.take_in([Heard(f"again {each.key}", each.alert) for each in [entry(1021), entry(1025)]])
    assert await town.states() == {"waiting": MOST_WAITING, "rejected": 4, "left_out": 10}, "nothing is told twice"


async def test_one_that_can_not_be_drafted_is_given_up_and_the_others_are_drafted(town):
    await town.look(count=30)
    await town.reject(4)
    town.writer.headline, town.writer.fault = "Headline 1021", Stumbles
    assert await town.intake.draft_what_found_no_place() == 3
    assert len(await town.waiting()) == MOST_WAITING - 1
    assert await town.undrafted() == 6


async def test_what_is_over_or_called_off_by_then_is_no_draft_any_more(town):
    brought = await town.look(count=22)
    called_off = brought[20].alert
    end = Alert(
        "urn-end", called_off.sender, called_off.sent + timedelta(hours=1), msg_type=MsgType.CANCEL,
        references=(Reference(called_off.sender, called_off.identifier, called_off.sent),),
    )  # fmt: skip
    await town.clock.advance(7200)
    await town.take_in([Heard("end", end)])
    await town.reject(2)
    assert await town.intake.draft_what_found_no_place() == 2
    assert len(await town.waiting()) == MOST_WAITING - 1, "one was called off meanwhile"
    assert await town.undrafted() == 0

    await town.look(count=30)
    await town.clock.advance(6 * 3600 + 3600)
    assert await town.undrafted() > 0
    await town.intake.draft_what_found_no_place()
    assert await town.undrafted() == 0


async def test_of_a_source_that_is_none_any_more_nothing_is_drafted(town):
    await town.look(count=30)
    await town.reject(5)
    others = Town(town.database, replace(STATION, sources={"other": RULES}))
    assert await others.intake.draft_what_found_no_place() == 0
    assert (await town.undrafted(), len(await town.waiting())) == (0, MOST_WAITING - 5)


async def test_an_update_of_what_waits_takes_its_place(town):
    first = (await town.look(count=25))[0].alert
    again = replace(
        first, identifier="urn-update", sent=first.sent + timedelta(hours=1), msg_type=MsgType.UPDATE,
        references=(Reference(first.sender, first.identifier, first.sent),),
        infos=(replace(first.infos[0], headline="Another word"),),
    )  # fmt: skip
    await town.clock.advance(7200)
    await town.take_in([Heard("update", again)])
    assert await town.ask("SELECT state FROM alert WHERE identifier = 'urn-update'") == [("waiting",)]


def test_those_on_call_are_told_once_how_much_it_is():
    source = SourceSeen("meteo", timedelta(minutes=1), last_ok=NOW, undrafted=180)
    [trouble] = see([], [source], {}, NOW).troubles
    assert (trouble.what, trouble.name, trouble.posts) == ("undrafted", "meteo", 180)
    assert trouble.key in see([], [replace(source, undrafted=0)], {}, NOW).judged, "so its end is told"
