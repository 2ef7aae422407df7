"""What is said each second while something is wrong is said once, and then how often."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from alerts.daemon.telemetry import Metrics, Repeats, _Unrepeated
from alerts.model.events import Events
from tests.fakes import FakeClock


class Log:
    """A log with the processor before its last one, over a clock that a test winds."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.repeats = Repeats(self.clock.monotonic)
        self._out = io.StringIO()
        last = [structlog.processors.add_log_level, structlog.processors.JSONRenderer()]
        self.say = structlog.wrap_logger(
            structlog.WriteLogger(self._out),
            processors=[self.repeats, structlog.processors.format_exc_info, *last],
            wrapper_class=structlog.make_filtering_bound_logger("info"),
        )

    def sum_up(self) -> None:
        for level, fields in self.repeats.sums():
            getattr(self.say, level)(**fields)

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self._out.getvalue().splitlines()]


@pytest.fixture
def log() -> Log:
    return Log()


async def test_a_warning_each_second_is_one_line_and_a_sum_each_minute(log):
    for _ in range(180):
        log.say.error("lease.not_renewed", error="disk full")
        await log.clock.advance(1)
        log.sum_up()

    lines = log.lines()
    assert [line.get("times_more") for line in lines] == [None, 59, None, 59, None, 59]
    assert {line["event"] for line in lines} == {"lease.not_renewed"}
    assert {line["level"] for line in lines} == {"error"}
    assert lines[1]["in_seconds"] == 60


async def test_what_differs_is_said_and_what_only_tells_of_good_things_too(log):
    for number in range(3):
        log.say.warning("post.failed", post=number)
        log.say.info("post.sent")

    assert len(log.lines()) == 6


async def test_what_differs_each_time_may_say_what_makes_it_the_same(log):
    for number in range(100):
        log.say.info("web.refused", reason="address", address=f"198.51.100.{number}", once="web.refused address")
    await log.clock.advance(61)
    log.sum_up()

    first, total = log.lines()
    assert (first["address"], first.get("times_more"), "once" in first) == ("198.51.100.0", None, False)
    assert total["times_more"] == 99


async def test_a_traceback_is_shown_once(log):
    for _ in range(5):
        try:
            int("of no use")
        except ValueError:
            log.say.exception("lifecycle.failed")

    [line] = log.lines()
    assert "of no use" in line["exception"]


async def test_what_ends_before_its_minute_is_forgotten_without_a_sum(log):
    log.say.warning("disk full")
    await log.clock.advance(61)
    log.sum_up()
    log.say.warning("disk full")

    assert [line.get("times_more") for line in log.lines()] == [None, None]


def test_what_libraries_say_is_folded_too():
    repeats, out = Repeats(FakeClock().monotonic), io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(_Unrepeated(repeats))
    logger = logging.getLogger("test.of.repeats")
    logger.propagate = False
    logger.addHandler(handler)
    for _ in range(100):
        logger.error("socket.accept() out of system resource")

    assert len(out.getvalue().splitlines()) == 1


def test_the_journal_is_told_how_grave_a_line_is():
    """As sd-daemon(3) has it: `journalctl -p warning` shows what is worth a look, and nobody sees the prefix."""
    read, write = os.pipe()
    there = os.fstat(write)
    told = (
        "import logging, structlog; from alerts.daemon.telemetry import set_up_log; set_up_log(); "
        "log = structlog.get_logger(); log.info('a'); log.warning('b'); log.error('c'); "
        "logging.getLogger('aiohttp').warning('d')"
    )
    with os.fdopen(read, "rb") as lines:
        environment = os.environ | {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"}
        subprocess.run([sys.executable, "-c", told], stderr=write, env=environment, check=True, timeout=60)
        os.close(write)
        said = [line[:4] for line in lines.read().decode().splitlines()]
    assert said == ["<6>{", "<4>{", "<3>{", "<4>{"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_log_that_takes_no_line_ends_nothing():
    """Standard error may be a file on the disk that is full, or a pipe that nobody reads any more."""
    told = (
        "import structlog; from alerts.daemon.telemetry import set_up_log; set_up_log(); "
        "structlog.get_logger().error('disk.full'); print('goes on')"
    )
    with Path("/dev/full").open("wb") as full:
        program = [sys.executable, "-c", told]
        said = subprocess.run(program, stderr=full, stdout=subprocess.PIPE, check=False, timeout=60).stdout
    assert said == b"goes on\n"


def test_a_job_that_is_through_is_no_series_any_more():
    metrics = Metrics(Events())
    metrics.measure_jobs({("telegram", "news", "in_doubt"): 2})
    line = b'tocsin_jobs{channel="telegram",kind="news",state="in_doubt"} 2.0'
    assert line in metrics.exposition()
    metrics.measure_jobs({})
    assert b"tocsin_jobs{" not in metrics.exposition()


def test_what_a_paid_channel_spent_is_a_series():
    metrics = Metrics(Events())
    metrics.measure_costs({"sms": {"today": 29.4, "month": 88.2, "daily_budget": 200.0, "monthly_budget": 600.0}})
    told = metrics.exposition()
    assert b'tocsin_spent_euros{channel="sms",span="today"} 29.4' in told
    assert b'tocsin_spent_euros{channel="sms",span="month"} 88.2' in told
