"""Whatever a stranger says is looked up by an index, on both stores: an endpoint, a mailbox, a token, a picture."""

from __future__ import annotations

import re
from collections.abc import Mapping

from alerts.store import pictures, polls, report_rows, reports, subscribers
from alerts.store.connection import migrate, opened
from alerts.store.statement import Statement
from tests.conftest import a_server

FOR_OTHERS = {
    "subscribers _ALL": "an export, by an administrator",
    "subscribers _ALL_LINKED": "the officers that have a chat",
    "subscribers _RESULTS": "the few rows of what is being told",
    "subscribers _COUNT": "once a minute, beside the transactions",
    "polls _NEWEST": "the desk's list, with a bound",
    "polls _OPEN": "the polls that are open, a few",
    "polls _DUE": "the same",
    "report_rows _NOTICES_OF_ALL": "the desk's list, with a bound",
}
"""What no stranger's value is in."""


def statements() -> Mapping[str, Statement]:
    """All of these modules, whatever they are called."""
    found = {}
    for module in (subscribers, reports, report_rows, polls, pictures):
        for name, kept in vars(module).items():
            several = kept if isinstance(kept, dict) else {"": kept}
            for which, each in several.items():
                if isinstance(each, Statement):
                    found[f"{module.__name__.rsplit('.', 1)[1]} {name} {which}".strip()] = each
    return found


ASKED = {name: each for name, each in statements().items() if name not in FOR_OTHERS}


def test_a_file_looks_none_of_them_up_by_a_whole_table(tmp_path):
    migrate(tmp_path / "town.db")
    whole = {}
    with opened(tmp_path / "town.db") as db:
        for name, each in ASKED.items():
            sql = each.for_sqlite
            plan = db.execute(f"EXPLAIN QUERY PLAN {sql}", dict.fromkeys(re.findall(r":(\w+)", sql), 1))
            steps = [row[3] for row in plan if re.match(r"SCAN (?!counted|anon_|json_each|CONSTANT|.*VIRTUAL)", row[3])]
            if steps:
                whole[name] = steps
    assert len(ASKED) > 60
    assert whole == {}


def test_a_server_looks_none_of_them_up_by_a_whole_table(postgresql_url):
    place = a_server(postgresql_url)
    migrate(place)
    whole = {}
    with opened(place) as db:
        # Of a table that is empty the planner reads all of it, unless it mustn't where there is another way.
        db.execute("SET enable_seqscan = off")
        for name, each in ASKED.items():
            sql = each.for_postgresql
            lists = re.findall(r"json[a-z_]*\(\W*%\((\w+)\)s", sql)
            values = {**dict.fromkeys(re.findall(r"%\((\w+)\)s", sql), "1"), **dict.fromkeys(lists, "[]")}
            steps = [row[0] for row in db.execute(f"EXPLAIN {sql}", values) if "Seq Scan on" in row[0]]
            if steps:
                whole[name] = steps
    assert whole == {}
