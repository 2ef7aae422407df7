"""A PostgreSQL server's address: libpq's own (libpq, 34.1.1.2), and in it the one thing that is ours, `schema`.

libpq parses what it will be given, so that whatever `psql` takes is taken here: several hosts with their ports, a
socket's folder, any of its options.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict

HARMLESS = frozenset(
    (
        *("host", "port", "dbname", "user", "password", "application_name", "fallback_application_name"),
        *(
            "sslmode",
            "sslrootcert",
            "sslnegotiation",
            "ssl_min_protocol_version",
            "ssl_max_protocol_version",
            "channel_binding",
        ),
        *("require_auth", "gssencmode", "connect_timeout", "target_session_attrs", "load_balance_hosts"),
        *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
    )
)
"""The options that name no service and no secret of this machine, and lead a password nowhere but to its host."""
_NO_FILE = "/nonexistent"


def without_schema(url: str) -> tuple[str, str]:
    """The address as libpq takes it, and the schema that it names."""
    # By hand: urllib would drop the slashes of an address without a host, and refuse the ports of several.
    address, _, query = url.partition("?")
    options = [each.partition("=") for each in query.split("&") if each]
    schema = next((unquote(value) for key, _, value in options if key == "schema"), "tocsin")
    rest = "&".join("".join(each) for each in options if each[0] != "schema")
    return f"{address}?{rest}" if rest else address, schema


def options_of(url: str) -> dict[str, str]:
    """Return the options that libpq reads from an address. Raises ValueError if it can't."""
    try:
        read = conninfo_to_dict(without_schema(url)[0])
    except psycopg.Error:
        raise ValueError from None
    options = {key: str(value) for key, value in read.items()}
    if "/" in options.get("dbname", ""):  # more of a path than a database's name
        raise ValueError
    return options


def strays(url: str) -> Iterator[str]:
    """The options that a town of a fleet may not give: files, services, a way around the host's name."""
    yield from sorted(options_of(url).keys() - HARMLESS)


def isolated_url(url: str) -> str:
    """The address with which nothing of the process is used that the town didn't write down itself.

    libpq would take a password of the environment, or of the user's own `.pgpass`, to whatever server is named.
    """
    more = [f"passfile={_NO_FILE}"] + ([] if "password" in options_of(url) else ["password="])
    return f"{url}{'&' if '?' in url else '?'}{'&'.join(more)}"
