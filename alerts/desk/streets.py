"""The file of the town's streets (`[station] streets`): for each, the districts that it runs through.

It is a CSV as spreadsheets write it, in UTF-8, with commas or semicolons: `street,district`, a row for each district
that a street is in. A district is given by its code or its name in the boundary file. All of it is checked when it is
read, and the first wrong row is reported with its line.
"""

from __future__ import annotations

import csv
import errno
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from alerts.model.bounds import seen
from alerts.model.errors import Unreadable
from alerts.model.hazard import fold
from alerts.model.local import read_file
from alerts.model.reason import Reason, because
from alerts.model.town import District

MOST_ROWS = 20_000
"""Rows that are taken: Paris has 6,500 streets."""
LARGEST = 2_000_000
"""Bytes of the file."""
LONGEST = 120
"""Characters of a street's name."""
_COLUMNS = ("street", "district")


def read_streets(
    path: Path, within: Path | None = None, *, districts: Sequence[District]
) -> Mapping[str, tuple[str, ...]]:
    """The codes of the districts that each street is in, by its name, in the file's order. Raises Unreadable."""
    if not districts:
        raise Unreadable(because("streets_without_districts"))
    by_name = {fold(each.name): each.code for each in districts} | {fold(each.code): each.code for each in districts}
    found: dict[str, list[str]] = defaultdict(list)
    for line, street, district in _rows(path.name, _text_of(path, within)):
        code = by_name.get(fold(district))
        if not street:
            raise _wrong(path.name, line, because("street_unnamed"))
        if len(street) > LONGEST:
            raise _wrong(path.name, line, because("street_too_long", most=LONGEST))
        if code is None:
            raise _wrong(path.name, line, _no_district(district, districts))
        if code not in found[street]:
            found[street].append(code)
    if not found:
        raise Unreadable(because("streets_none", file=path.name))
    return {street: tuple(codes) for street, codes in found.items()}


def _text_of(path: Path, within: Path | None) -> str:
    try:
        content = read_file(path, within, LARGEST)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise _too_many(path.name) from None
        raise Unreadable(because("streets_unread", file=path.name, said=error.strerror or error)) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _wrong(path.name, line, because("street_no_utf8")) from None


def _rows(file: str, text: str) -> Iterator[tuple[int, str, str]]:
    """The line, the street and the district of each row; rows without a word are passed over."""
    head = text.partition("\n")[0]
    # Where a comma is in numbers, as in French, spreadsheets put semicolons between the columns.
    rows = csv.reader(text.splitlines(keepends=True), delimiter=";" if ";" in head else ",", strict=True)
    try:
        columns = [name.strip().lower() for name in next(rows, [])]
        if not set(_COLUMNS) <= set(columns):
            raise Unreadable(because("streets_no_csv", file=file))
        places = [columns.index(name) for name in _COLUMNS]
        filled = (row for row in rows if any(cell.strip() for cell in row))
        for count, row in enumerate(filled, start=1):
            if count > MOST_ROWS:
                raise _too_many(file)
            if len(row) != len(columns):
                raise _wrong(file, rows.line_num, because("street_row_misshapen"))
            street, district = (" ".join(seen(row[place]).split()) for place in places)
            yield rows.line_num, street, district
    except csv.Error:
        raise _wrong(file, rows.line_num, because("street_row_misshapen")) from None


def _no_district(text: str, districts: Sequence[District]) -> Reason:
    known = [each.name for each in districts]
    near = get_close_matches(text, [*known, *(each.code for each in districts)], n=1)
    hint = because("did_you_mean", near=repr(near[0])) if near else because("known_are", known=known)
    return because("street_of_no_district", name=repr(text[:LONGEST]), hint=hint)


def _too_many(file: str) -> Unreadable:
    return Unreadable(because("streets_too_many", file=file, rows=MOST_ROWS, most=LARGEST // 1_000_000))


def _wrong(file: str, line: int, what: Reason) -> Unreadable:
    return Unreadable(because("streets_line", file=file, line=line, what=what))
