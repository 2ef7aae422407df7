"""What the database does by itself, whichever program writes to it; and the making of all there is.

Three things are kept by triggers, since neither a command, nor a daemon of another version beside this one, may forget
them:

* `tally` counts posts by channel and state, so that metrics count no rows;
* `alert_words`, SQLite's FTS5, has every three letters of what is searched for of an alert, without accents;
* `audit` only grows: no line is changed, removed or replaced.

The schema stands once, in `alerts.store.schema` and here: a new database is made from both (`create_all`), and a
migration that adds a table or a trigger takes it from there too.
"""

from __future__ import annotations

from sqlalchemy import Connection, Integer, Text, column, table

from alerts.store.schema import metadata

alert_words = table("alert_words", column("rowid", Integer), column("words", Text))
"""SQLite's FTS5 (sqlite.org/fts5.html), of which Core knows nothing but these names."""
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


# Nested `replace`, since SQLite has no other function that every version and every program beside this one would have.
def _folded(expression: str) -> str:
    for plain, letters in FOLDED.items():
        for letter in letters:
            expression = f"replace({expression}, '{letter}', '{plain.replace(chr(39), chr(39) * 2)}')"
    return expression


def _words(row: str) -> str:
    """What of an alert is searched, in SQL."""
    columns = (f"coalesce({row}{name}, '')" for name in ("headline", "id", "identifier"))
    return _folded(" || char(10) || ".join(columns))


_MORE = (
    "INSERT INTO tally VALUES (NEW.channel, NEW.state, 1) ON CONFLICT (channel, state) DO UPDATE SET posts = posts + 1;"
)
_LESS = "UPDATE tally SET posts = posts - 1 WHERE channel = OLD.channel AND state = OLD.state;"
_ADD = f"INSERT INTO alert_words (rowid, words) VALUES (NEW.seq, {_words('NEW.')});"  # noqa: S608 our own names
# Of a table without content, FTS5 is told what it is to forget (sqlite.org/fts5.html#the_delete_command).
_FORGET = f"INSERT INTO alert_words (alert_words, rowid, words) VALUES ('delete', OLD.seq, {_words('OLD.')});"  # noqa: S608 our own names
_GROWS = "BEGIN SELECT RAISE(ABORT, 'the record of who did what only grows'); END"
TRIGGERS = {
    "post_is_counted": f"AFTER INSERT ON post BEGIN {_MORE} END",
    "post_is_counted_anew": "AFTER UPDATE OF channel, state ON post "
    f"WHEN OLD.state <> NEW.state OR OLD.channel <> NEW.channel BEGIN {_LESS} {_MORE} END",
    "post_is_counted_no_more": f"AFTER DELETE ON post BEGIN {_LESS} END",
    "alert_is_found": f"AFTER INSERT ON alert BEGIN {_ADD} END",
    "alert_is_found_anew": f"AFTER UPDATE OF seq, id, identifier, headline ON alert BEGIN {_FORGET} {_ADD} END",
    "alert_is_found_no_more": f"AFTER DELETE ON alert BEGIN {_FORGET} END",
    "audit_is_not_changed": f"BEFORE UPDATE ON audit {_GROWS}",
    "audit_is_not_removed": f"BEFORE DELETE ON audit {_GROWS}",
    # INSERT OR REPLACE removes a row without asking the trigger above (sqlite.org/lang_conflict.html).
    "audit_is_not_replaced": f"BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq) {_GROWS}",  # noqa: S608
}
"""By name; each says when, on which table, and what."""


def create_all(connection: Connection, *, anew: bool = False) -> None:
    """Make whatever isn't there yet: tables, indexes, triggers. Of a table that is there, no column is touched.

    `anew`: there is nothing yet, and a table that is there all the same is another program's and an error.
    """
    metadata.create_all(connection, checkfirst=not anew)
    for made in metadata.tables.values():
        for index in made.indexes:
            index.create(connection, checkfirst=True)
    connection.exec_driver_sql(
        "CREATE VIRTUAL TABLE IF NOT EXISTS alert_words USING fts5(words, content='', tokenize='trigram')"
    )
    for name, trigger in TRIGGERS.items():
        connection.exec_driver_sql(f"CREATE TRIGGER IF NOT EXISTS {name} {trigger}")


def count_and_index(connection: Connection) -> None:
    """Count the posts and index the alerts of a database that had rows before it had these triggers."""
    connection.exec_driver_sql("INSERT INTO tally SELECT channel, state, count(*) FROM post GROUP BY channel, state")
    connection.exec_driver_sql(f"INSERT INTO alert_words (rowid, words) SELECT seq, {_words('')} FROM alert")  # noqa: S608 our own names
