"""People's comments under a Page's posts: polled, post by post, and delivered by Facebook's webhook.

*Polled*, as `PostsEar` does it: the comments of a post are listed with their replies (`filter=stream`), whole or since
a time. Facebook ranks comments in whatever order is requested, so that a list is read to its end.

*Delivered.* The webhook delivers each comment at once, in any order, twice, or not at all; so they are polled as well.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote as escape

from alerts.apart.parser import parser
from alerts.channels.answer import READING_TAKES, Answer, RequestPurpose, address_of, id_of, name_of, unreadable
from alerts.channels.facebook import answers
from alerts.channels.graph import MUCH, is_gone, next_page, rows_of, used
from alerts.channels.hearing import PostsEar, moment_of, words_of
from alerts.model.bounds import read_long_json, same, seal_of, table, tables
from alerts.model.errors import Retry, Unreadable
from alerts.model.listening import HeardPost, Remark
from alerts.model.reason import because

MOST_PAGES = 20
"""Pages of a hundred that one poll of a post reads."""
RESTS = timedelta(minutes=15)
"""The pause of listening once the Page has used much of its calls: the rest of them is for alerts."""
_FIELDS = "id,message,created_time,from,parent{id},is_hidden,permalink_url"

AskFor = Callable[[str, Mapping[str, str]], Awaitable[Answer]]
"""Makes one GET request to the Graph API: a route, and its query."""


class PageEar(PostsEar):
    """Hears the comments under the posts of one Page, in one poll at `now`.

    `ask` makes the channel's requests, `every` is the interval of polling a young post.
    """

    def __init__(self, page: str, ask: AskFor, every: timedelta, now: datetime) -> None:
        super().__init__(page, every, now)
        self._ask = ask

    def roots(self, posts: Sequence[HeardPost]) -> Sequence[HeardPost]:
        """Return the posts alone: our own comments, such as updates, are listed under them with their replies."""
        return [post for post in posts if post.remote_id.startswith(f"{self.account}_")]

    async def is_gone(self, remote_id: str) -> bool:
        """Ask for one comment by its id."""
        return is_gone(await self._read(escape(remote_id, safe=""), {"fields": "id"}))

    async def under(self, post: HeardPost, since: datetime | None) -> tuple[Sequence[Remark], bool]:
        """Return the comments of a post, page by page, and True if those are all. A deleted post has none."""
        asked = {"filter": "stream", "order": "reverse_chronological", "limit": "100", "fields": _FIELDS}
        if since is not None:
            asked["since"] = str(int(since.timestamp()))
        found: list[Mapping[str, Any]] = []
        is_complete = False
        for _ in range(MOST_PAGES):
            answer = await self._read(f"{escape(post.remote_id, safe='')}/comments", asked)
            if is_gone(answer):
                return (), True
            comments = rows_of(answer)
            if comments is None:
                raise unreadable("Facebook", answer, RequestPurpose.READ)
            found += comments
            after = next_page(answer)
            # A page that names itself as the next one would be read for ever otherwise.
            is_complete = after is None or asked.get("after") == after
            if is_complete:
                break
            asked = {**asked, "after": after or ""}
        remarks = (comment_of(each, post.remote_id) for each in found)
        return [each for each in remarks if each is not None], is_complete

    async def _read(self, route: str, fields: Mapping[str, str]) -> Answer:
        """Return an answer, which may say that the subject is gone. Raises DeliveryError for refusals."""
        self.left -= 1
        answer = await self._ask(route, fields)
        if not is_gone(answer) and (error := answers.refusal(answer, RequestPurpose.READ, self.account, self.now)):
            raise error
        if used(answer.headers, self.account) >= MUCH:
            # The next poll reads these comments again: nothing is lost.
            rests = because("facebook_listening_rests", percent=MUCH)
            raise Retry(rests, self.now + RESTS, whole_channel=True)
        return answer


def comment_of(comment: Mapping[str, Any], post: str) -> Remark | None:
    """Return a comment from the Graph API under this post. Returns None without a valid id or time.

    Its author is missing if the app has no right to names, which is the usual case.
    """
    remote_id, at = id_of(comment.get("id")), moment_of(comment.get("created_time"))
    if remote_id is None or at is None:
        return None
    who = table(comment.get("from"))
    return Remark(
        remote_id,
        words_of(comment.get("message")),
        at,
        root=post,
        parent=id_of(table(comment.get("parent")).get("id")),
        author=id_of(who.get("id")),
        name=name_of(who.get("name")),
        url=address_of(comment.get("permalink_url")),
        hidden=comment.get("is_hidden") is True,
    )


# --- what the webhook brings

SIGNATURE_HEADER = "X-Hub-Signature-256"
# The verbs of the webhook whose comment has words, and those that change its visibility.
_WORDED = frozenset({"add", "edit", "edited"})
_HIDING = {"hide": True, "unhide": False}


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """True if `signature` (`sha256=` and hexadecimals) is the app's over the very bytes; in constant time."""
    return same(signature, f"sha256={seal_of(secret, body)}")


@parser("delivery of Facebook", seconds=READING_TAKES)
def brought(body: bytes, page: str) -> tuple[Remark, ...]:
    """Return the remarks on this Page in a webhook delivery, in its order; the Page's own are left out.

    Unreadable parts are skipped, since repeating them wouldn't help. Raises Unreadable if it isn't JSON.
    """
    if (value := read_long_json(body)) is None:
        raise Unreadable(because("unreadable"))
    if not isinstance(value, dict) or value.get("object") != "page":
        return ()
    found = (_changed(change, page, at) for at, change in _changes(value, page))
    return tuple(remark for remark in found if remark is not None)


def _changes(body: Mapping[str, Any], page: str) -> Iterator[tuple[datetime | None, Mapping[str, Any]]]:
    for entry in tables(body.get("entry")):
        for change in tables(entry.get("changes")) if id_of(entry.get("id")) == page else ():
            if change.get("field") == "feed":
                yield moment_of(entry.get("time")), table(change.get("value"))


def _changed(value: Mapping[str, Any], page: str, at: datetime | None) -> Remark | None:
    remote_id, post, parent = (id_of(value.get(name)) for name in ("comment_id", "post_id", "parent_id"))
    # The time of the event, if given; the time of the entry is that of the delivery.
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
        # The first version is no edit, however late it comes, and so never replaces one.
        edited_at=None if verb == "add" else said_at,
        gone=verb == "remove",
        hidden=_HIDING.get(verb),
    )
