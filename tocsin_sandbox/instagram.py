"""A stand-in of Instagram's part of the Graph API for one account: containers, which nobody sees, and posts.

As strict as it is: a picture is a JPEG by its name, a caption has 2,200 characters and 30 hashtags at most, a container
is published once, within a day, and not before it is ready; fifty posts go out in 24 hours. Nothing is changed or
deleted. With the rule `instagram_fetches` the picture is fetched, and has to be a JPEG that fits into a feed.
"""

from __future__ import annotations

import hmac
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tocsin_sandbox.exchange import Answer, Asked
from tocsin_sandbox.facebook.answers import (
    Listing,
    choose,
    failed,
    list_pages,
    no_such_object,
    ok,
    prove,
    stamp,
    token_of,
)
from tocsin_sandbox.rules import Rules
from tocsin_sandbox.settings import (
    INSTAGRAM_ACCOUNT,
    INSTAGRAM_FOLLOWERS,
    INSTAGRAM_NAME,
    INSTAGRAM_TOKEN,
    SandboxSettings,
)
from tocsin_sandbox.state import Medium, Post, State, look_at
from tocsin_sandbox.windows import RunningWindow

CAPTION_LIMIT, HASHTAGS, POSTS, DAY = 2200, 30, 50, 86_400.0
PATH = re.compile(r"/v\d+\.\d+/(?P<subject>(?:1784|1799|1800)\d{13})(?:/(?P<edge>\w+))?/?")
"""The account, a container or a post, and what is asked of it."""
_FIRST_CONTAINER, _FIRST_POST = 17_990_000_000_000_000, 18_000_000_000_000_000
_LARGEST, _NARROWEST, _WIDEST = 8 * 1024 * 1024, 4 / 5, 1.91


@dataclass(slots=True)
class Container:
    """What may be published; `fault` is the subcode of why it never will be."""

    id: str
    address: str
    caption: str
    alt: str
    made_at: float
    ready_at: float
    fault: int | None = None
    published: bool = False
    medium: str | None = None


class Instagram:
    """One account and its posts."""

    def __init__(self, settings: SandboxSettings, state: State, rules: Rules) -> None:
        self._settings = settings
        self._state = state
        self._rules = rules
        self._containers: dict[str, Container] = {}
        self._published = RunningWindow(POSTS, DAY)
        self.to_fetch: list[Container] = []
        self._acts: dict[tuple[str, str], Callable[[Asked], Answer]] = {
            ("POST", "media"): self._contain,
            ("POST", "media_publish"): self._publish,
            ("GET", "media"): self._list,
            ("GET", "content_publishing_limit"): self._limit,
            ("GET", ""): _show,
        }

    def answer(self, asked: Asked) -> Answer:
        """What the Graph API says to this request."""
        token, proof = token_of(asked), asked.arguments().get("appsecret_proof")
        if token != INSTAGRAM_TOKEN:
            return failed(190, "Invalid OAuth access token - Cannot parse access token")
        if proof is not None and not hmac.compare_digest(str(proof).encode(), prove(token)):
            return failed(100, "Invalid appsecret_proof provided in the API argument")
        match = PATH.fullmatch(asked.path)
        subject, edge = (match["subject"], match["edge"] or "") if match else ("", "")
        if subject == INSTAGRAM_ACCOUNT and (act := self._acts.get((asked.method, edge))) is not None:
            return act(asked)
        if asked.method == "GET" and not edge and subject in self._containers:
            return ok(choose(self._state_of(self._containers[subject], asked.at), _fields(asked)))
        post = self._state.find("instagram", subject)
        if asked.method == "GET" and not edge and post is not None:
            return ok(choose(_shown(post), _fields(asked)))
        return no_such_object(subject)

    def _contain(self, asked: Asked) -> Answer:
        told = {name: str(value) for name, value in asked.arguments().items()}
        address, caption = told.get("image_url", ""), told.get("caption", "")
        if not address.startswith(("http://", "https://")):
            return failed(100, "(#100) The parameter image_url is required.")
        if not urlsplit(address).path.endswith((".jpg", ".jpeg")):
            return failed(36001, "The image format is not supported. Please check spec for supported formats.", 2207005)
        if len(caption) > CAPTION_LIMIT or caption.count("#") > HASHTAGS:
            return failed(36004, f"The caption was too long. Maximum {CAPTION_LIMIT} characters.", 2207010)
        id_ = str(_FIRST_CONTAINER + len(self._containers) + 1)
        ready_at = asked.at + self._rules.instagram_waits
        made = Container(id_, address, caption, told.get("alt_text", ""), asked.at, ready_at)
        if self._rules.instagram_fetches:
            made.ready_at = math.inf
            self.to_fetch.append(made)
        self._containers[id_] = made
        return ok({"id": id_})

    def fetched(self, container: Container, content: bytes | None, now: float) -> None:
        """The picture came, or can't be had."""
        picture = look_at(content) if content else None
        if content is None or picture is None:
            container.fault = 2207052
        elif picture.kind != "image/jpeg":
            container.fault = 2207005
        elif len(content) > _LARGEST:
            container.fault = 2207004
        elif not _NARROWEST <= picture.width / max(picture.height, 1) <= _WIDEST:
            container.fault = 2207009
        else:
            sizes = (len(content), picture.width, picture.height)
            medium = Medium("instagram", f"ig{container.id}", picture.kind, *sizes, now, container.alt)
            self._state.keep_medium(medium, content)
            container.medium = medium.id
        container.ready_at = now

    def _state_of(self, container: Container, now: float) -> dict[str, Any]:
        code = "FINISHED"
        if container.published:
            code = "PUBLISHED"
        elif container.fault is not None:
            code = "ERROR"
        elif now >= container.made_at + DAY:
            code = "EXPIRED"
        elif now < container.ready_at:
            code = "IN_PROGRESS"
        status = f"Error: {container.fault}" if code == "ERROR" else code.capitalize()
        return {"id": container.id, "status_code": code, "status": status}

    def _publish(self, asked: Asked) -> Answer:
        container = self._containers.get(str(asked.arguments().get("creation_id", "")))
        code = self._state_of(container, asked.at)["status_code"] if container else "EXPIRED"
        if container is None or code in ("EXPIRED", "PUBLISHED"):
            return failed(24, "The requested resource does not exist", 2207008)
        if code != "FINISHED":
            return failed(9007, "The media is not ready for publishing, please wait for a moment", 2207027)
        if self._settings.limits and self._published.wait(asked.at):
            return failed(9, "You reached maximum number of posts that is allowed to be published", 2207042)
        self._published.count(asked.at)
        container.published = True
        id_ = str(_FIRST_POST + len(self._state.posts("instagram")) + 1)
        media = (container.medium,) if container.medium else ()
        url = f"https://www.instagram.com/p/{id_}"
        told: dict[str, Any] = {"link": container.address, "media": media}
        self._state.keep(Post("instagram", id_, INSTAGRAM_ACCOUNT, container.caption, asked.at, url, **told))
        return ok({"id": id_})

    def _list(self, asked: Asked) -> Answer:
        """The posts, the newest first."""
        posts, after = self._state.newest_first("instagram"), str(asked.arguments().get("after", ""))
        listing = Listing(asked.arguments(), asked.url, token_of(asked), asked.at - asked.lag)
        return list_pages((post for post in posts if not after or post.id < after), listing, _shown)

    def _limit(self, asked: Asked) -> Answer:
        config = {"quota_total": POSTS, "quota_duration": int(DAY)}
        return ok({"data": [{"config": config, "quota_usage": self._published.used(asked.at)}]})


def _show(asked: Asked) -> Answer:
    told = {"id": INSTAGRAM_ACCOUNT, "username": INSTAGRAM_NAME, "followers_count": INSTAGRAM_FOLLOWERS}
    return ok(choose(told, _fields(asked)))


def _fields(asked: Asked) -> str:
    return str(asked.arguments().get("fields", "id"))


def _shown(post: Post) -> dict[str, Any]:
    at = stamp(post.created_at)
    return {"id": post.id, "caption": post.text, "permalink": post.url, "timestamp": at, "media_type": "IMAGE"}
