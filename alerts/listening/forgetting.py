"""Forgetting people's remarks: in time automatically, and at once on request.

After `[listening] keep` from the end of its incident (without one: from when it was heard) no word of an utterance is
left, nor its author's id, name or digest; the facts that remain are its channel, kind and time. It is deleted from the
tables, and then from the database's other files (`scrub`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qs, urlsplit

from alerts.desk.unit import DeskUnit
from alerts.model.listening import Utterance
from alerts.model.person import REPLIES_KEPT, AuditEntry
from alerts.model.town import Town

AT_ONCE = 50
"""Utterances forgotten in one transaction."""

# The ids in addresses: of a post on X, Mastodon and Bluesky, of a message by the number of its group and by its name.
_STATUS = re.compile(r"/status(?:es)?/(\d+)")
# A server shows a status of any other one as `/@name@host/ID`, by its own id.
_ON_MASTODON = re.compile(r"/@[^/]+/(\d+)")
_ON_BLUESKY = re.compile(r"/profile/(did:[^/]+)/post/(\w+)")
_MESSAGE = re.compile(r"/c/(\d+)/(?:\d+/)?(\d+)/?")
_NAMED_MESSAGE = re.compile(r"/([A-Za-z]\w{3,})/(?:\d+/)?(\d+)/?")
_TELEGRAM = ("t.me", "telegram.me")
GROUP = "group"
"""Part of an id from an address: the channel's discussion group, whose number its ear knows."""


def forget_what_is_past(unit: DeskUnit) -> int:
    """Forget some of what is past its time; returns how many, and 0 once nothing is left that is."""
    past = unit.listening.past(unit.now - unit.desk.station.listening.keep, AT_ONCE)
    for each in past:
        forget_said(unit, each)
    if not past:
        unit.listening.throw_away(unit.now)
        # What a program was answered holds the words too; else it stays until a program asks under a key again.
        unit.replies.sweep(unit.now - REPLIES_KEPT)
    return len(past)


def write_down(unit: DeskUnit, count: int) -> None:
    """Add the daemon's own line to the audit log: how many were forgotten by themselves."""
    unit.audit.write(AuditEntry(unit.now, "tocsin", "daemon", "daemon", "", "forget", "listening", f"{count} in time"))


def remarks_at(town: Town, url: str) -> Iterator[tuple[str, str]]:
    """Yield the channels and ids that an address may mean (`…/posts/POST?comment_id=…`, `t.me/c/…`)."""
    parts = urlsplit(url)
    for name, ids in ((each.name, _ids_of(each.kind, parts)) for each in town.hearing.values()):
        yield from ((name, remote_id) for remote_id in ids)


def _ids_of(kind: str, address: SplitResult) -> list[str]:
    path, asked = address.path, parse_qs(address.query)
    match kind:
        case "facebook":
            return _comment_ids(path, [*asked.get("reply_comment_id", []), *asked.get("comment_id", [])][:1])
        case "telegram":
            return _message_ids(path, asked.get("comment", [])) if address.hostname in _TELEGRAM else []
        case "twitter":
            return _STATUS.findall(path)[:1]
        case "bluesky":
            return [f"at://{did}/app.bsky.feed.post/{key}" for did, key in _ON_BLUESKY.findall(path)[:1]]
        case "mastodon":
            return _ON_MASTODON.findall(path)[:1]
        case _:
            return []


def _message_ids(path: str, comments: list[str]) -> list[str]:
    """A message of a group by its number or its name; a comment under a channel's post is one of its group."""
    if comments:
        return [f"{GROUP}:{comments[0]}"]
    if found := _MESSAGE.fullmatch(path):
        return [f"-100{found[1]}:{found[2]}"]
    named = _NAMED_MESSAGE.fullmatch(path)
    return [f"{named[1].lower()}:{named[2]}"] if named else []


def _by_number(unit: DeskUnit, channel: str, remote_id: str) -> str | None:
    """The id as Telegram has it, where the group is named otherwise; None where the ear never heard that group."""
    place, _, number = remote_id.rpartition(":")
    if not place or place.lstrip("-").isdecimal():
        return remote_id
    group = unit.listening.ear(channel).memory.get("group") or {}
    is_it = place in (GROUP, str(group.get("name", "")).lower())
    return f"{group['id']}:{number}" if is_it and "id" in group else None


def _comment_ids(path: str, comments: list[str]) -> list[str]:
    # Facebook names a comment by itself in some places, behind the post's own number in others.
    posts = re.findall(r"/(?:posts|videos|photos)/(?:[^/]*/)?(\d+)", path)
    return [name for comment in comments for name in (comment, *(f"{post}_{comment}" for post in posts))]


def forget_post(unit: DeskUnit, town: Town, url: str) -> int:
    """Forget the remark at that address, for good; returns how many utterances that were."""
    count = 0
    for channel, spelled in remarks_at(town, url):
        remote_id = _by_number(unit, channel, spelled)
        if remote_id is None:
            continue
        heard = unit.listening.utterance_of(channel, remote_id)
        # What wasn't heard yet is not to be heard later, either.
        unit.listening.never_again(channel, remote_id, unit.now)
        if heard is not None:
            forget_said(unit, heard)
            count += 1
    return count


def forget_author(unit: DeskUnit, channel: str, author: str) -> int:
    """Forget all that the account of that id said on a channel; returns how many utterances that were."""
    said = unit.listening.said_by(channel, author)
    for each in said:
        forget_said(unit, each)
    return len(said)


def forget_said(unit: DeskUnit, said: Utterance) -> None:
    """Forget one utterance for good, with what programs were answered about it."""
    unit.listening.forget(said, unit.now)
    # What a program was answered about it, or about its question, has its words.
    for name in filter(None, (said.id, said.question)):
        unit.replies.drop_those_with(name)
