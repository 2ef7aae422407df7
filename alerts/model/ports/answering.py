"""The store as the API sees it that must not act twice for one request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
