"""The store as the API sees it that must not act twice for one request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reply:
    """What a program was answered under its own key, so that it may ask again and be told the same.

    `token` is the hash of its token, `request` the hash of what it asked; `body` is the answer's JSON.
    """

    token: str
    key: str
    request: str
    status: int
    body: str
    at: datetime


class Replies(Protocol):
    """The answers that are kept, within one transaction: the one that acts."""

    def reply(self, token: str, key: str) -> Reply | None:
        """What this token was answered under this key."""
        ...

    def keep(self, reply: Reply) -> None:
        """Keep an answer."""
        ...

    def sweep(self, before: datetime) -> None:
        """Forget the answers from before."""
        ...
