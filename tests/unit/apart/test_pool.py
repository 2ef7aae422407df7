"""What strangers send is read in other processes: what comes back, what ends them, and whose turn it is."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from alerts.apart import pool as pools
from alerts.apart import wire
from alerts.apart.pool import POOL, PROCESSES, Pool
from alerts.apart.wire import Limits
from alerts.daemon.telemetry import Metrics
from alerts.model.errors import Misuse, Unreadable
from alerts.model.events import Events
from tests.unit.apart import readings

NOW = datetime(2026, 7, 25, 12, 0, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")


def test_a_value_comes_back_as_it_was():
    there = readings.slip.in_subprocess(b"\0\xff", PARIS, NOW)

    assert there == readings.slip(b"\0\xff", PARIS, NOW)
    assert there.at.tzinfo == PARIS, "what reckons with it goes by that zone's summer"


def test_a_text_is_told_in_as_many_bytes_as_it_has():
    told = wire.packed({"value": "é" * 1000})

    assert len(told) < 2100, "an escape has thrice as many, and whoever reads them holds the interpreter meanwhile"


def test_it_is_another_process_and_the_same_one_again():
    pids = {readings.number.in_subprocess(b"") for _ in range(3)}

    assert len(pids) == 1
    assert os.getpid() not in pids


def test_it_has_nothing_of_the_daemons_environment(monkeypatch):
    monkeypatch.setenv("TELEGRAM_TOKEN", "1234:secret")

    pool = Pool()
    try:
        assert pool.run(readings.surroundings, (b"",), str).split() == ["LC_CTYPE", "PYTHONPATH"]
    finally:
        pool.close()


def test_it_begins_without_libraries_that_it_never_uses():
    assert readings.loaded.in_subprocess(b"structlog rich pygments") == "structlog"


def test_it_stands_in_no_folder_that_somebody_may_take_away(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    pool = Pool()
    try:
        assert pool.run(readings.folder, (b"",), str) == "/"
    finally:
        pool.close()


def test_it_writes_no_file(tmp_path):
    with pytest.raises(Unreadable, match="27"):  # EFBIG
        readings.writes.in_subprocess(str(tmp_path / "x").encode())


@pytest.mark.parametrize(
    ("parser", "kind", "code", "how"),
    [
        (readings.told, Misuse, "photo_too_large", "refused"),
        (readings.fault, Unreadable, "apart_broke", "broke"),
        (readings.spins, Unreadable, "apart_too_long", "computing"),
        (readings.hoards, Unreadable, "apart_too_much_memory", "memory"),
        (readings.dies, Unreadable, "apart_broke", "broke"),
        (readings.lies, Unreadable, "apart_broke", "broke"),
    ],
    ids=lambda value: getattr(value, "what", None),
)
def test_what_goes_wrong_is_told_by_what_the_parser_refuses_by_and_counted(parser, kind, code, how):
    before = POOL.counts[parser.what, how]

    with pytest.raises(kind) as raised:
        parser.in_subprocess(b"x")

    assert raised.value.reason.code == code
    assert POOL.counts[parser.what, how] == before + 1
    assert readings.number.in_subprocess(b""), "and the next is read"
    assert f'tocsin_apart_total{{outcome="{how}",what="{parser.what}"}}' in Metrics(Events()).exposition().decode()


def test_what_does_not_answer_is_ended(monkeypatch):
    monkeypatch.setattr(pools, "PATIENCE", -0.05)

    with pytest.raises(Unreadable, match=r"gave no answer within 0\.05 s") as raised:
        readings.spins.in_subprocess(b"")
    assert raised.value.reason.code == "apart_silent", "it has computed for less than it may"


def test_an_answer_has_a_size(monkeypatch):
    monkeypatch.setattr(pools, "LARGEST_ANSWER", 1_000_000)

    with pytest.raises(Unreadable, match="larger than 0 MB"):
        readings.slip.in_subprocess(bytes(600_000), PARIS, NOW)


def test_where_no_process_can_be_begun_it_is_said(monkeypatch):
    monkeypatch.setattr(pools, "_COMMAND", ("/nowhere/python",))

    with pytest.raises(Unreadable, match="no process could be begun"):
        Pool().run(readings.number, (b"",), int)


def test_one_that_ended_while_it_rested_is_no_failure():
    pool = Pool()
    try:
        first = pool.run(readings.number, (b"",), int)
        (resting,) = pool._idle
        resting.socket.shutdown(1)  # it takes that for the daemon's end
        resting._popen.wait()

        assert pool.run(readings.number, (b"",), int) != first
        assert (pool.begun, pool.running) == (2, 1)
    finally:
        pool.close()


@pytest.mark.parametrize(("patience", "raised"), [(30, pools._Gone), (-4.9, pools._Over)], ids=["late", "never"])
def test_one_that_closed_its_end_may_take_as_long_as_an_answer_to_be_gone(monkeypatch, patience, raised):
    monkeypatch.setattr(pools, "PATIENCE", patience)
    monkeypatch.setattr(pools, "_COMMAND", ("/bin/sh", "-c", "exec 0<&-; sleep 1.1"))
    process = pools._Process()
    try:
        with pytest.raises(raised) as ended:
            process.ask(b"", Limits(5, 512))
        assert getattr(ended.value, "how", "deadline") == "deadline"
    finally:
        process.end()


def test_a_question_is_received_within_no_limits_of_the_one_before():
    pool = Pool()
    try:
        assert [pool.run(readings.probed, (readings.Probe(),), bool) for _ in range(2)] == [True, True]
        assert pool.begun == 1
    finally:
        pool.close()


def test_it_ends_with_the_daemon():
    script = (
        "from tests.unit.apart.readings import number; import os, signal;"
        "print(number.in_subprocess(b''), flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run((sys.executable, "-c", script), stdout=subprocess.PIPE, check=False)
    pid = int(done.stdout)

    for _ in range(6000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        threading.Event().wait(0.01)
    pytest.fail("it is still there")


async def test_whoever_sends_much_waits_for_themselves_alone():
    """Of one owner one thing at a time, and the others in between: by the order in which they begin."""
    pool, began = Pool(), []
    go_on = {name: threading.Event() for name in ("much", "little", "third")}

    def work(name):
        began.append(name)
        go_on[name].wait(60)

    loop = asyncio.get_running_loop()
    much, little = pool.turns_of("much", Unreadable), pool.turns_of("little", Unreadable)
    waiting = [loop.run_in_executor(much, work, "much") for _ in range(20)]
    waiting += [loop.run_in_executor(little, work, "little") for _ in range(2)]
    waiting += [loop.run_in_executor(pool.turns_of("third", Unreadable), work, "third")]
    while len(began) < PROCESSES:  # noqa: ASYNC110 threads say so
        await asyncio.sleep(0)

    assert began == ["much", "little"]
    go_on["little"].set()
    go_on["third"].set()
    await asyncio.gather(*waiting[20:])
    assert began[:2] == ["much", "little"]
    assert sorted(began[2:]) == ["little", "third"], "not behind the twenty"
    go_on["much"].set()
    await asyncio.gather(*waiting)
    assert began.count("much") == 20


async def test_too_much_of_one_origin_is_refused(monkeypatch):
    monkeypatch.setattr(pools, "MOST_WAITING", 3)
    pool, go_on = Pool(), threading.Event()
    turns, loop = pool.turns_of("much", Misuse), asyncio.get_running_loop()
    waiting = [loop.run_in_executor(turns, go_on.wait, 60) for _ in range(4)]

    with pytest.raises(Misuse, match="wait to be read already"):
        await loop.run_in_executor(turns, go_on.wait, 60)
    go_on.set()
    await asyncio.gather(*waiting)


async def test_where_no_thread_can_be_begun_it_is_refused_and_the_owner_has_the_next_turn(monkeypatch):
    pool, go_on, loop = Pool(), threading.Event(), asyncio.get_running_loop()
    one, other = pool.turns_of("one", Misuse), pool.turns_of("other", Misuse)
    begin = threading.Thread.start

    def refuse(_):
        raise RuntimeError("can't start new thread")  # as it is said where the system's limit is reached

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(Misuse, match="no thread"):
        await loop.run_in_executor(one, go_on.wait, 60)
    monkeypatch.setattr(threading.Thread, "start", begin)
    running = loop.run_in_executor(one, go_on.wait, 60)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    waiting = loop.run_in_executor(other, go_on.wait, 60)
    go_on.set()

    assert await asyncio.gather(running, waiting) == [True, True], "who had a thread did what waited"


async def test_the_loop_goes_on_while_a_reader_spins():
    reading = asyncio.create_task(readings.spins.read("somebody", b""))
    turns = 0
    while not reading.done():
        turns += 1
        await asyncio.sleep(0.001)

    assert turns > 10, "its computing in another process leaves this one its turns"
    with pytest.raises(Unreadable):
        await reading


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        (b"", b""),
        (b"[]", b"[[[["),
        (b"[]", b"[" * 100_000),
        (b"[]", b'{"value": {"bytes": 7}}'),
        (b"[-1]", b"5"),
        (b"5", b"{}"),
    ],
    ids=["nothing", "cut off", "nested", "bytes that are not there", "no size", "no sizes"],
)
def test_an_answer_that_is_none_is_an_error_of_its_reading_alone(sizes, told):
    framed = wire.HEAD.pack(len(sizes), len(told), 0) + sizes + told
    body = memoryview(framed)

    def recv_into(room):
        nonlocal body
        count = min(len(room), len(body))
        room[:count], body = body[:count], body[count:]
        return count

    try:
        answer = wire.received(recv_into, 1_000_000)
    except (ValueError, TypeError, LookupError, RecursionError, EOFError):
        return
    assert not isinstance(answer, dict)
