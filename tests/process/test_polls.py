"""A poll of the real program: on Telegram, X, page and bot, with a platform down at its end, and with a kill there."""

from __future__ import annotations

import http.cookiejar
import signal
import urllib.parse
import urllib.request

import pytest

from campaign.town import PAGE, TELEGRAM, X
from tests.process.person import Person

pytestmark = pytest.mark.process
QUESTION = "Ouvrir la halle le dimanche ?"
KEYS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
LISTEN = ", ".join(f'{key} = {{{{ env = "LISTEN_{key.upper()}" }}}}' for key in KEYS)
EAR = f"hears = true\napproved = 2026-01-01\nbudget = 5.00\nlisten = {{{{ {LISTEN} }}}}\n"
ASK = ("poll", "open", "--question", QUESTION, "--option", "Oui", "--option", "Non", "--until", "6m")


@pytest.fixture
def asking(town):
    """A town that asks; its daemon runs."""
    town.environment |= {f"LISTEN_{key.upper()}": town.environment[f"X_{key.upper()}"] for key in KEYS}
    town.configure(X + EAR + PAGE + TELEGRAM + "subscriptions = true\n")
    town.daemon = town.start_daemon()
    return town


def there(town, platform):
    """The poll as it stands on a platform, or the post that leads to its page."""
    found = [post for post in town.timelines()[platform] if post["text"].startswith(QUESTION)]
    assert len(found) < 2, "no second poll"
    return found[0] if found else None


def opened(town):
    [poll] = town.objects(*ASK)
    assert poll["state"] == "open"
    for platform in ("twitter", "telegram", "facebook"):
        town.until(lambda platform=platform: there(town, platform))
    return poll["poll"]


def vote_on_page(town, poll, option):
    jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    browser = urllib.request.build_opener(jar)
    with browser.open(f"{town.daemon.url}/polls/{poll}", timeout=60) as page:
        assert QUESTION in page.read().decode()
    form = urllib.parse.urlencode({"option": option}).encode()
    with browser.open(f"{town.daemon.url}/polls/{poll}?lang=fr", form, timeout=60) as answer:
        assert "Votre réponse est comptée" in answer.read().decode()


def result(town, poll):
    return town.objects("poll", "results", poll)[0]


@pytest.mark.both_stores
def test_a_poll_is_closed_everywhere_and_counted_later_where_a_platform_was_down(asking):
    town, poll = asking, opened(asking)
    telegram, x = there(town, "telegram"), there(town, "twitter")
    for platform, about, option, count in (
        ("telegram", {"post": telegram["id"], "chat": telegram["channel"]}, "Oui", 4),
        ("telegram", {"post": telegram["id"], "chat": telegram["channel"]}, "Non", 2),
        ("twitter", {"post": x["id"]}, "Non", 5),
    ):
        town.ask(f"/sandbox/{platform}/vote", {**about, "option": option, "count": count})
    vote_on_page(town, poll, 0)
    citizen = Person(town, 801)
    citizen.say("/poll")
    citizen.press("Oui")
    citizen.reads(QUESTION, "Vous avez répondu")
    assert result(town, poll) == {"poll": poll, "state": "open", "turnout": 2}

    town.fault("telegram", "error_json", status=500, route="POST .*stopPoll")
    town.objects("poll", "close", poll)
    told = town.until(lambda: (found := result(town, poll)) and "x" in found["channels"] and found)
    assert told["not_counted"] == ["telegram"]
    assert [(note["channel"], note["reason_code"]) for note in told["notes"]] == [("x", "poll_open_there")]
    counted = {"x": {"Oui": 0, "Non": 5}, "web": {"Oui": 1, "Non": 0}, "bot": {"Oui": 1, "Non": 0}}
    assert result(town, poll)["channels"] == counted

    town.mend()
    town.until(lambda: town.wind(5) is None and "telegram" in result(town, poll)["channels"])
    told = result(town, poll)
    assert told["channels"] == counted | {"telegram": {"Oui": 4, "Non": 2}}
    assert (told["turnout"], told["not_counted"]) == (13, [])


def test_a_kill_while_it_is_closed_loses_neither_the_closing_nor_a_vote(asking):
    town, poll = asking, opened(asking)
    telegram = there(town, "telegram")
    about = {"post": telegram["id"], "chat": telegram["channel"]}
    town.ask("/sandbox/telegram/vote", {**about, "option": "Oui", "count": 3})
    vote_on_page(town, poll, 1)
    # Stopped there, but the answer comes too late for the daemon that asked.
    late = town.fault("telegram", "drip", seconds=30, times=1, route="POST .*stopPoll")
    town.objects("poll", "close", poll)
    town.until(lambda: town.met(late))
    town.daemon.stop(signal.SIGKILL)
    town.mend()
    town.wind(10)
    town.daemon = town.start_daemon()
    town.until(lambda: town.wind(5) is None and not result(town, poll)["not_counted"])
    told = result(town, poll)["channels"]
    assert (told["telegram"], told["web"]) == ({"Oui": 3, "Non": 0}, {"Oui": 0, "Non": 1})
