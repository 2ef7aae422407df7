"""The town's own systems: each post as signed JSON to one address (docs/webhook.md says what the receiver gets)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

import structlog

from alerts.channels import webhook_answers as answers
from alerts.channels.answer import Act, Answer, ask, name_of
from alerts.channels.credential import read_credential
from alerts.channels.picture import NoPicture, Picture, load_picture
from alerts.channels.settings import WebhookSettings
from alerts.channels.webhook_letter import SHORTEST_KEY, headers, identity_of, key_of, letter, ping
from alerts.model.errors import BadCredential
from alerts.model.ports import Probe, Resources
from alerts.model.post import Image, Message, Quota, Receipt
from alerts.model.reason import Reason, because

LARGEST_PICTURE = 256 * 1024
"""Bytes of a picture that goes along in the JSON; a larger one stays behind, the words say what it shows."""
LARGEST_ANSWER = 64 * 1024
"""Bytes of an answer that are read: an id, an address, a few words."""
_PICTURE_KINDS = frozenset({"image/jpeg", "image/png", "image/webp"})

log = structlog.get_logger(__name__)


class Webhook:
    """An address that takes posts. An update and an end are posts of their own, of the same incident.

    Nothing here is ever in doubt: each post has one id for good, by which the receiver drops repeats, so whatever isn't
    clearly refused is safe to send again: a time-out, a cut, a 5xx, a daemon that was killed while it waited.
    """

    drops_repeats = True

    def __init__(self, name: str, settings: WebhookSettings, resources: Resources) -> None:
        self._name = name
        self._settings = settings
        self._resources = resources
        self._key: bytes | None = None

    async def open(self) -> None:
        """Read the secret; raises BadCredential where it is missing or can't be one. Sends nothing."""
        self._key = key_of(read_credential(self._settings.secret, self._resources.folder))

    async def close(self) -> None:
        """Forget the secret; the session is the process's."""
        self._key = None

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """`POST url`. The receipt's id and address are those that the answer tells, else the post's own id.

        `reply_to` is told to the receiver as the id of the post that this one follows.
        """
        now, identity = self._resources.clock.now(), identity_of(message, reply_to)
        picture = await self._load(message.image) if message.image else None
        answer = await self._send(identity, letter(message, identity, reply_to, picture, now), now)
        return Receipt(*answers.place_of(answer, identity))

    async def probe(self) -> Probe:
        """`POST url` of a signed `{"type": "ping"}`, which a receiver answers with 2xx and shows to nobody.

        The secret is read anew before, so that one that was changed is taken without a restart. The account is the
        `name` that the answer tells, else the receiver's host.
        """
        await self.open()
        now = self._resources.clock.now()
        told = (await self._send(f"ping-{int(now.timestamp())}", ping(now), now)).read() or {}
        account = name_of(told.get("name")) or urlsplit(self._settings.address).hostname or self._name
        return Probe(account, self._warnings())

    def quotas(self) -> Sequence[Quota]:
        """Always empty: a receiver tells no limits but in a refusal."""
        return ()

    def _warnings(self) -> tuple[Reason, ...]:
        if len(self._key or b"") >= SHORTEST_KEY:
            return ()
        return (because("secret_too_short", least=SHORTEST_KEY),)

    async def _send(self, identity: str, body: bytes, now: datetime) -> Answer:
        if self._key is None:
            raise BadCredential(because("channel_unopened", channel=self._name))
        answer = await ask(
            self._resources.session,
            "POST",
            self._settings.address,
            platform="the receiver",
            act=Act.EDIT,  # doing it twice is doing it once, as with an edit
            timeout=self._settings.timeout,
            data=body,
            headers=headers(self._key, identity, now, body),
            largest=LARGEST_ANSWER,
        )
        if (error := answers.refusal(answer, self._resources.clock.now())) is not None:
            raise error
        return answer

    async def _load(self, image: Image) -> Picture | None:
        folder = self._resources.folder
        try:
            return await load_picture(image, folder, largest=LARGEST_PICTURE, kinds=_PICTURE_KINDS)
        except NoPicture as error:
            log.warning("post.without_picture", channel=self._name, reason=str(error))
            return None
