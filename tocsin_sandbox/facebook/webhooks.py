"""Facebook's webhook: who asked to be told what, what there is to tell, and how: signed, late, twice or forged."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tocsin_sandbox.exchange import Callback
from tocsin_sandbox.settings import FACEBOOK_APP_SECRET

MOST_CHANGES = 1000
"""Changes in one request."""
CHALLENGE = "1158201444"


class Subscription(BaseModel):
    """The body of `POST /sandbox/facebook/webhook`: what an administrator enters in the app's dashboard.

    `deliver` says whether each change is brought at once, or waits for `POST /sandbox/facebook/deliver`.
    """

    model_config = ConfigDict(extra="forbid")

    url: str = Field(pattern=r"^(https?://\S+)?$")
    verify_token: str = ""
    deliver: Literal["at once", "by hand"] = "at once"


class Delivery(BaseModel):
    """The body of `POST /sandbox/facebook/deliver`: how the changes that wait are brought.

    `order` as they were made or reversed, each request `times` times, `together` in as few requests as there can be,
    `forged` with a wrong signature or none, `late` seconds before now by what they say, `most` of them; with `keep`
    they wait on.
    """

    model_config = ConfigDict(extra="forbid")

    order: Literal["as made", "reversed"] = "as made"
    times: Annotated[int, Field(ge=1, le=10)] = 1
    together: bool = False
    forged: bool | Literal["unsigned"] = False
    late: Annotated[float, Field(ge=0)] = 0.0
    most: Annotated[int, Field(ge=1)] | None = None
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One entry's change, and when it was made (seconds since the epoch)."""

    page: str
    at: float
    value: Mapping[str, Any]


class Webhooks:
    """One app's webhook and the pages that let it hear them (`subscribed`: fields by page)."""

    def __init__(self) -> None:
        self.url = ""
        self.subscribed: dict[str, tuple[str, ...]] = {}
        self.brought = 0
        self._deliver = "at once"
        self._waiting: list[Change] = []

    @property
    def brings_at_once(self) -> bool:
        """Whether changes are brought as they are made."""
        return bool(self.url) and self._deliver == "at once"

    @property
    def has_news(self) -> bool:
        """Whether something waits that is to be brought at once."""
        return self.brings_at_once and bool(self._waiting)

    def subscribe(self, subscription: Subscription) -> None:
        """Let an address, which has proved that it is ours, be told."""
        self.url, self._deliver = subscription.url, subscription.deliver
        self._waiting.clear()

    def tell(self, page: str, now: float, **value: Any) -> None:
        """Something changed on a page; it waits to be brought, if somebody asked for it."""
        if self.url and "feed" in self.subscribed.get(page, ()):
            self._waiting.append(Change(page, now, value))

    def wait_again(self, callback: Callback) -> None:
        """What wasn't taken waits on, before all else."""
        again = [change for change in callback.about if change not in self._waiting]
        self._waiting[:0] = again
        self.brought -= len(again)

    def letters(self, delivery: Delivery, now: float) -> list[Callback]:
        """The requests that bring what waits, as it was asked for; without `keep` it waits no more."""
        changes = self._waiting[: delivery.most]
        if not delivery.keep:
            del self._waiting[: delivery.most]
        if delivery.order == "reversed":
            changes.reverse()
        self.brought += len(changes)
        batches = _batches(changes) if delivery.together else ([change] for change in changes)
        return [callback for batch in batches for callback in [self._callback(batch, delivery, now)] * delivery.times]

    def state(self) -> dict[str, Any]:
        """What is set up and what waits."""
        subscribed = {page: list(names) for page, names in self.subscribed.items()}
        shown = {"url": self.url, "deliver": self._deliver, "subscribed": subscribed}
        return {**shown, "waiting": len(self._waiting), "brought": self.brought}

    def _callback(self, changes: list[Change], delivery: Delivery, now: float) -> Callback:
        entries: dict[str, dict[str, Any]] = {}
        for change in changes:
            entry = entries.setdefault(
                change.page, {"id": change.page, "time": int(now - delivery.late), "changes": []}
            )
            value = {**change.value, "created_time": int(change.at - delivery.late)}
            entry["changes"].append({"field": "feed", "value": value})
        body = json.dumps({"object": "page", "entry": list(entries.values())}).encode()
        headers = {} if delivery.forged == "unsigned" else {"X-Hub-Signature-256": _sign(body, bool(delivery.forged))}
        return Callback(self.url, body, headers, tuple(changes))


def _sign(body: bytes, forged: bool) -> str:
    key = b"somebody-else" if forged else FACEBOOK_APP_SECRET.encode()
    return f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"


def _batches(changes: list[Change]) -> Iterator[list[Change]]:
    rest = iter(changes)
    while batch := list(islice(rest, MOST_CHANGES)):
        yield batch
