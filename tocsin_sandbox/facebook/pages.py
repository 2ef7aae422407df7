"""How the Graph API gives posts back: the fields that were asked for, pages of them with cursors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from tocsin_sandbox.exchange import Answer
from tocsin_sandbox.facebook.access import page_name
from tocsin_sandbox.facebook.answers import failed, told
from tocsin_sandbox.state import Post

_DEFAULT_FIELDS = "id,message,created_time"
_MAX_PAGE = 100


def show(post: Post, fields: str | None) -> dict[str, Any]:
    """The post with the `fields` that were asked for and that it has."""
    known: dict[str, Any] = {
        "id": post.id,
        "message": post.text or None,
        "created_time": _stamp(post.created_at),
        "updated_time": _stamp(post.edited_at or post.created_at),
        "permalink_url": post.url,
        "is_published": True,
        "from": {"name": page_name(post.channel), "id": post.channel},
        "attachments": {"data": [{"unshimmed_url": post.link, "type": "share"}]} if post.link else None,
    }
    wanted = {name.partition("{")[0].partition(".")[0] for name in (fields or _DEFAULT_FIELDS).split(",")} | {"id"}
    return {name: value for name, value in known.items() if name in wanted and value is not None}


def list_posts(posts: Iterator[Post], arguments: Mapping[str, Any], url: str, token: str, now: float) -> Answer:
    """`GET /{page}/published_posts`: newest first, from `since` to `until`, `limit` at a time.

    `paging.next` holds the token, as it does on Facebook when the call brought it by header.
    """
    after = str(arguments.get("after", ""))
    return _pages((post for post in posts if not after or post.id < after), arguments, url, token, now)


def list_comments(comments: Iterator[Post], arguments: Mapping[str, Any], url: str, token: str, now: float) -> Answer:
    """`GET /{post}/comments`: as `list_posts`, but ranked: whoever expects an order of time misses some."""
    ranked = sorted(comments, key=lambda comment: hashlib.sha256(comment.id.encode()).digest())
    after = str(arguments.get("after", ""))
    place = next((place for place, comment in enumerate(ranked, 1) if comment.id == after), 0)
    return _pages(iter(ranked[place:]), arguments, url, token, now)


def _pages(posts: Iterator[Post], arguments: Mapping[str, Any], url: str, token: str, now: float) -> Answer:
    limit, since = str(arguments.get("limit", "25")), _moment(arguments.get("since"), 0.0)
    until = _moment(arguments.get("until"), now)
    if not limit.isdecimal() or not 1 <= int(limit) <= _MAX_PAGE:
        return failed(100, "(#100) Param limit must be an integer from 1 to 100")
    if since is None or until is None:
        return failed(100, "(#100) since/until must be a time")
    matching = (post for post in posts if int(since) <= int(post.created_at) and post.created_at <= min(now, until))
    found = list(islice(matching, int(limit) + 1))
    page = found[: int(limit)]
    answer: dict[str, Any] = {"data": [show(post, arguments.get("fields")) for post in page]}
    if page:
        answer["paging"] = {"cursors": {"before": page[0].id, "after": page[-1].id}}
    if len(found) > len(page):
        query = {**arguments, "access_token": token, "after": page[-1].id}
        answer["paging"]["next"] = f"{url}?{urlencode(query)}"
    return told(answer)


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def _moment(text: Any, default: float) -> float | None:
    """A Unix time or an ISO one; Facebook takes whatever strtotime does."""
    if text is None:
        return default
    try:
        return float(text) if str(text).isdecimal() else datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None
