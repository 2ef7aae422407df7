"""Alerts by e-mail, from the form on the town's page to the end, without script, with a real mail relay."""

from __future__ import annotations

import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from alerts.store.files import connect
from tests.browser.officer import SIZES
from tests.browser.public_town import PublicTown
from tests.browser.town import ROOT, STATION
from tests.mail_relay import USER, Relay, Taken, running

pytestmark = pytest.mark.process
OURS = "https://alertes.saint-martin.example"
JEANNE = "jeanne@quais.example"
MAIL = f"""
[channels.lettre]
kind = "mail"
host = "127.0.0.1"
port = PORT
tls = "none"
sender = "Ville de Saint-Martin <{USER}>"
subscriptions = true
"""


class LetterTown(PublicTown):
    """A town that writes to subscribers of its own, and to nobody else."""

    def open_with(self, relay: Relay) -> None:
        self.relay = relay
        self.environment["TOCSIN_LOG"] = "debug"
        (self.folder / "areas.geojson").write_bytes((ROOT / "areas.geojson").read_bytes())
        station = STATION.partition("[notify]")[0].replace("\n[desk]", '\nlanguages = ["en"]\n\n[desk]')
        self.configure(
            channels=MAIL.replace("PORT", str(relay.port)), sources="", station=station.format(port=self.port, desk="")
        )
        self.log = self.folder / "letters.log"
        self.daemon = self.start("run", log=self.log)
        self.until(self._answers)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.pages}/mail") as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def link(self) -> str:
        """Where the last letter's link leads, on this machine."""
        found = re.search(rf"{OURS}(/\S*mail/confirm/\S+)", self.relay.taken[-1].text())
        assert found
        return f"{self.pages}{found[1]}"

    def letters(self, words: str) -> list[Taken]:
        return [each for each in self.relay.taken if words in each.text()]

    def rows(self) -> list[int]:
        with closing(connect(self.database, readonly=True)) as db:
            tables = ("subscriber", "received", "held_back", "bulk_flight")
            return [int(db.execute(f"SELECT count(*) FROM {each}").fetchone()[0]) for each in tables]


@pytest.fixture
def town(tmp_path) -> Iterator[LetterTown]:
    with running(Relay()) as relay:
        town = LetterTown(tmp_path)
        try:
            town.open_with(relay)
            yield town
        finally:
            town.end()


def subscribed(page: Page, town: LetterTown) -> None:
    page.goto(town.pages)
    page.get_by_text("Les alertes par courriel").click()
    page.get_by_label("Votre adresse électronique").fill(JEANNE)
    page.get_by_label("Centre-Bourg", exact=True).check()
    page.get_by_label("Heures calmes").select_option("")
    page.get_by_role("button", name="M’envoyer le lien").click()
    expect(page.get_by_role("heading", name="Consultez votre messagerie")).to_be_visible()
    page.goto(town.link())
    page.get_by_role("button", name="Oui, envoyez-les-moi").click()
    expect(page.get_by_text("Vous recevez nos alertes par courriel")).to_be_visible()


def test_without_script_somebody_subscribes_is_told_to_the_end_and_leaves_by_one_click(town, chromium):
    context = chromium.new_context(**SIZES["phone"], locale="fr-FR", java_script_enabled=False)
    page = context.new_page()
    subscribed(page, town)
    assert town.rows() == [1, 0, 0, 0]
    expect(page.get_by_label("Centre-Bourg", exact=True)).to_be_checked()
    page.get_by_label("Les Coteaux", exact=True).check()
    page.get_by_role("button", name="Enregistrer ces choix").click()
    expect(page.get_by_label("Les Coteaux", exact=True)).to_be_checked()
    context.close()

    town.post("Panne à la Gare", "--severity", "Moderate", "--area", "La Gare")
    told = town.post("Rue Basse fermée", "--severity", "Severe", "--area", "Centre-Bourg")
    town.until(lambda: len(town.letters("Rue Basse")) == 1)
    assert town.tocsin("update", told["incident"], "--instruction", "Passez par le pont.").returncode == 0
    town.until(lambda: len(town.letters("Rue Basse")) == 2)
    assert town.tocsin("cancel", told["incident"], "--over").returncode == 0
    town.until(lambda: len(town.letters("Rue Basse")) == 3)
    first, update, end = town.letters("Rue Basse")
    assert (first.to, first.letter["Importance"]) == ([JEANNE], "high")
    assert "Passez par le pont." in update.text()
    assert [first.reply_to, update.reply_to, end.reply_to] == [None, first.id, first.id]
    assert town.letters("Gare") == []

    leave = str(first.letter["List-Unsubscribe"]).strip(" <>")
    assert leave.startswith(f"{OURS}/mail/")
    body = urllib.parse.urlencode({"List-Unsubscribe": "One-Click"}).encode()
    with urllib.request.urlopen(leave.replace(OURS, town.pages), body) as answer:
        assert answer.status == 200
    assert town.rows() == [0, 0, 0, 0]
    before = len(town.relay.taken)
    last = town.post("Rue Haute fermée", "--severity", "Severe", "--area", "Centre-Bourg")["incident"]
    town.until_shown(last)
    town.until(lambda: [each for each in town.objects("status") if each.get("bulk") and each["state"] == "done"])
    assert len(town.relay.taken) == before
    said = town.log.read_text()
    assert "quais.example" not in said
    assert leave.rpartition("/")[2] not in said


@pytest.mark.release
def test_who_was_lost_after_the_final_dot_is_told_once_more_under_the_same_id(town, chromium):
    context = chromium.new_context(**SIZES["phone"], locale="fr-FR")
    subscribed(context.new_page(), town)
    context.close()
    town.relay.set(does="cut_after", times=1)
    town.post("Rue Basse fermée", "--severity", "Severe", "--area", "Centre-Bourg")
    town.until(lambda: len(town.letters("Rue Basse")) == 2)
    one, again = town.letters("Rue Basse")
    assert one.content == again.content
    assert town.tocsin("mail", "forget", JEANNE.upper()).returncode == 0
    assert town.rows() == [0, 0, 0, 0]
