"""Sessions, within a unit: what a cookie is worth now, and the new one that each step forward brings."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from alerts.access.answers import GateRules
from alerts.access.claims import claim_of
from alerts.access.visitor import Visit, Visitor
from alerts.desk.service import DeskUnit
from alerts.model.person import Account, Session, Stage

ON_THE_WAY = timedelta(minutes=30)
"""How long a sign-in may take, with an authenticator app to be installed meanwhile."""
LIVES = 7
"""A session ends after so many times its idle time, however busy."""
TOUCHED = timedelta(minutes=1)
"""How exactly is known when a session or a token was used last: what is looked at often isn't written as often."""
_BYTES = 32


@dataclass(frozen=True, slots=True)
class Live:
    """A session that isn't over, and whose it is."""

    session: Session
    account: Account

    def visitor(self, visit: Visit) -> Visitor:
        """As the pages know them."""
        return Visitor(self.account, self.session, visit)

    @property
    def visit(self) -> Visit:
        """Where the session was opened from."""
        return Visit(self.session.address, self.session.agent)


def live(unit: DeskUnit, cookie: str, rules: GateRules, *stages: Stage) -> Live | None:
    """The session of a cookie, if it isn't over, its owner isn't shut out, and it is at one of the `stages`."""
    session = unit.accounts.session(digest(cookie))
    if session is None or not session.seen_at + rules.session > unit.now < session.expires_at:
        return None
    account = unit.accounts.account(session.account)
    if account is None or account.disabled_at is not None or session.stage not in stages:
        return None
    return Live(session, account)


def opened(
    unit: DeskUnit, account: Account, stage: Stage, visit: Visit, rules: GateRules, *, chance: Callable[[int], bytes]
) -> tuple[str, Live]:
    """A new session: its cookie, which is kept nowhere, and what is kept."""
    cookie = spelled(chance(_BYTES))
    session = Session(
        digest=digest(cookie),
        account=account.name,
        csrf=f"{spelled(chance(_BYTES))}.{claim_of(account)}",
        stage=stage,
        created_at=unit.now,
        seen_at=unit.now,
        expires_at=unit.now + (rules.session * LIVES if stage is Stage.FULL else ON_THE_WAY),
        address=visit.address[:100],
        agent=visit.agent[:300],
    )
    unit.accounts.put_session(session)
    return cookie, Live(session, account)


def spelled(chance: bytes) -> str:
    """Random bytes as base64url, without padding."""
    return base64.urlsafe_b64encode(chance).decode().rstrip("=")


def digest(value: str) -> str:
    """What is kept of a cookie or a token: 256 random bits need no slow hash."""
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
