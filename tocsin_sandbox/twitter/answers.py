"""The answers of X API v2: its errors, those of the faults, and posts as JSON."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from tocsin_sandbox.exchange import Answer, answer_json
from tocsin_sandbox.faults import FaultRequest
from tocsin_sandbox.state import Post
from tocsin_sandbox.twitter.text import find_links

_TITLES = {
    400: "Invalid Request",
    401: "Unauthorized",
    402: "CreditsDepleted",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

DUPLICATE = "You are not allowed to create a Tweet with duplicate content."
NOT_PERMITTED = "You are not permitted to perform this action."
NOT_MENTIONED = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author "
    "of the post you are replying to."
)
PARENT_GONE = "You attempted to reply to a Tweet that is deleted or not visible to you."
NO_CREDITS = "Your enrolled account does not have any credits to fulfill this request."


def problem(status: int, detail: str | None = None) -> Answer:
    """A problem with `about:blank` as its type: 401, 403, 429, 5xx."""
    title = _TITLES.get(status, "Error")
    return answer_json({"title": title, "type": "about:blank", "status": status, "detail": detail or title}, status)


def invalid(parameter: str, value: Any, message: str) -> Answer:
    """A 400 that names the parameter that is wrong."""
    body = {
        "errors": [{"parameters": {parameter: [value]}, "message": message}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": "https://api.x.com/2/problems/invalid-request",
    }
    return answer_json(body, 400)


def depleted() -> Answer:
    """402: no credits are left."""
    body = {
        "title": "CreditsDepleted",
        "detail": NO_CREDITS,
        "type": "https://api.x.com/2/problems/credits",
        "status": 402,
    }
    return answer_json(body, 402)


def missing(parameter: str, value: str) -> dict[str, Any]:
    """One entry of `errors` for a post that isn't there."""
    return {
        "value": value,
        "detail": f"Could not find tweet with {parameter}: [{value}].",
        "title": "Not Found Error",
        "resource_type": "tweet",
        "parameter": parameter,
        "resource_id": value,
        "type": "https://api.x.com/2/problems/resource-not-found",
    }


def no_such_post(id_: str) -> Answer:
    """404: the post to be deleted isn't there."""
    body = {
        "errors": [missing("id", id_)],
        "title": "Not Found Error",
        "detail": f"Could not find tweet with id: [{id_}].",
        "type": "https://api.x.com/2/problems/resource-not-found",
        "status": 404,
    }
    return answer_json(body, 404)


def faulty(fault: FaultRequest, now: float) -> Answer:
    """The answer that a fault wants: error_json, error_after, rate_limit, revoked or code."""
    if fault.kind == "revoked":
        return problem(401)
    if fault.kind == "rate_limit":
        return _limited(fault.retry_after, now)
    status = fault.status or {"code": 403}.get(fault.kind, 503)
    return depleted() if status == 402 else problem(status, fault.message)


def _limited(retry_after: float | None, now: float) -> Answer:
    answer = problem(429)
    if retry_after is None:
        return answer
    reset = str(math.ceil(now + retry_after))
    headers = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "0", "x-rate-limit-reset": reset}
    return Answer(429, answer.body, headers)


# How X gives posts back: newest first, links behind t.co with the real ones in `entities`, `& < >` escaped.

_SCALE = str.maketrans("0123456789abcdef", "BkRtz4vWq9dXmP7s")


def show(post: Post, fields: Container[str]) -> dict[str, Any]:
    """The post as the API gives it; `fields` are the optional ones that were asked for (`tweet.fields`)."""
    text, urls = _shorten(post)
    shown: dict[str, Any] = {
        "id": post.id,
        "text": text,
        "edit_history_tweet_ids": [*post.earlier_ids, post.id],
    }
    if "created_at" in fields:
        shown["created_at"] = stamp(_dated(post))
    if "entities" in fields and urls:
        shown["entities"] = {"urls": urls}
    if "referenced_tweets" in fields and post.reply_to:
        shown["referenced_tweets"] = [{"type": "replied_to", "id": post.reply_to}]
    if "attachments" in fields and post.media:
        shown["attachments"] = {"media_keys": [f"3_{id_}" for id_ in post.media]}
    if "attachments" in fields and post.poll:
        shown["attachments"] = {"poll_ids": [post.poll["id"]]}
    return shown


@dataclass(frozen=True, slots=True)
class Reading:
    """How a list is read: what is given of the posts of a page (`data`, `includes`), and how few a page may have."""

    give: Callable[[list[Post]], dict[str, Any]]
    fewest: int


def read_timeline(posts: Iterable[Post], query: Mapping[str, str], until: float, reading: Reading) -> Answer:
    """A page of `posts`, the newest first: what was taken up to `until`, from `start_time` and after `since_id`."""
    wanted, since = _count(query.get("max_results", "10"), reading.fewest), _moment(query.get("start_time"))
    if wanted is None:
        words = f"The `max_results` query parameter must be {reading.fewest} to 100."
        return invalid("max_results", query["max_results"], words)
    if since is None:
        return invalid("start_time", query["start_time"], "Not a valid RFC 3339 time.")
    newer_than, older_than = _number(query.get("since_id")), _number(query.get("pagination_token"))
    matching = (
        post
        for post in posts
        if not post.deleted
        and since <= _dated(post) <= until
        and (newer_than is None or int(post.id) > newer_than)
        and (older_than is None or int(post.id) < older_than)
        and not (post.reply_to and "replies" in query.get("exclude", ""))
    )
    return _page(list(islice(matching, wanted + 1)), wanted, reading)


def _dated(post: Post) -> float:
    """An edit is a post of its own: it bears the time at which it was made."""
    return post.edited_at or post.created_at


def _page(found: list[Post], wanted: int, reading: Reading) -> Answer:
    page = found[:wanted]
    meta: dict[str, Any] = {"result_count": len(page)}
    if not page:
        return answer_json({"meta": meta})
    ids = sorted(int(post.id) for post in page)
    meta |= {"newest_id": str(ids[-1]), "oldest_id": str(ids[0])}
    if len(found) > wanted:
        meta["next_token"] = f"before-{page[-1].id}"
    return answer_json({**reading.give(page), "meta": meta})


def _shorten(post: Post) -> tuple[str, list[dict[str, Any]]]:
    """The text with each link behind t.co, and where the links are: `start` and `end` count the returned text."""
    parts: list[str] = []
    urls: list[dict[str, Any]] = []
    at = length = 0
    for link in find_links(post.text):
        short = shorten(link.address)
        parts += [_escape(post.text[at : link.start]), short]
        start = length + len(parts[-2])
        length = start + len(short)
        at = link.end
        urls.append(
            {
                "start": start,
                "end": length,
                "url": short,
                "expanded_url": link.address,
                "display_url": _brief(link.address),
            }
        )
    parts.append(_escape(post.text[at:]))
    return "".join(parts), urls


def shorten(address: str) -> str:
    """The t.co address for a link: 23 characters, always the same for the same link."""
    return f"https://t.co/{hashlib.sha256(address.encode()).hexdigest()[:10].translate(_SCALE)}"


def _brief(address: str) -> str:
    split = urlsplit(address)
    shown = f"{split.netloc}{split.path}".removeprefix("www.").rstrip("/")
    return shown if len(shown) <= 30 else f"{shown[:29]}…"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def stamp(at: float) -> str:
    """A time as X writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _count(text: str, fewest: int) -> int | None:
    return int(text) if text.isdecimal() and fewest <= int(text) <= 100 else None


def _number(token: str | None) -> int | None:
    digits = (token or "").removeprefix("before-")
    return int(digits) if digits.isdecimal() else None


def _moment(text: str | None) -> float | None:
    if text is None:
        return 0.0
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
