"""The lines of channels.toml, changed table by table; the comments in them stay.

`table_of` reads a table; `with_table` and `without_table` give the lines with another one in its place, or without it.
tomlkit edits the lines, since it keeps comments and order. tomllib, which the daemon uses, then checks the result: if
that differs from what was wanted, the lines are written again, without comments.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Comment, InlineTable, Item, Null, Table, Whitespace

# A key of a place, or a number of a list.
_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
DEEPEST = 20
"""Tables and lists within one another: no key has a quarter of that, and tomlkit, which calls itself, gives up."""


def parse(lines: str) -> dict[str, Any] | None:
    """Parse the lines. Returns None if they are no TOML, or nested more than `DEEPEST`."""
    try:
        whole = tomllib.loads(lines)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    level: list[Any] = [whole]
    for _ in range(DEEPEST):
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
        level = [each for each in level if isinstance(each, dict | list)]
    return None if level else whole


def value_at(whole: Mapping[str, Any], place: str) -> Any:
    """Return the value at a place as the loader names it (`channels.x.limits[0]`).

    A place may end in the name of a type that was tried (`store.url.str`), so the last part that is there counts.
    """
    found: Any = whole
    for key, number in _PART.findall(place):
        if isinstance(found, list) and number and int(number) < len(found):
            found = found[int(number)]
        elif isinstance(found, dict) and key in found:
            found = found[key]
    return found


def table_of(lines: str, name: str) -> dict[str, Any]:
    """Return the table `name` (`station`, `channels.x`), empty if there is none."""
    found: Any = parse(lines) or {}
    for part in name.split("."):
        found = found.get(part, {}) if isinstance(found, dict) else {}
    return dict(found) if isinstance(found, dict) else {}


def has_table(lines: str, name: str) -> bool:
    """True if there is a table `name`, with or without keys."""
    *outer, last = name.split(".")
    return isinstance((table_of(lines, ".".join(outer)) if outer else parse(lines) or {}).get(last), dict)


def names_in(lines: str, section: str) -> list[str]:
    """Return the names of the tables of a section (`channels`), in their order."""
    return [name for name, table in table_of(lines, section).items() if isinstance(table, dict)]


def with_table(lines: str, name: str, values: Mapping[str, Any]) -> str:
    """Return the lines with `values` in the table `name`: in its place, or at the end. The value None removes a key.

    Keys that aren't in `values` stay. Lines that are no TOML are returned unchanged.
    """
    wanted = {key: value for key, value in {**table_of(lines, name), **values}.items() if value is not None}
    return _changed(lines, name, wanted)


def without_table(lines: str, name: str) -> str:
    """Return the lines without the table `name`."""
    return _changed(lines, name, None) if has_table(lines, name) else lines


def _changed(lines: str, name: str, wanted: Mapping[str, Any] | None) -> str:
    whole = parse(lines)
    if whole is None:
        return lines
    inner, (*outer, last) = whole, name.split(".")
    for part in outer:
        inner = inner.setdefault(part, {})
    inner.pop(last, None)
    if wanted is not None:
        inner[last] = dict(wanted)
    try:
        written = _edited(lines, outer, last, wanted)
    except (TOMLKitError, RecursionError, ValueError, TypeError, AttributeError):
        written = ""
    # tomlkit doesn't keep every spelling of a table (dotted keys, tables in several pieces). So tomllib reads its
    # output again; if that differs, everything is written anew, without the comments.
    said = parse(written)
    if said is None or _without_empty(said) != _without_empty(whole):
        written = tomlkit.dumps(whole)
    return written.strip("\n") + "\n" if written.strip() else ""


def _without_empty(whole: Mapping[str, Any]) -> dict[str, Any]:
    # A header without a key has no effect, so it may stay or go.
    return {key: value for key, value in whole.items() if value != {}}


def _edited(lines: str, outer: list[str], last: str, wanted: Mapping[str, Any] | None) -> str:
    """Return the lines with `wanted` in that table, or without the table if it is None."""
    document: Any = tomlkit.parse(lines)
    inner = document
    for part in outer:
        inner = inner.get(part, {})
    if wanted is None:
        # Remove a table, but move the comment after it to the next table, to which it belongs.
        table = inner[last]
        if isinstance(table, Table):
            after = "".join(each.as_string() for each in _trailing(table.value))
            headers = list(_headers(document))
            own = next((place for place, each in enumerate(headers) if each is table), len(headers))
            following = headers[own + len(list(_headers(table.value))) + 1 :]
            if following:
                following[0].trivia.indent = after + following[0].trivia.indent
        del inner[last]
        if not inner and outer:
            del document[outer[0]]
    elif last in inner:
        _fill(inner[last], wanted)
    else:
        # At the end of the file, where a reader looks for additions first.
        return f"{lines.rstrip()}\n\n{_spelled(outer, last, wanted)}"
    return str(tomlkit.dumps(document))


def _spelled(outer: list[str], last: str, wanted: Mapping[str, Any]) -> str:
    inner: Any = tomlkit.document()
    document = inner
    for part in outer:
        # Otherwise tomlkit writes a bare `[channels]` before `[channels.x]`.
        inner[part] = tomlkit.table(is_super_table=True)
        inner = inner[part]
    inner[last] = tomlkit.table()
    _fill(inner[last], wanted)
    return str(tomlkit.dumps(document))


def _fill(table: Any, wanted: Mapping[str, Any]) -> None:
    # A comment before the next table belongs to that one, but tomlkit keeps it at the end of this one.
    after = _trailing(table.value) if isinstance(table, Table) else []
    for key in [key for key in table if key not in wanted]:
        del table[key]
    for key, value in wanted.items():
        if key not in table or table[key] != value:
            table[key] = _item(value)
    for each in after:
        _last_of(table.value).body.append((None, each))


def _headers(container: Container) -> Iterator[Table]:
    """Yield every table with a header of its own, in their order."""
    for _, item in container.body:
        if isinstance(item, Table):
            if not item.is_super_table():
                yield item
            yield from _headers(item.value)


def _trailing(container: Container) -> list[Item]:
    """Take off and return the items after the last key of a table: blank lines and comments, in order."""
    body = _last_of(container).body
    start = len(body)
    while start and isinstance(body[start - 1][1], Whitespace | Comment | Null):
        start -= 1
    found = [item for _, item in body[start:]]
    del body[start:]
    return found


def _last_of(container: Container) -> Container:
    """Return the innermost table at the end of a table, which has its last lines."""
    while container.body and isinstance(container.body[-1][1], Table):
        container = container.body[-1][1].value
    return container


def _item(value: Any) -> Item:
    """Return a value in the one-line form of our examples: `{ env = "NAME" }`."""
    if isinstance(value, dict):
        table: InlineTable = tomlkit.inline_table()
        for key, each in value.items():
            table.append(key, _item(each))
        # By itself tomlkit puts no blanks inside the braces.
        entries = [each for key, each in table.value.body if key is not None]
        if entries:
            entries[0].trivia.indent, entries[-1].trivia.trail = " ", " "
        return table
    if isinstance(value, list | tuple):
        array = tomlkit.array()
        for each in value:
            array.append(_item(each))
        return array
    item: Item = tomlkit.item(value)
    return item
