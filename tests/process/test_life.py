"""The daemon's own life: start, feeds, stop, start again."""

from __future__ import annotations

import json
import re
import signal
import urllib.error
from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.process
CALENDAR = """
[sources.travaux]
kind = "ical"
url = "travaux.ics"
every = "1s"
"""
BEGINS = datetime.now(UTC) + timedelta(hours=2)
"""The same for all, also where an hour passes meanwhile."""


def calendar(summary: str) -> str:
    """Works that begin in two hours: a first reading announces nothing that began before it."""
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Saint-Martin//Travaux//FR", "BEGIN:VEVENT",
        "UID:travaux-1@saint-martin.example", "DTSTAMP:20260101T000000Z", f"DTSTART:{BEGINS:%Y%m%dT%H0000Z}",
        "DTEND:20991231T180000Z", f"SUMMARY:{summary}", "LOCATION:Rue Basse", "END:VEVENT", "END:VCALENDAR", "",
    ]  # fmt: skip
    return "\r\n".join(lines)


def test_a_calendar_that_changes_is_told_and_nothing_is_told_again_after_a_restart(town):
    town.configure(sources=CALENDAR)
    (town.folder / "travaux.ics").write_text(calendar("Rue Basse fermée"), encoding="utf-8")
    daemon = town.start_daemon()
    town.until(lambda: all(len(posts) == 1 for posts in town.timelines().values()))

    assert daemon.stop(signal.SIGTERM) == 0
    town.start_daemon()
    (town.folder / "travaux.ics").write_text(calendar("Rue Basse et rue Haute fermées"), encoding="utf-8")
    town.until(lambda: len(town.timelines()["telegram"]) == 2)

    second = sorted(town.timelines()["telegram"], key=lambda post: post["created_at"])[1]
    assert "rue Haute" in second["text"]
    assert second["reply_to"], "a change is told as an answer to the first post"


def test_it_answers_for_itself_over_http(town):
    town.configure(sources=CALENDAR)
    (town.folder / "travaux.ics").write_text(calendar("Rue Basse fermée"), encoding="utf-8")
    daemon = town.start_daemon()

    assert town.ask("/healthz", base=daemon.url) == {"status": "ok"}

    def ready():
        try:
            return town.ask("/readyz", base=daemon.url)
        except urllib.error.HTTPError as error:
            standing = json.loads(error.read())["standing"]
            return None if (error.code, standing) == (503, ["source travaux"]) else {"cycles": standing}

    cycles = town.until(ready)["cycles"]
    own = {name for name in cycles if not name.startswith("task ")}
    assert own == {"lane x", "lane page", "lane telegram", "source travaux", "watch", "pages", "store", "leases"}
    assert {"task pruning", "task lifecycle"} < set(cycles)
    town.until(lambda: len(town.timelines()["telegram"]) == 1)
    town.until(lambda: b'tocsin_posts{channel="x",state="sent"} 1.0' in _text(daemon.url + "/metrics"))


def _text(url: str) -> bytes:
    import urllib.request

    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


def test_a_feed_that_is_down_is_told_in_status_and_nobody_else_minds(town):
    sources = CALENDAR + '\n[sources.meteo]\nkind = "cap"\nurl = "http://127.0.0.1:9/atom"\nevery = "1s"\n'
    town.configure(sources=sources)
    (town.folder / "travaux.ics").write_text(calendar("Rue Basse fermée"), encoding="utf-8")
    town.start_daemon()
    town.until(lambda: len(town.timelines()["twitter"]) == 1)

    def failing():
        found = [each for each in town.objects("status") if each.get("source") == "meteo" and "state" in each]
        return found[0] if found and found[0]["state"] == "failing" else None

    assert "127.0.0.1:9" in town.until(failing)["reason"]


def test_sigterm_finishes_what_is_under_way(town):
    town.configure()
    daemon = town.start_daemon()
    town.fault("twitter", "latency", seconds=2, route="POST .*tweets")
    town.post("Stade fermé")
    town.until(lambda: town.objects("status")[0]["posts"][0]["state"] == "sending")

    assert daemon.stop(signal.SIGTERM) == 0

    assert town.objects("status")[0]["posts"][0]["state"] == "sent"


def test_the_demo_delivers_three_alerts_on_three_platforms_and_exits_0(town):
    done = town.tocsin("demo", "--once", "--folder", str(town.folder / "demo"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All is delivered: 3 alerts on 3 channels, and what is Severe to a subscriber." in done.stdout
    assert re.findall(r"^ *bot +tells +(.+)\n +somebody who subscribed", done.stdout, re.MULTILINE) == [
        "Vigilance orange – Orages violents attendus en Isère"
    ]
    assert set(re.findall(r"https://t\.me/saintmartin_alertes/(\d)", done.stdout)) == set("12345"), "and a poll"
    assert "3 people ask: L'eau du robinet est-elle potable ?" in done.stdout
    assert len(re.findall(r"^ *page +answer ", done.stdout, re.MULTILINE)) == 4, "a comment, and a reply to each"
    assert "Ouvrir la halle aussi le dimanche ? Oui 12, Non 5" in done.stdout
    draft = re.search(r"^ *reports +draft +5 people report flooding: (.+)", done.stdout, re.MULTILINE)
    assert draft
    assert re.search(rf"^ *telegram +publish .*{re.escape(draft[1][:40])}", done.stdout, re.MULTILINE), done.stdout
    assert done.stdout.index("it waits, on no channel") < done.stdout.rindex("publish")
    page = re.search(r"the town's own page\s+(http://\S+)/", done.stdout)
    assert page
    assert f'public_url = "{page[1]}"' in (town.folder / "demo" / "channels.toml").read_text(encoding="utf-8")
