"""Many sources that name one address, against a real server: it is asked once for all of them, and read once."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web

from alerts.model.errors import FailedForGood, SourceFailed
from alerts.model.ports import Memory, Surroundings
from alerts.model.town import Town as Station
from alerts.sources import address, document
from alerts.sources.cap.source import CapSource
from alerts.sources.poll import asked_again_after
from alerts.sources.settings import CapSettings
from alerts.sources.shared import SharedReader
from tests.cap_messages import message
from tests.contract.sources.feed_server import index_of, serving
from tests.fakes import FakeClock


class Town:
    """One town's source, looked at when a test says so; `woken` counts the news it was told of."""

    def __init__(self, name, source):
        self.name = name
        self.source = source
        self.memory = Memory()
        self.stored = set()
        self.woken = 0
        source.on_news(self.wake)

    def wake(self):
        self.woken += 1

    async def known(self, keys):
        return self.stored & set(keys)

    async def look(self):
        reading = await self.source.read(self.memory, self.known, datetime(2026, 11, 25, 12, 0, tzinfo=UTC))
        self.memory = reading.memory
        self.stored |= {each.key for each in reading.heard}
        return reading

    async def hears(self):
        return [each.alert for each in (await self.look()).heard]


class County:
    """Towns that share a reader, and the server of the feeds that they name."""

    def __init__(self, server, session):
        self.server = server
        self.clock = FakeClock()
        self.session = session
        self.reader = SharedReader(session, self.clock)
        self.towns = []

    def town(self, url="/index", name="Town", **settings):
        known = CapSettings.model_validate({"kind": "cap", "url": self.at(url), **settings})
        station = Station(name, f"alerts@{name.lower()}.example")
        town = Town(name, CapSource("meteo", known, Surroundings(self.session, self.clock, station, self.reader)))
        self.towns.append(town)
        return town

    def at(self, url):
        return url if "://" in url else f"{self.server.url}{url}"

    async def all_look(self):
        """Everybody at once; the time goes on while they wait."""
        looks = [asyncio.ensure_future(town.look()) for town in self.towns]
        await self.let_happen(lambda: all(look.done() for look in looks))
        return await asyncio.gather(*looks, return_exceptions=True)

    async def let_happen(self, done, most=500):
        """What is asked over sockets is answered, and what waits a few milliseconds goes on."""
        while not done():
            most -= 1
            assert most, "it doesn't come"
            await asyncio.sleep(0.001)
            await self.clock.advance(0.01)


@pytest.fixture
async def county():
    async with serving() as server, aiohttp.ClientSession() as session:
        county = County(server, session)
        yield county
        await county.reader.close()


@pytest.fixture
def fed(county):
    county.server.lay_out("a", "b")
    return county


class Tagged:
    """An index that knows its versions."""

    def __init__(self, server, *names):
        self.server = server
        self.conditions = []
        self.version = 0
        server.pages["/index"] = self.answer
        self.say(*names)

    def say(self, *names, extra=""):
        self.version += 1
        self.body = index_of(*names, extra=extra)
        self.server.pages |= {f"/{name}.xml": message(name) for name in names}

    async def answer(self, request):
        self.conditions.append(request.headers.get("If-None-Match"))
        if self.conditions[-1] == f'"{self.version}"':
            return web.Response(status=304)
        return web.Response(text=self.body, headers={"ETag": f'"{self.version}"'})


# --- once for all ---------------------------------------------------------------------------------------------------


async def test_thirty_towns_ask_once_and_are_told_the_very_same_alerts(fed):
    towns = [fed.town(name=f"T{number}") for number in range(30)]

    readings = await fed.all_look()

    assert sorted(fed.server.asked) == ["/a.xml", "/b.xml", "/index"]
    assert fed.reader.requests == 3
    first = [heard.alert for heard in readings[0].heard]
    assert [alert.identifier for alert in first] == ["a", "b"]
    for reading in readings[1:]:
        assert all(heard.alert is alert for heard, alert in zip(reading.heard, first, strict=True))
    assert all(town.stored == towns[0].stored for town in towns)


async def test_whoever_looks_soon_after_is_told_what_was_answered(fed):
    await fed.town().look()
    # The thread that waited for the reader lets go of the words when it gets its turn.
    [asked] = fed.reader._addresses.values()
    await fed.let_happen(lambda: asked._version.document() is None)
    other = fed.town()
    await fed.clock.advance(56)

    assert len(await other.hears()) == 2
    assert fed.server.count("/index") == 2, "nobody held the words any more, and this one never heard them"

    third = fed.town()
    assert len(await third.hears()) == 2
    assert fed.server.count("/index") == 2
    assert fed.server.count("/a.xml") <= 2


async def test_it_is_asked_at_the_shortest_interval_of_those_who_ask(fed):
    rare, often = fed.town(every="10m"), fed.town(every="60s")
    await fed.all_look()
    for _ in range(10):
        await fed.clock.advance(60)
        await often.look()
    await rare.look()

    assert fed.server.count("/index") == 11


async def test_an_unchanged_index_is_asked_for_by_its_tag_and_costs_nobody_anything(county):
    index = Tagged(county.server, "a")
    towns = [county.town() for _ in range(3)]
    await county.all_look()
    await county.clock.advance(60)

    readings = await county.all_look()

    assert index.conditions == [None, '"1"']
    assert [reading.unchanged for reading in readings] == [True] * 3
    assert [reading.memory is town.memory for reading, town in zip(readings, towns, strict=True)] == [True] * 3


async def test_the_same_entries_in_other_bytes_ask_nothing_of_the_database(county):
    index = Tagged(county.server, "a")
    town = county.town()
    await town.look()
    index.say("a", extra="<!-- made at noon -->")
    await county.clock.advance(60)

    async def asked(keys):
        raise AssertionError(keys)

    town.known = asked
    reading = await town.look()
    assert (reading.heard, reading.unchanged) == ([], False)


async def test_what_was_not_stored_is_heard_again(county):
    index = Tagged(county.server, "a")
    town = county.town()
    memory = town.memory
    await town.look()
    town.memory, town.stored = memory, set()
    index.say("a", extra="<!-- made at noon -->")
    await county.clock.advance(60)

    assert len(await town.hears()) == 1


async def test_each_zone_reads_a_time_without_one_as_its_own(fed):
    fed.server.pages["/a.xml"] = message("a").replace(b"+01:00", b"")
    fed.town()
    island = fed.town()
    station = Station("Saint-Denis", "alerts@island.example", timezone="Indian/Reunion")
    settings = CapSettings(kind="cap", url=fed.at("/index"))
    island.source = CapSource("meteo", settings, Surroundings(fed.session, fed.clock, station, fed.reader))

    here, there = await fed.all_look()

    assert here.heard[0].alert.sent != there.heard[0].alert.sent
    assert here.heard[1].alert == there.heard[1].alert
    assert fed.server.count("/a.xml") == 1


async def test_a_town_that_comes_while_another_reads_the_messages_asks_for_none_of_them_again(fed):
    """The first one has the index in its hands still, and nobody the messages it has read."""
    fed.reader.many = True
    first, late = fed.town(name="Vif"), fed.town(name="Claix")
    document = await first.source._place.look(None)
    for entry in (await first.source._index(document)).entries:
        await first.source._place.linked(entry.url, entry.key)

    assert len(await late.hears()) == 2
    assert sorted(fed.server.asked) == ["/a.xml", "/b.xml", "/index"]


async def test_what_one_town_alone_asked_for_is_not_kept_for_ever(fed):
    fed.reader.many = True
    town = fed.town()
    await town.look()
    assert len(fed.reader.shelf) == 3
    for _ in range(3):
        await fed.clock.advance(document.KEPT_FOR)
        await town.look()
    assert len(fed.reader.shelf) == 0


# --- what is whose --------------------------------------------------------------------------------------------------


async def test_a_secret_feed_is_served_to_nobody_who_does_not_hold_its_credential(county):
    """By user and password, by a key in the query, and by a secret path: the address is the credential."""
    good = f"Basic {b64encode(b'town:word').decode()}"

    async def secret(request):
        if request.headers.get("Authorization") == good or request.query.get("key") == "word":
            return web.Response(text=index_of("a"))
        return web.Response(status=401)

    county.server.pages |= {"/index": secret, "/a.xml": message("a")}
    holder = county.town(county.server.url.replace("//", "//town:word@") + "/index")
    by_key = county.town("/index?key=word")
    others = [
        county.town(),
        county.town("/index?key=other"),
        county.town(county.server.url.replace("//", "//town:other@") + "/index"),
        county.town(county.server.url.replace("//", "//town@") + "/index"),
    ]

    assert len(await holder.hears()) == len(await by_key.hears()) == 1
    for other in others:
        with pytest.raises(SourceFailed, match="answered 401"):
            await other.look()
        # and what the feed links to isn't there for the asking either
        county.server.pages["/a.xml"] = web.Response(status=401)
        (told,) = holder.stored
        with pytest.raises(SourceFailed):
            await other.source._place.linked(f"{county.server.url}/a.xml", told)


async def test_what_one_town_may_ask_of_its_own_network_is_not_told_to_another(county):
    """A link to this machine: only a town that allows it is given what is there."""
    async with serving() as inside:
        inside.pages["/private.xml"] = message("private")
        county.server.pages["/index"] = index_of(f"{inside.url}/private")
        allowed, other = county.town(allow_private=True), county.town()

        link = f"{inside.url}/private.xml"
        assert (await allowed.source._place.linked(link, "1")).body == message("private")
        with pytest.raises(FailedForGood, match="private host"):
            await other.source._place.linked(link, "1")
        assert inside.count("/private.xml") == 1


async def test_two_feeds_that_link_to_one_message_each_fetch_it(county):
    """What an index links to is told to those who read that index, and to nobody else."""
    county.server.pages |= {"/index1": index_of("a"), "/index2": index_of("a"), "/a.xml": message("a")}
    await county.town("/index1").look()
    await county.town("/index2").look()

    assert county.server.count("/a.xml") == 2


async def test_the_feed_is_told_who_asks(fed):
    towns = [fed.town(name=name) for name in ("Vif", "Claix", "Seyssins")]
    await fed.all_look()
    for town in towns[:2]:
        town.source.on_news(None)
    await fed.clock.advance(60)
    await towns[2].look()

    agents = [each.headers["User-Agent"].partition(" ")[2] for each in fed.server.requests if each.path == "/index"]
    assert agents == ["(Claix and 2 more; alerts@claix.example)", "(Seyssins; alerts@seyssins.example)"]


# --- while it is asked ----------------------------------------------------------------------------------------------


async def test_those_who_ask_meanwhile_wait_for_the_same_answer_and_have_it_a_few_at_a_time(fed):
    may, came = asyncio.Event(), []

    async def slow(_):
        await may.wait()
        return web.Response(text=index_of("a"))

    fed.server.pages["/index"] = slow

    async def look(town):
        assert await town.source._place.look(None)
        came.append(fed.clock.monotonic())

    looks = [asyncio.ensure_future(look(fed.town())) for _ in range(60)]
    await fed.let_happen(lambda: fed.server.asked)
    assert not came
    may.set()
    await fed.let_happen(lambda: all(each.done() for each in looks))

    assert fed.server.count("/index") == 1
    assert max(came) - min(came) >= 0.04, "not all in the same instant"
    assert max(came.count(time) for time in came) <= 1 + address.A_FEW


async def test_one_who_stops_waiting_takes_the_answer_from_nobody(fed):
    may = asyncio.Event()

    async def slow(_):
        await may.wait()
        return web.Response(text=index_of("a"))

    fed.server.pages["/index"] = slow
    first, second = (asyncio.ensure_future(fed.town().look()) for _ in range(2))
    await fed.let_happen(lambda: fed.server.asked)
    first.cancel()
    await asyncio.sleep(0)
    may.set()
    await fed.let_happen(second.done)

    assert len((await second).heard) == 1
    assert fed.server.count("/index") == 1


async def test_news_wakes_all_others_a_few_at_a_time(county):
    index = Tagged(county.server, "a")
    towns = [county.town() for _ in range(35)]
    await county.all_look()
    index.say("a", "b")
    await county.clock.advance(60)

    assert len(await towns[0].hears()) == 1
    await county.clock.settle()
    assert [town.woken for town in towns].count(1) == address.A_FEW
    await county.clock.advance(1)
    assert [town.woken for town in towns] == [0, *[1] * 34]

    assert [len(await town.hears()) for town in towns[1:]] == [1] * 34
    assert (len(index.conditions), county.server.count("/b.xml")) == (2, 1)


async def test_nobody_is_woken_where_nothing_is_new(county):
    Tagged(county.server, "a")
    towns = [county.town() for _ in range(3)]
    await county.all_look()
    await county.clock.advance(60)
    await towns[0].look()
    await county.clock.advance(1)

    assert [town.woken for town in towns] == [0, 0, 0]


async def test_a_town_that_is_gone_is_neither_woken_nor_kept(county):
    index = Tagged(county.server, "a")
    stays, goes = county.town(), county.town()
    await county.all_look()
    goes.source.on_news(None)
    index.say("a", "b")
    await county.clock.advance(60)
    await stays.look()
    await county.clock.advance(1)
    assert goes.woken == 0

    stays.source.on_news(None)
    assert not county.reader._addresses


async def test_an_address_that_nobody_asks_for_any_more_is_forgotten(fed):
    await fed.town().look()
    await fed.clock.advance(address.GONE_AFTER + 1)
    await fed.town("/other").source._place.linked(f"{fed.server.url}/a.xml", "1")

    assert [where.url for where in fed.reader._addresses] == [f"{fed.server.url}/other"]


# --- failures -------------------------------------------------------------------------------------------------------


async def test_a_failure_is_told_to_all_for_as_long_as_a_retry_waits(county):
    towns = [county.town() for _ in range(5)]
    for failures in (1, 2, 3):
        outcomes = await county.all_look()
        assert ["answered 404 Not Found" in str(each) for each in outcomes] == [True] * 5
        assert county.server.count("/index") == failures
        # What a poller waits at the least before it tries again.
        await county.clock.advance(asked_again_after(failures, timedelta(minutes=1), 0.0).total_seconds())
    assert len({id(each) for each in outcomes}) == 5
    county.server.lay_out("a")

    assert len(await towns[0].hears()) == 1
    await county.clock.advance(1)
    assert [town.woken for town in towns] == [0, 1, 1, 1, 1], "those who rest longer hear that it is well again"


async def test_a_pause_that_a_server_asks_for_is_kept_by_all(county):
    county.server.pages["/index"] = web.Response(status=429, headers={"Retry-After": "300"})
    first, late = county.town(), county.town()
    with pytest.raises(SourceFailed) as caught:
        await first.look()
    county.server.lay_out("a")
    await county.clock.advance(299)

    with pytest.raises(SourceFailed) as again:
        await late.look()
    assert again.value.retry_at == caught.value.retry_at
    assert county.server.count("/index") == 1
    await county.clock.advance(1)
    assert len(await late.hears()) == 1


async def test_a_message_that_fails_is_asked_for_once_for_all_until_the_next_look(fed):
    fed.server.pages["/b.xml"] = web.Response(status=500)
    towns = [fed.town() for _ in range(5)]

    readings = await fed.all_look()

    assert [len(reading.heard) for reading in readings] == [1] * 5
    assert all("answered 500" in str(reading.trouble) for reading in readings)
    assert fed.server.count("/b.xml") == 1
    fed.server.pages["/b.xml"] = message("b")
    await fed.clock.advance(60)
    assert [len(reading.heard) for reading in await fed.all_look()] == [1] * 5
    assert (fed.server.count("/b.xml"), fed.server.count("/a.xml")) == (2, 1)
    assert all(len(town.stored) == 2 for town in towns)


async def test_what_nobody_thought_of_is_told_to_all_who_wait_and_kept_for_nobody(fed, monkeypatch):
    async def broken(*_):
        await asyncio.sleep(0.01)
        raise ZeroDivisionError

    with monkeypatch.context() as odd:
        odd.setattr("alerts.sources.fetch.Fetcher.get", broken)
        fed.town()
        fed.town()
        assert [type(each) for each in await fed.all_look()] == [ZeroDivisionError] * 2
    assert [len(each.heard) for each in await fed.all_look()] == [2, 2]


async def test_slow_feeds_hold_up_no_other(county):
    """A hundred that never answer, each at a host of its own, keep a place from nobody whose feed answers."""

    async def hangs(_):
        await asyncio.Event().wait()

    county.server.lay_out("a")
    county.server.pages["/slow"] = hangs
    port = county.server.url.rpartition(":")[2]
    slow = [county.town(f"http://127.0.1.{each}:{port}/slow", timeout="60s") for each in range(1, 101)]
    for each in slow:
        county.reader.address(each.source._place._where)._fetcher.slow = True
    looks = [asyncio.ensure_future(each.look()) for each in slow]
    await asyncio.sleep(0)

    assert len(await asyncio.wait_for(county.town().hears(), 30)) == 1
    for each in looks:
        each.cancel()
    await asyncio.gather(*looks, return_exceptions=True)


# --- how much is kept -----------------------------------------------------------------------------------------------


async def test_a_single_town_keeps_no_words(fed):
    await fed.town().look()

    assert len(fed.reader.shelf) == 0


async def test_what_many_want_is_kept_a_while_and_no_longer(fed):
    towns = [fed.town(), fed.town()]
    await fed.all_look()
    assert len(fed.reader.shelf) == 3
    await fed.clock.advance(document.KEPT_FOR + 1)
    fed.server.pages["/index"] = web.Response(status=500)
    with pytest.raises(SourceFailed):
        await towns[0].look()

    assert len(fed.reader.shelf) == 0


async def test_all_are_told_though_the_shelf_has_room_for_nothing(county):
    county.reader.shelf = document.Shelf(most=0)
    index = Tagged(county.server, "a")
    towns = [county.town() for _ in range(25)]
    await county.all_look()
    for town in towns:
        town.source.on_news(lambda town=town: asyncio.ensure_future(town.look()))
    asked = len(index.conditions)
    index.say("a", "b")
    await county.clock.advance(60)
    await towns[0].look()
    await county.let_happen(lambda: all(len(town.stored) == 2 for town in towns))

    assert len(index.conditions) == asked + 1


async def test_however_many_towns_want_them_four_messages_of_an_index_are_asked_for_at_once(county):
    under_way, most = [0], [0]

    async def answer(request):
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        await asyncio.sleep(0.005)
        under_way[0] -= 1
        return web.Response(body=message(request.path.strip("/").removesuffix(".xml")))

    names = [f"m{number}" for number in range(20)]
    county.server.pages["/index"] = index_of(*names)
    county.server.pages |= {f"/{name}.xml": answer for name in names}
    # Each has heard others already, so each begins at another one.
    for start in range(10):
        town = county.town()
        town.stored = {f"{county.server.url}/{name}.xml 2026-11-25T12:00:00Z" for name in names[: 2 * start]}
    await county.all_look()

    assert most[0] == address.LINKS_AT_ONCE
    assert len(county.server.asked) == 21


async def test_links_that_nobody_needs_any_more_are_forgotten(fed):
    town = fed.town()
    place = town.source._place
    where = fed.reader.address(place._where)
    for number in range(10):
        fed.server.pages[f"/{number}"] = b"words"
        await place.linked(f"{fed.server.url}/{number}", "1")

    assert len(where._links) == 10
    where._links_at_most = 9
    await place.linked(f"{fed.server.url}/9", "1")
    assert len(where._links) <= 2
