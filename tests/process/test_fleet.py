"""A county's story: three towns in one process, one broken, one added while it runs, one removed; then it is killed."""

from __future__ import annotations

import asyncio
import json
import signal
import urllib.error
import urllib.request
from datetime import UTC, datetime
from functools import partial

import pytest
from yarl import URL

from tests.unit.web.console.guarding import FIRST, Browser

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
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError:
        return None


def states(fleet):
    with urllib.request.urlopen(f"{fleet.url}/readyz", timeout=60) as answer:
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


class OperatorsPost:
    """The fleet of a real process, as the browser of `guarding` needs it."""

    def __init__(self, town, fleet) -> None:
        self._town, self._url = town, fleet.url
        self.server = self.clock = self

    def make_url(self, path):
        return URL(self._url).with_path(path)

    def now(self):
        return datetime.now(UTC)

    async def advance(self, _):
        """The time goes by itself."""

    async def add(self, name, role):
        folder = str(self._town.folder / "towns")
        command = ("user", "--stations", folder, "add", name, "--role", role, "--password-stdin")
        done = await asyncio.to_thread(partial(self._town.tocsin, *command, stdin=f"{FIRST}\n"))
        assert done.returncode == 0, done.stderr


async def send_to_all(post):
    """An operator signs in, writes an Extreme alert once, looks at what would come of it, and sends it."""
    browser, draft = Browser(post), "d" * 20
    fields = {
        "draft": draft,
        "revision": "1",
        "headline": "Rupture du barrage",
        "instruction": "Montez sur la colline.",
    }
    fields |= {"severity": "Extreme", "urgency": "Immediate", "span": "6h", "place": "Vallée", "do": "publish"}
    try:
        await browser.settle("Marie", "operator")
        csrf = (await browser.get("/desk/account")).tree.xpath("//input[@name='csrf']/@value")[0]
        choosing = await browser.post("/desk/compose", fields | {"csrf": csrf})
        looked_at = await browser.follow(await browser.post(choosing.location, {"all": "1", "csrf": csrf}))
        [action] = [each.get("action") for each in looked_at.tree.forms if each.get("action", "").endswith("/send")]
        # Twice, as by a nervous finger.
        sent = [await browser.post(action, {"csrf": csrf}) for _ in range(2)]
        return looked_at.said, {each.location for each in sent}
    finally:
        await browser.client.close()


def test_one_extreme_alert_goes_out_in_all_three_towns(town):
    for name in HOSTS:
        write_town(town, name)
    fleet = start_fleet(town)

    said, addresses = asyncio.run(send_to_all(OperatorsPost(town, fleet)))

    assert "Send “Rupture du barrage” to 3 towns" in said
    assert len(addresses) == 1
    town.until(lambda: told(town, "Rupture du barrage") == len(HOSTS))
    for name in HOSTS:
        town.until(lambda name=name: "Rupture du barrage" in page(fleet, name))
    assert fleet.stop(signal.SIGTERM) == 0
    assert told(town, "Rupture du barrage") == len(HOSTS)
