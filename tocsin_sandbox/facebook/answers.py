"""Whose token a Graph API call carries, and what the API answers: errors by code, posts with the fields asked for."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from tocsin_sandbox.exchange import Answer, Asked, answer_json
from tocsin_sandbox.faults import FaultRequest
from tocsin_sandbox.settings import (
    FACEBOOK_APP_ID,
    FACEBOOK_APP_SECRET,
    FACEBOOK_PAGE_ID,
    FACEBOOK_PAGE_TOKEN,
    FACEBOOK_USER_TOKEN,
)
from tocsin_sandbox.state import Post

# The Graph API serves its JSON as a script: a client that goes by the content type reads nothing.
SCRIPT_TYPE = "text/javascript; charset=UTF-8"

_MESSAGES = {
    1: "An unknown error occurred",
    2: "An unexpected error has occurred. Please retry your request later.",
    4: "(#4) Application request limit reached",
    10: "(#10) This endpoint requires the 'pages_read_engagement' permission",
    32: "(#32) Page request limit reached",
    190: "Error validating access token: The session has been invalidated.",
    200: "(#200) The user hasn't authorized the application to perform this action",
    368: "The action attempted has been deemed abusive or is otherwise disallowed",
    506: "(#506) Duplicate status message",
}
_TRANSIENT = frozenset({1, 2, 4, 17, 32, 341, 613})


def ok(value: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """A 200."""
    return answer_json(value, 200, headers, SCRIPT_TYPE)


def failed(code: int, message: str | None = None, subcode: int | None = None, status: int = 400) -> Answer:
    """An error; whoever asks decides by its code."""
    error: dict[str, Any] = {
        "message": message or _MESSAGES.get(code, f"(#{code}) An error occurred"),
        "type": "OAuthException",
        "code": code,
        "is_transient": code in _TRANSIENT,
        "fbtrace_id": "AsandboxTrace0000000000",
    }
    if subcode is not None:
        error["error_subcode"] = subcode
    return answer_json({"error": error}, status, content_type=SCRIPT_TYPE)


def no_such_object(id_: str) -> Answer:
    """Code 100, subcode 33: it isn't there, or it isn't for this token."""
    message = (
        f"Unsupported post request. Object with ID '{id_}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation."
    )
    return failed(100, message, 33)


def usage_header(page: str, percent: int, minutes: int = 0) -> dict[str, str]:
    """The header by which a page's use is told, in percent and minutes."""
    use = {
        "type": "pages",
        "call_count": percent,
        "total_cputime": percent // 4,
        "total_time": percent // 4,
        "estimated_time_to_regain_access": minutes,
    }
    return {"X-Business-Use-Case-Usage": json.dumps({page: [use]}, separators=(",", ":"))}


def faulty(fault: FaultRequest, page: str) -> Answer:
    """The answer that a fault wants: error_json, error_after, rate_limit, revoked or code."""
    if fault.kind == "rate_limit":
        return _limited(fault, page)
    if fault.kind == "revoked":
        return failed(fault.code or 190, fault.message, fault.subcode, fault.status or 400)
    if fault.kind == "code":
        return failed(fault.code or 1, fault.message, fault.subcode, fault.status or 400)
    return failed(fault.code or 2, fault.message, fault.subcode, fault.status or 500)


def _limited(fault: FaultRequest, page: str) -> Answer:
    answer = failed(fault.code or 4, fault.message, fault.subcode, fault.status or 400)
    if fault.retry_after is None:
        return answer
    headers = usage_header(page, 100, math.ceil(fault.retry_after / 60))
    return Answer(answer.status, answer.body, headers, answer.content_type)


# Who a Graph API call is from: the tokens of the sandbox, their proof, and what is told about them.

SCOPES = ("pages_manage_posts", "pages_read_engagement", "pages_manage_engagement", "pages_show_list")
APP_TOKEN = f"{FACEBOOK_APP_ID}|{FACEBOOK_APP_SECRET}"
USER_ID = "9876543210"
DATA_ACCESS_SPAN = 60 * 86_400
_EXCHANGED_SPAN = 5_183_944


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token it is: "page", "user" or "app"; `page` is None for a token that speaks for any page."""

    kind: str
    id: str
    page: str | None = None

    def may_write(self, page: str) -> bool:
        """Whether it may publish as this page."""
        return self.kind == "page" and self.page in {None, page}


def who_calls(token: str) -> Caller | None:
    """The caller that a token stands for: `sandbox-page-token` for every page, `sandbox-page-token-42` for page 42."""
    if token == FACEBOOK_PAGE_TOKEN:
        return Caller("page", FACEBOOK_PAGE_ID)
    page = token.removeprefix(f"{FACEBOOK_PAGE_TOKEN}-")
    if page != token and page.isdecimal():
        return Caller("page", page, page)
    return {APP_TOKEN: Caller("app", FACEBOOK_APP_ID), FACEBOOK_USER_TOKEN: Caller("user", USER_ID)}.get(token)


def token_of(asked: Asked) -> str:
    """The token by header, else by query or form."""
    scheme, _, token = asked.headers.get("Authorization", "").partition(" ")
    if scheme.lower() in {"bearer", "oauth"}:
        return token.strip()
    return str(asked.arguments().get("access_token", ""))


def admit(asked: Asked) -> Caller | Answer:
    """The caller, or the error that the call gets."""
    token = token_of(asked)
    if not token:
        return failed(104, "An access token is required to request this resource.")
    caller = who_calls(token)
    if caller is None:
        return failed(190, "Invalid OAuth access token - Cannot parse access token")
    proof = asked.arguments().get("appsecret_proof")
    if proof is not None and not hmac.compare_digest(str(proof).encode(), prove(token)):
        return failed(100, "Invalid appsecret_proof provided in the API argument")
    return caller


def debug_token(asked: Asked, error: tuple[int, str, int | None] | None = None) -> Answer:
    """`GET /debug_token`: what is known of `input_token`; `error` tells of one that was valid and is no more."""
    caller = who_calls(str(asked.arguments().get("input_token", "")))
    if caller is None:
        error = (190, "The access token could not be decrypted", None)
    if error:
        code, message, subcode = error
        fault = {"code": code, "message": message, **({"subcode": subcode} if subcode else {})}
        return ok({"data": {"is_valid": False, "app_id": FACEBOOK_APP_ID, "error": fault, "scopes": []}})
    data = {
        "app_id": FACEBOOK_APP_ID,
        "application": "Tocsin sandbox",
        "type": caller.kind.upper() if caller else "",
        "is_valid": True,
        "expires_at": 0,
        "data_access_expires_at": int(asked.at) + DATA_ACCESS_SPAN,
        "scopes": list(SCOPES),
        "profile_id": caller.id if caller else "",
    }
    return ok({"data": data})


def exchange_token(asked: Asked) -> Answer:
    """`GET /oauth/access_token`: a short-lived user token for a long-lived one."""
    arguments = asked.arguments()
    app = (arguments.get("client_id"), arguments.get("client_secret"))
    if app != (FACEBOOK_APP_ID, FACEBOOK_APP_SECRET):
        return failed(1, "Error validating client secret.")
    if arguments.get("fb_exchange_token") != FACEBOOK_USER_TOKEN:
        return failed(190, "Invalid OAuth access token - Cannot parse access token")
    return ok({"access_token": FACEBOOK_USER_TOKEN, "token_type": "bearer", "expires_in": _EXCHANGED_SPAN})


def list_accounts(caller: Caller) -> Answer:
    """`GET /me/accounts`: the pages of a user, each with its token."""
    if caller.kind != "user":
        return failed(100, "(#100) Tried accessing nonexisting field (accounts) on node type (Page)")
    page: dict[str, Any] = {
        "access_token": FACEBOOK_PAGE_TOKEN,
        "category": "Town hall",
        "name": page_name(FACEBOOK_PAGE_ID),
        "id": FACEBOOK_PAGE_ID,
        "tasks": ["CREATE_CONTENT", "MANAGE", "MODERATE"],
    }
    return ok({"data": [page], "paging": {"cursors": {"before": "0", "after": "0"}}})


def page_name(page: str) -> str:
    """What a page of the sandbox is called."""
    return f"Sandbox page {page}"


def prove(token: str) -> bytes:
    """The proof of the sandbox's app for this token."""
    return hmac.new(FACEBOOK_APP_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest().encode()


# How the Graph API gives posts back: the fields that were asked for, pages of them with cursors.

_DEFAULT_FIELDS = "id,message,created_time"
_MAX_PAGE = 100
_BRACKETS = re.compile(r"\{[^{}]*\}|\.\w+\([^()]*\)")


def post_fields(post: Post) -> dict[str, Any]:
    """What every post and comment has, None where it hasn't."""
    return {
        "id": post.id,
        "message": post.text or None,
        "created_time": stamp(post.created_at),
        "updated_time": stamp(post.edited_at or post.created_at),
        "permalink_url": post.url,
        "is_published": True,
        "attachments": {"data": [{"unshimmed_url": post.link, "type": "share"}]} if post.link else None,
    }


def choose(known: Mapping[str, Any], fields: str | None) -> dict[str, Any]:
    """Of the `known` fields those that were asked for and that there are; what stands in brackets is passed over."""
    flat = _BRACKETS.sub("", _BRACKETS.sub("", fields or _DEFAULT_FIELDS))
    wanted = {name.strip().partition(".")[0] for name in flat.split(",")} | {"id"}
    return {name: value for name, value in known.items() if name in wanted and value is not None}


@dataclass(frozen=True, slots=True)
class Listing:
    """What a call asks to be listed, page by page: `url` and `token` stand in its `next`, `now` bounds it."""

    arguments: Mapping[str, Any]
    url: str
    token: str
    now: float


def list_posts(posts: Iterator[Post], listing: Listing, show: Callable[[Post], Mapping[str, Any]]) -> Answer:
    """`GET /{page}/published_posts`: newest first, from `since` to `until`, `limit` at a time.

    `paging.next` holds the token, as it does on Facebook when the call brought it by header.
    """
    after = str(listing.arguments.get("after", ""))
    return list_pages((post for post in posts if not after or post.id < after), listing, show)


def list_pages(posts: Iterator[Post], listing: Listing, show: Callable[[Post], Mapping[str, Any]]) -> Answer:
    """One page of `posts`, which come in their order and begin behind the cursor; `show` gives each one's fields."""
    arguments = listing.arguments
    limit, since = str(arguments.get("limit", "25")), _moment(arguments.get("since"), 0.0)
    until = _moment(arguments.get("until"), listing.now)
    if not limit.isdecimal() or not 1 <= int(limit) <= _MAX_PAGE:
        return failed(100, "(#100) Param limit must be an integer from 1 to 100")
    if since is None or until is None:
        return failed(100, "(#100) since/until must be a time")
    latest = min(listing.now, until)
    matching = (post for post in posts if int(since) <= int(post.created_at) and post.created_at <= latest)
    found = list(islice(matching, int(limit) + 1))
    page = found[: int(limit)]
    answer: dict[str, Any] = {"data": [choose(show(post), arguments.get("fields")) for post in page]}
    if page:
        answer["paging"] = {"cursors": {"before": page[0].id, "after": page[-1].id}}
    if len(found) > len(page):
        query = {**arguments, "access_token": listing.token, "after": page[-1].id}
        answer["paging"]["next"] = f"{listing.url}?{urlencode(query)}"
    return ok(answer)


def stamp(at: float) -> str:
    """A time as the Graph API writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def _moment(text: Any, default: float) -> float | None:
    """A Unix time or an ISO one; Facebook takes whatever strtotime does."""
    if text is None:
        return default
    try:
        return float(text) if str(text).isdecimal() else datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None
