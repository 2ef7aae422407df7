"""A correction by an author, as a CAP message: nothing of it is read but what somebody else had validated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.desk.officer import correction_of
from alerts.model.alert import NamedValue, Reference
from alerts.model.cap import write
from alerts.model.person import Actor, Origin, Role
from alerts.model.town import SourceRules
from tests.unit.desk.conftest import NOW, PAGE, TELEGRAM, X, an_alert
from tests.unit.desk.test_officer import APPROVE, DutyDesk

LUC = Actor("Luc", Role.AUTHOR, Origin.API)


@pytest.fixture
def desk(make_town):
    channels = (X, replace(PAGE, name="page"), TELEGRAM)
    return DutyDesk(make_town(sources={"manual": APPROVE, "meteo": SourceRules()}, channels=channels))


def test_its_words_are_those_of_the_message_that_it_is_decided_by(desk):
    out = desk.town.hear(an_alert(headline="Pluie forte"))
    desk.town.deliver(out)
    waits = desk.act(LUC, lambda officer: officer.post(an_alert(headline="BARRAGE FISSURÉ, tous à la gare")))
    own = correction_of(out.stored, "x", desk.town.station, NOW, "n9")
    other = waits.stored.alert
    references = (*own.references, Reference(other.sender, other.identifier, other.sent.replace(year=2000)))
    written = replace(
        own,
        identifier="EVACUEZ-TOUS-PAR-LA-N7",
        sender="payez-sur@evil.example",
        references=references,
        source="https://evil.example/source",
        restriction="restriction",
        incidents=("incidents",),
        codes=("codes",),
        infos=(replace(own.infos[0], parameters=(*own.infos[0].parameters, NamedValue("tocsin:words", "parameters"))),),
    )

    done = desk.act(LUC, lambda officer: officer.post(written))

    assert done.stored.incident_id == out.stored.incident_id
    assert done.stored.alert.infos[0].headline == "Pluie forte"
    told = write(done.stored.alert).decode()
    for word in ("BARRAGE", "EVACUEZ", "evil.example", "restriction", "incidents", "codes", "tocsin:words"):
        assert word not in told, word
    assert desk.act(LUC, lambda officer: officer.post(written)).stored.id == done.stored.id
