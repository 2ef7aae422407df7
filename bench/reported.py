"""A crowd that reports: 10,000 reports of 400 networks in ten minutes, and how the desk and its drafts stand in it.

At ten places of the town thirty-six networks each tell of the same, which makes a draft alert there: as many as wait at
a time (`MOST_WAITING`). At ten others four networks each tell as often, which makes none: whoever has four networks may
send as much as they like. Nine thousand are sent as fast as they are taken, the rest at the pace of ten thousand in ten
minutes while it is measured.
"""

from __future__ import annotations

import http.client
import itertools
import json
import math
import threading
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from alerts.store.connection import opened
from tests.process.town import Town

AT_FIRST, IN_ALL, WITHIN = 9_000, 10_000, 600.0
CROWDS, IN_A_CROWD, FEW, IN_A_FEW = 10, 36, 10, 4
"""Places where many networks report, and how many of them; places where a few do."""
KIND = "road"
SENDERS, PROGRAMS = 8, 20
"""Connections that send at first, and programs with a token of their own that the reports come by."""
_SPACING = 2_000.0
"""Metres between two places: more than two clusters' radius."""
_METRES = 111_320.0
_MIDDLE = (45.19, 5.71)
Form = Mapping[str, object]


def networks() -> list[tuple[str, int]]:
    """Each network, and at which place it reports."""
    many = [(f"network {place}.{one}", place) for place in range(CROWDS) for one in range(IN_A_CROWD)]
    few = [(f"network {CROWDS + place}.{one}", CROWDS + place) for place in range(FEW) for one in range(IN_A_FEW)]
    return many + few


def places() -> list[tuple[float, float]]:
    """Each place, by latitude and longitude. The town has an address there, or they counted for nothing."""
    east = _SPACING / (_METRES * math.cos(math.radians(_MIDDLE[0])))
    rows = (divmod(place, 7) for place in range(CROWDS + FEW))
    return [(_MIDDLE[0] + row * _SPACING / _METRES, _MIDDLE[1] + column * east) for row, column in rows]


def forms() -> Iterator[Form]:
    """What is sent, without end: each network in turn, a few metres from the one before."""
    found = places()
    for number, (source, place) in zip(itertools.count(), itertools.cycle(networks())):
        lat, lon = found[place]
        lat += number % 60 / _METRES
        yield {"kind": KIND, "lat": lat, "lon": lon, "text": f"Chaussée effondrée {number}", "source": source}


def crowds(given: Mapping[str, str]) -> None:
    """Send them; what is refused is no matter."""
    filled, turn = forms(), threading.Lock()
    if given["filled"] == "no":
        threads = [
            threading.Thread(target=_send, args=(given, filled, turn, AT_FIRST // SENDERS)) for _ in range(SENDERS)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    print("ready", flush=True)
    while True:
        began = time.monotonic()
        _send(given, filled, turn, 1)
        time.sleep(max(0.0, WITHIN / IN_ALL - (time.monotonic() - began)))


def _send(given: Mapping[str, str], filled: Iterator[Form], turn: threading.Lock, many: int) -> None:
    connection = http.client.HTTPConnection(urlsplit(given["url"]).netloc, timeout=60)
    tokens = given["crowds"].split()
    for _ in range(many):
        with turn:
            wish = next(filled)
        token = tokens[hash(wish["source"]) % len(tokens)]
        headers, body = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}, json.dumps(wish)
        while not _is_taken(connection, body, headers):
            time.sleep(0.1)
    connection.close()


def _is_taken(connection: http.client.HTTPConnection, body: str, headers: Mapping[str, str]) -> bool:
    """Send it; False where it is to come again, as a program does that is paced."""
    try:
        connection.request("POST", "/api/v1/reports", body, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return False
    return answer.status not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


def page_seconds(given: Mapping[str, str], path: str = "/desk/reports") -> float:
    """How long an officer waits for a page of the desk."""
    connection = http.client.HTTPConnection(urlsplit(given["url"]).netloc, timeout=60)
    began = time.monotonic()
    connection.request("GET", path, None, {"Cookie": given["cookie"], "Accept": "text/html"})
    answer = connection.getresponse()
    answer.read()
    took = time.monotonic() - began
    connection.close()
    assert answer.status == 200, f"{path}: {answer.status}"
    return took


def hold_against(town: Town) -> str:
    """What came of the crowd, in words; fails where another draft was made than each crowd's one."""
    with opened(town.database) as db:
        kept = db.execute("SELECT count(*) FROM report").fetchone()[0]
        drafts = db.execute("SELECT count(*) FROM alert WHERE source = 'reports'").fetchone()[0]
        out = db.execute("SELECT count(*) FROM alert WHERE source = 'reports' AND state <> 'waiting'").fetchone()[0]
        places = db.execute(
            "SELECT count(DISTINCT round(lat, 2) || ' ' || round(lon, 2)) FROM report WHERE draft IS NOT NULL"
        ).fetchone()[0]
    assert (drafts, out, places) == (CROWDS, 0, CROWDS), (
        f"{drafts} drafts at {places} places, {out} out, {kept} reports"
    )
    return f"{kept} reports, {drafts} drafts"
