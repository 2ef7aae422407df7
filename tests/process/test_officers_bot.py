"""The officers' side of the bot, with the real program: told, shown word for word, decided under four eyes."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.process.person import Person
from tests.process.town import STATION, TELEGRAM
from tests.process.visiting import FIRST, OWN, Browser

pytestmark = pytest.mark.process
RULES = """
[desk]
second_factor = "optional"
remind = "1m"

[sources.manual]
publish = "approve"
"""
REMINDED = timedelta(minutes=1)
PEOPLE = {"Anne": "approver", "Paul": "approver", "Luc": "author"}


class Desk:
    """A town with people, its daemon, and the phones of its officers."""

    def __init__(self, town) -> None:
        self.town = town
        self.browsers: dict[str, Browser] = {}
        self.phones: dict[str, Person] = {}
        town.configure(TELEGRAM + "subscriptions = true\n", station=STATION + RULES)
        for name, role in PEOPLE.items():
            done = town.tocsin("user", "add", name, "--role", role, "--password-stdin", stdin=FIRST)
            assert done.returncode == 0, done.stderr
        self.daemon = town.start_daemon()

    def code(self, name: str) -> str:
        if name not in self.browsers:
            self.browsers[name] = Browser(self.daemon.url).sign_in(name)
        browser = self.browsers[name]
        browser.look("/desk/account")
        assert "/link" not in browser.press("/desk/account/telegram").html
        page = browser.press("/desk/account/telegram", own_password=OWN)
        shown = re.search(r"/link (\w+)", page.html)
        assert shown, page.text
        return shown[1]

    def phone(self, name: str, chat: int) -> Person:
        if name not in self.phones:
            self.phones[name] = phone = Person(self.town, chat)
            phone.say(f"/link {self.code(name)}")
            phone.reads("reliée au compte", name)
        return self.phones[name]

    def state(self, alert: str) -> set[str]:
        [account] = self.town.objects("status", alert)
        return {post["state"] for post in account["posts"]}

    def post(self, headline: str, *options: str, by: str) -> str:
        """An alert of an event of its own: it is another one than what other tests posted here."""
        return self.town.post(headline, "--event", headline, "--as", by, *options)["alert"]

    def stored(self) -> list[dict]:
        return self.town.objects("audit", "list")


@pytest.fixture(scope="module")
def desk(shared_town):
    """One for all tests; each has words of its own."""
    return Desk(shared_town)


def test_what_waits_is_told_word_for_word_and_another_lets_it_out(desk):
    anne, paul = desk.phone("Anne", 701), desk.phone("Paul", 702)
    alert = desk.post("Crue <de> l’Isère", "--instruction", "Montez à l’étage.", by="Anne")

    shown = paul.reads("à valider", "Crue <de> l’Isère", "Montez à l’étage.")
    own = anne.reads("à valider", "quelqu’un d’autre doit la valider")
    assert "Valider" not in own["buttons"]
    anne.press_data(re.search(r"ok:[^\"]+", shown["buttons"])[0], int(own["id"]))
    anne.reads("Vous l’avez rédigée")
    assert desk.state(alert) == {"waiting"}

    desk.town.wind(REMINDED.total_seconds())
    paul.reads("toujours à valider", "Montez à l’étage.")
    paul.press("Valider")
    paul.reads("Validée par vous", "Crue")
    desk.town.until(lambda: desk.state(alert) == {"sent"})
    anne.reads("Validée par Paul", "Crue")
    out = [each for each in desk.town.timelines()["telegram"] if each["channel"] == "@saintmartin_alertes"]
    assert all(line in shown["text"] for line in out[0]["text"].splitlines() if line.strip())

    lines = desk.stored()
    assert any((each["actor"], each["act"], each["origin"]) == ("Paul", "approve", "bot") for each in lines)
    assert not any("702" in str(each["detail"]) + str(each["address"]) for each in lines)


@pytest.mark.release
def test_a_button_of_another_version_lets_nothing_out(desk):
    paul = desk.phone("Paul", 702)
    alert = desk.post("Eau coupée", "--description", "Jusqu’à midi.", by="Luc")
    old = paul.reads("à valider", "midi")
    done = desk.town.tocsin("update", alert, "--as", "Luc", "--description", "Jusqu’à demain.")
    assert done.returncode == 0, done.stderr
    paul.reads("Jusqu’à demain.")

    paul.press_data(re.search(r"ok:[^\"]+", old["buttons"])[0], int(old["id"]))
    forged = re.search(r"ok:[^\"]+", old["buttons"])[0][:-24] + "0" * 24
    paul.press_data(forged, int(old["id"]))
    paul.reads("n’attend plus")
    said = [each for each in desk.town.timelines()["telegram"] if each["channel"].startswith("@")]
    assert not [each for each in said if "Eau coupée" in each["text"]]
    versions = [each["alert"] for each in desk.town.objects("status") if each.get("headline") == "Eau coupée"]
    rejected = [desk.town.tocsin("reject", each, "--as", "Anne", "--reason", "réparée") for each in versions]
    assert [each.returncode for each in rejected].count(0) == 1, "the one that waits"


@pytest.mark.release
def test_rejected_with_a_reason_and_told_to_the_other(desk):
    anne, paul = desk.phone("Anne", 701), desk.phone("Paul", 702)
    alert = desk.post("Marché déplacé", by="Luc")
    paul.reads("à valider", "Marché")
    anne.reads("à valider", "Marché")

    anne.press("Rejeter")
    anne.press("le lieu est faux")
    anne.reads("Rejetée par vous", "le lieu est faux")
    assert desk.state(alert) == {"rejected"}
    paul.reads("Rejetée par Anne", "le lieu est faux")


def test_a_reason_may_be_typed_and_is_what_the_author_reads(desk):
    paul = desk.phone("Paul", 702)
    alert = desk.post("Foire déplacée", by="Luc")
    paul.reads("à valider", "Foire")

    paul.press("Rejeter")
    paul.reads("ou écrivez la vôtre")
    paul.say("Ce n’est pas <demain>, c’est\nsamedi !")
    paul.reads("Rejetée par vous", "Ce n’est pas <demain>, c’est samedi !", "Foire")
    assert desk.state(alert) == {"rejected"}
    [account] = desk.town.objects("status", alert)
    assert "Ce n’est pas <demain>, c’est samedi !" in account["posts"][0]["reason"]
    paul.say("Merci")
    paul.reads("Ce robot ne comprend que des commandes")


@pytest.mark.release
def test_a_code_links_once_and_a_disabled_account_hears_nothing_more(town):
    desk = Desk(town)
    code = desk.code("Paul")
    paul, thief = Person(desk.town, 702), Person(desk.town, 703)
    paul.say(f"/link {code.lower()}")
    paul.reads("reliée au compte")
    thief.say(f"/link {code}")
    thief.reads("Ce code n’est pas valable")
    shown = desk.code("Paul")
    town_hall = Person(desk.town, 705, group=-704)
    town_hall.say(f"/link {shown}")
    town_hall.reads("D’autres lisent ici")
    paul.say(f"/link {shown}")
    paul.reads("Ce code n’est pas valable")

    assert desk.town.tocsin("user", "disable", "Paul").returncode == 0
    alert = desk.post("Marché déplacé", by="Luc")
    paul.press_data(f"no:{alert}:-", 1)
    paul.reads("Votre compte est fermé")
    anne = desk.phone("Anne", 701)
    anne.reads("à valider", "Marché")
    assert not [each for each in paul.messages() if "Marché" in each["text"]]

    done = desk.town.tocsin("user", "reset", "Anne", "--password-stdin", stdin=FIRST)
    del desk.browsers["Anne"]
    assert done.returncode == 0, done.stderr
    waits = re.search(r"ok:[^\"]+", anne.reads("à valider", "Marché")["buttons"])[0]
    anne.press_data(waits, 1)
    anne.reads("n’est reliée à aucun compte")
    anne.say(f"/link {desk.code('Anne')}")
    anne.reads("reliée au compte", "Anne")
    anne.say("/unlink")
    anne.reads("n’est plus reliée")
