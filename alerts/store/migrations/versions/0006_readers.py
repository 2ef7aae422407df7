"""What people ask is answered from indexes and counts: known ids, posts by state, words; and what is pruned is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FOLDED = {
    "a": "àáâãäåÀÁÂÃÄÅ",
    "c": "çÇ",
    "e": "èéêëÈÉÊË",
    "i": "ìíîïÌÍÎÏ",
    "n": "ñÑ",
    "o": "òóôõöøÒÓÔÕÖØ",
    "u": "ùúûüÙÚÛÜ",
    "y": "ýÿÝŸ",
    "ae": "æÆ",
    "oe": "œŒ",
    "ss": "ß",
    "'": "’",
    "": "\u0300\u0301\u0302\u0303\u0308\u030a\u0327",
}
"""Letters as they are searched for: the tokenizer folds cases, and folds accents only from SQLite 3.45 on."""


def folded(expression: str) -> str:
    """The expression with each letter folded: what the triggers write, for any version of Tocsin beside this one."""
    for plain, letters in FOLDED.items():
        for letter in letters:
            expression = f"replace({expression}, '{letter}', '{plain.replace(chr(39), chr(39) * 2)}')"
    return expression


def words(row: str) -> str:
    """What of an alert is searched."""
    columns = (f"coalesce({row}{name}, '')" for name in ("headline", "id", "identifier"))
    return folded(" || char(10) || ".join(columns))


def upgrade() -> None:
    """Bring the database from the version before to this one; the version before goes on working beside it."""
    known = sa.text("remote_id IS NOT NULL")
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index("ix_attempt_known", ["channel", "seq"], unique=False, sqlite_where=known)
        columns = ["channel", "remote_id", "seq"]
        batch_op.create_index("ix_attempt_remote_id", columns, unique=False, sqlite_where=known)
    with op.batch_alter_table("reference", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reference_alert_id"), ["alert_id"], unique=False)
    op.create_table(
        "archive",
        sa.Column("name", sa.String(length=26), nullable=False),
        sa.Column("incident", sa.String(length=26), nullable=False),
        sa.Column("kept", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_archive")),
    )
    _count_posts()
    _index_words()


def _count_posts() -> None:
    op.create_table(
        "tally",
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("posts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "state", name=op.f("pk_tally")),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO tally SELECT channel, state, count(*) FROM post GROUP BY channel, state")
    more = (
        "INSERT INTO tally VALUES (NEW.channel, NEW.state, 1) "
        "ON CONFLICT (channel, state) DO UPDATE SET posts = posts + 1;"
    )
    less = "UPDATE tally SET posts = posts - 1 WHERE channel = OLD.channel AND state = OLD.state;"
    op.execute(f"CREATE TRIGGER post_is_counted AFTER INSERT ON post BEGIN {more} END")
    op.execute(
        "CREATE TRIGGER post_is_counted_anew AFTER UPDATE OF channel, state ON post "
        f"WHEN OLD.state <> NEW.state OR OLD.channel <> NEW.channel BEGIN {less} {more} END"
    )
    op.execute(f"CREATE TRIGGER post_is_counted_no_more AFTER DELETE ON post BEGIN {less} END")


def _index_words() -> None:
    op.execute("CREATE VIRTUAL TABLE alert_words USING fts5(words, content='', tokenize='trigram')")
    op.execute(f"INSERT INTO alert_words (rowid, words) SELECT seq, {words('')} FROM alert")  # noqa: S608 our own names
    add = f"INSERT INTO alert_words (rowid, words) VALUES (NEW.seq, {words('NEW.')});"  # noqa: S608 our own names
    # Of a table without content, FTS5 is told what it is to forget.
    forget = f"INSERT INTO alert_words (alert_words, rowid, words) VALUES ('delete', OLD.seq, {words('OLD.')});"  # noqa: S608
    op.execute(f"CREATE TRIGGER alert_is_found AFTER INSERT ON alert BEGIN {add} END")
    op.execute(
        "CREATE TRIGGER alert_is_found_anew AFTER UPDATE OF seq, id, identifier, headline ON alert "
        f"BEGIN {forget} {add} END"
    )
    op.execute(f"CREATE TRIGGER alert_is_found_no_more AFTER DELETE ON alert BEGIN {forget} END")
