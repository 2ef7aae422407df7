"""What the platforms hold: posts and pictures, kept on disk as one JSON line for each change, or in memory only.

A line is on the disk (fdatasync) before `keep` returns, so what a client was told is still there after any crash.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture's MIME type and its size in pixels; 0 where the header doesn't tell."""

    kind: str
    width: int
    height: int


def look_at(content: bytes) -> Picture | None:
    """What kind of picture these bytes are; None when they aren't one that the platforms take."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        return Picture("image/png", *struct.unpack(">II", content[16:24]))
    if content.startswith((b"GIF87a", b"GIF89a")) and len(content) >= 10:
        return Picture("image/gif", *struct.unpack("<HH", content[6:10]))
    if content.startswith(b"\xff\xd8\xff"):
        return Picture("image/jpeg", *_measure_jpeg(content))
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return Picture("image/webp", 0, 0)
    return None


def _measure_jpeg(content: bytes) -> tuple[int, int]:
    """Width and height from the start-of-frame segment (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return 0, 0


PLATFORMS = ("twitter", "facebook", "instagram", "telegram", "mastodon", "bluesky", "matrix", "ntfy", "sms", "webhook")
ALWAYS = frozenset({"twitter", "facebook", "telegram"})
"""Platforms that are shown before anything is posted there; many towns have none of the others."""


@dataclass(frozen=True, slots=True)
class Post:
    """One post on one platform, as it stands now.

    `channel` is the account, page or chat; `text` what its author wrote (Telegram: what is left after parsing, with
    `entities` and the `html` it came as). `kind` is "post", "photo", "comment" or "hidden" (Facebook: seen by those
    who run the page); a webhook's is its own. `link` stands beside the text (Facebook). `edits` are its earlier texts,
    oldest first; `earlier_ids` the ids an edit on X left behind. `foreign` was written by somebody else, `buttons`
    stand under it (Telegram). Times are seconds since the epoch.
    """

    platform: str
    id: str
    channel: str
    text: str
    created_at: float
    url: str
    kind: str = "post"
    link: str | None = None
    reply_to: str | None = None
    html: str | None = None
    entities: tuple[Mapping[str, Any], ...] = ()
    media: tuple[str, ...] = ()
    edits: tuple[str, ...] = ()
    earlier_ids: tuple[str, ...] = ()
    edited_at: float | None = None
    deleted: bool = False
    foreign: bool = False
    buttons: str | None = None
    author: str | None = None
    author_id: str = ""
    speaks: str = "person"
    named: bool = True
    language: str | None = None
    thread: str | None = None
    origin: str | None = None
    concealed: bool = False
    reactions: Mapping[str, int] = field(default_factory=dict)
    poll: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """What names it on its platform: Telegram counts within a chat."""
        return self._key_of(self.id)

    @property
    def parent(self) -> str | None:
        """The key of the post that it answers."""
        return None if self.reply_to is None else self._key_of(self.reply_to)

    @property
    def likes(self) -> int:
        """How many reacted, whatever with."""
        return sum(self.reactions.values())

    def _key_of(self, id_: str) -> str:
        return f"{self.channel}/{id_}" if self.platform == "telegram" else id_


@dataclass(frozen=True, slots=True)
class Medium:
    """A picture that was uploaded: its `kind` is its MIME type, `alt` its text alternative."""

    platform: str
    id: str
    kind: str
    size: int
    width: int
    height: int
    created_at: float
    alt: str = ""


_POST_FIELDS = tuple(each.name for each in fields(Post))
_MEDIUM_FIELDS = tuple(each.name for each in fields(Medium))
_LISTS = ("entities", "media", "edits", "earlier_ids")
_LISTENING = _POST_FIELDS[_POST_FIELDS.index("author") :]
_UNTOLD = Post("", "", "", "", 0.0, "")


def post_as_json(post: Post) -> dict[str, Any]:
    """The post's fields, ready for JSON; of those about people who answer, only what there is to tell."""
    values = {name: getattr(post, name) for name in _POST_FIELDS}
    for name in _LISTENING:
        if values[name] == getattr(_UNTOLD, name):
            del values[name]
    return values


class State:
    """All posts, pictures, chats that moved and groups that are linked to a channel.

    With a `folder`, what was kept there before is there again.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.version = 0
        self.moved: dict[str, str] = {}
        self.linked: dict[str, str] = {}
        self._answers: dict[tuple[str, str], dict[str, None]] = {}
        self._posts: dict[str, dict[str, Post]] = {platform: {} for platform in PLATFORMS}
        self._renamed: dict[str, str] = {}
        self._media: dict[str, Medium] = {}
        self._bytes: dict[str, bytes] = {}
        self._folder = folder
        self._file = -1
        if folder:
            (folder / "media").mkdir(parents=True, exist_ok=True)
            self._file = self._open_journal(folder / "sandbox.jsonl")

    def posts(self, platform: str) -> Mapping[str, Post]:
        """Every post of the platform by key, deleted ones too, in the order in which they were taken."""
        return self._posts[platform]

    def newest_first(self, platform: str) -> Iterator[Post]:
        """The posts of a platform, the latest taken first."""
        return reversed(self._posts[platform].values())

    def find(self, platform: str, key: str, *, deleted: bool = False) -> Post | None:
        """The post that `key` names, also by an id it had before it was edited; a `deleted` one only where asked."""
        post = self._posts[platform].get(self._renamed.get(key, key))
        return None if post is None or (post.deleted and not deleted) else post

    def answers(self, post: Post) -> list[Post]:
        """What directly answers it, deleted ones too, in the order in which they were taken."""
        keys = [key for name in (*post.earlier_ids, post.key) for key in self._answers.get((post.platform, name), ())]
        there, renamed = self._posts[post.platform], self._renamed
        return list({key: there[key] for each in keys if (key := renamed.get(each, each)) in there}.values())

    def keep(self, *posts: Post) -> None:
        """Store posts, new or changed; on disk before this returns."""
        self._write("post", *map(post_as_json, posts))
        for post in posts:
            self._remember_post(post)

    def keep_medium(self, medium: Medium, content: bytes | None = None) -> None:
        """Store a picture, or what is known of it."""
        if content is not None:
            self._keep_bytes(medium.id, content)
        self._write("medium", {name: getattr(medium, name) for name in _MEDIUM_FIELDS})
        self._remember_medium(medium)

    def medium(self, platform: str, id_: str) -> Medium | None:
        """The picture with this id on this platform."""
        medium = self._media.get(id_)
        return medium if medium and medium.platform == platform else None

    def media(self) -> Mapping[str, Medium]:
        """Every picture by id."""
        return self._media

    def content_of(self, id_: str) -> bytes | None:
        """A picture's bytes."""
        if id_ in self._media and self._folder:
            path = self._folder / "media" / id_
            return path.read_bytes() if path.exists() else None
        return self._bytes.get(id_)

    def move(self, old: str, new: str) -> None:
        """Let the chat `old` have become `new` (a group that was upgraded)."""
        self._write("move", {"from": old, "to": new})
        self.moved[old] = new
        self.version += 1

    def link(self, channel: str, group: str) -> None:
        """Let what `channel` posts be talked about in `group`; "" ends it."""
        self._write("link", {"channel": channel, "group": group})
        self._remember_link(channel, group)

    def reset(self) -> None:
        """Forget everything, on disk too."""
        for posts in self._posts.values():
            posts.clear()
        for known in (self._media, self._bytes, self.moved, self.linked, self._renamed, self._answers):
            known.clear()
        self.version += 1
        if self._folder:
            os.ftruncate(self._file, 0)
            for path in (self._folder / "media").iterdir():
                path.unlink()

    def close(self) -> None:
        """Give the journal's file back."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _remember_post(self, post: Post) -> None:
        posts = self._posts[post.platform]
        for earlier in post.earlier_ids:
            posts.pop(earlier, None)
            self._renamed[earlier] = post.id
        posts[post.key] = post
        if post.parent is not None:
            self._answers.setdefault((post.platform, post.parent), {})[post.key] = None
        self.version += 1

    def _remember_link(self, channel: str, group: str) -> None:
        self.linked[channel] = group
        if not group:
            del self.linked[channel]
        self.version += 1

    def _remember_medium(self, medium: Medium) -> None:
        self._media[medium.id] = medium
        self.version += 1

    def _keep_bytes(self, id_: str, content: bytes) -> None:
        if self._folder:
            (self._folder / "media" / id_).write_bytes(content)
        else:
            self._bytes[id_] = content

    def _write(self, kind: str, *values: Mapping[str, Any]) -> None:
        if self._file >= 0:
            lines = [json.dumps({kind: value}, separators=(",", ":")).encode() + b"\n" for value in values]
            os.write(self._file, b"".join(lines))
            os.fdatasync(self._file)

    def _open_journal(self, path: Path) -> int:
        # A line that a crash cut short was answered to nobody: it goes, lest the next one be glued to it.
        whole = path.read_bytes() if path.exists() else b""
        whole = whole[: whole.rfind(b"\n") + 1]
        for line in whole.splitlines():
            self._replay(json.loads(line))
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.ftruncate(file, len(whole))
        return file

    def _replay(self, line: Mapping[str, Any]) -> None:
        replays: dict[str, Callable[[dict[str, Any]], None]] = {
            "post": lambda value: self._remember_post(
                Post(**{**value, **{name: tuple(value[name]) for name in _LISTS}})
            ),
            "medium": lambda value: self._remember_medium(Medium(**value)),
            "move": lambda value: self.moved.update({value["from"]: value["to"]}),
            "link": lambda value: self._remember_link(value["channel"], value["group"]),
        }
        for kind, value in line.items():
            replays[kind](value)
