"""What happens to accounts, for those on duty and for their owners.

Sign-ins that fail again and again are troubles. Changes of what proves somebody are notices, told where the owner
looks, whoever made them: in the chats that are linked to the account (`officer_rounds`), on the channels of `[notify]`,
and by the desk itself at their next page and their next sign-in.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from shlex import quote

from alerts.access.bursts import Burst, bursts
from alerts.access.deeds import NEWS_FOR, OF_FACTORS, Deed
from alerts.access.throttle import IN_A_ROW, REMEMBERED
from alerts.desk.service import DeskUnit
from alerts.health.monitor import Phase, Trouble, What
from alerts.health.notices import Notice, topic_of
from alerts.health.words import Words
from alerts.model.person import Chained
from alerts.model.reason import in_words
from alerts.rendering.words import words_in
from alerts.store.unit import Unit
from alerts.web.console.words import words_of

_LOOKED_AT = 200
OVER_AFTER: timedelta = IN_A_ROW
"""A burst is over once nothing has failed for so long."""


def failing_sign_ins(unit: DeskUnit) -> list[Trouble]:
    """What fails now: an account, how often, since when, and from where if it is one place; or a place that tries many.

    One that tries a single account is told once, with that account.
    """
    now = [each for each in bursts(unit, unit.now - REMEMBERED) if each.last > unit.now - OVER_AFTER]
    of_accounts = [each for each in now if unit.accounts.account(each.subject) is not None]
    places = [each for each in now if each not in of_accounts]
    alone = {place.subject for place in places for each in of_accounts if _is_all_of(place, each)}
    troubles = [_trouble(each, next((p.subject for p in places if _is_all_of(p, each)), None)) for each in of_accounts]
    return troubles + [_trouble(place) for place in places if place.subject not in alone]


def _is_all_of(place: Burst, account: Burst) -> bool:
    return place.count <= account.count and place.last == account.last


def _trouble(burst: Burst, place: str | None = None) -> Trouble:
    return Trouble(What.SIGN_INS, burst.subject, in_words(place) if place else None, burst.first, burst.count)


def factor_changes(unit: Unit, after: int, now: datetime, zone: tzinfo) -> list[Notice]:
    """A notice of each change of a second factor since the line `after` of the record; one that was told makes none.

    What a new account sets up at its first sign-in is no change.
    """
    lines = [line for line in unit.audit.newest(most=_LOOKED_AT) if line.seq > after]
    first = {line.seq - 1 for line in lines if line.entry.act == Deed.SIGNED_IN}
    changes = [line for line in reversed(lines) if line.entry.act in OF_FACTORS and line.seq not in first]
    alerts = unit.alerts
    new = [line for line in changes if now - NEWS_FOR < line.entry.at]
    return [_notice(line, zone) for line in new if not alerts.by_topic(topic_of(_key(line)), now)]


def _notice(line: Chained, zone: tzinfo) -> Notice:
    return Notice(_key(line), Phase.FIRING, lambda language: word_change(line, language, zone))


def word_change(line: Chained, language: str, zone: tzinfo, *, own: bool = False) -> Words:
    """A change of what proves somebody: whose, what, when and from where; and what to do if it wasn't them.

    `own`: said to the owner themselves, not to those on duty.
    """
    _, entry, reset = words_in(language).gettext, line.entry, f"tocsin user reset {quote(line.entry.subject)}"
    what = words_of(language.lower().split("-", 1)[0]).gettext(entry.act)  # the desk's record has the same word
    said = _("account {name}: {what}, {at:%Y-%m-%d %H:%M}").format(
        name=entry.subject, what=what, at=entry.at.astimezone(zone)
    )
    theirs = _("If that wasn’t them: “{reset}”.").format(reset=reset)
    fix = _("If that wasn’t you, change your password and tell an administrator.") if own else theirs
    address = _("from {address}").format(address=entry.address) if entry.address else None
    return Words(said, fix, address)


def _key(line: Chained) -> str:
    return f"account {line.seq}"
