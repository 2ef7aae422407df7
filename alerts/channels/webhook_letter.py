"""What a webhook's receiver gets: the letter as JSON, the id by which it drops repeats, and the signature.

The headers, the signed content and the form of the secret are those of Standard Webhooks
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md), so that the libraries
there are for it in every language verify ours.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from alerts.channels.picture import Picture
from alerts.model.errors import BadCredential
from alerts.model.post import Message
from alerts.model.reason import because
from alerts.model.secret import Secret

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
    raise BadCredential(because("secret_no_base64"))


def sign(key: bytes, identity: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64."""
    signed = b".".join([identity.encode(), str(timestamp).encode(), body])
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(key: bytes, identity: str, now: datetime, body: bytes) -> dict[str, str]:
    """What goes with a body; the timestamp is of this attempt, the id is the post's for good."""
    timestamp = int(now.timestamp())
    return {
        "Content-Type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(key, identity, timestamp, body),
    }


def identity_of(message: Message, reply_to: str | None) -> str:
    """What names this post for good: its own id; for words that are no post's, a digest of them."""
    if message.about is not None:
        return message.about.post
    return hashlib.sha256(f"{reply_to or ''}\n{message.text}\n{message.link or ''}".encode()).hexdigest()[:32]


def letter(message: Message, identity: str, reply_to: str | None, picture: Picture | None, now: datetime) -> bytes:
    """The body. `type` is `post.publish`, `post.update` or `post.end`; keys are only ever added."""
    kind = message.about.kind.value if message.about else "publish"
    data = {"id": identity, "kind": kind, **_about(message), **_words(message, reply_to), "image": _image(picture)}
    return _written(f"post.{kind}", now, data)


def ping(now: datetime) -> bytes:
    """The body of a test: nothing to show."""
    return _written(PING, now, {})


def _written(kind: str, now: datetime, data: dict[str, Any]) -> bytes:
    told = {"type": kind, "timestamp": now.isoformat(timespec="seconds"), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


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


def _image(picture: Picture | None) -> dict[str, Any] | None:
    if picture is None:
        return None
    data = base64.b64encode(picture.content).decode()
    return {"name": picture.file_name, "type": picture.mime_type, "alt": picture.alt, "data": data}
