"""The schema of a town at a PostgreSQL server: the tables in its types, and its triggers.

Whichever program writes, triggers count posts (`tally`), keep the audit log from being changed, number it without gaps
(`height`), and notify listeners of writes. Words are searched by an index of trigrams over the same folded text that
SQLite's FTS5 has, behind a view of the same name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors

from alerts.model.reason import because
from alerts.model.town import Server
from alerts.store.files import FOLDED, HEAD, StoreError, must_be_usable, run_migrations
from alerts.store.postgresql import CHANNEL, advisory_key
from alerts.store.reaching import connected, said, search_path

if TYPE_CHECKING:
    from sqlalchemy import Connection as CoreConnection
    from sqlalchemy import MetaData

_MAKES = int.from_bytes(b"tocsin")
"""The number of the lock that is taken while a schema is made or changed."""


def _as_here(metadata: MetaData) -> MetaData:
    """The tables as PostgreSQL has them: texts as long as they need be, compared by their bytes as SQLite does.

    A length would refuse what SQLite keeps, and the order of another language would make a range of ids another range.
    """
    from sqlalchemy import MetaData, String, Text  # noqa: PLC0415 only who makes tables pays for it

    tables = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        copy = table.to_metadata(tables)
        for column in copy.columns:
            if isinstance(column.type, String):
                column.type = Text(collation="C")
    # Its numbers are given by `audit_grows`, without a gap: what a sequence gave is gone also when it is undone.
    tables.tables["audit"].c.seq.autoincrement = False
    return tables


def _folded(expression: str) -> str:
    singles = {character: plain for plain, letters in FOLDED.items() for character in letters if len(plain) == 1}
    gone = FOLDED[""]
    for plain, letters in FOLDED.items():
        if len(plain) > 1:
            for character in letters:
                expression = f"replace({expression}, '{character}', '{plain}')"
    to = "".join(singles.values()).replace("'", "''")
    return f"lower(translate({expression}, '{''.join(singles)}{gone}', '{to}'))"


def _words(row: str) -> str:
    columns = (f"coalesce({row}{name}, '')" for name in ("headline", "id", "identifier"))
    return _folded(" || E'\\n' || ".join(columns))


_RAISES = "RAISE EXCEPTION 'the record of who did what only grows'"
_MORE = """
INSERT INTO tally VALUES (NEW.channel, NEW.state, 1) ON CONFLICT (channel, state) DO UPDATE SET posts = tally.posts + 1;
"""
_LESS = "UPDATE tally SET posts = posts - 1 WHERE channel = OLD.channel AND state = OLD.state;"
_FUNCTIONS = {
    "count_a_post": f"""
        IF TG_OP <> 'INSERT' THEN {_LESS} END IF;
        IF TG_OP <> 'DELETE' THEN {_MORE} END IF;
        RETURN NULL;
    """,
    "audit_grows": f"""
        IF TG_OP <> 'INSERT' THEN {_RAISES}; END IF;
        IF NEW.seq IS NULL THEN
            UPDATE height SET seq = seq + 1 WHERE name = 'audit' RETURNING seq INTO NEW.seq;
        ELSE
            UPDATE height SET seq = greatest(seq, NEW.seq) WHERE name = 'audit';
        END IF;
        RETURN NEW;
    """,
    # With what is told: of a post that is to be sent, or only of something to be seen.
    "tell_of_it": f"PERFORM pg_notify('{CHANNEL}', TG_TABLE_SCHEMA || ' ' || TG_ARGV[0]); RETURN NULL;",
}
_TRIGGERS = {
    "post_is_counted": "AFTER INSERT OR DELETE ON post FOR EACH ROW EXECUTE FUNCTION count_a_post()",
    "post_is_counted_anew": "AFTER UPDATE OF channel, state ON post FOR EACH ROW "
    "WHEN (OLD.state <> NEW.state OR OLD.channel <> NEW.channel) EXECUTE FUNCTION count_a_post()",
    "audit_only_grows": "BEFORE INSERT OR UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_grows()",
    "audit_is_not_emptied": "BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_grows()",
    "post_is_told": "AFTER INSERT OR UPDATE ON post FOR EACH ROW WHEN (NEW.state IN ('queued', 'waiting')) "
    "EXECUTE FUNCTION tell_of_it('post')",
    "bulk_is_told": "AFTER INSERT ON bulk FOR EACH STATEMENT EXECUTE FUNCTION tell_of_it('post')",
    "attempt_is_told": "AFTER INSERT OR UPDATE ON attempt FOR EACH STATEMENT EXECUTE FUNCTION tell_of_it('seen')",
    "decision_is_told": "AFTER INSERT ON decision FOR EACH STATEMENT EXECUTE FUNCTION tell_of_it('seen')",
}


def _make(connection: CoreConnection) -> None:
    from alerts.store.schema import metadata  # noqa: PLC0415 only who makes tables pays for it

    run = connection.exec_driver_sql
    _as_here(metadata).create_all(connection, checkfirst=False)
    run("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public")
    run(f"CREATE VIEW alert_words AS SELECT seq AS rowid, {_words('')} AS words FROM alert")
    run(f"CREATE INDEX ix_alert_words ON alert USING gin (({_words('')}) gin_trgm_ops)")
    run("CREATE TABLE height (name text PRIMARY KEY, seq bigint NOT NULL)")
    run("INSERT INTO height VALUES ('audit', 0)")
    run("CREATE TABLE signed (connection text PRIMARY KEY, number bigint NOT NULL)")
    for name, body in _FUNCTIONS.items():
        run(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
    for name, trigger in _TRIGGERS.items():
        run(f"CREATE TRIGGER {name} {trigger}")
    run("CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY)")
    run("INSERT INTO alembic_version VALUES (%s)", (HEAD,))


def version(server: Server) -> str | None:
    """Return the migration that the schema is at. Returns None if none was created yet. Raises StoreError."""
    try:
        with connected(server, "tocsin", search_path(server)) as db:
            return version_of(db, server)
    except psycopg.OperationalError as error:
        raise StoreError(because("server_unreached", path=server.name, said=said(error))) from error


def version_of(db: psycopg.Connection[Any], server: Server) -> str | None:
    """As `version`, on an open connection, in one statement where there is a schema. Raises StoreError."""
    try:
        # With the schema's name: the table of that name in `public` is another program's.
        row = db.execute(f'SELECT version_num FROM "{server.schema}".alembic_version'.encode()).fetchone()
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        return None
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise StoreError(because("database_unread", path=server.name, said=said(error))) from error
    return str(row[0]) if row else None


def migrate(server: Server) -> bool:
    """Upgrade the schema, creating it if there is none; returns True if anything was done.

    Raises StoreError, also for a schema that a newer Tocsin has written.
    """
    current = version(server)
    must_be_usable(server, current)
    if current == HEAD:
        return False
    from sqlalchemy import create_engine  # noqa: PLC0415 only who upgrades pays for it
    from sqlalchemy.exc import DatabaseError  # noqa: PLC0415

    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: connected(server, "tocsin", search_path(server), autocommit=False)
    )
    try:
        with engine.begin() as connection:
            run = connection.exec_driver_sql
            # One after the other in the whole database: an extension that two create at once fails for one of them.
            run(f"SELECT pg_advisory_xact_lock({_MAKES}), pg_advisory_xact_lock({advisory_key(server)})")
            run(f'CREATE SCHEMA IF NOT EXISTS "{server.schema}"')
            current = version(server)
            if current is None:
                _make(connection)
            elif current != HEAD:
                run_migrations(connection)
    except (DatabaseError, psycopg.Error) as error:
        cause = getattr(error, "orig", None) or error
        raise StoreError(because("database_not_upgraded", path=server.name, said=said(cause))) from error
    finally:
        engine.dispose()
    return True
