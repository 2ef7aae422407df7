"""Proof of work: who sends a report from the page has had a machine compute for it, which a crowd of one can't afford.

The page asks for a challenge when somebody first touches its form. Its script computes key after key until one begins
with the byte that was asked for, while the person writes; the solution comes with the form, and is checked by one key.
It is made and checked by the `altcha` package, in its second format: the challenge carries its own terms, signed, so
nothing is kept of it here until it is solved. It says how long it holds in its own data, by the daemon's clock.

A solution counts once: what was spent is kept in memory until its time is over. Several daemons of a town take each
other's challenges, since they share the secret, and each of them takes a solution once. A proof that is missing or
doesn't count refuses nothing: the report waits for an officer. It slows a crowd down; it tells nobody from a machine.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from alerts.model.reason import Reason, because

LIFETIME = timedelta(minutes=30)
"""How long a challenge holds: longer than people take to tell what they saw."""
LEAST_COST, MOST_COST = 5_000, 50_000
"""Rounds of each key. The first takes a telephone a second or two in all, the other one ten times as long."""
CALM, FLOOD = 20, 60
"""Reports in ten minutes up to which the least is asked, and from which the most."""
LONGEST = 2_000
"""Characters of a proof: ours have some six hundred."""
MOST_SPENT = 50_000
"""Spent challenges that are remembered. Each of them was solved first: nobody fills this by asking."""
_ALGORITHM = "PBKDF2/SHA-256"


def cost_of(recent: int) -> int:
    """The rounds of a key while so many reports came in the last ten minutes."""
    share = min(1.0, max(0.0, (recent - CALM) / (FLOOD - CALM)))
    return LEAST_COST + round(share * (MOST_COST - LEAST_COST))


class Proofs:
    """Gives out challenges and checks their solutions. `secret` is the town's: its daemons take each other's."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._spent: dict[str, int] = {}
        self._spending = threading.Lock()

    def challenge(self, now: datetime, recent: int = 0) -> str:
        """A challenge as JSON, for the page's script; `recent` are the reports of the last ten minutes."""
        from altcha import create_challenge  # noqa: PLC0415 only a town that takes reports pays for it

        until = int((now + LIFETIME).timestamp())
        made = create_challenge(_ALGORITHM, cost_of(recent), data={"until": until}, hmac_secret=self._secret)
        return json.dumps(made.to_dict())

    def doubt(self, proof: str, now: datetime) -> Reason | None:
        """Why a proof doesn't count; None: it does, and this time alone.

        Computes up to 25 ms where the cost is high: to be called in a thread.
        """
        if not proof:
            return because("proof_missing")
        told = _read(proof)
        if told is None:
            return because("proof_wrong")
        signature, until = told
        moment = now.timestamp()
        if until <= moment:
            return because("proof_late")
        if signature in self._spent:
            return because("proof_spent")
        return self._checked(proof, signature, until, moment)

    def _checked(self, proof: str, signature: str, until: int, moment: float) -> Reason | None:
        from altcha import verify_solution  # noqa: PLC0415

        if not verify_solution(proof, self._secret).verified:
            return because("proof_wrong")
        return None if self._spend(signature, until, moment) else because("proof_spent")

    def _spend(self, signature: str, until: int, moment: float) -> bool:
        """Whether it could be spent; of two threads that come with one solution, the first one can."""
        with self._spending:
            if len(self._spent) >= MOST_SPENT:
                self._spent = {known: ends for known, ends in self._spent.items() if ends > moment}
            # Full of what still holds: nothing more can be told apart, so nothing more counts.
            if signature in self._spent or len(self._spent) >= MOST_SPENT:
                return False
            self._spent[signature] = until
            return True


def _read(proof: str) -> tuple[str, int] | None:
    """The signature of a proof's challenge, and until when it holds, as it says itself; None: it is none of ours."""
    from altcha import Payload  # noqa: PLC0415

    if len(proof) > LONGEST:
        return None
    try:
        challenge = Payload.from_base64(proof).challenge
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    data: Mapping[str, Any] = challenge.parameters.data if isinstance(challenge.parameters.data, dict) else {}
    until = data.get("until")
    if not isinstance(challenge.signature, str) or not isinstance(until, int):
        return None
    return challenge.signature, until
