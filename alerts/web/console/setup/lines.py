"""Lines of channels.toml, changed one table at a time: what stands around it, comments too, stays as it was typed."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

Table = Mapping[str, Any]
_ANY_HEADER = re.compile(r"^\s*\[")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def parse(lines: str) -> dict[str, Any] | None:
    """What the lines say; None where they are no TOML."""
    try:
        return tomllib.loads(lines)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def table_of(lines: str, name: str) -> dict[str, Any]:
    """The table `name` (`station`, `channels.x`); empty where there is none."""
    found: Any = parse(lines) or {}
    for part in name.split("."):
        found = found.get(part, {}) if isinstance(found, dict) else {}
    return dict(found) if isinstance(found, dict) else {}


def names_in(lines: str, section: str) -> list[str]:
    """The names of the tables of a section (`channels`), in the order in which they stand."""
    return [name for name, table in table_of(lines, section).items() if isinstance(table, dict)]


def with_table(lines: str, name: str, values: Table) -> str:
    """The lines with the table `name` saying `values`: in its place, or at the end. None as a value takes a key away.

    A key that `values` doesn't speak of stays. Lines that are no TOML come back as they were.
    """
    whole = parse(lines)
    if whole is None:
        return lines
    wanted = {key: value for key, value in {**table_of(lines, name), **values}.items() if value is not None}
    _place(whole, name, wanted)
    return _checked(_replace(lines, name, _spell_table(name, wanted)), whole)


def without_table(lines: str, name: str) -> str:
    """The lines without the table `name`."""
    whole = parse(lines)
    if whole is None or not table_of(lines, name):
        return lines
    _place(whole, name, None)
    return _checked(_replace(lines, name, ""), whole)


def _checked(lines: str, whole: Table) -> str:
    """The lines if they say what they should, else all of it written anew: a table may be spelled in many ways."""
    written = lines.strip("\n") + "\n" if lines.strip() else ""
    said = parse(written)
    return written if said is not None and _without_empty(said) == _without_empty(whole) else _write(whole)


def _without_empty(whole: Table) -> dict[str, Any]:
    return {key: value for key, value in whole.items() if value != {}}


def _place(whole: dict[str, Any], name: str, table: Table | None) -> None:
    *outer, last = name.split(".")
    for part in outer:
        whole = whole.setdefault(part, {})
    if table is None:
        whole.pop(last, None)
    else:
        whole[last] = dict(table)


def _replace(lines: str, name: str, written: str) -> str:
    """The lines with `written` in the place of the table's own; after the last line where there is no such table."""
    rows = lines.splitlines()
    start = next((at for at, row in enumerate(rows) if _named(row) == name), None)
    if start is None:
        return f"{lines.rstrip()}\n\n{written}".lstrip("\n")
    end = next((at for at in range(start + 1, len(rows)) if _ANY_HEADER.match(rows[at])), len(rows))
    while end > start + 1 and (not rows[end - 1].strip() or rows[end - 1].lstrip().startswith("#")):
        end -= 1  # a comment before the next table is that one's
    return "\n".join([*rows[:start], *written.splitlines(), *rows[end:]])


def _named(row: str) -> str | None:
    """The table whose header the row is; None for any other. A pattern would try each blank of a long row anew."""
    row = row.strip()
    inner, closed, rest = row[1:].partition("]")
    name = ".".join(part.strip() for part in inner.split(".")).replace('"', "")
    is_header = row.startswith("[") and closed and "[" not in inner and rest.lstrip()[:1] in ("", "#")
    return name if is_header and name else None


def _write(whole: Table) -> str:
    return "\n".join(_tables(whole)).strip("\n") + "\n"


def _tables(whole: Table) -> Iterator[str]:
    """Each table, spelled: keys that stand before any of them first, those of [sources] and [channels] one by one."""
    yield from (f"{_key(key)} = {_spell(value)}\n" for key, value in whole.items() if not isinstance(value, dict))
    for name, table in whole.items():
        if not isinstance(table, dict):
            continue
        if name not in ("sources", "channels") or not all(isinstance(each, dict) for each in table.values()):
            yield _spell_table(name, table)
            continue
        yield from (_spell_table(f"{name}.{each}", values) for each, values in table.items())


def _spell_table(name: str, values: Table) -> str:
    spelled = "".join(f"{_key(key)} = {_spell(value)}\n" for key, value in values.items())
    return f"[{'.'.join(map(_key, name.split('.')))}]\n{spelled}"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _quote(key)


def _spell(value: Any) -> str:
    """A value as TOML 1.0 writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_spell(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_spell(each) for each in value) + "]"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return repr(value) if isinstance(value, int | float) else _quote(str(value))


def _quote(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for the one control character that JSON lets stand."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
