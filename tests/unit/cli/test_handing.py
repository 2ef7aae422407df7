"""`post` and `status` with a daemon beside the database: it carries them out, and they say what they would alone."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import sqlite3
import stat
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from alerts.cli import handing, run
from alerts.config import load_config
from alerts.daemon import commands, control
from alerts.daemon.commands import Handed, HungUp, take_commands
from alerts.daemon.control import Order, place_of, sockets
from alerts.daemon.desk import Control, build_desk, now
from alerts.model.alert import Alert, Area, Category, Certainty, Info, Severity, Urgency
from alerts.model.cap import LARGEST_MESSAGE, write
from alerts.store.connection import migrate
from alerts.store.sockets import open_doorbell, own_socket
from tests.unit.cli.test_posting import CHANNELS
from tests.walls import in_one_test

POST = ["post", "--headline", "Vent violent"]


class Daemon:
    """The part of a daemon that takes commands, in a thread of the test; `before` each is called with its order."""

    def __init__(self, file: Path) -> None:
        config = load_config(file)
        desk = build_desk(config, now)
        migrate(config.database)
        self.control = lambda: Control(config, now, desk)
        self.orders: list[Order] = []
        self.before = lambda order, caller: None
        self.after = lambda order, caller: None
        self._bell, self._bell_path = open_doorbell(config.database)
        self.commands = take_commands(self.control, config, Handed(self._carry_out, place_of(file).seal))

    def _carry_out(self, order, caller) -> int:
        self.orders.append(order)
        self.before(order, caller)
        status = handing.carry_out(order, caller)
        self.after(order, caller)
        return status

    def close(self) -> None:
        self.commands.close()
        self._bell.close()
        self._bell_path.unlink(missing_ok=True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "channels.toml").write_text(CHANNELS.format(publish="auto"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def daemon(folder, monkeypatch):
    """One that is waited for, however long this machine keeps it from its answer."""
    monkeypatch.setattr(control, "GREETS_WITHIN", 60.0)
    monkeypatch.setattr(control, "SILENT_FOR", 60.0)
    monkeypatch.setattr(commands.Caller, "timeout", 60.0)
    with contextlib.closing(Daemon(folder / "channels.toml")) as daemon:
        yield daemon


@pytest.fixture(autouse=True)
def quiet():
    """What a daemon logs is no answer."""
    with capture_logs():
        yield


@pytest.fixture
def typed(capsys):
    def typed(*line: str) -> tuple[int, str, str]:
        status = run(list(line))
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return typed


def rows(folder, question: str) -> list[tuple]:
    with contextlib.closing(sqlite3.connect(folder / "tocsin.db")) as db:
        return db.execute(question).fetchall()


def alerts(folder) -> list[tuple]:
    return rows(folder, "SELECT id FROM alert")


def test_a_post_is_stored_and_told_by_the_daemon(folder, daemon, typed):
    status, out, err = typed(*POST, "--json")

    assert (status, err) == (0, "")
    assert alerts(folder) == [(json.loads(out)["alert"],)]
    assert [order.line for order in daemon.orders] == [[*POST, "--json"]]


@in_one_test
@pytest.mark.parametrize(
    "line",
    [
        [*POST, "--dry-run"],
        [*POST, "--severity", "Sever"],
        [*POST, "--expires", "2020-01-01"],
        [*POST, "--channel", "radio"],
        [*POST, "--headlin", "x"],
        [*POST, "--exercise"],
        [*POST, "--wait=soon"],
        [*POST, "extra"],
        ["post", "--headline"],
        ["post", "--headline", ""],
        ["post", "--event", "--headline", "x"],
        ["post", "--cap", "missing.xml"],
        ["post", "--cap", "faulty.xml"],
        ["post", "--cap", "faulty.xml", "--headline", "x"],
        [*POST, "--image", "missing.png"],
        ["post", "--headline", "\udcff"],
        ["status"],
        ["status", "--json"],
        ["status", "nothing"],
        ["status", "--cap"],
        ["status", "--all"],
        ["status", "--bad"],
        ["status", "--help"],
        ["--config", "elsewhere.toml", "status"],
        ["--config"],
        ["--nonsense", "status"],
    ],
)
def test_what_is_said_and_returned_is_the_same_with_and_without_a_daemon(folder, typed, line, monkeypatch):
    (folder / "faulty.xml").write_text("<alert/>")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    bell, path = open_doorbell(folder / "tocsin.db")  # both times somebody is there
    typed("db", "upgrade")
    alone = typed(*line)
    bell.close()
    path.unlink()
    with contextlib.closing(Daemon(folder / "channels.toml")):
        assert typed(*line) == alone
    assert alerts(folder) == []


def test_who_did_it_is_the_user_at_the_other_end_whatever_the_environment_says(folder, daemon, typed, monkeypatch):
    monkeypatch.setenv("USER", "mallory")
    typed(*POST, "--as", "Anne")

    assert rows(folder, "SELECT actor, origin, address FROM audit") == [
        ("Anne", "command", handing_login()),
    ]


def handing_login() -> str:
    from alerts.cli.options import login

    return login()


def a_message() -> bytes:
    info = Info(
        event="Crue",
        categories=(Category.MET,),
        severity=Severity.MODERATE,
        urgency=Urgency.EXPECTED,
        certainty=Certainty.LIKELY,
        language="fr-FR",
        headline="Crue du Guiers",
        areas=(Area("Saint-Martin"),),
    )
    now = datetime.now(UTC).replace(microsecond=0)
    return write(Alert(identifier="essai-1", sender="alertes@saint-martin.example", sent=now, infos=(info,)))


@pytest.mark.parametrize("given", [["--cap", "-"], ["--cap=-"], ["--cap", "crue.xml"], ["--cap=crue.xml"]])
def test_a_cap_message_is_read_by_the_command_and_goes_with_its_line(folder, daemon, typed, given, monkeypatch):
    message = a_message()
    (folder / "crue.xml").write_bytes(message)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(message)))

    status, out, err = typed("post", *given, "--json")

    assert status == 0, err
    assert json.loads(out)["identifier"] == "essai-1"
    assert [order.body for order in daemon.orders] == [message]


def test_standard_input_that_was_read_for_a_daemon_isn_t_lost_where_there_is_none(folder, typed, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(a_message())))
    status, out, _ = typed("post", "--cap", "-", "--json")
    assert (status, json.loads(out)["identifier"]) == (0, "essai-1")


def test_a_message_that_is_too_large_is_told_as_ever(daemon, typed, monkeypatch):
    assert control.LARGEST_BODY == LARGEST_MESSAGE
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x" * (LARGEST_MESSAGE + 5))))
    status, _, err = typed("post", "--cap", "-")
    assert (status, daemon.orders) == (2, [])
    assert "8" in err


CHANGES = {
    "channels.toml": ("channels.toml", CHANNELS.format(publish="approve")),
    "a template": ("templates/fr/general.txt", "{{ headline }}"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_file_that_changed_since_the_daemon_started_is_read_by_the_command_itself(folder, daemon, typed, what):
    name, text = CHANGES[what]
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")

    assert typed(*POST)[0] == 0
    assert daemon.orders == []
    assert len(alerts(folder)) == 1


def test_a_boundary_that_changed_counts_and_a_file_beside_it_doesn_t(folder):
    file, boundary = folder / "channels.toml", folder / "areas.geojson"
    boundary.write_text("{}")
    file.write_text(CHANNELS.format(publish="auto").replace("[store]", 'boundary = "areas.geojson"\n[store]'))
    before = place_of(file)
    (folder / "notes.txt").write_text("x")
    assert place_of(file) == before
    boundary.write_text('{"type": "FeatureCollection"}')
    assert place_of(file) != before
    boundary.unlink()
    assert place_of(file) is None


@in_one_test
@pytest.mark.parametrize("url", ["sqlite:///tocsin.db", "sqlite:///deep/down/tocsin.db", "sqlite:////srv/t.db", None])
def test_the_place_of_the_database_is_the_one_that_the_whole_configuration_says(folder, url):
    file = folder / "channels.toml"
    stands = CHANNELS.format(publish="auto")
    file.write_text(stands.replace("sqlite:///tocsin.db", url) if url else stands.replace('url = "sqlite', '#"'))
    assert place_of(file).database == load_config(file).database


@in_one_test
@pytest.mark.parametrize("query", ["", "?schema=saint_martin", "?sslmode=require&schema=saint_martin"])
@pytest.mark.parametrize("way", ['"{url}"', '{{ env = "STORE_URL" }}', '{{ file = "store-url" }}'])
def test_a_store_on_a_server_has_its_socket_where_the_whole_configuration_says(folder, query, way, monkeypatch):
    url = f"postgresql://tocsin@db.example/county{query}"
    monkeypatch.setenv("STORE_URL", url)
    (folder / "store-url").write_text(f"{url}\n")
    file = folder / "channels.toml"
    file.write_text(CHANNELS.format(publish="auto").replace('"sqlite:///tocsin.db"', way.format(url=url)))
    assert place_of(file).database == load_config(file).beside


def test_a_daemon_whose_store_is_another_one_is_not_asked(folder, monkeypatch):
    file = folder / "channels.toml"
    file.write_text(CHANNELS.format(publish="auto").replace('"sqlite:///tocsin.db"', '{ env = "STORE_URL" }'))
    monkeypatch.setenv("STORE_URL", "postgresql://tocsin@db.example/county")
    before = place_of(file)
    monkeypatch.setenv("STORE_URL", "postgresql://tocsin@db.example/another_county")
    assert place_of(file).seal != before.seal


def break_off(*_: object) -> None:
    raise HungUp


def test_a_daemon_that_breaks_off_before_it_stored_leaves_it_to_the_command(folder, daemon, typed):
    daemon.before = break_off

    status, out, err = typed(*POST, "--json")

    assert (status, err) == (0, "")
    assert alerts(folder) == [(json.loads(out)["alert"],)]


@pytest.mark.parametrize("again", [[], ["--again"]])
def test_a_daemon_that_breaks_off_after_it_stored_has_posted_once_and_the_command_tells_of_that(
    folder, daemon, typed, again
):
    daemon.after = break_off

    status, out, err = typed(*POST, "--json", *again)

    assert (status, err) == (0, "")
    assert alerts(folder) == [(json.loads(out)["alert"],)]
    assert len(json.loads(out)["posts"]) == len(rows(folder, "SELECT id FROM post")) == 1
    assert len(rows(folder, "SELECT seq FROM audit")) == 1


def test_a_double_tap_is_told_though_the_daemon_breaks_off(folder, daemon, typed):
    typed(*POST)
    daemon.after = break_off
    status, _, err = typed(*POST)
    assert (status, len(alerts(folder))) == (0, 1)
    assert "--again" in err


def test_a_daemon_that_comes_second_stores_nothing_and_is_told_what_is_stored(folder, daemon, typed):
    """It stood still with the order in hand until the command had given it up."""
    told: list[tuple[str, object]] = []
    daemon.before = break_off
    typed(*POST, "--again")

    class Late:
        control, uid, colours, unicode = staticmethod(daemon.control), os.getuid(), False, True
        file = folder / "channels.toml"

        def tell(self, kind, what):
            told.append((kind, what))

        def must_be_there(self):
            pass

    thread = threading.Thread(target=handing.carry_out, args=(daemon.orders[0], Late()))
    thread.start()
    thread.join()

    assert [("stored", stored) for (stored,) in alerts(folder)] == told[:1]


def test_a_daemon_that_stops_lets_go_of_who_waits_and_the_command_goes_on_waiting(folder, daemon, typed):
    daemon.before = lambda order, caller: threading.Timer(0.2, daemon.close).start()

    status, out, err = typed(*POST, "--wait=1s")

    assert (status, len(alerts(folder))) == (1, 1)
    assert "not all posts have ended within 1 s" in err
    assert out.count("Vent violent") == 1


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_another_user_is_turned_away_even_where_the_mode_of_the_socket_was_loosened(folder, daemon):
    [path] = sockets(folder / "tocsin.db")
    folder.chmod(0o755)
    near = path.name if path.parent == folder else os.fspath(path)  # nobody can't come here by the whole path
    assert _as_nobody(near) == "Permission denied"
    path.chmod(0o666)
    assert _as_nobody(near) == "hung up"


def _as_nobody(path: str) -> str:
    read, write = os.pipe()
    if os.fork() == 0:
        os.setgid(65534)
        os.setuid(65534)
        with socket.socket(socket.AF_UNIX) as line:
            try:
                line.connect(path)
                os.write(write, line.recv(100) or b"hung up")
            except OSError as error:
                os.write(write, (error.strerror or "").encode())
        os._exit(0)
    os.wait()
    os.close(write)
    with os.fdopen(read) as said:
        return said.read()


def request(content: bytes) -> bytes:
    head = b"POST / HTTP/1.1\r\nHost: tocsin\r\nIf-Match: SEAL\r\n"
    return head + b"Content-Length: %d\r\n\r\n%b" % (len(content), content)


def sealed(sent: bytes, daemon) -> bytes:
    """The same of a caller that read the same files as the daemon."""
    return sent.replace(b"SEAL", daemon.commands.handed.seal.encode())


def test_an_order_of_less_than_nothing_is_not_read_to_the_end(folder, daemon):
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(os.fspath(sockets(folder / "tocsin.db")[0]))
        line.sendall(sealed(b"POST / HTTP/1.1\r\nIf-Match: SEAL\r\nContent-Length: -1\r\n\r\n", daemon) + b" " * 5000)
        line.settimeout(10)
        with contextlib.suppress(ConnectionResetError):  # hung up with something unread
            assert line.recv(4096) == b""


def test_where_nobody_waits_for_the_answer_any_more_nothing_is_stored(folder, daemon):
    def hang_up(order, caller):
        line.close()

    daemon.before = hang_up
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(os.fspath(sockets(folder / "tocsin.db")[0]))
        line.sendall(sealed(request(Order(POST, "a" * 32).as_sent()), daemon))
        with contextlib.suppress(OSError):  # hung up meanwhile
            line.recv(4096)
        daemon.close()

    assert alerts(folder) == []


@pytest.mark.parametrize(
    "case",
    [
        ("before", POST, "stopped; `tocsin status` tells whether it was stored"),
        ("after", [*POST, "--wait=1s"], "stopped; {stored} is stored"),
        ("before", ["status"], "stopped; nothing was stored"),
    ],
)
def test_who_stops_it_by_hand_is_told_what_is_so(folder, daemon, typed, case):
    when, line, said = case
    over = threading.Event()

    def press(order, caller):
        os.kill(os.getpid(), signal.SIGINT)
        over.wait(60)

    setattr(daemon, when, press)
    (folder / "channels.toml").write_text(CHANNELS.format(publish="auto").replace("fr-FR", "en"), encoding="utf-8")
    daemon.commands.handed = replace(daemon.commands.handed, seal=place_of(folder / "channels.toml").seal)
    try:
        status, out, err = typed(*line)
    finally:
        over.set()

    assert (status, out) == (1, "")
    stored = "".join(stored for (stored,) in alerts(folder)) if when == "after" else ""
    assert err.splitlines()[-1] == f"tocsin: {said.format(stored=stored)}"


def test_the_refusal_after_a_doubt_says_that_the_daemon_may_have_stored_it(folder, daemon, typed):
    def also_block(order, caller):
        with contextlib.closing(sqlite3.connect(folder / "tocsin.db")) as db:
            db.execute("CREATE TRIGGER full BEFORE INSERT ON alert BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END")
        raise HungUp

    daemon.before = also_block
    status, _, err = typed(*POST)
    assert (status, alerts(folder)) == (1, [])
    assert "may have stored it before" in err


def test_the_socket_is_its_users_alone_and_goes_with_the_daemon(folder, daemon):
    [path] = sockets(folder / "tocsin.db")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    daemon.close()
    assert not path.exists()
    assert [each.name for each in folder.iterdir() if "control" in each.name] == []


def test_the_socket_of_a_killed_daemon_is_passed_over_and_taken_away_by_the_next(folder, typed):
    left = own_socket(folder / "tocsin.db", "control").with_suffix(".1")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(left))
    with contextlib.closing(Daemon(folder / "channels.toml")) as daemon:
        assert not left.exists()
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(os.fspath(left))
        assert typed(*POST)[0] == 0
        assert len(daemon.orders) == 1
    # Of a database whose path is long the sockets lie elsewhere, and a later run's path may be the same.
    left.unlink()


def test_a_daemon_that_never_greets_is_not_waited_for_and_knows_nothing(folder, typed, monkeypatch):
    monkeypatch.setattr(control, "GREETS_WITHIN", 0.05)
    with socket.socket(socket.AF_UNIX) as still:
        still.bind(os.fspath(own_socket(folder / "tocsin.db", "control")))
        still.listen(1)
        assert typed(*POST)[0] == 0
        line, _ = still.accept()
        with line, line.makefile("rb") as asked:
            assert asked.read().partition(b"\r\n\r\n")[2] == b"", "no more than that an order would come"
    assert len(alerts(folder)) == 1


def test_a_daemon_that_falls_silent_with_the_order_is_given_up(folder, daemon, typed, monkeypatch):
    monkeypatch.setattr(control, "SILENT_FOR", 0.1)
    over = threading.Event()
    daemon.before = lambda order, caller: over.wait(60)
    try:
        assert typed(*POST)[0] == 0
        assert len(alerts(folder)) == 1
    finally:
        over.set()
    daemon.close()
    assert len(alerts(folder)) == 1


def test_a_flood_of_connections_keeps_no_command_from_its_work(folder, daemon, typed):
    [path] = sockets(folder / "tocsin.db")
    flood = [socket.socket(socket.AF_UNIX) for _ in range(commands.PLACES)]
    for line in flood:
        line.connect(os.fspath(path))
    assert typed(*POST)[0] == 0
    assert (len(alerts(folder)), daemon.orders) == (1, [])

    more = [socket.socket(socket.AF_UNIX) for _ in range(100)]
    for line in more:
        line.connect(os.fspath(path))
        assert line.recv(1) == b""  # turned away at once
    for line in flood + more:
        line.close()
    for _ in range(100):
        if typed(*POST, "--again")[0] == 0 and daemon.orders:
            break
    assert daemon.orders, "there is a place again"


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\xff" * 8,
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nIf-Match: SEAL\r\nContent-Length: x\r\n\r\n",
        request(b"")[:-1].replace(b"0", b"99999999"),
        request(b""),
        request(b"[1]\n"),
        request(b"{}\n"),
        request(b"null\n"),
        request(b"\xff\n"),
        request(b'{"body": false}\n'),
        request(Order(POST, "a" * 32).as_sent()).replace(b"SEAL", b"x"),
        request(Order(POST, "a" * 32).as_sent()).replace(b"If-Match: SEAL\r\n", b""),
    ],
    ids=["nothing", "noise", "get", "no size", "too large", "empty", "a list", "no keys", "null", "no text", "no line",
         "other files", "no seal"],
)  # fmt: skip
def test_what_is_no_order_is_not_carried_out(folder, daemon, typed, sent):
    [path] = sockets(folder / "tocsin.db")
    with socket.socket(socket.AF_UNIX) as line, line.makefile("rb") as answers:
        line.connect(os.fspath(path))
        line.sendall(sealed(sent, daemon))
        line.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            assert b"200" not in answers.readline()
    assert typed(*POST)[0] == 0
    assert len(daemon.orders) == 1


@pytest.mark.parametrize("greeting", [b'{"seal": "x"}\n', b"", b"\n\n", b"HTTP/1.1\n", b"HTTP/1.1 503 Busy\r\n\r\n"])
def test_a_daemon_that_says_another_thing_is_told_nothing(folder, typed, greeting):
    """One of the version before says its seal first."""
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(os.fspath(own_socket(folder / "tocsin.db", "control")))
        other.listen(1)
        heard: list[bytes] = []

        def answer() -> None:
            line, _ = other.accept()
            with line, line.makefile("rb") as asked:
                line.sendall(greeting)
                line.shutdown(socket.SHUT_WR)
                heard.extend(asked)

        thread = threading.Thread(target=answer)
        thread.start()
        assert typed(*POST)[0] == 0
        thread.join()
    assert len(alerts(folder)) == 1
    assert heard[-1:] == [b"\r\n"], "the head alone"


@in_one_test
@pytest.mark.parametrize("line", [["run"], ["db", "restore", "x"], ["post", "--help"], []])
def test_a_daemon_carries_out_nothing_but_what_is_handed_over(folder, daemon, line):
    [path] = sockets(folder / "tocsin.db")
    place = place_of(folder / "channels.toml")
    with pytest.raises(control.Unanswered):
        control.ask(place, Order(line, "a" * 32), print)
    assert path.exists()


def test_an_order_is_read_as_it_was_sent():
    order = Order(["post", "--headline", "Où ça ?"], "k", True, False, b"\0\n\xff")
    for sent in (order, replace(order, body=None), replace(order, body=b"")):
        assert Order.read(sent.as_sent()) == sent


def test_the_system_tells_who_is_at_the_other_end():
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert control.peer_of(theirs) == os.getuid()


def test_output_that_can_t_be_written_is_told_with_what_is_stored(folder, daemon, monkeypatch, capsys):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    assert run(list(POST)) == 1
    [(stored,)] = alerts(folder)
    assert f"{stored} is stored; only the answer can't be written" in capsys.readouterr().err
    assert run(["status"]) == 1
    assert "the answer can't be written" in capsys.readouterr().err
    assert len(daemon.orders) == 2
