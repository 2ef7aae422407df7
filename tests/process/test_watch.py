"""It says when it can't: what those on call are told, by the real program, on a channel of their own."""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from campaign.running import free_port
from tests.process.town import PAGE, STATION, TELEGRAM, X
from tests.process.watched_places import Disk, Heart, PlainPort, SlowFeed
from tests.release import at_release

pytestmark = pytest.mark.process
TEAM = """
[channels.equipe]
kind = "telegram"
api_url = "{sandbox}"
chat = "-1009876543210"
token = {{ env = "TELEGRAM_TOKEN" }}
public = false
"""
NOTIFY = '\n[notify]\nchannels = ["equipe"]\nevery = "1s"\nprobe = "1s"\n'
ON_DISK = STATION.replace("sqlite:///tocsin.db", "sqlite:///var/tocsin.db")
CALENDAR = '\n[sources.travaux]\nkind = "ical"\nurl = "travaux.ics"\nevery = "1s"\n'
EMPTY_CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Saint-Martin//Travaux//FR\r\nEND:VCALENDAR\r\n"


def warnings(town, *parts: str) -> list[str]:
    """What the team's channel shows, oldest first: those that hold all of these words."""
    posts = [post for post in town.timelines()["telegram"] if "9876543210" in post["channel"]]
    texts = [post["text"] for post in sorted(posts, key=lambda post: post["created_at"])]
    return [text for text in texts if all(part in text for part in parts)]


def notices(town) -> list[tuple[str, str]]:
    """Channel and state of each of Tocsin's own posts."""
    with contextlib.closing(sqlite3.connect(town.database)) as db:
        own = "SELECT id FROM alert WHERE source = 'tocsin'"
        return db.execute(f"SELECT channel, state FROM post WHERE alert_id IN ({own})").fetchall()


def watched(town, channels: str = "", sources: str = "", notify: str = NOTIFY, station: str = STATION) -> None:
    town.hurry = 0.5
    town.configure(channels + TEAM, sources, station + notify)


def text_of(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


def unready(daemon: str) -> dict | None:
    """What `/readyz` tells of a daemon that isn't ready."""
    try:
        text_of(f"{daemon}/readyz")
    except urllib.error.HTTPError as error:
        return json.loads(error.read()) if error.code == 503 else None
    return None


class TestCredentials:
    """A token that was revoked is told before the next emergency meets it."""

    def test_a_revoked_token_is_told_once_and_so_is_that_it_works_again(self, town):
        watched(town, X + PAGE)
        town.start_daemon()
        town.fault("twitter", "revoked")

        town.until(lambda: warnings(town, "canal x", "identifiants"))
        for _ in range(3):  # a few rounds more
            before = len(town.requests("twitter", "GET"))
            town.until(lambda before=before: len(town.requests("twitter", "GET")) > before)
        assert len(warnings(town)) == 1, "told once, and of nothing else"
        assert "les renouvelle" in warnings(town)[0]
        assert "sandbox-access-token" not in warnings(town)[0]

        town.mend()
        town.until(lambda: warnings(town, "Rétabli", "canal x"))
        assert len(warnings(town)) == 2

    def test_a_lane_that_a_refusal_paused_is_told_and_what_it_kept_goes_out_by_itself(self, town):
        watched(town, X, notify=NOTIFY.replace('probe = "1s"', 'probe = "1h"'))
        town.start_daemon()
        town.until(lambda: town.requests("twitter", "GET"))
        town.fault("twitter", "revoked")
        town.post("Gymnase ouvert")

        town.until(lambda: warnings(town, "Avertissement", "canal x"))
        assert not town.timelines()["twitter"]
        town.mend()
        town.until(lambda: town.timelines()["twitter"])
        town.until(lambda: warnings(town, "Rétabli", "canal x"))

    def test_a_restart_tells_nothing_twice(self, town):
        watched(town, X)
        daemon = town.start_daemon()
        town.fault("twitter", "revoked")
        town.until(lambda: warnings(town, "canal x"))
        town.until(lambda: notices(town) == [("equipe", "sent")])
        daemon.stop(signal.SIGKILL)

        town.start_daemon()
        town.mend()
        town.until(lambda: warnings(town, "Rétabli", "canal x"))
        assert len(warnings(town, "Avertissement")) == 1

    def test_no_warning_goes_anywhere_else_and_it_stands_in_the_metrics(self, town):
        watched(town, X + TELEGRAM)
        daemon = town.start_daemon()
        town.fault("twitter", "revoked")
        town.until(lambda: warnings(town, "canal x"))

        everywhere = [post for posts in town.timelines().values() for post in posts]
        assert [post["text"] for post in everywhere] == warnings(town)
        assert not [each for each in town.objects("status", "--all") if "alert" in each], "a notice is no alert"
        assert [channel for channel, _ in notices(town)] == ["equipe"]
        metrics = text_of(daemon.url + "/metrics")
        assert 'tocsin_trouble{name="x",what="credential"} 1.0' in metrics


class TestSources:
    """A feed that can't be read is told, with what it said."""

    def test_a_feed_that_fails_is_told_and_so_is_that_it_is_read_again(self, town):
        watched(town, sources=CALENDAR)
        town.start_daemon()

        town.until(lambda: warnings(town, "source travaux", "jamais"))
        (town.folder / "travaux.ics").write_text(EMPTY_CALENDAR, encoding="utf-8", newline="")
        town.until(lambda: warnings(town, "Rétabli", "source travaux"))
        assert len(warnings(town)) == 2

    def test_a_feed_whose_name_or_certificate_is_wrong_is_told_with_the_cause(self, town):
        with PlainPort() as port:
            feeds = {"dns": "http://feeds.invalid/atom", "tls": f"https://127.0.0.1:{port.number}/atom"}
            watched(town, sources="".join(_feed(name, url) for name, url in feeds.items()))
            town.start_daemon()

            town.until(lambda: warnings(town, "source dns", "feeds.invalid"))
            told = town.until(lambda: warnings(town, "source tls", "127.0.0.1"))
        assert "/desk/channels" in told[0]


def _feed(name: str, url: str) -> str:
    return f'\n[sources.{name}]\nkind = "cap"\nurl = "{url}"\nevery = "1s"\n'


class TestPlatforms:
    """A platform that isn't there is told though nothing is to be sent."""

    @pytest.mark.parametrize("name", ["refused", *at_release(["dns", "tls"])])
    def test_a_platform_that_cannot_be_reached_is_told_and_what_waits_is_kept(self, town, name):
        with PlainPort() as port:
            where = {
                "dns": "http://x.invalid",
                "tls": f"https://127.0.0.1:{port.number}",
                "refused": f"http://127.0.0.1:{free_port()}",
            }[name]
            town.configure(X.format(sandbox=where).replace("{", "{{").replace("}", "}}") + TEAM, "", STATION + NOTIFY)
            town.start_daemon()
            town.post("Gymnase ouvert")

            told = town.until(lambda: warnings(town, "canal x"))
            assert "plateforme" in told[0]
            (post,) = [
                post for each in town.objects("status") for post in each.get("posts", []) if post["channel"] == "x"
            ]
            assert post["state"] in {"queued", "sending", "in_doubt"}
            assert post["reason"]

    def test_a_platform_that_hangs_is_told_and_that_it_is_back(self, town):
        watched(town, X.replace("[channels.x]", '[channels.x]\ntimeout = "2s"'))
        town.start_daemon()
        town.fault("twitter", "hang")

        town.until(lambda: warnings(town, "plateforme", "canal x"))
        town.mend()
        town.until(lambda: warnings(town, "Rétabli", "canal x"))


class TestHeartbeat:
    """The watch elsewhere hears of nothing but a Tocsin that goes round."""

    def test_it_beats_while_all_goes_round_and_not_while_a_cycle_stands_still(self, town):
        with Heart() as heart, SlowFeed() as feed:
            source = _feed("meteo", feed.url).replace('every = "1s"', 'every = "1s"\ntimeout = "60s"')
            watched(town, sources=source, notify=NOTIFY + f'heartbeat = "{heart.url}"\n')
            daemon = town.start_daemon()
            town.until(lambda: feed.asked)
            town.fault("telegram", "revoked")  # told means that a round was made
            daemon.wait_for("trouble.begins")
            assert heart.beats == 0, "the source hasn't been read once"

            feed.release()
            town.until(lambda: heart.beats >= 3)

    def test_it_does_not_beat_while_the_database_refuses_and_then_beats_again(self, town):
        with Heart() as heart, Disk(town.folder / "var") as disk:
            watched(town, notify=NOTIFY + f'heartbeat = "{heart.url}"\n', station=ON_DISK)
            daemon = town.start_daemon()
            town.until(lambda: heart.beats)
            with disk.full(daemon.process.pid):
                daemon.wait_for("task.failed")
                before = heart.beats
                town.until(lambda: warnings(town, "n’accepte plus rien"))  # some rounds later
                assert heart.beats == before
            town.until(lambda: heart.beats > before)
            assert daemon.stop() == 0

    def test_its_address_is_in_no_line(self, town):
        watched(town, notify=NOTIFY + f'heartbeat = "http://127.0.0.1:{free_port()}/ping/s3cret"\n')
        daemon = town.start_daemon()
        line = daemon.wait_for("heartbeat.failed")
        assert "s3cret" not in line.string
        assert not [each for each in daemon.lines if "s3cret" in each]


class TestDatabase:
    """Whoever posts is told that nothing was stored; the daemon goes on by itself once it can write."""

    def test_a_full_disk_is_said_at_once_holds_every_attempt_and_all_goes_on_once_there_is_room(self, town):
        with Disk(town.folder / "var") as disk:
            watched(town, X, station=ON_DISK)
            daemon = town.start_daemon()
            town.post("Avant", "--wait")
            with disk.full(daemon.process.pid):
                town.until(lambda: warnings(town, "Avertissement", "n’accepte plus rien"))
                # What is small may still find room in the journal that is there, so the store may be well in between.
                store = town.until(lambda: unready(daemon.url))["cycles"]["store"]
                assert "database or disk is full" in store["reason"]
                assert store["reason_code"] == "database_said"
                if disk.mounted:
                    (stored,) = [each for each in town.objects("status") if "store" in each]
                    assert (stored["state"], "est plein" in stored["reason"]) == ("failing", True)
            town.until(lambda: warnings(town, "Rétabli", "accepte de nouveau"))
            town.post("Après")
            town.until(lambda: len(town.timelines()["twitter"]) == 2)
            assert daemon.stop() == 0

    def test_a_post_that_finds_no_room_says_so_and_stores_nothing(self, town):
        watched(town, X)
        town.post("Avant")
        before = town.objects("status")

        done = without_room(town, "post", "--headline", "Pendant")
        assert done.returncode == 1
        assert "la base de données" in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
        assert town.objects("status") == before
        town.post("Après")

    def test_a_database_locked_by_another_tool_is_waited_for(self, town):
        watched(town, X)
        daemon = town.start_daemon()
        other = sqlite3.connect(town.folder / "tocsin.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")

        done = town.tocsin("post", "--headline", "Pendant")
        assert done.returncode == 1
        assert "locked" in done.stderr
        assert "rien n’est enregistré" in done.stderr
        daemon.wait_for("locked")
        other.execute("COMMIT")
        other.close()

        town.post("Après")
        town.until(lambda: len(town.timelines()["twitter"]) == 1)
        assert daemon.process.poll() is None

    def test_a_database_that_is_read_only_is_told_at_the_start_and_to_whoever_posts(self, town):
        with Disk(town.folder / "var") as disk:
            watched(town, X, station=ON_DISK)
            town.post("Avant")
            with disk.read_only():
                for command in (("run",), ("post", "--headline", "Pendant")):
                    done = town.tocsin(*command)
                    assert done.returncode == 1, done.stderr
                    assert "la base de données" in done.stderr.splitlines()[-1]
                    assert "Traceback" not in done.stderr


def without_room(town, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as on a full disk: no file may grow beyond a page."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))

    command = [sys.executable, "-m", "alerts.cli", *arguments]
    return subprocess.run(
        command,
        cwd=town.folder,
        env=town.environment,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
