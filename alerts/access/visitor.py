"""Who asks, and from where."""

from __future__ import annotations

from dataclasses import dataclass, field

from alerts.model.actor import Actor, Origin
from alerts.model.person import Account, Session


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a request came from: the network address (behind a proxy, what that says) and the browser's own name.

    `device` is the value that a complete sign-in gave this browser to be known by (`Entered.device`), if it has one.
    """

    address: str
    agent: str = ""
    device: str = field(default="", repr=False)


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
