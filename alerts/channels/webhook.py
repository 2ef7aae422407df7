"""The town's own systems: each post as signed JSON to one address (docs/webhook.md says what the receiver gets).

The headers, the signed content, the form of the secret and the meaning of an answer are those of Standard Webhooks
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md), so that the libraries
there are for it in every language verify ours. A letter is made and an answer is read by pure functions; the class
below only carries one to the address and the other back.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog

from alerts.channels.answer import Answer, RequestPurpose, address_of, ask, id_of, identity_of, name_of, quote
from alerts.channels.picture import LoadedPicture, picture_along
from alerts.channels.settings import WebhookSettings, read_credential
from alerts.model.backoff import retry_after
from alerts.model.errors import BadCredential, DeliveryError, InDoubt, Rejected, Retry
from alerts.model.ports import Probe, Resources
from alerts.model.post import Message, PostImage, Quota, Receipt
from alerts.model.reason import Reason, because
from alerts.model.town import Secret

SHORTEST_KEY = 24
"""Bytes of a key that can't be guessed (Standard Webhooks, "Signature scheme"); a shorter one is warned of."""
PING = "ping"
_ENCODED = "whsec_"


def key_of(secret: Secret) -> bytes:
    """The bytes that sign: of `whsec_…` what its base64 holds, of anything else itself. Raises BadCredential."""
    words = secret.reveal()
    if not words.startswith(_ENCODED):
        return words.encode()
    try:
        return base64.b64decode(words.removeprefix(_ENCODED), validate=True)
    except (binascii.Error, ValueError):
        pass
    # Out here, so that the decoder's error isn't its context.
    raise BadCredential(because("secret_no_base64"))


def sign(key: bytes, identity: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64."""
    signed = b".".join([identity.encode(), str(timestamp).encode(), body])
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(key: bytes, identity: str, now: datetime, body: bytes) -> dict[str, str]:
    """Return the headers of a body; the timestamp is of this attempt, the id is the post's for good."""
    # Standard Webhooks lets a receiver refuse what is older than minutes, so each attempt is dated anew.
    timestamp = int(now.timestamp())
    return {
        "Content-Type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(key, identity, timestamp, body),
    }


def payload(
    message: Message, identity: str, reply_to: str | None, picture: LoadedPicture | None, now: datetime
) -> bytes:
    """The body. `type` is `post.publish`, `post.update` or `post.end`; keys are only ever added."""
    kind = message.about.kind.value if message.about else "publish"
    data = {"id": identity, "kind": kind, **_about(message), **_words(message, reply_to), "image": _image(picture)}
    return _written(f"post.{kind}", now, data)


def ping(now: datetime) -> bytes:
    """The body of a test: nothing to show."""
    return _written(PING, now, {})


def _written(kind: str, now: datetime, data: dict[str, Any]) -> bytes:
    event = {"type": kind, "timestamp": now.isoformat(timespec="seconds"), "data": data}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _about(message: Message) -> dict[str, Any]:
    about = message.about
    if about is None:
        return {}
    return {
        "alert": about.alert,
        "incident": about.incident,
        "channel": about.channel,
        "severity": about.severity.value,
        "expires": about.expires.isoformat(timespec="seconds") if about.expires else None,
        "exercise": about.exercise,
    }


def _words(message: Message, reply_to: str | None) -> dict[str, Any]:
    return {"text": message.plain, "link": message.link, "language": message.language, "reply_to": reply_to}


def _image(picture: LoadedPicture | None) -> dict[str, Any] | None:
    if picture is None:
        return None
    data = base64.b64encode(picture.content).decode()
    return {"name": picture.file_name, "type": picture.mime_type, "alt": picture.alt, "data": data}


# What a webhook's receiver means by its answer: pure decisions, no request is made here.
#
# The statuses are read as Standard Webhooks has them ("Deliverability and reliability"): 2xx is taken, 410 is an
# address that is no more, 429 and 503 name a time by `Retry-After`.

LONGEST_WAIT = timedelta(hours=1)
"""A receiver of the town's own may name a time by mistake; beyond this it is asked again."""
WAIT = timedelta(minutes=1)
# The receiver says that it didn't process the request, so it is certainly not published.
_NOT_READ = frozenset({408, 425})
# The address itself is wrong, which every other post would meet as well.
_NO_SUCH_PLACE = frozenset({404, 405, 410})


def refusal(answer: Answer, now: datetime, unclear: type[InDoubt | Retry] = InDoubt) -> DeliveryError | None:
    """Return the error for an answer; None if the receiver accepted it.

    `unclear` is the error for a post that the receiver may have. An error of the address or the secret would meet every
    post: it blocks the channel, so that all is kept until somebody has fixed it. A refusal of this one post is final.
    """
    if answer.ok:
        return None
    if (error := _of_the_address(answer.status)) is not None:
        return error
    if answer.status in (429, 503):
        return _wait(answer, now, unclear)
    if answer.status in _NOT_READ:
        return Retry(because("receiver_trouble", status=answer.status))
    if answer.status >= 500:
        return unclear(because("receiver_trouble", status=answer.status))
    said = _said(answer)
    if said:
        return Rejected(because("receiver_refuses_saying", status=answer.status, said=said))
    return Rejected(because("receiver_refuses", status=answer.status))


def _of_the_address(status: int) -> DeliveryError | None:
    # Followed nowhere: the signature would be handed to whoever the redirect names.
    if 300 <= status < 400:
        return BadCredential(because("receiver_redirects", status=status))
    if status in (401, 403):
        return BadCredential(because("receiver_refuses_signature", status=status))
    if status in _NO_SUCH_PLACE:
        return BadCredential(because("receiver_gone", status=status))
    return None


def _wait(answer: Answer, now: datetime, unclear: type[InDoubt | Retry]) -> Retry | InDoubt:
    named = retry_after(answer.headers.get("Retry-After"), now, LONGEST_WAIT)
    if named is None and answer.status == 503:
        return unclear(because("receiver_trouble", status=503))
    until = named or now + WAIT
    return Retry(because("receiver_asks_to_wait", until=until), until, whole_channel=True)


def _said(answer: Answer) -> str:
    body = answer.read() or {}
    words = body.get("error") or body.get("detail") or body.get("message")
    return quote(words) if isinstance(words, str) and words else ""


def place_of(answer: Answer, identity: str) -> tuple[str, str | None]:
    """Return the receiver's own id of the post and its address, if the answer has them; else our own id."""
    body = answer.read() or {}
    return id_of(body.get("id")) or identity, address_of(body.get("url"))


LARGEST_PICTURE = 256 * 1024
"""Bytes of a picture that goes along in the JSON; a larger one stays behind, the words say what it shows."""
LARGEST_ANSWER = 64 * 1024
"""Bytes of an answer that are read: an id, an address, a few words."""
_PICTURE_KINDS = frozenset({"image/jpeg", "image/png", "image/webp"})

log = structlog.get_logger(__name__)


class Webhook:
    """An address that accepts posts. An update and an end are posts of their own, of the same incident.

    A post in doubt needs no verification: each post has one id for good, by which the receiver drops repeats, so
    everything that isn't clearly refused is sent again: after a time-out, a cut, a 5xx, a daemon that was killed while
    it waited. The receiver may have it meanwhile, so an end that comes then isn't omitted.
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
        """`POST url`. The receipt has the answer's id and address, else the post's own id.

        The receiver gets `reply_to` as the id of the post that this one follows.
        """
        # The id is the post's for good: the receiver drops by it what comes twice.
        now, identity = self._resources.clock.now(), identity_of(message, reply_to)
        picture = await self._load(message.image) if message.image else None
        body = payload(message, identity, reply_to, picture, now)
        answer = await self._send(identity, body, now, RequestPurpose.PUBLISH)
        return Receipt(*place_of(answer, identity))

    async def probe(self) -> Probe:
        """`POST url` of a signed `{"type": "ping"}`, which a receiver answers with 2xx and shows to nobody.

        The secret is read again first, so that a changed one is used without a restart. The account is the answer's
        `name`, else the receiver's host.
        """
        await self.open()
        now = self._resources.clock.now()
        body = (await self._send(f"ping-{int(now.timestamp())}", ping(now), now, RequestPurpose.READ)).read() or {}
        account = name_of(body.get("name")) or urlsplit(self._settings.address).hostname or self._name
        return Probe(account, self._warnings())

    def quotas(self) -> Sequence[Quota]:
        """Always empty: a receiver gives its limits only in a refusal."""
        return ()

    def _warnings(self) -> tuple[Reason, ...]:
        if len(self._key or b"") >= SHORTEST_KEY:
            return ()
        return (because("secret_too_short", least=SHORTEST_KEY),)

    async def _send(self, identity: str, body: bytes, now: datetime, act: RequestPurpose) -> Answer:
        if self._key is None:
            raise BadCredential(because("channel_unopened", channel=self._name))
        answer = await ask(
            self._resources.session,
            "POST",
            self._settings.address,
            platform="the receiver",
            act=act,
            timeout=self._settings.timeout,
            data=body,
            headers=headers(self._key, identity, now, body),
            largest=LARGEST_ANSWER,
        )
        # An act that must happen once may have happened.
        unclear = InDoubt if act.once else Retry
        if (error := refusal(answer, self._resources.clock.now(), unclear)) is not None:
            raise error
        return answer

    async def _load(self, image: PostImage) -> LoadedPicture | None:
        folder, name = self._resources.folder, self._name
        return await picture_along(image, folder, largest=LARGEST_PICTURE, kinds=_PICTURE_KINDS, channel=name)
