"""A subscriber's whole life, with the real program and the sandbox of Telegram."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from alerts.store.files import connect
from campaign.running import free_port
from tests.process.person import Person
from tests.process.town import STATION, TELEGRAM

pytestmark = pytest.mark.process
ROOT = Path(__file__).resolve().parents[2]
WITH_DISTRICTS = STATION.replace("public_url", 'boundary = "areas.geojson"\npublic_url')
BOT = TELEGRAM + "subscriptions = true\n"
CHAT, OTHER = 5_550_001_234, 6_660_004_321
PERSONAL = ("Géraldine", "Secrète", "gege_secrete", "5.720313", "45.180917", "06 12 34")


@pytest.fixture
def bot(town):
    """A town whose bot listens."""
    shutil.copy(ROOT / "areas.geojson", town.folder)
    town.configure(BOT, station=WITH_DISTRICTS)
    town.environment["TOCSIN_LOG"] = "debug"
    town.daemon = town.start_daemon()
    return town


def rows_with(town, what: str) -> list[str]:
    """Every row of the database, whatever the table, that holds the words."""
    db = connect(town.database)
    tables = [row["name"] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = []
    for table in tables:
        rows = [dict(row) for row in db.execute(f"SELECT * FROM {table}")]
        found += [f"{table}: {row}" for row in rows if any(what in str(value) for value in row.values())]
    db.close()
    return found


def front_page(town) -> str:
    with urllib.request.urlopen(town.daemon.url, timeout=60) as answer:
        return answer.read().decode()


def subscribers(town) -> list[dict]:
    db = sqlite3.connect(town.database)
    db.row_factory = sqlite3.Row
    rows = [dict(row) for row in db.execute("SELECT * FROM subscriber")]
    db.close()
    return rows


def subscribe(person: Person, *districts: str) -> None:
    person.say("/start")
    if districts:
        person.press("Choisir des quartiers")
        for name in districts:
            person.press(name)
            person.reads("Choisi", name)
        person.press("Terminé")
    else:
        person.press("Toute la commune")
    person.press("Tout")
    person.press("Tout, même mineur")
    person.reads("abonnement enregistré")


def test_a_whole_life_leaves_nothing_behind(bot):
    town, anne, paul = bot, Person(bot, CHAT), Person(bot, OTHER)

    anne.say("/start")
    anne.reads("service d’alerte", "Ville de Saint-Martin")
    anne.press("Envoyer ma position")
    anne.be_at(45.180917, 5.720313)
    anne.reads("Votre quartier", "Centre-Bourg", "n’a pas été conservée")
    anne.press("Tout")
    anne.press("Modéré et plus")
    anne.reads("abonnement enregistré", "Centre-Bourg")
    subscribe(paul, "Les Tanneries")
    rows = {row["chat"]: row for row in subscribers(town)}
    assert (json.loads(rows[CHAT]["districts"]), rows[CHAT]["severity"], rows[CHAT]["is_on"]) == (["SM-01"], 2, 1)

    alert = town.post("Gymnase ouvert", "--area", "Centre-Bourg", "--severity", "Severe")
    first = anne.reads("Gymnase ouvert", "Centre-Bourg")
    town.until(lambda: "Gymnase ouvert" in front_page(town))  # what /now reads, too, is renewed a moment after
    anne.say("/now")
    assert f"alerts/{alert['incident']}" in anne.reads("maintenant", "Gymnase ouvert")["html"]
    assert town.tocsin("update", alert["alert"], "--headline", "Gymnase plein").returncode == 0
    assert anne.reads("Gymnase plein")["reply_to"] in (first["id"], None)
    town.post("Digue surveillée", "--area", "Les Tanneries", "--severity", "Severe")
    paul.reads("Digue surveillée")
    assert town.tocsin("cancel", alert["alert"]).returncode == 0
    town.until(lambda: len(anne.alerts()) == 3)
    assert not [each for each in anne.messages() if "Digue" in each["text"]]
    assert not [each for each in paul.messages() if "Gymnase" in each["text"]]

    done = town.tocsin("subscribers", "export")
    exported = [json.loads(line) for line in done.stdout.splitlines()]
    assert {each["chat"] for each in exported} == {CHAT, OTHER}

    anne.say("/mydata")
    assert str(CHAT) in anne.reads("tout ce qui est conservé")["text"]
    anne.say("/test")
    anne.reads("TEST", "fonctionne")
    anne.say("Je m’appelle Géraldine Secrète, 06 12 34 56 78")
    anne.reads("que des commandes")
    anne.say("/forget")
    anne.press("Oui, tout effacer")
    anne.reads("est effacé")
    assert rows_with(town, str(CHAT)) == []

    paul.block()
    town.until(lambda: rows_with(town, str(OTHER)) == [])
    assert [row for words in PERSONAL for row in rows_with(town, words)] == []
    town.daemon.send(signal.SIGTERM)
    town.daemon.wait_for("tocsin.stopping")
    log = "\n".join(town.daemon.lines)
    assert not [words for words in (str(CHAT), str(OTHER), *PERSONAL) if words in log]
    assert '"level": "debug"' in log


def test_the_town_s_page_names_the_bot_as_soon_as_it_is_known(bot):
    bot.until(lambda: "https://t.me/tocsin_sandbox_bot" in front_page(bot))


@pytest.mark.release
def test_stop_holds_alerts_back_and_start_goes_on_with_the_choices(bot):
    anne = Person(bot, CHAT)
    subscribe(anne)
    anne.say("/settings")
    anne.press("Heures calmes")
    anne.press("Pas d’heures calmes")
    anne.reads("Vos choix", "aucune")
    anne.say("/stop")
    anne.reads("ne recevrez plus")

    bot.post("Gymnase ouvert", "--severity", "Severe")
    bot.until(lambda: [each for each in bot.timelines()["telegram"] if each["channel"].startswith("@")])
    anne.say("/start")
    anne.reads("arrivent de nouveau ici", "aucune")
    assert not anne.alerts()
    anne.press_data("s:Extreme", 1)
    anne.reads("extrême seulement")
    anne.press_data("an old button", 1)
    anne.press_data("d+:0000000000:99999999999", 1)
    bot.until(lambda: [each for each in bot.ask("/sandbox/telegram/toasts.json") if "plus valable" in each["text"]])


@pytest.mark.release
def test_a_group_subscribes_when_an_administrator_says_so_and_follows_its_move(bot):
    group = -4_000_111
    member, admin = Person(bot, 801, group=group), Person(bot, 802, group=group)
    bot.ask("/sandbox/telegram/readers", {"chat": str(group), "admin": "802"})

    member.say("/start@tocsin_sandbox_bot")
    admin.say("/start")
    admin.say("/start@another_bot")
    admin.say("/start@tocsin_sandbox_bot")
    admin.press("Toute la commune")
    member.press("Tout")
    bot.until(
        lambda: [each for each in bot.ask("/sandbox/telegram/toasts.json") if "Administrators only" in each["text"]]
    )
    admin.press("Tout")
    admin.press("Tout, même mineur")
    admin.reads("abonnement enregistré")
    assert len(admin.messages()) == 1

    admin.update({"message": {"message_id": 9, "chat": admin.who, "date": 1, "migrate_to_chat_id": -1_004_000_111}})
    bot.until(lambda: [row["chat"] for row in subscribers(bot)] == [-1_004_000_111])


def test_a_kill_handles_no_update_twice_and_loses_none(bot):
    anne = Person(bot, CHAT)
    subscribe(anne)
    bot.daemon.stop(signal.SIGKILL)
    anne.say("/settings")
    anne.press_data("q:off", 1)
    bot.start_daemon()
    anne.reads("Vos choix", "aucune")
    anne.say("/now")
    anne.reads("aucune alerte en cours")
    shown = [each for each in anne.messages() if "Vos choix" in each["text"]]
    assert len(shown) <= 2


def test_updates_are_brought_to_a_webhook_that_knows_its_secret(town):
    port = free_port()
    station = STATION.replace("https://alertes.saint-martin.example", f"http://127.0.0.1:{port}")
    town.configure(BOT + 'updates = "webhook"\n', station=station.replace("127.0.0.1:0", f"127.0.0.1:{port}"))
    town.start_daemon()
    anne = Person(town, CHAT)
    town.until(lambda: anne.update({"message": {"nothing": 1}}).get("status") == 200)

    anne.say("/start")
    anne.reads("service d’alerte")
    request = urllib.request.Request(f"http://127.0.0.1:{port}/telegram/telegram", data=b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=60)
    assert refused.value.code == 403
    refused.value.close()


def test_a_token_that_is_refused_is_told_and_nothing_stops(town):
    town.configure(BOT)
    town.environment["TELEGRAM_TOKEN"] = "1234567:another-token"
    daemon = town.start_daemon()
    daemon.wait_for("bot.not_listening")
    assert town.ask("/healthz", base=daemon.url) == {"status": "ok"}
