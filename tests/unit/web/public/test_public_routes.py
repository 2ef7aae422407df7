"""The stream of events, as a browser holds it open and leaves it."""

from __future__ import annotations

import asyncio

from aiohttp import ClientSession, web

from alerts.web.public import publisher as routes
from alerts.web.public.publisher import public_routes
from tests.unit.web.public.house import a_house, next_data


async def test_who_goes_away_in_the_middle_of_the_stream_is_no_error(tmp_path, monkeypatch, caplog):
    """On a runner as the daemon's: that of the tests cancels who has nobody left to tell."""
    monkeypatch.setattr(routes, "HEARTBEAT", 0.01)
    async with a_house(tmp_path) as house:
        app = web.Application()
        app.add_routes(public_routes(house.publisher))
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with asyncio.timeout(60), ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{runner.addresses[0][1]}/events") as stream:
                await next_data(stream)
                stream.close()
            while house.publisher._listeners:  # noqa: ASYNC110 nobody is told that a listener went
                await asyncio.sleep(0)
        await runner.cleanup()

    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == []
