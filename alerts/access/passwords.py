"""Passwords: their rules, and Argon2, which is slow and hungry on purpose.

Hashing takes some fifty milliseconds and 64 MiB: it is done in one thread of the process, which gives way to all else,
and never in the database's. Strangers' passwords wait in a bounded queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import threading
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from alerts.access.sessions import Refusal
from alerts.model.bounds import normal
from alerts.model.person import fold_name

Move = tuple[int, int]
R = TypeVar("R")
# The lower bound is the rule for people; the upper one bounds the work of Argon2 and of the checks.
SHORTEST, LONGEST = 12, 200
# What a password must cost its guesser: a letter is one choice, a digit half of one, a known piece one in all.
_FEWEST_CHOICES = 6
# Characters within which there must be so many: looking takes the square of it.
_LOOKED_AT = 64
# Characters of a repeat, a sequence or a straight line over the keyboard; of a walk from key to neighbouring key.
_LEAST, _LEAST_WALK = 3, 5
_USUAL = (
    "admin administrateur administrator alerte alertes amour avril azerty bienvenue bonjour bureau changeme chocolat "
    "commune coucou demo doudou dragon ecole ete famille football france freedom gendarme hello hiver iloveyou jetaime "
    "letmein liberte lundi mairie maman marseille master mercredi modifier moimeme monkey mot motdepasse naruto neige "
    "nicolas office paris pass passe passw0rd passwd password pompier pompiers princess printemps qwerty qwertz root "
    "samedi secret secure securite service shadow soleil summer sunshine superman test tocsin toto user utilisateur "
    "vacances vendredi ville welcome winter"
)
# What stolen passwords are made of most, in French and in English, as it is typed without accents.
_WORDS = frozenset(_USUAL.split())
# The rows of an English and of a French keyboard, each key above its neighbour of the next row.
_KEYBOARDS = ("1234567890-=|qwertyuiop[]|asdfghjkl;'|zxcvbnm,./", "1234567890)=|azertyuiop^$|qsdfghjklm*|wxcvbn,;:!")
# Keys by their place on each keyboard: a walk over neighbouring keys is as easy to guess as a word.
_BOARDS = [{key: (y, x) for y, row in enumerate(each.split("|")) for x, key in enumerate(row)} for each in _KEYBOARDS]
# Letters that were dressed up as digits and signs.
_MEANT = str.maketrans("01345@$!", "oleasasi")
# Years of birth and the like, which attackers append to words.
_YEAR = re.compile(r"(?:19[0-9]|20[0-3])[0-9]")


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    """The result of a check; `stronger` is the password's hash by today's parameters, if the stored one isn't."""

    right: bool
    stronger: str | None = None


MOST_WAITING = 20
"""Strangers' passwords checked or waiting: some seconds' work, after which the clients would be gone anyway."""
# Argon2 keeps a core busy for a while; the lanes' threads go first.
_NICE = 10


@cache
def _thread(_process: int) -> ThreadPoolExecutor:
    """The one thread that hashes, for all towns of the process; a process that was forked makes its own."""
    return ThreadPoolExecutor(1, thread_name_prefix="passwords", initializer=_give_way)


def _give_way() -> None:
    # Linux sets it for a thread alone, and those that Argon2 begins have it from this one. Where it isn't allowed, the
    # line's bound is all there is.
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


async def _in_thread(work: Callable[..., R], *given: object) -> R:
    return await asyncio.get_running_loop().run_in_executor(_thread(os.getpid()), work, *given)


class Passwords:
    """Hashes and verifies."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        # One stranger at a time goes on to the thread: who is ahead of them never waits for more than that one.
        self._strangers = asyncio.Semaphore(1)
        self._waiting = 0

    @property
    def is_full(self) -> bool:
        """True if the queue of strangers is full, so that another one is refused."""
        return self._waiting >= MOST_WAITING

    async def verify(self, kept: str | None, password: str, *, ahead: bool = False) -> PasswordCheck:
        """Check a password against the hash `kept`; without one it is wrong, after the same time.

        With `ahead` it waits behind no stranger.
        """
        if ahead:
            return await _in_thread(self._verify, kept, password)
        self._waiting += 1
        try:
            async with self._strangers:
                return await _in_thread(self._verify, kept, password)
        finally:
            self._waiting -= 1

    async def hash(self, password: str) -> str:
        """Return the stored form of a password."""
        return await _in_thread(self.hash_now, password)

    def hash_now(self, password: str) -> str:
        """As `hash`, in this thread: for a command."""
        return self._hasher.hash(_spelled(password))

    @cached_property
    def _of_nobody(self) -> str:
        # By the same hasher, so that a name that is nobody's takes as long as one that is somebody's.
        return self._hasher.hash("nobody's password")

    def _verify(self, kept: str | None, password: str) -> PasswordCheck:
        typed = password if len(password) <= LONGEST else ""
        try:
            self._hasher.verify(kept or self._of_nobody, _spelled(typed))
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return PasswordCheck(right=False)
        # What is too long was verified as an empty one, so that it takes as long, and is refused whatever came of that.
        if kept is None or typed != password:
            return PasswordCheck(right=False)
        return PasswordCheck(
            right=True, stronger=self.hash_now(typed) if self._hasher.check_needs_rehash(kept) else None
        )


def _spelled(password: str) -> str:
    # An é may be typed as one character or as two, by the keyboard (NIST SP 800-63B, 5.1.1.2).
    return normal("NFKC", password)


def fault_of(password: str, name: str, town: str = "") -> Refusal | None:
    """Why a password can't be chosen; `name` is its owner's, `town` the station's.

    No mixture of characters is asked for; what is long but made of what guessers try first is refused (NIST SP
    800-63B, 5.1.1.2): words of stolen passwords, names that anybody here knows, years, repeats, sequences, and walks
    over a keyboard. Each such piece counts as one choice, however long it is.
    """
    if len(password) < SHORTEST:
        return Refusal.SHORT
    if len(password) > LONGEST:
        return Refusal.LONG
    bare = _bare(password)[:_LOOKED_AT]
    known = {word for word in (_bare(part) for part in _parts(f"{name} {town}")) if len(word) >= _LEAST}
    if choices(bare, _WORDS | known) >= _FEWEST_CHOICES:
        return None
    named = any(word in spelled for word in known for spelled in (bare, bare.translate(_MEANT)))
    return Refusal.NAMED if named else Refusal.USUAL


def choices(text: str, words: Collection[str]) -> float:
    """How many choices somebody made who typed this: the cheapest way to put it together from known pieces."""
    best = [0.0]
    pieces = _pieces(text, words)
    for end, character in enumerate(text, 1):
        alone = best[end - 1] + (0.5 if character.isdigit() else 1)
        best.append(min([alone, *(best[start] + 1 for start in pieces.get(end, ()))]))
    return best[-1]


def _pieces(text: str, words: Collection[str]) -> dict[int, list[int]]:
    """Where pieces that guessers know begin, by where they end."""
    found: dict[int, list[int]] = {}
    for start, end in (*_found(text, words), *_repeats(text), *_lines(text)):
        found.setdefault(end, []).append(start)
    return found


def _found(text: str, words: Collection[str]) -> Iterator[tuple[int, int]]:
    for spelled in {text, text.translate(_MEANT)}:
        for word in words:
            for match in re.finditer(f"(?={re.escape(word)})", spelled):
                yield match.start(), match.start() + len(word)
    for match in _YEAR.finditer(text):
        yield match.span()


def _repeats(text: str) -> Iterator[tuple[int, int]]:
    """Yield the stretches that repeat an earlier part."""
    for start in range(len(text)):
        for end in range(start + _LEAST, len(text) + 1):
            if text.find(text[start:end], 0, start) < 0:
                break
            yield start, end


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """Sequences, and ways over a keyboard."""
    for moves in (_steps(text), *(_moves(text, board) for board in _BOARDS)):
        for start in range(len(text)):
            yield from ((start, end) for end in _ways(moves, start))


def _ways(moves: Sequence[Move | None], start: int) -> Iterator[int]:
    """Where a way ends that goes on as it began, or on a keyboard at least from neighbour to neighbour."""
    straight = True
    for end in range(start + 1, len(moves) + 1):
        if (move := moves[end - 1]) is None:
            return
        straight = straight and move == moves[start]
        if end + 1 - start >= (_LEAST if straight else _LEAST_WALK) and (straight or move != (0, 0)):
            yield end + 1


def _steps(text: str) -> list[Move | None]:
    """From each character to the next: the same again, the next or the one before (after 9 comes 0)."""
    steps = [0 if a == b else {"90": 1, "09": -1}.get(a + b, ord(b) - ord(a)) for a, b in pairwise(text)]
    return [(step, 0) if abs(step) <= 1 else None for step in steps]


def _moves(text: str, board: Mapping[str, Move]) -> list[Move | None]:
    """From each key to the next, where that is its neighbour."""
    moves: list[Move | None] = []
    for a, b in pairwise(text):
        here, there = board.get(a), board.get(b)
        move = (there[0] - here[0], there[1] - here[1]) if here and there else (9, 9)
        moves.append(move if max(abs(move[0]), abs(move[1])) <= 1 else None)
    return moves


def _bare(text: str) -> str:
    """Without case, accents and blanks."""
    decomposed = normal("NFKD", fold_name(text))
    return "".join(c for c in decomposed if not unicodedata.combining(c) and not c.isspace())


def _parts(names: str) -> list[str]:
    return re.split(r"[\s'’-]+", names)
