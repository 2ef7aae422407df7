"""What is inserted is known by its table's own key; one text is SQL for both databases."""

from __future__ import annotations

import importlib
import pkgutil

import alerts.store
from alerts.store.schema import metadata
from alerts.store.statement import Insert, Statement
from alerts.store.subscribers import OWN

MODULES = [importlib.import_module(each.name) for each in pkgutil.iter_modules(alerts.store.__path__, "alerts.store.")]


def key_of(table: str) -> set[str]:
    return {column.name for column in metadata.tables[table].primary_key.columns}


def test_every_insert_that_meets_a_row_knows_it_by_the_key_of_its_table():
    found = {
        f"{module.__name__}.{name}": insert
        for module in MODULES
        for name, insert in vars(module).items()
        if isinstance(insert, Insert) and insert._keys
    }
    assert len(found) > 30
    assert {name for name, insert in found.items() if set(insert._keys) != key_of(insert._table)} == set()


def test_every_table_with_a_chat_in_its_key_is_forgotten_and_moved_with_it():
    with_chat = {name: key_of(name) - {"chat"} for name in metadata.tables if "chat" in key_of(name)}
    assert {name: set(keys) for name, keys in OWN.items()} | {"bulk_flight": {"bulk"}} == with_chat


def test_one_text_is_sql_for_both_databases():
    statement = Statement(
        "SELECT least(a, :b) FROM t WHERE unindexed(c) IN (SELECT value FROM items(:d)) OR e LIKE '%'"
    )

    assert (
        statement.for_sqlite == "SELECT min(a, :b) FROM t WHERE +(c) IN (SELECT value FROM json_each(:d)) OR e LIKE '%'"
    )
    assert statement.for_postgresql == (
        "SELECT least(a, %(b)s) FROM t WHERE (c) IN "
        "(SELECT value FROM jsonb_array_elements_text(CAST(%(d)s AS jsonb)) AS item(value)) OR e LIKE '%%'"
    )
