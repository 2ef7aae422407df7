"""A stand-in of X API v2: one account, who may speak for it, how often, and where each call goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from tocsin_sandbox.exchange import Answer, Asked, answer_json
from tocsin_sandbox.settings import (
    TWITTER_BEARER,
    TWITTER_FOLLOWERS,
    TWITTER_REFRESH_TOKEN,
    TWITTER_USER_ID,
    TWITTER_USERNAME,
    SandboxSettings,
)
from tocsin_sandbox.state import Post, State
from tocsin_sandbox.twitter.answers import missing, problem
from tocsin_sandbox.twitter.links import load_domains
from tocsin_sandbox.twitter.media import TwitterMedia
from tocsin_sandbox.twitter.oauth import is_signed
from tocsin_sandbox.twitter.posts import TwitterPosts
from tocsin_sandbox.twitter.quota import TwitterQuota
from tocsin_sandbox.twitter.timeline import read_timeline, show

ACCESS_SPAN = 7200
SCOPES = "tweet.read tweet.write users.read media.write offline.access"

_Act = Callable[[Asked], Answer]


class Twitter:
    """The account and its API. `answer` is a function of the request and the state."""

    def __init__(self, settings: SandboxSettings, state: State) -> None:
        self._state = state
        self._quota = TwitterQuota(settings, state)
        self._bearers: dict[str, float | None] = {TWITTER_BEARER: None}
        self._refreshes = 0
        load_domains()
        media = TwitterMedia(state)
        posts = TwitterPosts(settings, state, media)
        self._routes: tuple[tuple[str, str, re.Pattern[str], _Act], ...] = (
            ("post", "POST", re.compile(r"/2/tweets"), posts.publish),
            ("delete", "DELETE", re.compile(r"/2/tweets/\d+"), lambda asked: posts.delete(_last_part(asked))),
            ("timeline", "GET", re.compile(r"/2/users/\d+/tweets"), self._timeline),
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
        if not self._is_known(asked):
            return problem(401)
        for name, method, pattern, act in self._routes:
            if method == asked.method and pattern.fullmatch(asked.path):
                return self._within_quota(name, asked, act)
        return problem(404)

    def _within_quota(self, route: str, asked: Asked, act: _Act) -> Answer:
        answer = act(asked) if self._quota.take(route, asked.at) else problem(429)
        headers = self._quota.headers(route, asked.at)
        return replace(answer, headers={**headers, "x-access-level": "read-write", **answer.headers})

    def _is_known(self, asked: Asked) -> bool:
        authorization = asked.headers.get("Authorization", "")
        if authorization.startswith("Bearer "):
            until = self._bearers.get(authorization.removeprefix("Bearer "), 0.0)
            return until is None or asked.at < until
        form = asked.form if asked.headers.get("Content-Type", "").startswith("application/x-www-form") else {}
        parameters = [*asked.query, *form.items()]
        return is_signed(authorization, asked.method, asked.url, parameters, asked.at)

    def _refresh(self, asked: Asked) -> Answer:
        """`POST /2/oauth2/token`: a refresh token works once, and brings the next one."""
        current = TWITTER_REFRESH_TOKEN + (f"-{self._refreshes}" if self._refreshes else "")
        if asked.form.get("grant_type") != "refresh_token" or asked.form.get("refresh_token") != current:
            error = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
            return answer_json(error, 400)
        self._refreshes += 1
        bearer = f"{TWITTER_BEARER}-{self._refreshes}"
        self._bearers[bearer] = asked.at + ACCESS_SPAN
        tokens = {"access_token": bearer, "refresh_token": f"{TWITTER_REFRESH_TOKEN}-{self._refreshes}"}
        return answer_json({"token_type": "bearer", "expires_in": ACCESS_SPAN, "scope": SCOPES, **tokens})

    def _timeline(self, asked: Asked) -> Answer:
        own = asked.path == f"/2/users/{TWITTER_USER_ID}/tweets"
        posts: Iterable[Post] = self._state.newest_first("twitter") if own else ()
        return read_timeline(posts, dict(asked.query), asked.at - asked.lag, _fields(asked))

    def _look_up(self, asked: Asked) -> Answer:
        id_ = _last_part(asked)
        post = self._visible(id_, asked)
        return answer_json({"data": show(post, _fields(asked))} if post else {"errors": [missing("id", id_)]})

    def _look_up_many(self, asked: Asked) -> Answer:
        ids = dict(asked.query).get("ids", "").split(",")
        found = {id_: self._visible(id_, asked) for id_ in ids}
        errors = [missing("ids", id_) for id_, post in found.items() if post is None]
        data = [show(post, _fields(asked)) for post in found.values() if post]
        return answer_json({"data": data, **({"errors": errors} if errors else {})})

    def _visible(self, id_: str, asked: Asked) -> Post | None:
        post = self._state.find("twitter", id_)
        return post if post and post.created_at <= asked.at - asked.lag else None


_USER = {"id": TWITTER_USER_ID, "name": "Tocsin sandbox", "username": TWITTER_USERNAME}


_METRICS = {"followers_count": TWITTER_FOLLOWERS, "following_count": 12, "tweet_count": 0, "listed_count": 9}


def _show_me(asked: Asked) -> Answer:
    wanted = dict(asked.query).get("user.fields", "").split(",")
    return answer_json({"data": _USER | ({"public_metrics": _METRICS} if "public_metrics" in wanted else {})})


def _last_part(asked: Asked) -> str:
    return asked.path.rpartition("/")[2]


def _fields(asked: Asked) -> tuple[str, ...]:
    return tuple(dict(asked.query).get("tweet.fields", "").split(","))
