"""What people ask on three platforms, heard, grouped and answered once by the real program; and a short campaign."""

from __future__ import annotations

import tomllib
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from campaign.__main__ import listen
from campaign.ledger import Ledger, read_answers
from campaign.marks import answer_of
from campaign.remarks import Answered, Said, answering, hearing
from campaign.table import breaches, listening_table
from campaign.town import HEARING, PLATFORM

pytestmark = pytest.mark.process
ASKED = Path(__file__).parents[1] / "unit" / "listening" / "asked.toml"
CHAT = "@saintmartin_alertes"
MOST_GROUPS = 4
QUICK = HEARING.replace("hears = true", 'limits = ["100/1s"]\nhears = true')


def wordings() -> list[str]:
    """What thirty people say who ask four things in eight wordings."""
    alert = tomllib.loads(ASKED.read_text(encoding="utf-8"))["alert"][0]
    eight = [said for question in alert["question"] for said in [each for each in question["said"] if "?" in each][:2]]
    return [eight[number % len(eight)] for number in range(30)]


def page(daemon, incident: str) -> str:
    with urllib.request.urlopen(f"{daemon.url}/alerts/{incident}", timeout=60) as answer:
        return answer.read().decode()


def said_on(town, channel: str, post: str, words: list[str]) -> list[Said]:
    under = f"{CHAT}/{post}" if channel == "telegram" else post
    told = town.ask(f"/sandbox/{PLATFORM[channel]}/say", {"text": words, "under": under})
    chat = f"{told['chat']}:" if channel == "telegram" else ""
    return [Said(channel, f"{chat}{id_}", post, each) for id_, each in zip(told["ids"], words, strict=True)]


def test_thirty_who_ask_on_three_platforms_are_answered_once_wherever_the_rules_allow(town):
    town.configure(QUICK, sources='\n[listening]\nevery = "1s"\n')
    town.ask("/sandbox/telegram/link", {"chat": CHAT})
    daemon = town.start_daemon()
    alert = town.post("Eau du robinet : faites bouillir l'eau")
    ledger = Ledger(town.place)
    posts = town.until(lambda: (out := ledger.receipts(alert["alert"])).keys() == PLATFORM.keys() and out)

    words = wordings()
    assert (len(words), len(set(words))) == (30, 8)
    said = [each for place, name in enumerate(PLATFORM) for each in said_on(town, name, posts[name], words[place::3])]
    town.until(lambda: not hearing(said, ledger.kept()))

    heard = town.objects("heard")
    questions = [each for each in heard if "words" in each]
    assert sum(each["count"] for each in questions) == 30
    assert len(questions) <= MOST_GROUPS
    answers = []
    for number, question in enumerate(questions, 1):
        account = town.objects("answer", question["question"], "--text", answer_of(number))[0]
        town.until(lambda number=number: answer_of(number) in page(daemon, alert["incident"]))
        answers.append(Answered(number, account["question"], account["channels"]))

    town.until(lambda: ledger.open_posts() == 0)
    told = [each for name, place in PLATFORM.items() for each in read_answers(name, town.timelines()[place])]
    assert answering(answers, said, ledger.kept(), told, ledger.replies()) == []
    asked_on_page = sum(min(each["channels"].get("page", 0), 10) for each in questions)
    groups = len(questions)
    counts = {name: sum(each.channel == name for each in told) for name in PLATFORM}
    assert counts == {"x": groups, "telegram": groups, "page": groups + asked_on_page}

    history = town.objects("explain", alert["alert"])
    replies = {each["post"] for each in history if each["what"] == "sent"}
    assert len(replies) == sum(counts.values()) + len(PLATFORM), "explain tells of each"
    assert {each["state"] for each in town.objects("heard", "--all") if "utterance" in each} == {"handled"}


@pytest.mark.release
def test_a_kill_at_each_of_three_places_breaks_no_promise(tmp_path):
    """One each between heard and stored, stored and answered, sent and acknowledged."""
    outcomes = listen("short", kills=3, towns=3, folder=tmp_path)

    assert breaches(outcomes) == []
    assert sum((outcome.aimed for outcome in outcomes), Counter()) == {"heard": 1, "stored": 1, "sent": 1}
    assert listening_table(outcomes).splitlines()[-1].split()[0] == "all"
