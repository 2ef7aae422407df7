"""The works calendar with the real daemon: what it must not make public, repeat, or call off by accident."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from tests.process.test_watch import NOTIFY, TEAM
from tests.process.town import STATION, TELEGRAM, Running

pytestmark = pytest.mark.process
CALENDAR = '\n[sources.travaux]\nkind = "ical"\nurl = "travaux.ics"\nevery = "1s"\n'
SECRET = "Expulsion de M. Dupont"
BASE = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
"""What the entries' times are counted from: the same for all, also where an hour passes meanwhile."""
_numbers = itertools.count()


def entry(uid: str, title: str, begins: timedelta, lasts: timedelta = timedelta(hours=3), more: str = "") -> str:
    """One entry that begins so long from now; `uid` is its own, or made anew where it is ""."""
    starts = BASE + begins
    uid = uid or f"made-{next(_numbers)}@export"
    times = [f"DTSTART:{starts:%Y%m%dT%H%M%SZ}", f"DTEND:{starts + lasts:%Y%m%dT%H%M%SZ}"]
    stamp = f"DTSTAMP:{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    lines = ["BEGIN:VEVENT", f"UID:{uid}", stamp, f"SUMMARY:{title}", *times, *more.splitlines(), "END:VEVENT"]
    return "\n".join(lines)


def works(uids: str = "fixed") -> list[str]:
    """Three works that begin within a day; with "" for `uids` each time under new UIDs, as some exports have them."""
    weekly = "RRULE:FREQ=WEEKLY;COUNT=6"
    return [
        entry(uids and "a", "Travaux rue Haute", timedelta(hours=3), more="LOCATION:Rue Haute"),
        entry(uids and "b", "Coupure d’eau rue Basse", timedelta(hours=4), more="LOCATION:Rue Basse"),
        entry(uids and "c", "Marché place du Pont", timedelta(hours=5), more=weekly),
    ]


class Reader:
    """A town whose daemon reads travaux.ics once a second."""

    def __init__(self, town) -> None:
        self.town = town
        self.daemon: Running

    def write(self, *events: str) -> None:
        """Write the calendar, and wait until the daemon has read it."""
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Test//FR", *"\n".join(events).splitlines()]
        self.write_lines([*lines, "END:VCALENDAR", ""])

    def write_lines(self, lines: list[str]) -> None:
        body = "\r\n".join(lines).encode()
        (self.town.folder / "next.ics").write_bytes(body)
        (self.town.folder / "next.ics").replace(self.town.folder / "travaux.ics")
        # Twice: the first look after this may have begun before it.
        for _ in range(2):
            before = self._now()
            self.town.until(lambda before=before: self._looked_at() > before)

    def _now(self) -> float:
        return monotonic() + self.town.ahead

    def _looked_at(self) -> float:
        """When the daemon had last read the calendar: one that says nothing new leaves no trace in the database."""
        now, body = self._now(), self.town.ask("/readyz", base=self.daemon.url)
        age = body["cycles"]["source travaux"]["age"]
        return now - age if age is not None else 0.0

    def posts(self, chat: str = "@saintmartin_alertes") -> list[str]:
        """What a chat shows, oldest first."""
        posts = [post for post in self.town.timelines()["telegram"] if post["channel"] == chat]
        return [post["text"] for post in sorted(posts, key=lambda post: post["created_at"])]

    def source(self) -> dict:
        [source] = [each for each in self.town.objects("status") if each.get("source") == "travaux"]
        return source

    def first_lines(self) -> list[str]:
        return sorted(text.splitlines()[0].replace("\u00a0", " ") for text in self.posts())


@pytest.fixture
def reader(town):
    town.hurry = 0.5
    town.configure(TELEGRAM + TEAM, CALENDAR, STATION + NOTIFY)
    return Reader(town)


def start(reader, *events: str) -> None:
    """The first reading of a calendar by a daemon that starts."""
    text = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *"\n".join(events).splitlines(), "END:VCALENDAR", ""])
    (reader.town.folder / "travaux.ics").write_bytes(text.encode())
    reader.daemon = reader.town.start_daemon()


@pytest.mark.release
def test_a_first_reading_tells_what_is_to_come_and_nothing_that_is_private_or_had_begun(reader):
    private = [
        entry(f"secret-{kind}", SECRET, timedelta(hours=2), more=f"CLASS:{kind}\nDESCRIPTION:{SECRET}")
        for kind in ("PRIVATE", "CONFIDENTIAL")
    ]
    begun = entry("begun", "Rue Longue barrée", timedelta(hours=-2), timedelta(days=2))
    twice = [entry("same", "Élagage allée du Parc", timedelta(hours=6)), entry("same", "Grue", timedelta(hours=7))]
    broken = entry("same", "Illisible", timedelta(hours=8)).replace("DTSTART:", "DTSTART:x")
    start(reader, *private, begun, *works()[:1], *twice, broken)

    reader.town.until(lambda: len(reader.posts()) == 3)
    assert {each.rpartition("– ")[2].rpartition(": ")[2] for each in reader.first_lines()} == {
        "Travaux rue Haute",
        "Élagage allée du Parc",
        "Grue",
    }
    everything = reader.town.tocsin("status", "--all", "--json").stdout
    assert "Illisible" in everything, "an entry that shares a UID and can't be read is told as a problem"
    assert "Rue Longue" not in everything
    kept = b"".join(file.read_bytes() for file in reader.town.folder.glob("tocsin.db*") if file.is_file())
    for place in (everything.encode(), kept, reader.town.tocsin("db", "export").stdout.encode()):
        assert b"Dupont" not in place


@pytest.mark.release
def test_ten_downloads_with_new_uids_make_no_post_more(reader):
    start(reader, *works())
    reader.town.until(lambda: len(reader.posts()) == 3)

    for _ in range(10):
        reader.write(*works(""))
    reader.write(
        *works("")[:2], entry("", "Marché place du Pont", timedelta(hours=6), more="RRULE:FREQ=WEEKLY;COUNT=6")
    )
    reader.town.until(lambda: len(reader.posts()) == 4)

    said = reader.posts()
    assert len(said) == 4, "three announcements, and the one change of ten downloads"
    assert "Changement" in said[-1]
    assert reader.source()["state"] == "ok"


def test_an_emptied_or_damaged_calendar_calls_nothing_off_until_an_officer_says_so(reader):
    start(reader, *works())
    reader.town.until(lambda: len(reader.posts()) == 3)

    reader.write()
    reader.town.until(lambda: reader.source()["state"] == "failing")
    assert reader.source()["reason_code"] == "calendar_gone"
    assert reader.source()["reason"].startswith("3 entrées annoncées ont disparu de l’agenda d’un coup")
    reader.town.until(lambda: [text for text in reader.posts("-1009876543210") if "travaux" in text])
    assert len(reader.posts()) == 3

    whole = ["BEGIN:VCALENDAR", "VERSION:2.0", *"\n".join(works()).splitlines(), "END:VCALENDAR", ""]
    reader.write_lines(whole)
    reader.town.until(lambda: reader.source()["state"] == "ok")
    swallowed = [*whole[:2], "BEGIN:VTIMEZONE", "TZID:Europe/Paris", *whole[2:]]
    reader.write_lines(swallowed)
    reader.town.until(lambda: reader.source()["reason_code"] == "calendar_damaged")
    misspelt = "\r\n".join(whole).replace("END:VEVENT", "END:VEVNT", 1).split("\r\n")
    reader.write_lines(misspelt)
    reader.town.until(lambda: "END:VEVNT" in (reader.source()["reason"] or ""))
    assert len(reader.posts()) == 3, "nothing was called off"

    reader.write()
    reader.town.until(lambda: reader.source()["reason_code"] == "calendar_gone")
    assert reader.town.tocsin("gone", "travaux").returncode == 0
    reader.town.until(lambda: len(reader.posts()) == 6)
    assert sum("Annulé – " in text for text in reader.posts()) == 3
    reader.town.until(lambda: reader.source()["state"] == "ok")


def test_a_flood_of_coming_works_waits_for_an_officer(reader):
    start(reader, *(entry(f"{number}", f"Travaux rue {number}", timedelta(hours=3)) for number in range(12)))

    waiting = reader.town.until(lambda: [each for each in reader.town.objects("status") if each.get("alert")])
    reader.town.until(lambda: len([each for each in reader.town.objects("status") if each.get("alert")]) == 12)
    assert {each["state"] for each in waiting} == {"waiting"}
    assert reader.posts() == []
    assert reader.town.tocsin("approve", waiting[0]["alert"], "--as", "anne").returncode == 0
    reader.town.until(lambda: len(reader.posts()) == 1)


@pytest.mark.release
def test_a_preview_at_a_time_says_what_would_have_been_told_by_then(reader):
    begins = BASE + timedelta(hours=4)
    start(reader, *works())

    leads = {}
    for name, time in (
        ("before", begins - timedelta(hours=1)),
        ("start", begins),
        ("end", begins + timedelta(hours=3)),
    ):
        shown = reader.town.objects("preview", "travaux.ics", "--at", time.isoformat())
        texts = [each["posts"][0]["text"].splitlines()[0] for each in shown if each["posts"]]
        [leads[name]] = [text.replace("\u00a0", " ") for text in texts if "rue Basse" in text]
    assert leads["before"].endswith("rue Basse")
    assert leads["start"] == "Commence maintenant – Coupure d’eau rue Basse"
    assert leads["end"].startswith("Fin prévue passée (")
