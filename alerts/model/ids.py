"""Names for alerts, posts and incidents: short enough to be read over a telephone, long enough never to meet twice."""

from __future__ import annotations

import secrets
from hashlib import sha256

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
LENGTH = 12


def new_id() -> str:
    """Sixty random bits as twelve letters and digits."""
    return _spelled(secrets.randbits(5 * LENGTH))


def id_of(*parts: str) -> str:
    """An id that is always the same for the same parts, and else as good as random."""
    return _spelled(int.from_bytes(sha256("\0".join(parts).encode()).digest()[:8]))


def _spelled(number: int) -> str:
    return "".join(_LETTERS[(number >> 5 * place) & 31] for place in range(LENGTH))
