"""A county's story: three towns in one process, one broken, one added while it runs, one removed; then it is killed."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request

import pytest

pytestmark = pytest.mark.process
TOKEN = "1234567:sandbox-telegram-token"
HOSTS = {name: f"alertes.{name}.example" for name in ("crolles", "meylan", "voreppe")}


def write_town(town, name, sandbox=None):
    folder = town.folder / "towns" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "token").write_text(TOKEN)
    (folder / "channels.toml").write_text(
        f"""
[station]
name = "Ville de {name}"
sender = "alertes@{name}.example"
public_url = "https://{HOSTS[name]}"

[channels.telegram]
kind = "telegram"
api_url = "{sandbox or town.sandbox}"
chat = "@saintmartin_alertes"
token = {{ file = "token" }}
"""
    )
    return folder / "channels.toml"


def start_fleet(town):
    (town.folder / "towns/fleet.toml").write_text('[web]\nlisten = "127.0.0.1:0"\n')
    fleet = town.start("run", "--stations", str(town.folder / "towns"))
    fleet.url = fleet.wait_for(r'"url": "(http://[^"]+)", "event": "web.listening"')[1]
    fleet.wait_for("fleet.running")
    return fleet


def page(fleet, name):
    """The town's public page, asked by its host name; None where no town has it."""
    request = urllib.request.Request(f"{fleet.url}/", headers={"Host": HOSTS[name]})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError:
        return None


def states(fleet):
    with urllib.request.urlopen(f"{fleet.url}/readyz", timeout=10) as answer:
        return {name: each["state"] for name, each in json.load(answer)["towns"].items()}


def post(town, file, headline):
    done = town.tocsin("--config", str(file), "post", "--headline", headline, "--wait", "--json")
    assert done.returncode == 0, done.stderr


def told(town, words):
    return sum(words in each["text"] for each in town.timelines()["telegram"])


def test_towns_come_and_go_in_one_process_and_each_speaks_for_itself(town):
    crolles, meylan = write_town(town, "crolles"), write_town(town, "meylan", sandbox="no-address")
    fleet = start_fleet(town)
    assert states(fleet) == {"crolles": "running", "meylan": "refused"}

    post(town, crolles, "Digue surveillée")
    assert told(town, "Digue surveillée") == 1
    town.until(lambda: "Digue surveillée" in page(fleet, "crolles"))
    assert page(fleet, "meylan") is None

    # The broken one is mended, and one is added, without a restart of the others.
    write_town(town, "meylan")
    write_town(town, "voreppe")
    fleet.send(signal.SIGHUP)
    town.until(lambda: states(fleet) == dict.fromkeys(HOSTS, "running"))
    post(town, meylan, "Rue barrée")
    assert told(town, "Rue barrée") == 1
    assert "Rue barrée" not in page(fleet, "crolles")

    crolles.unlink()
    fleet.send(signal.SIGHUP)
    town.until(lambda: states(fleet) == {"meylan": "running", "voreppe": "running"})
    assert page(fleet, "crolles") is None
    assert "Ville de meylan" in page(fleet, "meylan")

    assert fleet.stop(signal.SIGTERM) == 0
