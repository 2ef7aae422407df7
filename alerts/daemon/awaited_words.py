"""What those on duty read of an alert that waits for them, in French or English; the link is never what is cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from alerts.daemon.warning_words import Words
from alerts.delivery.monitor import Phase
from alerts.desk.approval import Kind
from alerts.model.alert import Severity
from alerts.rendering.clean import clean_line

_LONGEST_HEADLINE = 90
_SEVERITY: Mapping[Severity, str] = {
    Severity.EXTREME: "extrême",
    Severity.SEVERE: "grave",
    Severity.MODERATE: "modérée",
    Severity.MINOR: "mineure",
    Severity.UNKNOWN: "gravité inconnue",
}
_KINDS_FR = {
    Kind.ALERT: "Alerte",
    Kind.UPDATE: "Mise à jour",
    Kind.END: "Fin d’alerte",
    Kind.CANCELLATION: "Annulation",
    Kind.CORRECTION: "Rectificatif",
}
_KINDS_EN = {
    Kind.ALERT: "Alert",
    Kind.UPDATE: "Update",
    Kind.END: "End of alert",
    Kind.CANCELLATION: "Cancellation",
    Kind.CORRECTION: "Correction",
}
_SETTLED_FR = {
    "approve": "Validée par {who}\u00a0: ",
    "reject": "Rejetée par {who}\u00a0: ",
    "send back": "Renvoyée à son auteur par {who}\u00a0: ",
    "released": "Partie sans veto\u00a0: ",
    "replaced": "Remplacée par une version plus récente\u00a0: ",
    "expired": "Échue sans validation\u00a0: ",
}
_SETTLED_EN = {
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
    """The notice in French where `language` is, else in English."""
    french = language.lower().split("-", 1)[0] == "fr"
    one, other = _short(clash.headline), _short(clash.other)
    if french:
        became = "Elle n’est pas publiée." if clash.kept_back else "Chacune suit les règles de sa source."
        lead = "EXERCICE – " if clash.exercise else ""
        told = f"Deux messages sous un même identifiant\u00a0: «\u00a0{one}\u00a0» ({clash.source})"
        headline = f"{lead}{told} et «\u00a0{other}\u00a0» ({clash.other_source}), reçue avant."
    else:
        became = "It is not published." if clash.kept_back else "Each goes by its own source’s rules."
        lead = "EXERCISE – " if clash.exercise else ""
        told = f"Two messages under one identifier: “{one}” ({clash.source}) and “{other}” "
        headline = f"{lead}{told}({clash.other_source}), which came before."
    return Words(f"{headline} {became}", clash.link)


def word_ending(ending: Ending, language: str, zone: tzinfo) -> Words:
    """The notice in French where `language` is, else in English; times are in `zone`."""
    french = language.lower().split("-", 1)[0] == "fr"
    local, areas = ending.ends.astimezone(zone), ", ".join(ending.areas)
    if french:
        at = f"{local.hour}\u00a0h\u00a0{local.minute:02}"
        headline = f"Prend fin à {at}\u00a0: {_named(ending, french=True)}. Prolonger, terminer ou laisser finir\u00a0?"
        own = f"tocsin update {ending.id} --expires 6h, tocsin cancel {ending.id} --over, ou rien"
    else:
        headline = f"Ends at {local:%H:%M}: {_named(ending, french=False)}. Extend it, end it, or let it run out?"
        own = f"tocsin update {ending.id} --expires 6h, tocsin cancel {ending.id} --over, or nothing"
    return Words(headline, ending.link or own, areas or None)


def word_corrected(corrected: Corrected, language: str) -> Words:
    """The notice in French where `language` is, else in English."""
    french = language.lower().split("-", 1)[0] == "fr"
    lead = "Corrigée par {}, sans validation\u00a0: " if french else "Corrected by {}, unvalidated: "
    headline = lead.format(corrected.who) + _named(corrected, french=french)
    return Words(_practice(corrected, french=french) + headline, corrected.link, corrected.said)


def word_awaited(awaited: Awaited, say: Phase, language: str, zone: tzinfo) -> Words:
    """The notice in French where `language` is, else in English; times are in `zone`."""
    french = language.lower().split("-", 1)[0] == "fr"
    named = _named(awaited, french=french)
    if say is Phase.RESOLVED:
        settled = (_SETTLED_FR if french else _SETTLED_EN)[awaited.settled or "replaced"]
        return Words(_practice(awaited, french=french) + settled.format(who=awaited.who) + named, None, awaited.reason)
    since = f"{awaited.since.astimezone(zone):%H:%M}"
    if french:
        what = _KINDS_FR[awaited.kind]
        lead = (
            f"{what} à valider\u00a0: " if say is Phase.FIRING else f"{what} toujours à valider, depuis {since}\u00a0: "
        )
    else:
        what = _KINDS_EN[awaited.kind]
        lead = f"{what} to be validated: " if say is Phase.FIRING else f"{what} still to be validated, since {since}: "
    headline = _practice(awaited, french=french) + lead + named
    return Words(headline, _what_to_do(awaited, zone, french=french), _detail(awaited, zone, french=french))


def _practice(awaited: Awaited | Corrected | Ending, *, french: bool) -> str:
    if not awaited.exercise:
        return ""
    return "EXERCICE – " if french else "EXERCISE – "


def _named(awaited: Awaited | Corrected | Ending, *, french: bool) -> str:
    short = _short(awaited.headline)
    severity = _SEVERITY[awaited.severity] if french else awaited.severity.lower()
    return f"«\u00a0{short}\u00a0» ({severity})" if french else f"“{short}” ({severity})"


def _short(headline: str) -> str:
    text = " ".join(clean_line(headline).split())
    return text if len(text) <= _LONGEST_HEADLINE else text[: _LONGEST_HEADLINE - 1].rsplit(" ", 1)[0] + "…"


def _what_to_do(awaited: Awaited, zone: tzinfo, *, french: bool) -> str:
    where = awaited.link or (f"tocsin approve {awaited.id} --as {'NOM' if french else 'NAME'}")
    if awaited.goes_out_at is None:
        return where
    at = f"{awaited.goes_out_at.astimezone(zone):%H:%M}"
    veto = (
        f"Part d’elle-même à {at} si personne ne l’arrête" if french else f"Goes out at {at} unless somebody stops it"
    )
    stop = awaited.link or f"tocsin reject {awaited.id} --as {'NOM' if french else 'NAME'}"
    return veto + ("\u00a0: " if french else ": ") + stop


def _detail(awaited: Awaited, zone: tzinfo, *, french: bool) -> str:
    by = f"de {awaited.brought_by}" if french else f"from {awaited.brought_by}"
    parts = [", ".join(awaited.areas), by]
    if awaited.until is not None:
        local = awaited.until.astimezone(zone)
        parts.insert(1, f"jusqu’au {local:%d/%m %H:%M}" if french else f"until {local:%Y-%m-%d %H:%M}")
    return "; ".join(filter(None, parts)) if not french else "\u00a0; ".join(filter(None, parts))
