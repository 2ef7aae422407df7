"""How often people's words under our posts are asked for, and how what a platform tells of them is read.

A post is looked at every `every` while it is young or people talk under it; the quieter it gets, the more seldom. So a
night of comments is followed by the minute, and twenty old posts cost a few requests an hour.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.model.bounds import bounded, seen
from alerts.model.listening import LONGEST_REMARK

LONGEST_PAUSE = timedelta(hours=6)
"""The longest time between two looks at a post that is still listened under."""
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
    """What an answer tells as somebody's words, as far as they are kept; "" where it tells none."""
    return seen(bounded(told, LONGEST_REMARK)).strip() if isinstance(told, str) else ""


def moment_of(told: object) -> datetime | None:
    """What an answer tells as a time: ISO 8601 with its zone, or seconds since 1970. None where it can't be one."""
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
    """What an ear remembers under a name, where that is a table; an empty one else."""
    return told if isinstance(told, dict) else {}
