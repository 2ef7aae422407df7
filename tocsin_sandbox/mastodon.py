"""A stand-in of a Mastodon server's REST API for one account: statuses, threads, pictures, polls; and other people.

As strict as Mastodon 4: an `Idempotency-Key` is known for an hour, and its repeat gets the first status; an address
counts as 23 and of a name its host not at all; a refusal (422) is worded in the server's language, which is German.
`content` is HTML, `/source` is what was written. The limits' headers are on every answer, with ISO 8601 times.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from typing import Any

from tocsin_sandbox.exchange import Answer, Asked, Upload, answer_json
from tocsin_sandbox.faults import FaultRequest
from tocsin_sandbox.people import (
    Crowd,
    Impossible,
    Say,
    handle_of,
    is_closed,
    said,
    wrote,
)
from tocsin_sandbox.rules import Rules
from tocsin_sandbox.settings import MASTODON_ACCOUNT, MASTODON_FOLLOWERS, MASTODON_NAME, MASTODON_TOKEN, SandboxSettings
from tocsin_sandbox.state import Medium, Post, State, look_at
from tocsin_sandbox.twitter.text import find_links
from tocsin_sandbox.windows import FixedWindow

MOST_CHARACTERS, LINK, MOST_MEDIA = 500, 23, 4
KEY_KNOWN, WINDOW, REQUESTS = 3600.0, 300.0, 300
_SHORTEST_POLL, _LONGEST_POLL = 300, 2_629_746
_HOST = "https://mastodon.sandbox.example"
_TOO_LONG = "Gültigkeitsprüfung ist fehlgeschlagen: Text überschreitet die Zeichenanzahl von {most}"
_EMPTY = "Gültigkeitsprüfung ist fehlgeschlagen: Text darf nicht leer sein"
_NOT_FOUND = {"error": "Record not found"}
# What joins the character before it: marks, forms of emoji, skins, tags, and whatever a joiner joins.
_CLUSTER = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"
    "|.(?:[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u20d0-\u20ff\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]"
    "|[\U000e0020-\U000e007f]|\u200d[\u2190-\u2bff\U0001f000-\U0001faff]?)*",
    re.DOTALL,
)
_NAMED = re.compile(r"(?<![=/\w])(@[A-Za-z0-9_]+(?:[.-]+[A-Za-z0-9_]+)*)@[\w.-]+\w")

_Act = Callable[[Asked, str], Answer]


def count(text: str) -> int:
    """How many characters of a status a text takes."""
    for link in reversed([link for link in find_links(text) if "://" in text[link.start : link.end]]):
        text = f"{text[: link.start]}{'x' * LINK}{text[link.end :]}"
    return clusters(_NAMED.sub(r"\1", text))


def clusters(text: str) -> int:
    """How many graphemes a text has."""
    return sum(1 for _ in _CLUSTER.finditer(text))


class Mastodon(Crowd):
    """One account, what it posted, and everybody else."""

    platform = "mastodon"

    def __init__(self, settings: SandboxSettings, state: State, rules: Rules) -> None:
        self._settings = settings
        super().__init__(state)
        self._rules = rules
        self._keys: dict[str, tuple[str, float]] = {}
        self._window = FixedWindow(REQUESTS, WINDOW)
        self._last = 0
        self.blocked: set[str] = set()
        one = r"/api/v1/statuses/(\d+)"
        self._routes: tuple[tuple[str, re.Pattern[str], _Act], ...] = (
            ("POST", re.compile(r"/api/v1/(statuses)"), self._publish),
            ("GET", re.compile(one), self._show),
            ("PUT", re.compile(one), self._edit),
            ("DELETE", re.compile(one), self._delete),
            ("GET", re.compile(one + "/source"), self._source),
            ("GET", re.compile(one + "/context"), self._context),
            ("POST", re.compile(r"/api/v2/(media)"), self._take_picture),
            ("GET", re.compile(r"/api/v1/media/(\w+)"), self._show_picture),
            ("GET", re.compile(r"/api/v1/accounts/(verify_credentials)"), self._who),
            ("GET", re.compile(r"/api/v1/accounts/(\d+)/statuses"), self._list),
            ("POST", re.compile(r"/api/v1/accounts/(\d+)/block"), self._block),
            ("GET", re.compile(r"/api/v2/(instance)"), self._instance),
        )

    def answer(self, asked: Asked) -> Answer:
        """What the server says to this request."""
        if asked.headers.get("Authorization") != f"Bearer {MASTODON_TOKEN}":
            return revoked()
        reading = self._window.read(asked.at)
        if self._settings.limits and reading.remaining == 0:
            return limited(asked.at, reading.reset - asked.at)
        self._window.count(asked.at)
        answer = self._act(asked)
        left = reading.remaining - 1 if self._settings.limits else REQUESTS - 1
        return replace(answer, headers={**_window(asked.at, left, asked.at + WINDOW), **answer.headers})

    def _act(self, asked: Asked) -> Answer:
        for method, pattern, act in self._routes:
            match = pattern.fullmatch(asked.path)
            if match and method == asked.method:
                return act(asked, match[1])
        return answer_json({"error": "Not Found"}, 404)

    def _publish(self, asked: Asked, _: str) -> Answer:
        key = asked.headers.get("Idempotency-Key", "")
        id_, since = self._keys.get(key, ("", 0.0))
        if key and id_ and asked.at < since + KEY_KNOWN:
            known = self.find(id_)
            return answer_json(self._fields(known)) if known else answer_json(_NOT_FOUND, 404)
        fields = asked.arguments()
        refusal = self._refuse(fields)
        if refusal is not None:
            return refusal
        post = self._make(
            str(fields["status"]),
            asked.at,
            reply_to=str(fields["in_reply_to_id"]) if fields.get("in_reply_to_id") else None,
            kind="hidden" if fields.get("visibility") == "direct" else "post",
            media=tuple(map(str, fields.get("media_ids") or ())),
            language=fields.get("language"),
            poll=_poll(fields, asked.at),
        )
        if key:
            self._keys[key] = (post.id, asked.at)
        self._state.keep(post)
        return answer_json(self._fields(post))

    def _refuse(self, fields: Mapping[str, Any]) -> Answer | None:
        """Why a status isn't taken, if it isn't."""
        text, media, poll = str(fields.get("status") or ""), fields.get("media_ids") or (), fields.get("poll")
        if not text.strip() and not media:
            return refused(422, _EMPTY)
        if count(text) > MOST_CHARACTERS:
            return refused(422, _TOO_LONG.format(most=MOST_CHARACTERS))
        if len(media) > MOST_MEDIA or (media and poll) or any(not self._is_ready(str(id_)) for id_ in media):
            return refused(422, "Gültigkeitsprüfung ist fehlgeschlagen: Datei kann nicht angehängt werden")
        if poll and not _is_a_poll(poll):
            return refused(422, "Gültigkeitsprüfung ist fehlgeschlagen: Umfrage ist ungültig")
        above = fields.get("in_reply_to_id")
        return answer_json(_NOT_FOUND, 404) if above and self.find(str(above)) is None else None

    def _make(self, text: str, now: float, **more: Any) -> Post:
        # Like Mastodon's: the milliseconds, then what tells two of one millisecond apart.
        self._last = max(self._last + 1, int(now * 1000) << 16)
        return Post(
            "mastodon", str(self._last), MASTODON_ACCOUNT, text, now, f"{_HOST}/@{MASTODON_NAME}/{self._last}", **more
        )

    def _edit(self, asked: Asked, id_: str) -> Answer:
        post, fields = self._ours(id_), asked.arguments()
        refusal = self._refuse(fields) if post else answer_json(_NOT_FOUND, 404)
        if post is None or refusal is not None:
            return refusal or answer_json(_NOT_FOUND, 404)
        text, media = str(fields["status"]), tuple(map(str, fields.get("media_ids") or ()))
        if (text, media) != (post.text, post.media):
            post = replace(post, **wrote(post, text, asked.at), media=media)
            self._state.keep(post)
        return answer_json(self._fields(post))

    def _delete(self, asked: Asked, id_: str) -> Answer:  # noqa: ARG002 - it is gone at once
        post = self._ours(id_)
        if post is None:
            return answer_json(_NOT_FOUND, 404)
        self._state.keep(replace(post, deleted=True))
        return answer_json({**self._fields(post), "text": post.text})

    def _show(self, asked: Asked, id_: str) -> Answer:  # noqa: ARG002 - everybody sees the same
        post = self.find(id_)
        return answer_json(self._fields(post)) if post else answer_json(_NOT_FOUND, 404)

    def _source(self, asked: Asked, id_: str) -> Answer:  # noqa: ARG002 - everybody sees the same
        post = self._ours(id_)
        return answer_json({"id": id_, "text": post.text, "spoiler_text": ""}) if post else answer_json(_NOT_FOUND, 404)

    def _context(self, asked: Asked, id_: str) -> Answer:
        post = self.find(id_)
        if post is None:
            return answer_json(_NOT_FOUND, 404)
        until = asked.at - asked.lag - self._rules.mastodon_lag
        below = [self._fields(each) for each in self._below(post) if each.created_at <= until]
        return answer_json({"ancestors": [], "descendants": below})

    def _below(self, post: Post) -> Iterator[Post]:
        for each in self._state.answers(post):
            # What is below one that was deleted stands in no thread any more.
            if not each.deleted and each.author_id not in self.blocked:
                yield each
                yield from self._below(each)

    def _list(self, asked: Asked, account: str) -> Answer:
        fields = asked.arguments()
        before, most = int(fields.get("max_id") or 2**63), min(int(fields.get("limit") or 20), 40)
        newest = (post for post in self._state.newest_first("mastodon") if post.channel == account and not post.foreign)
        there = (post for post in newest if not post.deleted and post.created_at <= asked.at - asked.lag)
        listed = [post for post in there if int(post.id) < before]
        return answer_json([self._fields(post) for post in listed[:most]])

    def _who(self, _: Asked, __: str) -> Answer:
        return answer_json({**_account(None), "followers_count": MASTODON_FOLLOWERS, "bot": True})

    def _block(self, _: Asked, account: str) -> Answer:
        self.blocked.add(account)
        return answer_json({"id": account, "blocking": True})

    def _instance(self, _: Asked, __: str) -> Answer:
        statuses = {
            "max_characters": MOST_CHARACTERS,
            "max_media_attachments": MOST_MEDIA,
            "characters_reserved_per_url": LINK,
        }
        media = {"description_limit": 1500, "image_size_limit": 16_777_216}
        return answer_json({"version": "4.6.4", "configuration": {"statuses": statuses, "media_attachments": media}})

    def _take_picture(self, asked: Asked, _: str) -> Answer:
        file = asked.files.get("file")
        picture = look_at(file.content) if isinstance(file, Upload) else None
        if file is None or picture is None:
            return refused(422, "Gültigkeitsprüfung ist fehlgeschlagen: Datei hat ein ungültiges Format")
        id_ = hashlib.sha256(f"{asked.at} {len(self._state.media())}".encode()).hexdigest()[:16]
        sizes = (len(file.content), picture.width, picture.height)
        alt = asked.form.get("description", "")
        self._state.keep_medium(Medium("mastodon", id_, picture.kind, *sizes, asked.at, alt), file.content)
        return self._picture(id_, 202)

    def _show_picture(self, _: Asked, id_: str) -> Answer:
        known = self._state.medium("mastodon", id_)
        return self._picture(id_, 206) if known else answer_json(_NOT_FOUND, 404)

    def _picture(self, id_: str, unready: int) -> Answer:
        ready = self._is_ready(id_)
        return answer_json({"id": id_, "url": f"{_HOST}/media/{id_}" if ready else None}, 200 if ready else unready)

    def _is_ready(self, id_: str) -> bool:
        known = self._state.medium("mastodon", id_)
        return known is not None and self._settings.clock() >= known.created_at + self._rules.mastodon_converts

    def _fields(self, post: Post) -> dict[str, Any]:
        names = f"@{MASTODON_NAME} " if post.foreign and post.reply_to else ""
        return {
            "id": post.id,
            "created_at": _stamp(post.created_at),
            "edited_at": _stamp(post.edited_at) if post.edited_at else None,
            "in_reply_to_id": post.reply_to,
            "visibility": "direct" if post.kind == "hidden" or post.concealed else "public",
            "language": post.language,
            "url": post.url,
            "content": "<p>" + escape(names + post.text).replace("\n\n", "</p><p>").replace("\n", "<br />") + "</p>",
            "account": _account(post),
            "media_attachments": [{"id": id_} for id_ in post.media],
            "poll": _show_poll(post, self._settings.clock()) if post.poll else None,
        }

    def _ours(self, id_: str) -> Post | None:
        post = self.find(id_)
        return post if post and not post.foreign else None

    # Other people.

    def say(self, say: Say, now: float) -> dict[str, Any]:
        """They write; `hidden`: to the account alone. Raises Impossible."""
        if say.under:
            self.there(say.under)
        posts = []
        for who, text in self._inhabitants.who(say):
            if who.id in self.blocked:
                raise Impossible(f"{who.id} was blocked", 403)
            values = {"author": who.name, "author_id": who.id, "language": say.language, "concealed": say.hidden}
            posts.append(self._make(text, now, reply_to=say.under, foreign=True, **values))
        self._state.keep(*posts)
        return said(posts)


def _account(post: Post | None) -> dict[str, Any]:
    if post is None or not post.foreign:
        return {"id": MASTODON_ACCOUNT, "acct": MASTODON_NAME, "display_name": "Tocsin sandbox"}
    handle = handle_of(post.author, post.author_id)
    return {"id": post.author_id, "acct": f"{handle}@elsewhere.example", "display_name": post.author or ""}


def _is_a_poll(poll: Any) -> bool:
    options = poll.get("options") if isinstance(poll, dict) else None
    if (
        not isinstance(options, list)
        or not 2 <= len(options) <= 4
        or not all(0 < len(str(each)) <= 50 for each in options)
    ):
        return False
    return _SHORTEST_POLL <= int(poll.get("expires_in") or 0) <= _LONGEST_POLL


def _poll(fields: Mapping[str, Any], now: float) -> dict[str, Any] | None:
    poll = fields.get("poll")
    if not poll:
        return None
    options = [{"text": str(each), "votes": 0} for each in poll["options"]]
    return {"question": fields["status"], "options": options, "closes_at": now + poll["expires_in"], "closed": False}


def _show_poll(post: Post, now: float) -> dict[str, Any]:
    poll = dict(post.poll or {})
    options = [{"title": each["text"], "votes_count": each["votes"]} for each in poll["options"]]
    return {"expires_at": _stamp(poll["closes_at"]), "expired": is_closed(poll, now), "options": options}


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _window(now: float, left: int, reset: float) -> dict[str, str]:
    # With microseconds, unlike the times of statuses.
    until = datetime.fromtimestamp(max(reset, now), UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {"X-RateLimit-Limit": str(REQUESTS), "X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": until}


def refused(status: int, words: str) -> Answer:
    """A refusal with its reason."""
    return answer_json({"error": words}, status)


def revoked() -> Answer:
    """What is said to a token that isn't known."""
    header = 'Bearer realm="Doorkeeper", error="invalid_token", error_description="Das Zugriffstoken ist ungültig"'
    return answer_json(
        {"error": "Das Zugriffstoken ist ungültig"},
        401,
        {"WWW-Authenticate": header.encode("ascii", "ignore").decode()},
    )


def limited(now: float, wait: float) -> Answer:
    """What is said to who asked too much."""
    return answer_json({"error": "Zu viele Anfragen"}, 429, _window(now, 0, now + wait))


def faulty(fault: FaultRequest, now: float) -> Answer:
    """What it says under a fault."""
    if fault.kind == "rate_limit":
        return limited(now, 60 if fault.retry_after is None else fault.retry_after)
    if fault.kind == "revoked":
        return revoked()
    return refused(fault.status or 500, fault.message or "Es ist ein Fehler aufgetreten")
