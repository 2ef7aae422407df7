"""An empty file becomes what the schema says, whoever comes first and wherever it stops."""

from __future__ import annotations

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
from alerts.store.files import StoreError, connect
from alerts.store.migrate import HEAD, migrate, sound, version
from alerts.store.schema import metadata

BY_DESIGN = "ix_post_lane"
"""Descends, which SQLAlchemy can't read back from SQLite: its text is compared instead."""
FTS5_OWN = "alert_words"
"""What the index of words is made of begins so: SQLite lays it out by itself."""


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(alerts.store.__file__).parent / "migrations"))
    return ScriptDirectory.from_config(config)


def indexes(path: Path) -> dict[str, str]:
    db = connect(path)
    rows = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    db.close()
    return {row["name"]: " ".join(row["sql"].replace("(", " (").split()) for row in rows}


def test_the_migrations_make_what_the_schema_says(tmp_path):
    migrated, made = tmp_path / "migrated.db", tmp_path / "made.db"
    assert migrate(migrated)
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


def test_head_is_the_newest_script():
    assert script().get_current_head() == HEAD


def test_what_is_up_to_date_is_left_alone(tmp_path):
    path = tmp_path / "tocsin.db"

    assert migrate(path)
    assert version(path) == HEAD
    assert not migrate(path)


def test_two_processes_that_meet_an_empty_file_both_find_it_ready(tmp_path):
    path = tmp_path / "var" / "tocsin.db"
    code = f"from pathlib import Path; from alerts.store.migrate import migrate; print(migrate(Path({str(path)!r})))"
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)
    ]
    said = [process.communicate(timeout=60) for process in both]

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
    db = connect(path)
    db.execute("CREATE TABLE lease (lane TEXT)")  # in the way of the eighth table
    db.close()

    with pytest.raises(StoreError, match=r"table lease already exists; nothing was changed"):
        migrate(path)

    db = connect(path)
    assert [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")] == ["lease"]
    db.execute("DROP TABLE lease")
    db.close()
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
