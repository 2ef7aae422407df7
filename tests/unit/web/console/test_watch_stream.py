"""The stream of what changes, over a real socket: told at once, each once, to the end of the session or the house."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer

from alerts.app import build
from alerts.config import load_config
from alerts.daemon.environment import DaemonEnvironment
from alerts.daemon.intake import FileWatch
from alerts.model.events import Events, IncidentChanged, Stopping
from alerts.model.incident import EVERYTHING, MOST_CHANGES
from alerts.model.post import PostState
from alerts.web.console import stream
from alerts.web.console.stream import STREAMS, Rhythm
from tests.fakes import FakeClock, PlainChannel
from tests.unit.web.console.watching import TOWN, Desk, a_desk

QUICK = Rhythm(collect=0.01, beat=0.05, recheck=0.05)
PATIENT = Rhythm(collect=0.05, beat=30.0, recheck=30.0)


class Reader:
    """A browser's EventSource, as far as a test needs it."""

    def __init__(self, answer) -> None:
        self.answer = answer

    async def event(self) -> tuple[str, str] | None:
        """The next event as (name, data); a comment is ("", its words); None: the stream ended."""
        lines = []
        while (line := (await self.answer.content.readline()).decode()) not in ("", "\n"):
            lines.append(line.rstrip("\n"))
        if not lines:
            return None
        fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
        comment = next((line[2:] for line in lines if line.startswith(":")), "")
        return fields.get("event", ""), fields.get("data", comment)

    async def until(self, name: str) -> str:
        while (found := await self.event()) is not None:
            if found[0] == name:
                return found[1]
        raise AssertionError(f"the stream ended without {name}")


@pytest.fixture
async def desk(tmp_path):
    async with a_desk(tmp_path) as desk:
        yield desk


async def served(desk, rhythm):
    client = TestClient(TestServer(desk.app(stream.routes(desk.console, rhythm))))
    await client.start_server()
    return client


async def opened(client) -> Reader:
    answer = await client.get("/desk/events")
    assert answer.status == 200
    assert answer.content_type == "text/event-stream"
    reader = Reader(answer)
    assert await reader.event() == ("", "watching")
    return reader


async def test_an_action_is_told_by_the_name_of_its_incident(desk):
    client = await served(desk, PATIENT)
    async with client, asyncio.timeout(60):
        reader = await opened(client)
        stored = await desk.post()
        assert await reader.event() == ("changed", stored.incident_id)


async def test_several_changes_at_once_are_told_once_each(desk):
    client = await served(desk, PATIENT)
    async with client, asyncio.timeout(60):
        reader = await opened(client)
        for incident in ("i", "j", "i", "i"):
            desk.events.publish(IncidentChanged(incident))
        assert {await reader.event(), await reader.event()} == {("changed", "i"), ("changed", "j")}
        desk.events.publish(IncidentChanged("k"))
        assert await reader.event() == ("changed", "k")


async def test_what_is_not_known_is_told_as_everything(desk):
    client = await served(desk, PATIENT)
    async with client, asyncio.timeout(60):
        reader = await opened(client)
        desk.events.publish(IncidentChanged("i"))
        desk.events.publish(IncidentChanged())
        assert await reader.event() == ("changed", "*")


async def test_a_draft_a_sign_in_and_a_look_are_nobody_elses_news(desk):
    client = await served(desk, PATIENT)
    async with client, asyncio.timeout(60):
        reader = await opened(client)
        await desk.sign_in()
        await desk.service.act(lambda unit: unit.views.looked("Anne", "i", "a", unit.now))
        stored = await desk.post()
        assert await reader.event() == ("changed", stored.incident_id)


async def test_a_quiet_stream_shows_that_it_lives(desk):
    client = await served(desk, QUICK)
    async with client, asyncio.timeout(60):
        reader = await opened(client)
        assert await reader.event() == ("", "still here")
        assert await reader.event() == ("", "still here")


@pytest.mark.parametrize("how", ["signed out", "idle", "shut out", "over"])
async def test_a_stream_ends_with_its_session(desk, how):
    client = await served(desk, QUICK)
    visitor = desk.visitor()
    async with client, asyncio.timeout(60):
        reader = await opened(client)
        await reader.event()
        if how == "signed out":
            await desk.service.act(lambda unit: unit.accounts.drop_session(visitor.session.digest))
        elif how == "shut out":
            await desk.database.write(lambda db: db.execute("UPDATE account SET disabled_at = 1").rowcount)
        elif how == "over":
            await desk.database.write(lambda db: db.execute("UPDATE session SET expires_at = 1").rowcount)
        else:
            desk.clock.set(desk.clock.now() + timedelta(hours=12, seconds=1))
        assert await reader.until("over") == "signed out"
        assert await reader.event() is None


async def test_who_was_shut_out_is_told_so_in_place_of_the_next_change(desk):
    client = await served(desk, PATIENT)
    async with client, asyncio.timeout(60):
        reader = await opened(client)
        await desk.database.write(lambda db: db.execute("UPDATE account SET disabled_at = 1").rowcount)
        desk.events.publish(IncidentChanged("i"))
        assert await reader.event() == ("over", "signed out")
        assert await reader.event() is None


async def test_a_house_that_stops_ends_every_stream(desk):
    client = await served(desk, PATIENT)
    async with client, asyncio.timeout(60):
        reader = await opened(client)
        desk.events.publish(Stopping())
        while await reader.event() is not None:
            pass


async def test_who_opens_one_more_than_a_session_holds_gets_it_and_the_oldest_ends_and_is_told_so(desk):
    client = await served(desk, QUICK)
    async with client, asyncio.timeout(60):
        desk.name = "Bea"
        await desk.sign_in()
        other = await opened(client)
        desk.name = "Anne"
        oldest, *readers = [await opened(client) for _ in range(STREAMS)]
        readers.append(await opened(client))

        assert await oldest.until("full") == "too many pages"
        assert await oldest.event() is None
        stored = await desk.post()
        for reader in (other, *readers):
            assert await reader.until("changed") == stored.incident_id


async def test_a_page_that_was_left_gives_way_before_any_other_though_nobody_noticed_yet(desk):
    client = await served(desk, Rhythm(collect=0.01, beat=3600.0, recheck=3600.0, left=3600.0))
    async with client, asyncio.timeout(60):
        readers = [await opened(client) for _ in range(STREAMS)]
        for number in range(10 * STREAMS):
            readers.pop(number % STREAMS).answer.close()
            readers.append(await opened(client))
        stored = await desk.post()
        for reader in readers:
            assert await reader.event() == ("changed", stored.incident_id)


async def test_a_reader_that_does_not_read_holds_nobody_up(desk):
    client = await served(desk, QUICK)
    async with client, asyncio.timeout(60):
        slow, quick = await opened(client), await opened(client)
        for round_ in range(300):
            for number in range(20):
                desk.events.publish(IncidentChanged(f"incident-{round_}-{number}" * 20))
            await quick.event()
        desk.events.publish(IncidentChanged("the last"))
        while await quick.event() != ("changed", "the last"):
            pass
        assert not slow.answer.closed


async def test_who_never_asks_is_told_once_that_everything_changed():
    events = Events()
    with events.watch() as told:
        for number in range(10 * MOST_CHANGES):
            events.publish(IncidentChanged(f"i{number}"))
        assert await anext(told) == EVERYTHING
        events.publish(IncidentChanged("one more"))
        assert await anext(told) == "one more"
    events.publish(IncidentChanged("nobody is left"))


async def test_another_processs_write_is_told_by_incident_and_a_lease_is_not(desk):
    watch = FileWatch()
    assert await desk.database.read(watch.look) == (False, frozenset())
    assert await desk.database.read(watch.look) == (False, frozenset())
    lease = "INSERT INTO lease (lane, owner, until) VALUES ('x', 'us', 1)"
    await desk.database.write(lambda unit: unit.execute(lease).rowcount)
    assert await desk.database.read(watch.look) == (True, frozenset())
    stored = await desk.post()
    assert await desk.database.read(watch.look) == (True, frozenset({stored.incident_id}))
    assert await desk.database.read(watch.look) == (False, frozenset())


async def test_a_post_that_a_lane_sends_is_told_as_it_is_sent(tmp_path):
    (tmp_path / "channels.toml").write_text(TOWN.format(publish="auto"), encoding="utf-8")
    config = load_config(tmp_path / "channels.toml")
    clock = FakeClock()
    outside = DaemonEnvironment(
        clock=clock,
        open_channel=lambda name, settings, resources: PlainChannel(clock),
        open_source=lambda name, settings, around: None,
        doors=False,
    )
    house = await build(config, outside)
    desk = Desk(config, house.database, clock, house.events)
    await house.start()
    try:
        await desk.sign_in()
        client = await served(desk, Rhythm(collect=0.0, beat=30.0, recheck=30.0))
        async with client, asyncio.timeout(60):
            reader = await opened(client)
            stored = await desk.post(channels=("x",))
            while (await desk.posts(stored.id))[0].state is not PostState.SENT:
                await clock.advance(0.05)
            assert await reader.until("changed") == stored.incident_id
            await clock.advance(0.05)
    finally:
        await house.stop()
