"""Every text that people may read, in one file: `make texts` writes build/texts.md.

Each hazard in each severity and language, as it begins, changes and ends, on each channel, on its page, card and feed
and in the bot, with what is first seen of it; free texts as officers type them; and messages as feeds send them. The
tests read the same list (`said`), so what a rule can check is checked of all of it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from alerts.config.kinds import channel_kind, channel_kinds
from alerts.model.alert import (
    Alert,
    Area,
    Info,
    MsgType,
    NamedValue,
    ResponseType,
    Severity,
)
from alerts.model.gsm import room_in
from alerts.model.hazard import HAZARD_PARAMETER, Hazard, hazard_of
from alerts.model.post import EndReason, PostKind, TextFormat
from alerts.model.town import ChannelConfig, District, Town
from alerts.rendering.card import card_alt, card_of, in_short
from alerts.rendering.matter import Context
from alerts.rendering.templates import Renderer
from tests.fed import FED
from tests.unit.rendering.sample_alerts import FACEBOOK, NOW, OTHER, TELEGRAM, X

OURS = "alertes@saint-martin.example"
DISTRICTS = tuple(District(name, name, {}) for name in ("Les Tanneries", "Les Coteaux", "Vieille-Ville"))
STATIONS = {
    "fr": Town(
        "Ville de Saint-Martin", language="fr-FR", public_url="https://alertes.saint-martin.fr", sender=OURS,
        districts=DISTRICTS,
    ),
    "en": Town(
        "Town of Saint-Martin", language="en-GB", public_url="https://alertes.saint-martin.fr", sender=OURS,
        districts=DISTRICTS,
    ),
}  # fmt: skip
RENDERERS = {language: Renderer(station) for language, station in STATIONS.items()}
BOT = replace(TELEGRAM, name="bot", signed=False)
PAGE = ChannelConfig("page", "page", TextFormat(100_000), "never")
SMS = ChannelConfig("sms", "sms", TextFormat(room_in(2), "gsm"))
OWN = (X, FACEBOOK, TELEGRAM, BOT, OTHER, SMS)
"""Those that are told otherwise than their kind's name alone tells, or are of no kind."""
CHANNELS = (
    *OWN,
    *(
        ChannelConfig(name, name, kind.text)
        for name in channel_kinds()
        if (kind := channel_kind(name)) and name not in {channel.kind for channel in OWN}
    ),
)
"""One of each kind that is registered, an installed package's too."""
SEVERITIES = (Severity.EXTREME, Severity.SEVERE, Severity.MODERATE, Severity.MINOR)
FIRST_SEEN = 120


@dataclass(frozen=True, slots=True)
class Text:
    """One text. `about` says of which alert and phase it is, `where` which channel says it."""

    about: str
    where: str
    language: str
    text: str
    hazard: Hazard
    severity: Severity
    phase: str
    kind: str = ""
    free: bool = False
    feed: bool = False
    source: str = ""


def said() -> Iterator[Text]:
    """Every text, in the order of reading."""
    for language in STATIONS:
        for hazard, kind in WAYS:
            for severity in SEVERITIES:
                yield from _life(hazard, severity, language, kind)
        yield from _typed(language)
        yield from _fed(language)


def _filled(text: str) -> str:
    """What an officer would make of a prepared text: its blanks filled in."""
    for blank, word in FILLED.items():
        text = text.replace("{" + blank + "}", word)
    return text


FILLED = {
    "lieu": "le gymnase Pagnol",
    "itinéraire": "la rue Haute",
    "n°": "04 76 00 00 00",
    "nom": "Jules-Ferry",
    "jour": "lundi",
    "jour de réouverture": "mardi",
    "assurés ou non": "non assurés",
    "Rue ou route": "Rue Haute",
    "prénom": "Léa",
    "âge": "14",
    "jour, heure, lieu, vêtements": "mardi à 8 h, gare, manteau rouge",
    "début": "8 h",
    "lieu, heures": "place Haute, de 9 h à 18 h",
    "place": "the Pagnol gym",
    "route": "rue Haute",
    "number": "04 76 00 00 00",
    "Name": "Jules-Ferry",
    "day": "Monday",
    "day of reopening": "Tuesday",
    "running or not": "not running",
    "Road": "Rue Haute",
    "first name": "Léa",
    "age": "14",
    "day, time, place, clothes": "Tuesday 8am, station, red coat",
    "start": "8am",
    "place, times": "place Haute, 9am to 6pm",
}


_FEARED = (NamedValue("awareness_type", "8; Forest-fire"),)
_TOMORROW = NOW + timedelta(hours=20)
KINDS: Mapping[tuple[Hazard, str], Mapping[str, Mapping[str, Any]]] = {
    (Hazard.FOREST_FIRE, "risk"): {
        "fr": {"headline": "Vigilance feux de forêt", "parameters": _FEARED},
        "en": {"headline": "Wildfire warning", "parameters": _FEARED},
    },
    (Hazard.ATTACK, "inside"): {
        "fr": {"headline": "Attaque en cours", "response_types": (ResponseType.SHELTER,)},
        "en": {"headline": "Attack under way", "response_types": (ResponseType.SHELTER,)},
    },
    (Hazard.INDUSTRIAL, "nuclear"): {
        "fr": {"headline": "Accident nucléaire"},
        "en": {"headline": "Nuclear accident"},
    },
    (Hazard.POWER, "planned"): {
        "fr": {"headline": "Coupure d’électricité prévue", "onset": _TOMORROW},
        "en": {"headline": "Planned power cut", "onset": _TOMORROW},
    },
    (Hazard.POWER, "under-way"): {
        "fr": {"headline": "Coupure d’électricité prévue", "onset": NOW - timedelta(hours=1)},
        "en": {"headline": "Planned power cut", "onset": NOW - timedelta(hours=1)},
    },
    (Hazard.ROAD, "collapse"): {
        "fr": {"headline": "Pont effondré rue Haute"},
        "en": {"headline": "Bridge collapsed, rue Haute"},
    },
}
"""What makes an alert one of a kind that has words of its own (`variants`), and leaves them to the templates."""
WAYS: tuple[tuple[Hazard, str], ...] = (*((hazard, "") for hazard in Hazard), *KINDS)


def of_kind(alert: Alert, kind: str, language: str) -> Alert:
    """The alert of a hazard as one of its kinds, which says for itself no more than its title."""
    info = alert.infos[0]
    said = {"description": None, "instruction": None, **KINDS[hazard_of(info), kind][language]}
    own = (*info.parameters, *said.pop("parameters", ()))
    lasts = said["onset"] + timedelta(hours=6) if "onset" in said else info.expires
    return replace(alert, infos=(replace(info, **said, parameters=own, expires=lasts),))


def prepared_alert(hazard: Hazard, severity: Severity, language: str, kind: str = "", **changes: Any) -> Alert:
    """The alert that an officer makes of what is prepared; a general one has words of its own."""
    renderer, station = RENDERERS[language], STATIONS[language]
    ready = renderer.prepared(hazard, language)
    general = {"fr": ("Marché annulé", "Place Haute."), "en": ("Market cancelled", "Place Haute.")}[language]
    order = {"fr": "Ne venez pas place Haute.", "en": "Don’t come to place Haute."}[language]
    info = Info(
        event=ready.event,
        language=station.language,
        severity=severity,
        urgency=ready.urgency,
        certainty=ready.certainty,
        categories=(ready.category,),
        headline=_filled(ready.headline) or general[0],
        description=_filled(ready.description) or (general[1] if hazard is Hazard.GENERAL else None),
        instruction=_filled(ready.instruction(severity)) or order,
        onset=NOW + timedelta(hours=20) if hazard is Hazard.WATER_CUT_PLANNED else None,
        expires=NOW + timedelta(hours=26 if hazard is Hazard.WATER_CUT_PLANNED else 6),
        sender_name=station.name,
        parameters=(NamedValue(HAZARD_PARAMETER, hazard.value),),
        areas=(Area("Les Tanneries"),),
    )
    alert = Alert("tocsin-1", OURS, NOW, infos=(info,))
    told = of_kind(alert, kind, language) if kind else alert
    return replace(told, infos=(replace(told.infos[0], **changes),))


def _life(hazard: Hazard, severity: Severity, language: str, of: str) -> Iterator[Text]:
    for alert, kind, phase, context in phases(hazard, severity, language, of):
        yield from _on_each(alert, kind, phase, language, of=of, **context)


def phases(
    hazard: Hazard, severity: Severity, language: str, kind: str = ""
) -> Iterator[tuple[Alert, PostKind, str, Mapping[str, Any]]]:
    """What happens to the prepared alert of a hazard: it begins, gets worse elsewhere, and ends in each way."""
    alert = prepared_alert(hazard, severity, language, kind)
    info = alert.infos[0]
    yield alert, PostKind.PUBLISH, "publish", {}
    areas = (Area("Les Coteaux"),)
    worse = Severity.EXTREME if severity is not Severity.EXTREME else Severity.SEVERE
    ready = RENDERERS[language].prepared(hazard, language)
    order = None if kind else _filled(ready.instruction(worse)) or info.instruction
    later = replace(
        info,
        severity=worse,
        instruction=order,
        areas=areas,
        expires=info.expires and info.expires + timedelta(hours=12),
    )
    update = replace(alert, infos=(later,), msg_type=MsgType.UPDATE)
    yield update, PostKind.UPDATE, "update", {"previous": alert}
    if severity not in (Severity.EXTREME, Severity.MODERATE):
        return
    before = replace(alert, infos=(replace(info, onset=NOW + timedelta(hours=2)),))
    begun = replace(alert, infos=(replace(info, onset=NOW - timedelta(hours=2)),))
    bare = replace(alert, infos=(replace(info, description=None, instruction=None),), msg_type=MsgType.CANCEL)
    right = {
        "fr": "Seule la rue Basse est concernée. Ailleurs, n’en tenez pas compte.",
        "en": "Only rue Basse is affected. Everyone else can ignore it.",
    }
    ends = (
        ("all clear", EndReason.ALL_CLEAR, bare, alert),
        ("expired", EndReason.EXPIRED, alert, alert),
        ("cancelled before", EndReason.CANCELLED, bare, before),
        ("cancelled after", EndReason.CANCELLED, bare, begun),
        ("corrected", EndReason.CORRECTED, bare, alert),
        ("corrected in words", EndReason.CORRECTED, replace(bare, note=right[language]), alert),
    )
    for phase, reason, ending, previous in ends:
        yield ending, PostKind.END, phase, {"previous": previous, "reason": reason}


TYPED = {
    "fr": (
        (
            "Fuite d'eau rue Pasteur: évitez le quartier!",
            "Une canalisation a cédé vers 14h30.",
            "Évitez la rue Pasteur jusqu'à 18h.",
            "Vieille-Ville",
        ),
        ("Chien dangereux en liberté", "", "Rentrez vos enfants. Appelez le 17 si vous le voyez.", "Les Coteaux"),
        (
            "Marché de Noël annulé",
            'Le marché "de la place Haute" est annulé ; il aura lieu dimanche.',
            "",
            "Vieille-Ville",
        ),
        (
            "Immeuble effondré rue d'Aubagne",
            "Les secours cherchent des victimes.",
            "N'approchez pas. Laissez passer les secours.",
            "Vieille-Ville",
        ),
        ("Baignade interdite : pollution", "", "Ne vous baignez pas dans le lac.", "Les Coteaux"),
        ("Mairie fermée le 24 décembre", "", "", "Ville de Saint-Martin"),
    ),
    "en": (
        (
            "Water main burst, rue Pasteur",
            "A pipe burst around 2:30pm.",
            "Keep away from rue Pasteur until 6pm.",
            "Vieille-Ville",
        ),
        ("Dangerous dog on the loose", "", "Keep children indoors. Call 17 if you see it.", "Les Coteaux"),
        ("Christmas market cancelled", "The market is put off to Sunday.", "", "Vieille-Ville"),
        (
            "Building collapsed, rue d’Aubagne",
            "Rescuers are looking for victims.",
            "Keep away. Let rescuers pass.",
            "Vieille-Ville",
        ),
        ("No bathing: pollution", "", "Don’t bathe in the lake.", "Les Coteaux"),
        ("Town hall closed on 24 December", "", "", "Town of Saint-Martin"),
    ),
}


def _typed(language: str) -> Iterator[Text]:
    station = STATIONS[language]
    for severity, (headline, description, instruction, place) in zip(
        (*SEVERITIES, *SEVERITIES), TYPED[language], strict=False
    ):
        info = Info(
            {"fr": "Alerte", "en": "Alert"}[language], language=station.language, headline=headline, severity=severity,
            description=description or None, instruction=instruction or None, areas=(Area(place),),
            expires=NOW + timedelta(hours=14), sender_name=station.name,
        )  # fmt: skip
        yield from _on_each(Alert("t", OURS, NOW, infos=(info,)), PostKind.PUBLISH, "typed", language, free=True)


def _fed(language: str) -> Iterator[Text]:
    for sender, each in FED:
        info = replace(each, expires=each.expires or NOW + timedelta(hours=9))
        yield from _on_each(Alert("f", sender, NOW, infos=(info,)), PostKind.PUBLISH, "feed", language, feed=True)


def _on_each(
    alert: Alert,
    kind: PostKind,
    phase: str,
    language: str,
    *,
    of: str = "",
    free: bool = False,
    feed: bool = False,
    **context: Any,
) -> Iterator[Text]:
    info, renderer = alert.infos[0], RENDERERS[language]
    previous: Alert | None = context.get("previous")
    about = previous.infos[0] if previous and kind is PostKind.END else info
    moment = Context("7x3k", NOW + timedelta(hours=1), **context)
    title = about.headline or about.event
    common: dict[str, Any] = {
        "about": f"{named(hazard_of(about), of)} {about.severity.value} {phase}: {title[:60]}",
        "language": language, "hazard": hazard_of(about), "severity": about.severity, "phase": phase, "kind": of,
        "free": free, "feed": feed, "source": "" if alert.sender == OURS else (info.sender_name or alert.sender),
    }  # fmt: skip
    for channel in CHANNELS:
        rendered = renderer.render(alert, kind, channel, context=moment)
        yield Text(where=channel.name, text=rendered.message.plain, **common)
        assert rendered.count <= rendered.limit, (common["about"], channel.name, rendered.count)
    told = renderer.tell(alert, kind, replace(PAGE, language=STATIONS[language].language), context=moment)
    yield Text(where="title", text=str(told["lead"]), **common)
    yield Text(where="summary", text=in_short(told), **common)
    yield Text(where="card", text=_card(told, about.severity), **common)


def _card(told: dict[str, Any], severity: Severity) -> str:
    card = card_of(told, severity)
    lines = (card.label, card.heading, card.area, card.when, card.do, card.station, f"[{card_alt(told)}]")
    return "\n".join(line for line in lines if line)


@dataclass(frozen=True, slots=True)
class Group:
    """What several say alike, told once: of one hazard and phase, with what each of them adds to it."""

    heading: str
    text: str
    said_by: tuple[Text, ...]

    def line(self) -> str:
        """On one line, with a mark where what is first seen of it ends."""
        wheres = dict.fromkeys(f"{text.where}{_plus(text)}" for text in self.said_by)
        grave = dict.fromkeys(text.severity.value for text in self.said_by)
        values = dict.fromkeys(name for text in self.said_by for name in _values(text))
        first = self.said_by[0]
        end = FIRST_SEEN - first.text.index(_bare(first)[:10]) - max(len(_label(first)) - 1, 0)
        marked = f"{self.text[:end]}|{self.text[end:]}" if len(self.text) > end else self.text
        said = " / ".join(line for line in marked.split("\n") if line.strip("|"))
        names = f" ({_VALUE} = {', '.join(values)})" if values else ""
        return f"- {', '.join(wheres)} [{', '.join(grave)}]{names} {said}"


_VALUE = "◇"
_LINK = re.compile(
    r"\n+(?:Plus d’informations|More information|More)?[ \u00a0:]*https://alertes\.saint-martin\.fr/\S+$"
)
_GRAVITY = re.compile(r"Le danger passe d[^.]+\.|La vigilance passe d[^.]+\.|Danger (?:raised|lowered|reduced)[^.]+\.")


def groups(texts: Iterable[Text]) -> list[Group]:
    """All of them, each distinct one once: hazard by hazard, in the order in which an alert lives."""
    found: dict[tuple[str, str], list[Text]] = {}
    whole: dict[tuple[str, str, str], str] = {}
    for text in texts:
        core = _core(text)
        holder = whole.get((text.language, text.about, _HELD_BY.get(text.where, "")))
        if holder and all(line in holder for line in core.split("\n") if line not in _ABOVE_A_CARD):
            core = holder
        whole.setdefault((text.language, text.about, text.where), core)
        found.setdefault((_heading(text), core), []).append(text)
    order = {heading: n for n, heading in enumerate(dict.fromkeys(heading for heading, _ in found))}
    told = [Group(heading, core, tuple(said_by)) for (heading, core), said_by in found.items()]
    return sorted(told, key=lambda group: (order[group.heading], _PLACES.index(group.said_by[0].where)))


_HELD_BY = {"title": "page", "card": "summary"}
"""What says nothing that another doesn't stands beside it: a card only where its label and all its lines are there."""
_ABOVE_A_CARD = (_VALUE,)
_PLACES = [*(channel.name for channel in CHANNELS), "title", "summary", "card"]


def _heading(text: Text) -> str:
    if text.free or text.feed:
        return f"{text.language}: {text.about}"
    return f"{text.language}: {named(text.hazard, text.kind)}, {text.phase}"


def named(hazard: Hazard, kind: str) -> str:
    """A hazard, and which kind of it where that has words of its own."""
    return f"{hazard.value} ({kind})" if kind else hazard.value


def _label(text: Text) -> str:
    """How grave it is called at the head of the text; ends say none."""
    head = re.split(" – |\n", _bare(text), maxsplit=1)
    return head[0] if text.phase in ("publish", "update", "typed") and len(head) > 1 else ""


def _bare(text: Text) -> str:
    """Without what frames it: the town's name before or after, and the link."""
    bare = _LINK.sub("", text.text)
    name = STATIONS[text.language].name
    bare = re.sub(rf"^{name}\n+|\n{name}$", "", bare)
    if text.where == "card":  # its words for those who don't see it, which are the summary's in short
        bare = re.sub(rf"\n{name}\n\[.*\]$", "", bare, flags=re.DOTALL)
    return bare.strip("\n")


def _values(text: Text) -> list[str]:
    """What differs by severity alone: how grave it is called, and that this changes."""
    return [*filter(None, [_label(text)]), *_GRAVITY.findall(_bare(text))]


def _core(text: Text) -> str:
    core = _bare(text)
    for value in sorted(_values(text), key=len, reverse=True):
        core = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", _VALUE, core)
    return core


def _plus(text: Text) -> str:
    """What frames it there."""
    name = STATIONS[text.language].name
    town = name in text.text and name not in _bare(text) and text.where != "card"
    return " +town" * town + " +link" * bool(_LINK.search(text.text))


def main(path: Path) -> None:
    """Write them all, each distinct text once and on one line."""
    from tests.texts_elsewhere import elsewhere  # which takes its alerts from here
    from tests.texts_walk import unsaid

    path.parent.mkdir(parents=True, exist_ok=True)
    lines, heading = [_HOW_TO_READ], ""
    for group in groups(said()):
        if group.heading != heading:
            heading = group.heading
            lines.append(f"\n## {heading}\n")
        lines.append(group.line())
    for heading, told in elsewhere():
        lines += [f"\n## {heading}\n", *(f"- {line}" for line in dict.fromkeys(told))]
    printed = "\n".join(lines)
    for language in STATIONS:
        lines.append(f"\n## {language}: words of the templates that no text above has\n")
        lines += [f"- {line}" for line in unsaid(language, printed)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"{path}\n")


_HOW_TO_READ = f"""# Every text that people may read

A line is a text: who says it (+town: signed with the town's name, +link: with the alert's address), at which
severities, and the words. " / " is a new line, "|" ends what is first seen of it ({FIRST_SEEN} characters), "{_VALUE}"
is what differs by severity alone. A title that stands beside another text is its first line, a card beside a summary
has its words. A summary is what the page, the Atom feed, a link's preview and a notification say. Behind them stand
locked telephones, letters, panels, residents' reports, what sources of each kind make, the bot, words in the code
itself, every sentence of the catalogues with where it is said, and what the templates have and no text above says."""


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/texts.md"))
