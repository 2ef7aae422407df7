"""What is done once for all tests of a process: a database is migrated, the program is imported to be forked from."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import shutil
import signal
import sys
import tempfile
from functools import cache
from itertools import groupby, islice
from pathlib import Path

import pytest
import structlog
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

from alerts.access import passwords
from alerts.apart import pool
from alerts.health import checkup
from alerts.model.reason import Reason
from alerts.model.town import Secret, Server
from alerts.rendering.checking import check_templates
from alerts.reports import intake
from alerts.store import database, files
from alerts.store.connection import migrate
from alerts.store.unit import rehearsal
from campaign.forks import CHEAP, CHEAP_PROOFS, COMPILED, ForkServer, draw_any_mask, made_once, share_what_is_compiled
from campaign.postgresql import MISSING, PostgreSQL, find_binaries
from campaign.town import Town

# Images of containers have it set, and so has pytest by hand: each process that a test starts would compile the program
# anew, three times as slow. `make test` takes it away as well.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# All that collecting makes, twelve thousand tests and what they import, stays: going through it frees nothing.
gc.disable()

# What tests write needn't outlive the machine: where memory holds it, no transaction waits for a disk.
MEMORY = Path("/dev/shm")
AMPLE = 2_000_000_000
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > AMPLE:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
# What a killed program leaves where temporary files go, such as a daemon's socket whose own folder lies too deep for
# one, would be found by the next run, whose folders have the same names. So each process of tests has a place of its
# own, at the top, where paths are short enough for a socket, and takes it away at its end.
SHORTEST = "/tmp"
LONGEST = 60

# Tests provoke errors by the hundred; in colours, as structlog prints them by itself, each takes up to a second.
PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], PLAIN])

# How long an example takes, to make or to try, is the machine's affair: it would fail where others work beside it.
# Some stand for the many that are tried before a release.
EXAMPLES = int(os.environ.get("TOCSIN_EXAMPLES", "15"))
settings.register_profile("tocsin", max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tocsin")


# With the lower priority that it has in a town, each test that waits for a reader of strangers' bytes would wait for
# all that others compute meanwhile.
READER = "import os; os.nice = int; from alerts.apart.child import main; main()"
vars(pool)["_COMMAND"] = (sys.executable, "-B", "-c", READER)
draw_any_mask()
COSTS = {name: vars(intake)[name] for name in CHEAP_PROOFS}

_ROOMS = ("store", "delivery", "health", "bot", "listening", "reports", "fleet", "access", "daemon")
CARRIED_OUT_TWICE = tuple(f"unit/{each}/" for each in _ROOMS)
"""Where each transaction is carried out, undone, and carried out again."""
TAKE_LONG = ("simulation", "process", "browser")
"""The folders whose tests take seconds; those that compute longest come first."""


WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Begin each folder at another file in each worker: what one has compiled, the others read.

    In a fresh checkout all would rewrite the same four hundred files at the same moment.
    """
    report = yield
    if isinstance(collector, pytest.Directory) and report.passed:
        first = len(report.result) * WORKER // WORKERS
        report.result = report.result[first:] + report.result[:first]
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Deal what takes long to the workers alike, first of all, so that none is left with it when the others are done.

    Each worker begins with an equal share of the list as it stands, and takes from the end of another's when it has
    none left. A module stays whole: its tests share a town.
    """
    items.sort(key=lambda item: str(item.path))  # as they are in every worker
    folders = {item: Path(item.path).relative_to(Path(__file__).parent).parts[0] for item in items}
    modules = [list(each) for _, each in groupby((i for i in items if folders[i] in TAKE_LONG), lambda i: i.path)]
    modules.sort(key=lambda module: TAKE_LONG.index(folders[module[0]]))
    quick = iter([item for item in items if folders[item] not in TAKE_LONG])
    share = len(items) // WORKERS
    dealt = [[item for module in modules[worker::WORKERS] for item in module] for worker in range(WORKERS)]
    items[:] = [item for long in dealt for item in (*long, *islice(quick, max(share - len(long), 0)))] + list(quick)


def pytest_sessionstart(session):
    """What this process and all that it starts take for the folder of temporary files, and that Ctrl-C ends them.

    Whoever starts the suite in the background of a shell without job control has it ignored.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    root = os.environ["PYTEST_DEBUG_TEMPROOT"]
    own = tempfile.TemporaryDirectory(
        prefix="tocsin-", dir=root if len(os.fsencode(root)) < LONGEST else SHORTEST, ignore_cleanup_errors=True
    )
    Path(own.name).chmod(0o711)  # as in the system's own, others reach what they are told of
    session.config.add_cleanup(own.cleanup)
    os.environ["TMPDIR"] = tempfile.tempdir = own.name
    # Whoever distributes the tests begins first: its folder is that of all.
    share_what_is_compiled(Path(os.environ.setdefault(COMPILED, tempfile.mkdtemp())))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish():
    """From now on the collector looks at what comes and goes alone."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def an_empty_database_is_copied():
    """Making its tables takes 40 ms each time, a copy one; what upgrades an older one runs as it does outside."""
    upgrade = files._upgrade
    files._upgrade = made_once(upgrade)
    yield
    files._upgrade = upgrade


@pytest.fixture(scope="session", autouse=True)
def shipped_templates_are_checked_once():
    """Rendering all that ships for each hazard and end takes half a second, and finds the same for the same station."""
    kept: dict[object, list[Reason]] = {}

    def check(station, folders=()):
        if folders:
            return check_templates(station, folders)
        # Of a town, texts say no more than this: what else stands in its channels.toml makes no other text.
        names = tuple(district.name for district in station.districts)
        said = (station.name, station.sender, station.language, station.timezone, station.public_url, names)
        if said not in kept:
            kept[said] = check_templates(station)
        return kept[said]

    vars(checkup)["check_templates"] = check
    yield
    vars(checkup)["check_templates"] = check_templates


class _Forks:
    """What a town's commands are forked from: begun for the first test that starts one."""

    server: ForkServer | None = None

    @classmethod
    def of(cls, config):
        if cls.server is None:
            # Seconds are told by who began the processes that spent them.
            shared = WORKERS > 1 and not config.pluginmanager.hasplugin("tests.durations")
            cls.server = ForkServer(Path(os.environ[COMPILED]).parent / "forks" if shared else None)
            config.add_cleanup(cls.server.stop)
        return cls.server


@pytest.fixture(scope="session")
def forks(pytestconfig):
    """What a town's commands are forked from."""
    return _Forks.of(pytestconfig)


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL for the tests of this process, half a second after the first of them asks for it."""
    if find_binaries() is None:
        pytest.skip(MISSING)
    with PostgreSQL(beneath=Path(os.environ.get("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir()))) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql):
    """The URL of an empty database of this test's own."""
    url = postgresql.url()
    yield url
    postgresql.drop(url)


def _migrated(url):
    migrate(a_server(url))


def a_server(url, folder=Path("/nowhere")):
    """The place of a store on the server at `url`."""
    return Server(Secret(url), "tocsin", folder / "tocsin")


@pytest.fixture
def server(postgresql, tmp_path):
    """A store of this test's own on a server."""
    url = postgresql.url(_migrated)
    yield a_server(url, tmp_path)
    postgresql.drop(url)


class _Unseen(logging.Handler):
    """What asyncio says of tasks whose error nobody asked for, and of callbacks that failed."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said = []

    def emit(self, record):
        self.said.append(record.getMessage())


UNSEEN = _Unseen()
logging.getLogger("asyncio").addHandler(UNSEEN)


class _Twice:
    """Carries out each `write` twice, with a rollback between, as a server whose connection is lost makes us do.

    A work that keeps something of the first time in `self` comes to something else the second time.
    """

    now = False
    """Whether this test's are."""

    @staticmethod
    @cache
    def wanted(path):
        return path.relative_to(Path(__file__).parent).as_posix().startswith(CARRIED_OUT_TWICE)

    @classmethod
    def run(cls, db, works, *, synced=True):
        if cls.now:
            with contextlib.suppress(Exception), rehearsal(db) as unit:
                for work in works:
                    work(unit)
        return _ONCE(db, works, synced=synced)


_ONCE = database._run_together
vars(database)["_run_together"] = _Twice.run


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Lay the nets, before any fixture: as fixtures of every test they would cost a millisecond of each.

    Where a test starts the program, it is a fork; `cold` are those in which it has to start as a user starts it.
    A tenth of a second and 64 MiB for each password, half a second for each report's proof, are spent there alone, too.
    """
    marks = {mark.name for mark in item.iter_markers()}
    cold = "cold" in marks
    Town.forks = _Forks.of(item.config) if "process" in marks and not cold else None
    vars(passwords)["PasswordHasher"] = PasswordHasher if cold else CHEAP
    vars(intake).update(COSTS if cold else CHEAP_PROOFS)
    _Twice.now = "once" not in marks and _Twice.wanted(item.path)
    UNSEEN.said.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown():
    """Fail where a task's error reached nobody: asyncio tells of it once the task is gone."""
    yield
    assert UNSEEN.said == []
