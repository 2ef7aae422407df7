"""`--wait`: shows each delivery as it happens, until all have ended or are in doubt."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alerts.cli import screen
from alerts.cli.screen import tell
from alerts.model.post import PostState

if TYPE_CHECKING:
    from alerts.daemon.desk import Counter
    from alerts.desk.service import DeskUnit

_LOOKED_EVERY = 0.03
_SETTLED = ("sent", "failed", "expired", "superseded", "rejected", "dropped", "in_doubt")


def wait_until_ended(counter: Counter, identity: str, patience: timedelta, *, as_json: bool) -> int:
    """Follow the alert's posts; 0 only if all were sent, 1 otherwise, when the time is up or somebody must validate."""
    deadline = time.monotonic() + patience.total_seconds()
    told: dict[str, str] = {}
    while True:
        account, is_held = _account(counter, identity)
        _tell_changes(account, told)
        settled = all(post["state"] in _SETTLED for post in account["posts"])
        if settled or is_held or time.monotonic() > deadline:
            break
        screen.rest(_LOOKED_EVERY)
    screen.show_json(account) if as_json else screen.show_account(account)
    if is_held:
        waits = "it waits for a validation by somebody else: `tocsin approve %(alert)s`, or the desk"
        screen.say(tell(waits, alert=identity))
    elif not settled:
        late = "not all have ended within %(span)s s; `tocsin status %(alert)s` shows the rest"
        screen.say(tell(late, span=f"{patience.total_seconds():g}", alert=identity))
    return 0 if account["posts"] and all(post["state"] == PostState.SENT for post in account["posts"]) else 1


def _tell_changes(account: Mapping[str, Any], told: dict[str, str]) -> None:
    for post in account["posts"]:
        state = post["state"]
        if told.get(post["id"]) != state and state != PostState.SENDING:
            where = post["url"] or post["reason"] or ""
            screen.say(f"{post['channel']:<14} {screen.term(state):<10} {where}".rstrip())
            told[post["id"]] = state


def _account(counter: Counter, identity: str) -> tuple[dict[str, Any], bool]:
    """The alert with its posts, and whether nothing more happens to them before somebody validates it."""
    from alerts.desk.account import account_of
    from alerts.desk.approve import find_alert

    station = counter.desk.station

    def question(unit: DeskUnit) -> tuple[dict[str, Any], bool]:
        record = find_alert(unit.alerts, identity)
        posts = unit.alerts.posts_of(record.id)
        is_held = any(post.state is PostState.WAITING and post.not_before is None for post in posts)
        return account_of(record, posts, station.timezone, station.language), is_held

    return counter.ask(question)
