"""A PostgreSQL server's address: a libpq URI (libpq, 34.1.1.2) with one parameter of our own, `schema`.

libpq itself parses it, so every address that `psql` accepts is accepted here: several hosts with their ports, a
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
"""The options that name no service and no secret of this machine, and send a password to its host alone."""
_NO_FILE = "/nonexistent"


def without_schema(url: str) -> tuple[str, str]:
    """Return the address for libpq, and the schema that it names."""
    # Split by hand: urllib drops the slashes of an address without a host, and refuses several hosts with ports.
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
    if "/" in options.get("dbname", ""):  # rather a path than the name of a database
        raise ValueError
    return options


def strays(url: str) -> Iterator[str]:
    """Yield the options that a town of a fleet may not give: files, services, a way around the host's name."""
    yield from sorted(options_of(url).keys() - HARMLESS)


def isolated_url(url: str) -> str:
    """Return the address with every default of the process switched off: only what the town wrote itself is used.

    Otherwise libpq would send a password from the environment, or from the user's `.pgpass`, to any server named.
    """
    more = [f"passfile={_NO_FILE}"] + ([] if "password" in options_of(url) else ["password="])
    return f"{url}{'&' if '?' in url else '?'}{'&'.join(more)}"
