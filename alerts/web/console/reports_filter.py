"""Which reports a page, a map or a file shows: the filter of an address, and the addresses that keep it.

A filter is words in an address, so that a link, a bookmark and the form of a deed carry it alike. What isn't one of its
values asks for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from alerts.model.bounds import bounded
from alerts.model.reports import COUNTING, ReportState, WantedReports
from alerts.model.town import Town
from alerts.reports.acts import WAITING
from alerts.store.report_lists import BEGINNING, Place

OPEN = "open"
STATES: Mapping[str, tuple[ReportState, ...]] = {
    OPEN: COUNTING,
    "waiting": WAITING,
    **{state.value: (state,) for state in ReportState},
    "all": (),
}
"""What can be asked for of states, by its name in an address; without one it is what is open."""
SPANS: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "1y": timedelta(days=365),
}
_LONGEST = 100
_PLACE = re.compile(r"([012])-([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """What somebody looks for, as an address says it; what is empty narrows nothing."""

    state: str = OPEN
    kind: str = ""
    district: str = ""
    words: str = ""
    since: str = ""
    incident: str = ""
    draft: str = ""

    def wanted(self, now: datetime) -> WantedReports:
        """As the store is asked for it."""
        return WantedReports(
            states=STATES[self.state],
            kind=self.kind or None,
            district=self.district or None,
            words=self.words or None,
            since=now - SPANS[self.since] if self.since else None,
            incident=self.incident or None,
            draft=self.draft or None,
        )

    def query(self, **more: str) -> str:
        """As it stands in an address, with more behind it; empty where it asks for nothing."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        given = {name: value for name, value in said.items() if value and (name, value) != ("state", OPEN)}
        return urlencode({**given, **{name: value for name, value in more.items() if value}})

    def address(self, path: str, **more: str) -> str:
        """That path with this filter."""
        query = self.query(**more)
        return f"{path}?{query}" if query else path

    @property
    def is_narrow(self) -> bool:
        """Whether it asks for less than all that is open."""
        return bool(self.query())


def filter_of(said: Mapping[str, str], town: Town) -> ReportFilter:
    """The filter that these words of an address ask for."""
    names = [each.name for each in fields(ReportFilter)]
    typed = {name: bounded(said.get(name, ""), _LONGEST).strip() for name in names}
    kinds = town.reports.kinds if town.reports is not None else ()
    asked = ReportFilter(**{**typed, "state": typed["state"] or OPEN})
    return replace(
        asked,
        state=asked.state if asked.state in STATES else OPEN,
        since=asked.since if asked.since in SPANS else "",
        kind=asked.kind if asked.kind in {kind.code for kind in kinds} else "",
        district=asked.district if asked.district in {each.code for each in town.districts} else "",
    )


def filter_from(query: str, town: Town) -> ReportFilter:
    """The same out of a query that a form carried: only what is a filter's comes through."""
    return filter_of(dict(parse_qsl(query[: 10 * _LONGEST])), town)


def place_of(said: str) -> Place:
    """The place behind which a list goes on; the beginning where that names none."""
    found = _PLACE.fullmatch(said)
    return (int(found[1]), int(found[2])) if found else BEGINNING


def spelled(place: Place) -> str:
    """A place as an address names it."""
    return f"{place[0]}-{place[1]}"
