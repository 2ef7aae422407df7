"""Passwords: what is asked of them, and Argon2, which is slow and hungry on purpose.

Hashing takes some fifty milliseconds and 64 MiB: it is done in threads, few at once, never in the database's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from alerts.access.answers import Reason
from alerts.model.actor import fold_name
from alerts.model.characters import normal

SHORTEST, LONGEST = 12, 200
_FEWEST_LETTERS = 5
_BESIDE_THE_NAME = 6
_USUAL = (
    "0123456789012 1234567890123 1234567890ab 1q2w3e4r5t6y 1qaz2wsx3edc abcdefghijkl administrateur administrator "
    "azerty123456 azertyuiop12 azertyuiopqs bienvenue123 changeme1234 jetaime12345 letmein12345 marseille123 "
    "motdepasse12 motdepasse123 motdepasse1234 password1234 password12345 passwordpassword qwerty123456 qwertyuiop12 "
    "qwertyuiop123 qwertyuiopas tocsintocsin welcome12345"
)
USUAL = frozenset(_USUAL.split())
"""Those of twelve characters and more that lists of stolen passwords begin with, in French and in English."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password was right; `stronger` is its hash by today's parameters, where the kept one isn't."""

    right: bool
    stronger: str | None = None


class Passwords:
    """Hashes and verifies; `at_once` is how many at a time, each by the hasher's memory."""

    def __init__(self, hasher: PasswordHasher | None = None, at_once: int = 2) -> None:
        self._hasher = hasher or PasswordHasher()
        self._room = asyncio.Semaphore(at_once)

    async def verify(self, kept: str | None, password: str) -> Verdict:
        """Whether it is the password behind the hash `kept`; where there is none, no, and it takes as long."""
        async with self._room:
            return await asyncio.to_thread(self._verify, kept, password)

    async def hash(self, password: str) -> str:
        """What is kept of a password."""
        async with self._room:
            return await asyncio.to_thread(self.hash_now, password)

    def hash_now(self, password: str) -> str:
        """As `hash`, in this thread: for a command."""
        return self._hasher.hash(_spelled(password))

    @cached_property
    def _of_nobody(self) -> str:
        return self._hasher.hash("nobody's password")

    def _verify(self, kept: str | None, password: str) -> Verdict:
        typed = password if len(password) <= LONGEST else ""
        try:
            self._hasher.verify(kept or self._of_nobody, _spelled(typed))
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return Verdict(right=False)
        if kept is None or typed != password:
            return Verdict(right=False)
        return Verdict(right=True, stronger=self.hash_now(typed) if self._hasher.check_needs_rehash(kept) else None)


def _spelled(password: str) -> str:
    # An é may be typed as one character or as two, by the keyboard (NIST SP 800-63B, 5.1.1.2).
    return normal("NFKC", password)


def fault_of(password: str, name: str) -> Reason | None:
    """Why a password can't be chosen: length counts, no mixture of characters is asked for (NIST SP 800-63B, 5.1.1)."""
    if len(password) < SHORTEST:
        return Reason.SHORT
    if len(password) > LONGEST:
        return Reason.LONG
    folded = fold_name(password).replace(" ", "")
    if len(folded.replace(fold_name(name).replace(" ", ""), "")) < _BESIDE_THE_NAME:
        return Reason.NAMED
    if folded in USUAL or len(set(folded)) < _FEWEST_LETTERS:
        return Reason.USUAL
    return None
