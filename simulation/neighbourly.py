"""What is promised of the Vigilance and of a site's feed, held against what is in the database at the end."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from alerts.model.alert import Alert, MsgType, Severity
from alerts.model.incident import StoredAlert
from alerts.model.post import PostKind
from simulation.audit import Breach, Promised
from simulation.neighbours import ORANGE, RED, SITE, VIGILANCE, YELLOW, Neighbours

SEVERITIES = {YELLOW: Severity.MODERATE, ORANGE: Severity.SEVERE, RED: Severity.EXTREME}
_BEGUN = """
    SELECT DISTINCT alert.id FROM attempt JOIN post ON post.id = attempt.post_id JOIN alert ON alert.id = post.alert_id
    WHERE alert.source = ?
"""


def audit_neighbours(  # noqa: PLR0917 what is held against what
    db: sqlite3.Connection,
    neighbours: Neighbours,
    messages: Sequence[StoredAlert],
    posts: Sequence[Promised],
    approved: Collection[str],
    now: datetime,
) -> Iterator[Breach]:
    """Every promise about the two."""
    warnings: dict[str, list[Alert]] = defaultdict(list)
    for each in messages:
        if each.source == VIGILANCE and each.alert is not None:
            warnings[each.alert.identifier.split("-")[2]].append(each.alert)
    for name, published in warnings.items():
        yield from each_colour_once(name, published)
    yield from as_the_map_says(neighbours, warnings, now)
    entries = [each for each in messages if each.source == SITE]
    yield from each_entry_once(neighbours, entries, now)
    yield from entries_go_on(entries, posts, now)
    begun = {str(name) for (name,) in db.execute(_BEGUN, (SITE,))}
    for name in begun - set(approved):
        yield Breach("an entry waits for an officer", f"{name} went out by itself", now)


def each_colour_once(name: str, published: Sequence[Alert]) -> Iterator[Breach]:
    """What is told of a phenomenon differs from what was told before, and is no older; what goes on refers to it."""
    known = set[str]()
    for alert in published:
        gone = [each.identifier for each in alert.references if each.identifier not in known]
        if gone:
            yield Breach("the map goes on from what was told", f"{alert.identifier} follows {gone}, told to nobody")
        known.add(alert.identifier)
    for before, after in pairwise(published):
        if after.sent < before.sent:
            yield Breach("an older map tells nothing", f"{after.identifier} came after {before.identifier}", after.sent)
        if _says(before) == _says(after):
            yield Breach("a colour is told once", f"{name}: {before.identifier}, {after.identifier}", after.sent)


def _says(alert: Alert) -> tuple[Severity, datetime | None]:
    return (alert.severity, alert.ends) if alert.msg_type is not MsgType.CANCEL else (Severity.UNKNOWN, None)


def as_the_map_says(neighbours: Neighbours, warnings: dict[str, list[Alert]], now: datetime) -> Iterator[Breach]:
    """What was told last of each phenomenon is what the last edition says of it: its colour and its end, or green."""
    last = neighbours.editions[-1]
    for name in warnings.keys() | last.windows.keys():
        newest = warnings[name][-1] if warnings.get(name) else None
        window = last.windows.get(name)
        if window is not None and window[1] > now:
            if newest is None or _says(newest) != (SEVERITIES[window[2]], window[1]):
                yield Breach(
                    "what the map says is told", f"{name} is {window}, and {newest and _says(newest)} was told"
                )
        elif window is None and newest is not None and newest.msg_type is not MsgType.CANCEL and newest.ends > now:
            yield Breach("what the map says is told", f"{name} is green again, and {_says(newest)} was told last")


def each_entry_once(neighbours: Neighbours, entries: Sequence[StoredAlert], now: datetime) -> Iterator[Breach]:
    """What stands in the feed is there, and each version of an entry once."""
    titles = Counter(each.alert.infos[0].headline for each in entries if each.alert and each.alert.infos)
    for title, many in titles.items():
        if many > 1:
            yield Breach("an entry is told once", f"{title!r} is there {many} times", now)
    for entry in neighbours.shown():
        if not titles[entry.title]:
            yield Breach("no entry is lost", f"{entry.title!r} stands in the feed, and isn't there", now)


def entries_go_on(entries: Sequence[StoredAlert], posts: Sequence[Promised], now: datetime) -> Iterator[Breach]:
    """A changed entry goes on with its incident, and one that left the feed isn't over."""
    of: dict[str, set[str]] = defaultdict(set)
    for each in entries:
        if each.alert is not None and each.alert.infos:
            of[(each.alert.infos[0].headline or "").partition(",")[0]].add(each.incident_id)
    for name, incidents in of.items():
        if len(incidents) > 1:
            yield Breach("a changed entry is an update", f"{name} is {sorted(incidents)}", now)
    ours = {each.id for each in entries}
    for post in posts:
        if post.alert in ours and post.kind is PostKind.END:
            yield Breach("what leaves a feed isn't over", f"{post.post} ends {post.alert} on {post.channel}", now)
