"""Programs and their bearer tokens, within a unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from alerts.access.sessions import TOUCHED, digest
from alerts.access.visitor import Visit
from alerts.desk.service import DeskUnit
from alerts.model.actor import Actor, Origin
from alerts.model.person import Account, Token

PREFIX = "tocsin_"
"""What a token begins with, so that one that leaked is recognised."""


@dataclass(frozen=True, slots=True)
class Program:
    """A token that is good, and the person it belongs to, if one."""

    token: Token
    owner: Account | None

    def is_to_be_touched(self, now: datetime) -> bool:
        """Whether the time of its last use is worth a write."""
        return self.token.used_at is None or now - self.token.used_at >= TOUCHED

    def actor(self, visit: Visit | None) -> Actor:
        """As the desk sees it: under the name of its person, and never with more than their role."""
        address = visit.address if visit else ""
        if self.owner is None:
            return Actor(self.token.name, self.token.role, Origin.API, address)
        role = self.token.role if self.owner.role.at_least(self.token.role) else self.owner.role
        return Actor(self.owner.name, role, Origin.API, address)


def program(unit: DeskUnit, bearer: str) -> Program | None:
    """Whose token it is; None where it is nobody's, was revoked, or its person is shut out."""
    token = unit.accounts.token(digest(bearer))
    if token is None or token.revoked_at is not None:
        return None
    owner = unit.accounts.account(token.name)
    if owner is not None and owner.disabled_at is not None:
        return None
    return Program(token, owner)


def touch(unit: DeskUnit, bearer: str) -> None:
    """Keep when it was used."""
    if found := program(unit, bearer):
        unit.accounts.put_token(replace(found.token, used_at=unit.now))
