"""Rounds over the real database: what is told, to whom, once; and when the heart beats."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import capture_logs

from alerts.config import load_config
from alerts.delivery.worker import Workers
from alerts.health.checks import FIRST_AFTER, HealthChecks
from alerts.health.monitor import AGAIN_AFTER
from alerts.health.notices import build_notices
from alerts.model.alert import Severity
from alerts.model.cap import violations
from alerts.model.delivery import ChannelStatus
from alerts.model.errors import BadCredential, DatabaseRefused, Retry
from alerts.model.events import Events, PostsStored
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.lease import DUTIES
from alerts.model.ports import Memory, Probe
from alerts.model.post import Means, Message, Post, PostKind, PostState
from alerts.model.reason import because, in_words
from alerts.model.town import RateLimit
from alerts.store.channel_statuses import ChannelStatuses
from alerts.store.database import Database
from alerts.store.files import migrate
from alerts.store.statement import stamp
from alerts.store.unit import Unit
from alerts.web.ops import Cycle
from tests.fakes import FakeClock, begun
from tests.unit.health.test_probe import Lane

TOWN = """
[station]
name = "Saint-Martin"
sender = "alertes@saint-martin.example"

[sources.meteo]
kind = "cap"
url = "https://feeds.example/atom"

[channels.telegram]
kind = "telegram"
chat = "@saintmartin"
token = { env = "TELEGRAM_TOKEN" }

[channels.equipe]
kind = "telegram"
chat = "-1009876543210"
token = { env = "TELEGRAM_TOKEN" }
public = false

[notify]
channels = ["equipe"]
heartbeat = "https://watch.example/ping/1234"
"""
MINUTE = 60.0


class Elsewhere:
    """The session, as far as a heart needs one."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.asked: dict[str, object] = {}
        self.status = 200
        self.error: Exception | None = None

    def get(self, address: str, **asked: object) -> Elsewhere:
        self.called.append(address)
        self.asked = asked
        return self

    async def __aenter__(self):
        if self.error is not None:
            raise self.error
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


@dataclass
class Watch:
    """Rounds, and all that they look at."""

    config: object
    database: Database
    clock: FakeClock

    def __post_init__(self) -> None:
        self.session = Elsewhere()
        self.lanes = {"telegram": Lane(Probe("@town")), "equipe": Lane(Probe("@town"))}
        self.still: dict[str, str] = {}
        self.woken: list[str] = []
        self.held = {*self.lanes, DUTIES}
        self.ids = itertools.count(1)
        self.restart()

    def restart(self) -> None:
        self.events = Events()
        self.events.subscribe(PostsStored, lambda event: self.woken.extend(event.channels))
        self.registry = CollectorRegistry()
        self.checks = HealthChecks(
            self.config,
            self.lanes,
            database=self.database,
            clock=self.clock,
            session=self.session,
            events=self.events,
            registry=self.registry,
            notices=build_notices(self.config, lambda: f"w{next(self.ids):05}"),
            holds=self.held.__contains__,
            cycles=lambda: [
                Cycle("lane telegram", 1.0, "lane telegram" in self.still, self.still.get("lane telegram"))
            ],
        )

    async def round(self, count: int = 1, pause: float = MINUTE) -> list[str]:
        """Go round each minute; what those on call were told in these rounds."""
        before = len(await self.told())
        for _ in range(count):
            await self.clock.advance(pause)
            await self.checks.check_all()
        return (await self.told())[before:]

    async def told(self) -> list[str]:
        return [row[0] for row in await self.ask("SELECT plain FROM post WHERE id LIKE 'w%' ORDER BY seq")]

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(name, plain) for name, lane in self.lanes.items() for plain in lane.said]

    async def ask(self, sql: str) -> list[tuple]:
        return await self.database.read(lambda db: [tuple(row) for row in db.execute(sql)])

    async def change(self, sql: str) -> None:
        await self.database.write(lambda db: db.execute(sql))

    async def sent(self) -> None:
        """What was queued went out."""
        await self.change("UPDATE post SET state = 'sent', remote_id = id WHERE state = 'queued'")

    async def stand(self, **how) -> None:
        await ChannelStatuses(self.database).keep("telegram", ChannelStatus(**how), None, self.clock.now())

    async def post(self, **changes) -> None:
        """An alert's post on the public channel, tried just now."""
        now = self.clock.now()
        post = Post(
            "p1", "a1", "i1", "telegram", PostKind.PUBLISH, Means.NEW, PostState.QUEUED, 20, Message("Crue", "Crue"),
            Severity.MODERATE, now, expires=now + timedelta(hours=6), reason=in_words("status 503"), **changes,
        )  # fmt: skip

        def store(unit: Unit) -> None:
            unit.alerts.add(StoredAlert("a1", "i1", "manual", None, AlertState.ACCEPTED, now))
            unit.alerts.add_post(post)
            unit.execute(
                "INSERT INTO attempt (post_id, channel, action, owner, counts, left_at) VALUES (?,?,?,?,?,?)",
                ("p1", "telegram", "send", "us", 1, round(now.timestamp() * 1e6)),
            )

        await self.database.write(store)

    async def fail(self) -> None:
        """The source could not be read."""
        now = self.clock.now()
        await self.database.write(lambda unit: unit.sources.failed("meteo", in_words("status 500"), now, now))

    async def read(self, digest: str) -> None:
        """The source was read, and said this."""
        now = self.clock.now()
        await self.database.write(lambda unit: unit.sources.remember("meteo", Memory(digest=digest), now, now))


@pytest.fixture
async def watch(tmp_path):
    (tmp_path / "channels.toml").write_text(TOWN, encoding="utf-8")
    config = load_config(tmp_path / "channels.toml")
    migrate(config.database)
    database = await Database.open(config.database)
    yield Watch(config, database, FakeClock())
    await database.close()


REVOKED = BadCredential("Telegram refuses the token; make a new one with @BotFather")


class TestTelling:
    """Through the outbox of the notify channel, and nowhere else."""

    async def test_nothing_is_told_while_nothing_is_wrong(self, watch):
        assert await watch.round(30) == []

    async def test_a_refused_credential_is_told_once_in_one_short_message(self, watch):
        watch.lanes["telegram"].answer = REVOKED

        (told,) = await watch.round(30)
        assert told.splitlines() == [
            "Tocsin, Saint-Martin",
            "Avertissement\u00a0: le canal telegram ne peut plus publier, ses identifiants sont refusés.",
            "Renouvelez-les\u00a0: ce qui attend partira de lui-même.",
            "(Telegram refuses the token; make a new one with @BotFather)",
        ]
        assert await watch.ask("SELECT channel, state, kind FROM post") == [("equipe", "queued", "publish")]
        assert watch.woken == ["equipe"]

    async def test_it_is_a_valid_message_that_no_routing_takes(self, watch):
        watch.lanes["telegram"].answer = REVOKED
        await watch.round()
        (row,) = await watch.ask("SELECT id, source, status, state FROM alert")
        (stored,) = await watch.database.read(lambda unit: unit.alerts.by_id(row[0]))

        assert row[1:] == ("tocsin", "System", "accepted")
        assert violations(stored.alert) == ()
        assert stored.alert.scope == "Private"
        await watch.sent()
        assert await watch.database.read(lambda unit: unit.alerts.over(watch.clock.now() + timedelta(days=9))) == []

    async def test_that_it_is_over_is_told_once_and_answers_the_first(self, watch):
        watch.lanes["telegram"].answer = REVOKED
        await watch.round()
        await watch.sent()
        watch.lanes["telegram"].answer = Probe("@town")

        (told,) = await watch.round(30)
        assert "Rétabli\u00a0: les identifiants du canal telegram" in told
        assert "en panne depuis 25/11 13\u00a0h\u00a001" in told
        first, second = await watch.ask("SELECT incident, kind, means FROM post ORDER BY seq")
        assert first[0] == second[0]
        assert second[1:] == ("end", "reply")

    async def test_of_an_account_that_was_refused_its_end_names_no_credential_also_after_a_restart(self, watch):
        watch.lanes["telegram"].answer = BadCredential(because("x_account_refused", said="locked"))
        await watch.round()
        await watch.sent()
        watch.restart()
        watch.lanes["telegram"].answer = Probe("@town")

        (told,) = await watch.round(30)
        assert "Rétabli\u00a0: sur le canal telegram, la plateforme accepte de nouveau notre compte" in told

    async def test_what_never_went_out_is_taken_back_and_not_told_to_be_over(self, watch):
        watch.lanes["telegram"].answer = REVOKED
        await watch.round()
        watch.lanes["telegram"].answer = Probe("@town")

        assert await watch.round(3) == []
        assert await watch.ask("SELECT state FROM post") == [("superseded",)]

    async def test_it_is_told_again_after_six_hours(self, watch):
        watch.lanes["telegram"].answer = REVOKED
        await watch.round()
        await watch.sent()

        assert await watch.round(1, AGAIN_AFTER.total_seconds() - 1) == []
        (again,) = await watch.round(1, 1)
        assert "Toujours, depuis 25/11 13\u00a0h\u00a001\u00a0: le canal telegram" in again
        await watch.sent()
        assert await watch.round(20) == []
        assert len(await watch.round(1, AGAIN_AFTER.total_seconds())) == 1

    async def test_a_restart_and_a_second_daemon_tell_nothing_twice(self, watch):
        watch.lanes["telegram"].answer = REVOKED
        await watch.round()
        await watch.sent()
        watch.restart()

        assert await watch.round(5) == []
        assert b'tocsin_trouble{name="telegram",what="credential"} 1.0' in generate_latest(watch.registry)
        watch.lanes["telegram"].answer = Probe("@town")
        assert len(await watch.round()) == 1

    async def test_a_channel_that_another_process_works_is_its_own_to_watch(self, watch):
        watch.lanes["telegram"].answer = REVOKED
        watch.held.discard("telegram")

        assert await watch.round(5) == []
        assert watch.lanes["telegram"].asked == 0

    async def test_without_a_notify_channel_the_log_and_the_metrics_tell_it_once(self, watch):
        watch.config = replace(watch.config, notify=replace(watch.config.notify, channels=()))
        watch.restart()
        watch.lanes["telegram"].answer = REVOKED
        with capture_logs() as logs:
            await watch.round(5)
        metrics = generate_latest(watch.registry)

        assert [log["event"] for log in logs] == ["trouble.begins"]
        assert b'tocsin_trouble{name="telegram",what="credential"} 1.0' in metrics
        assert await watch.ask("SELECT count(*) FROM alert") == [(0,)]


class TestChannels:
    """What a lane wrote down, and what doesn't get out."""

    async def test_a_grave_alert_that_a_limit_holds_is_told_at_once_with_its_time_and_that_it_is_over(self, watch):
        telegram = replace(watch.config.channels["telegram"], limits=(RateLimit(1, timedelta(hours=1)),))
        watch.config = replace(watch.config, channels={**watch.config.channels, "telegram": telegram})
        watch.restart()
        await watch.post()
        assert await watch.round() == []
        await watch.change("UPDATE post SET severity = 'Severe'")

        (told,) = await watch.round(5)
        assert re.search(r"canal telegram, des alertes graves attendent la limite du canal \(nombre\s:\s1\)", told)
        assert re.search(r"part vers 14.{1,3}00", told)
        await watch.sent()
        (over,) = await watch.round(5)
        assert "plus aucune alerte grave n’attend la limite du canal telegram" in over

    async def test_a_blocked_lane_is_told_and_not_asked_by_us(self, watch):
        await watch.round()
        asked = watch.lanes["telegram"].asked
        await watch.stand(state="blocked", reason=in_words("revoked"), blocked_until=watch.clock.now())

        (told,) = await watch.round(5)
        assert "identifiants" in told
        assert watch.lanes["telegram"].asked == asked, "it tries for itself"
        await watch.sent()
        await watch.stand()
        assert len(await watch.round()) == 1
        assert watch.lanes["telegram"].asked == asked + 1, "what was found before isn't believed any more"

    async def test_a_platform_that_makes_us_wait_is_told_once_however_long_it_does(self, watch):
        for minute in range(40):
            until = watch.clock.now() + timedelta(minutes=5)
            await watch.stand(state="failing", reason=in_words("429: come again later"), blocked_until=until)
            told = await watch.round()
            assert bool(told) is (minute == 2), (minute, told)
            await watch.sent()
            if minute == 20:
                watch.restart()

    async def test_a_platform_that_does_not_answer_the_probe_is_told_in_the_third_round(self, watch):
        watch.lanes["telegram"].answer = Retry("no answer within 10 s")

        assert await watch.round(2) == []
        (told,) = await watch.round()
        assert "plateforme" in told
        assert "no answer within 10 s" in told

    async def test_a_post_that_is_tried_for_ten_minutes_is_told(self, watch):
        await watch.post()

        assert await watch.round(9) == []
        (told,) = await watch.round()
        assert "ne partent pas (nombre\u00a0: 1)" in told
        assert "status 503" in told
        await watch.sent()
        (over,) = await watch.round()
        assert "partent de nouveau" in over

    @pytest.mark.parametrize("state", [PostState.FAILED, PostState.IN_DOUBT])
    async def test_a_post_that_waits_for_an_officer_is_told_until_it_matters_no_more(self, watch, state):
        await watch.post()
        await watch.change(f"UPDATE post SET state = '{state}'")

        (told,) = await watch.round(5)
        assert "attendent votre décision" in told
        await watch.sent()
        await watch.change(f"UPDATE post SET state = '{state}', expires = 0 WHERE id = 'p1'")
        (over,) = await watch.round()
        assert "plus rien n’attend" in over

    async def test_a_warning_that_fails_is_nothing_to_warn_of(self, watch):
        watch.lanes["telegram"].answer = REVOKED
        await watch.round()
        await watch.change("UPDATE post SET state = 'failed'")

        assert await watch.round(30) == []


class TestSources:
    """By what the journal keeps of each."""

    async def test_a_source_that_fails_is_told_with_its_last_good_reading(self, watch):
        await watch.read("1")
        for _ in range(2):
            await watch.fail()
        assert await watch.round(5) == []
        await watch.fail()

        (told,) = await watch.round()
        assert "la source meteo ne peut pas être lue (dernière lecture\u00a0: 25/11 13\u00a0h\u00a000)" in told
        await watch.sent()
        await watch.read("2")
        assert "de nouveau lue" in (await watch.round())[0]

    async def test_a_source_that_says_nothing_new_is_told_by_its_own_habit_over_a_restart(self, watch):
        for hour in range(8):
            await watch.read(f"{hour}")
            await watch.checks.check_all()
            await watch.clock.advance(3600)
        await watch.checks.check_all()
        watch.restart()
        told = []
        for _ in range(25):
            await watch.read("7")
            await watch.checks.check_all()
            told += await watch.told()
            if told:
                break
            await watch.clock.advance(3600)

        assert "la source meteo répond mais ne dit rien de nouveau depuis 25/11 20\u00a0h\u00a000" in told[0]

    async def test_a_feed_s_silence_while_nobody_watched_is_not_held_against_it(self, watch):
        for hour in range(8):
            await watch.read(f"{hour}")
            await watch.checks.check_all()
            await watch.clock.advance(3600)
        await watch.clock.advance(5 * 86400)
        watch.restart()
        await watch.read("7")

        assert await watch.round(3) == []


class TestHeartbeat:
    """Only when everything went round."""

    async def test_of_several_daemons_the_one_with_the_shared_duties_beats_and_tells_what_stands_still(self, watch):
        watch.still["lane telegram"] = ""
        watch.held.discard(DUTIES)
        assert await watch.round(5) == []
        assert watch.session.called == []
        watch.held.add(DUTIES)
        assert len(await watch.round(5)) == 1
        assert watch.session.called == []
        watch.held.discard(DUTIES)
        watch.still.clear()
        assert await watch.round(5) == [], "that it is over is not this one's to say either"
        watch.held.add(DUTIES)
        await watch.sent()
        assert len(await watch.round()) == 1
        assert len(watch.session.called) == 1

    async def test_it_beats_once_a_round(self, watch):
        await watch.round(3)
        assert watch.session.called == ["https://watch.example/ping/1234"] * 3

    async def test_it_does_not_beat_while_a_cycle_stands_still_which_is_told(self, watch):
        watch.still["lane telegram"] = ""

        told = await watch.round(3)
        assert watch.session.called == []
        assert "«\u00a0file d’envoi telegram\u00a0» ne tourne plus" in told[0]
        watch.still.clear()
        await watch.round()
        assert len(watch.session.called) == 1

    @pytest.mark.once
    async def test_it_does_not_beat_when_the_database_refuses_and_the_watch_itself_stands_still(self, watch):
        await watch.change("PRAGMA query_only = ON")
        with pytest.raises(DatabaseRefused):
            await watch.round()
        assert watch.session.called == []

        workers = Workers(watch.clock)
        workers.begin(watch.checks.work()[0])
        await watch.clock.advance(5 * MINUTE)
        assert [each.stands for each in workers.cycles()] == [True]
        await workers.close()

    async def test_a_round_that_the_database_refused_is_done_again_soon_and_counts_for_nothing(self, watch):
        watch.still["lane telegram"] = ""
        refuses = "BEFORE INSERT ON fact BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        await watch.change(f"CREATE TRIGGER full {refuses}")
        for _ in range(3):
            with pytest.raises(DatabaseRefused):
                await watch.round(pause=1.0)
        await watch.change("DROP TRIGGER full")
        assert await watch.round() == [], "three rounds are three minutes, and not three tries within seconds"
        assert len(await watch.round(2)) == 1

    async def test_where_it_leads_elsewhere_nobody_follows(self, watch):
        watch.session.status = 302
        with capture_logs() as logs:
            await watch.round()

        assert [log["reason"] for log in logs if log["event"] == "heartbeat.failed"] == ["status 302"]
        assert watch.session.asked["allow_redirects"] is False
        assert watch.session.asked["auto_decompress"] is False

    @pytest.mark.parametrize("error", [None, aiohttp.ClientConnectionError("s3cret"), TimeoutError()])
    async def test_that_it_fails_is_a_line_without_the_address(self, watch, error):
        watch.session.status, watch.session.error = 500, error
        with capture_logs() as logs:
            await watch.round()

        (line,) = [log for log in logs if log["event"] == "heartbeat.failed"]
        assert "watch.example" not in str(line)
        assert "s3cret" not in str(line)


class TestRunning:
    """The loop around the rounds."""

    async def test_a_round_that_cannot_be_finished_is_told_and_the_next_one_comes(self, watch):
        await watch.change("ALTER TABLE fact RENAME TO hidden")
        task = begun(watch.clock, watch.checks.work()[0])
        with capture_logs() as logs:
            await watch.clock.advance(FIRST_AFTER)
            await _until(watch, lambda: logs)
        assert [log["event"] for log in logs] == ["task.failed"]

        await watch.change("ALTER TABLE hidden RENAME TO fact")
        await watch.clock.advance(MINUTE)
        await _until(watch, lambda: watch.session.called)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _until(watch: Watch, happened: Callable[[], object]) -> None:
    """Let the database's threads answer, the time standing still."""
    for _ in range(50):
        if happened():
            return
        await watch.ask("SELECT 1")
        await watch.database.write(lambda db: None)
        await watch.clock.settle()
    raise AssertionError("it didn't happen")


class TestStore:
    """What can't be written down is said without."""

    @pytest.fixture
    async def looking(self, watch):
        task = begun(watch.clock, watch.checks.work()[1])
        await watch.clock.settle()
        yield watch
        task.cancel()

    async def test_a_full_disk_is_said_at_once_again_after_six_hours_and_when_it_is_over(self, looking):
        looking.database.trouble = "database or disk is full"
        await looking.clock.advance(3)
        ((channel, told),) = looking.said
        assert channel == "equipe"
        assert "Avertissement\u00a0: la base de données tocsin.db n’accepte plus rien" in told
        assert "« database or disk is full »)" in told

        await looking.clock.advance(6 * 3600)
        assert [text.splitlines()[1].split(",")[0] for _, text in looking.said[1:]] == ["Toujours"]
        looking.database.trouble = None
        await looking.clock.advance(3)
        assert "Rétabli\u00a0: la base de données tocsin.db accepte de nouveau tout" in looking.said[-1][1]
        assert len(looking.said) == 3

    async def test_the_lanes_that_a_daemon_had_speak_though_nothing_can_be_written_and_those_of_others_do_not(
        self, looking
    ):
        await looking.clock.advance(3)
        looking.database.trouble = "database or disk is full"
        looking.held.clear()  # their leases ran out
        await looking.clock.advance(3)
        assert [channel for channel, _ in looking.said] == ["equipe"]
        looking.database.trouble = None
        await looking.clock.advance(3)
        assert len(looking.said) == 2, "and that it is over, before they are taken anew"

        await looking.clock.advance(10)
        looking.database.trouble = "database or disk is full"
        await looking.clock.advance(3)
        assert len(looking.said) == 2, "another daemon has them by now"
        looking.held.add("telegram")
        await looking.clock.advance(6 * 3600)
        assert len(looking.said) == 2, "those on call read another channel"

    async def test_a_lock_of_a_moment_is_no_news_and_one_that_lasts_is(self, looking):
        for refused in ("database is locked", None) * 2:
            looking.database.trouble = refused
            await looking.clock.advance(2)
        assert looking.said == []
        looking.database.trouble = "database is locked"
        await looking.clock.advance(4)
        assert len(looking.said) == 1

    async def test_a_disk_that_is_nearly_full_is_told_before_it_is(self, watch, monkeypatch):
        almost = os.statvfs_result((4096, 4096, 1_000_000, 10_000, 10_000, 0, 0, 0, 0, 255))
        monkeypatch.setattr(os, "statvfs", lambda _: almost)
        (told,) = await watch.round()
        assert "la base de données tocsin.db n’accepte plus rien, ou bientôt plus" in told
        assert "il reste 41.0 Mo" in told


class TestAfterARestore:
    """What the database doesn't know is told once, and that what may be out was looked for."""

    async def test_it_is_told_once_with_what_to_look_at_and_is_over_after_an_hour(self, watch):
        now = watch.clock.now()
        kept = {"since": stamp(now - timedelta(hours=2)), "until": stamp(now), "begun": True}
        row = ("(store)", "gap", json.dumps(kept))
        await watch.database.write(lambda db: db.execute("INSERT INTO fact VALUES (?, ?, ?)", row).rowcount)

        (told,) = await watch.round(30)
        assert "la base de données a été remplacée par une plus ancienne\u00a0: elle ignore ce qui est parti" in told
        assert "regardez les canaux" in told
        assert await watch.round(20) == []
        await watch.sent()
        (over,) = await watch.round(20)
        assert "a été cherché" in over
