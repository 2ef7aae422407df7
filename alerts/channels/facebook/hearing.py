"""People's comments under a Page's posts: polled, post by post, and delivered by Facebook's webhook.

*Polled.* The comments of a post are listed whole, its replies among them (`filter=stream`), as long as they are few:
only this reveals an edit, a hiding and a removal. Of many, those since the last poll are listed, and all of them now
and then. Facebook ranks comments in whatever order is requested, so that a list is read to its end. Between two polls
the ear remembers a fingerprint of each comment by its id, and passes on only new or changed ones.

A comment missing from a whole list may be gone, or the list lags behind. It was on an earlier list, and is requested by
its id: only if Facebook doesn't know it either is it gone.

*Delivered.* The webhook delivers each comment at once, in any order, twice, or not at all; so they are polled as well.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote as escape

from alerts.channels.answer import Answer, RequestPurpose, address_of, id_of, name_of, unreadable
from alerts.channels.facebook import answers
from alerts.channels.hearing import look_after, moment_of, print_of, table, words_of
from alerts.model.bounds import same, seal_of
from alerts.model.errors import BadCredential, DeliveryError, Retry
from alerts.model.listening import EarReading, HeardPost, Remark
from alerts.model.reason import because

MOST_PAGES = 20
"""Pages of a hundred that one poll of a post reads."""
MOST_WHOLE = 500
"""Number of comments up to which each poll lists all of them."""
MOST_KEPT = 2000
"""Comments of one post that are remembered; what is said beyond that is heard, and its removal is not."""
MOST_IN_ALL = 20_000
"""Comments of all posts that are remembered: those of the newest posts, a megabyte of them."""
MOST_CHECKED = 25
"""Missing comments that one poll requests by their ids."""
MOST_REQUESTS = 120
"""Requests of one poll of all posts; the remaining posts come next."""
PAUSE = timedelta(seconds=5)
"""Pause after a poll that used all its requests."""
LAG = timedelta(minutes=10)
"""How far before the last poll a list begins: its read side may lag."""
# How often the comments of a busy post are listed whole, to find edits and removals.
WHOLE_EVERY = timedelta(minutes=15)
RESTS = timedelta(minutes=15)
"""How long listening rests where the Page has used much of its calls: what is left of them is for alerts."""
_FIELDS = "id,message,created_time,from,parent{id},is_hidden,permalink_url"

AskFor = Callable[[str, Mapping[str, str]], Awaitable[Answer]]
"""One GET of the Graph API: a route, and its query."""


@dataclass(slots=True)
class _PostRemembered:
    """The memory of one post: its last polls, the last whole one, its newest comment, and the fingerprints.

    `owes`: part of it must be polled again at the next turn.
    """

    looked: datetime | None = None
    whole: datetime | None = None
    newest: datetime | None = None
    prints: dict[str, str] = field(default_factory=dict)
    owes: bool = False

    @classmethod
    def read(cls, told: object) -> _PostRemembered:
        kept = table(told)
        looked, whole, newest = (moment_of(kept.get(name)) for name in ("looked", "whole", "newest"))
        prints = {str(id_): str(each) for id_, each in table(kept.get("prints")).items()}
        return cls(looked, whole, newest, prints, kept.get("owes") is True)

    def kept(self) -> dict[str, Any]:
        times = {name: getattr(self, name) for name in ("looked", "whole", "newest")}
        told = {name: moment.isoformat() for name, moment in times.items() if moment is not None}
        return told | ({"prints": self.prints} if self.prints else {}) | ({"owes": True} if self.owes else {})

    def due(self, post: HeardPost, every: timedelta) -> datetime:
        """Return when it is due."""
        if self.looked is None:
            return post.sent_at
        if self.owes:
            return self.looked + every
        talked = max(post.sent_at, self.newest or post.sent_at)
        return self.looked + look_after(self.looked - talked, every)


class PageEar:
    """Listens under the posts of one Page, once: at `now`.

    `ask` makes the channel's requests, `every` is the interval of polling a young post.
    """

    def __init__(self, page: str, ask: AskFor, every: timedelta, now: datetime) -> None:
        self._page = page
        self._ask = ask
        self._every = every
        self._now = now
        self._left = MOST_REQUESTS

    async def hear(self, posts: Sequence[HeardPost], memory: Mapping[str, Any]) -> EarReading:
        """Poll the posts that are due. Raises DeliveryError if nothing could be read at all.

        One unreadable post doesn't keep others from being read: it is reported as the poll's trouble.
        """
        # Comments of ours, as updates are, stand under the posts: what is said there is listed with the post's.
        ours = {post.remote_id: post for post in posts if post.remote_id.startswith(f"{self._page}_")}
        before = table(memory.get("posts"))
        threads = {id_: _PostRemembered.read(before.get(id_)) for id_ in ours}
        due = {id_: thread.due(ours[id_], self._every) for id_, thread in threads.items()}
        now, remarks = self._now, list[Remark]()
        looked, failed = 0, None
        for id_ in sorted(due, key=due.__getitem__):
            if self._left <= 0 or due[id_] > now:
                break
            try:
                said, threads[id_] = await self._look(ours[id_], threads[id_])
            except DeliveryError as error:
                failed = error
                # The other posts would meet the same.
                if isinstance(error, BadCredential) or (isinstance(error, Retry) and error.whole_channel):
                    break
                # Not again at once: the other posts come first.
                threads[id_] = replace(threads[id_], looked=now)
            else:
                remarks += said
                looked += 1
            due[id_] = threads[id_].due(ours[id_], self._every)
        if failed is not None and not looked:
            raise failed
        return EarReading(
            remarks,
            {"posts": {id_: thread.kept() for id_, thread in _bounded(threads).items()}},
            look_again=_named(failed) or self._again(due.values()),
            trouble=failed.reason if failed is not None else None,
        )

    def _again(self, due: Iterable[datetime]) -> datetime | None:
        """Return when the next post is due; after a pause if more were due than one poll covers."""
        soonest = min(due, default=None)
        return self._now + PAUSE if soonest is not None and self._left <= 0 else soonest

    async def _look(self, post: HeardPost, before: _PostRemembered) -> tuple[list[Remark], _PostRemembered]:
        """Return the new remarks under a post, and the memory of it to keep once they are stored."""
        now, thread = self._now, replace(before, prints=dict(before.prints), owes=False)
        is_whole = len(thread.prints) <= MOST_WHOLE or thread.whole is None or now - thread.whole >= WHOLE_EVERY
        since = None if is_whole or thread.looked is None else thread.looked - LAG
        listed, is_complete = await self._list(post.remote_id, since)
        remarks = [remark for each in listed if (remark := self._news(each, post, thread)) is not None]
        if since is None and is_complete:
            remarks += await self._missing({id_of(each.get("id")) for each in listed}, post, thread)
            thread.whole = now
        thread.looked = now
        return remarks, thread

    def _news(self, told: Mapping[str, Any], post: HeardPost, thread: _PostRemembered) -> Remark | None:
        """The remark that a comment is; None where nothing of it is new, or it is the Page's own."""
        remark = comment_of(told, post.remote_id)
        if remark is None or remark.author == self._page:
            return None
        thread.newest = max(thread.newest or remark.at, min(remark.at, self._now))
        told_now, known = print_of(f"{remark.hidden} {remark.text}"), thread.prints.get(remark.remote_id)
        if known == told_now:
            return None
        if known is not None or len(thread.prints) < MOST_KEPT:
            thread.prints[remark.remote_id] = told_now
        # Facebook tells of no edit when it was: it was by now, and after what was read before.
        return remark if known is None else replace(remark, edited_at=self._now)

    async def _missing(self, listed: set[str | None], post: HeardPost, thread: _PostRemembered) -> Sequence[Remark]:
        missing = [id_ for id_ in thread.prints if id_ not in listed]
        gone = []
        for id_ in missing[:MOST_CHECKED]:
            if answers.is_gone(await self._read(escape(id_, safe=""), {"fields": "id"})):
                del thread.prints[id_]
                gone.append(Remark(id_, None, post.sent_at, root=post.remote_id, edited_at=self._now, gone=True))
        thread.owes = len(missing) > MOST_CHECKED
        return gone

    async def _list(self, post: str, since: datetime | None) -> tuple[list[Mapping[str, Any]], bool]:
        """The comments of a post, page by page, and whether those are all; of a post that is gone there are none."""
        asked = {"filter": "stream", "order": "reverse_chronological", "limit": "100", "fields": _FIELDS}
        if since is not None:
            asked["since"] = str(int(since.timestamp()))
        found: list[Mapping[str, Any]] = []
        for _ in range(MOST_PAGES):
            answer = await self._read(f"{escape(post, safe='')}/comments", asked)
            if answers.is_gone(answer):
                return [], True
            comments = answers.posts_of(answer)
            if comments is None:
                raise unreadable("Facebook", answer, RequestPurpose.READ)
            found += comments
            after = answers.next_page(answer)
            # A page that names itself as the next one would be read for ever.
            if after is None or asked.get("after") == after:
                return found, True
            asked = {**asked, "after": after}
        return found, False

    async def _read(self, route: str, fields: Mapping[str, str]) -> Answer:
        """One answer that says something, were it that what was asked for is gone. Raises DeliveryError."""
        self._left -= 1
        answer = await self._ask(route, fields)
        if not answers.is_gone(answer) and (
            error := answers.refusal(answer, RequestPurpose.READ, self._page, self._now)
        ):
            raise error
        if answers.used(answer.headers, self._page) >= answers.MUCH:
            # What this look read so far is read again then: nothing of it is lost.
            rests = because("facebook_listening_rests", percent=answers.MUCH)
            raise Retry(rests, self._now + RESTS, whole_channel=True)
        return answer


def _bounded(threads: Mapping[str, _PostRemembered]) -> Mapping[str, _PostRemembered]:
    """The threads, those of older posts without what was said there once the newer ones have so much."""
    kept, room = {}, MOST_IN_ALL
    for id_, thread in threads.items():
        kept[id_] = thread if len(thread.prints) <= room else replace(thread, prints={})
        room -= len(kept[id_].prints)
    return kept


def _named(failed: DeliveryError | None) -> datetime | None:
    return failed.after if isinstance(failed, Retry) else None


def comment_of(told: Mapping[str, Any], post: str) -> Remark | None:
    """Return a comment from the Graph API under this post. Returns None without a valid id or time.

    Its author is missing if the app has no right to names, which is the usual case.
    """
    remote_id, at = id_of(told.get("id")), moment_of(told.get("created_time"))
    if remote_id is None or at is None:
        return None
    who = table(told.get("from"))
    return Remark(
        remote_id,
        words_of(told.get("message")),
        at,
        root=post,
        parent=id_of(table(told.get("parent")).get("id")),
        author=id_of(who.get("id")),
        name=name_of(who.get("name")),
        url=address_of(told.get("permalink_url")),
        hidden=told.get("is_hidden") is True,
    )


# --- what the webhook brings

SIGNATURE_HEADER = "X-Hub-Signature-256"
# The verbs of the webhook whose comment has words, and those that change its visibility.
_WORDED = frozenset({"add", "edit", "edited"})
_HIDING = {"hide": True, "unhide": False}


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """True if `signature` (`sha256=` and hexadecimals) is the app's over the very bytes; in constant time."""
    return same(signature, f"sha256={seal_of(secret, body)}")


def brought(body: bytes, page: str) -> list[Remark]:
    """Return the remarks on this Page in a webhook delivery, in its order; the Page's own are left out.

    Unreadable parts are skipped, since repeating them wouldn't help. Raises ValueError if it isn't JSON.
    """
    try:
        told = json.loads(body)
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(told, dict) or told.get("object") != "page":
        return []
    return [remark for at, change in _changes(told, page) if (remark := _changed(change, page, at)) is not None]


def _changes(told: Mapping[str, Any], page: str) -> Iterator[tuple[datetime | None, Mapping[str, Any]]]:
    entries = told.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        changes = table(entry).get("changes")
        if id_of(table(entry).get("id")) != page or not isinstance(changes, list):
            continue
        for change in changes:
            if table(change).get("field") == "feed":
                yield moment_of(entry.get("time")), table(table(change).get("value"))


def _changed(value: Mapping[str, Any], page: str, at: datetime | None) -> Remark | None:
    remote_id, post, parent = (id_of(value.get(name)) for name in ("comment_id", "post_id", "parent_id"))
    # When it happened, where it is told; the entry's own time is when it was sent.
    verb, said_at = str(value.get("verb")), moment_of(value.get("created_time")) or at
    # In older deliveries a number and a name stand in place of `from`.
    who = table(value.get("from")) or {"id": value.get("sender_id"), "name": value.get("sender_name")}
    author = id_of(who.get("id"))
    if value.get("item") != "comment" or remote_id is None or said_at is None or author == page:
        return None
    if verb not in _WORDED and verb not in _HIDING and verb != "remove":
        return None
    return Remark(
        remote_id,
        words_of(value.get("message")) if verb in _WORDED else None,
        said_at,
        root=post,
        parent=parent if parent != post else None,
        author=author,
        name=name_of(who.get("name")),
        # The first version is no edit, however late it comes: so it never takes the place of one.
        edited_at=None if verb == "add" else said_at,
        gone=verb == "remove",
        hidden=_HIDING.get(verb),
    )
