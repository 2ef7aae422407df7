"""Strangers who subscribe: a thousand browsers, real and made up, and other people's addresses by the thousand.

Each asks from a network of its own, of many: what one network may do is paced. Browsers are real ones of the sandbox,
every other one a made-up endpoint; once they are there each Extreme is pushed to the real ones as well. What became of
it is held against what is promised: of an address that nobody confirmed nothing is kept, and so many letters go to one
address, by one network and in all.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import secrets
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

from alerts.channels.push.bulk import REFUSED
from alerts.model.subscriber import PushEndpoint
from alerts.store.connection import opened
from alerts.web.public.email_signup import ALL_NETWORKS
from alerts.web.public.signup import A_DAY, A_NETWORK
from tests.mail_relay import Relay
from tests.process.town import Town

NETWORKS, CHANGES, ASKS = 100, 10_000, 1000
BROWSERS = 1000
"""Half of them made up."""
HONEST, REFUSING = 200, 80
"""Browsers under the town's key, and endpoints under another one."""
VICTIM = "maire@autre-commune.example"
_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
_STRANGE = (
    "https://evil.example/push/{number}",
    "https://127.0.0.1/{number}",
    "http://169.254.169.254/{number}",
    "{service}/wpush/unknown{number}",
)
Given = Mapping[str, str]


class Network:
    """One network's connection to the town, opened again where it was closed."""

    def __init__(self, given: Given, number: int) -> None:
        self.number = number
        where = urlsplit(given["url"]).netloc
        self._connection = http.client.HTTPConnection(where, timeout=60, source_address=(f"127.9.{number}.1", 0))

    def ask(self, method: str, path: str, body: bytes, headers: Given) -> tuple[int, bytes]:
        """What is answered; nothing where the connection was closed."""
        try:
            self._connection.request(method, path, body, dict(headers))
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return 0, b""


def browsers(given: Given) -> None:
    """A thousand subscriptions and ten thousand changes as fast as they are taken, then fifty of them a second."""
    networks = [Network(given, number) for number in range(NETWORKS)]
    if given["filled"] == "no":
        each = BROWSERS // 2 // NETWORKS
        subscribed = _made(given, BROWSERS // 2)
        with ThreadPoolExecutor(8) as threads:
            of = [subscribed[number * each : number * each + each] for number in range(NETWORKS)]
            list(threads.map(_subscribe_and_change, [given] * NETWORKS, networks, of))
    print("ready", flush=True)
    for number in itertools.count():
        began = time.monotonic()
        _one(given, networks[number % NETWORKS], number)
        time.sleep(max(1 / 50 - (time.monotonic() - began), 0))


def _one(given: Given, network: Network, number: int) -> None:
    if number % 10:
        _change(network, secrets.token_urlsafe(32))
    else:
        _subscribe(network, {"endpoint": _strange(given, number), "keys": {"p256dh": "x", "auth": "x"}})


def endpoints(given: Given) -> None:
    """Two hundred browsers, and eighty endpoints at the same service that refuse the town's key, first of all."""
    if given["filled"] == "no":
        towns = Network(given, 0).ask("GET", "/push/key", b"", {})[1]
        honest = _made(given, HONEST, key=json.loads(towns)["key"])
        refusing = _made(given, REFUSING * 4, key="of somebody else")
        # Whoever makes an endpoint up chooses its number too, by which the walk goes.
        refusing.sort(key=lambda each: PushEndpoint(str(each["endpoint"]), "", "").number)
        for number, each in enumerate((*refusing[:REFUSING], *honest)):
            _subscribe(Network(given, number % NETWORKS), each)
    print("ready", flush=True)
    threading.Event().wait()


def _made(given: Given, count: int, **more: str) -> list[dict[str, object]]:
    body = json.dumps({"count": count, **more}).encode()
    with urllib.request.urlopen(
        urllib.request.Request(f"{given['sandbox']}/sandbox/push/browsers", body, _JSON)
    ) as made:
        found: list[dict[str, object]] = json.load(made)
        return found


def _strange(given: Given, number: int) -> str:
    return _STRANGE[number % len(_STRANGE)].format(service=given["sandbox"], number=number)


def _subscribe_and_change(given: Given, network: Network, real: list[dict[str, object]]) -> None:
    tokens = []
    for place, each in enumerate(real):
        if token := _subscribe(network, each):
            tokens.append(token)
        # With a real browser's keys, so that all that is wrong is where it is.
        _subscribe(network, {**each, "endpoint": _strange(given, place + network.number)})
    for number in range(CHANGES // NETWORKS):
        _change(network, tokens[number % len(tokens)] if tokens and number % 2 else secrets.token_urlsafe(32))


def _subscribe(network: Network, browser: Mapping[str, object]) -> str | None:
    status, body = network.ask("POST", "/push/subscriptions", json.dumps(browser).encode(), _JSON)
    return str(json.loads(body)["token"]) if status == 201 else None


def _change(network: Network, token: str) -> None:
    body = json.dumps({"choices": {"severity": "Severe"}}).encode()
    network.ask("PUT", f"/push/subscriptions/{token}", body, _JSON)


def letters(given: Given) -> None:
    """A thousand sign-ups as fast as they are taken, then twenty a second: every third one is the same victim's."""
    networks = [Network(given, number) for number in range(NETWORKS)]
    if given["filled"] == "no":
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(_ask_some, networks))
    print("ready", flush=True)
    for number in itertools.count(ASKS):
        began = time.monotonic()
        _ask_for_letters(networks[number % NETWORKS], number)
        time.sleep(max(1 / 20 - (time.monotonic() - began), 0))


def _ask_some(network: Network) -> None:
    for number in range(ASKS // NETWORKS):
        _ask_for_letters(network, network.number * ASKS + number)


def _ask_for_letters(network: Network, number: int) -> None:
    local, _, domain = VICTIM.partition("@")
    victim = (VICTIM, VICTIM.upper(), f"{local}+{number}@{domain}")[number // 3 % 3]
    address = victim if number % 3 == 0 else f"n{network.number}-{number}@quais.example"
    body = urlencode({"email": address, "severity": "Minor", "quiet": ""}).encode()
    network.ask("POST", "/mail", body, _FORM)


def hold_pushed(town: Town) -> str:
    """How many browsers there are; fails where a made-up endpoint was kept that is nobody's."""
    with opened(town.database) as db:
        kept = [row[0] for row in db.execute("SELECT endpoint FROM subscriber WHERE channel = 'push'").fetchall()]
    strange = [each for each in kept if not json.loads(each)[0].startswith(town.sandbox)]
    assert not strange, strange[:3]
    return f"{len(kept)} browsers"


def check_sent(town: Town) -> str:
    """Of how many Extremes each honest browser was told; fails where one misses one, or where the key is blamed."""
    ended = f"SELECT incident FROM bulk WHERE channel = 'push' AND state = 'done' AND total = {HONEST + REFUSING}"
    with opened(town.database) as db:
        incidents = {row[0] for row in db.execute(ended)}
    with urllib.request.urlopen(f"{town.sandbox}/sandbox/push/messages.json") as answer:
        sent = Counter(each["notification"]["tag"] for each in json.load(answer))
    missed = {each: sent[each] for each in incidents if sent[each] < HONEST}
    assert incidents, "no Extreme was pushed to its end"
    assert not missed, f"of {HONEST} honest browsers so many were told: {missed}"
    with opened(town.database) as db:
        blamed = db.execute("SELECT value FROM fact WHERE key = ?", (REFUSED,)).fetchone()
    assert blamed is None or blamed[0] == "{}", "the town's key is blamed"
    return f"each of {HONEST} honest browsers told of {len(incidents)} Extremes"


def hold_written(town: Town, relay: Relay) -> str:
    """How many letters went out; fails where one address, a network or all of them had more than they may."""
    taken = [each.to[0] for each in relay.taken]
    networks = Counter(each.partition("-")[0] for each in taken if "-" in each.partition("@")[0])
    victim = sum(each.lower().partition("+")[0].partition("@")[0] == "maire" for each in taken)
    assert victim <= A_DAY, f"{victim} letters to one mailbox"
    assert max(networks.values(), default=0) <= A_NETWORK, networks.most_common(1)
    assert len(taken) <= ALL_NETWORKS, f"{len(taken)} letters"
    with opened(town.database) as db, contextlib.suppress(KeyError):
        kept = db.execute("SELECT count(*) FROM subscriber WHERE channel = 'lettre'").fetchone()[0]
        assert not kept, "nobody confirmed anything"
    return f"{len(taken)} letters, {victim} of them to one mailbox"
