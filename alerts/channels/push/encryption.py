"""The two proofs of Web Push: words that one browser alone can read (RFC 8291), and who sends them (RFC 8292).

A browser gave its public key and a secret; the push service between never sees the words. Each message has a key of its
own on our side. The town's key signs a token for each service, good for half a day and made once for all messages.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import struct
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from alerts.model.errors import BadCredential
from alerts.model.reason import because
from alerts.model.subscriber import PushEndpoint

LARGEST = 3993
"""Bytes of words in one message: 4,096 with the encryption's overhead (RFC 8291, section 4)."""
# The lengths of RFC 8291, 2 and 3: an uncompressed point, the authentication secret, the salt.
_POINT, _SECRET, _SALT = 65, 16, 16
# One record holds the whole message (RFC 8188, 2.1).
_RECORD = 4096
_TOKENS = 1000
_BASE64 = re.compile(r"[A-Za-z0-9_-]+")
_P256 = ec.SECP256R1()
# RFC 8292, 2 allows a signature for 24 hours; half of that leaves room for clocks that differ.
_LASTS, _RENEWED = timedelta(hours=12), timedelta(hours=1)


def unpadded(raw: bytes) -> str:
    """Base64 for addresses, without its padding: how everything is spelt here."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(text: str, length: int) -> bytes:
    """Return the bytes of a base64 text of exactly that length. Raises ValueError."""
    # Python's reader passes over whatever is no base64, a NUL too, which a database may not take.
    if not _BASE64.fullmatch(text):
        raise ValueError
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(raw) != length:
        raise ValueError
    return raw


def is_readable(p256dh: str, auth: str) -> bool:
    """True if these can be a browser's keys: a point of the curve, and sixteen bytes."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(_P256, decoded(p256dh, _POINT))
        decoded(auth, _SECRET)
    except ValueError:
        return False
    return True


def encrypted(endpoint: PushEndpoint, words: bytes) -> bytes:
    """The body of a request, which that browser alone can read; `words` are `LARGEST` at the most."""
    theirs, secret = decoded(endpoint.p256dh, _POINT), decoded(endpoint.auth, _SECRET)
    ours = ec.generate_private_key(_P256)
    public = _point(ours.public_key())
    shared = ours.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(_P256, theirs))
    salt = os.urandom(_SALT)
    # RFC 8291, section 3.4; each step of HKDF is one HMAC here, since nothing is longer than a digest.
    keying = _hmac(_hmac(secret, shared), b"WebPush: info\x00" + theirs + public + b"\x01")
    prk = _hmac(salt, keying)
    key = _hmac(prk, b"Content-Encoding: aes128gcm\x00\x01")[:16]
    nonce = _hmac(prk, b"Content-Encoding: nonce\x00\x01")[:12]
    # 0x02 ends the last record, which is the only one.
    sealed = AESGCM(key).encrypt(nonce, words + b"\x02", None)
    return salt + struct.pack("!LB", _RECORD, len(public)) + public + sealed


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def new_key() -> str:
    """A new private key, as PEM."""
    kind, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return ec.generate_private_key(_P256).private_bytes(serialization.Encoding.PEM, kind, plain).decode()


@dataclass(slots=True)
class TownKey:
    """The key that a town signs with (VAPID). Browsers subscribe to messages under it alone."""

    _private: ec.EllipticCurvePrivateKey = field(repr=False)
    public: str
    _tokens: dict[str, tuple[datetime, str]] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, pem: str) -> TownKey:
        """The key of a PEM text. Raises BadCredential where it is none, or of another curve."""
        try:
            key = serialization.load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError):
            raise BadCredential(because("push_key_unreadable")) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != _P256.name:
            raise BadCredential(because("push_key_unreadable"))
        return cls(key, unpadded(_point(key.public_key())))

    def authorization(self, origin: str, subject: str, now: datetime) -> str:
        """The header that proves to the push service at `origin` who sends; the same for half a day."""
        until, token = self._tokens.get(origin, (now, ""))
        if until - now < _RENEWED or until - now > _LASTS:  # the clock may have been set back
            until = now + _LASTS
            token = self._signed({"aud": origin, "exp": int(until.timestamp()), "sub": subject})
            if len(self._tokens) >= _TOKENS:  # strangers may make up hosts: better to sign anew than to keep them all
                self._tokens.clear()
            self._tokens[origin] = until, token
        return f"vapid t={token}, k={self.public}"

    def _signed(self, claims: dict[str, object]) -> str:
        head, said = ({"typ": "JWT", "alg": "ES256"}, claims)
        signed = ".".join(unpadded(json.dumps(each, separators=(",", ":")).encode()) for each in (head, said))
        r, s = decode_dss_signature(self._private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{unpadded(r.to_bytes(32) + s.to_bytes(32))}"
