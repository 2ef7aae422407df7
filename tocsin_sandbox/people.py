"""What people do on a platform, as a test or the sandbox's page has them do it: answer, edit, delete, react, vote."""

from __future__ import annotations

import hashlib
import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tocsin_sandbox.state import Post, State

MOST_AT_ONCE = 2000
"""Messages, reactions or votes of one call."""
Words = Annotated[str, Field(min_length=1, max_length=8000)]
Count = Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]


class Impossible(Exception):
    """Nobody can do that there; the message says why, `status` how HTTP tells it."""

    def __init__(self, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.status = status


class _Act(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    chat: str | None = None

    def on(self, id_: str) -> str:
        """The key of a post that is named by its id: Telegram's are counted within a chat."""
        return id_ if self.chat is None or "/" in id_ else f"{self.chat}/{id_}"


class Say(_Act):
    """The body of `POST /sandbox/{platform}/say`: what one or many people write, under a post or for itself.

    Each of the `text`s is said by `count` different people. `name` None is somebody whose name the platform doesn't
    tell; without `name`, each gets one. `author` is the account's id, else made of the name. `page` (Facebook) and
    `chat` (Telegram) say where, `under` what is answered, by id or key. `speaks` is Telegram's, `named` X's, `hidden`
    Facebook's, and Mastodon's for what is sent to the account alone.
    """

    text: Words | Annotated[list[Words], Field(min_length=1, max_length=MOST_AT_ONCE)]
    under: str | None = None
    page: str | None = Field(default=None, pattern=r"^\d+$")
    name: str | None = Field(default=None, max_length=100)
    author: str | None = Field(default=None, pattern=r"^[1-9]\d{0,18}$")
    count: Count = 1
    speaks: Literal["person", "admin", "channel"] = "person"
    language: str = Field(default="fr", pattern=r"^[a-z]{2,3}(-[A-Za-z]+)?$")
    named: bool = True
    hidden: bool = False

    @model_validator(mode="after")
    def _is_bounded(self) -> Say:
        if len(self.texts) * self.count > MOST_AT_ONCE:
            raise ValueError(f"at most {MOST_AT_ONCE} messages a call")
        return self

    @property
    def texts(self) -> list[str]:
        """The words, one or many."""
        return self.text if isinstance(self.text, list) else [self.text]


class Edit(_Act):
    """The body of `POST /sandbox/{platform}/edit`: its author writes it anew."""

    post: str
    text: Words


class Delete(_Act):
    """The body of `POST /sandbox/{platform}/delete`: their authors delete what they wrote."""

    post: str | list[str]

    @property
    def keys(self) -> list[str]:
        """What is deleted, one or many."""
        return [self.on(id_) for id_ in (self.post if isinstance(self.post, list) else [self.post])]


class React(_Act):
    """The body of `POST /sandbox/{platform}/react`: `count` people put an emoji under a post; elsewhere, like it."""

    post: str
    emoji: str = Field(default="👍", min_length=1, max_length=10)
    count: Count = 1


class Vote(_Act):
    """The body of `POST /sandbox/{platform}/vote`: `count` people choose an option, by its words or place (from 1)."""

    post: str
    option: str = Field(min_length=1)
    count: Count = 1


@dataclass(frozen=True, slots=True)
class Person:
    """An account: `name` is None where the platform doesn't tell it."""

    id: str
    name: str | None

    @property
    def handle(self) -> str:
        """What it is called on X."""
        return handle_of(self.name, self.id)


def handle_of(name: str | None, id_: str) -> str:
    """An account's name on X: up to 15 letters, digits and underscores, made of what it is called elsewhere."""
    known = "".join(each if each.isascii() and each.isalnum() else "_" for each in (name or "").lower()).strip("_")
    return known[:15] or f"habitant_{id_[-6:]}"


class Inhabitants:
    """Makes the people of a call. One name is one account; without a name it is somebody new each time."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def who(self, say: Say) -> Iterator[tuple[Person, str]]:
        """Who says what, in order."""
        speakers = len(say.texts) * say.count
        for number, text in enumerate((text for text in say.texts for _ in range(say.count)), 1):
            yield self._person(say, number, alone=speakers == 1), text

    def _person(self, say: Say, number: int, *, alone: bool) -> Person:
        nameless = say.name is None and "name" in say.model_fields_set
        numbered = say.name if alone else f"{say.name} {number}"
        name = numbered if say.name is not None and numbered else f"Habitant {next(self._numbers)}"
        id_ = str(int(say.author) + number - 1) if say.author else account_of(name)
        return Person(id_, None if nameless else name)


def account_of(name: str) -> str:
    """The id of the account that bears a name: ten digits."""
    return str(int(hashlib.sha256(name.encode()).hexdigest()[:12], 16) % 8_000_000_000 + 2_000_000_000)


def is_theirs(post: Post | None, what: str) -> Post:
    """A post that people may change, for they wrote it. Raises Impossible."""
    if post is None:
        raise Impossible(f"there is no {what}", 404)
    if not post.foreign or post.kind == "forward":
        raise Impossible(f"{what} was written by the account itself: only its author changes it", 403)
    return post


def wrote(post: Post, text: str, now: float) -> dict[str, Any]:
    """The fields that an edit changes."""
    return {"text": text, "entities": (), "edits": (*post.edits, post.text), "edited_at": now}


def reacted(post: Post, react: React) -> Post:
    """The post with the reactions counted in."""
    return replace(post, reactions={**post.reactions, react.emoji: post.reactions.get(react.emoji, 0) + react.count})


def said(posts: Sequence[Post]) -> dict[str, Any]:
    """What the control call of something said tells."""
    return {"ids": [post.id for post in posts], "authors": [post.author_id for post in posts]}


# Polls, as they are kept in a post: `id`, `question`, `options` (each `text` and `votes`), `closes_at`, `closed`.


def choose(post: Post, vote: Vote, now: float) -> dict[str, Any]:
    """The post's poll with the votes counted in. Raises Impossible."""
    poll = dict(post.poll or {})
    if not poll:
        raise Impossible(f"there is no poll in {post.key}", 404)
    if is_closed(poll, now):
        raise Impossible("the poll is closed", 409)
    words = [option["text"] for option in poll["options"]]
    place = (
        words.index(vote.option) if vote.option in words else int(vote.option) - 1 if vote.option.isdecimal() else -1
    )
    if not 0 <= place < len(words):
        raise Impossible(f"no such option; there are: {', '.join(words)}", 404)
    options = [dict(option) for option in poll["options"]]
    options[place]["votes"] += vote.count
    return {**poll, "options": options}


def is_closed(poll: Any, now: float) -> bool:
    """Whether it takes no more votes."""
    return bool(poll["closed"]) or (poll["closes_at"] is not None and now >= poll["closes_at"])


class Crowd(ABC):
    """The people of a platform. Each act returns what its control call tells, and raises Impossible.

    What they do changes the posts that the sandbox keeps, and no more: a platform that tells somebody of it, or lets
    nobody do it, has its own.
    """

    platform: ClassVar[str]

    def __init__(self, state: State) -> None:
        self._state = state
        self._inhabitants = Inhabitants()

    @abstractmethod
    def say(self, say: Say, now: float) -> dict[str, Any]:
        """They write: `ids`, `authors`."""

    def edit(self, edit: Edit, now: float) -> dict[str, Any]:
        """One writes anew: `id`."""
        post = is_theirs(self.find(edit.post), edit.post)
        self._state.keep(replace(post, **wrote(post, edit.text, now)))
        return {"id": post.id}

    def delete(self, delete: Delete, now: float) -> dict[str, Any]:  # noqa: ARG002 - it is gone at once
        """They delete: `deleted`."""
        posts = [is_theirs(self.find(id_), id_) for id_ in delete.keys]
        self._state.keep(*(replace(post, deleted=True) for post in posts))
        return {"deleted": len(posts)}

    def react(self, react: React, now: float) -> dict[str, Any]:  # noqa: ARG002 - nobody is told when
        """They react."""
        self._state.keep(reacted(self.there(react.post), react))
        return {}

    def vote(self, vote: Vote, now: float) -> dict[str, Any]:
        """They vote: `votes`, option by option."""
        post = self.there(vote.post)
        poll = choose(post, vote, now)
        self._state.keep(replace(post, poll=poll))
        return {"votes": [option["votes"] for option in poll["options"]]}

    def find(self, id_: str) -> Post | None:
        """The post that stands under this id."""
        return self._state.find(self.platform, id_)

    def there(self, id_: str) -> Post:
        """The same. Raises Impossible if there is none."""
        if (post := self.find(id_)) is None:
            raise Impossible(f"there is no {id_}", 404)
        return post
