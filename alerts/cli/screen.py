"""What a person reads on a terminal: one alert, its posts, and how each is doing, in words before colours."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alerts.desk.in_full import InFull

_COLOURS = {
    "sent": "32",
    "queued": "36",
    "sending": "36",
    "waiting": "33",
    "in_doubt": "33",
    "failed": "31",
    "expired": "2",
    "superseded": "2",
    "rejected": "2",
    "dropped": "2",
    "accepted": "32",
    "left_out": "2",
    "ok": "32",
    "failing": "31",
    "blocked": "31",
    "quiet": "33",
    "held": "33",
    "restored": "33",
}

_THEN = {
    "corrected": "TAKEN BACK AS WRONG",
    "cancelled": "CANCELLED",
    "all_clear": "OVER, all clear",
    "update": "updated",
}

# What moves the cursor, hides, reorders or breaks a line: a feed may hold it, a terminal must not obey it.
_UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def show_json(value: Mapping[str, Any]) -> None:
    """One object on one line of standard output; in ASCII where that isn't UTF-8."""
    unicode = "utf" in (getattr(sys.stdout, "encoding", None) or "").lower()
    show(json.dumps(value, ensure_ascii=not unicode))


def say(text: str) -> None:
    """A line of progress, on standard error."""
    if sys.stderr is not None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def show(text: str) -> None:
    """A line of the result, on standard output. Raises OSError where it can't be written."""
    if sys.stdout is None:
        raise OSError("standard output is closed")
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def plain(text: str | None) -> str:
    """What a stranger wrote, without what a terminal would obey."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text or "")


def coloured(state: str, width: int = 0) -> str:
    """The state's word, in its colour on a terminal that wants colours."""
    word = state.replace("_", " ").ljust(width)
    if sys.stdout is None or not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return word
    return f"\x1b[{_COLOURS.get(state, '0')}m{word}\x1b[0m"


def show_account(account: Mapping[str, Any]) -> None:
    """An alert, then its posts, one a line."""
    headline = plain(account["headline"]) or "(unreadable)"
    until = f", until {_minutes(account['expires'])}" if account["expires"] else ""
    status = "" if account["status"] in ("Actual", None) else f" [{account['status'].upper()}]"
    show(f"{account['alert']}  {coloured(account['state'])}  {account['severity']}{status}  {headline}{until}")
    if account["reason"]:
        show(f"    {plain(account['reason'])}")
    for post in account["posts"]:
        show_post(post)


def show_then(account: Mapping[str, Any]) -> None:
    """What was said about it since: an alert that was taken back must not look as if it still held."""
    for then in account["then"]:
        word, waits = _THEN.get(then["what"], then["what"]), then["state"] == "waiting"
        said = f"not yet {word.lower()}, for {then['alert']} waits" if waits else f"{word} by {then['alert']}"
        why = f": {plain(then['reason'])}" if then["reason"] else ""
        show(f"    {_minutes(then['at'])}  {said}{why}")


def show_texts(account: Mapping[str, Any]) -> None:
    """What each channel's readers see of it, or would."""
    for post in account["posts"]:
        show("")
        show(f"── {post['channel']} · {post['kind']} · {post['state'].replace('_', ' ')}")
        show(plain(post["text"]))


def show_let_out(account: Mapping[str, Any]) -> None:
    """What a validation lets out beside the texts of the posts, of an alert that waits."""
    let_out = account.get("lets_out") or {}
    for each in let_out.get("subscribers", ()):
        show("")
        show(f"── subscribers of {each['channel']} · {each['language']}")
        show(plain(each["text"]))
        if each["link"] and each["link"] not in each["text"]:
            show(plain(each["link"]))
    for each in let_out.get("pictures", ()):
        show(f"{each['channel']}, the picture: {plain(each['alt'])}")
    for each in let_out.get("links", ()):
        show(f"{each['channel']}, the link: {plain(each['link'])}")
    for each in let_out.get("same_event", ()):
        show(f"the same event is out already: {each['alert']} from {each['source']}")


def show_in_full(told: Iterable[InFull]) -> None:
    """Every word of it in every language, as the town's page and the CAP message have it."""
    for each in told:
        show("")
        show(f"── on the town's page and in the CAP message · {plain(each.language) or 'in no language'}")
        for name, words in each.said:
            show(f"{name.replace('_', ' ')}: {plain(words)}")


def show_post(post: Mapping[str, Any]) -> None:
    """One post: where, what it is, how it stands, and its address or the reason."""
    where = post["url"] or plain(post["reason"])
    tries = f" ({post['attempts']} attempts)" if post["attempts"] > 1 else ""
    show(f"    {post['channel']:<14} {post['kind']:<8} {coloured(post['state'], 11)} {where}{tries}")


def show_rehearsal(account: Mapping[str, Any]) -> None:
    """An alert that isn't stored: each channel's text as a reader will see it, with its count."""
    headline = plain(account["headline"]) or "(unreadable)"
    show(f"{coloured(account['state'])}  {account['severity']}  {headline}")
    if account["reason"]:
        show(f"    {plain(account['reason'])}")
    for note in account.get("notes", ()):
        show(f"    forgiven: {plain(note)}")
    for post in account["posts"]:
        show("")
        show(f"── {post['channel']} · {post['kind']} · {post['count']} of {post['limit']}")
        show(plain(post["text"]))
        if post["cut"]:
            show(f"   cut: {', '.join(post['cut'])}")
        for warning in post["warnings"]:
            show(f"   look at: {plain(warning)}")


def show_store(store: Mapping[str, Any]) -> None:
    """The database's disk, where it lacks room."""
    show(f"store   {'':<14} {coloured(store['state'], 8)} {plain(store['reason'])}")


def show_source(source: Mapping[str, Any]) -> None:
    """How a source is doing, and how old that knowledge is."""
    read = f"last read {_minutes(source['last_ok'])}" if source["last_ok"] else "never read"
    reason = f": {plain(source['reason'])}" if source["reason"] else ""
    show(f"source  {source['source']:<14} {coloured(source['state'], 8)} {read}{reason}")


def show_bulk(bulk: Mapping[str, Any]) -> None:
    """Two lines: which alert it is, then how many people have it, wait for their hour, or are still to go."""
    headline = plain(bulk["headline"]) or bulk["alert"]
    show(f"bulk    {bulk['channel']:<14} {coloured(bulk['state'], 8)} {headline}  ({bulk['kind']} {bulk['alert']})")
    show(f"        {_reached(bulk)}{'; ' + plain(bulk['reason']) if bulk['reason'] else ''}")


def _reached(bulk: Mapping[str, Any]) -> str:
    if bulk["total"] is None:
        return "not begun" if bulk["state"] != "waiting" else "not begun: its alert waits"
    whom = "subscribers" if bulk["of"] == "subscribers" else "who got the alert"
    held = f"{bulk['held']} to be told by {_minutes(bulk['held_until'])}" if bulk["held_until"] else ""
    parts = [
        f"{bulk['sent']} told",
        held if bulk["held"] else "",
        f"{bulk['failed']} not reached" if bulk["failed"] else "",
        f"{bulk['skipped']} passed over" if bulk["skipped"] else "",
        f"{bulk['rest']} still to go" if bulk["rest"] else "",
        f"through at {bulk['ends_at'][11:16]}" if bulk["ends_at"] else "",
    ]
    return f"of {bulk['total']} {whom}: " + ", ".join(filter(None, parts))


def show_channel(channel: Mapping[str, Any]) -> None:
    """How a channel is doing, and how much of its windows is left."""
    left = ", ".join(f"{count} left of {window}" for window, count in channel["left"].items())
    reason = f": {plain(channel['reason'])}" if channel["reason"] else ""
    queued = f", {channel['queued']} queued" if channel["queued"] else ""
    people = f", {channel['subscribers']} subscribers" if channel["subscribers"] is not None else ""
    show(f"channel {channel['channel']:<14} {coloured(channel['state'], 8)} {left}{queued}{people}{reason}")


def show_database(told: Mapping[str, Any]) -> None:
    """That the database was put back, and what came of it."""
    since = _minutes(told["since"]) if told["since"] else "its beginning"
    found = f"{told['found']} posts found out there, {told['looked_for']} still looked for"
    show(f"database {coloured('restored', 8)} knows nothing of {since} to {_minutes(told['until'])}: {found}")
    show("  what officers published or ended in that time isn't known here any more: look at the channels")
    for channel, posts in told["unknown"].items():
        for post in posts or ():
            show(f"  unknown here, on {channel}: {plain(post)}")
        if posts is None:
            show(f"  what stands on {channel} can't be listed")


def _minutes(time: str) -> str:
    return time[:16].replace("T", " ")
