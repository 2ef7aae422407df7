"""Sign-ins that fail again and again, as troubles for those on duty."""

from __future__ import annotations

from datetime import timedelta

from alerts.access.bursts import Burst, bursts
from alerts.access.throttle import IN_A_ROW, REMEMBERED
from alerts.delivery.watch import Trouble, What
from alerts.desk.sitting import Sitting

OVER_AFTER: timedelta = IN_A_ROW
"""A burst is over once nothing has failed for so long."""


def failing_sign_ins(sitting: Sitting) -> list[Trouble]:
    """What fails now: an account, how often, since when, and from where if it is one place; or a place that tries many.

    One that tries a single account is told once, with that account.
    """
    now = [each for each in bursts(sitting, sitting.now - REMEMBERED) if each.last > sitting.now - OVER_AFTER]
    of_accounts = [each for each in now if sitting.accounts.account(each.subject) is not None]
    places = [each for each in now if each not in of_accounts]
    alone = {place.subject for place in places for each in of_accounts if _is_all_of(place, each)}
    troubles = [_trouble(each, next((p.subject for p in places if _is_all_of(p, each)), None)) for each in of_accounts]
    return troubles + [_trouble(place) for place in places if place.subject not in alone]


def _is_all_of(place: Burst, account: Burst) -> bool:
    return place.count <= account.count and place.last == account.last


def _trouble(burst: Burst, place: str | None = None) -> Trouble:
    return Trouble(What.SIGN_INS, burst.subject, place, burst.first, burst.count)
