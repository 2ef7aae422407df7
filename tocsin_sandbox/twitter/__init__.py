"""A stand-in of X API v2: it checks the signature and the rate limit of each call, and passes it on to its function."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from tocsin_sandbox.exchange import Answer, Asked, answer_json
from tocsin_sandbox.people import Crowd, Edit, Say, is_theirs, said, wrote
from tocsin_sandbox.rules import Rules
from tocsin_sandbox.settings import (
    TWITTER_ACCESS_TOKEN,
    TWITTER_ACCESS_TOKEN_SECRET,
    TWITTER_BEARER,
    TWITTER_CONSUMER_KEY,
    TWITTER_CONSUMER_SECRET,
    TWITTER_FOLLOWERS,
    TWITTER_LISTENER_BEARER,
    TWITTER_LISTENER_CONSUMER_KEY,
    TWITTER_LISTENER_CONSUMER_SECRET,
    TWITTER_LISTENER_ID,
    TWITTER_LISTENER_TOKEN,
    TWITTER_LISTENER_TOKEN_SECRET,
    TWITTER_LISTENER_USERNAME,
    TWITTER_REFRESH_TOKEN,
    TWITTER_USER_ID,
    TWITTER_USERNAME,
    SandboxSettings,
)
from tocsin_sandbox.state import Post, State
from tocsin_sandbox.twitter.answers import NOT_PERMITTED, invalid, missing, problem
from tocsin_sandbox.twitter.hearing import Hearing, Threads
from tocsin_sandbox.twitter.posts import TwitterMedia, TwitterPosts
from tocsin_sandbox.twitter.text import load_domains
from tocsin_sandbox.windows import FixedWindow

SKEW = 300.0
"""Seconds by which a client's clock may differ from ours."""

_FIELD = re.compile(r'\s*([\w.~%-]+)="([^"]*)"\s*')


@dataclass(frozen=True, slots=True)
class Keys:
    """An account's keys for OAuth 1.0a, its bearer token, and who it is."""

    consumer_key: str
    consumer_secret: str
    token: str
    token_secret: str
    user: Mapping[str, str]


OWN = Keys(
    TWITTER_CONSUMER_KEY,
    TWITTER_CONSUMER_SECRET,
    TWITTER_ACCESS_TOKEN,
    TWITTER_ACCESS_TOKEN_SECRET,
    {"id": TWITTER_USER_ID, "name": "Tocsin sandbox", "username": TWITTER_USERNAME},
)
LISTENER = Keys(
    TWITTER_LISTENER_CONSUMER_KEY,
    TWITTER_LISTENER_CONSUMER_SECRET,
    TWITTER_LISTENER_TOKEN,
    TWITTER_LISTENER_TOKEN_SECRET,
    {"id": TWITTER_LISTENER_ID, "name": "Tocsin listens", "username": TWITTER_LISTENER_USERNAME},
)
"""A second account with an app of its own, which reads and never writes."""


def signed_by(authorization: str, method: str, url: str, parameters: Iterable[tuple[str, str]], now: float) -> str:
    """The account whose keys the header signs this request with, within `SKEW` of `now`; "" for nobody's.

    `url` is without its query; `parameters` are the query's and those of an urlencoded body, no other body's
    (section 3.4.1.3.1).
    """
    fields = _read_header(authorization)
    signature = fields.pop("oauth_signature", "")
    named = fields.get("oauth_consumer_key"), fields.get("oauth_token")
    keys = next((each for each in (OWN, LISTENER) if named == (each.consumer_key, each.token)), None)
    right = (
        keys is not None
        and fields.get("oauth_signature_method") == "HMAC-SHA1"
        and bool(fields.get("oauth_nonce"))
        and _is_timely(fields.get("oauth_timestamp", ""), now)
        and hmac.compare_digest(_sign(keys, method, url, [*parameters, *fields.items()]), signature)
    )
    return keys.user["id"] if keys is not None and right else ""


def _read_header(authorization: str) -> dict[str, str]:
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "oauth":
        return {}
    matches = (_FIELD.fullmatch(part) for part in rest.split(","))
    fields = {unquote(match[1]): unquote(match[2]) for match in matches if match}
    fields.pop("realm", None)
    return fields


def _is_timely(timestamp: str, now: float) -> bool:
    return timestamp.isdecimal() and abs(int(timestamp) - now) <= SKEW


def _sign(keys: Keys, method: str, url: str, parameters: Iterable[tuple[str, str]]) -> str:
    encoded = sorted((_encode(name), _encode(value)) for name, value in parameters)
    joined = "&".join(f"{name}={value}" for name, value in encoded)
    base = "&".join((method.upper(), _encode(url), _encode(joined)))
    key = f"{_encode(keys.consumer_secret)}&{_encode(keys.token_secret)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()


def _encode(text: str) -> str:
    return quote(text, safe="~")


# X's rate windows: 15 minutes for each route, 24 hours for an account's and an app's posts, told on every answer.

QUARTER = 900.0
DAY = 86_400.0
PER_QUARTER = {
    "post": 100,
    "delete": 50,
    "timeline": 900,
    "mentions": 300,
    "search": 300,
    "hidden": 50,
    "lookup": 900,
    "me": 75,
    "upload": 500,
    "metadata": 500,
}
"""Requests of one account in 15 minutes (X's rate limit page)."""

UNLIMITED = 1_000_000
MOST_LOOKED_UP = 100


class TwitterQuota:
    """What is left of each window. A restarted sandbox counts the posts that it finds."""

    def __init__(self, settings: SandboxSettings, state: State) -> None:
        self._quarters = {
            route: FixedWindow(limit if settings.limits else UNLIMITED, QUARTER) for route, limit in PER_QUARTER.items()
        }
        self._days = {
            "x-user-limit-24hour": FixedWindow(settings.twitter_user_day if settings.limits else UNLIMITED, DAY),
            "x-app-limit-24hour": FixedWindow(settings.twitter_app_day if settings.limits else UNLIMITED, DAY),
        }
        for post in state.posts("twitter").values():
            if not post.foreign:
                self._count("post", post.created_at)

    def take(self, route: str, now: float) -> bool:
        """Count a request, if every window that it falls into has room."""
        windows = [self._quarters[route], *(self._days.values() if route == "post" else ())]
        if any(window.read(now).remaining == 0 for window in windows):
            return False
        self._count(route, now)
        return True

    def headers(self, route: str, now: float) -> dict[str, str]:
        """The headers of an answer on this route."""
        named = {"x-rate-limit": self._quarters[route], **(self._days if route == "post" else {})}
        headers: dict[str, str] = {}
        for name, window in named.items():
            reading = window.read(now)
            headers[f"{name}-limit"] = str(reading.limit)
            headers[f"{name}-remaining"] = str(reading.remaining)
            headers[f"{name}-reset"] = str(reading.reset)
        return headers

    def read(self, now: float) -> dict[str, dict[str, int]]:
        """Every route's window as it stands."""
        readings = {route: window.read(now) for route, window in self._quarters.items()}
        return {
            route: {"limit": each.limit, "remaining": each.remaining, "reset": max(0, each.reset)}
            for route, each in readings.items()
        }

    def _count(self, route: str, now: float) -> None:
        self._quarters[route].count(now)
        if route == "post":
            for window in self._days.values():
                window.count(now)


ACCESS_SPAN = 7200
SCOPES = "tweet.read tweet.write users.read media.write offline.access"

_Act = Callable[[Asked], Answer]


class TwitterPeople(Crowd):
    """Everybody but the account."""

    platform = "twitter"

    def __init__(self, state: State, posts: TwitterPosts) -> None:
        super().__init__(state)
        self._posts = posts

    def say(self, say: Say, now: float) -> dict[str, Any]:
        """They write. Raises Impossible."""
        parent = self.there(say.under).id if say.under else None
        posts = []
        for who, text in self._inhabitants.who(say):
            fields = {"author": who.name, "author_id": who.id, "named": say.named, "language": say.language}
            posts.append(self._posts.put_foreign(who.handle, text, now, reply_to=parent, **fields))
        self._state.keep(*posts)
        return said(posts)

    def edit(self, edit: Edit, now: float) -> dict[str, Any]:
        """One edits: X gives it a new id. Raises Impossible."""
        post = is_theirs(self.find(edit.post), edit.post)
        edited = replace(self._posts.renumber(post, now), **wrote(post, edit.text, now))
        self._state.keep(edited)
        return {"id": edited.id}


class Twitter:
    """The account and its API. `answer` is a function of the request and the state."""

    def __init__(self, settings: SandboxSettings, state: State, rules: Rules) -> None:
        self._state = state
        self._quotas = {each.user["id"]: TwitterQuota(settings, state) for each in (OWN, LISTENER)}
        self._bearers: dict[str, tuple[str, float | None]] = {
            TWITTER_BEARER: (TWITTER_USER_ID, None),
            TWITTER_LISTENER_BEARER: (TWITTER_LISTENER_ID, None),
        }
        self._refreshes = 0
        load_domains()
        media = TwitterMedia(state)
        threads = Threads(state, rules)
        posts = TwitterPosts(settings, state, media, threads)
        self.hearing = Hearing(state, rules, threads)
        self.people = TwitterPeople(state, posts)
        self._routes: tuple[tuple[str, str, re.Pattern[str], _Act], ...] = (
            ("post", "POST", re.compile(r"/2/tweets"), posts.publish),
            ("delete", "DELETE", re.compile(r"/2/tweets/\d+"), lambda asked: posts.delete(_last_part(asked))),
            ("timeline", "GET", re.compile(r"/2/users/\d+/tweets"), self.hearing.timeline),
            ("mentions", "GET", re.compile(r"/2/users/\d+/mentions"), self.hearing.mentions),
            ("search", "GET", re.compile(r"/2/tweets/search/recent"), self.hearing.search),
            ("hidden", "PUT", re.compile(r"/2/tweets/\d+/hidden"), self.hearing.hide),
            ("me", "GET", re.compile(r"/2/users/me"), _show_me),
            ("lookup", "GET", re.compile(r"/2/tweets/\d+"), self._look_up),
            ("lookup", "GET", re.compile(r"/2/tweets"), self._look_up_many),
            ("upload", "POST", re.compile(r"/2/media/upload"), media.upload),
            ("metadata", "POST", re.compile(r"/2/media/metadata"), media.describe),
        )

    def answer(self, asked: Asked) -> Answer:
        """What X says to this request."""
        if (asked.method, asked.path) == ("POST", "/2/oauth2/token"):
            return self._refresh(asked)
        asked = replace(asked, account=self._who(asked))
        if not asked.account:
            return problem(401)
        for name, method, pattern, act in self._routes:
            if method == asked.method and pattern.fullmatch(asked.path):
                return self._within_quota(name, asked, act)
        return problem(404)

    def _within_quota(self, route: str, asked: Asked, act: _Act) -> Answer:
        quota, listens = self._quotas[asked.account], asked.account == TWITTER_LISTENER_ID
        # The headers stand on every answer, also on the one that says that there is no room.
        if quota.take(route, asked.at):
            answer = problem(403, NOT_PERMITTED) if listens and asked.method != "GET" else act(asked)
        else:
            answer = problem(429)
        level = {"x-access-level": "read" if listens else "read-write"}
        return replace(answer, headers={**quota.headers(route, asked.at), **level, **answer.headers})

    def _who(self, asked: Asked) -> str:
        """The account whose credential a request bears; "" for nobody's."""
        authorization = asked.headers.get("Authorization", "")
        if authorization.startswith("Bearer "):
            account, until = self._bearers.get(authorization.removeprefix("Bearer "), ("", 0.0))
            return account if until is None or asked.at < until else ""
        # A form's fields are signed with the query, a JSON or multipart body isn't (RFC 5849, section 3.4.1.3.1).
        form = asked.form if asked.headers.get("Content-Type", "").startswith("application/x-www-form") else {}
        parameters = [*asked.query, *form.items()]
        return signed_by(authorization, asked.method, asked.url, parameters, asked.at)

    def _refresh(self, asked: Asked) -> Answer:
        """`POST /2/oauth2/token`: a refresh token works once, and brings the next one."""
        current = TWITTER_REFRESH_TOKEN + (f"-{self._refreshes}" if self._refreshes else "")
        if asked.form.get("grant_type") != "refresh_token" or asked.form.get("refresh_token") != current:
            error = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
            return answer_json(error, 400)
        self._refreshes += 1
        bearer = f"{TWITTER_BEARER}-{self._refreshes}"
        self._bearers[bearer] = TWITTER_USER_ID, asked.at + ACCESS_SPAN
        tokens = {"access_token": bearer, "refresh_token": f"{TWITTER_REFRESH_TOKEN}-{self._refreshes}"}
        return answer_json({"token_type": "bearer", "expires_in": ACCESS_SPAN, "scope": SCOPES, **tokens})

    def _look_up(self, asked: Asked) -> Answer:
        id_ = _last_part(asked)
        post = self._visible(id_, asked)
        return self.hearing.look_up_one(asked, post) if post else answer_json({"errors": [missing("id", id_)]})

    def _look_up_many(self, asked: Asked) -> Answer:
        ids = dict(asked.query).get("ids", "").split(",")
        if len(ids) > MOST_LOOKED_UP:
            return invalid("ids", len(ids), "The `ids` query parameter holds at most 100 values.")
        found = {id_: self._visible(id_, asked) for id_ in ids}
        errors = [missing("ids", id_) for id_, post in found.items() if post is None]
        return self.hearing.look_up(asked, [post for post in found.values() if post], errors)

    def state(self, now: float) -> dict[str, Any]:
        """What reading has cost, and what is left of each window."""
        spending = self.hearing.spending
        windows = {account: quota.read(now) for account, quota in self._quotas.items()}
        return {
            "dollars": spending.dollars,
            **spending.counts,
            "windows": windows[TWITTER_USER_ID],
            "accounts": windows,
        }

    def _visible(self, id_: str, asked: Asked) -> Post | None:
        post = self._state.find("twitter", id_)
        return post if post and post.created_at <= asked.at - asked.lag else None


_METRICS = {"followers_count": TWITTER_FOLLOWERS, "following_count": 12, "tweet_count": 0, "listed_count": 9}


def _show_me(asked: Asked) -> Answer:
    wanted = dict(asked.query).get("user.fields", "").split(",")
    user = dict((LISTENER if asked.account == TWITTER_LISTENER_ID else OWN).user)
    return answer_json({"data": user | ({"public_metrics": _METRICS} if "public_metrics" in wanted else {})})


def _last_part(asked: Asked) -> str:
    return asked.path.rpartition("/")[2]
