"""Whatever libpq takes as an address is one, with a schema of ours; of a fleet's town only what is its own."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from alerts.config.sections import store_at
from alerts.model.town import Server
from alerts.store.address import isolated_url, strays
from alerts.store.reaching import conninfo
from tests.walls import in_one_test


@pytest.mark.parametrize(
    ("url", "schema", "read"),
    [
        (
            "postgresql:///towns?host=/run/postgresql&schema=saint_martin",
            "saint_martin",
            {"dbname": "towns", "host": "/run/postgresql"},
        ),
        (
            "postgresql://tocsin@h1:5432,h2:5433/towns?target_session_attrs=read-write",
            "tocsin",
            {"user": "tocsin", "host": "h1,h2", "port": "5432,5433", "target_session_attrs": "read-write"},
        ),
        ("postgres://u:p%40ss@[::1]:5433/d?schema=a&sslmode=require", "a", {"password": "p@ss", "host": "::1"}),
        ("postgresql://h1,h2/p", "tocsin", {"host": "h1,h2", "dbname": "p"}),
    ],
)
def test_an_address_is_libpqs_and_the_schema_ours(tmp_path, url, schema, read):
    server = store_at(url, tmp_path)

    assert isinstance(server, Server)
    assert server.schema == schema
    found = conninfo_to_dict(conninfo(server))
    assert {key: found.get(key) for key in read} == read
    assert "schema" not in found


@in_one_test
@pytest.mark.parametrize(
    "url", ["postgresql://h/a/b", "postgresql://h/d?nonsense=1", "postgresql://[::1/d", "mysql://h/d"]
)
def test_what_libpq_would_refuse_is_no_store(tmp_path, url):
    with pytest.raises(ValueError, match="is no store"):
        store_at(url, tmp_path)


@in_one_test
@pytest.mark.parametrize(
    "option",
    ["sslkey=/srv/key", "sslcert=x", "passfile=/root/.pgpass", "service=other", "hostaddr=192.0.2.1"],
)
def test_no_option_of_a_towns_address_names_a_file_or_a_way_around_its_host(option):
    assert list(strays(f"postgresql://h/d?{option}")) == [option.partition("=")[0]]


def test_a_towns_server_is_given_no_password_of_the_process(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "another-towns")

    read = conninfo_to_dict(isolated_url("postgresql://attacker.example/d"))
    assert read["password"] == ""
    assert read["passfile"] == "/nonexistent"
    assert conninfo_to_dict(isolated_url("postgresql://u:own@h/d"))["password"] == "own"
