"""An empty file becomes what the schema says, whoever comes first and wherever it stops."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import re
import sqlite3
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import alerts.store
from alerts.access.audit import Verified, verify
from alerts.model.incident import Wanted
from alerts.model.post import PostState
from alerts.store import files
from alerts.store.files import HEAD, StoreError, connect, migrate, sound, version
from alerts.store.schema import metadata
from alerts.store.statement import Statement
from alerts.store.unit import transaction

BY_DESIGN = "ix_post_lane"
"""Descends, which SQLAlchemy can't read back from SQLite: its text is compared instead."""
FTS5_OWN = "alert_words"
"""What the index of words is made of begins so: SQLite lays it out by itself."""


DEEPEST = 24
"""Parentheses within one another: the parser's stack of a hundred holds about four times as many symbols."""


def nesting(sql: str) -> int:
    """How many parentheses are open at once."""
    deep = deepest = 0
    for sign in re.findall(r"'[^']*'|[()]", sql):
        deep += {"(": 1, ")": -1}.get(sign, 0)
        deepest = max(deepest, deep)
    return deepest


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(alerts.store.__file__).parent / "migrations"))
    return ScriptDirectory.from_config(config)


def indexes(path: Path) -> dict[str, str]:
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    rows = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    db.close()
    return {row["name"]: " ".join(row["sql"].replace("(", " (").split()) for row in rows}


def former(path: Path, step: str) -> None:
    """A database of then, as `sqlite3 FILE .dump` keeps it."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript((Path(__file__).parent / f"former/{step}.sql").read_text(encoding="utf-8"))


def unreleased(path: Path) -> None:
    """A database as 305e67e made and filled it, before the first release: at least a row in each table."""
    former(path, "0005")


def released(path: Path) -> None:
    """What `tocsin demo --once` left on the eve of the first release; each later version upgrades it in one step."""
    former(path, "0025")


def made_by_itself(path: Path) -> dict[str, str]:
    """Triggers and the index of words, by name."""
    db = connect(path)
    rows = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' OR name = 'alert_words'").fetchall()
    db.close()
    return {row["name"]: " ".join(row["sql"].split()) for row in rows}


@pytest.mark.parametrize(
    "before", [lambda path: None, unreleased, released], ids=["a new one", "before the release", "the first one"]
)
def test_a_database_is_what_the_schema_says_however_it_came_to_be(tmp_path, before):
    migrated, made = tmp_path / "migrated.db", tmp_path / "made.db"
    before(migrated)
    migrate(migrated)
    assert version(migrated) == HEAD
    metadata.create_all(engine := create_engine(f"sqlite:///{made}"))
    engine.dispose()

    engine = create_engine(f"sqlite:///{migrated}")
    with engine.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("error")
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()

    names = [(each, str(getattr(each[1], "name", ""))) for each in differences]
    assert [each for each, name in names if name != BY_DESIGN and not name.startswith(FTS5_OWN)] == []
    assert indexes(migrated) == indexes(made)
    assert "priority DESC" in indexes(migrated)[BY_DESIGN]
    migrate(new := tmp_path / "new.db")
    assert made_by_itself(migrated) == made_by_itself(new)


def rows_of(path: Path, tables: list[str]) -> dict[str, list[tuple]]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return {table: db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables}


def test_a_database_from_before_the_release_is_brought_along_with_its_rows(tmp_path):
    unreleased(path := tmp_path / "tocsin.db")
    made_since = {"tally", "archive", "picture", "daemon", "dispatch", "dispatch_town"}
    made_since |= {"utterance", "question", "answer", "ear", "forgotten", "listening_secret", "moderation"}
    made_since |= {"poll", "poll_place", "ballot"}
    made_since |= {"report", "report_source", "report_step", "report_photo", "report_forward", "report_secret"}
    made_since |= {"content_notice", "report_number", "report_begun", "job"}
    tables = [table.name for table in metadata.sorted_tables if table.name not in made_since]
    before = rows_of(path, tables)
    before["post"] = [(*row, None) for row in before["post"]]  # no poll
    before["bulk"] = [(*row, None) for row in before["bulk"]]  # of no hazard that is known
    before["lease"] = [(*row, None, None) for row in before["lease"]]  # without a number and a time since when
    before["account"] = [(*row, None, None) for row in before["account"]]  # nobody has a handle, or read of changes
    before["session"] = [(*row, None) for row in before["session"]]  # opened by nothing that is known
    before["passkey"] = [(*row, None, None) for row in before["passkey"]]  # each a second factor
    before["post"] = [(*row, None, None) for row in before["post"]]  # none of them answers anybody
    before["subscriber"] = [(*row, None, None, None) for row in before["subscriber"]]  # no browser, none missed
    assert all(before.values()), "no table of then is empty"

    assert migrate(path)

    assert version(path) == HEAD
    assert rows_of(path, tables) == before
    db = connect(path)
    with transaction(db) as unit:
        counts = unit.views.post_counts()
        assert counts == unit.views.open_counts() | {("telegram", PostState.SENT): 1}
        [found] = unit.views.page(Wanted(words="ecoles"))
        assert found.alert.infos[0].headline == "Verglas rue des Écoles"
        [post] = [post for post in unit.alerts.posts_of(found.id) if post.channel == "page"]
        unit.alerts.move_post(post, PostState.REJECTED, None, not_before=None)
        assert unit.views.post_counts()["page", PostState.REJECTED] == 1, "and goes on counting"
        assert isinstance(verify(unit.audit.all(), unit.audit.height()), Verified)
    db.close()


def test_a_database_of_the_first_release_is_upgraded_in_one_step_and_loses_nothing(tmp_path):
    released(path := tmp_path / "tocsin.db")
    before = counts(path)
    assert (before["alert"], before["post"], before["poll"], before["report"]) == (5, 18, 1, 5)

    migrate(path)

    assert sound(path) == HEAD
    after = counts(path)
    assert {table: after[table] for table in before} == before
    with contextlib.closing(connect(path)) as db, transaction(db) as unit:
        assert isinstance(verify(unit.audit.all(), unit.audit.height()), Verified)
        [found] = unit.views.page(Wanted(words="orages"))
        assert unit.alerts.posts_of(found.id)


def counts(path: Path) -> dict[str, int]:
    """How many rows each table has."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {each: db.execute(f"SELECT count(*) FROM {each}").fetchone()[0] for each in tables}


def test_a_database_from_before_that_is_refused_and_left_as_it_is(tmp_path):
    unreleased(path := tmp_path / "tocsin.db")
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE alembic_version SET version_num = '0003'")

    with pytest.raises(StoreError, match=r"never released \(0003\); start with a new one"):
        migrate(path)
    assert version(path) == "0003"


def test_a_new_database_costs_no_alembic(tmp_path):
    path = tmp_path / "tocsin.db"
    code = (
        "import sys; from pathlib import Path; from alerts.store.files import migrate; "
        f"migrate(Path({str(path)!r})); print('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_head_is_the_newest_script():
    assert script().get_current_head() == HEAD


def test_what_is_up_to_date_is_left_alone(tmp_path):
    path = tmp_path / "tocsin.db"

    assert migrate(path)
    assert version(path) == HEAD
    assert not migrate(path)


def test_two_processes_that_meet_an_empty_file_both_find_it_ready(tmp_path):
    path = tmp_path / "var" / "tocsin.db"
    code = f"from pathlib import Path; from alerts.store.files import migrate; print(migrate(Path({str(path)!r})))"
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)
    ]
    said = [process.communicate(timeout=180) for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert sorted(out.decode().strip() for out, _ in said) == ["False", "True"]
    assert version(path) == HEAD


def test_a_file_of_a_newer_tocsin_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "tocsin.db"
    migrate(path)
    db = connect(path)
    db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()

    with pytest.raises(StoreError, match=r"newer Tocsin \(9999\); install that one or restore a backup"):
        migrate(path)
    assert version(path) == "9999"


def test_an_upgrade_that_fails_changes_nothing_and_can_be_made_again(tmp_path):
    path = tmp_path / "tocsin.db"
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE lease (lane TEXT)")  # in the way of the eighth table

    with pytest.raises(StoreError, match=r"table lease already exists; nothing was changed"):
        migrate(path)

    with contextlib.closing(sqlite3.connect(path)) as db, db:
        assert [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")] == ["lease"]
        db.execute("DROP TABLE lease")
    assert migrate(path)


def test_a_file_that_is_no_database_is_told_in_one_line(tmp_path):
    path = tmp_path / "tocsin.db"
    path.write_bytes(b"this is no database, but it is long enough to look like one" * 20)

    with pytest.raises(StoreError, match="not a database; check the path") as told:
        migrate(path)
    assert "\n" not in str(told.value)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "var").write_text("a file in the way")

    with pytest.raises(StoreError, match="can't be opened"):
        migrate(tmp_path / "var" / "tocsin.db")


def test_a_whole_database_of_ours_is_sound_and_is_left_as_it_is(tmp_path):
    path = tmp_path / "tocsin.db"
    migrate(path)
    before = path.read_bytes()

    assert sound(path) == HEAD
    assert path.read_bytes() == before


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 40 * 4096])


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database " * 1000)


def scribbled(path: Path) -> None:
    """A page in the middle that somebody else wrote over."""
    content = bytearray(path.read_bytes())
    content[20 * 4096 : 21 * 4096] = b"x" * 4096
    path.write_bytes(content)


def of_another(path: Path) -> None:
    path.unlink()
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE bookmark (url TEXT)")
    db.close()


def newer(path: Path) -> None:
    db = sqlite3.connect(path)
    with db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (Path.unlink, "there is no database"),
        (truncated, "damaged|can't be read"),
        (garbage, "can't be read: file is not a database"),
        (scribbled, "damaged|can't be read"),
        (of_another, "is not Tocsin's"),
        (newer, "of a newer Tocsin"),
    ],
)
def test_what_is_not_sound_is_told_and_touched_by_nobody(tmp_path, harm, told):
    path = tmp_path / "tocsin.db"
    migrate(path)
    harm(path)
    before = path.read_bytes() if path.exists() else None

    with pytest.raises(StoreError, match=told):
        sound(path)
    assert (path.read_bytes() if path.exists() else None) == before


def test_nothing_nests_deeper_than_the_parser_of_the_oldest_sqlite_goes(tmp_path):
    migrate(path := tmp_path / "tocsin.db")
    with contextlib.closing(connect(path)) as db:
        made = {row["name"]: row["sql"] for row in db.execute("SELECT name, sql FROM sqlite_master WHERE sql <> ''")}
    modules = (
        importlib.import_module(each.name) for each in pkgutil.iter_modules(alerts.store.__path__, "alerts.store.")
    )
    asked = {
        f"{module.__name__}.{name}": statement.for_sqlite
        for module in modules
        for name, statement in vars(module).items()
        if isinstance(statement, Statement)
    }

    assert len(asked) > 100
    assert {name: deep for name, sql in {**made, **asked}.items() if (deep := nesting(sql)) > DEEPEST} == {}


def test_an_sqlite_that_is_too_old_is_told_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LOWEST", (99, 0, 0))
    with pytest.raises(StoreError, match=r"SQLite is 3\.[0-9.]+; allowed: 99\.0\.0 or newer"):
        migrate(tmp_path / "tocsin.db")
    assert list(tmp_path.iterdir()) == []
