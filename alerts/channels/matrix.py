"""A room on a Matrix server, for those on call (https://spec.matrix.org, Client-Server API).

An event is sent under a transaction id, by which the server knows a repeat: it is the post's own id. So a post in doubt
is looked for among the room's events, and one that isn't found is sent again without harm. What goes on about an alert
stands in the thread of its first event. An edit is an event of its own that replaces the words, and a deletion
(redaction) leaves an empty event.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote as escape

from pydantic import Field

from alerts.channels import ChannelKind
from alerts.channels.answer import SLACK, RequestPurpose, count_of, id_of, identity_of, name_of, normal, pages
from alerts.channels.json_api import ApiChannel, JsonApi
from alerts.channels.settings import ChannelSettings, Limit, SecretSource
from alerts.model.bounds import table, tables
from alerts.model.ports import Probe, Resources
from alerts.model.post import Message, Receipt, TextFormat
from alerts.model.town import RateLimit

_API = "/_matrix/client/v3"
# Pages of a hundred events that one look reads.
_PAGES = 10


class MatrixSettings(ChannelSettings):
    """`kind = "matrix"`: a room that the account of the token is in, on the server at `api_url`."""

    kind: Literal["matrix"]
    api_url: str = Field(examples=["https://matrix.example"])
    room: str = Field(pattern=r"^![^\s/?#]{1,250}$", examples=["!OGEhHVWSdvArJzumhm:matrix.example"])
    token: SecretSource
    limits: tuple[Limit, ...] = (RateLimit(30, timedelta(minutes=1)),)
    public: bool = False


class Matrix(ApiChannel[JsonApi]):
    """A room. Sends, replies in the first event's thread, edits, redacts and finds."""

    two_levels = True

    def __init__(self, name: str, settings: MatrixSettings, resources: Resources) -> None:
        self._name = name
        self._settings = settings
        super().__init__(JsonApi("Matrix", name, settings, resources, settings.token))

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """Send the words, in the thread of the event `reply_to`."""
        act, content = RequestPurpose.PUBLISH, _content(message)
        if reply_to:
            act = RequestPurpose.REPLY
            content["m.relates_to"] = {
                "rel_type": "m.thread",
                "event_id": reply_to,
                "is_falling_back": True,
                "m.in_reply_to": {"event_id": reply_to},
            }
        return await self._send(identity_of(message, reply_to), content, act)

    async def edit(self, remote_id: str, message: Message) -> Receipt:
        """Send words that replace those of the event; it keeps its id."""
        new = _content(message)
        related = {"rel_type": "m.replace", "event_id": remote_id}
        content = {**new, "body": f"* {new['body']}", "m.new_content": new, "m.relates_to": related}
        await self._send(f"{identity_of(message, remote_id)}-edit", content, RequestPurpose.EDIT)
        return self._at(remote_id)

    async def delete(self, remote_id: str) -> None:
        """Redact the event; one that is empty already is done."""
        route = f"{self._room}/redact/{_path(remote_id)}/{_path(remote_id)}-gone"
        act = RequestPurpose.DELETE
        self._api.id_in(await self._api.ask("PUT", route, act, {}), act, "event_id")

    async def find(
        self,
        message: Message,
        since: datetime,
        after: str | None,  # noqa: ARG002 the room's events tell by words and times
        known: frozenset[str],
        reply_to: str | None = None,
    ) -> Receipt | None:
        """Search for these words of ours among the room's events since `since`, in the same thread."""
        me, earliest = await self._me(), (since - SLACK).timestamp() * 1000

        async def read(cursor: str) -> tuple[list[Mapping[str, Any]], str | None]:
            further = f"&from={_path(cursor)}" if cursor else ""
            answer = await self._api.read(f"{self._room}/messages?dir=b&limit=100{further}")
            return tables(self._api.part(answer, "chunk", list)), id_of((answer.read() or {}).get("end"))

        async for events in pages(read, _PAGES, "Matrix"):
            recent = [each for each in events if (count_of(each.get("origin_server_ts")) or 0) >= earliest]
            for each in recent:
                event, content = id_of(each.get("event_id")), table(each.get("content"))
                above = id_of(table(content.get("m.relates_to")).get("event_id"))
                same = normal(str(content.get("body", ""))) == normal(message.text) and above == reply_to
                if event and same and event not in known and each.get("sender") == me:
                    return self._at(event)
            if len(recent) < len(events):
                break
        return None

    async def probe(self) -> Probe:
        """`GET /account/whoami`. The token is read anew before."""
        self._api.open()
        return Probe(await self._me())

    async def _me(self) -> str:
        answer = await self._api.read(f"{_API}/account/whoami")
        return name_of(self._api.part(answer, "user_id", str)) or self._name

    @property
    def _room(self) -> str:
        return f"{_API}/rooms/{_path(self._settings.room)}"

    async def _send(self, transaction: str, content: Mapping[str, Any], act: RequestPurpose) -> Receipt:
        answer = await self._api.ask("PUT", f"{self._room}/send/m.room.message/{_path(transaction)}", act, content)
        return self._at(self._api.id_in(answer, act, "event_id"))

    def _at(self, event: str) -> Receipt:
        return Receipt(event, f"https://matrix.to/#/{self._settings.room}/{event}")


def _content(message: Message) -> dict[str, Any]:
    return {"msgtype": "m.text", "body": message.text}


def _path(part: str) -> str:
    return escape(part, safe="")


KIND = ChannelKind(MatrixSettings, TextFormat(limit=10_000), "alerts.channels.matrix:Matrix")
