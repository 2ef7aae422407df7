"""An authenticator as a browser would reach it: an ES256 key, attestation "none", a count of signatures."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


class Authenticator:
    def __init__(self, *, verifies=True) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.identity = secrets.token_bytes(32)
        self.count, self.handle, self.verifies = 0, None, verifies

    def create(self, options, origin="https://desk.example", **changes):
        """What `navigator.credentials.create` gives, as JSON."""
        numbers = self.key.public_key().public_numbers()
        public = encode_cbor({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        attested = bytes(16) + len(self.identity).to_bytes(2, "big") + self.identity + public
        data = self._data(options["rp"]["id"], ATTESTED) + attested
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        self.handle = options.get("user", {}).get("id")
        client = self._client("webauthn.create", options["challenge"], origin)
        return self._credential({"clientDataJSON": b64(client), "attestationObject": b64(attestation)}, changes)

    def get(self, options, origin="https://desk.example", **changes):
        """What `navigator.credentials.get` gives, as JSON."""
        self.count += 1
        data = self._data(options["rpId"])
        client = self._client("webauthn.get", options["challenge"], origin)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}
        if self.handle:
            response["userHandle"] = self.handle
        return self._credential(response, changes)

    def _data(self, party: str, flags: int = 0) -> bytes:
        head = hashlib.sha256(party.encode()).digest() + bytes([PRESENT | (VERIFIED if self.verifies else 0) | flags])
        return head + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin}).encode()

    def _credential(self, response, changes):
        identity = b64(self.identity)
        return {"id": identity, "rawId": identity, "type": "public-key", "response": {**response, **changes}}
