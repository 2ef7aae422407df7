"""The daemon goes on looking at its file, whatever the file answers now and then."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from datetime import timedelta

from alerts.app import build
from alerts.config import load_config
from alerts.daemon import intake
from alerts.daemon.environment import DaemonEnvironment
from alerts.model.errors import DatabaseRefused
from alerts.model.events import PostsStored
from alerts.store.database import Database
from alerts.store.files import migrate
from alerts.store.sockets import own_socket
from bench.history import fill
from tests.fakes import FakeClock, PlainChannel
from tests.unit.leases import take

TOWN = """
[station]
name = "Saint-Martin"
sender = "alertes@saint-martin.example"

[channels.telegram]
kind = "telegram"
chat = "@saintmartin"
token = { env = "TELEGRAM_TOKEN" }
"""


class Refusing(Database):
    """Refuses to be read while it is told to."""

    refuses = False
    refused = 0

    async def read(self, work):
        if self.refuses:
            self.refused += 1
            raise DatabaseRefused("disk I/O error")
        return await super().read(work)


class NoSession:
    async def close(self) -> None:
        """There is nothing to close."""


async def test_a_file_that_cannot_be_read_for_a_while_is_looked_at_again(tmp_path):
    (tmp_path / "channels.toml").write_text(TOWN, encoding="utf-8")
    config = load_config(tmp_path / "channels.toml")
    clock = FakeClock()

    async def open_database(path):
        migrate(path)
        return await Refusing.open(path)

    async def open_session():
        return NoSession()

    outside = DaemonEnvironment(
        clock=clock,
        open_database=open_database,
        open_session=open_session,
        open_channel=lambda name, settings, resources: PlainChannel(clock),
        doors=False,
    )
    house = await build(config, outside)

    async def wind(seconds: int) -> None:
        """Second by second, the database's threads answering in between."""
        for _ in range(seconds):
            await clock.advance(1)
            for _ in range(10):
                await Database.read(house.database, lambda db: None)
                await Database.write(house.database, lambda db: None)
                await clock.settle()

    await house.start()
    try:
        await wind(2)
        house.database.refuses = True
        await wind(5)
        assert house.database.refused
        house.database.refuses = False
        await wind(5)

        ended = {task.get_name() for task in house.workers.tasks if task.done()}
        assert ended <= {"unknown posts"}, "which looks once"
    finally:
        await house.stop()


async def test_what_is_stored_here_rings_at_the_daemons_beside_and_what_they_stored_does_not(tmp_path):
    (tmp_path / "channels.toml").write_text(TOWN + '[web]\nlisten = "127.0.0.1:0"\n', encoding="utf-8")
    config, clock = load_config(tmp_path / "channels.toml"), FakeClock()
    house = await build(config, DaemonEnvironment(clock=clock, open_channel=lambda *_: PlainChannel(clock)))
    own = own_socket(config.database, "wake")
    theirs = own.with_name(own.name.rpartition(".")[0] + ".1")
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)) as bell:
        theirs.unlink(missing_ok=True)  # beside the database, or in a folder that outlives the test's
        bell.bind(str(theirs))

        def rings() -> int:
            count = 0
            with contextlib.suppress(BlockingIOError):
                while bell.recv(16):
                    count += 1
            return count

        await house.start()
        try:
            rings()
            house.events.publish(PostsStored(["telegram"]))
            assert rings() == 0, "as far as it knows it is alone"
            await take(house.database, [], "others", clock.now(), clock.now() + timedelta(seconds=50))
            await house._keeper._sees_work()
            house.events.publish(PostsStored(["telegram"]))
            assert rings() == 1
            house.events.publish(PostsStored(elsewhere=True))
            assert rings() == 0, "or two daemons would ring for ever"
        finally:
            theirs.unlink()
            stopping = asyncio.create_task(house.stop())
            while not stopping.done():
                await clock.advance(1)


async def test_what_was_over_for_longer_than_it_is_kept_goes_while_the_house_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "PRUNED_EVERY", 60.0)  # in six hours of a whole house nothing else would happen
    (tmp_path / "channels.toml").write_text(TOWN + '[store]\nurl = "sqlite:///t.db"\nkeep = "1y"\n', encoding="utf-8")
    config, clock = load_config(tmp_path / "channels.toml"), FakeClock()
    fill(config.database, 300, now=clock.now())

    async def open_session():
        return NoSession()

    outside = DaemonEnvironment(
        clock=clock,
        open_session=open_session,
        open_channel=lambda name, settings, resources: PlainChannel(clock),
        doors=False,
    )
    house = await build(config, outside)

    async def left() -> int:
        return (await house.database.read(lambda db: db.execute("SELECT count(*) FROM alert").fetchone()))[0]

    await house.start()
    try:
        await clock.advance(61)
        while await left() > 40:
            await clock.advance(1)
    finally:
        stopping = asyncio.create_task(house.stop())
        while not stopping.done():
            await clock.advance(1)
