"""A broker of the town's (MQTT), for panels, gauges and sirens: the current alerts are its retained messages.

An alert is one retained message for each district that it touches, `PREFIX/DISTRICT/INCIDENT`, and one for the whole
town, `PREFIX/all/INCIDENT`. A subscriber to `PREFIX/DISTRICT/+` has all current alerts there, also after a power cut.
An update replaces the message, an end removes it (an empty retained message). A single topic for each district would
not do: a second alert would hide the first, and the end of one would remove both.

A repeated message has no further effect, so an unacknowledged one (QoS 1) is sent again. It may have arrived all the
same, so its removal isn't omitted. Each post has a connection of its own. A message that is no alert, such as a notice
to those on call, isn't retained: nobody would remove it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiomqtt import Client, MqttError
from aiomqtt import Message as Incoming
from aiomqtt.exceptions import MqttConnectError

from alerts.channels.answer import quote
from alerts.channels.settings import KeptPassword, MqttSettings
from alerts.model.bounds import read_json
from alerts.model.errors import BadCredential, DeliveryError, InDoubt, Rejected, Retry
from alerts.model.ports import Probe, Resources
from alerts.model.post import Message, Quota, Receipt
from alerts.model.reason import Reason, because
from alerts.model.town import Secret

PLATFORM = "the broker"
ALL = "all"
"""The level of all messages, whatever district they are for."""
LARGEST = 65_536
"""Bytes of one message: small receivers have no more room."""
# The quality of service: a retained message that arrives twice changes nothing.
_AT_LEAST_ONCE = 1
# What no level of a topic may hold (MQTT 3.1.1, 4.7), and what nobody sees.
_NO_LEVEL = re.compile(r"[/+#\s\x00-\x1f\x7f]+")
# "Bad user name or password" and "not authorized", as version 3.1.1 and as version 5 number them.
_REFUSED = frozenset({4, 5, 134, 135})
# An identifier or a version that isn't taken: another try would bring the same.
_UNFIT = frozenset({1, 2, 132, 133})


@dataclass(frozen=True, slots=True)
class TopicMessage:
    """One message to one topic; without words it removes the retained one."""

    topic: str
    words: bytes
    retained: bool


def level(text: str) -> str:
    """A text as a level of a topic."""
    return _NO_LEVEL.sub("-", text) or "-"


def read_words(message: Message) -> dict[str, Any] | None:
    """Return the facts of an alert in a message. Returns None for other words."""
    if message.about is None:
        return None
    values = read_json(message.text)
    return values if isinstance(values, dict) and "severity" in values else None


def publications_of(
    prefix: str, message: Message, name: str, before: Sequence[str], reply_to: str | None = None
) -> tuple[list[TopicMessage], Receipt]:
    """Return the messages that publish this one under that name, replacing those of `before`; and the receipt.

    The new ones come first: a valid alert is never absent in between.
    """
    values = read_words(message)
    if values is None:
        words = _written({"text": message.plain, "link": message.link, "reply_to": reply_to})
        return [TopicMessage(f"{prefix}/{ALL}/{name}", words, retained=False)], Receipt(name)
    districts = [] if values.pop("over", False) else [ALL, *map(level, values.get("districts", ()))]
    words = _written({**_about(message), **values, "link": message.link})
    anew = [TopicMessage(f"{prefix}/{each}/{name}", words, retained=True) for each in dict.fromkeys(districts)]
    # Where it was said without an acknowledgement nobody remembers the districts: they are the alert's own.
    there = dict.fromkeys((ALL, *before, *map(level, values.get("districts", ()))))
    gone = [each for each in there if each not in districts]
    return [*anew, *emptied(prefix, name, gone)], Receipt(" ".join([name, *districts[1:]]))


def emptied(prefix: str, name: str, levels: Sequence[str]) -> list[TopicMessage]:
    """Return the messages that remove the retained ones of that name at these levels."""
    return [TopicMessage(f"{prefix}/{each}/{name}", b"", retained=True) for each in levels]


def _about(message: Message) -> dict[str, Any]:
    about = message.about
    if about is None:
        return {}
    said_at = about.ready_at.isoformat(timespec="seconds") if about.ready_at else None
    return {"incident": about.incident, "exercise": about.exercise, "said_at": said_at}


def _written(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def refusal(error: MqttConnectError) -> DeliveryError:
    """Return the error for a broker that refuses the connection."""
    code = getattr(error.rc, "value", error.rc)
    said = quote(str(error.rc) if not isinstance(error.rc, int) else str(error))
    if code in _REFUSED:
        return BadCredential(because("mqtt_login_refused", said=said))
    if code in _UNFIT:
        return BadCredential(because("mqtt_unfit", said=said))
    return Retry(because("mqtt_asks_to_wait", said=said), whole_channel=True, sent=False)


class Mqtt:
    """A broker, where the town says what is on (`Edits`, `Deletes`)."""

    drops_repeats = True

    def __init__(self, name: str, settings: MqttSettings, resources: Resources) -> None:
        self._settings = settings
        self._password = KeptPassword(name, settings.password, resources.folder)

    async def open(self) -> None:
        """Read the password, if there is one; raises BadCredential where it is missing. Sends nothing."""
        self._password.read()

    async def close(self) -> None:
        """Forget the password; no connection outlives its post."""
        self._password.forget()

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """Say it at each district's topic. The receipt's id is the incident and the districts; there is no address."""
        about = message.about
        name = level(about.incident) if about is not None and read_words(message) is not None else _named(message)
        before = reply_to.split(" ")[1:] if reply_to else []
        publications, receipt = publications_of(self._settings.prefix, message, name, before, reply_to)
        # The broker may have what it didn't acknowledge: whatever takes it away must not be left out.
        await self._say(publications, unclear=InDoubt)
        return receipt

    async def edit(self, remote_id: str, message: Message) -> Receipt:
        """Replace the retained messages, and remove those that no longer apply."""
        name, *before = remote_id.split(" ")
        publications, receipt = publications_of(self._settings.prefix, message, name, before)
        await self._say(publications)
        return receipt

    async def delete(self, remote_id: str) -> None:
        """Remove it everywhere; succeeds if there is nothing."""
        name, *levels = remote_id.split(" ")
        await self._say(emptied(self._settings.prefix, name, [ALL, *levels]))

    async def probe(self) -> Probe:
        """Sign in and leave. The password is read anew before: one that was changed is taken without a restart."""
        await self.open()
        await self._say(())
        user, host = self._settings.user, self._settings.host
        return Probe(f"{user}@{host}" if user else host)

    def quotas(self) -> Sequence[Quota]:
        """Always empty: a broker gives no limits."""
        return ()

    async def _say(self, publications: Sequence[TopicMessage], unclear: type[InDoubt | Retry] = Retry) -> None:
        """Say it over a connection of its own; whatever comes of it, as a DeliveryError.

        `unclear` is what it is where the broker may have it.
        """
        password = self._password.value()
        if any(len(each.words) > LARGEST for each in publications):
            raise Rejected(because("mqtt_too_large", most=LARGEST))
        failure: DeliveryError
        seconds, connected = self._settings.timeout.total_seconds(), False
        try:
            async with asyncio.timeout(seconds), await self._client(password) as client:
                connected = True
                await _acknowledged(client, publications)
                return
        except MqttConnectError as error:
            failure = refusal(error)
        except (MqttError, OSError) as error:
            why = because("closed_unanswered", platform=PLATFORM) if connected else why_unreached(error, seconds)
            if connected and isinstance(error, TimeoutError):
                why = because("no_answer_within", platform=PLATFORM, seconds=f"{seconds:g}")
            failure = unclear(why) if connected else Retry(why, sent=False)
        raise failure  # out here, so that the library's error is not its context

    async def _client(self, password: Secret | None) -> Client:
        settings = self._settings
        # It reads a hundred certificates.
        safe = await asyncio.to_thread(_safe) if settings.tls == "implicit" else None
        return Client(
            settings.host,
            settings.broker_port,
            username=settings.user,
            password=password.reveal() if password is not None else None,
            tls_context=safe,
            queue_type=_Unheard,
            # The time for all of it is kept in `_say`. So long a thread waits for the answer to a handshake.
            timeout=settings.timeout.total_seconds(),
            keepalive=math.ceil(settings.timeout.total_seconds()),
        )


class _Unheard(asyncio.Queue[Incoming]):
    """Keeps nothing of what the broker says: nobody subscribed to it, and a broker that talks could fill the memory."""

    def put_nowait(self, item: Incoming) -> None:
        """Let it go."""


class _TidySocket(ssl.SSLSocket):
    """Is closed where no safe connection comes of it: the library leaves that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        """Agree on how to speak safely. Raises OSError."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _safe() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.sslsocket_class = _TidySocket
    return context


async def _acknowledged(client: Client, publications: Sequence[TopicMessage]) -> None:
    """Say all of it, and wait for the broker's word of each. Raises MqttError as soon as the connection is lost."""

    async def say() -> None:
        for each in publications:
            await client.publish(each.topic, each.words, _AT_LEAST_ONCE, each.retained)

    # Nothing is subscribed to: what this waits for is that there is no connection any more.
    said, lost = asyncio.ensure_future(say()), asyncio.ensure_future(anext(client.messages))
    try:
        done, _ = await asyncio.wait({said, lost}, return_when=asyncio.FIRST_COMPLETED)
        (said if said in done else lost).result()
    finally:
        said.cancel()
        lost.cancel()
        await asyncio.gather(said, lost, return_exceptions=True)


def why_unreached(error: Exception, seconds: float) -> Reason:
    """Why there was no connection; `seconds` is how long it was waited for."""
    # The library wraps the system's error in one of its own.
    causes = (error, error.__cause__)
    why = because("mqtt_no_connection")
    if any(isinstance(each, ssl.SSLError) for each in causes):
        why = because("no_tls")
    elif any(isinstance(each, TimeoutError) for each in causes):
        why = because("no_connection_within", seconds=f"{seconds:g}")
    return because("unreachable", platform=PLATFORM, why=why)


def _named(message: Message) -> str:
    """The name of words that are no alert's: the same whenever they are said again."""
    if message.about is not None:
        return level(message.about.post)
    return hashlib.sha256(f"{message.text}\n{message.link or ''}".encode()).hexdigest()[:32]
