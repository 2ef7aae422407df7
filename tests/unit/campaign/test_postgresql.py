"""The throwaway PostgreSQL itself: what it keeps over a crash, what a test gets of it, what is left of it."""

import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from campaign.postgresql import MISSING, PostgreSQL, find_binaries

pytestmark = pytest.mark.skipif(find_binaries() is None, reason=MISSING)


@pytest.fixture
def beneath():
    """Where a server's folder is looked for: PostgreSQL, which won't run as root, has to get there as somebody else."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("PYTEST_DEBUG_TEMPROOT"), prefix="pg-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def _fill(url):
    with psycopg.connect(url) as db:
        db.execute("CREATE TABLE kept (word text)")
        db.execute("INSERT INTO kept VALUES ('vent')")


def _words(url):
    with psycopg.connect(url) as db:
        return [word for (word,) in db.execute("SELECT word FROM kept ORDER BY word")]


def test_what_was_committed_is_there_after_a_hard_stop_and_what_was_not_is_gone(beneath):
    with PostgreSQL(durable=True, beneath=beneath) as server:
        url = server.url()
        _fill(url)
        open_one = psycopg.connect(url)
        open_one.execute("INSERT INTO kept VALUES ('neige')")
        server.stop_hard()
        with pytest.raises(psycopg.OperationalError):
            open_one.execute("SELECT 1")
        open_one.close()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        server.start()
        assert _words(url) == ["vent"]
    assert list(beneath.iterdir()) == []


def test_it_can_be_stopped_in_order_and_started_again_with_its_settings(beneath):
    with PostgreSQL(beneath=beneath, tcp=True, settings={"max_connections": "7"}) as server:
        url = server.url()
        assert url.startswith("postgresql://postgres@127.0.0.1:")
        _fill(url)
        server.stop()
        server.start()
        assert _words(url) == ["vent"]
        with psycopg.connect(url) as db:
            assert db.execute("SHOW max_connections").fetchone() == ("7",)


def test_each_database_is_new_and_what_makes_one_runs_once(postgresql):
    made = []

    def make(url):
        made.append(url)
        _fill(url)

    one, other = postgresql.url(make), postgresql.url(make)
    with psycopg.connect(one) as db:
        db.execute("INSERT INTO kept VALUES ('neige')")
    assert (_words(one), _words(other), len(made)) == (["neige", "vent"], ["vent"], 1)
    with psycopg.connect(postgresql.url()) as empty:
        assert empty.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_a_database_that_is_dropped_is_gone_though_somebody_is_connected(postgresql):
    url = postgresql.url()
    with psycopg.connect(url) as db:
        postgresql.drop(url)
        with pytest.raises(psycopg.OperationalError):
            db.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


def test_text_is_not_ordered_by_its_bytes(postgresql):
    if find_binaries().version < 15:
        pytest.skip("initdb takes ICU's orders since version 15")
    with psycopg.connect(postgresql.url()) as db:
        ordered = db.execute("SELECT word FROM (VALUES ('zone'), ('Éole'), ('Zoé'), ('eau')) AS t(word) ORDER BY word")
        assert [word for (word,) in ordered] == ["eau", "Éole", "Zoé", "zone"]


def test_nothing_is_left_of_it_where_its_owner_is_killed(beneath):
    program = (
        "import signal; from campaign.postgresql import PostgreSQL; from pathlib import Path; import sys;"
        "server = PostgreSQL(beneath=Path(sys.argv[1]));"
        "print((server.folder / 'data/postmaster.pid').read_text().split()[0], server._guard.pid, flush=True);"
        "signal.pause()"
    )
    root = Path(__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", program, beneath], cwd=root, stdout=subprocess.PIPE) as owner:
        server, guard = map(os.pidfd_open, map(int, owner.stdout.readline().split()))
        owner.send_signal(signal.SIGKILL)
    for pidfd in (guard, server):
        _wait(pidfd)
    assert list(beneath.iterdir()) == []


def _wait(pidfd):
    assert select.select([pidfd], [], [], 60)[0]
    os.close(pidfd)


def test_one_that_does_not_start_says_why(beneath):
    with pytest.raises(RuntimeError, match="no_such_setting"):
        PostgreSQL(beneath=beneath, settings={"no_such_setting": "1"})
    assert list(beneath.iterdir()) == []
