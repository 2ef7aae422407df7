"""One-time codes of an authenticator app (TOTP, RFC 6238): six digits, a new one every thirty seconds."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime

from pyotp import TOTP

from alerts.access.answers import Enrolment
from alerts.model.secret import Secret

STEP = 30
SEED_BYTES = 20
"""What RFC 4226, 4 recommends for SHA-1."""
_DRIFT = (-1, 0, 1)


def seed_of(chance: bytes) -> Secret:
    """A seed from random bytes, as apps read it."""
    return Secret(base64.b32encode(chance).decode())


def enrolment(seed: Secret, name: str, issuer: str) -> Enrolment:
    """What an app needs to know to show codes for `name`."""
    return Enrolment(TOTP(seed.reveal(), name=name, issuer=issuer).provisioning_uri(), seed)


def step_of(seed: Secret, code: str, now: datetime, after: int) -> int | None:
    """The step that the code belongs to: this one or a neighbour, but only one past `after`; None: a wrong code.

    A code is taken once: who keeps the answer as `after` refuses a replay (RFC 6238, 5.2).
    """
    typed = "".join(code.split())
    if len(typed) != 6 or not (typed.isascii() and typed.isdigit()):
        return None
    generator, present, found = TOTP(seed.reveal()), int(now.timestamp()) // STEP, None
    for step in (present + drift for drift in _DRIFT):
        # All are compared, so that the time taken doesn't tell which was near.
        if hmac.compare_digest(generator.generate_otp(step), typed) and step > after:
            found = step
    return found
