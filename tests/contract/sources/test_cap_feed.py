"""A CAP feed against a real server, look after look, as the poller takes it."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from alerts.model.alert import MsgType, NamedValue, Severity
from alerts.model.errors import SourceFailed
from alerts.model.ports import Heard, Memory, SourceReading, Surroundings
from alerts.model.reason import because
from alerts.model.town import Town
from alerts.sources.cap.index import IndexEntry
from alerts.sources.cap.source import AT_ONCE, GIVE_UP_AFTER, PER_LOOK, Assumed, CapSource, EntryReader
from alerts.sources.document import FetchedDocument
from alerts.sources.settings import CapSettings
from tests.cap_messages import alert_xml, info_xml, message
from tests.contract.sources.feed_server import FeedServer, index_of, serving
from tests.fakes import FakeClock
from tests.walls import in_one_test

PARIS = ZoneInfo("Europe/Paris")


class Poller:
    """Looks at a source again and again, and stores what it heard and its memory as the daemon does."""

    def __init__(self, source: CapSource, clock: FakeClock) -> None:
        self.source = source
        self.clock = clock
        self.memory = Memory()
        self.next_look = 0.0
        self.stored: dict[str, Heard] = {}

    async def known(self, keys: Sequence[str]) -> set[str]:
        return {key for key in keys if key in self.stored}

    async def look(self) -> SourceReading:
        # A minute after the last look, as the daemon does.
        await self.clock.advance(max(0.0, self.next_look - self.clock.monotonic()))
        self.next_look = self.clock.monotonic() + 60
        reading = await self.source.read(self.memory, self.known, self.clock.now())
        self.memory = json_and_back(reading.memory)
        assert not {heard.key for heard in reading.heard} & set(self.stored)
        self.stored |= {heard.key: heard for heard in reading.heard}
        return reading

    async def identifiers(self) -> list[str]:
        return [heard.alert.identifier for heard in (await self.look()).heard if heard.alert]


def json_and_back(memory: Memory) -> Memory:
    """What the store keeps of a memory's state is JSON."""
    return Memory(memory.etag, memory.last_modified, memory.digest, json.loads(json.dumps(memory.state)))


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with serving() as server:
        yield server


Polls = Callable[..., Poller]


@pytest.fixture
async def polling(server: FeedServer) -> AsyncIterator[Polls]:
    async with aiohttp.ClientSession() as session:

        def make(url: str = "/index", folder: Path = Path(), areas: tuple[str, ...] = (), **settings: object) -> Poller:
            clock = FakeClock()
            url = f"{server.url}{url}" if url.startswith("/index") else url
            known = CapSettings.model_validate({"kind": "cap", "url": url, "timeout": "60s", **settings})
            town = Town("Town", "alerts@town.example", file=folder / "channels.toml", areas=areas)
            around = Surroundings(session, clock, town)
            return Poller(CapSource("meteo", known, around), clock)

        yield make


def failing(status: int, **headers: str) -> web.Response:
    return web.Response(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


# --- once -----------------------------------------------------------------------------------------------------------


async def test_each_message_is_fetched_once_over_three_looks(server: FeedServer, polling: Polls) -> None:
    server.lay_out("a", "b", "c")
    poller = polling()

    assert await poller.identifiers() == ["a", "b", "c"]
    server.pages["/index"] = index_of("a", "b", "c", extra="<!-- made again -->")
    assert await poller.identifiers() == []
    server.lay_out("a", "b", "c", "d")
    assert await poller.identifiers() == ["d"]

    assert [server.count(f"/{name}.xml") for name in "abcd"] == [1, 1, 1, 1]


async def test_an_updated_entry_is_read_again(server: FeedServer, polling: Polls) -> None:
    server.lay_out("a")
    poller = polling()
    await poller.look()

    server.pages["/index"] = index_of("a", version="2026-11-25T13:00:00Z")

    assert await poller.identifiers() == ["a"]
    assert server.count("/a.xml") == 2


async def test_an_index_with_an_etag_is_asked_for_conditionally(server: FeedServer, polling: Polls) -> None:
    async def tagged(request: web.Request) -> web.StreamResponse:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(text=index_of("a"), headers={"ETag": '"1"'})

    server.pages |= {"/index": tagged, "/a.xml": message("a")}
    poller = polling()

    assert not (await poller.look()).unchanged
    reading = await poller.look()

    assert reading.unchanged
    assert reading.heard == ()
    assert [each.headers.get("If-None-Match") for each in server.requests if each.path == "/index"] == [None, '"1"']


async def test_an_index_without_an_etag_is_compared_with_the_last(server: FeedServer, polling: Polls) -> None:
    server.lay_out("a")
    poller = polling()

    assert not (await poller.look()).unchanged
    assert (await poller.look()).unchanged
    assert poller.memory.digest


async def test_what_is_over_is_not_fetched(server: FeedServer, polling: Polls) -> None:
    def entry(name: str, expires: str) -> str:
        return (
            f'<entry><id>{name}</id><updated>x</updated><link href="/{name}.xml"/>'
            f"<cap:expires>{expires}</cap:expires></entry>"
        )

    server.lay_out("over", "on")
    now = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    server.pages["/index"] = index_of(
        extra=entry("over", now.isoformat()) + entry("on", (now + timedelta(seconds=1)).isoformat())
    )

    assert await polling().identifiers() == ["on"]
    assert server.count("/over.xml") == 0


# --- what goes wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (b"<!DOCTYPE html><p>Oops", "{url}/b.xml: it is an HTML page; expected XML"),
        (b"", "{url}/b.xml: the document is empty; expected XML"),
        (
            alert_xml(identifier="").encode(),
            "{url}/b.xml: the CAP message has no identifier: it can't be told from any other",
        ),
        (failing(404), "{url}/b.xml answered 404 Not Found; check whether its address is still right"),
        (failing(410), "{url}/b.xml answered 410 Gone; look for its new address"),
    ],
)
async def test_a_message_that_is_broken_for_good_costs_itself_alone_and_is_told_once(
    server: FeedServer, polling: Polls, broken: bytes | web.Response, problem: str
) -> None:
    server.lay_out("a", "b", "c")
    server.pages["/b.xml"] = broken
    poller = polling()

    reading = await poller.look()

    assert [heard.alert.identifier if heard.alert else str(heard.problem) for heard in reading.heard] == [
        "a", problem.format(url=server.url), "c",
    ]  # fmt: skip
    assert poller.memory.digest
    server.pages["/index"] = index_of("a", "b", "c", extra="<!-- made again -->")
    assert (await poller.look()).heard == []
    assert server.count("/b.xml") == 1


@pytest.mark.parametrize("status", [500, 503, 429, 403])
async def test_a_message_that_fails_this_time_is_tried_at_the_next_look(
    server: FeedServer, polling: Polls, status: int
) -> None:
    """Although the index didn't change, and its server says so: its digest is forgotten."""

    async def tagged(request: web.Request) -> web.StreamResponse:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(text=index_of("a", "b", "c"), headers={"ETag": '"1"'})

    server.lay_out("a", "b", "c")
    server.pages |= {"/index": tagged, "/b.xml": failing(status)}
    poller = polling()

    reading = await poller.look()
    assert [heard.alert.identifier for heard in reading.heard] == ["a", "c"]
    assert str(reading.trouble).startswith(
        f"its index answers, but 1 of its messages can't be read: {server.url}/b.xml"
    )
    assert str(status) in str(reading.trouble)
    assert await poller.identifiers() == []
    server.pages["/b.xml"] = message("b")
    reading = await poller.look()
    assert ([heard.alert.identifier for heard in reading.heard], reading.trouble) == (["b"], None)

    assert [server.count(f"/{name}.xml") for name in "abc"] == [1, 3, 1]
    assert server.count("/index") == 3
    assert poller.memory.digest


async def test_the_index_is_still_there_when_its_server_says_that_nothing_changed(
    server: FeedServer, polling: Polls
) -> None:
    """After a failure nothing but garbage holds the index, and that may be collected while the server is asked."""

    async def tagged(request: web.Request) -> web.StreamResponse:
        if request.headers.get("If-None-Match") == '"1"':
            gc.collect()
            return web.Response(status=304)
        return web.Response(text=index_of("a"), headers={"ETag": '"1"'})

    server.pages |= {"/index": tagged, "/a.xml": failing(503)}
    poller = polling()

    gc.disable()
    try:
        assert await poller.identifiers() == []
        server.pages["/a.xml"] = message("a")
        assert await poller.identifiers() == ["a"]
    finally:
        gc.enable()


async def test_a_message_that_hangs_is_left_for_the_next_look(server: FeedServer, polling: Polls) -> None:
    done = asyncio.Event()

    async def hanging(_: web.Request) -> web.StreamResponse:
        await done.wait()
        return web.Response()

    server.lay_out("a", "b")
    server.pages["/a.xml"] = hanging
    poller = polling(timeout="2s")

    assert await poller.identifiers() == ["b"]
    done.set()
    server.pages["/a.xml"] = message("a")
    assert await poller.identifiers() == ["a"]


async def test_a_pause_that_a_server_asks_for_is_kept(server: FeedServer, polling: Polls) -> None:
    names = [f"m{number}" for number in range(12)]
    server.lay_out(*names)
    server.pages |= {f"/{name}.xml": failing(429, Retry_After="120") for name in names}
    poller = polling()

    assert await poller.identifiers() == []
    asked = len(server.asked)
    assert asked <= 1 + AT_ONCE
    for name in names:
        server.pages[f"/{name}.xml"] = message(name)
    await poller.clock.advance(119)
    reading = await poller.look()
    assert not reading.heard
    assert "429" in str(reading.trouble), "while it waits the messages are missing all the same"
    assert len(server.asked) == asked + 1
    await poller.clock.advance(1)
    assert sorted(await poller.identifiers()) == sorted(names)


async def test_a_pause_ends_when_the_clock_is_set_back(server: FeedServer, polling: Polls) -> None:
    server.lay_out("a")
    server.pages["/a.xml"] = failing(429, Retry_After="30")
    poller = polling()
    assert await poller.identifiers() == []

    server.pages["/a.xml"] = message("a")
    poller.clock.set(poller.clock.now() - timedelta(hours=1))
    assert await poller.identifiers() == ["a"]


async def test_a_server_that_only_fails_does_not_hold_back_the_look(server: FeedServer, polling: Polls) -> None:
    bad = [f"bad{number}" for number in range(30)]
    server.lay_out(*bad, "good")
    server.pages |= {f"/{name}.xml": failing(500) for name in bad}
    poller = polling()

    assert await poller.identifiers() == []
    assert len(server.asked) <= 1 + GIVE_UP_AFTER + AT_ONCE
    # what failed waits behind what wasn't tried, so that it can't keep the rest from ever being read
    while "good" not in await poller.identifiers():
        assert len(server.asked) < 100


@in_one_test
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"<!DOCTYPE html><p>Maintenance", "it is an HTML page; expected XML"),
        (b'{"title": "Unavailable", "status": 503}', 'no list of `warnings` and says "Unavailable"'),
        (b"", "the answer is empty"),
        (failing(500), "answered 500 Internal Server Error"),
        (failing(404), "answered 404 Not Found; check whether its address is still right"),
    ],
)
async def test_a_feed_that_fails_is_not_a_feed_that_is_empty(
    server: FeedServer, polling: Polls, answer: bytes | web.Response, reason: str
) -> None:
    server.pages["/index"] = answer

    with pytest.raises(SourceFailed) as caught:
        await polling("/index?key=word").look()

    assert str(caught.value).startswith(f"{server.url}/index")
    assert reason in str(caught.value)
    assert "word" not in str(caught.value)


async def test_the_time_that_a_busy_feed_names_is_handed_on(server: FeedServer, polling: Polls) -> None:
    server.pages["/index"] = failing(503, Retry_After="90")

    with pytest.raises(SourceFailed) as caught:
        await polling().look()

    assert caught.value.retry_at == datetime(2026, 11, 25, 12, 1, 30, tzinfo=UTC)


# --- how much -------------------------------------------------------------------------------------------------------


async def test_four_messages_are_asked_for_at_once_and_no_more(server: FeedServer, polling: Polls) -> None:
    names = [f"m{number}" for number in range(12)]
    server.lay_out(*names)
    release, full = asyncio.Event(), asyncio.Event()
    active, most = 0, 0

    def slow(name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(_: web.Request) -> web.StreamResponse:
            nonlocal active, most
            active += 1
            most = max(most, active)
            if active == AT_ONCE:
                full.set()
            await release.wait()
            active -= 1
            return web.Response(body=message(name))

        return answer

    server.pages |= {f"/{name}.xml": slow(name) for name in names}
    looking = asyncio.create_task(polling().identifiers())
    await asyncio.wait_for(full.wait(), 60)
    # another request there and back: what else was on its way has arrived by then
    async with aiohttp.ClientSession() as other:
        for _ in range(3):
            async with other.get(f"{server.url}/index") as response:
                await response.read()
    assert most == AT_ONCE
    release.set()

    assert await looking == names
    assert most == AT_ONCE


async def test_a_long_index_is_caught_up_with_over_several_looks(server: FeedServer, polling: Polls) -> None:
    names = [f"m{number}" for number in range(PER_LOOK + 3)]
    server.lay_out(*names)
    poller = polling()

    assert len(await poller.identifiers()) == PER_LOOK
    assert len(await poller.identifiers()) == 3
    assert (await poller.look()).unchanged


# --- where ----------------------------------------------------------------------------------------------------------


async def test_a_link_to_another_private_host_is_refused(server: FeedServer, polling: Polls) -> None:
    async with serving() as inner:
        inner.pages["/secret.xml"] = message("secret")
        server.pages["/index"] = index_of(f"{inner.url}/secret.xml")

        (heard,) = (await polling().look()).heard
        assert heard.problem is not None
        assert "the private host 127.0.0.1, which is refused" in str(heard.problem)
        assert inner.asked == []

        assert await polling(allow_private=True).identifiers() == ["secret"]


async def test_a_file_is_no_configured_host(server: FeedServer, polling: Polls, tmp_path: Path) -> None:
    server.pages["/secret.xml"] = message("secret")
    (tmp_path / "index.atom").write_text(index_of(f"{server.url}/secret.xml"))

    (heard,) = (await polling("index.atom", folder=tmp_path).look()).heard

    assert str(heard.problem) == (
        "a link in a file leads to the private host 127.0.0.1, which is refused; if this is meant: allow_private = true"
    )
    assert server.asked == []
    assert await polling("index.atom", folder=tmp_path, allow_private=True).identifiers() == ["secret"]


async def test_a_feed_may_not_name_a_file(server: FeedServer, polling: Polls, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(message("a"))
    link = f'<entry><id>a</id><link href="{(tmp_path / "a.xml").as_uri()}"/></entry>'
    server.pages["/index"] = index_of(extra=link)

    (heard,) = (await polling().look()).heard

    assert str(heard.problem) == "a link leads to a file outside the index's own folder, which is refused"


async def test_an_index_may_be_a_file_beside_its_messages(polling: Polls, tmp_path: Path) -> None:
    folder = tmp_path / "flux"
    folder.mkdir()
    (tmp_path / "outside.xml").write_bytes(message("outside"))
    (folder / "a.xml").write_bytes(message("a"))
    links = ("a.xml", "../outside.xml", "none.xml", "%00")
    entries = "".join(f'<entry><id>{link}</id><link href="{link}"/></entry>' for link in links)
    (folder / "index.atom").write_text(index_of(extra=entries))
    poller = polling("flux/index.atom", folder=tmp_path)

    heard = (await poller.look()).heard

    assert [one.alert.identifier if one.alert else str(one.problem) for one in heard] == [
        "a",
        "a link leads to a file outside the index's own folder, which is refused",
        "a link to a file can't be read",
    ]
    (folder / "none.xml").write_bytes(message("late"))
    assert await poller.identifiers() == ["late"]
    assert (await poller.look()).unchanged


async def test_one_message_in_a_file_is_a_feed_of_one(polling: Polls, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(message("a"))
    poller = polling(path.as_uri())

    assert await poller.identifiers() == ["a"]
    assert (await poller.look()).unchanged
    path.write_bytes(message("b"))
    assert await poller.identifiers() == ["b"]


async def test_a_file_that_is_not_there_is_told(polling: Polls, tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match=r"none\.xml is not there; check the path$"):
        await polling("none.xml", folder=tmp_path).look()
    with pytest.raises(SourceFailed, match=r"can't be read: Is a directory$"):
        await polling(str(tmp_path)).look()


# --- what nobody thought of -----------------------------------------------------------------------------------------


class OddPlace:
    """A place where fetching fails in a way that nobody thought of."""

    async def look(self, digest: str | None) -> FetchedDocument | None:
        raise NotImplementedError

    async def linked(self, url: str, version: str) -> FetchedDocument:
        if "odd" in url:
            raise ZeroDivisionError
        return FetchedDocument(url, message("good"))

    def on_news(self, wake: Callable[[], None] | None) -> None:
        raise NotImplementedError


class OddMapping(dict[str, object]):
    """A message whose reading fails in a way that nobody thought of."""

    def items(self) -> object:
        raise ZeroDivisionError


async def test_what_nobody_thought_of_costs_its_message_alone_and_is_logged() -> None:
    entries = [
        IndexEntry("1", url="https://feeds.example/odd.xml?key=word"),
        IndexEntry("2", document=OddMapping()),
        IndexEntry("3", url="https://feeds.example/good.xml"),
    ]
    index, assumed = FetchedDocument("https://feeds.example/index", b""), Assumed(PARIS, "fr")
    look = EntryReader(OddPlace(), index, assumed, state={}, now=FakeClock().now())

    with capture_logs() as logs:
        complete = await look.hear(entries)

    assert not complete
    assert look.heard.keys() == {"2", "3"}
    assert look.heard["2"].problem == because("reader_stumbled", error="ZeroDivisionError")
    assert look.heard["3"].alert is not None
    # what can't be fetched may come another time; what can't be read never will
    assert [(key, str(error)) for key, error in look.failures.items()] == [
        ("1", "https://feeds.example/odd.xml: the reader's code failed: ZeroDivisionError")
    ]
    assert sorted(line["event"] for line in logs) == ["message.failed", "reader.failed"]
    assert "word" not in str([{**line, "exc_info": None} for line in logs])


# --- what it says ---------------------------------------------------------------------------------------------------


def warning(name: str, level: str, severity: str) -> dict[str, object]:
    info = {
        "language": "fr-FR", "category": ["Met"], "event": "Orages", "urgency": "Future", "severity": severity,
        "certainty": "Likely", "parameter": [{"valueName": "awareness_level", "value": level}],
        "area": [{"areaDesc": "Isère", "geocode": [{"valueName": "NUTS3", "value": "FR714"}]}],
    }  # fmt: skip
    alert = {
        "identifier": name, "sender": "vigilance@meteo.fr", "sent": "2026-11-25T12:00:00+01:00", "status": "Actual",
        "msgType": "Alert", "scope": "Public", "info": [info],
    }  # fmt: skip
    return {"uuid": f"uuid-{name}", "alert": alert}


async def test_meteoalarms_green_is_left_out_and_its_colour_is_the_severity(server: FeedServer, polling: Polls) -> None:
    warnings = [warning("vert", "1; green; Minor", "Minor"), warning("orange", "3; orange; Severe", "Moderate")]
    server.pages["/index"] = json.dumps({"warnings": warnings})

    green, orange = (await polling().look()).heard

    assert green.alert is not None
    assert (green.problem, green.leave_out) == (None, because("green"))
    assert orange.alert is not None
    assert (orange.leave_out, orange.alert.severity) == (None, Severity.SEVERE)
    assert orange.notes == (because("colour_counts"),)


async def test_a_warning_of_nothing_costs_itself_alone(server: FeedServer, polling: Polls) -> None:
    warnings = [{"uuid": "rien", "alert": {}}, warning("jaune", "2; yellow; Moderate", "Moderate")]
    server.pages["/index"] = json.dumps({"warnings": warnings})

    nothing, yellow = (await polling().look()).heard

    assert str(nothing.problem) == (
        "the CAP message has no identifier and no sender and no sent: it can't be told from any other"
    )
    assert yellow.alert is not None


async def test_a_zip_is_read_and_a_message_in_it_once(server: FeedServer, polling: Polls) -> None:
    def zipped(*names: str) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name in names:
                archive.writestr(f"{name}.xml", message(name))
        return packed.getvalue()

    server.pages["/index"] = zipped("a", "b")
    poller = polling()

    assert await poller.identifiers() == ["a", "b"]
    server.pages["/index"] = zipped("b", "c")
    assert await poller.identifiers() == ["c"]


async def test_what_the_german_weather_service_takes_out_of_its_archive_is_over(
    server: FeedServer, polling: Polls
) -> None:
    def zipped(*names: str) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name in names:
                sender, expires = "<sender>opendata@dwd.de</sender>", "<expires>2099-11-25T20:00:00+01:00</expires>"
                info = info_xml(expires=expires, event=f"<event>{name}</event>")
                archive.writestr(
                    f"{name}.xml", alert_xml(info, identifier=f"<identifier>{name}</identifier>", sender=sender)
                )
        return packed.getvalue()

    server.pages["/index"] = zipped("a", "b")
    poller = polling()
    assert await poller.identifiers() == ["a", "b"]
    server.pages["/index"] = zipped("b")
    assert [await poller.identifiers() for _ in range(10)] == [[]] * 10

    (end,) = (await poller.look()).heard
    assert end.alert is not None
    assert (end.alert.msg_type, [each.identifier for each in end.alert.references]) == (MsgType.CANCEL, ["a"])
    assert end.notes == (because("snapshot_without"),)
    assert (await poller.look()).unchanged


NINA = {
    "identifier": "mow.1", "sender": "DE-HE-KS", "sent": "2026-11-25T12:00:00+01:00", "status": "Actual",
    "msgType": "Alert", "scope": "Public",
    "info": [{
        "language": "DE", "category": ["Safety"], "event": "Gefahrendurchsage", "urgency": "Immediate",
        "severity": "Extreme", "certainty": "Observed", "headline": "Bombenfund",
        "parameter": [{"valueName": "warnVerwaltungsbereiche", "value": "066330000000"}],
        "area": [{"areaDesc": "Kreis Kassel", "geocode": [{"valueName": "AreaId", "value": "0"}]}],
    }],
}  # fmt: skip


async def test_ninas_list_leads_to_its_messages_and_their_outlines(server: FeedServer, polling: Polls) -> None:
    ring = [[9, 51], [10, 51], [10, 52], [9, 51]]
    outlines = {"features": [{"properties": {"areaId": 0}, "geometry": {"type": "Polygon", "coordinates": [ring]}}]}
    listed = {"id": "mow.1", "payload": {"version": 1, "hash": "a"}, "sent": "2026-11-25T12:00:00+01:00"}
    server.pages |= {
        "/index/list.json": json.dumps([listed]),
        "/warnings/mow.1.json": json.dumps(NINA),
        "/warnings/mow.1.geojson": failing(503),
    }
    poller = polling("/index/list.json")

    # The outlines may be there the next time, and by them alone this town would find it.
    assert (await poller.look()).trouble is not None
    server.pages["/warnings/mow.1.geojson"] = json.dumps(outlines)
    (heard,) = (await poller.look()).heard

    assert heard.alert is not None
    assert (heard.alert.severity, heard.notes) == (Severity.EXTREME, ())
    assert heard.alert.areas[0].polygons == (((51, 9), (51, 10), (52, 10), (51, 9)),)
    assert (await poller.look()).unchanged


async def test_a_town_with_its_regional_key_does_not_wait_for_outlines(server: FeedServer, polling: Polls) -> None:
    server.pages |= {
        "/index/list.json": json.dumps([{"id": "mow.1"}]),
        "/warnings/mow.1.json": json.dumps(NINA),
        "/warnings/mow.1.geojson": failing(503),
    }
    poller = polling("/index/list.json", areas=("ARS:066330003003",))

    (heard,) = (await poller.look()).heard

    assert heard.alert is not None
    assert NamedValue("ARS", "066330003003") in heard.alert.areas[0].geocodes
    assert heard.notes == (because("nina_without_outlines"),)


async def test_what_was_forgiven_is_told_with_the_alert(server: FeedServer, polling: Polls) -> None:
    info = info_xml(language="", onset="<onset>2026-11-25T13:00:00</onset>")
    server.pages |= {"/index": index_of("a"), "/a.xml": alert_xml(info)}

    (heard,) = (await polling(language="fr-FR").look()).heard

    assert heard.alert is not None
    assert heard.alert.infos[0].language == "fr-FR"
    assert [str(each) for each in heard.notes] == [
        "time '2026-11-25T13:00:00' has no zone: taken as 2026-11-25T13:00:00+01:00"
    ]
