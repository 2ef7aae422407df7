"""Who asks, and from where."""

from __future__ import annotations

from dataclasses import dataclass

from alerts.model.actor import Actor, Origin
from alerts.model.person import Account, Session


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a request came from: the network address (behind a proxy, what that says) and the browser's own name."""

    address: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a session: signed in where its stage is `full`, else on the way."""

    account: Account
    session: Session
    visit: Visit

    @property
    def actor(self) -> Actor:
        """As the desk sees them."""
        return Actor(self.account.name, self.account.role, Origin.CONSOLE, self.visit.address)
