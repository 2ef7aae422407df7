"""Linking a private chat with the bot to an account: a code that the desk shows, for ten minutes and one use."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from alerts.desk.service import DeskUnit

CODE_LASTS = timedelta(minutes=10)
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that is taken for another
_LENGTH = 10


def offer_code(unit: DeskUnit, account: str) -> str:
    """A fresh code for an account; one that was shown before is void."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    unit.officer_chats.offer(digest_of(code), account, unit.now + CODE_LASTS)
    return code


def digest_of(code: str) -> str:
    """What is kept of a code: enough to know it again, however it was typed."""
    typed = "".join(code.split()).replace("-", "").upper()
    return hashlib.sha256(f"tocsin link {typed}".encode()).hexdigest()
