"""A topic of an ntfy server, which rings telephones of those on call (https://docs.ntfy.sh/publish).

A message that is longer than 4,096 bytes of UTF-8 would arrive as a file, so it is refused here. Severe and Extreme
ring through a telephone's silence, as its owner allows. There are no replies, edits or deletions, and no key by which a
repeat would be known: a post in doubt is sent again if it is Moderate or worse, or waits for an officer.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal
from urllib.parse import urlencode

from pydantic import Field

from alerts.channels import ChannelKind
from alerts.channels.answer import RequestPurpose
from alerts.channels.json_api import ApiChannel, JsonApi
from alerts.channels.settings import ChannelSettings, Limit, SecretSource
from alerts.model.alert import Severity
from alerts.model.errors import Rejected
from alerts.model.ports import Probe, Resources
from alerts.model.post import Means, Message, Receipt, TextFormat
from alerts.model.reason import because
from alerts.model.town import RateLimit

MOST_BYTES = 4096
_PRIORITIES = {Severity.EXTREME: 5, Severity.SEVERE: 4}


class NtfySettings(ChannelSettings):
    """`kind = "ntfy"`: a topic on the server at `api_url`, with an access token where it asks for one."""

    kind: Literal["ntfy"]
    api_url: str = "https://ntfy.sh"
    topic: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["tocsin-4f9a2c71d0"])
    token: SecretSource | None = None
    limits: tuple[Limit, ...] = (RateLimit(10, timedelta(minutes=1)),)
    on_update: Means = Means.NEW
    on_end: Means = Means.NEW
    public: bool = False


class Ntfy(ApiChannel[JsonApi]):
    """A topic. Sends, and nothing else."""

    def __init__(self, name: str, settings: NtfySettings, resources: Resources) -> None:
        self._settings = settings
        super().__init__(JsonApi("ntfy", name, settings, resources, settings.token))

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:  # noqa: ARG002 there are no threads
        """`POST /{topic}`: the words, with the alert's page behind a tap."""
        content, severity = message.text.encode(), message.about.severity if message.about else None
        if len(content) > MOST_BYTES:
            raise Rejected(because("content_refused", platform="ntfy", said=f"> {MOST_BYTES} bytes"))
        parameters = {"priority": str(_PRIORITIES.get(severity, 3) if severity else 3)}
        query = urlencode(parameters | ({"click": message.link} if message.link else {}))
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        route = f"/{self._settings.topic}?{query}"
        answer = await self._api.ask("POST", route, RequestPurpose.PUBLISH, content, headers=headers)
        return Receipt(self._api.id_in(answer, RequestPurpose.PUBLISH))

    async def probe(self) -> Probe:
        """`GET /{topic}/auth`: whether the token may use the topic. It is read anew before."""
        self._api.open()
        await self._api.read(f"/{self._settings.topic}/auth")
        return Probe(self._settings.topic)


KIND = ChannelKind(NtfySettings, TextFormat(limit=MOST_BYTES, count="bytes", link="field"), "alerts.channels.ntfy:Ntfy")
