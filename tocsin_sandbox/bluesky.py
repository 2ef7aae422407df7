"""A stand-in of Bluesky for one account: its server of records (com.atproto), and what apps see of them (app.bsky).

As strict as they are: a post's key is a TID, its text has 300 graphemes and 3,000 bytes at most, a facet's bytes are
whole characters. To put the same record again changes nothing; other words are stored, and apps go on showing the first
ones. An access token lives for two hours, and a day allows 300 sessions.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tocsin_sandbox.exchange import Answer, Asked, answer_json
from tocsin_sandbox.faults import FaultRequest
from tocsin_sandbox.mastodon import clusters
from tocsin_sandbox.people import (
    Crowd,
    Edit,
    Impossible,
    Say,
    Vote,
    handle_of,
    said,
)
from tocsin_sandbox.rules import Rules
from tocsin_sandbox.settings import BLUESKY_DID, BLUESKY_FOLLOWERS, BLUESKY_HANDLE, BLUESKY_PASSWORD, SandboxSettings
from tocsin_sandbox.state import Medium, Post, State, look_at
from tocsin_sandbox.windows import FixedWindow

MOST_GRAPHEMES, MOST_BYTES, SESSIONS, DAY = 300, 3000, 300, 86_400.0
POINTS, HOUR = 5000, 3600.0
COLLECTION = "app.bsky.feed.post"
_TID = re.compile(r"[234567a-j][234567a-z]{12}")
_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_LIVES = 7200.0

_Act = Callable[[Asked], Answer]


class Bluesky(Crowd):
    """One account, its records, and everybody else."""

    platform = "bluesky"

    def __init__(self, settings: SandboxSettings, state: State, rules: Rules) -> None:
        self._settings = settings
        super().__init__(state)
        self._rules = rules
        self._sessions: dict[str, float] = {}
        self._opened = FixedWindow(SESSIONS, DAY)
        self._points = FixedWindow(POINTS, HOUR)
        self._records: dict[str, str] = {}
        self._count = 0
        self._methods: dict[tuple[str, str], _Act] = {
            ("POST", "com.atproto.repo.putRecord"): self._put,
            ("POST", "com.atproto.repo.deleteRecord"): self._delete,
            ("GET", "com.atproto.repo.getRecord"): self._get,
            ("GET", "com.atproto.repo.listRecords"): self._list,
            ("POST", "com.atproto.repo.uploadBlob"): self._upload,
            ("GET", "app.bsky.feed.getPostThread"): self._thread,
            ("GET", "app.bsky.feed.getPosts"): self._posts,
            ("GET", "app.bsky.actor.getProfile"): self._profile,
        }

    def answer(self, asked: Asked) -> Answer:
        """What the server says to this request."""
        name = asked.path.removeprefix("/xrpc/")
        bearer = asked.headers.get("Authorization", "").removeprefix("Bearer ")
        if name == "com.atproto.server.createSession":
            return self._open(asked)
        if name == "com.atproto.server.refreshSession":
            known = bearer.startswith("refresh-") and bearer in self._sessions
            return self._session(asked.at) if known else refused(400, "ExpiredToken", "Token has been revoked")
        if bearer not in self._sessions or bearer.startswith("refresh-"):
            return revoked()
        if asked.at >= self._sessions[bearer] + _LIVES:
            return refused(400, "ExpiredToken", "Token has expired")
        act = self._methods.get((asked.method, name))
        if act is None:
            return refused(501, "MethodNotImplemented", "Method Not Implemented")
        if self._settings.limits and self._points.read(asked.at).remaining < 3:
            return limited(self._points.read(asked.at).reset)
        return act(asked)

    def _open(self, asked: Asked) -> Answer:
        reading = self._opened.read(asked.at)
        if reading.remaining == 0:
            return limited(reading.reset)
        self._opened.count(asked.at)
        told = asked.json if isinstance(asked.json, dict) else {}
        if (told.get("identifier"), told.get("password")) != (BLUESKY_HANDLE, BLUESKY_PASSWORD):
            return refused(401, "AuthenticationRequired", "Invalid identifier or password")
        return self._session(asked.at)

    def _session(self, now: float) -> Answer:
        self._count += 1
        names = [f"{kind}-{self._count}" for kind in ("access", "refresh")]
        self._sessions |= dict.fromkeys(names, now)
        tokens = dict(zip(("accessJwt", "refreshJwt"), names, strict=True))
        return answer_json({**tokens, "did": BLUESKY_DID, "handle": BLUESKY_HANDLE})

    def _put(self, asked: Asked) -> Answer:
        told = asked.json if isinstance(asked.json, dict) else {}
        record, key = told.get("record"), str(told.get("rkey", ""))
        if told.get("repo") != BLUESKY_DID or told.get("collection") != COLLECTION or not isinstance(record, dict):
            return refused(400, "InvalidRequest", "Input must have the properties repo, collection and record")
        if not _TID.fullmatch(key):
            return refused(400, "InvalidRequest", f"Invalid record key for {COLLECTION}")
        problem = self._problem(record)
        if problem:
            return refused(400, "InvalidRequest", f"Invalid {COLLECTION} record: {problem}")
        uri, digest = f"at://{BLUESKY_DID}/{COLLECTION}/{key}", _digest(record)
        headers = self._spend(asked.at, 3)
        before = self.find(uri)
        if before is not None and self._records.get(uri) == digest:
            return answer_json({"uri": uri, "cid": digest, "validationStatus": "valid"}, 200, headers)
        if before is not None:
            self._state.keep(replace(before, edits=(*before.edits, str(record["text"]))))
        else:
            self._state.keep(self._post(uri, key, record, asked.at))
        self._records[uri] = digest
        told = {"uri": uri, "cid": digest, "commit": {"cid": digest, "rev": key}, "validationStatus": "valid"}
        return answer_json(told, 200, headers)

    def _post(self, uri: str, key: str, record: Mapping[str, Any], now: float) -> Post:
        embed, url = record.get("embed") or {}, f"https://bsky.app/profile/{BLUESKY_HANDLE}/post/{key}"
        return Post(
            "bluesky",
            uri,
            BLUESKY_DID,
            str(record["text"]),
            now,
            url,
            link=(embed.get("external") or {}).get("uri"),
            reply_to=((record.get("reply") or {}).get("parent") or {}).get("uri"),
            entities=tuple(record.get("facets") or ()),
            media=tuple(image["image"]["ref"]["$link"] for image in embed.get("images") or ()),
            language=next(iter(record.get("langs") or ()), None),
        )

    def _problem(self, record: Mapping[str, Any]) -> str | None:
        """What is wrong with a post's record."""
        text = record.get("text")
        if record.get("$type") != COLLECTION or not isinstance(text, str):
            return "Record must have the property text"
        if clusters(text) > MOST_GRAPHEMES:
            return f"Record/text must not be longer than {MOST_GRAPHEMES} graphemes"
        if len(text.encode()) > MOST_BYTES:
            return f"Record/text must not be longer than {MOST_BYTES} characters"
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(record.get("createdAt"))):
            return "Record/createdAt must be an valid atproto datetime"
        if len(record.get("langs") or ()) > 3 or not all(_is_marked(text, each) for each in record.get("facets") or ()):
            return "Record/facets must be whole characters of the text"
        embed = record.get("embed") or {}
        images = embed.get("images") or ()
        if embed.get("$type") == "app.bsky.embed.images" and not all(
            "alt" in each and self._is_blob(each) for each in images
        ):
            return "Record/embed/images must have the property alt, and a blob"
        reply = record.get("reply")
        if reply and not all(
            (reply.get(name) or {}).get("cid") and (reply.get(name) or {}).get("uri") for name in ("root", "parent")
        ):
            return "Record/reply must have the properties root and parent"
        return None

    def _is_blob(self, image: Mapping[str, Any]) -> bool:
        name = ((image.get("image") or {}).get("ref") or {}).get("$link", "")
        return self._state.medium("bluesky", name) is not None

    def _spend(self, now: float, points: int) -> dict[str, str]:
        if self._settings.limits:
            for _ in range(points):
                self._points.count(now)
        reading = self._points.read(now)
        told = {
            "Limit": str(POINTS),
            "Remaining": str(reading.remaining),
            "Reset": str(int(max(reading.reset, now + HOUR))),
        }
        return {f"RateLimit-{name}": value for name, value in told.items()}

    def _delete(self, asked: Asked) -> Answer:
        told = asked.json if isinstance(asked.json, dict) else {}
        post = self._state.find("bluesky", f"at://{told.get('repo')}/{told.get('collection')}/{told.get('rkey')}")
        if post is None or post.foreign or post.deleted:
            return answer_json({}, 200, self._spend(asked.at, 1))
        self._state.keep(replace(post, deleted=True))
        commit = {"cid": self._cid(post), "rev": _key(post)}
        return answer_json({"commit": commit}, 200, self._spend(asked.at, 1))

    def _get(self, asked: Asked) -> Answer:
        told = dict(asked.query)
        uri = f"at://{told.get('repo')}/{told.get('collection')}/{told.get('rkey')}"
        post = self.find(uri)
        if post is None:
            return refused(400, "RecordNotFound", f"Could not locate record: {uri}")
        return answer_json({"uri": uri, "cid": self._cid(post), "value": self._value(post)})

    def _list(self, asked: Asked) -> Answer:
        told = dict(asked.query)
        most, before = int(told.get("limit", 50)), told.get("cursor", "~")
        ours = [post for post in self._state.posts("bluesky").values() if not post.foreign and not post.deleted]
        newest = sorted((post for post in ours if _key(post) < before), key=_key, reverse=True)[:most]
        records = [{"uri": post.id, "cid": self._cid(post), "value": self._value(post)} for post in newest]
        return answer_json({"records": records, **({"cursor": _key(newest[-1])} if newest else {})})

    def _upload(self, asked: Asked) -> Answer:
        picture = look_at(asked.body)
        if picture is None:
            return refused(400, "InvalidMimeType", "Referenced Mimetype does not match stored blob")
        name = f"bafkrei{hashlib.sha256(asked.body).hexdigest()[:40]}"
        sizes = (len(asked.body), picture.width, picture.height)
        self._state.keep_medium(Medium("bluesky", name, picture.kind, *sizes, asked.at), asked.body)
        blob = {"$type": "blob", "ref": {"$link": name}, "mimeType": picture.kind, "size": len(asked.body)}
        return answer_json({"blob": blob})

    def _thread(self, asked: Asked) -> Answer:
        uri = dict(asked.query).get("uri", "")
        post = self.find(uri)
        if post is None:
            return refused(400, "NotFound", f"Post not found: {uri}")
        until = asked.at - asked.lag - self._rules.bluesky_lag
        return answer_json({"thread": self._seen_thread(post, until)})

    def _seen_thread(self, post: Post, until: float) -> dict[str, Any]:
        below = [each for each in self._state.answers(post) if not each.deleted and each.created_at <= until]
        return {
            "$type": "app.bsky.feed.defs#threadViewPost",
            "post": self._seen(post),
            "replies": [self._seen_thread(each, until) for each in below],
        }

    def _posts(self, asked: Asked) -> Answer:
        found = [self.find(uri) for name, uri in asked.query if name == "uris"]
        return answer_json({"posts": [self._seen(post) for post in found if post]})

    def _profile(self, asked: Asked) -> Answer:  # noqa: ARG002 - there is one account
        return answer_json({"did": BLUESKY_DID, "handle": BLUESKY_HANDLE, "followersCount": BLUESKY_FOLLOWERS})

    def _seen(self, post: Post) -> dict[str, Any]:
        handle = f"{handle_of(post.author, post.author_id).replace('_', '-')}.bsky.social"
        ours = {"did": BLUESKY_DID, "handle": BLUESKY_HANDLE, "displayName": "Tocsin sandbox"}
        theirs = {"did": post.author_id, "handle": handle, "displayName": post.author or ""}
        at = {"indexedAt": _stamp(post.created_at)}
        return {
            "uri": post.id,
            "cid": self._cid(post),
            "author": theirs if post.foreign else ours,
            "record": self._value(post),
            **at,
        }

    def _value(self, post: Post) -> dict[str, Any]:
        value: dict[str, Any] = {"$type": COLLECTION, "text": post.text, "createdAt": _stamp(post.created_at)}
        if post.language:
            value["langs"] = [post.language]
        if post.parent:
            parent = self._state.find("bluesky", post.parent, deleted=True)
            root = parent
            while root is not None and root.parent:
                root = self._state.find("bluesky", root.parent, deleted=True)
            value["reply"] = {
                name: {"uri": each.id, "cid": self._cid(each)}
                for name, each in (("root", root), ("parent", parent))
                if each
            }
        return value

    def _cid(self, post: Post) -> str:
        return self._records.get(post.id) or _digest({"text": post.text, "uri": post.id})

    # Other people.

    def say(self, say: Say, now: float) -> dict[str, Any]:
        """They write. Raises Impossible."""
        if say.under:
            self.there(say.under)
        posts = []
        for who, text in self._inhabitants.who(say):
            self._count += 1
            did = f"did:plc:{who.id}"
            number = (int(now * 1_000_000) << 10) | self._count % 1024
            key = "".join(_DIGITS[number >> shift & 31] for shift in range(60, -1, -5))
            url = f"https://bsky.app/profile/{did}/post/{key}"
            told: dict[str, Any] = {"foreign": True, "author": who.name, "author_id": did, "language": say.language}
            posts.append(
                Post("bluesky", f"at://{did}/{COLLECTION}/{key}", did, text, now, url, reply_to=say.under, **told)
            )
        self._state.keep(*posts)
        return said(posts)

    def edit(self, edit: Edit, now: float) -> dict[str, Any]:  # noqa: ARG002 - of a crowd's acts one that nobody does here
        """Nobody edits there. Raises Impossible."""
        raise Impossible("Bluesky's posts are not edited")

    def vote(self, vote: Vote, now: float) -> dict[str, Any]:  # noqa: ARG002 - of a crowd's acts one that nobody does here
        """Nobody votes there. Raises Impossible."""
        raise Impossible("Bluesky has no polls")


def _is_marked(text: str, facet: Any) -> bool:
    """Whether a facet's bytes begin and end between characters of the text."""
    index, encoded = facet.get("index") or {}, text.encode()
    start, end = index.get("byteStart", -1), index.get("byteEnd", -1)
    if not 0 <= start < end <= len(encoded):
        return False
    # A byte of 10xxxxxx goes on with a character.
    return all(at == len(encoded) or encoded[at] & 0xC0 != 0x80 for at in (start, end))


def _digest(record: Mapping[str, Any]) -> str:
    return f"bafyrei{hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:40]}"


def _key(post: Post) -> str:
    return post.id.rpartition("/")[2]


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def refused(status: int, name: str, words: str) -> Answer:
    """A refusal by its name, with its reason."""
    return answer_json({"error": name, "message": words}, status)


def revoked() -> Answer:
    """What is said to a token that isn't known."""
    return refused(401, "InvalidToken", "Token could not be verified")


def limited(reset: float) -> Answer:
    """What is said to who asked too much."""
    told = {"Limit": str(POINTS), "Remaining": "0", "Reset": str(int(reset))}
    headers = {f"RateLimit-{name}": value for name, value in told.items()}
    return answer_json({"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}, 429, headers)


def faulty(fault: FaultRequest, now: float) -> Answer:
    """What it says under a fault."""
    if fault.kind == "rate_limit":
        return limited(now + (60 if fault.retry_after is None else fault.retry_after))
    if fault.kind == "revoked":
        return revoked()
    return refused(fault.status or 500, "InternalServerError", fault.message or "Internal Server Error")
