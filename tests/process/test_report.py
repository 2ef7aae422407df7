"""`tocsin report`: an incident that went through the real program, told in its three ways."""

from __future__ import annotations

import pytest

from tests.process.town import STATION

pytestmark = pytest.mark.process

APPROVE = '\n[sources.manual]\npublish = "approve"\n'


def test_a_report_tells_who_wrote_who_validated_what_was_said_where_and_how_long_it_took(town, tmp_path):
    town.configure(station=STATION + APPROVE)
    town.start_daemon()
    alert = town.post("Rue Basse fermée", "--as", "anne")["alert"]
    assert town.tocsin("approve", alert, "--as", "bruno").returncode == 0
    town.until(lambda: {post["state"] for post in town.objects("status", alert)[0]["posts"]} == {"sent"})

    [data] = town.objects("report", alert)
    text = town.tocsin("report", alert, "--lang", "en").stdout
    done = town.tocsin("report", alert, "--html", "report.html")

    assert [(deed["who"], deed["what"]) for deed in data["deeds"]] == [("anne", "post"), ("bruno", "approve")]
    assert {post["channel"] for post in data["posts"]} == {"x", "page", "telegram"}
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for post in data["posts"]:
        assert 0 <= post["delays"]["answered"] <= post["delays"]["whole"]
        assert post["url"] in text
        assert post["url"] in page
    assert done.stdout == ""
    assert "Compte rendu d’incident" in page, "in the station's language"


def test_a_report_that_cannot_be_made_says_why(town):
    town.configure()
    alert = town.post("Rue Basse fermée")["alert"]

    nothing = town.tocsin("report", "nosuchalert")
    tongue = town.tocsin("report", alert, "--lang", "de")
    folder = town.tocsin("report", alert, "--html", "no/such/folder.html")

    assert [each.returncode for each in (nothing, tongue, folder)] == [2, 2, 1]
    assert "permises\u00a0: en, fr" in tongue.stderr
    assert "rien n’a été écrit" in folder.stderr
