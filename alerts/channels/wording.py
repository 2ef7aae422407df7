"""Telling our own post by its words, where a platform gives texts back a little changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts.model.characters import normal as composed

SLACK = timedelta(seconds=60)
"""How much earlier than our attempt a platform's clock may date the post that came of it."""
_LONGEST = 70_000
"""Characters that are compared: Facebook's longest post has 63,206."""


def normal(text: str) -> str:
    """`text` in Unicode form C with every run of white space as one space: what platforms leave unchanged."""
    return " ".join(composed("NFC", text[:_LONGEST]).split())


def appeared(told: object, since: datetime) -> bool:
    """Whether an ISO 8601 time `told` by a platform is not before `since`, its clock's slack included."""
    try:
        moment = datetime.fromisoformat(str(told))
    except ValueError:
        return False
    return moment.tzinfo is not None and moment >= since - SLACK
