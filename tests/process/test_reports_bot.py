"""Somebody reports to the bot of the real program, which is killed amidst it, and is told what became of it."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import sqlite3

import pytest

from tests.pictures import a_png
from tests.process.person import Person
from tests.process.test_bot import BOT, ROOT, WITH_DISTRICTS, rows_with

pytestmark = pytest.mark.process
CHAT, OTHER = 5_550_001_234, 6_660_004_321
HERE = (45.180917, 5.720313)


@pytest.fixture
def bot(town):
    """A town whose bot takes reports."""
    shutil.copy(ROOT / "areas.geojson", town.folder)
    town.configure(BOT + "\n[reports]\n", station=WITH_DISTRICTS)
    town.daemon = town.start_daemon()
    return town


def reports(town) -> list[dict]:
    done = town.tocsin("reports", "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def photo(town, chat: int, content: bytes, caption: str = "") -> None:
    """Send a photo, as the sandbox's people do."""
    sent = {"chat": chat, "photo": base64.b64encode(content).decode(), "caption": caption}
    town.ask("/sandbox/telegram/talk", sent)


def test_three_taps_over_two_kills_and_what_became_of_it(bot):
    anne = Person(bot, CHAT)
    anne.say("/signaler")
    assert anne.reads("112", "114", "Que voulez-vous signaler")["text"].index("112") < 40
    bot.daemon.stop(signal.SIGKILL)
    anne.press("Inondation")
    bot.daemon = bot.start_daemon()
    anne.reads("Où est-ce")
    anne.be_at(*HERE)
    anne.reads("envoyer une photo")
    bot.daemon.stop(signal.SIGKILL)
    bot.daemon = bot.start_daemon()
    anne.press("Envoyer le signalement")
    told = anne.reads("porte le numéro", "Page privée")
    [report] = reports(bot)
    assert report["report"] in told["text"]
    assert (report["kind"], report["state"], report["text"]) == ("flooding", "received", None)
    assert f"/report/{report['report']}/" in told["html"]

    assert bot.tocsin("report", "accept", report["report"], "--text", "On passe demain").returncode == 0
    anne.reads(report["report"], "pris en charge", "On passe demain")
    bot.daemon.stop(signal.SIGKILL)
    assert bot.tocsin("report", "close", report["report"], "--text", "Réparé").returncode == 0
    bot.daemon = bot.start_daemon()
    anne.reads(report["report"], "C’est fait", "Réparé")
    said = [each for each in anne.messages() if "C’est fait" in each["text"]]
    assert len(said) == 1
    anne.say("/mydata")
    anne.reads("tout ce qui est conservé", report["report"])
    anne.say("/forget")
    anne.press("Oui, tout effacer")
    anne.reads("est effacé")
    assert rows_with(bot, str(CHAT)) == []
    assert str(CHAT) not in "\n".join(bot.daemon.lines)


@pytest.mark.release
def test_photos_are_fetched_and_a_refused_one_holds_nothing_up(bot):
    anne = Person(bot, CHAT)

    def last(words: str) -> None:
        bot.until(lambda: words in "".join(each["text"] for each in anne.messages()[-1:]))

    def placed() -> None:
        anne.say("/signaler")
        last("Que voulez-vous signaler")
        anne.press("Éclairage public")
        last("Où est-ce")
        anne.be_at(*HERE)
        last("envoyer une photo")

    placed()
    photo(bot, CHAT, b"ftypheic: no picture that is taken", "Le lampadaire")
    last("JPEG, PNG ou WebP")
    anne.say("/fin")
    last("porte le numéro")
    placed()
    photo(bot, CHAT, a_png(64, 48), "Le même")
    last("porte le numéro")
    assert {each["text"] for each in reports(bot)} == {"Le lampadaire", "Le même"}
    db = sqlite3.connect(bot.database)
    kept = db.execute("SELECT jpeg FROM report_photo").fetchall()
    db.close()
    assert [each[0][:3] for each in kept] == [b"\xff\xd8\xff"]


@pytest.mark.release
def test_who_reported_is_told_once_the_alert_is_out(bot):
    people = [Person(bot, CHAT + number) for number in range(5)]
    for each in people:
        each.say("/report")
        each.press("Inondation")
        each.reads("Où est-ce")
        each.be_at(*HERE)
        each.press("Envoyer le signalement")
        each.reads("porte le numéro")
    [draft] = {each["draft"] for each in reports(bot)}
    assert draft
    done = bot.tocsin("approve", draft)
    assert done.returncode == 0, done.stderr
    for each in people:
        each.reads("alerte en cours")
