"""What X tells of others, and what it asks for it: mentions, searches, who may be answered, hiding, dollars."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from tocsin_sandbox.exchange import Answer, Asked, answer_json
from tocsin_sandbox.people import handle_of, is_closed
from tocsin_sandbox.rules import Rules
from tocsin_sandbox.settings import TWITTER_USER_ID, TWITTER_USERNAME
from tocsin_sandbox.state import Post, State
from tocsin_sandbox.twitter.answers import (
    NOT_PERMITTED,
    Reading,
    depleted,
    invalid,
    no_such_post,
    problem,
    read_timeline,
    show,
    stamp,
)
from tocsin_sandbox.twitter.query import Unparsable, read_query
from tocsin_sandbox.twitter.text import find_links

POST, OWNED, USER, HIDING = 0.005, 0.001, 0.010, 0.005
"""Dollars: a post read, one of the account's own or that mentions it where it owns the app, a user, a hiding."""
WEEK = 7 * 86_400.0
MOST_MENTIONS = 800
_OWN_NAME = re.compile(rf"(?<!\w)@{TWITTER_USERNAME}(?!\w)", re.IGNORECASE)
_NAME = re.compile(r"(?<!\w)@(\w{1,15})(?!\w)")
_NEW_NAMES = {"edit_history_tweet_ids": "edit_history_post_ids", "referenced_tweets": "referenced_posts"}


class Spending:
    """What reading has cost. The same resource again on the same day (UTC) is free."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._day = date.min
        self._paid: set[tuple[str, str]] = set()
        self.dollars = 0.0
        self.counts = {"posts": 0, "users": 0, "free": 0}

    @property
    def is_empty(self) -> bool:
        """Whether the spending limit is reached."""
        limit = self._rules.twitter_spending_limit
        return limit is not None and self.dollars >= limit

    def charge(self, kind: str, ids: Iterable[str], price: float, now: float) -> None:
        """Take the price of each resource that is given back."""
        today = datetime.fromtimestamp(now, UTC).date()
        if today != self._day:
            self._day = today
            self._paid.clear()
        for id_ in ids:
            if (kind, id_) in self._paid:
                self.counts["free"] += 1
                continue
            self._paid.add((kind, id_))
            self.counts[kind] += 1
            self.dollars = round(self.dollars + price, 6)


class Threads:
    """How posts hang together, and whose names stand before their words."""

    def __init__(self, state: State, rules: Rules) -> None:
        self._state = state
        self._rules = rules

    def root(self, post: Post) -> Post:
        """The post that began the conversation."""
        parent = self.parent(post)
        while parent is not None:
            post, parent = parent, self.parent(parent)
        return post

    def parent(self, post: Post) -> Post | None:
        """What it answers; a conversation outlives the posts that are deleted from it."""
        return self._state.find("twitter", post.reply_to, deleted=True) if post.reply_to else None

    def names(self, post: Post) -> list[str]:
        """The accounts that a reply names before its words: whom it answers, and whom they answered."""
        parent = self.parent(post)
        if parent is None:
            return []
        known = [author_of(parent), *self.names(parent)]
        left_out = {author_of(post), *(() if post.named else (TWITTER_USERNAME,))}
        return [name for name in dict.fromkeys(known) if name not in left_out]

    def is_summons(self, post: Post) -> bool:
        """Whether the account may answer it."""
        if not post.foreign or self._rules.twitter_summons == "off" or _OWN_NAME.search(post.text):
            return True
        return self._rules.twitter_summons == "mention" and TWITTER_USERNAME in self.names(post)

    def mentions_us(self, post: Post) -> bool:
        """Whether somebody else names the account in it, at its head or among its words."""
        named = _OWN_NAME.search(post.text) is not None or TWITTER_USERNAME in self.names(post)
        return post.foreign and named

    def is_known(self, post: Post, until: float) -> bool:
        """Whether readers know of it yet."""
        lag = self._rules.twitter_lag if post.foreign else 0.0
        return not post.deleted and post.created_at <= until - lag

    def show(self, post: Post, fields: Iterable[str], until: float) -> dict[str, Any]:
        """The post as the API gives it, with the `fields` that were asked for."""
        wanted = frozenset(fields)
        names = self.names(post)
        head = "".join(f"@{name} " for name in names)
        shown = show(replace(post, text=head + post.text), wanted)
        if not head and not post.foreign:
            shown = show(post, wanted)
        parent = self.parent(post)
        known = {
            "author_id": id_of(post),
            "conversation_id": self.root(post).id,
            "in_reply_to_user_id": id_of(parent) if parent else None,
            "lang": post.language or "fr",
            "public_metrics": self._metrics(post, until),
        }
        shown |= {name: value for name, value in known.items() if name in wanted and value is not None}
        mentions = _mentions(shown["text"])
        if "entities" in wanted and mentions:
            shown["entities"] = {**shown.get("entities", {}), "mentions": mentions}
        if not self._rules.twitter_new_names:
            return shown
        return {_NEW_NAMES.get(name, name): value for name, value in shown.items()}

    def _metrics(self, post: Post, until: float) -> dict[str, int]:
        replies = sum(self.is_known(answer, until) for answer in self._state.answers(post))
        none = dict.fromkeys(("retweet_count", "quote_count", "bookmark_count", "impression_count"), 0)
        return {"reply_count": replies, "like_count": post.likes, **none}


class Indexed:
    """A post as a query asks about it (`query.Found`)."""

    def __init__(self, threads: Threads, post: Post) -> None:
        self._threads = threads
        self._post = post

    @property
    def conversation(self) -> str:
        """The id of the post that began it."""
        return self._threads.root(self._post).id

    @property
    def parent(self) -> str | None:
        """The id of the post that it answers."""
        parent = self._threads.parent(self._post)
        return parent.id if parent else None

    @property
    def author(self) -> str:
        """Who wrote it."""
        return author_of(self._post).lower()

    @property
    def answers(self) -> str | None:
        """Whom it answers."""
        parent = self._threads.parent(self._post)
        return author_of(parent).lower() if parent else None

    @property
    def names(self) -> frozenset[str]:
        """The accounts that it names."""
        named = (*self._threads.names(self._post), *_NAME.findall(self._post.text))
        return frozenset(name.lower() for name in named)

    @property
    def words(self) -> str:
        """Its text."""
        return self._post.text.lower()

    @property
    def links(self) -> list[str]:
        """Where it links to."""
        return [link.address for link in find_links(self._post.text)]

    @property
    def language(self) -> str:
        """What it is written in."""
        return self._post.language or "fr"


class Hearing:
    """The account's ears: each answer counts what it costs."""

    def __init__(self, state: State, rules: Rules, threads: Threads) -> None:
        self._state = state
        self._rules = rules
        self._threads = threads
        self.spending = Spending(rules)

    def timeline(self, asked: Asked) -> Answer:
        """`GET /2/users/{id}/tweets`."""
        own = asked.path == f"/2/users/{TWITTER_USER_ID}/tweets"
        posts = (post for post in self._state.newest_first("twitter") if own and not post.foreign)
        return self._read(asked, posts, self._own_price(asked))

    def mentions(self, asked: Asked) -> Answer:
        """`GET /2/users/{id}/mentions`: the newest that name the account."""
        own = asked.path == f"/2/users/{TWITTER_USER_ID}/mentions"
        return self._read(asked, self._mentioning(asked) if own else iter(()), self._own_price(asked))

    def search(self, asked: Asked) -> Answer:
        """`GET /2/tweets/search/recent`: of the last seven days."""
        query = dict(asked.query).get("query", "")
        try:
            test = read_query(query)
        except Unparsable as error:
            return invalid("query", query, str(error))
        since = asked.at - WEEK
        fresh = (post for post in self._known(asked) if post.created_at >= since)
        return self._read(asked, (post for post in fresh if test(Indexed(self._threads, post))), POST, fewest=10)

    def look_up(self, asked: Asked, posts: list[Post], errors: list[dict[str, Any]]) -> Answer:
        """`GET /2/tweets?ids=…`, with what isn't there."""
        given = {"data": [], **self._give(asked, posts, POST)}
        return self._unless_empty(answer_json({**given, **({"errors": errors} if errors else {})}))

    def look_up_one(self, asked: Asked, post: Post) -> Answer:
        """`GET /2/tweets/{id}`."""
        given = self._give(asked, [post], POST)
        return self._unless_empty(answer_json({**given, "data": given["data"][0]}))

    def hide(self, asked: Asked) -> Answer:
        """`PUT /2/tweets/{id}/hidden`: others' replies under the account's own posts."""
        id_ = asked.path.split("/")[3]
        post, body = self._state.find("twitter", id_), asked.json if isinstance(asked.json, dict) else {}
        hidden = body.get("hidden")
        if not isinstance(hidden, bool):
            return invalid("hidden", hidden, "hidden must be true or false")
        if post is None:
            return no_such_post(id_)
        if not post.foreign or post.reply_to is None or self._threads.root(post).foreign:
            return problem(403, NOT_PERMITTED)
        self._state.keep(replace(post, concealed=hidden))
        self.spending.dollars = round(self.spending.dollars + HIDING, 6)
        return answer_json({"data": {"hidden": hidden}})

    def _own_price(self, asked: Asked) -> float:
        return OWNED if self._rules.twitter_owned and asked.account == TWITTER_USER_ID else POST

    def _known(self, asked: Asked) -> Iterator[Post]:
        posts = self._state.newest_first("twitter")
        return (post for post in posts if self._threads.is_known(post, asked.at - asked.lag))

    def _mentioning(self, asked: Asked) -> Iterator[Post]:
        found = (post for post in self._known(asked) if self._threads.mentions_us(post))
        return (post for _, post in zip(range(MOST_MENTIONS), found, strict=False))

    def _read(self, asked: Asked, posts: Iterable[Post], price: float, *, fewest: int = 5) -> Answer:
        if self.spending.is_empty:
            return depleted()
        query = {"pagination_token": dict(asked.query).get("next_token", ""), **dict(asked.query)}
        give: Callable[[list[Post]], dict[str, Any]] = lambda page: self._give(asked, page, price)  # noqa: E731
        return read_timeline(posts, query, asked.at - asked.lag, Reading(give, fewest))

    def _unless_empty(self, answer: Answer) -> Answer:
        return depleted() if self.spending.is_empty else answer

    def _give(self, asked: Asked, posts: list[Post], price: float) -> dict[str, Any]:
        """`data` and `includes`, paid for."""
        query = dict(asked.query)
        expansions = query.get("expansions", "").split(",")
        fields = [*query.get("tweet.fields", "").split(","), *query.get("post.fields", "").split(",")]
        if "attachments.poll_ids" in expansions:
            fields.append("attachments")
        self.spending.charge("posts", (post.id for post in posts), price, asked.at)
        until = asked.at - asked.lag
        given: dict[str, Any] = {"data": [self._threads.show(post, fields, until) for post in posts]}
        includes: dict[str, Any] = {}
        if "author_id" in expansions and posts:
            users = {id_of(post): _user(post) for post in posts}
            self.spending.charge("users", users, USER, asked.at)
            includes["users"] = list(users.values())
        if "attachments.poll_ids" in expansions:
            wanted = query.get("poll.fields", "").split(",")
            includes["polls"] = [show_poll(post.poll, wanted, asked.at) for post in posts if post.poll]
        includes = {name: value for name, value in includes.items() if value}
        return {**given, **({"includes": includes} if includes else {})}


def show_poll(poll: Mapping[str, Any], fields: Iterable[str], now: float) -> dict[str, Any]:
    """A poll as X gives it."""
    options = [
        {"position": place, "label": option["text"], "votes": option["votes"]}
        for place, option in enumerate(poll["options"], 1)
    ]
    known = {
        "duration_minutes": poll["minutes"],
        "end_datetime": stamp(poll["closes_at"]),
        "voting_status": "closed" if is_closed(poll, now) else "open",
    }
    return {"id": poll["id"], "options": options, **{name: known[name] for name in known if name in set(fields)}}


def author_of(post: Post) -> str:
    """The name of the account that wrote it."""
    return handle_of(post.author, post.author_id) if post.foreign else TWITTER_USERNAME


def id_of(post: Post) -> str:
    """The id of the account that wrote it."""
    return post.author_id if post.foreign else TWITTER_USER_ID


def _user(post: Post) -> dict[str, str]:
    name = (post.author or author_of(post)) if post.foreign else "Tocsin sandbox"
    return {"id": id_of(post), "name": name, "username": author_of(post)}


def _mentions(text: str) -> list[dict[str, Any]]:
    """Where a text names accounts."""
    found = _NAME.finditer(text)
    own = {TWITTER_USERNAME: {"id": TWITTER_USER_ID}}
    return [
        {"start": match.start(), "end": match.end(), "username": match[1], **own.get(match[1], {})} for match in found
    ]
