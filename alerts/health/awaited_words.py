"""What those on duty read of an alert that waits for them; the link is never what is cut.

The sentences are written here in English; their French is in `rendering/locale/fr/notices.po`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from alerts.desk.approval import Kind
from alerts.health.monitor import Phase
from alerts.health.words import Words
from alerts.model.alert import Severity
from alerts.rendering.clean import clean_line
from alerts.rendering.words import words_in

Gettext = Callable[[str], str]

_LONGEST_HEADLINE = 90
_WAITS: Mapping[Kind, str] = {
    Kind.ALERT: "Alert to be validated: ",
    Kind.UPDATE: "Update to be validated: ",
    Kind.END: "End of alert to be validated: ",
    Kind.CANCELLATION: "Cancellation to be validated: ",
    Kind.CORRECTION: "Correction to be validated: ",
}
_STILL_WAITS: Mapping[Kind, str] = {
    Kind.ALERT: "Alert still to be validated, since {since:%H:%M}: ",
    Kind.UPDATE: "Update still to be validated, since {since:%H:%M}: ",
    Kind.END: "End of alert still to be validated, since {since:%H:%M}: ",
    Kind.CANCELLATION: "Cancellation still to be validated, since {since:%H:%M}: ",
    Kind.CORRECTION: "Correction still to be validated, since {since:%H:%M}: ",
}
_SETTLED: Mapping[str, str] = {
    "approve": "Validated by {who}: ",
    "reject": "Rejected by {who}: ",
    "send back": "Sent back to its author by {who}: ",
    "released": "Gone out without a veto: ",
    "replaced": "Replaced by a newer version: ",
    "expired": "Over before anybody validated it: ",
}


@dataclass(frozen=True, slots=True)
class Awaited:
    """An alert that waits, or waited: what it says, who brought it, and where it is validated.

    `goes_out_at` is when a veto's time is over; `settled` how it was decided (`approve`, `reject`, `send back`,
    `released`, `replaced`, `expired`), by `who` and why (`reason`). `link` is None where the desk has no address.
    """

    id: str
    headline: str
    severity: Severity
    areas: tuple[str, ...]
    since: datetime
    until: datetime | None
    brought_by: str
    exercise: bool = False
    goes_out_at: datetime | None = None
    link: str | None = None
    settled: str | None = None
    who: str = ""
    reason: str | None = None
    kind: Kind = Kind.ALERT


@dataclass(frozen=True, slots=True)
class Corrected:
    """A correction that somebody (`who`) made, and what it says is right. `link` is None without a desk's address."""

    headline: str
    severity: Severity
    who: str
    said: str | None = None
    exercise: bool = False
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Clashed:
    """A message that goes by the sender and identifier of another; `kept_back`: it isn't published."""

    headline: str
    source: str
    other: str
    other_source: str
    kept_back: bool
    exercise: bool = False
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """A grave alert that nears its end. `link` is None without a desk's address."""

    id: str
    headline: str
    severity: Severity
    areas: tuple[str, ...]
    ends: datetime
    exercise: bool = False
    link: str | None = None


def word_clashed(clash: Clashed, language: str) -> Words:
    """That two messages go by one name, and what became of the later one."""
    _ = words_in(language).gettext
    told = _("Two messages under one identifier: “{one}” ({source}) and “{other}” ({other_source}), which came before.")
    became = _("It is not published.") if clash.kept_back else _("Each goes by its own source’s rules.")
    headline = told.format(
        one=_short(clash.headline),
        source=clash.source,
        other=_short(clash.other),
        other_source=clash.other_source,
    )
    return Words(f"{_practice(clash, _)}{headline} {became}", clash.link)


def word_ending(ending: Ending, language: str, zone: tzinfo) -> Words:
    """That a grave alert nears its end, and what can be done; times are in `zone`."""
    _ = words_in(language).gettext
    told = _("Ends at {at:%H:%M}: {what}. Extend it, end it, or let it run out?")
    own = _("tocsin update {id} --expires 6h, tocsin cancel {id} --over, or nothing").format(id=ending.id)
    headline = told.format(at=ending.ends.astimezone(zone), what=_named(ending, _))
    return Words(headline, ending.link or own, ", ".join(ending.areas) or None)


def word_corrected(corrected: Corrected, language: str) -> Words:
    """That somebody corrected an alert, whose words nobody validated."""
    _ = words_in(language).gettext
    headline = _("Corrected by {who}, unvalidated: ").format(who=corrected.who) + _named(corrected, _)
    return Words(_practice(corrected, _) + headline, corrected.link, corrected.said)


def word_awaited(awaited: Awaited, say: Phase, language: str, zone: tzinfo) -> Words:
    """That an alert waits, still waits, or how it was decided; times are in `zone`."""
    _ = words_in(language).gettext
    practice, named = _practice(awaited, _), _named(awaited, _)
    if say is Phase.RESOLVED:
        settled = _(_SETTLED[awaited.settled or "replaced"]).format(who=awaited.who)
        return Words(practice + settled + named, None, awaited.reason)
    waits = _((_WAITS if say is Phase.FIRING else _STILL_WAITS)[awaited.kind])
    headline = practice + waits.format(since=awaited.since.astimezone(zone)) + named
    return Words(headline, _what_to_do(awaited, zone, _), _detail(awaited, zone, _))


def _practice(told: Awaited | Corrected | Ending | Clashed, _: Gettext) -> str:
    return _("EXERCISE – ") if told.exercise else ""


def _named(told: Awaited | Corrected | Ending, _: Gettext) -> str:
    severity = _("unknown severity") if told.severity is Severity.UNKNOWN else _(told.severity).lower()
    return _("“{headline}” ({severity})").format(headline=_short(told.headline), severity=severity)


def _short(headline: str) -> str:
    text = " ".join(clean_line(headline).split())
    return text if len(text) <= _LONGEST_HEADLINE else text[: _LONGEST_HEADLINE - 1].rsplit(" ", 1)[0] + "…"


def _what_to_do(awaited: Awaited, zone: tzinfo, _: Gettext) -> str:
    if awaited.goes_out_at is None:
        return awaited.link or _("tocsin approve {id} --as NAME").format(id=awaited.id)
    stop = awaited.link or _("tocsin reject {id} --as NAME").format(id=awaited.id)
    veto = _("Goes out at {at:%H:%M} unless somebody stops it: {stop}")
    return veto.format(at=awaited.goes_out_at.astimezone(zone), stop=stop)


def _detail(awaited: Awaited, zone: tzinfo, _: Gettext) -> str:
    until = awaited.until.astimezone(zone) if awaited.until else None
    parts = (
        ", ".join(awaited.areas),
        _("until {until:%Y-%m-%d %H:%M}").format(until=until) if until else "",
        _("from {who}").format(who=awaited.brought_by),
    )
    return _("; ").join(filter(None, parts))
