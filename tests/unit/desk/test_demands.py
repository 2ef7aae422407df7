"""What an officer's alert lacks is told, and nothing goes out before it is said: whichever way it came."""

from __future__ import annotations

import pytest

from alerts.desk.draft import Draft, draft_alert, is_filler, lacking
from alerts.model.alert import MsgType, Severity
from alerts.model.errors import Misuse
from alerts.model.hazard import Hazard
from tests.unit.desk.conftest import NOW, SENDER, an_alert
from tests.walls import in_one_test


def ours(**changes):
    return an_alert(sender=SENDER, **changes)


def drafted(town, identity="1", **words):
    return draft_alert(Draft(**words), town.station, NOW, identity)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"headline": "École {nom} fermée {jour}"}, "{nom}, {jour} is left to fill in"),
        ({"instruction": "Partez vers {lieu}."}, "{lieu} is left to fill in"),
        ({"instruction": "Partez vers {{lieu}}."}, "{{lieu}} is left to fill in"),
        ({"description": "Retour : {jour}."}, "{jour} is left to fill in"),
    ],
)
def test_a_blank_that_is_left_is_named(town, changes, told):
    with pytest.raises(Misuse) as refused:
        town.post(ours(**changes))
    assert told in str(refused.value)
    assert town.count("alert") == 0


@pytest.mark.parametrize("severity", [Severity.SEVERE, Severity.EXTREME])
def test_what_is_grave_says_what_to_do(town, severity):
    said = {"event": "Alerte", "headline": "Chien dangereux", "severity": severity}
    with pytest.raises(Misuse, match=r"--instruction is missing"):
        town.post(ours(**said, instruction=None))
    with pytest.raises(Misuse, match=r"--instruction only says to be careful"):
        town.post(ours(**said, instruction="Restez attentifs aux messages de la mairie."))
    assert town.post(ours(**said, instruction="Rentrez vos enfants.")).drafts


def test_what_is_prepared_for_a_hazard_says_it_too(town):
    assert town.post(ours(event="Vent violent", instruction=None, severity=Severity.SEVERE)).drafts
    assert town.post(ours(event="Alerte", headline="Mairie fermée", instruction=None)).drafts, "it is not grave"


@pytest.mark.parametrize("hazard", [Hazard.EVACUATION, Hazard.SHELTER, Hazard.GAS, Hazard.INDUSTRIAL])
def test_an_order_says_for_whom_it_is(town, hazard):
    words = {"headline": "Danger", "hazard": hazard, "severity": Severity.EXTREME, "instruction": "Partez."}
    with pytest.raises(Misuse, match=r"--area is missing"):
        town.post(drafted(town, **words))
    assert town.post(drafted(town, **words, areas=("Centre-Bourg",))).drafts
    assert town.post(drafted(town, "2", **words, place="toute la commune"), again=True).drafts


def test_an_exercise_rehearses_the_rule(town):
    with pytest.raises(Misuse, match=r"left to fill in"):
        town.post(drafted(town, headline="Exercice", instruction="Partez vers {lieu}.", exercise=True))


def test_an_end_is_free_of_it(town):
    end = ours(msg_type=MsgType.CANCEL, instruction=None, severity=Severity.EXTREME, headline="{x}")
    assert lacking(end, town.station.name, lambda _: False) == []


def test_a_feed_is_held_to_none_of_it(town):
    filed = town.hear(an_alert(event="Alerte", instruction=None, severity=Severity.EXTREME, headline="Alerte {x}"))
    assert filed.drafts


@in_one_test
@pytest.mark.parametrize(
    ("instruction", "filler"),
    [
        ("Restez attentifs aux messages de la mairie.", True),
        ("Soyez prudents. Suivez les consignes des autorités.", True),
        ("Stay alert.", True),
        ("Please monitor for further updates.", True),
        ("Restez chez vous.", False),
        ("Soyez prudents. Ne prenez pas la voiture.", False),
        ("", False),
        (None, False),
    ],
)
def test_to_be_careful_is_no_instruction(instruction, filler):
    assert is_filler(instruction) is filler
