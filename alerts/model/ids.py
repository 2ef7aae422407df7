"""Names for alerts, posts and incidents: short enough to be read over a telephone, long enough never to meet twice."""

from __future__ import annotations

import secrets

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
LENGTH = 12


def new_id() -> str:
    """Sixty random bits as twelve letters and digits."""
    number = secrets.randbits(5 * LENGTH)
    return "".join(_LETTERS[(number >> 5 * place) & 31] for place in range(LENGTH))
