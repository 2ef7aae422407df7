"""How each source and channel is doing, as `status`, the API and the pages tell it.

A source is `failing` where its last reading went wrong, `quiet` where it wasn't read for three of its rounds; a channel
has the state of its lane. `source_more` and `channel_more` say what the pages show beyond that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from alerts.delivery.attempt import troubled
from alerts.delivery.limiter import RateLimits
from alerts.model.incident import SourceStatus
from alerts.model.post import PostState
from alerts.model.reason import because
from alerts.model.town import Town
from alerts.store.views import Views

PENDING = (PostState.QUEUED, PostState.SENDING, PostState.IN_DOUBT, PostState.WAITING)
# A source that is read every minute isn't called quiet for a few rounds that were missed.
QUIET_AFTER = timedelta(minutes=30)


def source_standings(views: Views, config: Town, moment: datetime) -> Iterator[dict[str, Any]]:
    """How each source is doing."""
    known, zone = views.sources(), config.zone
    for name, rules in config.sources.items():
        if rules.every is None:
            continue
        found = known.get(name)
        last_ok = found.last_ok if found else None
        quiet = last_ok is None or moment - last_ok > max(rules.every * 3, QUIET_AFTER)
        state = "failing" if found and found.reason else "quiet" if quiet else "ok"
        yield {
            "source": name,
            "state": state,
            "last_ok": last_ok.astimezone(zone).isoformat(timespec="seconds") if last_ok else None,
            "reason": (found.reason if found else None) or (because("not_read_lately") if state == "quiet" else None),
        }


def channel_standings(views: Views, config: Town, moment: datetime) -> Iterator[dict[str, Any]]:
    """How each channel is doing and how much of its windows is left."""
    counts = views.open_counts()
    for name, settings in config.channels.items():
        pace = RateLimits(settings.limits, settings.kept_back)
        left, standing = views.departures(name, moment - pace.memory), views.channel_status(name)
        is_troubled = troubled(standing, moment)
        yield {
            "channel": name,
            "state": standing.state if is_troubled else "ok",
            "left": pace.left(left, moment),
            "reserve": pace.reserve,
            "queued": sum(counts.get((name, state), 0) for state in PENDING),
            "reason": standing.reason if is_troubled else None,
        }


def source_more(config: Town, known: SourceStatus | None, name: str) -> dict[str, Any]:
    """What the pages tell of a source beyond its standing: `every` how many seconds it is read, `failures` in a row.

    `gone` is how much vanished from a calendar at once, for an officer to decide.
    """
    rules = config.sources[name]
    every = rules.every.total_seconds() if rules.every is not None else None
    return {
        "kind": rules.kind,
        "every": every,
        "failures": known.failures if known else 0,
        "gone": known.gone if known else 0,
    }


def channel_more(config: Town, views: Views, standing: Mapping[str, Any]) -> dict[str, Any]:
    """What the pages tell of a channel beyond its standing.

    `windows` has each window's `limit` and what is `left` of it, and of the longest what the reserve `keeps`.
    `until` is when a channel that waits goes on, as an aware time.
    """
    name = standing["channel"]
    settings = config.channels[name]
    pace = RateLimits(settings.limits, settings.kept_back)
    windows = [
        {
            "window": str(window),
            "limit": window.count,
            "left": standing["left"][str(window)],
            "keeps": pace.reserve if window == pace.longest else 0,
        }
        for window in pace.windows
    ]
    is_well = standing["state"] == "ok"
    until = None if is_well else views.channel_status(name).blocked_until
    return {"kind": settings.kind, "exercise": settings.exercise, "windows": windows, "until": until}
