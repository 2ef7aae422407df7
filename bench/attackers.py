"""Strangers who attack a daemon of the bench, each a process of its own: `python -m bench.attackers NAME {JSON}`.

Each attacks loopback alone, at a pace that leaves the machine's cores to others: what is measured is how the daemon
holds up, not who wins the processor. It says `ready` once the attack goes on, and ends with its standard input.
"""

from __future__ import annotations

import contextlib
import gzip
import hmac
import http.client
import itertools
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from bench.hostile import endless_feed, filled_photo, secondly_zone, tall_png
from bench.reported import crowds
from bench.signups import browsers, endpoints, letters
from bench.strangers import (
    A_YEAR,
    air,
    answers,
    broker,
    calm_map,
    flood,
    hostile_map,
    mailbox,
    replies,
    site,
    transit,
    works,
)

Given = Mapping[str, str]
ACCOUNTS = ("/api/v1/", "/api/v2/", "/xrpc/", "/_matrix/")
"""Where the servers of Mastodon, Bluesky and Matrix answer."""
SOURCES: Mapping[str, tuple[str, Callable[[int | None], bytes]]] = {
    "/territoire/rss": ("editions", flood),
    "/air/": ("editions", air),
    "/transit": ("transit", transit),
    "/roads": ("roads", works),
}
"""Where other sources answer, the mode in which they are hostile, and how."""
APP_SECRET = "sandbox-app-secret"
SAID = (
    "Merci beaucoup",
    "L’eau est-elle potable ?",
    "On peut boire l’eau du robinet ?",
    "C’est jusqu’à quand ?",
    "Ma grand-mère est bloquée rue Haute",
    "Bravo la mairie…",
    "Il paraît que le barrage a cédé",
    "bjr, il y a école demain ?",
)
"""What people say, each time with another number behind it."""
MARKS = "é" + "\u0301\u0323" * 120_000
"""480 kB: to put these in order is quadratic (Unicode, annex 15)."""
SIGNING_IN = 45
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


def main() -> None:
    """Attack until standard input ends."""
    name, given = sys.argv[1], json.loads(sys.argv[2])
    threading.Thread(target=ATTACKS[name], args=(given,), daemon=True).start()
    sys.stdin.read()
    os._exit(0)


def _paced(a_second: float) -> Iterator[int]:
    """Count up, so many times a second; what was missed isn't made up for."""
    for number in itertools.count():
        began = time.monotonic()
        yield number
        if number == 0:
            print("ready", flush=True)
        time.sleep(max(1 / a_second - (time.monotonic() - began), 0))


def _ask(
    given: Given,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Given | None = None,
    *,
    network: int | None = None,
) -> None:
    """One request on a connection of its own; that it is refused, or isn't answered, is no matter."""
    own = None if network is None else (f"127.{network // 250 % 50 + 10}.{network % 250}.1", 0)
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(urlsplit(given["url"]).netloc, timeout=20, source_address=own)
        connection.request(method, path, body, dict(headers or {}))
        connection.getresponse().read()
        connection.close()


def names(given: Given) -> None:
    """Sign in under a name of combining marks."""
    body = b"name=" + quote(MARKS).encode()[:1_000_000] + b"&password=x"
    for _ in _paced(10):
        _ask(given, "POST", "/desk/sign-in", body, FORM)


def nobody(given: Given) -> None:
    """Sign in 45 times a second, each time as somebody else who isn't there, from 200 networks."""

    def some(first: int) -> None:
        for number in _paced(1):
            who = first + SIGNING_IN * number
            body = urlencode({"name": f"nobody {who}", "password": "not the right one"}).encode()
            _ask(given, "POST", "/desk/sign-in", body, FORM, network=who % 200)

    for first in range(1, SIGNING_IN):
        threading.Thread(target=some, args=(first,), daemon=True).start()
    some(0)


def forms(given: Given) -> None:
    """Forms of a megabyte, with a hundred thousand fields."""
    body = "&".join(f"f{number}=1" for number in range(100_000)).encode()
    for _ in _paced(5):
        _ask(given, "POST", "/desk/sign-in", body, FORM)


def half_open(given: Given) -> None:
    """Requests that never end, a hundred more a second, 3,000 at once, from four addresses."""
    sockets: list[socket.socket] = []
    for number in _paced(100):
        with contextlib.suppress(OSError):
            each = _connected(given, number % 4)
            each.sendall(b"GET / HTTP/1.1\r\nHost: town\r\nX-Slow: ")
            sockets.append(each)
        if len(sockets) > 3000:
            sockets.pop(0).close()


def streams(given: Given) -> None:
    """Two thousand streams of events from eight addresses, opened before, and again where one is closed."""
    sockets: list[socket.socket] = []
    for number in range(2000):
        with contextlib.suppress(OSError):
            each = _connected(given, number % 8)
            each.sendall(b"GET /events HTTP/1.1\r\nHost: town\r\nAccept: text/event-stream\r\n\r\n")
            sockets.append(each)
        time.sleep(0.001)
    time.sleep(1)
    print("ready", flush=True)
    while True:
        time.sleep(60)


def map_crowd(given: Given) -> None:
    """Twelve hundred at once, from eight addresses, who ask for a megabyte of the map and read nothing; each 5 s."""
    for _ in _paced(0.2):
        sockets: list[socket.socket] = []
        for number in range(1200):
            first = number * 1000
            asked = f"GET /streets.pmtiles HTTP/1.1\r\nHost: town\r\nRange: bytes={first}-{first + 1_048_575}\r\n\r\n"
            with contextlib.suppress(OSError):
                sockets.append(_connected(given, number % 8))
                sockets[-1].sendall(asked.encode())
        time.sleep(4)
        for each in sockets:
            each.close()


def _connected(given: Given, number: int) -> socket.socket:
    where = urlsplit(given["url"])
    return socket.create_connection((where.hostname, where.port), 2, source_address=(f"127.0.3.{number + 1}", 0))


def search(given: Given) -> None:
    """Search among all alerts for what stands in none, each time in other words."""
    for number in _paced(20):
        _ask(
            given,
            "GET",
            f"/desk/alerts?words={quote(f'verglas nulle-part {number}')}",
            None,
            {"Cookie": given["cookie"]},
        )


def metrics(given: Given) -> None:
    """Scrape the metrics."""
    for _ in _paced(5):
        _ask(given, "GET", "/metrics")


def bot(given: Given) -> None:
    """A hundred messages a second to the bot, of as many people."""
    for number in _paced(100):
        user = {"id": 7_000_000 + number, "is_bot": False, "first_name": "A", "language_code": "fr"}
        chat = {"id": user["id"], "type": "private", "first_name": "A"}
        message = {"message_id": number + 1, "from": user, "chat": chat, "date": 1, "text": "/start"}
        body = json.dumps({"update": {"message": message}}).encode()
        _ask({"url": given["sandbox"]}, "POST", "/sandbox/telegram/updates", body, {"Content-Type": "application/json"})


def api(given: Given) -> None:
    """Alerts from programs: a hundred a second under a wrong token, ten under a good one."""
    draft = {"severity": "Minor", "category": "Met", "expires": "1h", "description": "x" * 2000}
    for number in _paced(100):
        token = given["token"] if number % 10 == 0 else f"wrong-{number}"
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        _ask(given, "POST", "/api/v1/alerts", json.dumps({"headline": f"Averse {number}", **draft}).encode(), headers)


def preambles(given: Given) -> None:
    """Four forms that begin with empty lines and never with their boundary, each at half a megabyte a second."""
    head = b"POST /report HTTP/1.1\r\nHost: town\r\nTransfer-Encoding: chunked\r\n"
    head += b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    lines = b"c350\r\n" + b"\n" * 50_000 + b"\r\n"
    sockets: list[socket.socket | None] = [None] * 4
    for number in _paced(40):
        at = number % len(sockets)
        try:
            each = sockets[at] or _connected(given, at)
            each.sendall(lines if sockets[at] else head)
            sockets[at] = each
        except OSError:
            sockets[at] = None


def misspelt(given: Given) -> None:
    """Fifteen reports a second at addresses of ten made-up words, each of a network of its own."""
    for number in _paced(15):
        words = " ".join(f"{'bcdfg'[each % 5]}ra{'lmnrs'[number % 5]}ole{number % 97}x{each}" for each in range(10))
        body = urlencode({"kind": "road", "address": f"rue {words}", "key": f"{number}"}).encode()
        _ask(given, "POST", "/report", body, FORM, network=number)


def unproven(given: Given) -> None:
    """Ten reports a second without a form's seal or a proof of work, at ten places, of 250 networks."""
    for number in _paced(10):
        place = {"lat": f"{45.19 + number % 10 / 50:.6f}", "lon": "5.71", "kind": "flooding", "key": f"{number}"}
        _ask(given, "POST", "/report", urlencode(place).encode(), FORM, network=number % 250)


def photos(given: Given) -> None:
    """Two uploads a second of a "photo" that is 80 kB of fill bytes."""
    for number in _paced(2):
        _upload(given, number, filled_photo(80_000))


def tall_photos(given: Given) -> None:
    """Two uploads a second of a photo that is one pixel wide and 12.9 million high."""
    photo = tall_png(1, 12_900_000)
    for number in _paced(2):
        _upload(given, number, photo)


def _upload(given: Given, number: int, photo: bytes) -> None:
    fields = {"kind": "lighting", "lat": "45.19", "lon": "5.71", "key": f"{number}"}
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{said}\r\n' for name, said in fields.items()]
    head = '--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\nContent-Type: image/jpeg\r\n\r\n'
    body = "".join([*parts, head]).encode() + photo + b"\r\n--x--\r\n"
    form = {"Content-Type": "multipart/form-data; boundary=x", "Sec-Fetch-Site": "same-origin"}
    _ask(given, "POST", "/report", body, form, network=number % 250)


def half_hooks(given: Given) -> None:
    """Eighteen deliveries of one byte that end nowhere, anew when they are closed, and twice a second a whole one."""
    head = b"POST /hook/facebook/page HTTP/1.1\r\nHost: town\r\nContent-Length: 1000\r\nX-Hub-Signature-256: "
    sockets: list[socket.socket | None] = [None] * 18
    for number in _paced(20):
        at = number % (len(sockets) + 2)
        if at >= len(sockets):
            _comment(given, number)
        else:
            sockets[at] = _half_sent(given, sockets[at], at, head)


def _half_sent(given: Given, connection: socket.socket | None, at: int, head: bytes) -> socket.socket | None:
    """The connection, where it is still open, or another one; every other signature is none that can be."""
    try:
        if connection is None:
            connection = _connected(given, at % 8)
            connection.sendall(head + (b"sha256=" + b"0" * 64 if at % 2 else b"x") + b"\r\n\r\n{")
            connection.settimeout(0.001)
        return connection if connection.recv(4096) else None
    except TimeoutError:
        return connection
    except OSError:
        return None


def people(given: Given) -> None:
    """Two thousand comments in five minutes, as Facebook's webhook brings them: thanks, questions, calls for help."""
    for number in _paced(2000 / 300):
        _comment(given, number)


def _comment(given: Given, number: int) -> None:
    """Deliver one, signed."""
    said = {
        "item": "comment",
        "verb": "add",
        "comment_id": f"1_{number}",
        "post_id": "1234567890_1",
        "parent_id": "1234567890_1",
        "from": {"id": str(9_000_000 + number), "name": "A"},
        "created_time": int(time.time()),
        "message": f"{SAID[number % len(SAID)]} {number}",
    }
    entry = {"id": "1234567890", "time": int(time.time()), "changes": [{"field": "feed", "value": said}]}
    body = json.dumps({"object": "page", "entry": [entry]}).encode()
    digest = hmac.new(APP_SECRET.encode(), body, "sha256").hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"}
    _ask(given, "POST", "/hook/facebook/page", body, headers)


def outside(given: Given) -> None:
    """What others answer (feeds, a calendar, a receiver): harmless until the file `mode` says what it is."""
    mode, count = Path(given["mode"]), itertools.count()
    made = {name: make() for name, make in HOSTILE.items()}
    # What is calm says the same each time.
    made["calm map"] = calm_map()
    bomb = gzip.compress(bytes(10_000_000), 1) * 100

    class Server(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            packs = "gzip" if self.path == "/index" else ""
            self._say(
                lambda now, number: _document(self.path, self.headers["Host"], now, number, made),
                "application/xml",
                packs,
            )

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._say(lambda now, number: _taken(self.path, number, now), "application/json", "webhook")

        def do_PUT(self) -> None:
            self.do_POST()

        def do_DELETE(self) -> None:
            self.do_POST()

        def _say(self, said: Callable[[str, int], bytes], kind: str, packs: str) -> None:
            now, number = mode.read_text(), next(count)
            if now == "answers":
                _tire(self, number)
            else:
                _answer(self, bomb if now == packs else said(now, number), kind, packed=now == packs)

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Who hangs up in the middle of a bomb is right to."""

    server = Quiet(("127.0.0.1", 0), Server)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


TAKEN = {
    "id": "1",
    "uri": "at://did:plc:town/app.bsky.feed.post/1",
    "event_id": "$1",
    "data": {"id": "1", "username": "town"},
    "ok": True,
    "result": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "channel"}},
    "did": "did:plc:town",
    "accessJwt": "a",
    "refreshJwt": "b",
    "status_code": "FINISHED",
    "records": 9,
    "totalCreditsRemoved": 9,
}
"""What each platform says, in the others' words too, of whatever it is told."""


def _taken(path: str, number: int, mode: str) -> bytes:
    """What a server says of a sign-in or a post, but for a room's in a storm: so it is looked for among all there."""
    if mode == "replies" and path.startswith("/_matrix/"):
        return b""
    own = {"id": f"{number}", "uri": f"at://did:plc:town/app.bsky.feed.post/{number}", "event_id": f"${number}"}
    return json.dumps({**TAKEN, **own, "token": "t"}).encode()


def _answer(handler: BaseHTTPRequestHandler, body: bytes, kind: str, *, packed: bool) -> None:
    with contextlib.suppress(OSError):
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        if packed:
            handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()
        handler.wfile.write(body)


def _tire(handler: BaseHTTPRequestHandler, number: int) -> None:
    """Answer as hostile platforms do, each time in another way."""
    told = A_YEAR if number % 100 == 99 else answers()[number % len(answers())]
    step = 1 if told.pause else len(told.body)
    with contextlib.suppress(OSError):
        handler.send_response(told.status)
        for name, value in {**told.headers, "Content-Length": str(len(told.body) + told.more)}.items():
            handler.send_header(name, value)
        handler.end_headers()
        for at in range(0, len(told.body), step):
            handler.wfile.write(told.body[at : at + step])
            time.sleep(told.pause)
    handler.close_connection = handler.close_connection or bool(told.more)


def _document(path: str, host: str, mode: str, number: int, made: Mapping[str, bytes]) -> bytes:
    """What the feed or the calendar says in a mode: each time something new, where it is hostile."""
    if path == "/works.ics":
        zone = secondly_zone().replace(b"UID:1", f"UID:{number}".encode())
        return zone if mode == "zones" else _works(number if mode == "calendar" else None)
    if path == "/rss":
        return endless_feed(number) if mode == "endless" else site(number if mode == "rss" else None)
    if path.endswith("/cartevigilance/encours"):
        return hostile_map(number) if mode == "vigilance" else made["calm map"]
    for start, (when, said) in SOURCES.items():
        if path.startswith(start):
            return said(number if mode == when else None)
    if path.startswith("/platform/"):
        return json.dumps(TAKEN).encode()
    if path.startswith(ACCOUNTS):
        return replies(path, number if mode == "replies" else None)
    if "/message" in path and mode in made:
        return made[mode].replace(b"urn:bench", f"urn:bench:{path}".encode())
    return _index(host, number if mode in HOSTILE else None).encode()


def _index(host: str, number: int | None) -> str:
    """An index of nothing, or of one message that is new at each look."""
    entry = f"""<entry><id>urn:{number}</id><title>t</title><updated>2026-11-25T12:00:00Z</updated>
        <link type="application/cap+xml" href="http://{host}/message/{number}"/></entry>"""
    inside = entry if number is not None else ""
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:f</id><title>f</title>{inside}</feed>'


def _works(number: int | None) -> bytes:
    """A calendar of nothing, or of rules that are never met, more than can be followed; new at each look."""
    rules = (
        "DAILY;BYDAY=MO;BYSETPOS=300",
        "MONTHLY;BYMONTH=2;BYMONTHDAY=29;BYSETPOS=2",
        "YEARLY;BYYEARDAY=366;BYMONTH=1",
    )
    events = [
        f"BEGIN:VEVENT\r\nUID:{number}-{each}\r\nSUMMARY:x\r\nDTSTART:18000101T080000Z\r\n"
        f"RRULE:FREQ={rules[each % len(rules)]}\r\nEND:VEVENT\r\n"
        for each in range(1000 if number is not None else 0)
    ]
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(events)}END:VCALENDAR\r\n".encode()


def _message(event: str = "Vent violent", polygon: str = "") -> bytes:
    area = f"<polygon>{polygon}</polygon>" if polygon else ""
    now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    later = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() + 6 * 3600))
    return f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
<identifier>urn:bench</identifier><sender>m@x.example</sender><sent>{now}</sent>
<status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
<info><language>fr-FR</language><category>Met</category><event>{event}</event>
<urgency>Expected</urgency><severity>Severe</severity><certainty>Likely</certainty><expires>{later}</expires>
<headline>{event} urn:bench</headline><area><areaDesc>Ici</areaDesc>{area}</area></info></alert>""".encode()


def _outline() -> str:
    points = [f"{45 + (number % 977) / 1e4:.5f},{5 + number / 3e5:.6f}" for number in range(300_000)]
    return " ".join([*points, points[0]])


HOSTILE: Mapping[str, Callable[[], bytes]] = {
    "marks": lambda: _message("e" + "\u0301\u0323" * 100_000),
    "polygon": lambda: _message(polygon=_outline()),
    "template": lambda: _message("Piège"),
}
"""What the feed says in each mode."""
ATTACKS: Mapping[str, Callable[[Given], None]] = {
    each.__name__: each
    for each in (
        names,
        nobody,
        forms,
        half_open,
        streams,
        map_crowd,
        search,
        metrics,
        bot,
        api,
        preambles,
        misspelt,
        unproven,
        photos,
        tall_photos,
        half_hooks,
        people,
        crowds,
        browsers,
        endpoints,
        letters,
        outside,
        broker,
        mailbox,
    )
}

if __name__ == "__main__":
    main()
