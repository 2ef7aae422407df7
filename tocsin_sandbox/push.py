"""A push service and the browsers behind it: it checks who sends and how, and each browser reads what it is brought.

A real service can't read the words; this one has the browsers' keys too, so that a test sees what a person would, and
hears at once of words that no browser could read. Written from RFC 8030, 8291, 8292 and 8188, without the product.
"""

from __future__ import annotations

import base64
import hmac
import json
import math
import re
import secrets
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tocsin_sandbox.exchange import Answer, Asked, answer_json
from tocsin_sandbox.faults import FaultRequest
from tocsin_sandbox.firefox import Firefox, Parcel, RealBrowser

LARGEST = 4096
"""Bytes of a body that a service has to take (RFC 8030, section 7.2)."""
LONGEST_TOKEN = 24 * 3600.0
"""Seconds ahead that a signature may be good for (RFC 8292, section 2)."""
KEPT = 300_000
_PATH = re.compile(r"/wpush/([A-Za-z0-9_-]+)")
_VAPID = re.compile(r"vapid t=([\w-]+\.[\w-]+\.[\w-]+), ?k=([\w-]+)", re.IGNORECASE)
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
_URGENCIES = frozenset({"very-low", "low", "normal", "high"})
_P256 = ec.SECP256R1()


class BadPush(Exception):
    """What a service refuses: its status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(slots=True)
class Browser:
    """One subscription: its own keys, the sender's key that it takes messages under, and whether it is still there."""

    id: str
    private: ec.EllipticCurvePrivateKey
    public: bytes
    secret: bytes
    sender: str | None = None
    gone: bool = False

    def subscription(self, service: str) -> dict[str, Any]:
        """As `PushSubscription.toJSON()` has it."""
        keys = {"p256dh": spelt(self.public), "auth": spelt(self.secret)}
        return {"endpoint": f"{service}/wpush/{self.id}", "expirationTime": None, "keys": keys}


@dataclass(slots=True)
class Brought:
    """One message as its browser read it. What a real Firefox was brought nobody else reads: its words are None.

    `acknowledged` is what such a Firefox says of it (`firefox.ACKNOWLEDGED`), once it does.
    """

    browser: str
    at: float
    ttl: int
    urgency: str
    topic: str | None
    payload: str | None
    notification: Mapping[str, Any] = field(default_factory=dict)
    acknowledged: str | None = None


class PushService:
    """Takes messages at `/wpush/BROWSER`."""

    def __init__(self) -> None:
        self.browsers: dict[str, Browser | RealBrowser] = {}
        self.firefoxes: dict[str, Firefox] = {}
        self.brought: list[Brought] = []

    def subscribe(self, count: int, sender: str | None = None) -> list[Browser]:
        """So many new browsers, as windows of one machine: their keys are the same, their addresses are not."""
        private = ec.generate_private_key(_P256)
        form = serialization.PublicFormat.UncompressedPoint
        public = private.public_key().public_bytes(serialization.Encoding.X962, form)
        secret = secrets.token_bytes(16)
        made = [Browser(secrets.token_urlsafe(24), private, public, secret, sender) for _ in range(count)]
        self.browsers.update({each.id: each for each in made})
        return made

    def answer(self, asked: Asked) -> Answer:
        """What the service says to this request."""
        try:
            return self._take(asked)
        except BadPush as refusal:
            return answer_json({"error": str(refusal)}, refusal.status)

    def _take(self, asked: Asked) -> Answer:
        found = _PATH.fullmatch(asked.path)
        if asked.method != "POST" or found is None:
            raise BadPush(405, "messages are sent by POST")
        sender = _sender_of(asked)
        browser = self.browsers.get(found[1])
        if browser is None or browser.gone:
            raise BadPush(404 if browser is None else 410, "nobody is subscribed here")
        if browser.sender not in (None, sender):
            raise BadPush(403, "this browser subscribed under another key")
        browser.sender = sender
        ttl, urgency, topic = _marks_of(asked)
        if len(asked.body) > LARGEST:
            raise BadPush(413, f"a body has {LARGEST} bytes at the most")
        message = Brought(browser.id, asked.at, ttl, urgency, topic, None)
        if isinstance(browser, RealBrowser):
            _look_sealed(asked.body, asked.headers)
            browser.owner.bring(Parcel(browser.channel, asked.body, message), asked.at)
        else:
            message.payload = opened(browser, asked.body, asked.headers)
            message.notification = _notification(message.payload)
        if len(self.brought) < KEPT:
            self.brought.append(message)
        return Answer(201, b"", {"Location": f"{asked.url}/message", "TTL": str(ttl)})

    def hang_up(self) -> None:
        """Close the lines of every Firefox."""
        for firefox in self.firefoxes.values():
            if firefox.say is not None:
                firefox.say(None)

    def as_json(self) -> list[dict[str, Any]]:
        """What was brought, oldest first."""
        return [asdict(each) for each in self.brought]


def spelt(raw: bytes) -> str:
    """Base64 for addresses without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _sender_of(asked: Asked) -> str:
    """The key of who sends, proved (RFC 8292)."""
    found = _VAPID.fullmatch(asked.headers.get("Authorization", ""))
    if found is None:
        raise BadPush(401, "Authorization must be vapid t=…, k=…")
    token, key = found.groups()
    signed, _, signature = token.rpartition(".")
    try:
        raw = _read(signature)
        public = ec.EllipticCurvePublicKey.from_encoded_point(_P256, _read(key))
        proof = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        public.verify(proof, signed.encode(), ec.ECDSA(hashes.SHA256()))
        head, claims = (json.loads(_read(part)) for part in signed.split("."))
    except (ValueError, InvalidSignature):
        raise BadPush(403, "the signature is not that key's") from None
    service = urlsplit(asked.url)
    if head.get("alg") != "ES256" or claims.get("aud") != f"{service.scheme}://{service.netloc}":
        raise BadPush(403, "the token is for another service")
    if not asked.at < float(claims.get("exp", 0)) <= asked.at + LONGEST_TOKEN:
        raise BadPush(403, "the token is good for a day at the most, and not over")
    if not str(claims.get("sub", "")).startswith(("mailto:", "https:")):
        raise BadPush(403, "sub names nobody who can be reached")
    return key


def _marks_of(asked: Asked) -> tuple[int, str, str | None]:
    ttl, urgency, topic = (asked.headers.get(name) for name in ("TTL", "Urgency", "Topic"))
    if ttl is None or not ttl.isdecimal():
        raise BadPush(400, "TTL is compulsory")
    if (urgency or "normal") not in _URGENCIES:
        raise BadPush(400, "there is no such Urgency")
    if topic is not None and not _TOPIC.fullmatch(topic):
        raise BadPush(400, "a Topic has 32 characters of base64url at the most")
    return int(ttl), urgency or "normal", topic


def _look_sealed(body: bytes, headers: Mapping[str, str]) -> None:
    if headers.get("Content-Encoding") != "aes128gcm" or len(body) < 21 + 65 + 18:
        raise BadPush(400, "the body is to be aes128gcm")


def opened(browser: Browser, body: bytes, headers: Mapping[str, str]) -> str:
    """What that browser reads (RFC 8291). Raises BadPush where it could read nothing."""
    _look_sealed(body, headers)
    salt, (_, length) = body[:16], struct.unpack("!LB", body[16:21])
    sender, sealed = body[21 : 21 + length], body[21 + length :]
    try:
        shared = browser.private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(_P256, sender))
        keying = _expand(_digest(browser.secret, shared), b"WebPush: info\0" + browser.public + sender, 32)
        prk = _digest(salt, keying)
        key = _expand(prk, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _expand(prk, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
    except (ValueError, InvalidTag):
        raise BadPush(400, "this browser can't read that") from None
    if not plain.endswith(b"\x02"):
        raise BadPush(400, "the last record isn't ended")
    return plain[:-1].decode()


def _digest(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def _expand(key: bytes, info: bytes, length: int) -> bytes:
    return _digest(key, info + b"\x01")[:length]


def _notification(words: str) -> Mapping[str, Any]:
    """What a browser that knows declarative messages shows by itself; nothing of any other."""
    try:
        content = json.loads(words)
    except ValueError:
        return {}
    shown = content.get("notification") if isinstance(content, dict) and content.get("web_push") == 8030 else None
    return shown if isinstance(shown, dict) else {}


def faulty(fault: FaultRequest) -> Answer:
    """What it says under a fault."""
    if fault.kind == "rate_limit":
        after = math.ceil(60 if fault.retry_after is None else fault.retry_after)
        return answer_json({"error": "too many messages"}, fault.status or 429, {"Retry-After": str(after)})
    status = 403 if fault.kind == "revoked" else 500
    headers = {} if fault.retry_after is None else {"Retry-After": str(math.ceil(fault.retry_after))}
    return answer_json({"error": fault.message or "the service stumbled"}, fault.status or status, headers)
