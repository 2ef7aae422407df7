"""Nobody reads a poll's numbers out of Tocsin before its end: not from log, metrics, export, history or the tables."""

from __future__ import annotations

import json
import re

import pytest
import structlog

from alerts.listening.poll_acts import ClosePoll
from tests.unit.listening.poll_town import PollTown

YES, NO = 37, 53


@pytest.fixture
async def town(tmp_path):
    town = PollTown(tmp_path, bot=True)
    town.channels["telegram"].votes = (1137, 1153)
    await town.start()
    yield town
    await town.kill()


async def test_no_number_is_in_anything_that_is_told_or_kept(town):
    with structlog.testing.capture_logs() as logged:
        poll = await town.open()
        await town.vote(poll, 0, *(f"a{number}" for number in range(YES)))
        await town.vote(poll, 1, *(f"b{number}" for number in range(NO)))
        await town.clock.advance(60)

        def everything(unit):
            return {
                "export": list(unit.views.export()),
                "history": [str(event) for event in unit.views.history(poll.id)],
                "audit": [str(line.entry) for line in unit.audit.newest()],
                "tally": [str(place) for place in unit.polls.tally(unit.polls.poll(poll.id)).places],
            }

        told = await town.ask(everything)
        lines = (await town.daemon.vitals.exposition()).decode().splitlines()
        # Readings apart are counted for the process, whatever its other towns had read.
        told["metrics"] = [line for line in lines if not line.startswith("tocsin_apart")]
    told["log"] = [str(line) for line in logged]
    for where, what in told.items():
        text = json.dumps(what, default=str, ensure_ascii=False)
        assert not re.search(r"\b(37|53|1137|1153)\b", text), where


async def test_the_rows_of_two_options_look_alike(town):
    poll = await town.open()
    await town.vote(poll, 0, "a", "b", "c")
    await town.vote(poll, 1, "d")
    rows = await town.ask(lambda unit: [dict(row) for row in unit.execute("SELECT * FROM ballot")])
    assert len({row["mark"] for row in rows}) == len({row["nonce"] for row in rows}) == 4
    assert {(row["place"], row["network"], row["minute"]) for row in rows} == {("web", None, rows[0]["minute"])}
    for row in rows:
        assert set(row) == {"poll", "voter", "place", "nonce", "mark", "minute", "network"}


async def test_nothing_of_who_voted_is_left_in_any_table_after_the_end(town):
    poll = await town.open()
    await town.vote(poll, 0, "somebody")
    voter = await town.ask(lambda unit: unit.execute("SELECT voter FROM ballot").fetchone()["voter"])
    await town.act(lambda officer: ClosePoll(poll.id).done_by(officer))
    rows = await town.ask(lambda unit: json.dumps(list(unit.views.export()), default=str))
    assert voter not in rows
    assert await town.ask(lambda unit: unit.execute("SELECT secret FROM poll").fetchone()["secret"]) is None
