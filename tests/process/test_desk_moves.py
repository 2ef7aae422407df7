"""A desk page that is open while its daemon dies goes on at another: session, draft, stream, a button pressed twice."""

from __future__ import annotations

import http.client
import signal
from urllib.parse import urlencode, urlsplit

import pytest

from tests.process.test_api import ask, token_of
from tests.process.town import ALL_THREE, STATION
from tests.process.visiting import FIRST, Browser
from tests.unit.web.console.composing import form_of

pytestmark = pytest.mark.process
RULES = '[desk]\nsecond_factor = "optional"\n'
CONFIRM = 'class="confirm-form"'
TYPED = {"headline": "Rue Basse barrée", "severity": "Severe", "instruction": "Passez par la rue Haute."}


@pytest.fixture
def engine():
    """Several machines have a server."""
    return "server"


@pytest.fixture
def pair(town):
    """Two daemons at one server, and Anne, who is signed in at the first."""
    town.configure(ALL_THREE, station=STATION + RULES)
    done = town.tocsin("user", "add", "Anne", "--role", "approver", "--password-stdin", stdin=FIRST)
    assert done.returncode == 0, done.stderr
    first, second = town.start_daemon(), town.start_daemon()
    return first, second, Browser(first.url).sign_in("Anne")


class Stream:
    """The desk's stream of what changes, as a page of somebody signed in has it open."""

    def __init__(self, url: str, browser: Browser) -> None:
        self._line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._line.request("GET", "/desk/events", headers={"Cookie": browser.cookie})
        self._answer = self._line.getresponse()
        assert self._answer.status == 200
        self.until(": watching")

    def until(self, words: str) -> str:
        """The next line with these words."""
        while line := self._answer.readline().decode():
            if words in line:
                return line
        raise AssertionError(f"the stream ended without {words}")

    def close(self) -> None:
        self._line.close()


def sent(browser: Browser, path: str, pairs) -> object:
    return browser.send(path, urlencode([*((k, v) for k, v in pairs if k != "csrf"), ("csrf", browser.csrf)]))


def test_what_was_typed_and_read_at_one_daemon_goes_out_once_by_another(town, pair):
    first, second, anne = pair
    form = [(k, v) for k, v in form_of(anne.look("/desk/compose?hazard=road").html) if k not in TYPED]
    draft = dict(form)["draft"]
    assert sent(anne, "/desk/compose", [*form, *TYPED.items(), ("do", "save")]).status == 200

    anne.move(second.url)
    found = form_of(anne.look(f"/desk/compose?draft={draft}").html)
    assert dict(found)["headline"] == TYPED["headline"], "the session and the draft are there"
    confirmation = sent(anne, "/desk/compose", [*found, ("do", "publish")])
    assert confirmation.status == 200, confirmation.text
    read = form_of(confirmation.html, CONFIRM)
    stream = Stream(second.url, anne)
    anne.move(first.url)
    posted = sent(anne, "/desk/compose/confirm", read)
    assert posted.status == 303, posted.text
    stream.until("event: changed")
    first.stop(signal.SIGKILL)
    anne.move(second.url)
    again = sent(anne, "/desk/compose/confirm", read)

    assert (again.status, again.location) == (303, posted.location)
    assert TYPED["headline"] in anne.look(again.location).text
    stream.close()
    town.until(lambda: all(posts for posts in town.timelines().values()))
    assert [len(posts) for posts in town.timelines().values()] == [1, 1, 1]


@pytest.mark.release
def test_what_a_program_asked_of_one_daemon_is_answered_by_another_as_it_was(town, pair):
    first, second, _ = pair
    token, key = token_of(town, "capteur", "author"), {"Idempotency-Key": "crue-1"}
    body = {"headline": "Crue de la Morge"}
    answered = ask(first.url, "POST", "/alerts", token, body, **key)
    first.stop(signal.SIGKILL)

    assert answered[0] == 201
    assert ask(second.url, "POST", "/alerts", token, body, **key) == answered
    assert len([each for each in town.objects("status") if "alert" in each]) == 1
