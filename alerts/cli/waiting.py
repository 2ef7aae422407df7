"""`--wait`: shows each delivery as it happens, until all have ended or are in doubt."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alerts.cli import screen
from alerts.model.post import PostState

if TYPE_CHECKING:
    from alerts.daemon.counter import Counter

_LOOKED_EVERY = 0.03
_SETTLED = ("sent", "failed", "expired", "superseded", "rejected", "dropped", "in_doubt")


def wait_until_ended(counter: Counter, identity: str, patience: timedelta, *, as_json: bool) -> int:
    """Follow the alert's posts; 0 only if all were sent, 1 otherwise or when the time is up."""
    deadline = time.monotonic() + patience.total_seconds()
    told: dict[str, str] = {}
    while True:
        account = _account(counter, identity)
        _tell_changes(account, told)
        settled = all(post["state"] in _SETTLED for post in account["posts"])
        if settled or time.monotonic() > deadline:
            break
        time.sleep(_LOOKED_EVERY)
    if as_json:
        screen.show_json(account)
    else:
        screen.show_account(account)
    if not settled:
        screen.say(
            f"not all have ended within {patience.total_seconds():g} s; `tocsin status {identity}` shows the rest"
        )
    return 0 if account["posts"] and all(post["state"] == PostState.SENT for post in account["posts"]) else 1


def _tell_changes(account: Mapping[str, Any], told: dict[str, str]) -> None:
    for post in account["posts"]:
        state = post["state"]
        if told.get(post["id"]) != state and state != PostState.SENDING:
            where = post["url"] or post["reason"] or ""
            screen.say(f"{post['channel']:<14} {state.replace('_', ' '):<10} {where}".rstrip())
            told[post["id"]] = state


def _account(counter: Counter, identity: str) -> dict[str, Any]:
    from alerts.desk.account import account_of
    from alerts.desk.approval import find_alert
    from alerts.store.books import StoredBooks

    station = counter.desk.station

    def question(db: Any) -> dict[str, Any]:
        books = StoredBooks(db)
        record = find_alert(books, identity)
        return account_of(record, books.posts_of(record.id), station.timezone, station.language)

    return counter.query(question)
