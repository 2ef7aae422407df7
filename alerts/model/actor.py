"""Who acts at the desk: a person or a program under its own name, with a role, by one of the ways in."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from alerts.model.characters import normal

LONGEST_NAME = 60
"""Characters of a person's or a program's name."""
# Characters that are folded: more than any name, or password, has.
_LONGEST_FOLDED = 256


class Role(StrEnum):
    """What somebody may do; each role may all that the ones before it may."""

    VIEWER = "viewer"
    AUTHOR = "author"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"

    def at_least(self, other: Role) -> bool:
        """Whether this role may all that `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class Act(StrEnum):
    """What is done at the desk; `MAY` says from which role on."""

    VIEW = "view"
    POST = "post"
    UPDATE = "update"
    CANCEL = "cancel"
    CORRECT = "correct"
    RETRY = "retry"
    DROP = "drop"
    APPROVE = "approve"
    REJECT = "reject"
    SEND_BACK = "send back"
    ADMINISTER = "administer"


MAY: Mapping[Act, Role] = MappingProxyType(
    {
        Act.VIEW: Role.VIEWER,
        Act.POST: Role.AUTHOR,
        Act.UPDATE: Role.AUTHOR,
        Act.CANCEL: Role.AUTHOR,
        Act.CORRECT: Role.AUTHOR,
        Act.RETRY: Role.AUTHOR,
        Act.DROP: Role.AUTHOR,
        Act.APPROVE: Role.APPROVER,
        Act.REJECT: Role.APPROVER,
        Act.SEND_BACK: Role.APPROVER,
        Act.ADMINISTER: Role.ADMINISTRATOR,
    }
)


class Origin(StrEnum):
    """By which way somebody came in."""

    CONSOLE = "console"
    API = "api"
    COMMAND = "command"
    BOT = "bot"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts. `name` is what four eyes are told apart by: an account and its tokens share one.

    `address` is where they came from: a network address, or the login on this machine.
    """

    name: str
    role: Role
    origin: Origin
    address: str = ""

    def may(self, act: Act) -> bool:
        """Whether the role allows it."""
        return self.role.at_least(MAY[act])


def fold_name(name: str) -> str:
    """What two spellings of one name have in common: `Anne`, `anne` and `ANNE ` are one person.

    Compatibility forms and invisible characters are taken away, so that nobody is two people by a look-alike blank.
    What is far longer than any name is folded by nobody: it is a digest, and no name begins with a question mark.
    """
    if len(name) > _LONGEST_FOLDED:
        return "?" + hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    composed = normal("NFKC", normal("NFKC", name).casefold())
    return " ".join("".join(c for c in composed if not _is_unseen(c)).split())


# Letters and marks that show nothing, whatever their category says (Unicode's Default_Ignorable_Code_Point).
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_SELECTORS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def _is_unseen(character: str) -> bool:
    if character in _BLANK_LETTERS or any(ord(character) in selectors for selectors in _SELECTORS):
        return True
    return unicodedata.category(character) in ("Cf", "Cc") and not character.isspace()
