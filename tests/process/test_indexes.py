"""Real indexes, served over HTTP with their messages: each taken in or left out with its reason, none twice."""

from __future__ import annotations

import re
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote, urlsplit

import pytest

from alerts.model.alert import Alert, Area, Category, Info, Severity, Urgency
from alerts.model.cap import write
from campaign.feed import Loopback
from tests.release import at_release
from tests.samples import SHARED, shared

pytestmark = pytest.mark.process
SOURCE = """
[sources.feed]
kind = "cap"
url = "{url}"
every = "1s"
area = "any"
"""
INDEXES = ["ny-rss-index.rss", "us-atom-embedded.atom", "us-nws-empty.atom", "us-nws-index.atom",
           "meteoalarm-api-ba.json", "meteoalarm-api-nl.json"]  # fmt: skip
TRIED = ["us-nws-index.atom", "meteoalarm-api-ba.json"]
LINK = re.compile(rb"http://www\.(?:weather|nyalert)\.gov/([\w./-]+\?[\w.=&;-]+)")


def message_for(link: str) -> bytes:
    """The message behind a link of an index whose own messages are long gone: on now, and named after the link."""
    name = re.sub(r"[\s,<&]", "-", link.rsplit("=", 1)[1])
    info = Info(
        event="Road closure", categories=(Category.TRANSPORT,), severity=Severity.MODERATE, urgency=Urgency.EXPECTED,
        headline=f"Message {name}", instruction="Take another way.", expires=datetime.now(UTC) + timedelta(hours=3),
        areas=(Area(f"Place {name}"),),
    )  # fmt: skip
    sent = datetime.now(UTC).replace(microsecond=0)
    return write(Alert(identifier=name, sender="feed@served.example", sent=sent, infos=(info,)))


class Served:
    """An index with its messages, on a port of this machine; counts what is asked."""

    def __init__(self, body: bytes, content_type: str) -> None:
        self.asked: Counter[str] = Counter()
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                served.asked[self.path] += 1
                is_index = urlsplit(self.path).path == "/index"
                answer = served.body if is_index else message_for(unquote(self.path.lstrip("/")))
                self.send_response(200)
                self.send_header("Content-Type", content_type if is_index else "application/cap+xml")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        self._server = Loopback(Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/index"
        own = self.url.rsplit("/", 1)[0].encode()
        self.body = LINK.sub(lambda match: own + b"/" + match[1], body)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def filed(town) -> list[dict]:
    return [each for each in town.objects("status", "--all") if "alert" in each]


def entries_of(name: str, body: bytes) -> int:
    """How many entries the index holds, counted as text."""
    mark = b'"uuid"' if name.endswith(".json") else b"<item>" if name.endswith(".rss") else b"<entry>"
    return body.count(mark)


@pytest.mark.parametrize("name", [*TRIED, *at_release(name for name in INDEXES if name not in TRIED)])
def test_every_message_of_a_real_index_is_filed_once_with_its_reason(town, name):
    body = shared(f"feeds/index/{name}").read_bytes()
    served = Served(body, "application/json" if name.endswith(".json") else "application/xml")
    try:
        town.hurry = 0.5
        town.configure(sources=SOURCE.format(url=served.url))
        daemon = town.start_daemon()
        town.until(lambda: served.asked["/index"] >= 2)
        first = filed(town)

        assert len(first) == entries_of(name, body)
        for account in first:
            assert account["state"] == "accepted" or account["reason"], account

        daemon.stop()
        town.start_daemon()
        before = served.asked["/index"]
        town.until(lambda: served.asked["/index"] >= before + 2)
        again = filed(town)
        assert [account["alert"] for account in again] == [account["alert"] for account in first], "none again"
        messages = {path: count for path, count in served.asked.items() if path != "/index"}
        assert all(count == 1 for count in messages.values()), messages
        accepted = [account for account in again if account["state"] == "accepted"]
        town.until(lambda: len(town.timelines()["facebook"]) == len(accepted))
    finally:
        served.stop()


def test_the_indexes_here_are_all_that_there_are():
    if not SHARED.exists():
        pytest.skip("needs the real-world samples in ../shared/data, which this machine doesn't have")
    assert sorted(path.name for path in (SHARED / "feeds/index").iterdir()) == sorted(INDEXES)
