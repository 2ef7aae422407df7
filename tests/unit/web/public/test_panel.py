"""What screens show: lines of twenty characters, JSON for programs, and a turn of screens that cuts no order."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as pages

from alerts.model.alert import Area, NamedValue, Severity
from alerts.web.public.export import Export
from alerts.web.public.panel import COLUMNS, SCREENS, parts_of, wrapped
from alerts.web.public.site import answers_of
from alerts.web.public.snapshot import Freshness
from tests.unit.desk.conftest import LATER, NOW, an_alert
from tests.unit.web.public.house import a_house
from tests.walls import in_one_test

BLANKS = " \n\t\u00a0\u202f"
LONG = (
    "Montez à l’étage. Coupez le gaz et l’électricité. Ne prenez pas votre voiture. N’allez pas chercher vos enfants à "
    "l’école, elle s’en occupe. Écoutez la radio et suivez les consignes. Ne téléphonez qu’en cas d’urgence."
)


def lines(paper, path="/panel.txt"):
    return paper.text(path).splitlines()


def told(paper, path="/panel.json"):
    return json.loads(paper.text(path))


def screens(paper, path="/panel"):
    return pages.document_fromstring(paper.text(path)).xpath("//li[contains(@class, 'screen')]")


def test_what_an_alert_is_called_stands_there_once(town, paper):
    works = {"event": "Travaux", "severity": Severity.MINOR, "parameters": (NamedValue("tocsin:hazard", "works"),)}
    paper.print(town.hear(an_alert(headline="Travaux rue Haute", **works)))

    assert lines(paper)[0] == "Travaux rue Haute"


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from(BLANKS)))
def test_no_line_is_longer_than_a_display_and_no_word_is_lost(text):
    made = wrapped(text)

    assert all(0 < len(line) <= COLUMNS for line in made)
    assert "".join("".join(made).split()) == "".join("".join(wrapped(text, 10_000)).split())
    assert not set("".join(made)) & set("\u00a0\u202f\n")


@given(st.lists(st.text(alphabet="abcéÉ’-", min_size=1, max_size=COLUMNS), max_size=30))
def test_words_that_fit_stay_whole_and_lines_are_as_full_as_can_be(words):
    made = wrapped(" ".join(words))

    assert " ".join(made).split() == words
    assert all(len(line) + 1 + len(after.split()[0]) > COLUMNS for line, after in pairwise(made))


@in_one_test
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rue Saint-Martin-le-Vinoux fermée", ["Rue Saint-Martin-le-", "Vinoux fermée"]),
        ("anticonstitutionnellement vrai", ["anticonstitutionnell", "ement vrai"]),
        ("jusqu’à demain à 14\u00a0h\u00a005", ["jusqu’à demain à", "14 h 05"]),
        ("a" * 20 + " " + "b" * 20, ["a" * 20, "b" * 20]),
        ("👨‍👩‍👧‍👧" * 4, ["👨‍👩‍👧‍👧" * 2] * 2),
        ("🇫🇷" + "a" * 18 + "🇫🇷", ["🇫🇷" + "a" * 18, "🇫🇷"]),
        ("a" * 19 + "x\u0327\u0301" + "b", ["a" * 19, "x\u0327\u0301b"]),
        ("x" + "\u0301" * 30, ["x" + "\u0301" * 19, "\u0301" * 11]),
        ("", []),
    ],
)
def test_long_words_break_where_one_reads_on(text, expected):
    assert wrapped(text) == expected


@given(st.text(alphabet="ab .!\n", max_size=600))
def test_what_to_do_is_all_there_in_parts_that_a_screen_holds(text):
    made = parts_of(text)

    assert all(len(part) <= 160 for part in made)
    assert "".join("".join(made).split()) == "".join(text.split())


def test_an_endless_order_says_that_it_goes_on():
    assert parts_of("Fermez les volets. " * 100)[-1].endswith(" …")
    assert parts_of("x" * 170) == ["x" * 160, "x" * 10]


def test_calm_is_only_said_of_what_was_read(paper):
    paper.print()
    assert told(paper) == {"as_of": "2026-11-25T13:00:00+01:00", "state": "calm", "alerts": []}
    assert lines(paper) == ["Aucune alerte", "", "à jour à 13:00"]
    assert lines(paper, "/en/panel.txt") == ["No alert", "", "as of 13:00"]
    assert "Aucune alerte en cours" in paper.text("/panel")

    paper.freshness = Freshness("Météo", NOW - timedelta(hours=2), stale=True)
    paper.print()
    assert told(paper)["state"] == "stale"
    assert lines(paper) == ["Pas à jour", "", "Météo : pas de", "nouvelles", "", "état de 13:00"]
    assert "Aucune alerte" not in paper.text("/panel")
    assert re.search(r"pas de nouvelles depuis mercredi 25 novembre à 11\sh\s00", paper.text("/panel"))


def test_what_is_on_is_told_to_programs_worst_first(town, paper):
    mild = town.hear(
        an_alert(event="Gel", headline="Verglas", severity=Severity.MINOR, instruction="Roulez doucement.")
    )
    grave = town.hear(
        an_alert(
            event="Crue",
            headline="Crue de la Vive",
            severity=Severity.EXTREME,
            instruction="Montez à l’étage.",
            areas=(Area("Centre-Bourg", geocodes=(NamedValue("INSEE", "38185"),)),),
        )
    )
    paper.freshness = Freshness("Météo", None, stale=True)
    paper.print(mild, grave)

    said = told(paper)
    assert (said["state"], [each["severity"] for each in said["alerts"]]) == ("alert", ["Extreme", "Minor"])
    assert said["alerts"][0] == {
        "severity": "Extreme",
        "event": "Crue",
        "headline": "Crue de la Vive",
        "instruction": "Montez à l’étage.",
        "area": "Centre-Bourg",
        "until": LATER.astimezone(town.station.zone).isoformat(timespec="seconds"),
    }
    assert lines(paper)[:5] == [
        "Danger extrême",
        "Crue de la Vive",
        "Montez à l’étage.",
        "Centre-Bourg",
        "Jusqu’à 19 h ce",
    ]
    assert lines(paper)[-4:] == ["Météo : pas de", "nouvelles", "", "état de 13:00"]
    assert all(len(line) <= COLUMNS for line in lines(paper))


def test_each_screen_has_the_word_the_shape_and_when_it_is_over(town, paper):
    grave = town.hear(an_alert(headline="Crue", event="Crue", severity=Severity.EXTREME, instruction=LONG))
    mild = town.hear(an_alert())
    paper.print(grave, mild)

    first, second, third = screens(paper)
    assert [each.xpath("boolean(.//svg)") for each in (first, second, third)] == [True, True, True]
    assert [each.xpath("string(.//*[@class='part'])") for each in (first, second, third)] == ["1/2", "2/2", ""]
    assert " ".join(each.xpath("string(.//*[@class='do'])") for each in (first, second)) == LONG
    assert "Danger extrême" in first.text_content()
    assert {each.get("data-until") for each in (first, second, third)} == {"2026-11-25T19:00:00+01:00"}
    assert [("shown" in each.get("class").split()) for each in (first, second, third)] == [True, False, False]


def test_without_a_script_each_screen_leads_to_the_next_and_the_last_to_the_first(town, paper):
    filed = [town.hear(an_alert(event=f"Vent {n}", headline=f"Vent {n}")) for n in range(3)]
    paper.print(*filed)
    turn, path = [], "/en/panel"
    for _ in range(4):
        [shown] = [each for each in screens(paper, path) if "shown" in each.get("class").split()]
        turn.append(shown.xpath("string(.//h2)"))
        path = re.search(r'http-equiv="refresh" content="10; url=([^"]+)"', paper.text(path))[1]

    assert len(set(turn[:3])) == 3
    assert turn[3] == turn[0]
    paper.print(filed[0])
    assert "shown" in screens(paper, "/en/panel/3")[0].get("class"), "who stood at the third finds back to the first"


def test_below_a_mount_a_screen_leads_on_there(town, make_paper):
    paper = make_paper(mount="/t/saint-martin", public_url="")
    paper.print(town.hear(an_alert()))

    assert 'content="10; url=/t/saint-martin/panel"' in paper.text("/panel")
    assert 'data-source="/t/saint-martin/panel"' in paper.text("/panel")


def test_of_very_many_the_worst_are_shown_and_how_many_more_there_are(town, paper):
    filed = [town.hear(an_alert(event=f"Vent {n}", headline=f"Vent {n}")) for n in range(SCREENS + 3)]
    paper.print(*filed)

    made = screens(paper)
    assert len(made) == SCREENS
    assert "et 4 autres alertes" in made[-1].text_content()
    assert len(told(paper)["alerts"]) == SCREENS + 3
    assert "shown" in screens(paper, f"/panel/{SCREENS}")[-1].get("class")


def test_a_screen_is_dark_at_night(paper, town):
    paper.print()
    assert 'class="night"' not in paper.text("/panel")
    town.clock.set(NOW + timedelta(hours=10))
    paper.print()
    assert 'class="night"' in paper.text("/panel")


async def test_what_is_over_leaves_the_screens_by_time_alone(tmp_path):
    async with a_house(tmp_path) as house:
        await house.read_source()
        await house.hear(an_alert())
        assert '"state": "alert"' in (await house.get("/panel.json"))[1]
        await house.clock.advance((LATER - NOW).total_seconds())
        assert '"alerts": []' in (await house.get("/panel.json"))[1]
        assert "Coup de vent" not in (await house.get("/panel.txt"))[1]
        assert "Coup de vent" not in (await house.get("/panel"))[1]


async def test_programs_of_any_site_may_read_what_is_on(tmp_path):
    async with a_house(tmp_path) as house, house.client.get("/panel.json") as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.content_type == "application/json"
    async with a_house(tmp_path / "other") as house, house.client.get("/panel.txt") as answer:
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_the_files_of_an_export_have_the_screens_too(tmp_path, town, paper):
    Export(tmp_path / "site", ["en"]).write(answers_of(paper.print(town.hear(an_alert()))))

    names = (
        "panel/index.html",
        "panel/2/index.html",
        "panel.txt",
        "panel.json",
        "en/panel/index.html",
        "en/panel.json",
    )
    assert all((tmp_path / "site" / name).is_file() for name in names)
