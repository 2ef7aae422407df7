"""What every kind of source promises, run over all that ship, each against a real server that says what a test says."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib import import_module
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from alerts.config import read_config, source_kind
from alerts.health.checkup import check_live
from alerts.model.errors import SourceFailed
from alerts.model.ports import HearsNews, Memory, Surroundings
from alerts.sources import KINDS, SourceKind
from alerts.sources.fetch import LONGEST_WAIT
from alerts.sources.shared import SharedReader
from tests.air_pages import ALERTED, episodes
from tests.contract.sources.feed_server import Answer, FeedServer, serving
from tests.fakes import FakeClock
from tests.flood_pages import an_rss
from tests.transit_pages import a_dataset, a_disruption
from tests.unit.desk.conftest import a_town
from tests.vigilance_pages import KEY, MORNING, a_bulletin, a_map

NOW = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Face:
    """How a kind's feed is laid out: `says` lays out so many things, two at most; `path` is what is polled.

    `told_of_two` are the alerts that two things make: rivers in flood are one. `dated` lays out the same with the time
    that the edition gives itself, for a kind that leaves out earlier ones.
    """

    says: Callable[[FeedServer, int], None]
    path: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    address: str = "url"
    told_of_two: int = 2
    dated: Callable[[FeedServer, int, datetime | None], None] | None = None


def _cap(server: FeedServer, count: int) -> None:
    server.lay_out(*("a", "b")[:count])


def _event(name: str) -> str:
    lines = (f"BEGIN:VEVENT\r\nUID:{name}\r\nDTSTAMP:20261101T080000Z\r\nDTSTART:20261125T080000Z\r\n", "")
    return f"{lines[0]}DTEND:20261125T160000Z\r\nSUMMARY:Rue {name} barrée\r\nEND:VEVENT\r\n"


def _ical(server: FeedServer, count: int) -> None:
    _calendar(server, *("Haute", "Basse")[:count])


def _calendar(server: FeedServer, *names: str) -> None:
    events = "".join(_event(name) for name in names)
    server.pages["/calendar.ics"] = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{events}END:VCALENDAR\r\n"


def _gtfs_rt(server: FeedServer, count: int, at: datetime | None = None) -> None:
    # Without a time, as some servers have it: these tests wind their clock by hours.
    said = [a_disruption("a"), a_disruption("b", "Ligne 7 : grève", cause="STRIKE")]
    server.pages["/alerts"] = a_dataset(*said[:count], made=at)


def _incident(name: str) -> str:
    return (
        f'<incident id="{name}"><type>ROAD_CLOSED</type><street>Rue {name}</street><polyline>45.19 5.71 45.191 5.711'
        "</polyline><starttime>2026-11-25T08:00:00Z</starttime><endtime>2026-11-25T16:00:00Z</endtime></incident>"
    )


def _roads(server: FeedServer, count: int) -> None:
    incidents = "".join(_incident(name) for name in ("Haute", "Basse")[:count])
    server.pages["/cifs.xml"] = f"<incidents>{incidents}</incidents>"


def _rss(server: FeedServer, count: int) -> None:
    items = "".join(f"<item><guid>{name}</guid><title>Rue {name}</title></item>" for name in ("a", "b")[:count])
    server.pages["/feed"] = f'<rss version="2.0"><channel><title>Mairie</title>{items}</channel></rss>'


def _atmo(server: FeedServer, count: int) -> None:
    server.pages["/v1/api/login"] = '{"token": "t"}'
    told = [(pollutant, "2026-11-25", ALERTED) for pollutant in ("O3", "PM10")[:count]]
    server.pages["/v1/api/v2/data/episodes/3jours"] = episodes(*told)


def _vigicrues(server: FeedServer, count: int) -> None:
    _flood(server, count, MORNING + timedelta(minutes=count))


def _flood(server: FeedServer, count: int, at: datetime | None) -> None:
    server.pages["/v1/territoire/rss"] = an_rss({"GA6": 3, "TL3": 2 if count > 1 else 1}, at)


def _vigilance(server: FeedServer, count: int, at: datetime | None = None) -> None:
    colours = {name: [(0, 30, 3)] for name in ("3", "1")[:count]}
    server.pages["/v1/cartevigilance/encours"] = a_map(colours, updated=at or MORNING)
    server.pages["/v1/textesvigilance/encours"] = a_bulletin({})


FACES = {
    "atmo": Face(
        _atmo,
        "/v1/api/v2/data/episodes/3jours",
        {"user": "m", "password": {"env": "METEOFRANCE_KEY"}, "department": "38", "every": "60s"},
        address="api_url",
        told_of_two=1,
    ),
    "cap": Face(_cap, "/index"),
    "ical": Face(_ical, "/calendar.ics"),
    "gtfs_rt": Face(_gtfs_rt, "/alerts", {"fresh": "2h"}, dated=_gtfs_rt),
    "roads": Face(_roads, "/cifs.xml", {"every": "60s"}),
    "rss": Face(_rss, "/feed"),
    "vigicrues": Face(
        _vigicrues,
        "/v1/territoire/rss",
        {"sections": ["GA6", "TL3"], "every": "60s"},
        address="api_url",
        told_of_two=1,
        dated=_flood,
    ),
    "vigilance": Face(
        _vigilance,
        "/v1/cartevigilance/encours",
        {"key": {"env": "METEOFRANCE_KEY"}, "department": "38"},
        address="api_url",
        dated=_vigilance,
    ),
}

# They have tests of their own against a server of theirs.
OF_ANOTHER_PROTOCOL = {"mailbox"}


class Stage:
    """One source of a kind at its server, with what it remembers, which is stored as the daemon does."""

    def __init__(self, name: str, server: FeedServer, session: aiohttp.ClientSession) -> None:
        self.kind_name, self.face, self.server, self.session = name, FACES[name], server, session
        self.clock = FakeClock(NOW)
        self.reader = SharedReader(session, self.clock)
        self.kind = source_kind(name)
        assert isinstance(self.kind, SourceKind)
        self.memory = Memory(state=self.kind.trial)
        self.stored: set[str] = set()
        self.settings = {
            "kind": name,
            self.face.address: f"{server.url}{'/v1' if self.face.address == 'api_url' else self.face.path}",
            "timeout": "60s",
            **self.face.settings,
        }
        self.source = self.made()

    def made(self) -> Any:
        settings = self.kind.settings.model_validate(self.settings)
        return self.kind.load()("here", settings, Surroundings(self.session, self.clock, a_town(), self.reader))

    async def look(self, *, after: float = 120) -> list[Any]:
        await self.clock.advance(after)
        reading = await self.source.read(self.memory, self.known, self.clock.now())
        # As the database keeps it.
        state = json.loads(json.dumps(dict(reading.memory.state)))
        self.memory = Memory(reading.memory.etag, reading.memory.last_modified, reading.memory.digest, state)
        self.stored |= {each.key for each in reading.heard}
        return list(reading.heard)

    async def known(self, keys):
        return self.stored & set(keys)


@pytest.fixture(params=list(FACES))
def kind(request):
    return request.param


@pytest.fixture
async def stage(kind, monkeypatch):
    monkeypatch.setenv("METEOFRANCE_KEY", KEY)
    async with serving() as server, aiohttp.ClientSession() as session:
        made = Stage(kind, server, session)
        yield made
        await made.reader.close()


def test_every_kind_that_ships_is_held_to_this():
    assert FACES.keys() | OF_ANOTHER_PROTOCOL == KINDS.keys()


async def test_what_stands_there_is_heard_each_under_a_key_of_its_own(stage):
    stage.face.says(stage.server, 2)
    heard = await stage.look()

    assert len(heard) == len({each.key for each in heard}) == stage.face.told_of_two
    for each in heard:
        assert each.problem is None
        assert each.alert.identifier
        assert each.alert.sender
        assert each.alert.sent.tzinfo
        assert each.alert.infos


async def test_what_says_the_same_is_heard_once(stage):
    stage.face.says(stage.server, 2)
    await stage.look()

    assert await stage.look() == []


async def test_what_is_new_is_heard_and_nothing_else(stage):
    stage.face.says(stage.server, 1)
    [first] = await stage.look()
    stage.face.says(stage.server, 2)
    [second] = await stage.look()

    assert first.key != second.key


async def test_what_was_stored_is_not_told_again_by_one_that_was_killed_before_it_remembered(stage):
    stage.face.says(stage.server, 2)
    before = stage.memory
    await stage.look()
    stage.memory, stage.source = before, stage.made()

    assert await stage.look() == []


async def test_another_process_goes_on_from_what_was_remembered(stage):
    stage.face.says(stage.server, 2)
    await stage.look()
    stage.source = stage.made()

    assert await stage.look() == []


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=500),
        web.Response(status=404),
        web.Response(status=401),
        web.Response(text="<html><body>Maintenance</body></html>", content_type="text/html"),
        web.Response(body=b""),
        web.Response(body=b"\x00\xff\xfe"),
    ],
    ids=["500", "404", "401", "a page", "nothing", "garbage"],
)
async def test_a_feed_that_fails_is_not_a_feed_that_is_empty(stage, answer):
    stage.face.says(stage.server, 2)
    await stage.look()
    stage.server.pages[stage.face.path] = answer
    with pytest.raises(SourceFailed) as caught:
        await stage.look(after=600)
    assert "\n" not in str(caught.value.reason)
    assert KEY not in str(caught.value.reason)

    stage.face.says(stage.server, 2)
    assert await stage.look(after=3600) == [], "what was on is on, and nothing is told anew"


async def test_the_time_that_a_server_names_is_told(stage):
    stage.face.says(stage.server, 1)
    stage.server.pages[stage.face.path] = web.Response(status=429, headers={"Retry-After": "300"})
    with pytest.raises(SourceFailed) as caught:
        await stage.look()

    assert (caught.value.retry_at - stage.clock.now()).total_seconds() == 300


async def test_silence_ends_within_the_time_out(stage):
    async def hangs(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    stage.face.says(stage.server, 1)
    stage.settings["timeout"] = "200ms"
    stage.source = stage.made()
    stage.server.pages[stage.face.path] = hangs
    with pytest.raises(SourceFailed, match="did not answer within"):
        await stage.look()


async def test_an_unchanged_feed_is_asked_for_by_its_tag(stage):
    stage.face.says(stage.server, 2)
    body, asked = stage.server.pages[stage.face.path], []

    async def tagged(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("If-None-Match"))
        same = asked[-1] == '"1"'
        told = body.encode() if isinstance(body, str) else body
        return web.Response(status=304) if same else web.Response(body=told, headers={"ETag": '"1"'})

    stage.server.pages[stage.face.path] = tagged
    await stage.look()
    assert await stage.look() == []
    assert asked == [None, '"1"']


async def test_news_of_the_address_wakes_it_and_nobody_who_left(stage):
    assert isinstance(stage.source, HearsNews)
    woken = []
    stage.face.says(stage.server, 1)
    stage.source.on_news(lambda: woken.append(1))
    await stage.look()
    stage.face.says(stage.server, 2)
    other = Stage.__new__(Stage)
    other.__dict__.update(stage.__dict__)
    other.source, other.memory, other.stored = stage.made(), Memory(state=stage.kind.trial), set()
    await other.look()
    for _ in range(10):
        await stage.clock.advance(1)
    assert woken

    stage.source.on_news(None)
    woken.clear()
    stage.face.says(stage.server, 1)
    await other.look()
    for _ in range(10):
        await stage.clock.advance(1)
    assert woken == []


# --- editions that come out of their order ------------------------------------------------------------------------


def test_every_kind_that_leaves_out_earlier_editions_is_laid_out_with_their_times():
    modules = {name: import_module(source_kind(name).path.partition(":")[0]) for name in FACES}
    assert {name for name, each in modules.items() if hasattr(each, "threshold")} == {
        name for name, face in FACES.items() if face.dated
    }


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (name, wrong)
        for name, face in FACES.items()
        for wrong in (timedelta(hours=12), timedelta(minutes=6), None)
        # A map without a time can't be read at all.
        if face.dated and (wrong or name != "vigilance")
    ],
)
async def test_an_edition_of_the_future_or_without_a_time_moves_no_threshold(stage, wrong):
    """The publisher corrects himself: the right edition was issued before the wrong one was read."""
    says = stage.face.dated
    says(stage.server, 1, NOW)
    assert len(await stage.look()) == 1
    says(stage.server, 1, wrong and stage.clock.now() + timedelta(minutes=2) + wrong)
    await stage.look()
    read_at = stage.clock.now()

    says(stage.server, 2, NOW - timedelta(minutes=30))
    assert await stage.look() == [], "what was older before is older still"
    says(stage.server, 2, read_at - timedelta(seconds=5))
    assert await stage.look() != []
    says(stage.server, 1, NOW)
    assert await stage.look() == []


# --- the Vigilance's key --------------------------------------------------------------------------------------------


@pytest.fixture
async def watch(monkeypatch):
    monkeypatch.setenv("METEOFRANCE_KEY", KEY)
    async with serving() as server, aiohttp.ClientSession() as session:
        made = Stage("vigilance", server, session)
        yield made
        await made.reader.close()


async def test_the_key_goes_with_both_requests_and_the_words_are_asked_for_when_colours_changed(watch):
    _vigilance(watch.server, 1)
    await watch.look()
    assert watch.server.asked == ["/v1/cartevigilance/encours", "/v1/textesvigilance/encours"]
    assert [each.headers.get("apikey") for each in watch.server.requests] == [KEY, KEY]

    await watch.look()
    assert watch.server.count("/v1/textesvigilance/encours") == 1


async def test_no_other_host_is_told_the_key(watch):
    async with serving() as stranger:
        stranger.pages["/elsewhere"] = a_map({"3": [(0, 30, 3)]})
        moved = web.Response(status=302, headers={"Location": f"{stranger.url}/elsewhere"})
        watch.server.pages["/v1/cartevigilance/encours"] = moved
        watch.settings["allow_private"] = True
        watch.source = watch.made()
        _vigilance_texts(watch.server)
        await watch.look()

        [request] = stranger.requests
        assert "apikey" not in request.headers
        assert KEY not in str(request.headers)


def _vigilance_texts(server: FeedServer) -> None:
    server.pages["/v1/textesvigilance/encours"] = a_bulletin({})


async def test_without_a_key_it_fails_and_says_so_until_there_is_one(watch, monkeypatch):
    _vigilance(watch.server, 1)
    monkeypatch.delenv("METEOFRANCE_KEY")
    with pytest.raises(SourceFailed, match="METEOFRANCE_KEY is not set"):
        await watch.look()
    assert watch.server.asked == []

    monkeypatch.setenv("METEOFRANCE_KEY", KEY)
    assert len(await watch.look()) == 1


async def test_nobody_waits_for_the_words(watch):
    _vigilance(watch.server, 1)
    watch.server.pages["/v1/textesvigilance/encours"] = web.Response(status=500)
    [heard] = await watch.look()

    [note] = heard.notes
    assert note.code == "vigilance_wordless"
    assert "Orange" in heard.alert.infos[0].description


async def test_a_map_whose_time_is_over_fails_also_where_it_is_unchanged(watch):
    _vigilance(watch.server, 1)
    await watch.look()
    with pytest.raises(SourceFailed, match="no newer one is there"):
        await watch.look(after=3 * 86_400)

    watch.memory = Memory()
    with pytest.raises(SourceFailed, match="was over at"):
        await watch.look()


async def test_an_edition_of_the_future_hides_none_that_comes_after_it(watch):
    _vigilance_texts(watch.server)
    for ahead, colour in ((timedelta(hours=12), 3), (timedelta(minutes=50), 4)):
        page = a_map({"3": [(0, 30, colour)]}, updated=NOW + ahead)
        watch.server.pages["/v1/cartevigilance/encours"] = page
        [heard] = await watch.look(after=1800)
        assert heard.alert.sent <= watch.clock.now()

    believed = {**watch.memory.state, "updated": (NOW + timedelta(hours=12)).isoformat()}
    watch.memory = replace(watch.memory, state=believed)
    watch.server.pages["/v1/cartevigilance/encours"] = a_map({}, updated=NOW + timedelta(minutes=70))
    assert len(await watch.look(after=1800)) == 1, "nor does one that was believed by a version before this one"


async def test_an_hour_of_nothing_but_older_editions_is_a_source_that_fails(watch):
    _vigilance_texts(watch.server)
    watch.server.pages["/v1/cartevigilance/encours"] = a_map({"3": [(0, 30, 3)]}, updated=MORNING.replace(hour=6))
    await watch.look()
    watch.server.pages["/v1/cartevigilance/encours"] = a_map({}, updated=MORNING)
    for _ in range(2):
        assert await watch.look(after=1750) == []
    with pytest.raises(SourceFailed, match="only editions older than the map of"):
        await watch.look(after=1850)

    watch.server.pages["/v1/cartevigilance/encours"] = a_map({}, updated=MORNING.replace(hour=8))
    assert len(await watch.look()) == 1


async def test_an_edition_older_than_the_last_one_is_passed_over(watch):
    def says(hour: int, colour: int) -> None:
        at = MORNING.replace(hour=hour)
        watch.server.pages["/v1/cartevigilance/encours"] = a_map({"3": [(0, 30, colour)]}, updated=at)

    _vigilance_texts(watch.server)
    says(6, 3)
    await watch.look()
    says(5, 4)
    assert await watch.look() == []
    says(7, 4)
    assert len(await watch.look()) == 1


# --- what the live check tells --------------------------------------------------------------------------------------


async def test_the_live_check_tells_of_a_source_that_can_be_read_in_part_alone(tmp_path):
    async with serving() as server:
        lines = (
            '[station]\nname = "V"\nsender = "a@v.example"\n[channels.t]\nkind = "telegram"\nchat = "@ville_v"\n'
            'token = { file = "none" }\n[sources.crues]\nkind = "vigicrues"\nsections = ["GA6", "TL3"]\n'
            f'api_url = "{server.url}"\n'
        )
        town = read_config(tmp_path / "channels.toml", lines)
        told = {}
        for levels in ({"GA6": 3, "TL3": 1}, {"GA6": 3}):
            server.pages["/territoire/rss"] = an_rss(levels, datetime.now(UTC))
            [found] = [each for each in await check_live(town) if each.what == "sources.crues"]
            told[len(levels)] = found.good, found.why.code

    assert told == {2: (True, "source_fine"), 1: (False, "vigicrues_absent")}
    assert "CdEntVigiCru=GA6,TL3" in str(server.requests[0].url)


# --- what each server may answer ------------------------------------------------------------------------------------


def _cut(body: bytes, after: int) -> Answer:
    """An answer of which so many bytes come, and then the connection breaks."""

    async def answer(request: web.Request) -> web.StreamResponse:
        told = web.StreamResponse(headers={"Content-Length": str(len(body) + 9)})
        await told.prepare(request)
        await told.write(body[:after])
        assert request.transport is not None
        request.transport.close()
        return told

    return answer


FORGIVES_HALF = {"rss", "vigicrues"}
"""Kinds that tell what can be read of a feed without an end, and take nothing back: half a red warning is one."""


def _answers(stage: Stage) -> dict[str, Answer]:
    """What comes instead of a feed, whatever its kind."""
    page = stage.server.pages[stage.face.path]
    good = page.encode() if isinstance(page, str) else page if isinstance(page, bytes) else b"<a>" * 500
    year = str(366 * 86_400)
    return {
        "cut after the headers": _cut(good, 0),
        "cut within": _cut(good, len(good) // 2),
        "half, as if it were whole": good[: len(good) // 2],
        "nothing": b"",
        "blanks": b" \r\n" * 50,
        "null": b"null",
        "an error in JSON": b'{"error": {"code": 500, "message": "internal"}}',
        "an error in XML": b"<?xml version='1.0'?><error><message>internal</message></error>",
        "a page": web.Response(text="<html><body><p>Maintenance</body></html>", content_type="text/html"),
        "a long page": b"<html><body>" + b"<p>Maintenance</p>" * 20_000,
        "9 MB of blanks": b" " * 9_000_000,
        "a bomb": web.Response(body=gzip.compress(bytes(20_000_000)), headers={"Content-Encoding": "gzip"}),
        "304 that nobody asked for": web.Response(status=304),
        "204": web.Response(status=204),
        "206": web.Response(status=206, body=good[: len(good) // 2]),
        "500 with the feed": web.Response(status=500, body=good),
        "a circle of redirects": web.Response(status=302, headers={"Location": stage.face.path}),
        "429 for a year": web.Response(status=429, headers={"Retry-After": year}),
        "503 for a year, as a date": web.Response(
            status=503, headers={"Retry-After": format_datetime(stage.clock.now() + timedelta(days=366), usegmt=True)}
        ),
        "429 for ages": web.Response(status=429, headers={"Retry-After": "9" * 5000}),
        "429 for less than nothing": web.Response(status=429, headers={"Retry-After": "-5"}),
    }


@pytest.mark.parametrize("is_known", [False, True], ids=["at first", "later"])
async def test_whatever_is_answered_a_source_says_so_tells_nothing_and_goes_on(stage, is_known):
    """Nothing is told by it nor taken back, the reason is one short line, and no time is waited for beyond a day."""
    failed = []
    stage.face.says(stage.server, 2)
    for name, answer in _answers(stage).items():
        if name.startswith("half") and stage.kind_name in FORGIVES_HALF:
            continue
        walked = Stage(stage.kind_name, stage.server, stage.session)
        try:
            await _told_as_failed(walked, answer, is_known=is_known)
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 told together with the others
            failed.append(f"{name}: {type(error).__name__} {error}".splitlines()[0])
        await walked.reader.close()
    assert not failed, "\n".join(failed)


async def _told_as_failed(stage: Stage, answer: Answer, *, is_known: bool) -> None:
    stage.face.says(stage.server, 2)
    if is_known:
        assert await stage.look()
    # A tag that is known would make a 304 an answer.
    stage.memory = replace(stage.memory, etag=None, last_modified=None)
    stage.server.pages[stage.face.path] = answer
    with pytest.raises(SourceFailed) as caught:
        await stage.look(after=600)
    said, named = str(caught.value.reason), caught.value.retry_at
    assert "\n" not in said
    assert 0 < len(said) < 600
    assert KEY not in said
    stage.face.says(stage.server, 2)
    if named is not None and named > stage.clock.now() + timedelta(hours=1):
        # By then much of what these feeds say is over.
        assert named <= stage.clock.now() + LONGEST_WAIT
        return
    heard = await stage.look(after=3600)
    assert len(heard) == (0 if is_known else stage.face.told_of_two), heard


TWICE: dict[str, Callable[[FeedServer], None]] = {
    "atmo": lambda server: server.pages.update(
        {
            "/v1/api/login": '{"token": "t"}',
            "/v1/api/v2/data/episodes/3jours": episodes(*[("O3", "2026-11-25", ALERTED)] * 2),
        }
    ),
    "cap": lambda server: server.lay_out("a", "a"),
    "ical": lambda server: _calendar(server, "Haute", "Haute"),
    "gtfs_rt": lambda server: server.pages.update({"/alerts": a_dataset(*[a_disruption("a")] * 2, made=None)}),
    "roads": lambda server: server.pages.update({"/cifs.xml": f"<incidents>{_incident('Haute') * 2}</incidents>"}),
    "rss": lambda server: server.pages.update(
        {
            "/feed": '<rss version="2.0"><channel><title>Mairie</title>'
            + "<item><guid>a</guid><title>Rue a</title></item>" * 2
            + "</channel></rss>"
        }
    ),
}
"""By kind: one thing that stands there twice under one id."""
HAS_NO_IDS = {"vigicrues", "vigilance"}
"""Kinds whose edition has a colour for each section or phenomenon, and nothing else."""


async def test_what_stands_there_twice_under_one_id_is_told_once(stage):
    assert TWICE.keys() | HAS_NO_IDS == FACES.keys()
    if stage.kind_name in HAS_NO_IDS:
        pytest.skip("what it tells has no ids")
    TWICE[stage.kind_name](stage.server)
    assert len(await stage.look()) == 1
    assert await stage.look() == []
