"""Four eyes at the running daemon: by console, API and command line, as somebody would try to get around them."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.process.town import STATION, TELEGRAM, X
from tests.process.visiting import FIRST, Browser, Program

pytestmark = pytest.mark.process
RULES = """
[desk]
second_factor = "optional"
remind = "1h"
url = "https://garde.saint-martin.example/desk"

[notify]
channels = ["equipe"]
every = "1s"

[sources.manual]
publish = "approve"
"""
TEAM = """
[channels.equipe]
kind = "telegram"
api_url = "{sandbox}"
chat = "-1009876543210"
token = {{ env = "TELEGRAM_TOKEN" }}
public = false
"""
DRILLS = """
[channels.exercices]
kind = "telegram"
api_url = "{sandbox}"
chat = "@saintmartin_exercices"
token = {{ env = "TELEGRAM_TOKEN" }}
exercise = true
"""
CHANNELS = X + TELEGRAM + TEAM + DRILLS
PEOPLE = {"Anne": "approver", "Paul": "approver", "Luc": "author"}


class Desk:
    """A town with people, and its daemon."""

    def __init__(self, town) -> None:
        self.town = town
        self.browsers: dict[str, Browser] = {}
        town.configure(CHANNELS, station=STATION + RULES)
        for name, role in PEOPLE.items():
            done = town.tocsin("user", "add", name, "--role", role, "--password-stdin", stdin=FIRST)
            assert done.returncode == 0, done.stderr
        self.daemon = town.start_daemon()

    def browser(self, name: str) -> Browser:
        if name not in self.browsers:
            self.browsers[name] = Browser(self.daemon.url).sign_in(name)
        return self.browsers[name]

    def program(self, name: str, role: str) -> Program:
        [made] = self.town.objects("token", "add", name, "--role", role)
        return Program(self.daemon.url, made["token"])

    def post(self, headline: str, *options: str, by: str = "Anne") -> str:
        return self.town.post(headline, "--as", by, *options)["alert"]

    def states(self, alert: str) -> set[str]:
        [account] = self.town.objects("status", alert)
        return {post["state"] for post in account["posts"]}

    def published(self, headline: str) -> list[str]:
        """What readers see of it, anywhere but at the team."""
        posts = [post for posts in self.town.timelines().values() for post in posts]
        return [p["text"] for p in posts if headline in p["text"] and "9876543210" not in str(p["channel"])]

    def told(self, *parts: str) -> list[str]:
        posts = [post for post in self.town.timelines()["telegram"] if "9876543210" in post["channel"]]
        return [post["text"] for post in posts if all(part in post["text"] for part in parts)]


@pytest.fixture(scope="module")
def desk(shared_town):
    """One for all tests; each has words of its own."""
    return Desk(shared_town)


def test_what_the_approver_saw_is_what_goes_out_and_nobody_else_lets_it_go(desk):
    alert = desk.post("Crue de l’Isère", "--description", "Les quais sont fermés.")
    anne, paul, luc = desk.browser("Anne"), desk.browser("Paul"), desk.browser("Luc")

    own = anne.look(f"/desk/waiting/{alert}")
    assert "You wrote this alert: somebody else has to validate it." in own.text
    shown = paul.look(f"/desk/waiting/{alert}")
    for forger in (anne, luc):
        forged = forger.press(f"/desk/waiting/{alert}/approve", seen=shown.hidden("seen"))
        assert forged.status in (400, 403)
    assert paul.press(f"/desk/waiting/{alert}/approve").status == 400
    assert desk.states(alert) == {"waiting"}

    assert paul.press(f"/desk/waiting/{alert}/approve", seen=shown.hidden("seen")).status == 303
    out = desk.town.until(lambda: len(texts := desk.published("Crue de l’Isère")) == 2 and texts)
    assert all(" ".join(text.split())[:100] in shown.text for text in out)


def test_of_two_at_once_one_wins_and_the_other_is_told_by_whom(desk):
    alert = desk.post("Gymnase ouvert", by="Luc")
    anne, paul = desk.browser("Anne"), desk.browser("Paul")
    seen = {browser: browser.look(f"/desk/waiting/{alert}").hidden("seen") for browser in (anne, paul)}

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda each: each.press(f"/desk/waiting/{alert}/approve", seen=seen[each]), seen))
    assert sorted(answer.status for answer in answers) == [303, 409]
    [second] = [answer for answer in answers if answer.status == 409]
    assert "Anne validated it at" in second.text or "Paul validated it at" in second.text


def test_a_version_that_came_while_the_page_was_open_asks_anew_and_shows_what_changed(desk):
    alert = desk.post("Eau trouble", "--description", "Jusqu’à midi.")
    paul = desk.browser("Paul")
    seen = paul.look(f"/desk/waiting/{alert}").hidden("seen")
    done = desk.town.tocsin("update", alert, "--as", "Anne", "--description", "Jusqu’à demain.")
    assert done.returncode == 0, done.stderr

    late = paul.press(f"/desk/waiting/{alert}/approve", seen=seen)
    assert late.status == 409
    assert "[taken out: midi. ]" in late.text
    assert "[put in: demain. ]" in late.text
    assert not desk.published("Eau trouble")


@pytest.mark.release
@pytest.mark.parametrize("spelling", ["Anne", "anne ", "An\u200bne", "\uff21nne"])
def test_no_spelling_of_the_author_validates_at_the_command_line(desk, spelling):
    alert = desk.post("Eau rationnée", "--again")

    done = desk.town.tocsin("approve", alert, "--as", spelling)
    assert done.returncode in (1, 2), done.stdout + done.stderr
    assert desk.states(alert) == {"waiting"}


def test_at_the_command_line_a_validation_names_an_account_that_may(desk):
    alert = desk.post("Eau coupée")

    for name in (["--as", "personne"], ["--as", "Luc"], []):
        done = desk.town.tocsin("approve", alert, *name)
        assert done.returncode in (1, 2)
    assert desk.states(alert) == {"waiting"}
    assert desk.town.tocsin("approve", alert, "--as", "paul").returncode == 0
    desk.town.until(lambda: desk.published("Eau coupée"))


def test_a_token_is_its_person_and_no_more(desk):
    alert = desk.post("Eau rétablie")
    own, luc = desk.program("Anne", "approver"), desk.program("Luc", "author")
    [account] = desk.town.objects("status", alert)

    for program in (own, luc):
        refused = program.ask("POST", f"/alerts/{alert}/approve", {"seen": account["fingerprint"]})
        assert refused.status == 403, refused.html
    assert desk.states(alert) == {"waiting"}

    machine = desk.program("vigie", "approver")
    assert machine.ask("POST", f"/alerts/{alert}/approve", {"seen": "0" * 64}).status in (409, 412)
    assert desk.states(alert) == {"waiting"}
    assert machine.ask("POST", f"/alerts/{alert}/approve", {"seen": account["fingerprint"]}).status == 200
    desk.town.until(lambda: desk.published("Eau rétablie"))


@pytest.mark.release
def test_an_exercise_stays_one_when_channels_toml_changes_while_it_waits(town):
    desk = Desk(town)
    alert = desk.post("Exercice de crue", "--exercise")
    desk.daemon.stop(signal.SIGTERM)
    desk.town.configure(CHANNELS.replace("exercise = true", "exercise = false"), station=STATION + RULES)
    desk.daemon = desk.town.start_daemon()
    paul = desk.browser("Paul")

    page = paul.look(f"/desk/waiting/{alert}")
    assert "It cannot go out as it is" in page.text
    done = desk.town.tocsin("approve", alert, "--as", "Paul")
    assert done.returncode == 1
    assert "le canal exercices est public" in done.stderr
    assert desk.states(alert) == {"waiting"}
    assert not desk.published("Exercice de crue")


def test_those_on_duty_are_told_with_the_link_and_how_it_was_decided(desk):
    alert = desk.post("Fuite de gaz", "--severity", "Severe")

    desk.town.until(
        lambda: desk.told(
            "Alerte à valider\u00a0: «\u00a0Fuite de gaz\u00a0»",
            f"https://garde.saint-martin.example/desk/waiting/{alert}",
        )
    )
    desk.browser("Paul").press(f"/desk/waiting/{alert}/reject", reason="odeur d’égout")
    desk.town.until(lambda: desk.told("Rejetée par Paul\u00a0: «\u00a0Fuite de gaz\u00a0»", "odeur d’égout"))
    assert len(desk.told("Fuite de gaz")) == 2
