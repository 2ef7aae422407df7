"""What this town's officers usually write: the hazards that they took most, and their last alerts to begin from.

Both come from the alerts that officers posted themselves, newest first: nobody has to set anything up, and what a town
never has isn't offered first. A feed's alerts count for nothing here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from alerts.desk.routing import PRACTICE
from alerts.desk.service import DeskUnit
from alerts.model.alert import MsgType
from alerts.model.hazard import Hazard, fold, hazard_of
from alerts.model.incident import MANUAL, AlertState, StoredAlert, Typed, Wanted
from alerts.model.town import Town, parse_span, spell_span
from alerts.web.console.drafts import fields_of_alert
from alerts.web.console.form import OTHER, SPANS

LOOKED_AT = 200
"""Alerts of officers that are looked at, the newest: what was usual years ago isn't any more."""
FAVOURITES, LAST = 4, 4
OFTEN = 2
"""Times that a hazard was taken before it is offered first: once may have been chance."""
_ROUNDED = timedelta(minutes=5)
"""To how much the end of an alert is rounded up."""


@dataclass(frozen=True, slots=True)
class Usual:
    """The hazards that are taken most, most often first, and the last alerts, each headline once."""

    hazards: Sequence[Hazard] = ()
    last: Sequence[StoredAlert] = ()


def usual_of(unit: DeskUnit, *, exercise: bool) -> Usual:
    """What is usual here, of real alerts or of exercises."""
    wanted = Wanted(state=AlertState.ACCEPTED, source=MANUAL)
    firsts = [each for each in unit.views.page(wanted, most=LOOKED_AT) if _begins(each, exercise=exercise)]
    taken = Counter(hazard_of(each.alert.infos[0]) for each in firsts if each.alert)
    often = [hazard for hazard, times in taken.most_common() if times >= OFTEN and hazard is not Hazard.GENERAL]
    last = {fold(each.alert.infos[0].headline or ""): each for each in reversed(firsts) if each.alert}
    newest = sorted(last.values(), key=lambda each: each.received_at, reverse=True)
    return Usual(often[:FAVOURITES], newest[:LAST])


def _begins(stored: StoredAlert, *, exercise: bool) -> bool:
    """Whether it is the first word of an alert, of that kind, with a headline to know it by."""
    alert = stored.alert
    if alert is None or alert.msg_type is not MsgType.ALERT or alert.references or not alert.infos:
        return False
    return bool(alert.infos[0].headline) and (alert.status in PRACTICE) is exercise


def as_last_time(
    stored: StoredAlert, station: Town, kept: Callable[[str], Path | None], *, exercise: bool
) -> dict[str, Typed]:
    """Its form for a new alert: all that it said, and as long from now on as it was to last then."""
    fields = {**fields_of_alert(stored, station, kept), "onset": "", "exercise": "1" if exercise else ""}
    info = stored.alert.infos[0] if stored.alert and stored.alert.infos else None
    if info is None or stored.alert is None or info.expires is None:
        return {**fields, "span": "", "expires": ""}
    lasted = max((info.expires - (info.onset or stored.alert.sent)) // _ROUNDED, 1) * _ROUNDED
    usual = next((each for each in SPANS if parse_span(each) == lasted), None)
    told = "" if usual else spell_span(lasted)
    return {**fields, "span": usual or OTHER, "expires": told}
