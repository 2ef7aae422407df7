"""The polling interval of remarks under our posts, and the reading of a platform's answers.

A post is polled every `every` while it is young or people talk under it, and less often the quieter it gets. So a night
of comments is followed by the minute, and twenty old posts cost a few requests an hour.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.model.bounds import bounded, seen
from alerts.model.listening import LONGEST_REMARK

LONGEST_PAUSE = timedelta(hours=6)
"""The longest time between two polls of a post that is still listened to."""
# A post that has been quiet for an hour is polled every five minutes, and so on.
_SHARE = 12
# Times that platforms tell: before and after these there was, and will be, no post of ours.
_EARLIEST, _LATEST = datetime(2004, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def look_after(quiet: timedelta, every: timedelta) -> timedelta:
    """How long to leave a post alone under which nobody said anything for so long: a twelfth of that.

    No less than `every` and no more than six hours. By a minute that is every minute for twelve minutes, each quarter
    of an hour after three hours, and every six hours from the third day on.
    """
    return max(every, min(quiet / _SHARE, LONGEST_PAUSE))


def words_of(told: object) -> str:
    """Return a value from an answer as somebody's words, cut to the length that is kept; "" if it has none."""
    return seen(bounded(told, LONGEST_REMARK)).strip() if isinstance(told, str) else ""


def moment_of(told: object) -> datetime | None:
    """Return a value from an answer as a time: ISO 8601 with its zone, or seconds since 1970.

    None if it can't be one.
    """
    try:
        if isinstance(told, str):
            moment = datetime.fromisoformat(told)
        elif isinstance(told, int | float) and not isinstance(told, bool):
            moment = datetime.fromtimestamp(told, UTC)
        else:
            return None
        return moment.astimezone(UTC) if moment.tzinfo and _EARLIEST < moment < _LATEST else None
    except (ValueError, OverflowError, OSError):
        return None


def print_of(words: str) -> str:
    """By what it is known that somebody's words changed since they were last read.

    Sixteen bits: of any two sentences one in 65,536 has the same, so it leads back to none, be they ever so short.
    """
    return hashlib.sha256(words.encode(errors="replace")).hexdigest()[:4]


def table(told: object) -> Mapping[str, Any]:
    """Return a value of an ear's memory if it is a table; else an empty one."""
    return told if isinstance(told, dict) else {}
