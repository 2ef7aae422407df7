"""What an officer's alert has to say before it may go out: what to do, where, and no blank left to fill in.

A prepared text is only half a message: its blanks (`{place}`) are for the officer. What is Severe or Extreme says what
to do, in the officer's words or in those that are prepared for its hazard; "stay alert" is neither. An order to leave
or take shelter says for whom it is. An exercise rehearses the same rules. Ends are free of them: nothing may hold one
back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alerts.desk.dedupe import end_reason
from alerts.model.alert import Alert, Info, Severity
from alerts.model.errors import Misuse
from alerts.model.hazard import NEEDS_A_PLACE, fold, hazard_of
from alerts.model.reason import Reason, because
from alerts.rendering.plain import blanks_of, is_filler


@dataclass(frozen=True, slots=True)
class Lack:
    """What is missing: the field of a draft, and what is wrong with it and allowed."""

    field: str
    reason: Reason


def must_be_complete(alert: Alert, station: str, says_what_to_do: Callable[[Alert], bool]) -> None:
    """Raise Misuse for what an officer's alert lacks. `says_what_to_do`: whether its posts do, of themselves."""
    lacks = lacking(alert, station, says_what_to_do)
    if lacks:
        raise Misuse(lacks[0].reason)


def lacking(alert: Alert, station: str, says_what_to_do: Callable[[Alert], bool]) -> list[Lack]:
    """What an officer's alert lacks; nothing of an end."""
    if end_reason(alert) is not None:
        return []
    found = [lack for info in alert.infos for lack in (*_blanks(info), *_place(info, station))]
    return [*found, *_what_to_do(alert, says_what_to_do)]


def _blanks(info: Info) -> list[Lack]:
    """The blanks that are left, all of them, at the field of the first."""
    left = blanks_of(info)
    if not left:
        return []
    fields = (("headline", info.headline), ("description", info.description), ("instruction", info.instruction))
    field = next((name for name, text in fields if left[0] in (text or "")), "place")
    return [Lack(field, because("blanks_left", blanks=", ".join(left)))]


def _place(info: Info, station: str) -> list[Lack]:
    hazard = hazard_of(info)
    named = [area for area in info.areas if area.description and fold(area.description) != fold(station)]
    if hazard not in NEEDS_A_PLACE or named:
        return []
    return [Lack("area", because("place_missing"))]


def _what_to_do(alert: Alert, says_what_to_do: Callable[[Alert], bool]) -> list[Lack]:
    grave = [info for info in alert.infos if info.severity.at_least(Severity.SEVERE)]
    for info in grave:
        if is_filler(info.instruction):
            return [Lack("instruction", because("careful_alone"))]
    if not grave or all(info.instruction for info in grave) or says_what_to_do(alert):
        return []
    return [Lack("instruction", because("instruction_missing"))]
