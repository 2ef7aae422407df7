"""A real Firefox behind the push service: the line that it holds open, and what it is brought over it.

Its setting `dom.push.serverURL` names the service. Over a WebSocket it says hello, registers a channel for each page
that somebody subscribes on, and acknowledges every message. What it is brought it alone can read: here it goes through
as it came. A message waits until it is acknowledged or its time is over, and one under the same topic takes its place.
Written from what Mozilla tells of its own service (autopush), without the product.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, WSMsgType, web
from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from tocsin_sandbox.push import PushService

LINE = "/sandbox/push/firefox"
"""Where a Firefox connects."""
ACKNOWLEDGED: Mapping[int, str] = {100: "delivered", 101: "unreadable", 102: "not delivered"}
"""What it says of a message: its service worker has it, it couldn't be decrypted, nobody was there to have it."""
_PROTOCOL = "push-notification"
_WELL = 200

Say = Callable[[Mapping[str, Any] | None], None]
"""What is said over a line; None closes it."""


class Mail(Protocol):
    """What is known of a message from outside, and where its acknowledgement is written down."""

    at: float
    ttl: int
    topic: str | None
    acknowledged: str | None


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message on its way: for whose channel, and the words as nobody on the way can read them."""

    channel: str
    sealed: bytes
    about: Mail
    version: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def as_message(self) -> dict[str, Any]:
        """As it goes over the line."""
        return {
            "messageType": "notification",
            "channelID": self.channel,
            "version": self.version,
            "data": base64.urlsafe_b64encode(self.sealed).decode().rstrip("="),
            "headers": {"encoding": "aes128gcm"},
        }


@dataclass(slots=True)
class Firefox:
    """One Firefox: what waits for it, and how it is spoken to while its line is open."""

    id: str
    say: Say | None = None
    waiting: dict[str, Parcel] = field(default_factory=dict)

    def bring(self, parcel: Parcel, now: float) -> None:
        """Over the line at once, or when there is one."""
        replaced = (parcel.channel, parcel.about.topic)
        left = self._good_at(now).items()
        self.waiting = {
            at: each for at, each in left if each.about.topic is None or (each.channel, each.about.topic) != replaced
        }
        self.waiting[parcel.version] = parcel
        if self.say is not None:
            self.say(parcel.as_message())

    def come_back(self, say: Say, now: float) -> None:
        """Its line is open: it is brought what waits."""
        self.say, self.waiting = say, self._good_at(now)
        for parcel in self.waiting.values():
            say(parcel.as_message())

    def acknowledge(self, version: str, code: int) -> None:
        """It has that one."""
        parcel = self.waiting.pop(version, None)
        if parcel is not None:
            parcel.about.acknowledged = ACKNOWLEDGED.get(code, str(code))

    def _good_at(self, now: float) -> dict[str, Parcel]:
        return {at: each for at, each in self.waiting.items() if now <= each.about.at + each.about.ttl}


@dataclass(slots=True)
class RealBrowser:
    """One subscription of a Firefox, which keeps its keys for itself; `sender` is the key it takes messages under."""

    id: str
    owner: Firefox
    channel: str
    sender: str | None = None
    gone: bool = False


class Acknowledged(BaseModel):
    """What it says of one message."""

    version: str
    code: int = 100


class Said(BaseModel):
    """What a Firefox says. One that says nothing asks whether the line still holds."""

    messageType: str = ""  # noqa: N815 - as the protocol spells it
    uaid: str = ""
    channelID: str = ""  # noqa: N815
    key: str = ""
    updates: list[Acknowledged] = []


class Conversation:
    """What is said over one line; `address` is where the service takes messages."""

    def __init__(self, service: PushService, address: str, say: Say) -> None:
        self._service = service
        self._address = address
        self._say = say
        self._firefox = Firefox("")

    def hear(self, said: Said, now: float) -> None:
        """Answer it."""
        match said.messageType:
            case "":
                self._say({})
            case "hello":
                self._greet(said.uaid, now)
            case "register":
                self._register(said)
            case "unregister":
                self._unregister(said.channelID)
                self._say({"messageType": "unregister", "channelID": said.channelID, "status": _WELL})
            case "ack":
                for each in said.updates:
                    self._firefox.acknowledge(each.version, each.code)

    def hang_up(self) -> None:
        """The line is closed; what comes now waits."""
        if self._firefox.say is self._say:
            self._firefox.say = None

    def _greet(self, uaid: str, now: float) -> None:
        # A name that isn't known gets a new one: then a Firefox drops its subscriptions and tells the service workers.
        known = self._service.firefoxes.get(uaid)
        self._firefox = known or Firefox(uuid.uuid4().hex)
        self._service.firefoxes[self._firefox.id] = self._firefox
        hello = {"messageType": "hello", "uaid": self._firefox.id, "status": _WELL, "use_webpush": True}
        self._say({**hello, "broadcasts": {}})
        self._firefox.come_back(self._say, now)

    def _register(self, said: Said) -> None:
        # While a line is new, a Firefox may ask for the same twice: it is one subscription.
        made = self._subscription(said.channelID) or RealBrowser(
            secrets.token_urlsafe(24), self._firefox, said.channelID, said.key.rstrip("=") or None
        )
        self._service.browsers[made.id] = made
        answer = {"messageType": "register", "channelID": said.channelID, "uaid": self._firefox.id, "status": _WELL}
        self._say({**answer, "pushEndpoint": f"{self._address}/wpush/{made.id}"})

    def _unregister(self, channel: str) -> None:
        if (left := self._subscription(channel)) is not None:
            left.gone = True

    def _subscription(self, channel: str) -> RealBrowser | None:
        ours = (each for each in self._service.browsers.values() if isinstance(each, RealBrowser) and not each.gone)
        return next((each for each in ours if (each.owner, each.channel) == (self._firefox, channel)), None)


def listed(service: PushService) -> list[dict[str, Any]]:
    """Every Firefox: whether its line is open, how many messages wait, which subscriptions it has and which it left."""
    real = [each for each in service.browsers.values() if isinstance(each, RealBrowser)]
    return [
        {
            "id": firefox.id,
            "connected": firefox.say is not None,
            "waiting": len(firefox.waiting),
            "browsers": [{"id": each.id, "gone": each.gone} for each in real if each.owner is firefox],
        }
        for firefox in service.firefoxes.values()
    ]


class FirefoxLine:
    """The address where each Firefox holds a line open."""

    def __init__(self, service: Callable[[], PushService], clock: Callable[[], float]) -> None:
        self._service = service
        self._clock = clock
        self._open: set[web.WebSocketResponse] = set()

    def add_routes(self, app: web.Application) -> None:
        """Put it there; its lines are closed when the application stops."""
        app.router.add_get(LINE, self._answer)
        app.on_shutdown.append(self._close)

    async def _answer(self, request: web.Request) -> web.WebSocketResponse:
        if urlsplit(request.headers.get("Origin", "")).netloc not in ("", request.host):
            raise web.HTTPForbidden(text="A page has no business here: this is for the browser itself.")
        socket = web.WebSocketResponse(protocols=(_PROTOCOL,))
        await socket.prepare(request)
        self._open.add(socket)
        outgoing: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()
        conversation = Conversation(self._service(), f"{request.scheme}://{request.host}", outgoing.put_nowait)
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(_write(socket, outgoing))
                await self._listen(socket, conversation)
                writing.cancel()
        finally:
            conversation.hang_up()
            self._open.discard(socket)
        return socket

    async def _listen(self, socket: web.WebSocketResponse, conversation: Conversation) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                try:
                    conversation.hear(Said.model_validate_json(message.data), self._clock())
                except ValidationError:
                    await socket.close(code=WSCloseCode.INVALID_TEXT)

    async def _close(self, _: web.Application) -> None:
        for socket in tuple(self._open):
            await socket.close(code=WSCloseCode.GOING_AWAY)


async def _write(socket: web.WebSocketResponse, outgoing: asyncio.Queue[Mapping[str, Any] | None]) -> None:
    while (message := await outgoing.get()) is not None:
        if not socket.closed:
            await socket.send_json(message)
    await socket.close(code=WSCloseCode.SERVICE_RESTART)
